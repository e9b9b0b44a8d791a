"""A stream of orders and cancels straight through the exchange's door: all at once, or one a call.

What a recorded stream or a benchmark needs: events go where the heap's arrivals go, one after the
other, a nanosecond apart. Self-trades are allowed, as in a stream that names nobody.
"""

from environment.compiled import inner, njit
from environment.market import layout as at
from environment.market.advance import after_change, need_room
from environment.market.bits import prefetch
from environment.market.entry import arrive, arrive_cancel, new_order
from environment.market.ladder import cold_row, order_row

ADD, CANCEL, MARKET_ORDER = range(3)
AHEAD = 6  # Events by which memory is asked for early.


@inner
def _lacks_room(arena, kind, quantity):
    if arena[at.H_ORDER_BUMP] + 1 > arena[at.H_CAPACITY + at.S_ORDER]:
        arena[at.H_NEED_SECTION] = at.S_ORDER
        arena[at.H_NEED_ROWS] = arena[at.H_ORDER_BUMP] + 1
        return True
    return need_room(arena, 2 if kind == CANCEL else quantity + 2, 0)


@inner
def _apply(arena, instrument, account, kind, side, price, quantity, identity):
    arena[at.H_NOW] += 1
    arena[at.H_EVENTS] += 1
    if kind == CANCEL:
        arrive_cancel(arena, identity)
        after_change(arena, instrument)
        return identity
    form = at.LIMIT
    if kind == MARKET_ORDER:
        form, price = at.MARKET, at.NO_ASK if side == 0 else at.NO_BID
    slot = new_order(arena, instrument, account, side, form, at.DAY, at.ALLOW, 0, price, quantity,
                     0, 0, 0, -1, 0)  # fmt: skip
    identity = (arena[cold_row(arena, slot) + at.C_GENERATION] << 32) | slot
    arrive(arena, slot)
    after_change(arena, instrument)
    return identity


@njit
def apply_event(arena, instrument, account, kind, side, price, quantity, identity):
    """Apply one event; return the order's public id, or -1: make room or flush the tape first."""
    if _lacks_room(arena, kind, quantity):
        return -1
    return _apply(arena, instrument, account, kind, side, price, quantity, identity)


@njit
def replay_stream(
    arena, instrument, account, kinds, sides, prices, quantities, numbers, known, first
):
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
        if _lacks_room(arena, kinds[k], quantities[k]):
            return at.NEED_ROOM, k
        if k + 2 * AHEAD < len(kinds):
            # A cancelled order was entered long ago: ask for it before its turn.
            prefetch(known, numbers[k + 2 * AHEAD])
            slot = known[numbers[k + AHEAD]] & 0xFFFFFFFF
            prefetch(arena, order_row(arena, slot))
            prefetch(arena, cold_row(arena, slot))
        known[numbers[k]] = _apply(arena, instrument, account + sides[k], kinds[k], sides[k],
                                   prices[k], quantities[k], known[numbers[k]])  # fmt: skip
    return at.DONE, len(kinds)
