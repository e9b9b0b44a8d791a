"""What an analyst keeps of one instrument: minutes of the mid, items read, and figures of both."""

import itertools
import math
from typing import Final

import msgspec

from agents.instrument_view import InstrumentView
from environment.messages import QuoteUpdate
from environment.text_messages import NewsItem

_MINUTE_NS: Final = 60_000_000_000
_MOST_MINUTES: Final = 480
_MOST_ITEMS: Final = 16
_MINUTES_A_YEAR: Final = 252 * 390  # Of trading.


class Noted(msgspec.Struct, frozen=True):
    """An item as it was heard, and the envelope that it came in."""

    item: NewsItem
    envelope_id: int


class Notes(msgspec.Struct):
    """The notes on one instrument; part of an analyst's state."""

    view: InstrumentView
    minutes: list[tuple[int, int]] = []  # (minute, twice the mid in ticks), the last of each.
    items: list[Noted] = []
    unread: int = 0  # Items since the last question.

    def hear_quote(self, quote: QuoteUpdate, now_ns: int) -> None:
        """Take the touch in, and the mid of its minute."""
        self.view.hear(quote, now_ns)
        twice_mid = self.view.twice_mid
        if twice_mid is None or not self.view.is_continuous:
            return
        minute = now_ns // _MINUTE_NS
        if self.minutes and self.minutes[-1][0] == minute:
            self.minutes[-1] = (minute, twice_mid)
        else:
            self.minutes.append((minute, twice_mid))
            del self.minutes[:-_MOST_MINUTES]

    def hear_item(self, item: NewsItem, envelope_id: int) -> None:
        """Take an item in."""
        self.items.append(Noted(item, envelope_id))
        del self.items[:-_MOST_ITEMS]
        self.unread += 1

    def move(self, minutes: int) -> float | None:
        """Return the change of the mid over so many minutes, as a fraction, or None if unknown."""
        if not self.minutes:
            return None
        last_minute, last = self.minutes[-1]
        for minute, twice_mid in reversed(self.minutes):
            if minute <= last_minute - minutes:
                return last / twice_mid - 1.0
        return None

    def volatility(self, minutes: int) -> float | None:
        """Return the realised volatility of the last minutes, per year, or None with too few."""
        mids = [twice_mid for _, twice_mid in self.minutes[-minutes - 1 :]]
        if len(mids) < minutes // 2 + 2:
            return None
        squares = [math.log(b / a) ** 2 for a, b in itertools.pairwise(mids)]
        return math.sqrt(sum(squares) / len(squares) * _MINUTES_A_YEAR)

    def share_of_rises(self, minutes: int) -> float | None:
        """Return which share of the last minutes' moves, by size, were rises, or None."""
        mids = [twice_mid for _, twice_mid in self.minutes[-minutes - 1 :]]
        moves = [b - a for a, b in itertools.pairwise(mids)]
        total = sum(abs(move) for move in moves)
        if len(moves) < minutes or not total:
            return None
        return sum(move for move in moves if move > 0) / total
