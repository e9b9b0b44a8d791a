"""Mirror mode: published events change the book, nothing is matched, every level is checked.

Row 0 of a LOBSTER recording seeds the book with one anonymous order per level. Each later row is
applied and compared with the published window. A level that leaves the window is forgotten with its
orders, because what happens to it out of sight is not published; when it returns it is seeded anew.
An event on an order of a forgotten level therefore acts on the anonymous order of its price.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from environment.compiled import njit
from environment.market.layout import (
    BUY,
    CONTINUOUS,
    F_ANONYMOUS,
    HALTED,
    K_CANCEL,
    K_FILL,
    K_PHASE,
    K_PRINT,
    K_REDUCE,
    K_REST,
    LIQ_AUCTION,
    LIQ_DISPLAYED,
    LIQ_HIDDEN,
    LIQ_NONE,
    NONE,
    R_REQUESTED,
    R_WITHDRAWN,
    REOPENING_AUCTION,
    SELL,
    T_AHEAD,
    T_INSTRUMENT,
    T_KIND,
    T_LEAVES,
    T_LIQUIDITY,
    T_ORDER,
    T_PRICE,
    T_QUANTITY,
    T_SEQUENCE,
    T_SIDE,
    T_TIME,
    T_TYPE,
    TAPE_COLUMNS,
)  # fmt: skip
from environment.market.mirror_book import (
    HB_BIDS,
    HB_LIVE,
    LV_ANONYMOUS,
    LV_FIRST,
    LV_KEY,
    LV_ORDERS,
    LV_QUANTITY,
    OR_ID,
    OR_INDEX,
    OR_QUANTITY,
    Ints,
    add_order,
    best_level,
    find_level,
    level_base,
    level_key,
    make_book,
    reduce_order,
)  # fmt: skip

NEW, PARTIAL_CANCEL, DELETE, EXECUTION, HIDDEN_EXECUTION, CROSS, HALT = range(1, 8)
HALT_PRICES: Final = (-1, 0, 1)  # Halted; quoting before the reopening; trading.

(N_NEXT, N_TAPE, N_COMPARED, N_SEEDED, N_DIFFERENT, N_FORGOTTEN, N_ANONYMOUS, N_UNEXPLAINED,
 N_EXECUTED_KNOWN, N_EXECUTED_FRONT, N_HIDDEN, N_CROSS, N_HALT, N_PHASE, N_REPEATED,
 N_WORDS) = range(16)  # fmt: skip
_FULL, _DONE = 0, 1


@njit
def write_tape(
    tape: Ints, counts: Ints, time_ns: int, kind: int, order_id: int, side: int, price: int,
    quantity: int, leaves: int, liquidity: int, ahead: int,
) -> None:  # fmt: skip
    """Append one row; fields that a recording does not tell stay NONE."""
    row = tape[counts[N_TAPE]]
    row[:] = NONE
    row[T_SEQUENCE] = counts[N_TAPE]
    row[T_TIME] = time_ns
    row[T_KIND] = kind
    row[T_INSTRUMENT] = 0
    row[T_ORDER] = order_id
    row[T_SIDE] = side
    row[T_TYPE] = 0
    row[T_PRICE] = price
    row[T_QUANTITY] = quantity
    row[T_LEAVES] = leaves
    row[T_LIQUIDITY] = liquidity
    row[T_AHEAD] = ahead
    counts[N_TAPE] += 1


@njit
def _seed_level(
    head: Ints, levels: Ints, orders: Ints, tape: Ints, counts: Ints, time_ns: int, side: int,
    price: int, quantity: int,
) -> None:  # fmt: skip
    slot = add_order(head, levels, orders, side, price, quantity, NONE)
    order_id = orders[slot, OR_ID]
    write_tape(
        tape, counts, time_ns, K_REST, order_id, side, price, quantity, quantity, LIQ_NONE, 0
    )
    tape[counts[N_TAPE] - 1, T_TYPE] = F_ANONYMOUS << 8
    counts[N_SEEDED] += 1


@njit
def _forget_level(
    head: Ints, levels: Ints, orders: Ints, slot_of: Ints, tape: Ints, counts: Ints, time_ns: int,
    side: int, row: int,
) -> None:  # fmt: skip
    price = level_key(side, levels[row, LV_KEY])
    counts[N_FORGOTTEN] += 1
    for _ in range(levels[row, LV_ORDERS]):
        slot = levels[row, LV_FIRST]  # The row closes with its last order.
        if orders[slot, OR_INDEX] != NONE:
            slot_of[orders[slot, OR_INDEX]] = NONE
        quantity, order_id = orders[slot, OR_QUANTITY], orders[slot, OR_ID]
        reduce_order(head, levels, orders, slot, quantity)
        write_tape(
            tape, counts, time_ns, K_CANCEL, order_id, side, price, quantity, 0, R_WITHDRAWN, NONE
        )


@njit
def _apply_order_event(
    head: Ints, levels: Ints, orders: Ints, slot_of: Ints, index: int, message: Ints, tape: Ints,
    counts: Ints,
) -> None:  # fmt: skip
    time_ns, kind, order_id, size, price = (
        message[0],
        message[1],
        message[2],
        message[3],
        message[4],
    )
    side = BUY if message[5] == 1 else SELL
    slot = slot_of[index]
    if kind == NEW:
        if slot != NONE:
            counts[N_REPEATED] += 1
            return
        row = find_level(head, levels, side, level_key(side, price))
        ahead = levels[row, LV_QUANTITY] if row >= 0 else 0
        slot = add_order(head, levels, orders, side, price, size, index)
        orders[slot, OR_ID] = order_id
        slot_of[index] = slot
        write_tape(
            tape, counts, time_ns, K_REST, order_id, side, price, size, size, LIQ_NONE, ahead
        )
        return
    known = slot != NONE
    row = find_level(head, levels, side, level_key(side, price))
    if not known:
        counts[N_ANONYMOUS] += 1
        slot = NONE if row < 0 else levels[row, LV_ANONYMOUS]
    elif kind == EXECUTION:
        counts[N_EXECUTED_KNOWN] += 1
        counts[N_EXECUTED_FRONT] += levels[row, LV_FIRST] == slot
    if slot == NONE or orders[slot, OR_QUANTITY] < size:
        counts[N_UNEXPLAINED] += 1
        if slot == NONE:
            return
    resting_id = orders[slot, OR_ID]
    taken = orders[slot, OR_QUANTITY] if kind == DELETE and known else size
    left = reduce_order(head, levels, orders, slot, taken)
    if left == 0 and known:
        slot_of[index] = NONE
    if kind == EXECUTION:
        tape_kind, flag = K_FILL, LIQ_DISPLAYED
    elif left == 0:
        tape_kind, flag = K_CANCEL, R_REQUESTED
    else:
        tape_kind, flag = K_REDUCE, LIQ_NONE
    write_tape(tape, counts, time_ns, tape_kind, resting_id, side, price, taken, left, flag, NONE)


@njit
def _apply_print_or_halt(message: Ints, tape: Ints, counts: Ints) -> None:
    time_ns, kind, size, price = message[0], message[1], message[3], message[4]
    side = BUY if message[5] == 1 else SELL
    if kind == HALT:
        counts[N_HALT] += 1
        phase = HALTED if price < 0 else (REOPENING_AUCTION if price == 0 else CONTINUOUS)
        counts[N_PHASE] = phase
        write_tape(tape, counts, time_ns, K_PHASE, NONE, NONE, NONE, 0, NONE, LIQ_NONE, NONE)
        tape[counts[N_TAPE] - 1, T_TYPE] = phase
    elif kind == CROSS:
        counts[N_CROSS] += 1
        write_tape(tape, counts, time_ns, K_PRINT, 0, NONE, price, size, 0, LIQ_AUCTION, NONE)
    else:
        counts[N_HIDDEN] += 1
        write_tape(tape, counts, time_ns, K_PRINT, 0, side, price, size, 0, LIQ_HIDDEN, NONE)


@njit
def _check_side(
    head: Ints, levels: Ints, orders: Ints, slot_of: Ints, published: Ints, side: int, tape: Ints,
    counts: Ints, time_ns: int,
) -> None:  # fmt: skip
    """Compare one side with the published window; seed what is new, forget what is outside."""
    base = level_base(levels, side)
    row = base + head[HB_BIDS + side] - 1
    depth = published.shape[0] // 4
    first = 2 if side == BUY else 0
    for level in range(depth):
        price, size = published[4 * level + first], published[4 * level + first + 1]
        if size == 0:
            break  # The side is shorter than the window.
        key = level_key(side, price)
        while row >= base and levels[row, LV_KEY] > key:
            # Better than a published level and not published: a ghost.
            counts[N_DIFFERENT] += 1
            _forget_level(head, levels, orders, slot_of, tape, counts, time_ns, side, row)
            row -= 1
        if row >= base and levels[row, LV_KEY] == key:
            counts[N_COMPARED] += 1
            counts[N_DIFFERENT] += levels[row, LV_QUANTITY] != size
            row -= 1
        else:
            _seed_level(head, levels, orders, tape, counts, time_ns, side, price, size)
    while row >= base:
        _forget_level(head, levels, orders, slot_of, tape, counts, time_ns, side, row)
        row -= 1


@njit
def mirror_rows(
    messages: Ints, books: Ints, index_of: Ints, head: Ints, levels: Ints, orders: Ints,
    slot_of: Ints, tape: Ints, counts: Ints,
) -> int:  # fmt: skip
    """Apply rows from counts[N_NEXT]; return _DONE, or _FULL before a row that may lack room."""
    checked = books.shape[0] > 0
    window = books.shape[1] // 2 if checked else 0
    while counts[N_NEXT] < messages.shape[0]:
        row = counts[N_NEXT]
        live = head[HB_LIVE]
        most = max(head[HB_BIDS], head[HB_BIDS + 1])
        if (
            counts[N_TAPE] + live + window + 2 > tape.shape[0]
            or live + window + 1 > orders.shape[0]
            or most + window + 1 > levels.shape[0] // 2
        ):
            return _FULL
        kind = messages[row, 1]
        # The first book row is the state after the first message: it only seeds.
        if kind >= HIDDEN_EXECUTION:
            _apply_print_or_halt(messages[row], tape, counts)
        elif row > 0 or not checked:
            _apply_order_event(
                head, levels, orders, slot_of, index_of[row], messages[row], tape, counts
            )
        if checked:
            for side in range(2):
                _check_side(
                    head, levels, orders, slot_of, books[row], side, tape, counts, messages[row, 0]
                )
        counts[N_NEXT] += 1
    return _DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorCounts:
    """What a mirrored recording came to.

    `different` counts published levels whose quantity is not the book's, and levels of the book
    inside the window that are not published. `anonymous_events` acted on orders the book does not
    know; `unexplained` are those among all events that asked for more than was there.
    """

    rows: int
    compared: int
    seeded: int
    different: int
    forgotten: int
    anonymous_events: int
    unexplained: int
    executed_known: int
    executed_front: int
    hidden_executions: int
    cross_trades: int
    halt_messages: int
    repeated_ids: int
    phase: int


@dataclass(frozen=True, slots=True, eq=False)
class Mirror:
    """A mirrored day: its counts, its tape (rows of `layout.TAPE_COLUMNS`) and the last book."""

    counts: MirrorCounts
    tape: Ints
    head: Ints
    levels: Ints
    orders: Ints

    def depth(self, side: int, count: int) -> list[tuple[int, int]]:
        """Return the best levels of a side as (price, quantity), best first."""
        best = best_level(self.head, self.levels, side)
        rows = range(best, max(best - count, int(level_base(self.levels, side)) - 1), -1)
        sign = 1 if side == BUY else -1
        found = [self.levels[row] for row in rows] if best != NONE else []
        return [(sign * int(level[LV_KEY]), int(level[LV_QUANTITY])) for level in found]


def _room(array: Ints, rows: int) -> Ints:
    grown = np.zeros((rows, array.shape[1]), np.int64)
    grown[: len(array)] = array
    return grown


def _wider(levels: Ints) -> Ints:
    half = len(levels) // 2
    grown = np.zeros((4 * half, levels.shape[1]), np.int64)
    grown[:half], grown[2 * half : 3 * half] = levels[:half], levels[half:]
    return grown


def mirror(messages: Ints, books: Ints | None) -> Mirror:
    """Return the day that a recording tells, with every published level compared.

    Parameters
    ----------
    messages : int64 array of shape (n, 6)
        Time, type 1 to 7, order id, size, price in ticks, direction (1 buy, -1 sell).
    books : int64 array of shape (n, 4 * levels), or None
        Published windows; without them the events alone make the book.

    References
    ----------
    Huang & Polak 2011, "LOBSTER: limit order book reconstruction system".
    """
    published = np.zeros((0, 4), np.int64) if books is None else np.ascontiguousarray(books)
    ids, index_of = np.unique(messages[:, 2], return_inverse=True)
    slot_of = np.full(len(ids), NONE, np.int64)
    head, levels, orders = make_book(64, 1024)
    tape = np.zeros((len(messages) + 4096, len(TAPE_COLUMNS)), np.int64)
    counts = np.zeros(N_WORDS, np.int64)
    counts[N_PHASE] = CONTINUOUS
    index_of = np.ascontiguousarray(index_of, np.int64)
    while (
        mirror_rows(messages, published, index_of, head, levels, orders, slot_of, tape, counts)
        == _FULL
    ):
        window = published.shape[1] // 2
        if counts[N_TAPE] + head[HB_LIVE] + window + 2 > len(tape):
            tape = _room(tape, 2 * len(tape))
        if head[HB_LIVE] + window + 1 > len(orders):
            orders = _room(orders, 2 * len(orders))
        if max(head[HB_BIDS], head[HB_BIDS + 1]) + window + 1 > len(levels) // 2:
            levels = _wider(levels)
    told = counts.tolist()
    summary = MirrorCounts(
        rows=told[N_NEXT], compared=told[N_COMPARED], seeded=told[N_SEEDED],
        different=told[N_DIFFERENT], forgotten=told[N_FORGOTTEN],
        anonymous_events=told[N_ANONYMOUS], unexplained=told[N_UNEXPLAINED],
        executed_known=told[N_EXECUTED_KNOWN], executed_front=told[N_EXECUTED_FRONT],
        hidden_executions=told[N_HIDDEN], cross_trades=told[N_CROSS], halt_messages=told[N_HALT],
        repeated_ids=told[N_REPEATED], phase=told[N_PHASE],
    )  # fmt: skip
    return Mirror(summary, tape[: told[N_TAPE]].copy(), head, levels, orders)
