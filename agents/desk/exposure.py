"""Who holds what, and what approved orders could still add: the desk's book, kept in O(1) an event.

An order reserves its lots from approval on, not from acknowledgement, and gives them back when it
is filled or over.
"""

import msgspec

from agents.desk.allocation import moves_of, shared_moves
from agents.orders import Terms, TrackedOrder, split_order_id
from environment.errors import Defect
from environment.messages import (
    Leg,
    OpenOrder,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    Resumed,
    Side,
)
from environment.venue_messages import PositionMoved

ORDER_EVENTS = (
    OrderAccepted, OrderRefused, OrderFilled, OrderCancelled, OrderReplaced, OrderTriggered,
)  # fmt: skip


class Exposure(msgspec.Struct):
    """Lots of one instrument: the position, and what working orders could add on each side."""

    position: int = 0
    buying: int = 0
    selling: int = 0

    def reach(self, side: Side) -> int:
        """Return the lots held in a side's direction if all orders of that side were filled."""
        return self.position + self.buying if side == "buy" else self.selling - self.position

    def largest(self) -> int:
        """Return the larger of the two reaches, 0 or more."""
        return max(self.reach("buy"), self.reach("sell"))

    def without(self, order: TrackedOrder, leg: Leg) -> "Exposure":
        """Return what would stand if an order reserved nothing for one of its legs."""
        at_most, is_buy = order.at_most() * leg.ratio, leg.side == "buy"
        return Exposure(
            self.position,
            self.buying - (at_most if is_buy else 0),
            self.selling - (0 if is_buy else at_most),
        )


class DeskBook(msgspec.Struct):
    """Open orders, and exposures of the account and of each owner by instrument."""

    orders: dict[str, TrackedOrder] = {}
    account: dict[str, Exposure] = {}
    owners: dict[str, dict[str, Exposure]] = {}
    unexplained_fills: int = 0  # Fills of orders that were not open; they count as positions.

    def account_in(self, symbol: str) -> Exposure:
        """Return the account's exposure in an instrument."""
        held = self.account.get(symbol)
        if held is None:
            held = self.account[symbol] = Exposure()
        return held

    def owner_in(self, owner: str, symbol: str) -> Exposure:
        """Return an owner's exposure in an instrument."""
        exposures = self.owners.setdefault(owner, {})
        held = exposures.get(symbol)
        if held is None:
            held = exposures[symbol] = Exposure()
        return held

    def net(self) -> dict[str, int]:
        """Return the account's lots by instrument, every working order counted as filled."""
        return {
            symbol: held.position + held.buying - held.selling
            for symbol, held in self.account.items()
        }

    def reserve(self, order: TrackedOrder) -> None:
        """Count an order that was just approved."""
        self.orders[order.order_id] = order
        self._change(order, 0, 0)

    def ask(self, order_id: str, terms: Terms | None) -> None:
        """Note that a replace (its terms) or a cancel (None) is going to the venue."""
        order = self.orders.get(order_id)
        if order is not None:
            before = order.at_most()
            order.asked.append(terms)
            self._change(order, before, 0)

    def shrink(self, order_id: str, quantity: int) -> None:
        """Give back what people took off an order of which nothing works at present."""
        order = self.orders[order_id]
        before = order.at_most()
        order.terms = Terms(quantity, order.terms.price)
        self._change(order, before, 0)

    def follow(self, event: OrderEvent) -> None:
        """Take an event of the venue in."""
        order = self.orders.get(event.order_id)
        if order is None:
            if isinstance(event, OrderFilled):
                self._fill_unexplained(event)
            return
        before = order.at_most()
        filled = order.follow(event)
        if order.legs and isinstance(event, OrderFilled):
            self._move(event)
            filled = 0  # Its legs move positions, each as it is told.
        self._change(order, before, filled)
        if order.is_over:
            del self.orders[order.order_id]

    def move(self, event: PositionMoved) -> None:
        """Take in what a night changed: the account's, and each owner's share of it."""
        for symbol, change in moves_of(event):
            self.account_in(symbol).position += change
        held = {
            owner: {symbol: one.position for symbol, one in exposures.items()}
            for owner, exposures in self.owners.items()
        }
        for owner, changes in shared_moves(event, held).items():
            for symbol, change in changes.items():
                self.owner_in(owner, symbol).position += change

    def resumed(self, owner: str) -> Resumed:
        """Return what an owner has in the market, as the first message of a new incarnation."""
        held = self.owners.get(owner, {})
        mine = [
            order for order in self.orders.values()
            if order.ended_at is None and owner_of(order.order_id) == owner
        ]  # fmt: skip
        return Resumed(
            open_orders=tuple(
                OpenOrder(
                    order_id=order.order_id,
                    instrument=order.instrument,
                    side=order.side,
                    price=order.terms.price,
                    leaves=order.terms.quantity - order.filled,
                    legs=order.legs,
                )
                for order in mine
            ),
            positions={symbol: held[symbol].position for symbol in held if held[symbol].position},
        )

    def _change(self, order: TrackedOrder, before: int, filled: int) -> None:
        units = order.at_most() - before
        owner = owner_of(order.order_id)
        for leg in order.each_leg():
            is_buy, reserved, traded = leg.side == "buy", units * leg.ratio, filled * leg.ratio
            for exposure in (
                self.account_in(leg.instrument), self.owner_in(owner, leg.instrument)
            ):  # fmt: skip
                if traded:
                    exposure.position += traded if is_buy else -traded
                if is_buy:
                    exposure.buying += reserved
                else:
                    exposure.selling += reserved
                if exposure.buying < 0 or exposure.selling < 0:
                    raise Defect(
                        f"{order.order_id}: expected reservations of 0 or more, found {exposure}."
                    )

    def _fill_unexplained(self, event: OrderFilled) -> None:
        """A fill is money whoever can explain it: the position counts it."""
        self.unexplained_fills += 1
        self._move(event)

    def _move(self, event: OrderFilled) -> None:
        signed = event.quantity if event.side == "buy" else -event.quantity
        self.account_in(event.instrument).position += signed
        self.owner_in(owner_of(event.order_id), event.instrument).position += signed


def owner_of(order_id: str) -> str:
    """Return whose order it is; the empty name where the id says nobody."""
    parts = split_order_id(order_id)
    return parts[0] if parts else ""
