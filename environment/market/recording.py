"""A tape told in LOBSTER's events: messages and published windows, as arrays.

What the format cannot say is said the way its own recordings do: an iceberg's next slice is a new
order, a replaced order is deleted and entered again, a match of hidden shares is a type 5 row
without order id, and orders matched in an auction leave by types 2 and 3 beside a type 6 print.
"""

from typing import Final

import numpy as np

from environment.compiled import njit
from environment.market.layout import (
    BUY,
    CONTINUOUS,
    F_ANONYMOUS,
    F_HIDDEN,
    HALTED,
    K_CANCEL,
    K_ENTER,
    K_FILL,
    K_MOVE,
    K_PHASE,
    K_PRINT,
    K_REDUCE,
    K_REFILL,
    K_REST,
    LIQ_AUCTION,
    LIQ_DISPLAYED,
    MIDPOINT,
    NONE,
    ON_CLOSE,
    ON_OPEN,
    R_WITHDRAWN,
    REOPENING_AUCTION,
    SELL,
    T_COUNTERPARTY,
    T_INSTRUMENT,
    T_KIND,
    T_LEAVES,
    T_LIQUIDITY,
    T_ORDER,
    T_PRICE,
    T_QUANTITY,
    T_SIDE,
    T_TIME,
    T_TYPE,
)  # fmt: skip
from environment.market.mirror import (
    CROSS,
    DELETE,
    EXECUTION,
    HALT,
    HIDDEN_EXECUTION,
    NEW,
    PARTIAL_CANCEL,
)  # fmt: skip
from environment.market.mirror_book import (
    HB_BIDS,
    LV_KEY,
    LV_QUANTITY,
    OR_PRICE,
    OR_QUANTITY,
    OR_SIDE,
    Ints,
    add_order,
    find_level,
    level_base,
    level_key,
    make_book,
    reduce_order,
)  # fmt: skip

MESSAGE_WORDS: Final = 6
EMPTY_ASK: Final = 9_999_999_999  # Price of a level that does not exist; its size is 0.
EMPTY_BID: Final = -9_999_999_999
TAPE_PHASE: Final = T_TYPE  # Where a phase row holds the phase it enters.
_HALF_TICK_SHIFT: Final = 4  # layout.HALF_TICK is this bit of the liquidity word.
_R_NEXT, _R_ROWS, _R_PHASE, _R_WAS_HALTED, _R_PENDING, _R_WORDS = range(6)


@njit
def _rank(head: Ints, levels: Ints, side: int, price: int) -> int:
    """Return how many levels of a side are better than `price`; a huge number if it has none."""
    row = find_level(head, levels, side, level_key(side, price))
    return 1 << 40 if row < 0 else level_base(levels, side) + head[HB_BIDS + side] - 1 - row


@njit
def _publish_book(head: Ints, levels: Ints, unit: int, window: Ints) -> None:
    for side in range(2):
        base = level_base(levels, side)
        first = 2 if side == BUY else 0
        for level in range(window.shape[0] // 4):
            row = base + head[HB_BIDS + side] - 1 - level
            at = 4 * level + first
            if row >= base:
                window[at] = level_key(side, levels[row, LV_KEY]) * unit
                window[at + 1] = levels[row, LV_QUANTITY]
            else:
                window[at] = EMPTY_BID if side == BUY else EMPTY_ASK
                window[at + 1] = 0


@njit
def _message(out: Ints, state: Ints, time_ns: int, kind: int, order_id: int, size: int,
             price: int, side: int) -> None:  # fmt: skip
    row = out[state[_R_ROWS]]
    row[0], row[1], row[2], row[3], row[4] = time_ns, kind, order_id, size, price
    row[5] = 1 if side == BUY else -1
    state[_R_ROWS] += 1
    state[_R_PENDING] = 1


@njit
def _shown(row: Ints, hidden: int) -> bool:
    flags = row[T_TYPE] >> 8
    order_type = row[T_TYPE] & 255
    # Pegged orders are hidden; auction-only orders wait beside the book.
    unseen = order_type in (MIDPOINT, ON_OPEN, ON_CLOSE)
    return bool(row[T_LEAVES] > 0 and hidden == 0 and flags & F_HIDDEN == 0 and not unseen)


@njit
def _take(
    book: tuple[Ints, Ints, Ints], slot_of: Ints, index: int, quantity: int, kind: int, depth: int,
    told: bool, row: Ints, unit: int, out: Ints, state: Ints,
) -> None:  # fmt: skip
    """Take `quantity` off a displayed order, telling it as `kind` (a last part as a deletion)."""
    head, levels, orders = book
    slot = slot_of[index]
    if slot == NONE:
        return
    side, price = orders[slot, OR_SIDE], orders[slot, OR_PRICE]
    inside = _rank(head, levels, side, price) < depth
    size = min(quantity, orders[slot, OR_QUANTITY])
    if reduce_order(head, levels, orders, slot, size) == 0:
        slot_of[index] = NONE
        if kind == PARTIAL_CANCEL:
            kind = DELETE
    if told and inside and size > 0:
        _message(out, state, row[T_TIME], kind, index + 1, size, price * unit, side)


@njit
def _add(
    book: tuple[Ints, Ints, Ints], slot_of: Ints, index: int, depth: int, told: bool, row: Ints,
    unit: int, out: Ints, state: Ints,
) -> None:  # fmt: skip
    head, levels, orders = book
    side, price, shown = row[T_SIDE], row[T_PRICE], row[T_LEAVES]
    slot_of[index] = add_order(head, levels, orders, side, price, shown, index)
    if told and _rank(head, levels, side, price) < depth:
        _message(out, state, row[T_TIME], NEW, index + 1, shown, price * unit, side)


@njit
def _print(row: Ints, told: bool, unit: int, out: Ints, state: Ints) -> None:
    if told:
        half = (row[T_LIQUIDITY] >> _HALF_TICK_SHIFT) & 1
        flag = row[T_LIQUIDITY] & ((1 << _HALF_TICK_SHIFT) - 1)
        kind = CROSS if flag == LIQ_AUCTION else HIDDEN_EXECUTION
        price = row[T_PRICE] * unit + half * unit // 2
        # An auction print has no side; LOBSTER writes its cross trades with direction -1.
        side = SELL if kind == CROSS else row[T_SIDE]
        _message(out, state, row[T_TIME], kind, 0, row[T_QUANTITY], price, side)


@njit
def _phase(row: Ints, told: bool, out: Ints, state: Ints) -> None:
    phase = row[TAPE_PHASE]
    if phase == state[_R_PHASE]:
        return  # A reopening that was put off says its phase again.
    state[_R_PHASE] = phase
    halted = phase in (HALTED, REOPENING_AUCTION)
    if told and (halted or (phase == CONTINUOUS and state[_R_WAS_HALTED] == 1)):
        price = -1 if phase == HALTED else (0 if phase == REOPENING_AUCTION else 1)
        _message(out, state, row[T_TIME], HALT, 0, 0, price, SELL)
    state[_R_WAS_HALTED] = halted


@njit
def _tell_row(
    book: tuple[Ints, Ints, Ints], slot_of: Ints, hidden_of: Ints, index: int, other: int,
    row: Ints, depth: int, told: bool, unit: int, out: Ints, state: Ints,
) -> None:  # fmt: skip
    kind = row[T_KIND]
    flag = row[T_LIQUIDITY] & ((1 << _HALF_TICK_SHIFT) - 1)
    huge = 1 << 62
    if kind == K_ENTER:
        hidden_of[index] = (row[T_TYPE] >> 8) & F_HIDDEN or (row[T_TYPE] & 255) == MIDPOINT
    elif kind in (K_REST, K_REFILL):
        _take(book, slot_of, index, huge, DELETE, depth, told, row, unit, out, state)
        if _shown(row, hidden_of[index]):
            _add(book, slot_of, index, depth, told, row, unit, out, state)
    elif kind == K_FILL and flag == LIQ_DISPLAYED:
        _take(book, slot_of, index, row[T_QUANTITY], EXECUTION, depth, told, row, unit, out, state)
    elif kind == K_FILL:
        _print(row, told, unit, out, state)
        if flag == LIQ_AUCTION:
            for party in (index, other):
                _take(book, slot_of, party, row[T_QUANTITY], PARTIAL_CANCEL, depth, told, row, unit,
                      out, state)  # fmt: skip
    elif kind in (K_CANCEL, K_MOVE):
        _take(book, slot_of, index, huge, DELETE, depth, told, row, unit, out, state)
    elif kind == K_REDUCE and slot_of[index] != NONE:
        less = book[2][slot_of[index], OR_QUANTITY] - row[T_LEAVES]
        if less > 0:
            _take(book, slot_of, index, less, PARTIAL_CANCEL, depth, told, row, unit, out, state)
    elif kind == K_PRINT:
        _print(row, told, unit, out, state)
    elif kind == K_PHASE:
        _phase(row, told, out, state)


@njit
def _is_silent(row: Ints) -> bool:
    """Return whether a row is a mirror's own bookkeeping: a level seeded or forgotten."""
    if row[T_KIND] in (K_ENTER, K_REST):
        return bool((row[T_TYPE] >> 8) & F_ANONYMOUS != 0)
    return bool(row[T_KIND] == K_CANCEL and row[T_LIQUIDITY] == R_WITHDRAWN)


@njit
def tell_rows(
    tape: Ints, index_of: Ints, other_of: Ints, instrument: int, start_ns: int, end_ns: int,
    unit: int, head: Ints, levels: Ints, orders: Ints, slot_of: Ints, hidden_of: Ints,
    messages: Ints, windows: Ints, state: Ints,
) -> None:  # fmt: skip
    """Write every message of one instrument in [start, end), and the window after each.

    A window is written when the next event comes, so that what a mirror seeds or forgets after an
    event belongs to it.
    """
    book = (head, levels, orders)
    depth = windows.shape[1] // 4
    for at in range(tape.shape[0]):
        row = tape[at]
        if row[T_INSTRUMENT] != instrument or row[T_TIME] >= end_ns:
            continue
        silent = _is_silent(row)
        if state[_R_PENDING] == 1 and not silent:
            _publish_book(head, levels, unit, windows[state[_R_ROWS] - 1])
            state[_R_PENDING] = 0
        phase = state[_R_PHASE]
        trading = phase in (CONTINUOUS, HALTED, REOPENING_AUCTION)
        told = trading and row[T_TIME] >= start_ns and not silent
        before = state[_R_ROWS]
        _tell_row(
            book, slot_of, hidden_of, index_of[at], other_of[at], row, depth, told, unit, messages,
            state,
        )  # fmt: skip
        # A row that is two events (an auction match) shows one window for both.
        for published in range(before, state[_R_ROWS] - 1):
            _publish_book(head, levels, unit, windows[published])
    if state[_R_PENDING] == 1:
        _publish_book(head, levels, unit, windows[state[_R_ROWS] - 1])


def tape_to_lobster(
    tape: Ints, *, instrument: int, start_ns: int, end_ns: int, levels: int = 10,
    price_unit: int = 100, phase: int = CONTINUOUS,
) -> tuple[Ints, Ints]:  # fmt: skip
    """Return (messages, books) of one instrument's displayed book, as LOBSTER would publish them.

    Messages start at the first event at or after `start_ns` in continuous trading, with earlier
    rows of the tape building the book; events outside the window of `levels` a side are left out.

    Parameters
    ----------
    tape : int64 array of shape (n, 16)
        Rows of `layout.TAPE_COLUMNS`, from the start of the day.
    price_unit : int
        Ten-thousandths of the currency per tick: 100 for a tick of one cent.
    phase : int
        The phase before the first row.
    """
    ids, index = np.unique(
        np.concatenate([tape[:, T_ORDER], tape[:, T_COUNTERPARTY]]), return_inverse=True
    )
    index = np.ascontiguousarray(index, np.int64)
    head, level_rows, orders = make_book(len(ids) + 1, len(ids) + 1)
    slot_of, hidden_of = np.full(len(ids), NONE, np.int64), np.zeros(len(ids), np.int64)
    # A row is at most three messages: an auction print and one change of either order.
    messages = np.zeros((3 * len(tape) + 1, MESSAGE_WORDS), np.int64)
    windows = np.zeros((len(messages), 4 * levels), np.int64)
    state = np.zeros(_R_WORDS, np.int64)
    state[_R_PHASE] = phase
    tell_rows(
        np.ascontiguousarray(tape), index[: len(tape)], index[len(tape) :], instrument, start_ns,
        end_ns, price_unit, head, level_rows, orders, slot_of, hidden_of, messages, windows, state,
    )  # fmt: skip
    rows = int(state[_R_ROWS])
    return messages[:rows].copy(), windows[:rows].copy()
