"""How execution works a structure: whole tries, at a net price that gives way as time passes."""

from collections.abc import Mapping
from typing import Final

from agents.desk.structure_quotes import LegQuotes, StructureTouch, unit_micros
from agents.desk.working_order import WorkingOrder
from agents.listing import series_of
from agents.orders import Terms
from environment.instruments import Instrument
from environment.messages import OrderRequest
from environment.option_messages import SeriesListed
from environment.structures import multiplier_of, weight_of

_MARKET: Final = frozenset({"market", "direct"})


class StructureWork:
    """Holds what does not change; the orders and quotes are execution's state."""

    def __init__(self, instruments: Mapping[str, Instrument], slices: int, patience: float) -> None:
        self.instruments = dict(instruments)
        self._slices = slices
        self._patience = patience

    def learn(self, listed: SeriesListed, kept: dict[str, Instrument]) -> None:
        """Take the terms of a series in that was not listed at the start, here and where kept."""
        if listed.instrument not in self.instruments:
            made = series_of(listed, self.instruments)
            self.instruments[made.symbol] = kept[made.symbol] = made

    def unit_micros(self, request: OrderRequest) -> int:
        """Return what a tick of one lot, or of a unit's net price, is worth."""
        if request.legs:
            return unit_micros(request.legs, self.instruments)
        return self.instruments[request.instrument].tick_value_micros

    def weights(self, request: OrderRequest) -> dict[str, float]:
        """Return what each leg's price counts in a unit's net price."""
        if not request.legs:
            return {}
        multiplier = multiplier_of(request.legs, self.instruments)
        return {
            leg.instrument: weight_of(leg, self.instruments[leg.instrument], multiplier)
            for leg in request.legs
        }

    def next_try(
        self, order: WorkingOrder, touch: StructureTouch | None, quotes: LegQuotes, now_ns: int
    ) -> Terms | None:
        """Return units and net price of the next try, or None where none is due.

        There is one a slice of the parent's time: the first at the middle of what the legs' touches
        come to, from `patience` of the time on at what trades at once; never worse than the
        parent's price, and for no more than is displayed.
        """
        if touch is None or touch.units < 1 or order.is_ending:
            return None
        if not order.has_arrival:  # The first market heard since it began.
            marks = quotes.marks()
            order.twice_arrival = touch.twice_mid
            order.premium_ticks = sum(
                abs(weight) * marks.get(symbol, 0) / 2.0 for symbol, weight in order.weights.items()
            )
        share = order.window.share(now_ns)
        current = min(int(share * self._slices), self._slices - 1)
        if current == order.slice:
            return None
        order.slice = current
        given = 1.0 if order.request.style in _MARKET else min(
            current / max(self._patience * self._slices, 1.0), 1.0
        )  # fmt: skip
        middle = touch.twice_mid / 2.0
        price = round(middle + given * (touch.far - middle))
        limit = order.request.price
        if limit is not None:
            price = min(price, limit)
        return Terms(min(order.leaves, touch.units), price)
