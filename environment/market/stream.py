"""A whole stream of orders and cancels through the exchange's door, in one compiled call.

What a recorded stream or a benchmark needs: events go straight to where the heap's arrivals go, one
after the other, a nanosecond apart.
"""

from environment.compiled import njit
from environment.market import layout as at
from environment.market.advance import after_change, need_room
from environment.market.entry import arrive, arrive_cancel, new_order
from environment.market.ladder import cold_row

ADD, CANCEL, MARKET_ORDER = range(3)


@njit
def replay_stream(arena, instrument, account, kinds, sides, prices, quantities, numbers, known, first):
    """Apply events from `first` on. Returns (code, next event): DONE, TAPE_FULL or NEED_ROOM.

    Parameters
    ----------
    account : int
        Buys belong to it, sells to the account after it.
    kinds, sides, prices, quantities, numbers : int64 arrays of shape (events,)
        0 add, 1 cancel, 2 market order; 0 buy, 1 sell; ticks; lots; the stream's own order number.
    known : int64 array over order numbers
        Receives each order's public id.
    """
    for k in range(first, len(kinds)):
        if arena[at.H_TAPE_COUNT] * 2 > arena[at.H_CAPACITY + at.S_TAPE]:
            return at.TAPE_FULL, k
        if arena[at.H_ORDER_BUMP] + 1 > arena[at.H_CAPACITY + at.S_ORDER]:
            arena[at.H_NEED_SECTION] = at.S_ORDER
            arena[at.H_NEED_ROWS] = arena[at.H_ORDER_BUMP] + 1
            return at.NEED_ROOM, k
        fills = 2 if kinds[k] == CANCEL else quantities[k] + 2
        if need_room(arena, fills, 0):
            return at.NEED_ROOM, k
        arena[at.H_NOW] += 1
        arena[at.H_EVENTS] += 1
        number = numbers[k]
        if kinds[k] == CANCEL:
            arrive_cancel(arena, known[number])
        else:
            side = sides[k]
            kind, price = at.LIMIT, prices[k]
            if kinds[k] == MARKET_ORDER:
                kind, price = at.MARKET, at.NO_ASK if side == 0 else at.NO_BID
            slot = new_order(arena, instrument, account + side, side, kind, at.DAY, at.ALLOW, 0,
                             price, quantities[k], 0, 0, 0, -1, number)  # fmt: skip
            known[number] = (arena[cold_row(arena, slot) + at.C_GENERATION] << 32) | slot
            arrive(arena, slot)
        after_change(arena, instrument)
    return at.DONE, len(kinds)
