"""What the account holds and has working, as the panel follows it from the desk's own messages."""

from typing import Final

import msgspec

from agents.orders import Terms, TrackedOrder
from environment.instruments import Instrument, half_even
from environment.messages import ApprovedOrder, ApprovedReplace, OrderEvent, OrderFilled, Side

_KEPT_OVER: Final = 200


class Holding(msgspec.Struct):
    """One instrument of the account: lots, what they cost, and what was made by closing them."""

    lots: int = 0
    cost_micros: int = 0  # Paid for the lots held; negative for lots sold short.
    realised_micros: int = 0  # Before fees.
    fees_micros: int = 0

    def trade(self, side: Side, quantity: int, value_micros: int) -> None:
        """Take a fill in: lots that close give back their share of the cost, the rest adds to it.

        `value_micros` is what the whole fill was worth.
        """
        signed = quantity if side == "buy" else -quantity
        closing = min(quantity, abs(self.lots)) if self.lots * signed < 0 else 0
        closed_value = half_even(value_micros * closing, quantity)
        if closing:
            cost = half_even(abs(self.cost_micros) * closing, abs(self.lots))
            was_long = self.lots > 0
            self.realised_micros += closed_value - cost if was_long else cost - closed_value
            self.cost_micros += -cost if was_long else cost
        opened = value_micros - closed_value
        self.cost_micros += opened if signed > 0 else -opened
        self.lots += signed


class Books:
    """Holdings by symbol, and orders by id. Nothing is decided by these: they are to be looked at.

    Holdings begin with what the account held when the panel began to listen.
    """

    def __init__(self, instruments: dict[str, Instrument], held: dict[str, int]) -> None:
        self._instruments = instruments
        self.holdings = {symbol: Holding(lots=lots) for symbol, lots in held.items()}
        self.orders: dict[str, TrackedOrder] = {}

    def approve(self, approved: ApprovedOrder | ApprovedReplace) -> None:
        """Follow an order from here on, or the other terms that it was given."""
        order = approved.order
        if isinstance(approved, ApprovedReplace):
            known = self.orders.get(order.order_id)
            if known is not None:
                known.asked.append(Terms(order.quantity, order.price))
            return
        request = approved.order
        terms = Terms(request.quantity, request.price)
        tracked = TrackedOrder(
            request.order_id, request.instrument, request.side, terms, legs=request.legs
        )
        self.orders[request.order_id] = tracked
        self._forget()

    def follow(self, event: OrderEvent) -> None:
        """Take a report of the venue in."""
        order = self.orders.get(event.order_id)
        if order is not None:
            order.follow(event)
        if not isinstance(event, OrderFilled):
            return
        instrument = self._instruments.get(event.instrument)
        if instrument is None:
            return
        value = instrument.notional_micros(event.price, event.quantity, half_tick=event.half_tick)
        holding = self.holdings.setdefault(event.instrument, Holding())
        holding.trade(event.side, event.quantity, value)
        holding.fees_micros += event.fee_micros

    def working(self) -> list[TrackedOrder]:
        """Return the orders that may still trade, oldest first."""
        return [order for order in self.orders.values() if not order.is_over]

    def _forget(self) -> None:
        if len(self.orders) > 2 * _KEPT_OVER:
            over = [name for name, order in self.orders.items() if order.is_over]
            for name in over[:-_KEPT_OVER]:
                del self.orders[name]
