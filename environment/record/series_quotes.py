"""The touch of every series of options, at the end of each second in which it changed.

A chain is requoted millions of times a day, by few at a time: so each side of a series is a short
list of whoever stands in it, and the best of it is looked for once a second.
"""

import numpy as np
from numpy.typing import NDArray

from environment.compiled import njit
from environment.market import layout as at
from environment.record.tape import PHASE_COLUMN, TYPE_BITS, Rows

_SECOND = 1_000_000_000
_NOBODY = -1
_PART = 1 << 20
Places = NDArray[np.int32]
# Per order: price, lots shown, side, instrument, neighbours in its side's list (-1: none), account.
_PRICE, _LOTS, _SIDE, _INSTRUMENT, _BEFORE, _AFTER, _ACCOUNT, _IS_QUOTE = range(8)


def series_quotes(rows: Rows, stocks: int, instruments: int) -> Rows:
    """Return (n, 6) rows as `touches` has them: time, instrument, bid, lots, ask, lots.

    Parameters
    ----------
    rows : a tape, whole or the rows of its series.
    stocks, instruments : int
        Series are the instruments from number `stocks` on.
    """
    is_mine = (rows[:, at.T_INSTRUMENT] >= stocks) | (rows[:, at.T_KIND] == at.K_PURGE)
    if not is_mine.any():
        return np.empty((0, 6), np.int64)
    own, other, orders = _dense(rows)
    state = np.full((orders, 8), _NOBODY, np.int64)
    state[:, _LOTS] = 0
    # A touch needs a row of its series, and there is one a second at most.
    key = rows[is_mine, at.T_TIME] // _SECOND * instruments + rows[is_mine, at.T_INSTRUMENT]
    pairs = len(np.unique(key))
    wide = int((rows[:, at.T_KIND] == at.K_PURGE).sum()) * (instruments - stocks)
    found = np.empty((pairs + wide + instruments, 6), np.int64)
    heads = np.full((instruments, 2), _NOBODY, np.int64)
    count = _replay(np.ascontiguousarray(rows), is_mine, own, other, state, heads, found)
    return found[:count].copy()


def _dense(rows: Rows) -> tuple[Places, Places, int]:
    """Return numbers in place of order ids: own, the other's of fills and quotes; how many.

    In parts: a day of options is a gigabyte, and to sort all its ids at once would take another.
    """
    parts = [slice(first, first + _PART) for first in range(0, len(rows), _PART)]
    both = np.isin(rows[:, at.T_KIND], (at.K_FILL, at.K_QUOTE))
    seen = [
        np.unique(np.concatenate((
            rows[part, at.T_ORDER], rows[part, at.T_COUNTERPARTY][both[part]]
        )))
        for part in parts
    ]  # fmt: skip
    unique = np.unique(np.concatenate(seen))
    own = np.empty(len(rows), np.int32)
    other = np.full(len(rows), _NOBODY, np.int32)
    for part in parts:
        own[part] = np.searchsorted(unique, rows[part, at.T_ORDER])
        chosen = both[part]
        other[part][chosen] = np.searchsorted(unique, rows[part, at.T_COUNTERPARTY][chosen])
    return own, other, len(unique)


@njit
def _show(state: Rows, heads: Rows, one: int, lots: int) -> None:
    """Let an order show so many lots; with none it leaves its side's list."""
    if lots > 0 and state[one, _LOTS] == 0:
        side, instrument = state[one, _SIDE], state[one, _INSTRUMENT]
        after = heads[instrument, side]
        state[one, _BEFORE], state[one, _AFTER] = _NOBODY, after
        if after != _NOBODY:
            state[after, _BEFORE] = one
        heads[instrument, side] = one
    elif lots == 0 and state[one, _LOTS] > 0:
        before, after = state[one, _BEFORE], state[one, _AFTER]
        if before == _NOBODY:
            heads[state[one, _INSTRUMENT], state[one, _SIDE]] = after
        else:
            state[before, _AFTER] = after
        if after != _NOBODY:
            state[after, _BEFORE] = before
    state[one, _LOTS] = lots


@njit
def _touch(state: Rows, heads: Rows, instrument: int, side: int) -> tuple[int, int]:
    best, lots = 0, 0
    one = heads[instrument, side]
    while one != _NOBODY:
        price = state[one, _PRICE]
        if lots == 0 or (price > best if side == at.BUY else price < best):
            best, lots = price, 0
        if price == best:
            lots += state[one, _LOTS]
        one = state[one, _AFTER]
    return best, lots


@njit
def _enter(row: Rows, state: Rows, one: int) -> None:
    state[one, _SIDE], state[one, _INSTRUMENT] = row[at.T_SIDE], row[at.T_INSTRUMENT]
    state[one, _ACCOUNT] = row[at.T_ACCOUNT]
    state[one, _IS_QUOTE] = (row[at.T_TYPE] >> TYPE_BITS) & at.F_QUOTE != 0


@njit
def _purge(
    row: Rows, state: Rows, heads: Rows, changed: NDArray[np.bool_], stamp: Rows
) -> None:  # fmt: skip
    """Take quotes out, of one instrument or all, of one account or everybody's."""
    for instrument in range(len(heads)):
        if row[at.T_INSTRUMENT] not in (at.NONE, instrument):
            continue
        for side in range(2):
            one = heads[instrument, side]
            while one != _NOBODY:
                after = state[one, _AFTER]
                if state[one, _IS_QUOTE] and row[at.T_ACCOUNT] in (at.NONE, state[one, _ACCOUNT]):
                    _show(state, heads, one, 0)
                    changed[instrument] = True
                    stamp[instrument] = row[at.T_TIME]
                one = after


@njit
def _apply(row: Rows, one: int, other: int, state: Rows, heads: Rows) -> None:
    kind = row[at.T_KIND]
    if kind == at.K_ENTER:
        _enter(row, state, one)
    elif kind == at.K_QUOTE:
        for order, price, lots in (
            (one, row[at.T_PRICE], row[at.T_QUANTITY]),
            (other, row[at.T_PARENT], row[at.T_LEAVES]),
        ):
            state[order, _PRICE] = price
            _show(state, heads, order, lots)
    elif kind in (at.K_REST, at.K_REFILL, at.K_REDUCE):
        is_shown = (row[at.T_TYPE] >> TYPE_BITS) & at.F_HIDDEN == 0
        if is_shown and (kind != at.K_REDUCE or state[one, _LOTS] > 0):
            state[one, _PRICE] = row[at.T_PRICE]
            _show(state, heads, one, row[at.T_LEAVES])
    elif kind == at.K_FILL:
        for order in (one, other):
            taken = min(state[order, _LOTS], row[at.T_QUANTITY])
            if taken > 0:
                _show(state, heads, order, state[order, _LOTS] - taken)
    elif kind in (at.K_CANCEL, at.K_MOVE):
        _show(state, heads, one, 0)


@njit
def _record(state: Rows, heads: Rows, instrument: int, time: int, last: Rows, found: Rows,
            count: int) -> int:  # fmt: skip
    bid, bid_lots = _touch(state, heads, instrument, 0)
    ask, ask_lots = _touch(state, heads, instrument, 1)
    was = last[instrument]
    if was[0] == bid and was[1] == bid_lots and was[2] == ask and was[3] == ask_lots:
        return count
    was[0], was[1], was[2], was[3] = bid, bid_lots, ask, ask_lots
    found[count, 0], found[count, 1] = time, instrument
    found[count, 2], found[count, 3] = bid, bid_lots
    found[count, 4], found[count, 5] = ask, ask_lots
    return count + 1


@njit
def _replay(
    rows: Rows, is_mine: NDArray[np.bool_], own: Places, other: Places, state: Rows, heads: Rows,
    found: Rows,
) -> int:  # fmt: skip
    """Read the rows; write a touch at the end of each second in which it changed; count them."""
    instruments = len(heads)
    changed = np.zeros(instruments, np.bool_)
    is_open = np.ones(instruments, np.bool_)
    stamp = np.zeros(instruments, np.int64)
    last = np.zeros((instruments, 4), np.int64)
    count = 0
    for i in range(len(rows) + 1):
        is_over = i == len(rows)
        if is_over or (i and rows[i, at.T_TIME] // _SECOND > rows[i - 1, at.T_TIME] // _SECOND):
            for instrument in range(instruments):
                if changed[instrument] and is_open[instrument]:
                    count = _record(state, heads, instrument, stamp[instrument], last, found, count)
                changed[instrument] = False
            if is_over:
                break
        if not is_mine[i]:
            continue
        kind, instrument = rows[i, at.T_KIND], rows[i, at.T_INSTRUMENT]
        if kind == at.K_PURGE:
            _purge(rows[i], state, heads, changed, stamp)
            continue
        if kind == at.K_PHASE:
            is_open[instrument] = rows[i, PHASE_COLUMN] == at.CONTINUOUS
        else:
            _apply(rows[i], own[i], other[i], state, heads)
        changed[instrument] = True
        stamp[instrument] = rows[i, at.T_TIME]
    return count
