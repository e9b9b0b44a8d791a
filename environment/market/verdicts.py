"""What the core asks the broker before an order of a margined account enters, and the answer."""

from collections.abc import Callable
from typing import NamedTuple

from environment.market import layout as at
from environment.market.arena import Arena, view
from environment.market.heap import A_MASK, KIND_SHIFT

_SLOT = (1 << 32) - 1  # Of an order's public id.


class Asked(NamedTuple):
    """An order that waits for a verdict, as it is or as a replace would make it.

    `price` is in ticks, beyond MAX_PRICE for an order without one; `replaces` is the slot of the
    order that it would take the place of, or NONE.
    """

    account: int
    instrument: int
    side: int
    price: int
    quantity: int
    replaces: int


Judge = Callable[[Asked], bool]


def give_verdict(arena: Arena, judge: Judge | None) -> None:
    """Write whether the order that is the core's next event may enter."""
    event = view(arena, at.S_HEAP)[0].tolist()
    kind, slot = event[at.HEAP_KIND_A] >> KIND_SHIFT, event[at.HEAP_KIND_A] & A_MASK
    orders, cold = view(arena, at.S_ORDER), view(arena, at.S_COLD)
    price, quantity = int(orders[slot, at.O_PRICE]), int(orders[slot, at.O_LEAVES])
    replaces = at.NONE
    if kind == at.E_REPLACE:  # The event's order is a form that carries price and total quantity.
        slot = replaces = event[at.HEAP_B] & _SLOT
        price = price or int(orders[slot, at.O_PRICE])
        quantity -= int(cold[slot, at.C_FILLED])
    meta = int(orders[slot, at.O_META])
    asked = Asked(
        account=int(orders[slot, at.O_ACCOUNT]),
        instrument=meta & ((1 << at.META_INSTRUMENT_BITS) - 1),
        side=(meta >> at.SIDE_SHIFT) & 1, price=price, quantity=quantity, replaces=replaces,
    )  # fmt: skip
    arena[at.H_JUDGED] = int(cold[slot, at.C_GENERATION]) << 32 | slot
    arena[at.H_VERDICT] = int(judge is None or judge(asked))
