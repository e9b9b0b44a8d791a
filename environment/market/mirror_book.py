"""An order-level book for recorded order flow: it holds what it is told and matches nothing.

Levels of a side lie in one sorted run, worst first and best last, since most changes touch the
best; each level is a first-in first-out chain of orders. Prices are stored as keys that rise toward
the better price on both sides. Everything is flat int64 arrays, so that one compiled call can apply
a whole day.

    head   (8,)                 what the book counts
    levels (2 * capacity, 6)    bids in the first half, asks in the second
    orders (capacity, 8)        free rows are chained through OR_NEXT
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from environment.compiled import njit
from environment.market.layout import BUY, NONE

Ints = NDArray[np.int64]

HB_BIDS, HB_ASKS, HB_FREE, HB_BUMP, HB_LIVE, HB_ANONYMOUS = range(6)
HEAD_WORDS: Final = 8
LV_KEY, LV_QUANTITY, LV_FIRST, LV_LAST, LV_ANONYMOUS, LV_ORDERS = range(6)
LEVEL_WORDS: Final = 6
OR_ID, OR_SIDE, OR_PRICE, OR_QUANTITY, OR_PREVIOUS, OR_NEXT, OR_INDEX, OR_SEQUENCE = range(8)
ORDER_WORDS: Final = 8


def make_book(levels: int, orders: int) -> tuple[Ints, Ints, Ints]:
    """Return an empty book: (head, levels, orders) with room for so many rows a side."""
    head = np.zeros(HEAD_WORDS, np.int64)
    head[HB_FREE] = NONE
    return head, np.zeros((2 * levels, LEVEL_WORDS), np.int64), np.zeros((orders, 8), np.int64)


@njit
def level_key(side: int, price: int) -> int:
    """Return the price as a key that rises toward the better price; its own inverse."""
    return price if side == BUY else -price


@njit
def level_base(levels: Ints, side: int) -> int:
    """Return the first row of a side."""
    return 0 if side == BUY else levels.shape[0] // 2


@njit
def find_level(head: Ints, levels: Ints, side: int, key: int) -> int:
    """Return the row of a level, or -1 - (the row at which it would be inserted)."""
    low = level_base(levels, side)
    high = low + int(head[HB_BIDS + side])
    while low < high:
        middle = (low + high) // 2
        found = levels[middle, LV_KEY]
        if found == key:
            return middle
        if found < key:
            low = middle + 1
        else:
            high = middle
    return -1 - low


@njit
def best_level(head: Ints, levels: Ints, side: int) -> int:
    """Return the row of the best level of a side, or NONE."""
    count = head[HB_BIDS + side]
    return NONE if count == 0 else level_base(levels, side) + int(count) - 1


@njit
def insert_level(head: Ints, levels: Ints, side: int, row: int, key: int) -> None:
    """Open an empty level at `row`; better levels move up by one."""
    last = level_base(levels, side) + head[HB_BIDS + side]
    for moved in range(last, row, -1):
        for word in range(LEVEL_WORDS):
            levels[moved, word] = levels[moved - 1, word]
    levels[row, LV_KEY] = key
    levels[row, LV_QUANTITY] = 0
    levels[row, LV_FIRST] = NONE
    levels[row, LV_LAST] = NONE
    levels[row, LV_ANONYMOUS] = NONE
    levels[row, LV_ORDERS] = 0
    head[HB_BIDS + side] += 1


@njit
def remove_level(head: Ints, levels: Ints, side: int, row: int) -> None:
    """Close a level that has no orders; better levels move down by one."""
    last = level_base(levels, side) + head[HB_BIDS + side] - 1
    for moved in range(row, last):
        for word in range(LEVEL_WORDS):
            levels[moved, word] = levels[moved + 1, word]
    head[HB_BIDS + side] -= 1


@njit
def add_order(
    head: Ints, levels: Ints, orders: Ints, side: int, price: int, quantity: int, index: int
) -> int:
    """Queue an order last at its price and return its slot; the caller made sure of room.

    `index` NONE makes it the anonymous order of a level that has none and no other order.
    """
    slot = int(head[HB_FREE])
    if slot == NONE:
        slot = int(head[HB_BUMP])
        head[HB_BUMP] += 1
    else:
        head[HB_FREE] = orders[slot, OR_NEXT]
    key = level_key(side, price)
    row = find_level(head, levels, side, key)
    if row < 0:
        row = -1 - row
        insert_level(head, levels, side, row, key)
    orders[slot, OR_SIDE] = side
    orders[slot, OR_PRICE] = price
    orders[slot, OR_QUANTITY] = quantity
    orders[slot, OR_INDEX] = index
    last = levels[row, LV_LAST]
    orders[slot, OR_PREVIOUS] = last
    orders[slot, OR_NEXT] = NONE
    if last == NONE:
        levels[row, LV_FIRST] = slot
    else:
        orders[last, OR_NEXT] = slot
    levels[row, LV_LAST] = slot
    levels[row, LV_QUANTITY] += quantity
    levels[row, LV_ORDERS] += 1
    head[HB_LIVE] += 1
    if index == NONE:
        head[HB_ANONYMOUS] += 1
        levels[row, LV_ANONYMOUS] = slot
        orders[slot, OR_ID] = -head[HB_ANONYMOUS]
    return slot


@njit
def reduce_order(head: Ints, levels: Ints, orders: Ints, slot: int, quantity: int) -> int:
    """Take `quantity` off an order, at most what it has; return what is left.

    At nothing left the order and, if it was the last, its level are gone and the slot is free.
    """
    side = orders[slot, OR_SIDE]
    row = find_level(head, levels, side, level_key(side, orders[slot, OR_PRICE]))
    taken = min(quantity, orders[slot, OR_QUANTITY])
    orders[slot, OR_QUANTITY] -= taken
    levels[row, LV_QUANTITY] -= taken
    left = int(orders[slot, OR_QUANTITY])
    if left == 0:
        previous, after = orders[slot, OR_PREVIOUS], orders[slot, OR_NEXT]
        if previous == NONE:
            levels[row, LV_FIRST] = after
        else:
            orders[previous, OR_NEXT] = after
        if after == NONE:
            levels[row, LV_LAST] = previous
        else:
            orders[after, OR_PREVIOUS] = previous
        if levels[row, LV_ANONYMOUS] == slot:
            levels[row, LV_ANONYMOUS] = NONE
        levels[row, LV_ORDERS] -= 1
        orders[slot, OR_NEXT] = head[HB_FREE]
        head[HB_FREE] = slot
        head[HB_LIVE] -= 1
        if levels[row, LV_ORDERS] == 0:
            remove_level(head, levels, side, row)
    return left


@njit
def resize_order(head: Ints, levels: Ints, orders: Ints, slot: int, quantity: int) -> None:
    """Set an order's quantity where it stands, larger or smaller; its place is kept."""
    change = quantity - orders[slot, OR_QUANTITY]
    if change <= 0:
        reduce_order(head, levels, orders, slot, -change)
        return
    side = orders[slot, OR_SIDE]
    row = find_level(head, levels, side, level_key(side, orders[slot, OR_PRICE]))
    orders[slot, OR_QUANTITY] = quantity
    levels[row, LV_QUANTITY] += change


@njit
def is_crossed(head: Ints, levels: Ints) -> bool:
    """Return whether the best bid is at or above the best ask: a locked book counts."""
    bid, ask = best_level(head, levels, 0), best_level(head, levels, 1)
    if bid == NONE or ask == NONE:
        return False
    return bool(levels[bid, LV_KEY] >= -levels[ask, LV_KEY])
