"""Greeks and grid gains of one lot of each instrument, reckoned again when its price has moved.

All is kept in whole millionths, so that what an account has is a sum of integers: exact, and the
same in any order. A row is a function of its mark, its underlying's mark and the day; what was kept
of another moment is never used.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.desk.grid import GRID
from agents.desk.market_facts import Fact
from environment.instruments import MICROS, Instrument
from environment.options.implied_volatility import implied_volatility
from environment.options.revaluation import LineGreeks, Lines, chosen, gains, greeks

Ints = NDArray[np.int64]
GREEKS: Final = LineGreeks._fields
USUAL_SIGMA: Final = 0.30  # Per year, of an option that no mark says anything of.
_MOST: Final = 1e15  # Millionths: what is larger is no price, and would not add up.
_LEAST_SPOT: Final = 1e-6


class Sheet:
    """The instruments of a desk on one day. It keeps figures only, and decides nothing."""

    def __init__(self, instruments: Mapping[str, Instrument], facts: Mapping[str, Fact]) -> None:
        self.facts = facts
        self.number = {symbol: row for row, symbol in enumerate(instruments)}
        told = [facts[symbol] for symbol in instruments]
        self._ticks = [instrument.tick_micros for instrument in instruments.values()]
        count = len(told)
        self._asked: list[str] = []
        self._found = np.zeros(0, np.int64)
        self._names = list(dict.fromkeys(fact.underlying for fact in told))
        self._group = {name: place for place, name in enumerate(self._names)}
        self.groups = np.array([self._group[fact.underlying] for fact in told], np.int64)
        self.expiries = np.array([day_number(fact.expiry) for fact in told], np.int64)
        self._terms = Lines(
            spot=np.ones(count),
            strike=np.array([fact.strike for fact in told], np.float64),
            years=np.array([fact.years for fact in told], np.float64),
            sigma_annual=np.full(count, USUAL_SIGMA),
            is_call=np.array([fact.is_call for fact in told], np.float64),
            is_option=np.array([fact.is_option for fact in told], np.bool_),
            weight=np.array([fact.units for fact in told], np.float64),
            held=np.zeros(count),
        )
        self._tick = np.array([fact.tick for fact in told], np.float64)
        self._seen = np.full((count, 2), -1, np.int64)  # Mark and spot of each row.
        self.greeks = np.zeros((count, len(GREEKS)), np.int64)
        self.gains = np.zeros((count, len(GRID.spot_factor)), np.int64)

    def group_of(self, underlying: str) -> int:
        """Return the number of an underlying, -1 where nothing here is of it."""
        return self._group.get(underlying, -1)

    def look(self, symbols: list[str], marks: Mapping[str, int]) -> Ints:
        """Return the rows of some symbols, each brought up to these marks."""
        rows = self._rows_of(symbols)
        now = self._now(symbols, rows, marks)
        stale = (self._seen[rows] != now).any(axis=1)
        if stale.any():
            self._reckon(rows[stale], now[stale])
        return rows

    def lines(self, symbols: list[str], marks: Mapping[str, int]) -> Lines:
        """Return one lot of each symbol as lines, in units of the currency.

        What a mark holds above the model stays through every move, so that no gain has it.
        """
        rows = self._rows_of(symbols)
        return self._lines(rows, self._now(symbols, rows, marks))

    def _rows_of(self, symbols: list[str]) -> Ints:
        """Return the rows of some symbols; an account mostly holds what it held before."""
        if symbols != self._asked:
            number = self.number
            self._asked = symbols
            self._found = np.array([number[symbol] for symbol in symbols], np.int64)
        return self._found

    def _now(self, symbols: list[str], rows: Ints, marks: Mapping[str, int]) -> Ints:
        """Return marks in ticks and spots in micros."""
        spots = np.zeros(len(self._group), np.int64)
        for place in np.unique(self.groups[rows]).tolist():
            name = self._names[place]
            row = self.number.get(name)
            spots[place] = 0 if row is None else marks.get(name, 0) * self._ticks[row]
        told = np.empty((len(rows), 2), np.int64)
        told[:, 0] = [marks.get(symbol, 0) for symbol in symbols]
        told[:, 1] = spots[self.groups[rows]]
        return told

    def _lines(self, rows: Ints, now: Ints) -> Lines:
        some = chosen(self._terms, rows)
        spot = np.maximum(now[:, 1] / MICROS, _LEAST_SPOT)
        sigma = np.full(len(rows), USUAL_SIGMA)
        options = some.is_option
        if options.any():
            implied, _ = implied_volatility(
                now[options, 0] * self._tick[rows[options]], spot[options], some.strike[options],
                some.years[options], 0.0, 0.0, some.is_call[options],
            )  # fmt: skip
            is_known = np.isfinite(implied) & (implied > 0.01)
            sigma[options] = np.where(is_known, implied, USUAL_SIGMA)
        return some._replace(spot=spot, sigma_annual=sigma)

    def _reckon(self, rows: Ints, now: Ints) -> None:
        lines = self._lines(rows, now)
        self.gains[rows] = whole(gains(lines, GRID))
        self.greeks[rows] = whole(np.stack(greeks(lines), axis=1))
        self._seen[rows] = now


def whole(money: NDArray[np.float64]) -> Ints:
    """Return money in whole millionths."""
    return np.clip(np.rint(money * MICROS), -_MOST, _MOST).astype(np.int64)


def day_number(day: date | None) -> int:
    """Return the number by which a sheet knows an expiry; 0 for none."""
    return 0 if day is None else day.toordinal()
