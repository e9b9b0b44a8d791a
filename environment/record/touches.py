"""The touch and the depth of every book over time, read from the tape in one compiled pass.

Prices are replaced by their rank among the prices that occur, so that memory follows the levels
that were ever used and not the distance between them. The state counts once per nanosecond: what
several rows of one moment do between them, nobody could see.
"""

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from environment.compiled import njit
from environment.market import layout as at
from environment.record.facts import MICROS, TapeFacts
from environment.record.series_quotes import series_quotes
from environment.record.tape import PHASE_COLUMN, TYPE_BITS, TYPE_MASK, Rows

Q_TIME, Q_INSTRUMENT, Q_BID, Q_BID_LOTS, Q_ASK, Q_ASK_LOTS = range(6)
_NO_RANK = -1
DEPTH_LEVELS = 10
DEPTH_INTERVAL_NS = 10_000_000_000


class Touches(msgspec.Struct, frozen=True, kw_only=True):
    """All touches and depth samples of one tape, in ticks and lots."""

    # (n, 6): time, instrument, bid ticks, bid lots, ask ticks, ask lots; lots 0: no such side.
    quotes: Rows
    # (samples, stocks, levels, 4): bid ticks, bid lots, ask ticks, ask lots; lots 0: no level.
    depth: Rows
    depth_ns: Rows  # (samples,)

    def mid_ticks(self, instrument: int) -> tuple[Rows, NDArray[np.float64]]:
        """Return times and mid prices of one instrument, in ticks; NaN while a side is empty."""
        quotes = self.quotes[self.quotes[:, Q_INSTRUMENT] == instrument]
        mids = (quotes[:, Q_BID] + quotes[:, Q_ASK]) / 2.0
        mids[(quotes[:, Q_BID_LOTS] == 0) | (quotes[:, Q_ASK_LOTS] == 0)] = np.nan
        return quotes[:, Q_TIME], mids


def read_touches(
    rows: Rows,
    facts: TapeFacts,
    *,
    depth_levels: int = DEPTH_LEVELS,
    depth_interval_ns: int = DEPTH_INTERVAL_NS,
    of_series: Rows | None = None,
) -> Touches:
    """Return every touch of the continuous phases, and the depth of stocks at regular moments.

    Stocks stand before their series. Of a series there is the last touch of each second, and no
    depth: dealers requote hundreds of them at a time. `of_series` are those touches, where they
    were read apart.
    """
    instruments = sum(one.kind == "stock" for one in facts.instruments)
    if instruments < len(facts.instruments):
        if of_series is None:
            of_series = series_quotes(lambda: iter([rows]), instruments, len(facts.instruments))
        rows = rows[rows[:, at.T_INSTRUMENT] < instruments]
    else:
        of_series = np.empty((0, 6), np.int64)
    order, counterparty, orders = dense_orders(rows)
    rank, prices, first_rank = _ranks(rows, instruments)
    grid = _grid(rows, facts, depth_interval_ns)
    quotes = np.empty((len(rows), 6), np.int64)
    depth = np.zeros((len(grid), instruments, depth_levels, 4), np.int64)
    count = _replay(
        np.ascontiguousarray(rows), order, counterparty, rank, prices, first_rank, orders, grid,
        quotes, depth,
    )  # fmt: skip
    found = np.concatenate((quotes[:count], of_series))
    if len(of_series):
        found = found[np.argsort(found[:, Q_TIME], kind="stable")]
    return Touches(quotes=found, depth=depth, depth_ns=grid)


def quotes_frame(touches: Touches, facts: TapeFacts) -> pl.DataFrame:
    """Return every quote as a table in money; for options only the last of each second."""
    quotes = touches.quotes
    codes = pl.Series(quotes[:, Q_INSTRUMENT])
    micros = np.array([float(one.tick_micros) for one in facts.instruments] or [1.0])
    micros = micros[quotes[:, Q_INSTRUMENT]]
    frame = pl.DataFrame(
        {
            "time": quotes[:, Q_TIME],
            "instrument": codes,
            "bid_price": quotes[:, Q_BID] * micros / MICROS,
            "bid_quantity": quotes[:, Q_BID_LOTS],
            "ask_price": quotes[:, Q_ASK] * micros / MICROS,
            "ask_quantity": quotes[:, Q_ASK_LOTS],
        }
    )
    return frame.select(
        pl.col("time").cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")
        .dt.convert_time_zone(facts.zone),
        pl.col("instrument").replace_strict(
            range(len(facts.symbols)), facts.symbols, default=None, return_dtype=pl.String
        ).cast(pl.Categorical),
        pl.when(pl.col("bid_quantity") > 0).then("bid_price").alias("bid_price"),
        "bid_quantity",
        pl.when(pl.col("ask_quantity") > 0).then("ask_price").alias("ask_price"),
        "ask_quantity",
    )  # fmt: skip


def dense_orders(rows: Rows) -> tuple[Rows, Rows, int]:
    """Return order numbers in place of ids: own, counterparty's (-1: none), and how many.

    Quotes have none: nothing is looked up by it, and of options they are nearly the whole tape.
    """
    kind = rows[:, at.T_KIND]
    named, filled = np.flatnonzero(kind != at.K_QUOTE), np.flatnonzero(kind == at.K_FILL)
    ids = np.concatenate((rows[named, at.T_ORDER], rows[filled, at.T_COUNTERPARTY]))
    unique, dense = np.unique(ids, return_inverse=True)
    own, counterparty = np.full(len(rows), -1, np.int64), np.full(len(rows), -1, np.int64)
    own[named], counterparty[filled] = dense[: len(named)], dense[len(named) :]
    return own, counterparty, len(unique)


def _ranks(rows: Rows, instruments: int) -> tuple[Rows, Rows, Rows]:
    """Return each rest row's rank, the price of each rank, and each instrument's first rank.

    Ranks of one instrument are neighbours, in order of price.
    """
    resting = rows[:, at.T_KIND] == at.K_REST
    instrument, price = rows[resting, at.T_INSTRUMENT], rows[resting, at.T_PRICE]
    pairs = np.stack((instrument, price), axis=1)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    rank = np.full(len(rows), _NO_RANK, np.int64)
    rank[resting] = inverse.reshape(-1)
    first = np.searchsorted(unique[:, 0], np.arange(instruments + 1)).astype(np.int64)
    return rank, unique[:, 1].copy(), first


def _grid(rows: Rows, facts: TapeFacts, interval_ns: int) -> Rows:
    if not len(rows):
        return np.empty(0, np.int64)
    first = facts.open_ns or int(rows[0, at.T_TIME])
    last = facts.close_ns or int(rows[-1, at.T_TIME])
    return np.arange(first + interval_ns, last + 1, interval_ns, dtype=np.int64)


@njit
def _settle_best(lots: Rows, best: Rows, first_rank: Rows, instrument: int) -> None:
    """Move both best ranks of an instrument to levels that show something, or to none."""
    low, high = first_rank[instrument], first_rank[instrument + 1]
    rank = best[0, instrument]
    while rank >= low and lots[0, rank] == 0:
        rank -= 1
    best[0, instrument] = rank if rank >= low else _NO_RANK
    rank = best[1, instrument]
    while 0 <= rank < high and lots[1, rank] == 0:
        rank += 1
    best[1, instrument] = rank if 0 <= rank < high else _NO_RANK


@njit
def _change(lots: Rows, best: Rows, side: int, rank: int, instrument: int, by: int) -> None:
    """Add `by` shown lots to a level."""
    lots[side, rank] += by
    if by > 0:
        now = best[side, instrument]
        if now == _NO_RANK or (side == 0 and rank > now) or (side == 1 and rank < now):
            best[side, instrument] = rank


@njit
def _sample(
    depth: Rows, lots: Rows, best: Rows, first_rank: Rows, prices: Rows, instrument: int
) -> None:
    """Write the best levels of one instrument into one depth sample."""
    levels = depth.shape[0]
    low, high = first_rank[instrument], first_rank[instrument + 1]
    rank, level = best[0, instrument], 0
    while level < levels and rank >= low:
        if lots[0, rank] > 0:
            depth[level, 0], depth[level, 1] = prices[rank], lots[0, rank]
            level += 1
        rank -= 1
    rank, level = best[1, instrument], 0
    while level < levels and 0 <= rank < high:
        if lots[1, rank] > 0:
            depth[level, 2], depth[level, 3] = prices[rank], lots[1, rank]
            level += 1
        rank += 1


@njit
def _record(
    quotes: Rows,
    count: int,
    last: Rows,
    time: int,
    lots: Rows,
    best: Rows,
    prices: Rows,
    instrument: int,
) -> int:
    """Append the touch of an instrument if it is another than the last one; return the count."""
    bid, ask = best[0, instrument], best[1, instrument]
    bid_lots = lots[0, bid] if bid != _NO_RANK else 0
    ask_lots = lots[1, ask] if ask != _NO_RANK else 0
    same = last[instrument, 0] == bid and last[instrument, 1] == bid_lots
    if same and last[instrument, 2] == ask and last[instrument, 3] == ask_lots:
        return count
    last[instrument, 0], last[instrument, 1] = bid, bid_lots
    last[instrument, 2], last[instrument, 3] = ask, ask_lots
    quotes[count, 0], quotes[count, 1] = time, instrument
    quotes[count, 2] = prices[bid] if bid != _NO_RANK else 0
    quotes[count, 3] = bid_lots
    quotes[count, 4] = prices[ask] if ask != _NO_RANK else 0
    quotes[count, 5] = ask_lots
    return count + 1


@njit
def _is_shown(row: Rows) -> bool:
    """Say whether the order of a row shows itself in its queue."""
    form = row[at.T_TYPE] & TYPE_MASK
    if form in (at.MIDPOINT, at.ON_OPEN, at.ON_CLOSE):
        return False
    return bool((row[at.T_TYPE] >> TYPE_BITS) & at.F_HIDDEN == 0)


@njit
def _apply(
    row: Rows, rank: int, order: int, other: int, state: Rows, lots: Rows, best: Rows
) -> None:
    """Apply one row to the shown lots. `state` per order: shown, rank, side."""
    kind, instrument = row[at.T_KIND], row[at.T_INSTRUMENT]
    if kind == at.K_REST:
        if state[order, 0] > 0:
            _change(lots, best, state[order, 2], state[order, 1], instrument, -state[order, 0])
            state[order, 0] = 0
        if _is_shown(row):
            state[order, 0], state[order, 1] = row[at.T_LEAVES], rank
            state[order, 2] = row[at.T_SIDE]
            _change(lots, best, row[at.T_SIDE], rank, instrument, row[at.T_LEAVES])
    elif kind == at.K_FILL:
        for one in (order, other):
            taken = min(state[one, 0], row[at.T_QUANTITY])
            if taken > 0:
                _change(lots, best, state[one, 2], state[one, 1], instrument, -taken)
                state[one, 0] -= taken
    elif kind in (at.K_CANCEL, at.K_MOVE):
        if state[order, 0] > 0:
            _change(lots, best, state[order, 2], state[order, 1], instrument, -state[order, 0])
            state[order, 0] = 0
    elif (kind == at.K_REDUCE and state[order, 0] > 0) or (kind == at.K_REFILL and _is_shown(row)):
        by = row[at.T_LEAVES] - state[order, 0]
        _change(lots, best, state[order, 2], state[order, 1], instrument, by)
        state[order, 0] = row[at.T_LEAVES]


@njit
def _replay(
    rows: Rows,
    order: Rows,
    counterparty: Rows,
    rank: Rows,
    prices: Rows,
    first_rank: Rows,
    orders: int,
    grid: Rows,
    quotes: Rows,
    depth: Rows,
) -> int:
    """Read all rows; fill `quotes` and `depth`; return the number of quotes."""
    instruments = len(first_rank) - 1
    lots = np.zeros((2, max(len(prices), 1)), np.int64)
    best = np.full((2, instruments), _NO_RANK, np.int64)
    last = np.full((instruments, 4), -2, np.int64)
    state = np.zeros((orders, 3), np.int64)
    open_now = np.ones(instruments, np.bool_)
    touched = np.zeros(instruments, np.bool_)
    count, sample = 0, 0
    for i in range(len(rows)):
        time, kind, instrument = rows[i, at.T_TIME], rows[i, at.T_KIND], rows[i, at.T_INSTRUMENT]
        while sample < len(grid) and grid[sample] < time:
            for j in range(instruments):
                if open_now[j]:
                    _sample(depth[sample, j], lots, best, first_rank, prices, j)
            sample += 1
        if 0 <= instrument < instruments:
            if kind == at.K_PHASE:
                open_now[instrument] = rows[i, PHASE_COLUMN] == at.CONTINUOUS
            else:
                _apply(rows[i], rank[i], order[i], counterparty[i], state, lots, best)
                _settle_best(lots, best, first_rank, instrument)
            touched[instrument] = True
        if i + 1 == len(rows) or rows[i + 1, at.T_TIME] != time:
            for j in range(instruments):
                if touched[j] and open_now[j]:
                    count = _record(quotes, count, last, time, lots, best, prices, j)
                touched[j] = False
    while sample < len(grid):
        for j in range(instruments):
            if open_now[j]:
                _sample(depth[sample, j], lots, best, first_rank, prices, j)
        sample += 1
    return count
