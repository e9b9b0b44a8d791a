"""A plain compiled order book: add, cancel and market orders, and nothing else.

The yardstick of `order_book.py`: price levels in an array, first-in-first-out lists through the
orders, an array from order number to slot, a list of free slots, the best price found by walking,
trades written to a ring. No accounts, no other order types.
"""

import numpy as np
from numpy.typing import NDArray

from environment.compiled import njit

Ints = NDArray[np.int64]

LEVELS = 16_384
SLOTS = 1 << 16
RING = 1 << 16
ADD, CANCEL = 0, 1
Integers = NDArray[np.int64]


@njit
def replay_plain(
    kinds: Integers, sides: Integers, prices: Integers, quantities: Integers, numbers: Integers,
    slot_of: Integers, ring: Integers,
) -> tuple[int, int]:  # fmt: skip
    """Apply a whole stream. Returns (trades, live orders at the end).

    Parameters
    ----------
    slot_of : array over order numbers, filled with -1
    ring : array of shape (a power of two, 4)
        Receives maker, taker, price and quantity of each trade.
    """
    head = np.full(2 * LEVELS, -1)
    tail = np.full(2 * LEVELS, -1)
    level = np.zeros(SLOTS, np.int64)
    left_of = np.zeros(SLOTS, np.int64)
    number_of = np.zeros(SLOTS, np.int64)
    before = np.zeros(SLOTS, np.int64)
    after = np.zeros(SLOTS, np.int64)
    free = np.arange(SLOTS)
    live, trades, bid, ask = 0, 0, -1, LEVELS
    for k in range(len(kinds)):
        number, side = numbers[k], sides[k]
        if kinds[k] == CANCEL:
            slot = slot_of[number]
            if slot >= 0:
                slot_of[number] = -1
                _unlink(head, tail, level, before, after, slot)
                live -= 1
                free[live] = slot
            continue
        left, limit = quantities[k], prices[k]
        if kinds[k] != ADD:
            limit = LEVELS if side == 0 else -1
        while left > 0:
            if side == 0:
                while ask < LEVELS and head[LEVELS + ask] < 0:
                    ask += 1
                if ask >= LEVELS or ask > limit:
                    break
                slot, price = head[LEVELS + ask], ask
            else:
                while bid >= 0 and head[bid] < 0:
                    bid -= 1
                if bid < 0 or bid < limit:
                    break
                slot, price = head[bid], bid
            quantity = min(left, left_of[slot])
            place = trades & (len(ring) - 1)
            ring[place, 0], ring[place, 1] = number_of[slot], number
            ring[place, 2], ring[place, 3] = price, quantity
            trades += 1
            left -= quantity
            left_of[slot] -= quantity
            if left_of[slot] == 0:
                slot_of[number_of[slot]] = -1
                _unlink(head, tail, level, before, after, slot)
                live -= 1
                free[live] = slot
        if left > 0 and kinds[k] == ADD:
            slot = free[live]
            live += 1
            slot_of[number] = slot
            row = limit if side == 0 else LEVELS + limit
            level[slot], left_of[slot], number_of[slot] = row, left, number
            before[slot], after[slot] = tail[row], -1
            if tail[row] < 0:
                head[row] = slot
            else:
                after[tail[row]] = slot
            tail[row] = slot
            if side == 0:
                bid = max(bid, limit)
            else:
                ask = min(ask, limit)
    return trades, live


@njit
def _unlink(head: Ints, tail: Ints, level: Ints, before: Ints, after: Ints, slot: int) -> None:
    row = level[slot]
    if before[slot] < 0:
        head[row] = after[slot]
    else:
        after[before[slot]] = after[slot]
    if after[slot] < 0:
        tail[row] = before[slot]
    else:
        before[after[slot]] = before[slot]
