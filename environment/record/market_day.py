"""One stock's day as arrays: what the realism statistics are computed from.

It is made from a tape, from LOBSTER message and book arrays, or from minute bars; what a source
does not hold stays empty, and a statistic that needs it is NaN.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from environment.market import layout as at
from environment.record.day import DayTape
from environment.record.tape import TYPE_BITS, TYPE_MASK, UNSEEN_TYPES
from environment.record.touches import Q_ASK, Q_ASK_LOTS, Q_BID, Q_BID_LOTS, Q_INSTRUMENT, Q_TIME

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
MINUTE_NS = 60_000_000_000
_NO_TIMES: Integers = np.empty(0, np.int64)
_NO_VALUES: Floats = np.empty(0)
# LOBSTER's message types and columns.
_NEW, _DELETED, _EXECUTED, _EXECUTED_HIDDEN = 1, 3, 4, 5
_TIME, _TYPE, _SIZE, _DIRECTION = 0, 1, 3, 5
_EMPTY_PRICE = 9_999_999_999


class MarketOrders:
    """Aggressive orders: fills of one moment and one side count as one order."""

    def __init__(self, time: Integers, sign: Integers, lots: Integers, mid_before: Floats) -> None:
        self.time, self.sign, self.lots, self.mid_before = time, sign, lots, mid_before


class MarketDay:
    """Quotes, trades, depth and counts of one stock's continuous session.

    Parameters
    ----------
    quote_ns, bid, ask : arrays of one length
        Each touch and its time; NaN for an empty side. Any unit of price, the same for trades.
    trade_ns, trade_lots, trade_sign : arrays of one length
        Every trade of the continuous session; sign 1 a buyer came, -1 a seller came, 0 unknown.
    level_lots : array of shape (levels,)
        Mean shown lots per level, best first, both sides averaged.
    minute_mid, minute_lots : arrays of one length, optional
        Mid (or price) at each minute's end and volume in it, where there is nothing finer.
    """

    def __init__(
        self,
        name: str,
        open_ns: int,
        close_ns: int,
        *,
        quote_ns: Integers = _NO_TIMES,
        bid: Floats = _NO_VALUES,
        ask: Floats = _NO_VALUES,
        trade_ns: Integers = _NO_TIMES,
        trade_lots: Integers = _NO_TIMES,
        trade_sign: Integers = _NO_TIMES,
        level_lots: Floats = _NO_VALUES,
        orders_rested: int = 0,
        cancels: int = 0,
        minute_mid: Floats | None = None,
        minute_lots: Floats | None = None,
    ) -> None:
        self.name, self.open_ns, self.close_ns = name, open_ns, close_ns
        self.quote_ns, self.bid, self.ask = quote_ns, bid, ask
        self.trade_ns, self.trade_lots, self.trade_sign = trade_ns, trade_lots, trade_sign
        self.level_lots, self.orders_rested, self.cancels = level_lots, orders_rested, cancels
        self._minute_mid, self._minute_lots = minute_mid, minute_lots

    @cached_property
    def minute_mid(self) -> Floats:
        """Return the mid at the open and at each minute's end; gaps keep the last one known."""
        if self._minute_mid is not None:
            return self._minute_mid
        ends = np.arange(self.open_ns, self.close_ns + 1, MINUTE_NS)
        known = np.isfinite(self.bid) & np.isfinite(self.ask)
        times, mids = self.quote_ns[known], ((self.bid + self.ask) / 2.0)[known]
        if not len(mids):
            return _NO_VALUES
        place = np.searchsorted(times, ends, side="right") - 1
        # Before the first quote of the session, its own stands: no return is made up.
        return mids[np.maximum(place, 0)]

    @cached_property
    def minute_lots(self) -> Floats:
        """Return the volume of each minute from the open."""
        if self._minute_lots is not None:
            return self._minute_lots
        minutes = (self.close_ns - self.open_ns) // MINUTE_NS
        place = (self.trade_ns - self.open_ns) // MINUTE_NS
        inside = (place >= 0) & (place < minutes)
        return np.bincount(place[inside], self.trade_lots[inside], minutes).astype(np.float64)

    @cached_property
    def market_orders(self) -> MarketOrders:
        """Return the aggressive orders, with the mid just before each."""
        known = self.trade_sign != 0
        time, sign = self.trade_ns[known], self.trade_sign[known]
        lots = self.trade_lots[known]
        if not len(time):
            return MarketOrders(time, sign, lots, _NO_VALUES)
        new = np.r_[True, (np.diff(time) != 0) | (np.diff(sign) != 0)]
        group = np.cumsum(new) - 1
        total = np.bincount(group, lots).astype(np.int64)
        mids = self._at(time[new], (self.bid + self.ask) / 2.0, before=True)
        return MarketOrders(time[new], sign[new], total, mids)

    def returns(self, minutes: int) -> Floats:
        """Return the log returns of consecutive spans of `minutes`."""
        mids = self.minute_mid[::minutes]
        return np.diff(np.log(mids)) if len(mids) > 1 else _NO_VALUES

    def overlapping_returns(self, minutes: int) -> Floats:
        """Return the log returns over `minutes`, one per minute."""
        logs = np.log(self.minute_mid)
        return logs[minutes:] - logs[:-minutes] if len(logs) > minutes else _NO_VALUES

    def mid_at(self, time: Integers) -> Floats:
        """Return the mid at the given times, the changes of that moment included."""
        return self._at(time, (self.bid + self.ask) / 2.0, before=False)

    def spread_at(self, time: Integers, *, before: bool) -> Floats:
        """Return the spread at the given times, the changes of that moment left out or not."""
        return self._at(time, self.ask - self.bid, before=before)

    def _at(self, time: Integers, values: Floats, *, before: bool) -> Floats:
        if not len(values):
            return np.full(len(time), np.nan)
        side = np.searchsorted(self.quote_ns, time, "left" if before else "right") - 1
        return np.where(side >= 0, values[np.maximum(side, 0)], np.nan)


def of_tape(day: DayTape, instrument: int = 0, *, name: str = "simulated") -> MarketDay:
    """Return the session of one instrument of a tape; prices stay in ticks."""
    quotes = day.touches.quotes
    quotes = quotes[quotes[:, Q_INSTRUMENT] == instrument]
    trades = day.trades
    # Auctions stand apart: neither LOBSTER nor a return from mids holds them.
    own = (trades.instrument == instrument) & (trades.aggressor != 0)
    rows = day.rows[day.rows[:, at.T_INSTRUMENT] == instrument]
    kind, reason = rows[:, at.T_KIND], rows[:, at.T_LIQUIDITY]
    form, flags = rows[:, at.T_TYPE] & TYPE_MASK, rows[:, at.T_TYPE] >> TYPE_BITS
    shown = (kind == at.K_REST) & (flags & at.F_HIDDEN == 0) & ~np.isin(form, UNSEEN_TYPES)
    rested = np.isin(rows[:, at.T_ORDER], rows[shown, at.T_ORDER])
    deleted = (kind == at.K_CANCEL) & np.isin(reason, (at.R_REQUESTED, at.R_WITHDRAWN))
    levels = day.touches.depth[:, instrument]
    live = levels[(levels[:, 0, 1] > 0) & (levels[:, 0, 3] > 0)]
    return MarketDay(
        name,
        day.facts.open_ns,
        day.facts.close_ns,
        quote_ns=quotes[:, Q_TIME],
        bid=np.where(quotes[:, Q_BID_LOTS] > 0, quotes[:, Q_BID], np.nan),
        ask=np.where(quotes[:, Q_ASK_LOTS] > 0, quotes[:, Q_ASK], np.nan),
        trade_ns=trades.time[own],
        trade_lots=trades.lots[own],
        trade_sign=trades.aggressor[own],
        level_lots=live[:, :, (1, 3)].mean(axis=(0, 2)) if len(live) else _NO_VALUES,
        orders_rested=int(shown.sum()),
        # A replaced order is a deletion and a new order, as a feed would show it.
        cancels=int((rested & (deleted | (kind == at.K_MOVE))).sum()),
    )


def of_lobster(messages: Floats, book: Integers, name: str, *, midnight_ns: int = 0) -> MarketDay:
    """Return the session in a pair of LOBSTER arrays.

    Parameters
    ----------
    messages : array of shape (n, 6)
        Time in seconds after midnight, type, order id, size, price, direction of the resting order.
    book : array of shape (n, 4 * levels)
        Ask price, ask size, bid price, bid size per level, after the message of the same row.
    """
    time = midnight_ns + np.round(messages[:, _TIME] * 1e9).astype(np.int64)
    kind = messages[:, _TYPE].astype(np.int64)
    # Only the last state of a moment could be seen.
    last = np.r_[np.diff(time) > 0, True]
    ask, bid = book[last, 0].astype(float), book[last, 2].astype(float)
    traded = (kind == _EXECUTED) | (kind == _EXECUTED_HIDDEN)
    sizes = book[:, 1::2].astype(float)
    sizes[np.abs(book[:, 0::2]) >= _EMPTY_PRICE] = 0.0
    per_level = sizes.reshape(len(book), -1, 2).mean(axis=2)
    weights = np.diff(time, append=time[-1])[:, None]
    return MarketDay(
        name,
        midnight_ns + 34_200_000_000_000,
        midnight_ns + 57_600_000_000_000,
        quote_ns=time[last],
        bid=np.where(np.abs(bid) >= _EMPTY_PRICE, np.nan, bid),
        ask=np.where(np.abs(ask) >= _EMPTY_PRICE, np.nan, ask),
        trade_ns=time[traded],
        trade_lots=messages[traded, _SIZE].astype(np.int64),
        trade_sign=-messages[traded, _DIRECTION].astype(np.int64),
        level_lots=(per_level * weights).sum(axis=0) / weights.sum(),
        orders_rested=int((kind == _NEW).sum()),
        cancels=int((kind == _DELETED).sum()),
    )


def of_minutes(
    name: str, open_ns: int, bid: Floats, ask: Floats, opening_mid: float, lots: Floats
) -> MarketDay:
    """Return the session in minute bars: touch at each minute's end, volume of each minute."""
    minutes = len(bid)
    ends = open_ns + MINUTE_NS * np.arange(1, minutes + 1)
    return MarketDay(
        name,
        open_ns,
        open_ns + MINUTE_NS * minutes,
        quote_ns=ends,
        bid=bid,
        ask=ask,
        minute_mid=np.r_[opening_mid, (bid + ask) / 2.0],
        minute_lots=lots,
    )
