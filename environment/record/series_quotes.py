"""The touch of every series of options, at the end of each second in which it changed.

A chain is requoted millions of times a day, by few at a time: so each side of a series is a short
list of whoever stands in it, and the best of it is looked for once a second.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from environment.compiled import njit
from environment.market import layout as at
from environment.record.tape import PHASE_COLUMN, TYPE_BITS, Rows

_SECOND = 1_000_000_000
_NOBODY = -1
Places = NDArray[np.int32]
# Per order: price, lots shown, side, instrument, neighbours in its side's list (-1: none), account.
_PRICE, _LOTS, _SIDE, _INSTRUMENT, _BEFORE, _AFTER, _ACCOUNT, _IS_QUOTE = range(8)


def series_quotes(blocks: Callable[[], Iterator[Rows]], stocks: int, instruments: int) -> Rows:
    """Return (n, 6) rows as `touches` has them: time, instrument, bid, lots, ask, lots.

    Parameters
    ----------
    blocks : callable
        Gives the tape block by block, each time it is asked: it is read twice.
    stocks, instruments : int
        Series are the instruments from number `stocks` on.
    """
    unique = _orders(blocks, stocks)
    if not len(unique):
        return np.empty((0, 6), np.int64)
    state = np.full((len(unique), 8), _NOBODY, np.int64)
    state[:, _LOTS] = 0
    heads = np.full((instruments, 2), _NOBODY, np.int64)
    seen = _Seen(instruments)
    found: list[Rows] = []
    for block in blocks():
        rows = np.ascontiguousarray(block[_is_of_series(block, stocks)])
        if len(rows):
            found.append(seen.replay(rows, unique, state, heads))
    found.append(seen.close(state, heads))
    return np.concatenate(found)


def _is_of_series(rows: Rows, stocks: int) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = rows[:, at.T_INSTRUMENT] >= stocks
    found |= rows[:, at.T_KIND] == at.K_PURGE
    return found


def _orders(blocks: Callable[[], Iterator[Rows]], stocks: int) -> Rows:
    """Return the ids of all orders in series, in order; those of each block alone at a time."""
    unique = np.empty(0, np.int64)
    for block in blocks():
        rows = block[_is_of_series(block, stocks)]
        both = np.isin(rows[:, at.T_KIND], (at.K_FILL, at.K_QUOTE))
        ids = (unique, rows[:, at.T_ORDER], rows[both, at.T_COUNTERPARTY])
        unique = np.unique(np.concatenate(ids))
    return unique


class _Seen:
    """What a replay carries from one block to the next."""

    def __init__(self, instruments: int) -> None:
        self._changed = np.zeros(instruments, np.bool_)
        self._is_open = np.ones(instruments, np.bool_)
        self._stamp = np.zeros(instruments, np.int64)
        self._last = np.zeros((instruments, 4), np.int64)
        self._second = np.full(1, _NOBODY, np.int64)

    def replay(self, rows: Rows, unique: Rows, state: Rows, heads: Rows) -> Rows:
        """Return the touches of the seconds that end within a block."""
        own = np.searchsorted(unique, rows[:, at.T_ORDER]).astype(np.int32)
        other = np.full(len(rows), _NOBODY, np.int32)
        both = np.isin(rows[:, at.T_KIND], (at.K_FILL, at.K_QUOTE))
        other[both] = np.searchsorted(unique, rows[both, at.T_COUNTERPARTY])
        # A row changes one series, a purge perhaps all; and all may wait for the second's end.
        purges = int((rows[:, at.T_KIND] == at.K_PURGE).sum())
        found = np.empty((len(rows) + (purges + 1) * len(heads), 6), np.int64)
        count = _replay(
            rows, own, other, state, heads, found, self._changed, self._is_open, self._stamp,
            self._last, self._second,
        )  # fmt: skip
        return found[:count].copy()

    def close(self, state: Rows, heads: Rows) -> Rows:
        """Return the touches of the last second."""
        found = np.empty((len(heads), 6), np.int64)
        count = _flush(
            state, heads, found, self._changed, self._is_open, self._stamp, self._last, 0
        )
        return found[:count].copy()


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
def _flush(
    state: Rows, heads: Rows, found: Rows, changed: NDArray[np.bool_], is_open: NDArray[np.bool_],
    stamp: Rows, last: Rows, count: int,
) -> int:  # fmt: skip
    """Write the touch of every series that a second changed; return how many there are by now."""
    for instrument in range(len(heads)):
        if changed[instrument] and is_open[instrument]:
            count = _record(state, heads, instrument, stamp[instrument], last, found, count)
        changed[instrument] = False
    return count


@njit
def _replay(
    rows: Rows, own: Places, other: Places, state: Rows, heads: Rows, found: Rows,
    changed: NDArray[np.bool_], is_open: NDArray[np.bool_], stamp: Rows, last: Rows, second: Rows,
) -> int:  # fmt: skip
    """Read rows of series; write a touch at the end of each second in which it changed."""
    count = 0
    for i in range(len(rows)):
        now = rows[i, at.T_TIME] // _SECOND
        if second[0] != _NOBODY and now > second[0]:
            count = _flush(state, heads, found, changed, is_open, stamp, last, count)
        second[0] = now
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
