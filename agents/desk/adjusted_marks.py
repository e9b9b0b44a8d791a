"""What an adjusted series is worth until it is quoted under its new name."""

from collections.abc import Mapping

import msgspec

from environment.instruments import Instrument, half_even
from environment.venue_messages import PositionMoved


class AdjustedMarks(msgspec.Struct):
    """Worth of a lot of each adjusted series, micros, until its terms are known.

    An adjustment changes names, strikes and numbers, and nobody's wealth; the new terms come with
    the night's statement, the new quotes with the next day.
    """

    worth_micros: dict[str, int] = {}

    def hear(
        self, event: PositionMoved, marks: dict[str, int], instruments: Mapping[str, Instrument]
    ) -> None:
        """Carry what was marked under the old name over to the new one, once that is known.

        `marks` are ticks, or any multiple of them that is the same for all.
        """
        old, lots = event.instrument, abs(event.into_change)
        if event.reason == "adjustment" and old in marks and old in instruments and lots:
            worth = instruments[old].notional_micros(marks[old], abs(event.change))
            self.worth_micros[event.into] = half_even(worth, lots)
        for symbol in [symbol for symbol in self.worth_micros if symbol in instruments]:
            worth = self.worth_micros.pop(symbol)
            if symbol not in marks:
                marks[symbol] = half_even(worth, instruments[symbol].notional_micros(1, 1))
