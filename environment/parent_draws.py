"""How much of each approved parent order its children have drawn, at the last door."""

import msgspec

from environment.messages import (
    Leg,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderRefused,
)
from environment.structures import units_done


class Drawn(msgspec.Struct):
    """One order of a parent: what has traded, and what it may come to at most."""

    parent: str
    at_most: int
    filled: int = 0
    is_accepted: bool = False
    legs: tuple[Leg, ...] = ()  # Of a structure: all lots are units of it, and fills its legs'.
    leg_lots: dict[str, int] = {}


class ParentDraws(msgspec.Struct):
    """Part of a venue's state: filled, working and unknown lots never exceed what was approved.

    An order counts in full from the moment it is let through, and with the largest quantity that it
    was ever given; only the venue's own word that its rest is out of the market gives that back.
    """

    orders: dict[str, Drawn] = {}
    drawn: dict[str, int] = {}  # Lots, by parent.

    def claim(
        self, order_id: str, parent: str, lots: int, approved: int, legs: tuple[Leg, ...] = ()
    ) -> str:
        """Take lots of a parent for an order (in all, if it is known); return why not, or ""."""
        before = self.orders.get(order_id)
        if before is not None and before.parent != parent:
            return f"decision: {order_id} belongs to {before.parent}"
        more = max(lots - before.at_most, 0) if before is not None else lots
        if self.drawn.get(parent, 0) + more > approved:
            return (
                f"decision: covers {approved}, {self.drawn.get(parent, 0)} of them are drawn and"
                f" {order_id} asks for {more}"
            )
        if before is None:
            self.orders[order_id] = Drawn(parent, lots, legs=legs)
        else:
            before.at_most += more
        self.drawn[parent] = self.drawn.get(parent, 0) + more
        return ""

    def follow(self, event: OrderEvent) -> None:
        """Give back what the venue says can no longer trade."""
        order = self.orders.get(event.order_id)
        if order is None:
            return
        match event:
            case OrderAccepted():
                order.is_accepted = True
            case OrderFilled(quantity=quantity, instrument=symbol):
                order.is_accepted = True
                order.leg_lots[symbol] = order.leg_lots.get(symbol, 0) + quantity
                legs = order.legs
                order.filled = units_done(legs, order.leg_lots) if legs else order.leg_lots[symbol]
            case OrderRefused() if not order.is_accepted:
                self._settle(order, order.filled)
            case OrderCancelled(quantity=left):
                # Fills may still be on the way, so they are not counted from here.
                self._settle(order, order.at_most - left)
            case _:
                pass

    def _settle(self, order: Drawn, at_most: int) -> None:
        at_most = min(max(at_most, order.filled), order.at_most)
        self.drawn[order.parent] -= order.at_most - at_most
        order.at_most = at_most
