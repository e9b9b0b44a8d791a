"""What a real chain says of a stock's series: surface, spreads, activity, on the first day."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.crowd import option_rows as rows
from agents.crowd.option_growth import with_room
from agents.crowd.option_table import DELTAS, PRICE_STEPS, Expiries, OptionTable
from environment.errors import ConfigError
from environment.feeds.chains import read_daily_chains
from environment.feeds.listed import ListedSeries, read_listed
from environment.feeds.listing import last_trading_day, parity_spot
from environment.instruments import Instrument
from environment.market.calendar import Session, TradingCalendar
from environment.options.chain import ChainRefusedError
from environment.options.curves import forward_price
from environment.options.surface import Surface
from environment.options.surface_fit import surface_from_chain
from scenarios.builders.curves import WorldCurves
from scenarios.builders.options import OptionsPlan, SeriesPlan
from scenarios.config.load import Config
from scenarios.config.market import BY_RULE

Floats = NDArray[np.float64]
YEAR_NS = 365 * 86_400 * 1_000_000_000
NEW_EXPIRIES = 16  # So many may be listed after the first morning.


@dataclass(frozen=True)
class Room:
    """How many series and expiries may come onto a list during a run."""

    series: int
    expiries: int


@dataclass(frozen=True, kw_only=True)
class ListedOptions:
    """One stock's options as the world begins with them.

    `first` is the core's number of the first series; `floats` are the table's as the compiled crowd
    reads them, with `room` for more series and expiries; `surface` is what the chain implied,
    `quotes` are its rows.
    """

    stock: int
    symbol: str
    first: int
    table: OptionTable
    floats: Floats
    open_ns: int
    quotes: tuple[ListedSeries, ...]
    room: Room
    fitted: "_Fitted"
    truth: "_Truth"

    @property
    def valuation(self) -> "Valuation":
        """By what the series are valued on the first morning."""
        return Valuation(self.table, self.fitted, self.truth)

    @property
    def surface(self) -> Surface:
        """What the chain implied."""
        return self.fitted.surface

    @property
    def rows(self) -> int:
        """Series that the crowd's table has rows for."""
        return len(self.table.series) + self.room.series

    @property
    def expiry_rows(self) -> int:
        """Expiries that it has rows for: the last is that of rows in which nothing stands."""
        return len(self.table.expiries.days) + self.room.expiries + 1

    def ends_ns(self, expiry_day: int) -> int:
        """Return when an expiry's series trade last; `expiry_day` is its date's ordinal."""
        return self.truth.last_ns(date.fromordinal(expiry_day))

    def table_of(self, series: tuple[Instrument, ...]) -> OptionTable:
        """Return what the first morning says of series that are listed later; see `Valuation`."""
        return self.valuation.table_of(series)


@dataclass(frozen=True)
class Valuation:
    """By what series are valued from a morning on: a table of them, the smiles, and the truth."""

    table: OptionTable
    fitted: "_Fitted"
    truth: "_Truth"

    def table_of(self, series: tuple[Instrument, ...]) -> OptionTable:
        """Return what the chain of the first morning says of series that are listed later.

        Their volatilities are those of its smile at their strikes; an expiry that it lacks has the
        smile of the nearest. How wide and active they are it does not say.
        """
        return _table(series, (), self.fitted, self.truth)


def listed_options(
    config: Config, session: Session, calendar: TradingCalendar, starts: Mapping[str, int],
    curves: WorldCurves, plan: OptionsPlan,
) -> tuple[ListedOptions, ...]:  # fmt: skip
    """Return what a real chain says of each stock's series; of those listed by rule, nothing.

    Raises
    ------
    ConfigError
        If a chain is too thin for a surface.
    """
    made = list[ListedOptions]()
    for number, stock in enumerate(config.scenario.instruments):
        series = tuple(one for one in plan.series if one.stock == number)
        if stock.options is not None and series and stock.options.chain != BY_RULE:
            spot = starts[stock.symbol] * float(stock.tick)
            path = config.find(stock.options.chain)
            truth = _Truth(stock.symbol, spot, session, calendar, curves)
            try:
                fitted = _surface_of(path, stock.options.date, truth)
            except ChainRefusedError as error:
                key = f"instruments.{number}.options.chain"
                raise ConfigError(f"{key}: {error}") from error
            room = Room(sum(one.stock == number for one in plan.reserve), NEW_EXPIRIES)
            made.append(_listed(series, room, fitted, truth))
    return tuple(made)


@dataclass(frozen=True)
class _Truth:
    """One stock on the first day: its price, and the world's curves."""

    symbol: str
    spot: float
    session: Session
    calendar: TradingCalendar
    curves: WorldCurves

    def last_ns(self, expiry: date) -> int:
        """Return when an expiry's series trade last: the close of its last session."""
        day = last_trading_day(expiry)
        while not self.calendar.is_session(day):
            day -= timedelta(days=1)
        return self.calendar.session(day).close_ns

    def expiries(self, days: list[date]) -> Expiries:
        """Return what belongs to each expiry, by the world's own rates, dividends and borrowing."""
        curves, spot = self.curves, self.spot
        years = np.array([(self.last_ns(day) - self.session.open_ns) / YEAR_NS for day in days])
        due, borrow = (
            curves.dividends(self.symbol, self.session.date),
            curves.borrowing(self.symbol),
        )
        forward = [forward_price(spot, t, curves.zero, due, borrow) for t in years.tolist()]
        return Expiries(
            days=tuple(day.toordinal() for day in days), years=years,
            carry=np.log(np.array(forward) / spot),
            rate=np.asarray(curves.zero.zero_rate(years)),
            dividends=np.array([float(due.amounts[due.years <= t].sum()) for t in years]),
        )  # fmt: skip


@dataclass(frozen=True)
class _Fitted:
    """A chain's surface at the open, and its slice by expiry."""

    surface: Surface
    kept: dict[date, int]

    def slices(self, days: list[date]) -> NDArray[np.intp]:
        """Return the slice of each expiry; one that was not kept reads the nearest that was."""
        nearest = [min(self.kept, key=lambda kept: abs((kept - day).days)) for day in days]
        return np.array([self.kept[day] for day in nearest])


def _surface_of(path: Path, day: date | None, truth: _Truth) -> _Fitted:
    """Return the surface of a chain's day; on a later one its smiles hold by moneyness.

    Time runs to the last trade, as everywhere else: not to a Saturday, and on a half day to noon.
    """
    quoted = day or truth.session.date
    chain = read_daily_chains(path).at(str(quoted), "open")
    opened = truth.calendar.session(quoted).open_ns
    days, of = np.unique(chain.expiry, return_inverse=True)
    ends = np.array([truth.last_ns(date.fromisoformat(str(one)[:10])) for one in days])
    left = ((ends - opened) / YEAR_NS)[of]
    chain = replace(chain, chain=replace(chain.chain, years=left))
    years = np.unique(chain.chain.years)
    rates = truth.curves.zero.zero_rate(np.maximum(years, 1e-6))
    spot = truth.spot
    if day is not None and day != truth.session.date:
        spot = parity_spot(read_listed(path, day), spot)
    surface = surface_from_chain(chain.chain, spot, "american", rate=rates).surface
    return _Fitted(surface, _expiries_of(surface, chain.expiry, chain.chain.years))


def _listed(
    planned: tuple[SeriesPlan, ...], room: Room, fitted: _Fitted, truth: _Truth
) -> ListedOptions:
    quotes = tuple(one.listed for one in planned if one.listed is not None)
    table = _table(tuple(one.instrument for one in planned), quotes, fitted, truth)
    return ListedOptions(
        stock=planned[0].stock, symbol=truth.symbol, first=planned[0].number, table=table,
        floats=with_room(table, room.series, room.expiries), quotes=quotes, room=room,
        fitted=fitted, truth=truth, open_ns=truth.session.open_ns,
    )  # fmt: skip


def _expiries_of(
    surface: Surface, expiry: NDArray[np.datetime64], years: Floats
) -> dict[date, int]:
    """Return the slice of the surface by expiry date: of those that the surface kept."""
    days: dict[date, int] = {}
    for index, slice_years in enumerate(surface.years):
        place = int(np.argmin(np.abs(years - slice_years)))
        days[date.fromisoformat(str(expiry[place])[:10])] = index
    return days


def _table(
    series: tuple[Instrument, ...], chosen: tuple[ListedSeries, ...], fitted: _Fitted,
    truth: _Truth,
) -> OptionTable:  # fmt: skip
    ends = [one.expiry for one in series if one.expiry is not None]
    days = sorted(set(ends))
    expiries, slices = truth.expiries(days), fitted.slices(days)
    expiry = np.array([days.index(one) for one in ends])
    # The smile is the chain's around the forward that the chain implied; the forward is the world's
    # own: else its options would not agree with its stock.
    strike = np.array([(s.strike_micros or 0) / 1e6 for s in series])
    moneyness = np.log(strike / truth.spot) - expiries.carry[expiry]
    smile = _smile(fitted.surface, slices[expiry], moneyness)
    due = truth.curves.dividends(truth.symbol, truth.session.date)
    table = OptionTable(
        series=series, expiries=expiries, expiry=expiry, spot=truth.spot,
        sigma=smile[:, rows.PREMIUM_POINTS // 2], smile=smile, widths=np.zeros(rows.WIDTH_POINTS),
        volume=np.zeros(len(series)), open_interest=np.zeros(len(series)),
        dividend_years=due.years, dividend_amounts=due.amounts,
        borrow_rate=float(truth.curves.borrowing(truth.symbol).rate(expiries.years[-1])),
    )  # fmt: skip
    if not chosen:
        return table
    return replace(
        table, widths=_half_widths(chosen, np.abs(table.deltas())),
        volume=np.array([float(one.volume) for one in chosen]),
        open_interest=np.array([float(one.open_interest) for one in chosen]),
    )  # fmt: skip


def _smile(surface: Surface, slices: NDArray[np.intp], moneyness: Floats) -> Floats:
    """Return each series' volatility at each of the table's prices: the smile goes with the stock.

    Shape (n_series, n_prices). Read from one curve an expiry, however far the stock goes: of curves
    that each strike carried on by itself, those of two strikes would cross.
    """
    low, high = surface.moneyness_low[slices], surface.moneyness_high[slices]
    quoted = surface.years[slices]

    def volatility(at_moneyness: Floats) -> Floats:
        # Beyond what was quoted the last volatility holds: a fitted wing there is a guess.
        inside = np.clip(at_moneyness, low, high)
        variance = surface.slice_variance(slices, inside)
        return np.sqrt(np.maximum(variance, 1e-8) / quoted)

    return np.stack([volatility(moneyness - step) for step in PRICE_STEPS], axis=1)


def _half_widths(chosen: tuple[ListedSeries, ...], delta: Floats) -> Floats:
    """Return half of what dealers quote wide at DELTAS, in currency: a median of spreads.

    It is that of the nine series whose delta, without its sign, is nearest; `delta` is the series'.
    Spreads are those at the close: at the first moment of the day they are several times as wide,
    and one odd quote is not how a dealer quotes all day.
    """
    own = np.full(len(chosen), np.nan)
    for k, one in enumerate(chosen):
        bid, ask = one.bid_close, one.ask_close
        if bid is not None and ask is not None and 0 <= bid < ask:
            own[k] = (ask - bid) / 2e6
    known = np.flatnonzero(np.isfinite(own))
    if known.size == 0:
        return np.full(len(DELTAS), 0.05)
    like = np.argsort(np.abs(DELTAS[:, None] - delta[known]), axis=1, kind="stable")[:, :9]
    return np.asarray(np.median(own[known][like], axis=1))
