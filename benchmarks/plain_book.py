"""A plain compiled order book: add, cancel and market orders, and nothing else.

The yardstick of `order_book.py`: price levels in an array, first-in-first-out lists through the
orders, the best price found by walking, trades written to a ring. No accounts, no other order types.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from environment.compiled import njit

LEVELS = 16_384
RING = 1 << 16
ADD, CANCEL = 0, 1
Integers = NDArray[np.int64]


@njit
def _rest(heads: Any, tails: Any, quantities: Any, orders: Any, number: int, row: int) -> None:
    # An order: level row, quantity, previous, next (numbers plus one, 0 for none).
    orders[number, 0] = row
    orders[number, 2] = tails[row]
    orders[number, 3] = 0
    if tails[row] == 0:
        heads[row] = number + 1
    else:
        orders[tails[row] - 1, 3] = number + 1
    tails[row] = number + 1
    quantities[row] += orders[number, 1]


@njit
def _unlink(heads: Any, tails: Any, quantities: Any, orders: Any, number: int) -> None:
    row, before, after = orders[number, 0], orders[number, 2], orders[number, 3]
    if before == 0:
        heads[row] = after
    else:
        orders[before - 1, 3] = after
    if after == 0:
        tails[row] = before
    else:
        orders[after - 1, 2] = before
    quantities[row] -= orders[number, 1]
    orders[number, 1] = 0


@njit
def replay_plain(
    kinds: Integers, sides: Integers, prices: Integers, quantities: Integers, numbers: Integers,
    orders: Integers, ring: Integers,
) -> tuple[int, int]:  # fmt: skip
    """Apply a whole stream. Returns (trades, live orders at the end).

    Parameters
    ----------
    orders : zeroed array of shape (order numbers, 4)
    ring : array of shape (a power of two, 4)
        Receives maker, taker, price and quantity of each trade.
    """
    heads = np.zeros(2 * LEVELS, np.int64)
    tails = np.zeros(2 * LEVELS, np.int64)
    visible = np.zeros(2 * LEVELS, np.int64)
    bid, ask = -1, LEVELS
    trades = live = 0
    mask = len(ring) - 1
    for k in range(len(kinds)):
        number, side = numbers[k], sides[k]
        if kinds[k] == CANCEL:
            if orders[number, 1] > 0:
                _unlink(heads, tails, visible, orders, number)
                live -= 1
            continue
        left, price = quantities[k], prices[k]
        limit = price
        if kinds[k] != ADD:
            limit = LEVELS if side == 0 else -1
        while left > 0:
            if side == 0:
                while ask < LEVELS and heads[LEVELS + ask] == 0:
                    ask += 1
                if ask >= LEVELS or ask > limit:
                    break
                row, at_price = LEVELS + ask, ask
            else:
                while bid >= 0 and heads[bid] == 0:
                    bid -= 1
                if bid < 0 or bid < limit:
                    break
                row, at_price = bid, bid
            maker = heads[row] - 1
            quantity = min(left, orders[maker, 1])
            place = trades & mask
            ring[place, 0], ring[place, 1] = maker, number
            ring[place, 2], ring[place, 3] = at_price, quantity
            trades += 1
            left -= quantity
            if quantity == orders[maker, 1]:
                _unlink(heads, tails, visible, orders, maker)
                live -= 1
            else:
                orders[maker, 1] -= quantity
                visible[row] -= quantity
        if left > 0 and kinds[k] == ADD:
            orders[number, 1] = left
            _rest(heads, tails, visible, orders, number, price if side == 0 else LEVELS + price)
            live += 1
            if side == 0:
                bid = max(bid, price)
            else:
                ask = min(ask, price)
    return trades, live
