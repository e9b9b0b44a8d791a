"""The one table of who owns which order, and what each owner and the account hold."""

from collections.abc import Iterator
from typing import Final

import msgspec

from agents.desk.allocation import moves_of, shared_moves
from agents.orders import TrackedOrder
from environment.messages import OpenOrder, OrderEvent, OrderFilled, Resumed, Side
from environment.venue_messages import PositionMoved

_ENDED_KEPT: Final = 1_000


class HeldOrder(msgspec.Struct):
    """One order between its owner and the venue.

    `sent_ns` is when the last command about it left, `session` in which of the venue's sessions.
    """

    client_id: str
    owner: str
    tracked: TrackedOrder
    sent_ns: int
    session: int
    is_unknown: bool = False

    @property
    def is_asking(self) -> bool:
        """Return whether a command about it has no answer."""
        tracked = self.tracked
        return tracked.ended_at is None and (not tracked.is_accepted or bool(tracked.asked))

    @property
    def leaves(self) -> int:
        """Return the lots that work, as far as was heard."""
        tracked = self.tracked
        return 0 if tracked.ended_at is not None else tracked.terms.quantity - tracked.filled


class OrderTable(msgspec.Struct):
    """Orders by client order id, and positions in lots.

    `ended` remembers the owners of the last orders that are over, for what is said too late.
    """

    orders: dict[str, HeldOrder] = {}
    client_ids: dict[str, str] = {}  # By the owner's id.
    ended: dict[str, str] = {}
    positions: dict[str, int] = {}
    owners: dict[str, dict[str, int]] = {}

    def take(self, held: HeldOrder) -> None:
        """Hold a new order."""
        self.orders[held.client_id] = held
        self.client_ids[held.tracked.order_id] = held.client_id

    def by_own_id(self, order_id: str) -> HeldOrder | None:
        """Return the order that its owner calls so."""
        return self.orders.get(self.client_ids.get(order_id, ""))

    def follow(self, held: HeldOrder, event: OrderEvent) -> None:
        """Take an event of a held order in."""
        tracked = held.tracked
        filled = tracked.follow(event)
        if isinstance(event, OrderFilled) and (filled or tracked.legs):
            self.add(event.instrument, event.side, event.quantity, held.owner)
        if not held.is_asking:
            held.is_unknown = False
        if tracked.is_over:
            del self.orders[held.client_id], self.client_ids[tracked.order_id]
            self.ended[held.client_id] = held.owner
            if len(self.ended) >= 2 * _ENDED_KEPT:
                for old in list(self.ended)[:_ENDED_KEPT]:
                    del self.ended[old]

    def fill_unowned(self, event: OrderFilled) -> None:
        """Count a fill of an order that is not held here: it is money, whoever sent it."""
        self.add(event.instrument, event.side, event.quantity, self.ended.get(event.order_id, ""))

    def add(self, instrument: str, side: Side, lots: int, owner: str) -> None:
        """Change what the account and an owner hold."""
        signed = lots if side == "buy" else -lots
        self.positions[instrument] = self.positions.get(instrument, 0) + signed
        if owner:
            held = self.owners.setdefault(owner, {})
            held[instrument] = held.get(instrument, 0) + signed

    def move(self, event: PositionMoved) -> None:
        """Take in what a night changed: the account's, and each owner's share of it."""
        for symbol, change in moves_of(event):
            self.positions[symbol] = self.positions.get(symbol, 0) + change
        for owner, changes in shared_moves(event, self.owners).items():
            held = self.owners[owner]
            for symbol, change in changes.items():
                held[symbol] = held.get(symbol, 0) + change

    def unknown(self) -> int:
        """Return how many orders have a command of unknown outcome."""
        return sum(held.is_unknown for held in self.orders.values())

    def of_owner(self, owner: str) -> Iterator[HeldOrder]:
        """Yield an owner's orders that have not left the market, oldest first."""
        for held in self.orders.values():
            if held.owner == owner and held.tracked.ended_at is None:
                yield held

    def only_reduces(self, held: HeldOrder) -> bool:
        """Return whether the account's position comes nearer to zero with all of its side filled.

        All orders of that side count, whoever sent them: together they must not cross zero.
        """
        return all(self._reduces_in(leg.instrument, leg.side) for leg in held.tracked.each_leg())

    def _reduces_in(self, instrument: str, side: Side) -> bool:
        position = self.positions.get(instrument, 0)
        if position == 0 or (position > 0) == (side == "buy"):
            return False
        working = sum(
            other.tracked.at_most() * leg.ratio
            for other in self.orders.values()
            for leg in other.tracked.each_leg()
            if (leg.instrument, leg.side) == (instrument, side)
        )
        return working <= abs(position)

    def resumed(self, owner: str) -> Resumed:
        """Return what an owner has in the market, as the first message of a new incarnation."""
        return Resumed(
            open_orders=tuple(
                OpenOrder(
                    order_id=held.tracked.order_id,
                    instrument=held.tracked.instrument,
                    side=held.tracked.side,
                    price=held.tracked.terms.price,
                    leaves=held.leaves,
                    legs=held.tracked.legs,
                )
                for held in self.of_owner(owner)
            ),
            positions={name: lots for name, lots in self.owners.get(owner, {}).items() if lots},
        )
