"""A day's tape, read once: who traded with whom, at which mid, and how each order ended.

Arrays only; the tables give them names and money.
"""

from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from environment.market import layout as at
from environment.record.facts import MICROS, TapeFacts
from environment.record.nights import Carried, carried, day_of, nights_between, scaled
from environment.record.series_quotes import series_quotes
from environment.record.tape import TYPE_BITS, TYPE_MASK, Rows, read_blocks, read_columns
from environment.record.touches import Touches, dense_orders, read_touches

Floats = NDArray[np.float64]
FILLED, CANCELLED, PARTLY_FILLED, REFUSED, WORKING = range(5)
STATES = ("filled", "cancelled", "partly_filled", "refused", "working")
_LATEST = np.iinfo(np.int64).max


class Trades(msgspec.Struct, frozen=True, kw_only=True):
    """Every trade of the tape, one place each; orders are dense numbers, -1 where unknown."""

    row: Rows
    time: Rows
    instrument: Rows
    price_ticks: Floats  # Half a tick included.
    lots: Rows
    aggressor: Rows  # 1 a buyer came, -1 a seller came, 0 an auction.
    buyer: Rows
    seller: Rows
    buy_order: Rows
    sell_order: Rows
    buyer_fee_micros: Rows
    seller_fee_micros: Rows
    mid_ticks: Floats  # Just before; the price itself in an auction, or where no mid was.


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """Every order that reached the exchange, one place each."""

    number: Rows  # Dense, as trades name their orders.
    order_id: Rows
    account: Rows
    instrument: Rows
    side: Rows
    order_type: Rows
    flags: Rows
    time_in_force: Rows
    price_ticks: Rows
    lots: Rows
    parent: Rows
    entered: Rows
    rested: Rows  # First rest; -1 never.
    ahead: Rows  # At the first rest.
    filled: Rows
    first_fill: Rows  # -1 never.
    last_fill: Rows
    ended: Rows  # -1 still working.
    reason: Rows  # Of the cancel; -1 none.
    state: Rows  # Index of STATES.


class _Span:
    """How many rows in memory there are, and when the first and the last one was written."""

    def __init__(self, rows: Rows) -> None:
        self.count = len(rows)
        self.first_ns = int(rows[0, at.T_TIME]) if len(rows) else 0
        self.last_ns = int(rows[-1, at.T_TIME]) if len(rows) else 0


class TapeFile:
    """A tape on disk, of which one never needs all at once.

    `count` are its rows, `kept` those that are no quotes of dealers, `first_ns` and `last_ns` the
    times of its first and last one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.count = self.kept = self.first_ns = self.last_ns = 0
        for block in read_columns(path, at.T_KIND, at.T_TIME):
            if len(block):
                self.first_ns = self.first_ns if self.count else int(block[0, 1])
                self.last_ns = int(block[-1, 1])
            self.count += len(block)
            self.kept += int((block[:, 0] != at.K_QUOTE).sum())

    def rows(self) -> Rows:
        """Return all rows but dealers' quotes."""
        rows, first = np.empty((self.kept, len(at.TAPE_COLUMNS)), np.int64), 0
        for block in read_blocks(self._path):
            kept = block[block[:, at.T_KIND] != at.K_QUOTE]
            rows[first : first + len(kept)] = kept
            first += len(kept)
        return rows

    def series_quotes(self, facts: TapeFacts) -> Rows | None:
        """Return the touches of series, read a block at a time; None where there are none."""
        stocks = sum(one.kind == "stock" for one in facts.instruments)
        if stocks == len(facts.instruments):
            return None
        return series_quotes(lambda: read_blocks(self._path), stocks, len(facts.instruments))


class DayTape:
    """One tape with what every table needs of it, each part worked out when first asked for.

    Of a tape that is `read` from a file, `rows` leave out dealers' quotes: of a day of options they
    are nearly all of it, and only the series' touches need them, which are read apart.
    """

    def __init__(self, rows: Rows, facts: TapeFacts, read: TapeFile | None = None) -> None:
        self.rows, self.facts, self._read = rows, facts, read
        told: TapeFile | _Span = _Span(rows) if read is None else read
        self.count, self.first_ns, self.last_ns = told.count, told.first_ns, told.last_ns
        self._mids: dict[int, tuple[Rows, Floats]] = {}
        self._order, self._counterparty, self._orders = dense_orders(rows)

    @cached_property
    def touches(self) -> Touches:
        """Return quotes and depth."""
        of_series = None if self._read is None else self._read.series_quotes(self.facts)
        return read_touches(self.rows, self.facts, of_series=of_series)

    @cached_property
    def money_per_tick_lot(self) -> Floats:
        """Return, by instrument, what one lot gains in currency when its price rises a tick."""
        return np.array([one.micros_per_tick_lot / MICROS for one in self.facts.instruments])

    @cached_property
    def _tick_micros(self) -> Floats:
        return np.array([one.tick_micros for one in self.facts.instruments], np.float64)

    def price(self, ticks: Floats | Rows, instrument: Rows | int) -> Floats:
        """Return prices in currency: multiplied, then divided once, so that a cent is a cent."""
        return np.asarray(ticks * self._tick_micros[instrument] / MICROS)

    @cached_property
    def trades(self) -> Trades:
        """Return every fill and print."""
        kind = self.rows[:, at.T_KIND]
        where = np.flatnonzero((kind == at.K_FILL) | (kind == at.K_PRINT))
        rows = self.rows[where]
        is_fill, liquidity = rows[:, at.T_KIND] == at.K_FILL, rows[:, at.T_LIQUIDITY]
        is_auction = is_fill & (liquidity & (at.HALF_TICK - 1) == at.LIQ_AUCTION)
        first_buys = rows[:, at.T_SIDE] == at.BUY
        own, other = self._order[where], self._counterparty[where]
        other_account = self._entered_value(other, at.T_ACCOUNT)
        fees = (rows[:, at.T_AHEAD], rows[:, at.T_PARENT])
        if not self.facts.fees_on_fills:
            fees = (np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64))
        price = rows[:, at.T_PRICE] + 0.5 * (liquidity & at.HALF_TICK > 0)
        # A package that had waited longer is the maker, though its legs' orders came to the book.
        first_waits = liquidity & at.OLDER_PACKAGE == 0
        aggressor = np.where(is_auction, 0, np.where(first_buys == first_waits, -1, 1))
        mid = self.mid_before(rows[:, at.T_INSTRUMENT], rows[:, at.T_TIME])
        mid = np.where(is_auction | np.isnan(mid), price, mid)

        def pick(of_first: Rows, of_other: Rows, *, known: bool = True) -> tuple[Rows, Rows]:
            buying = np.where(first_buys, of_first, of_other)
            selling = np.where(first_buys, of_other, of_first)
            blank = -1 if known else 0
            return np.where(is_fill, buying, blank), np.where(is_fill, selling, blank)

        buyer, seller = pick(rows[:, at.T_ACCOUNT], other_account)
        buy_order, sell_order = pick(own, other)
        buyer_fee, seller_fee = pick(*fees, known=False)
        return Trades(
            row=where, time=rows[:, at.T_TIME], instrument=rows[:, at.T_INSTRUMENT],
            price_ticks=price, lots=rows[:, at.T_QUANTITY], aggressor=aggressor, buyer=buyer,
            seller=seller, buy_order=buy_order, sell_order=sell_order,
            buyer_fee_micros=buyer_fee, seller_fee_micros=seller_fee, mid_ticks=mid,
        )  # fmt: skip

    @cached_property
    def orders(self) -> Orders:
        """Return every order that reached the exchange, with how it ended."""
        number = np.flatnonzero(self._enter_rows >= 0)
        entered = self.rows[self._enter_rows[number]]
        rest = self._first_of(at.K_REST)[number]
        gone = self._first_of(at.K_CANCEL)[number]
        refused = entered[:, at.T_KIND] == at.K_REFUSE
        filled, first_fill, last_fill = (values[number] for values in self._fills_by_order())
        cancelled, lots = gone >= 0, entered[:, at.T_QUANTITY]
        # A replaced order may have changed its total: it is filled when it traded and left alone.
        moved = self._left_after_fills()[number] <= 0
        state = np.select(
            [refused, cancelled & (filled > 0), cancelled, (filled > 0) & moved],
            [REFUSED, PARTLY_FILLED, CANCELLED, FILLED], WORKING,
        )  # fmt: skip
        ended = np.where(cancelled, self.rows[gone, at.T_TIME], -1)
        ended = np.where(state == FILLED, last_fill, ended)
        ended = np.where(refused, entered[:, at.T_TIME], ended)
        reason = np.where(cancelled, self.rows[gone, at.T_LIQUIDITY], -1)
        return Orders(
            number=number, order_id=entered[:, at.T_ORDER], account=entered[:, at.T_ACCOUNT],
            instrument=entered[:, at.T_INSTRUMENT], side=entered[:, at.T_SIDE],
            order_type=entered[:, at.T_TYPE] & TYPE_MASK, flags=entered[:, at.T_TYPE] >> TYPE_BITS,
            time_in_force=entered[:, at.T_TIF], price_ticks=entered[:, at.T_PRICE], lots=lots,
            parent=entered[:, at.T_PARENT], entered=entered[:, at.T_TIME],
            rested=np.where(rest >= 0, self.rows[rest, at.T_TIME], -1),
            ahead=np.where(rest >= 0, self.rows[rest, at.T_AHEAD], -1),
            filled=filled, first_fill=first_fill, last_fill=last_fill, ended=ended,
            reason=np.where(refused, entered[:, at.T_LIQUIDITY], reason), state=state,
        )  # fmt: skip

    def mid_before(self, instrument: Rows, time: Rows) -> Floats:
        """Return the mid prices in ticks that stood just before the given moments."""
        return self._mid(instrument, time, "left")

    def mid_at(self, instrument: Rows, time: Rows) -> Floats:
        """Return the mid prices in ticks at the given moments, changes at that moment included."""
        return self._mid(instrument, time, "right")

    def mid_since(self, instrument: Rows, time: Rows, since: Rows) -> Floats:
        """Return the mids at the given moments; NaN where none was quoted after `since`."""
        return self._mid(instrument, time, "right", since)

    @cached_property
    def carried(self) -> Carried:
        """Return what the nights between the days moved."""
        return carried(self.rows, self.facts)

    @cached_property
    def day_ends(self) -> Rows:
        """Return the end of each day but the last, where its night is cleared."""
        return np.array([night.time_ns for night in nights_between(self.facts)], np.int64)

    @cached_property
    def day_closes(self) -> Floats:
        """Return closing prices in ticks, of shape (days, instruments).

        That is the day's last trade; its last mid, without one; or the day before's, after splits.
        """
        nights, trades = nights_between(self.facts), self.trades
        closes = np.full((len(nights) + 1, len(self.facts.instruments)), np.nan)
        for code in range(closes.shape[1]):
            times, mids = self._mids_of(code)
            closes[day_of(self.facts, times), code] = mids  # The last one of each day stays.
        closes[day_of(self.facts, trades.time), trades.instrument] = trades.price_ticks
        for number, night in enumerate(nights):
            before = scaled(night, closes[number])
            closes[number + 1] = np.where(np.isnan(closes[number + 1]), before, closes[number + 1])
        return closes

    @cached_property
    def closing_ticks(self) -> Floats:
        """Return each instrument's price in ticks at the last close; NaN where it never had one."""
        return np.asarray(self.day_closes[-1])

    @cached_property
    def first_ticks(self) -> Floats:
        """Return each instrument's first mid in ticks; its first trade, or NaN, without one."""
        first = np.full(len(self.facts.instruments), np.nan)
        first[self.trades.instrument[::-1]] = self.trades.price_ticks[::-1]
        for code in range(len(first)):
            mids = self._mids_of(code)[1]
            first[code] = mids[0] if len(mids) else first[code]
        return first

    def cumulative(self, instrument: int) -> tuple[Rows, Rows, Floats]:
        """Return trade times, cumulated lots and cumulated lots times price, from 0 on."""
        chosen = self.trades.instrument == instrument
        lots = self.trades.lots[chosen]
        worth = lots * self.trades.price_ticks[chosen]
        return (
            self.trades.time[chosen],
            np.concatenate(([0], np.cumsum(lots))),
            np.concatenate(([0.0], np.cumsum(worth))),
        )

    @cached_property
    def _enter_rows(self) -> Rows:
        # An order that was turned away never entered: its refusal is all there is of it.
        entered = self._first_of(at.K_ENTER)
        return np.where(entered >= 0, entered, self._first_of(at.K_REFUSE))

    def _first_of(self, kind: int) -> Rows:
        """Return each order's first row of a kind, -1 where it has none."""
        where = np.flatnonzero(self.rows[:, at.T_KIND] == kind)[::-1]
        found = np.full(self._orders, -1, np.int64)
        found[self._order[where]] = where
        return found

    def _entered_value(self, orders: Rows, column: int) -> Rows:
        row = np.where(orders >= 0, self._enter_rows[orders], -1)
        return np.where(row >= 0, self.rows[row, column], -1)

    def _fills_by_order(self) -> tuple[Rows, Rows, Rows]:
        """Return filled lots, first and last fill of every order, as buyer or seller."""
        where = np.flatnonzero(self.rows[:, at.T_KIND] == at.K_FILL)
        orders = np.concatenate((self._order[where], self._counterparty[where]))
        lots = np.tile(self.rows[where, at.T_QUANTITY], 2)
        times = np.tile(self.rows[where, at.T_TIME], 2)
        filled = np.zeros(self._orders, np.int64)
        first, last = np.full(self._orders, _LATEST), np.full(self._orders, -1)
        np.add.at(filled, orders, lots)
        np.minimum.at(first, orders, times)
        np.maximum.at(last, orders, times)
        return filled, np.where(first == _LATEST, -1, first), last

    def _left_after_fills(self) -> Rows:
        """Return what each order could still trade after all rows but its cancel."""
        kind, order = self.rows[:, at.T_KIND], self._order
        left = np.zeros(self._orders, np.int64)
        # The last statement of a total, and every fill or withdrawal after it.
        stated = np.flatnonzero((kind == at.K_ENTER) | (kind == at.K_MOVE))
        since = np.full(self._orders, _LATEST)
        since[order[stated]] = stated
        left[order[stated]] = self.rows[stated, at.T_QUANTITY]
        for where, orders in (
            (np.flatnonzero((kind == at.K_FILL) | (kind == at.K_REDUCE)), order),
            (np.flatnonzero(kind == at.K_FILL), self._counterparty),
        ):
            late = where[where > since[orders[where]]]
            np.subtract.at(left, orders[late], self.rows[late, at.T_QUANTITY])
        return left

    def _mids_of(self, instrument: int) -> tuple[Rows, Floats]:
        if instrument not in self._mids:
            time, mid = self.touches.mid_ticks(instrument)
            known = ~np.isnan(mid)
            self._mids[instrument] = time[known], mid[known]
        return self._mids[instrument]

    def _mid(self, instrument: Rows, time: Rows, side: str, since: Rows | None = None) -> Floats:
        found = np.full(len(time), np.nan)
        for code in np.unique(instrument):
            times, mids = self._mids_of(int(code))
            chosen = instrument == code
            place = np.searchsorted(times, time[chosen], side=side) - 1  # type: ignore[call-overload]  # a literal
            if len(mids):
                known = place >= 0
                if since is not None:
                    known &= times[place] > since[chosen]
                found[chosen] = np.where(known, mids[place], np.nan)
        return found


def instants(nanoseconds: Rows, zone: str) -> pl.Series:
    """Return a column of times in a zone; negative numbers stand for no time."""
    series = pl.Series("time", nanoseconds, dtype=pl.Int64)
    kept = pl.select(pl.when(series >= 0).then(series)).to_series()
    return kept.cast(pl.Datetime("ns")).dt.replace_time_zone("UTC").dt.convert_time_zone(zone)


def names(codes: Rows, texts: tuple[str, ...]) -> pl.Series:
    """Return a categorical column for a column of codes; a code without a name gives null."""
    known = (codes >= 0) & (codes < len(texts))
    series = pl.Series(texts or ("",), dtype=pl.String)
    chosen = series.gather(np.where(known, codes, 0))
    kept = pl.select(pl.when(pl.Series(known)).then(chosen)).to_series()
    return kept.cast(pl.Categorical)
