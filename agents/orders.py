"""One order as its owner follows it, from the request to the last fill; and the owner's order ids.

Acknowledgements and fills of one order travel by ways of their own, so either may come first: a
cancel says how much was left, and the order is over when the fills before it have been heard too.
Only a cancel or a replace can be refused because the order is unknown: its end is on the way then.
"""

from functools import lru_cache
from typing import assert_never

import msgspec

from environment.messages import (
    Leg,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    Side,
)
from environment.structures import units_done


class Terms(msgspec.Struct, frozen=True):
    """What a replace can change: total lots (filled ones included) and the price in ticks."""

    quantity: int
    price: int | None


class TrackedOrder(msgspec.Struct):
    """One order, what was asked of the venue about it since, and what is known to have traded.

    `asked` holds replaces (their terms) and cancels (None) that the venue has not answered, oldest
    first: it answers in that order. An adopted order was sent by an earlier incarnation: only its
    leaves are known, so it can be cancelled and not replaced.

    Of an order with `legs` all counts but `leg_lots` are in units of the structure; its fills come
    leg by leg, and a unit has traded once all its legs have.
    """

    order_id: str
    instrument: str
    side: Side
    terms: Terms
    filled: int = 0
    is_accepted: bool = False
    is_adopted: bool = False
    asked: list[Terms | None] = []
    ended_at: int | None = None  # Lots that will have traded in all, once it has left the market.
    legs: tuple[Leg, ...] = ()
    leg_lots: dict[str, int] = {}  # What of each leg has traded.

    @property
    def is_over(self) -> bool:
        """Return whether nothing more will be heard of it that changes a position."""
        return self.ended_at is not None and self.filled >= self.ended_at

    @property
    def is_cancelling(self) -> bool:
        """Return whether a cancel is on its way."""
        return None in self.asked

    @property
    def is_replaceable(self) -> bool:
        """Return whether its owner may ask for other terms: one question at a time."""
        return self.is_accepted and not self.is_adopted and not self.asked

    def each_leg(self) -> tuple[Leg, ...]:
        """Return what one unit trades: its legs, or its one instrument."""
        return self.legs or alone(self.instrument, self.side)

    def wanted(self) -> Terms:
        """Return the terms it will have if every replace on its way is taken."""
        terms = self.terms
        for asked in self.asked:
            if asked is not None:
                price = terms.price if asked.price is None else asked.price
                terms = Terms(asked.quantity, price)
        return terms

    def at_most(self) -> int:
        """Return the lots that may still trade, whichever of the questions are answered yes."""
        if self.ended_at is not None:
            return max(self.ended_at - self.filled, 0)
        largest = self.terms.quantity
        for asked in self.asked:
            if asked is not None and asked.quantity > largest:
                largest = asked.quantity
        return max(largest - self.filled, 0)

    def follow(self, event: OrderEvent) -> int:
        """Take an event of this order in, and return the lots, or units, that it newly filled."""
        match event:
            case OrderFilled():
                return self._fill(event)
            case OrderRefused(reason=reason) if not (
                self.is_accepted or reason.startswith("unknown_order")
            ):
                self.ended_at = self.filled
            case OrderRefused():
                del self.asked[:1]
            case OrderAccepted(price=price, quantity=quantity):
                self.is_accepted = True
                self.terms = Terms(
                    self.terms.quantity if quantity is None else quantity,
                    self.terms.price if price is None else price,
                )
            case OrderReplaced(price=price):
                self._replace(price)
            case OrderCancelled(quantity=left):
                self.ended_at = max(self.terms.quantity - left, self.filled)
            case OrderTriggered():
                self.is_accepted = True
            case never:
                assert_never(never)
        return 0

    def _fill(self, event: OrderFilled) -> int:
        if self.legs:
            return self._fill_leg(event)
        if self.is_adopted and event.leaves >= self.terms.quantity - self.filled:
            return 0  # What was open at the restart has this fill taken off already.
        self.is_accepted = True
        self.filled += event.quantity
        if event.leaves == 0:
            self.ended_at = self.filled
        return event.quantity

    def _fill_leg(self, event: OrderFilled) -> int:
        ratio = next((leg.ratio for leg in self.legs if leg.instrument == event.instrument), 0)
        had = self.leg_lots.get(event.instrument, 0)
        if not ratio or (self.is_adopted and event.leaves >= self.terms.quantity * ratio - had):
            return 0  # As above.
        self.is_accepted = True
        self.leg_lots[event.instrument] = had + event.quantity
        before, self.filled = self.filled, units_done(self.legs, self.leg_lots)
        is_even = all(
            self.leg_lots.get(leg.instrument, 0) == self.filled * leg.ratio for leg in self.legs
        )
        if event.leaves == 0 and is_even:
            self.ended_at = self.filled
        return self.filled - before

    def _replace(self, price: int | None) -> None:
        """Take the terms that were asked for; without such, the market moved the price itself."""
        for index, asked in enumerate(self.asked):
            if asked is not None and asked.price in {None, price}:
                self.terms = Terms(asked.quantity, price)
                del self.asked[: index + 1]
                return
        self.terms = Terms(self.terms.quantity, price)


class OrderNumbers(msgspec.Struct):
    """Numbers of one actor's orders, rising over all its incarnations and process starts.

    An incarnation begins at the microsecond of its first order, which lies above every number of
    an earlier one that made fewer than a million orders a second.
    """

    last: int = 0

    def next_id(self, address: str, now_ns: int) -> str:
        """Return a client order id, `ADDRESS/NUMBER`."""
        self.last = self.last + 1 if self.last else now_ns // 1_000 + 1
        return f"{address}/{self.last}"


@lru_cache(maxsize=4_096)  # As below.
def alone(instrument: str, side: Side) -> tuple[Leg, ...]:
    """Return the one leg of an order that is no structure."""
    return (Leg(instrument=instrument, side=side),)


@lru_cache(maxsize=4_096)  # Asked several times on an order's way, which it is in.
def split_order_id(order_id: str) -> tuple[str, int] | None:
    """Return owner and number of a client order id, or None where it is none."""
    owner, _, number = order_id.rpartition("/")
    if not owner or not (number.isascii() and number.isdecimal()) or len(number) > 18:
        return None
    return owner, int(number)
