"""A recorded day as the rows that a matching market replays: one change of one recorded order each.

Both kinds of recording come down to the same few rows: an order rests, is executed, is reduced or
withdrawn; a print; a phase. LOBSTER's come from the mirror's tape, which has resolved anonymous and
forgotten orders. A feed of order states publishes a trade as changes of both orders, so there the
aggressor's changes are left out, and it rests when what it met is gone.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from environment.compiled import njit
from environment.market import layout as at
from environment.market.mirror import mirror
from environment.market.mirror_book import (
    LV_KEY,
    LV_QUANTITY,
    Ints,
    add_order,
    best_level,
    level_key,
    make_book,
    reduce_order,
)

(OP_TIME, OP_KIND, OP_ORDER, OP_SIDE, OP_PRICE, OP_QUANTITY, OP_FLAG) = range(7)
OP_WORDS: Final = 7
# FORGET: the order left the published window; nobody cancelled it.
(REST, FILL, CANCEL, REDUCE, FORGET, PRINT, PHASE) = range(7)
TO_BID, TO_BID_QUANTITY, TO_ASK, TO_ASK_QUANTITY = range(4)
_TAPE_KINDS: Final = {
    at.K_REST: REST,
    at.K_FILL: FILL,
    at.K_CANCEL: CANCEL,
    at.K_REDUCE: REDUCE,
    at.K_PRINT: PRINT,
    at.K_PHASE: PHASE,
}


@dataclass(frozen=True, slots=True, eq=False)
class RecordedDay:
    """A recording, ready to be replayed.

    Attributes
    ----------
    rows : int64 array of shape (n, 7)
        Time (ns), kind, order (0 to `orders` - 1), side, price (ticks), quantity (lots), flag: 1
        for the nameless order of a seeded level, a print's liquidity, the phase of a phase row.
    touches : int64 array of shape (n, 4)
        Recorded bid price and quantity, ask price and quantity after each row; absent ones are 0.
    """

    rows: Ints
    touches: Ints
    orders: int


@njit
def touches_of(rows: Ints, orders: int) -> Ints:
    """Return the touch of the recorded book after each row."""
    head, levels, slots = _book(orders)
    slot_of = np.full(orders, -1, np.int64)
    touches = np.zeros((len(rows), 4), np.int64)
    for place in range(len(rows)):
        kind, order = rows[place, OP_KIND], rows[place, OP_ORDER]
        if kind == REST:
            slot_of[order] = add_order(
                head, levels, slots, rows[place, OP_SIDE], rows[place, OP_PRICE],
                rows[place, OP_QUANTITY], order,
            )  # fmt: skip
        elif kind < PRINT and slot_of[order] >= 0:
            left = reduce_order(head, levels, slots, slot_of[order], rows[place, OP_QUANTITY])
            if left == 0:
                slot_of[order] = -1
        for side in range(2):
            best = best_level(head, levels, side)
            if best >= 0:
                touches[place, 2 * side] = level_key(side, levels[best, LV_KEY])
                touches[place, 2 * side + 1] = levels[best, LV_QUANTITY]
    return touches


@njit
def _book(orders: int) -> tuple[Ints, Ints, Ints]:
    head = np.zeros(8, np.int64)
    head[2] = -1  # No free slot yet, as `make_book` says it.
    return head, np.zeros((2 * (orders + 1), 6), np.int64), np.zeros((orders + 1, 8), np.int64)


def lobster_rows(messages: Ints, books: Ints | None, *, price_unit: int) -> RecordedDay:
    """Return a LOBSTER recording as rows.

    Parameters
    ----------
    messages, books : arrays as `environment.feeds.lobster.LobsterDay` holds them
    price_unit : int
        Ten-thousandths of the currency per tick: 100 for a tick of one cent.

    Raises
    ------
    ValueError
        If an order's price is no whole tick, or a print's no half tick.
    """
    tape = mirror(messages, books).tape
    ids, order = np.unique(tape[:, at.T_ORDER], return_inverse=True)
    rows = np.zeros((len(tape), OP_WORDS), np.int64)
    kinds = np.full(max(_TAPE_KINDS) + 1, -1, np.int64)
    kinds[list(_TAPE_KINDS)] = list(_TAPE_KINDS.values())
    rows[:, OP_TIME], rows[:, OP_KIND] = tape[:, at.T_TIME], kinds[tape[:, at.T_KIND]]
    rows[:, OP_ORDER], rows[:, OP_SIDE] = order, tape[:, at.T_SIDE]
    rows[:, OP_QUANTITY] = tape[:, at.T_QUANTITY]
    kind = rows[:, OP_KIND]
    withdrawn = (kind == CANCEL) & (tape[:, at.T_LIQUIDITY] == at.R_WITHDRAWN)
    rows[withdrawn, OP_KIND] = FORGET
    rows[:, OP_FLAG] = (kind == REST) & (tape[:, at.T_TYPE] >> 8 & at.F_ANONYMOUS != 0)
    prints, phases = kind == PRINT, kind == PHASE
    rows[phases, OP_FLAG] = tape[phases, at.T_TYPE]
    ticks, rest = np.divmod(tape[:, at.T_PRICE], price_unit)
    half = prints & (2 * rest == price_unit)
    rows[:, OP_PRICE] = ticks
    rows[prints, OP_FLAG] = tape[prints, at.T_LIQUIDITY]
    rows[half, OP_FLAG] += at.HALF_TICK
    odd = np.flatnonzero((rest != 0) & ~half & ~phases)
    if odd.size:
        found = int(tape[odd[0], at.T_PRICE])
        raise ValueError(f"a price of {found} ten-thousandths is no multiple of the tick")
    return RecordedDay(rows, touches_of(rows, len(ids)), len(ids))


(_UNSEEN, _LIVE, _PENDING, _DEAD) = range(4)
(B_ROWS, B_PENDING, B_WORDS) = range(3)
_CREATED, _DELETED = 0, 2
SETTLE_NS: Final = 1_000_000_000  # A book crossed for longer holds an order that is gone.


@njit
def _write(out: Ints, counts: Ints, time: int, kind: int, order: int, side: int, price: int,
           quantity: int) -> None:  # fmt: skip
    row = out[counts[B_ROWS]]
    row[OP_TIME], row[OP_KIND], row[OP_ORDER], row[OP_SIDE] = time, kind, order, side
    row[OP_PRICE], row[OP_QUANTITY] = price, quantity
    counts[B_ROWS] += 1


@njit
def _rest(book: tuple[Ints, Ints, Ints], who: Ints, order: int, time: int, out: Ints,
          counts: Ints) -> None:  # fmt: skip
    side, price, left = who[order, 2], who[order, 3], who[order, 1]
    who[order, 4] = add_order(book[0], book[1], book[2], side, price, left, order)
    who[order, 0] = _LIVE
    _write(out, counts, time, REST, order, side, price, left)


@njit
def _take(book: tuple[Ints, Ints, Ints], who: Ints, order: int, kind: int, quantity: int,
          time: int, out: Ints, counts: Ints) -> None:  # fmt: skip
    reduce_order(book[0], book[1], book[2], who[order, 4], quantity)
    who[order, 1] -= quantity
    if who[order, 1] == 0:
        who[order, 0] = _DEAD
        if kind == REDUCE:
            kind = CANCEL
    _write(out, counts, time, kind, order, who[order, 2], who[order, 3], quantity)


@njit
def _crosses(book: tuple[Ints, Ints, Ints], side: int, price: int) -> bool:
    best = best_level(book[0], book[1], 1 - side)
    return bool(best >= 0 and level_key(side, price) + book[1][best, LV_KEY] >= 0)


@njit
def _credit_takers(who: Ints, waiting: Ints, counts: Ints, side: int, price: int,
                   quantity: int) -> None:  # fmt: skip
    """Take a resting order's execution off the aggressor that met it, unless it has said so."""
    for k in range(counts[B_PENDING]):
        order = waiting[k, 0]
        beyond = level_key(1 - side, who[order, 3]) + level_key(side, price) >= 0
        if who[order, 2] == 1 - side and beyond:
            said = min(who[order, 5], quantity)
            who[order, 5] -= said
            who[order, 1] -= min(quantity - said, who[order, 1])
            return


@njit
def _settle(book: tuple[Ints, Ints, Ints], who: Ints, waiting: Ints, time: int, out: Ints,
            counts: Ints) -> None:  # fmt: skip
    """Let each aggressor rest that no longer crosses, or has crossed for too long."""
    kept = 0
    for k in range(counts[B_PENDING]):
        order, since = waiting[k, 0], waiting[k, 1]
        if who[order, 0] != _PENDING:
            continue
        side, price = who[order, 2], who[order, 3]
        if time - since > SETTLE_NS and who[order, 1] > 0:
            while _crosses(book, side, price):
                best = best_level(book[0], book[1], 1 - side)
                gone = book[2][book[1][best, 2], 6]  # The first order of the level, by its index.
                _take(book, who, gone, FORGET, who[gone, 1], time, out, counts)
        if _crosses(book, side, price):
            waiting[kept, 0], waiting[kept, 1] = order, since
            kept += 1
        elif who[order, 1] > 0:
            _rest(book, who, order, time, out, counts)
    counts[B_PENDING] = kept


@njit
def _enter(book: tuple[Ints, Ints, Ints], who: Ints, waiting: Ints, order: int, event: Ints,
           amount: int, out: Ints, counts: Ints) -> None:  # fmt: skip
    who[order, 1], who[order, 2], who[order, 3], who[order, 5] = amount, event[3], event[4], 0
    if amount == 0:
        return
    if _crosses(book, event[3], event[4]):
        who[order, 0] = _PENDING
        waiting[counts[B_PENDING], 0], waiting[counts[B_PENDING], 1] = order, event[0]
        counts[B_PENDING] += 1
    else:
        _rest(book, who, order, event[0], out, counts)


@njit
def _change(book: tuple[Ints, Ints, Ints], who: Ints, waiting: Ints, order: int, event: Ints,
            amount: int, out: Ints, counts: Ints) -> None:  # fmt: skip
    time, less = event[0], who[order, 1] - amount
    is_moved = event[2] != _DELETED and event[4] != who[order, 3]
    if who[order, 0] == _PENDING:
        who[order, 5] += max(less, 0)
        who[order, 1], who[order, 3] = amount, event[4]
        if event[2] == _DELETED:
            who[order, 0] = _DEAD
    elif who[order, 0] == _LIVE:
        # An amount falls by trades alone; what is withdrawn is deleted with its amount.
        if less > 0 and not is_moved:
            _take(book, who, order, FILL, less, time, out, counts)
            _credit_takers(who, waiting, counts, event[3], who[order, 3], less)
        elif less < 0 or is_moved or event[2] == _CREATED:
            _take(book, who, order, CANCEL, who[order, 1], time, out, counts)
            _enter(book, who, waiting, order, event, amount, out, counts)
        if event[2] == _DELETED and who[order, 0] == _LIVE:
            _take(book, who, order, CANCEL, who[order, 1], time, out, counts)
    if event[2] == _DELETED:
        who[order, 0] = _DEAD


@njit
def states_to_rows(events: Ints, index: Ints, lot: int, who: Ints, waiting: Ints, out: Ints,
                   counts: Ints) -> None:  # fmt: skip
    """Write the rows of a feed of order states; `who` holds what is known of each order."""
    book = _book(len(who))
    for place in range(len(events)):
        event, order = events[place], index[place]
        amount = -(-event[5] // lot)
        if who[order, 0] == _UNSEEN and event[2] != _DELETED:
            _enter(book, who, waiting, order, event, amount, out, counts)
        else:
            _change(book, who, waiting, order, event, amount, out, counts)
        _settle(book, who, waiting, event[0], out, counts)


def state_rows(events: Ints, *, lot: int = 1) -> RecordedDay:
    """Return a feed of order states (Bitstamp's) as rows.

    Parameters
    ----------
    events : int64 array of shape (n, 7)
        Received (ns), order id, action, side, price, amount left, exchange's time.
    lot : int
        Units of the feed's amount per lot. An amount left is rounded up to whole lots, so that
        every live order has one, and what it loses is the difference of two rounded amounts.
    """
    ids, index = np.unique(events[:, 1], return_inverse=True)
    who = np.zeros((len(ids), 6), np.int64)
    counts = np.zeros(B_WORDS, np.int64)
    # An event writes at most a deletion and an entry of its own order; that an order is forgotten,
    # or rests after waiting, follows at most once from each of its own events.
    out = np.zeros((4 * len(events) + 16, OP_WORDS), np.int64)
    waiting = np.zeros((len(ids) + 1, 2), np.int64)
    states_to_rows(
        np.ascontiguousarray(events), np.ascontiguousarray(index, np.int64), lot, who, waiting, out,
        counts,
    )  # fmt: skip
    rows = out[: int(counts[B_ROWS])].copy()
    return RecordedDay(rows, touches_of(rows, len(ids)), len(ids))


__all__ = ["RecordedDay", "lobster_rows", "make_book", "state_rows", "touches_of"]
