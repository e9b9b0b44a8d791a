"""The listed options of a scenario: which series, on which stock, and until when they trade."""

from dataclasses import dataclass
from datetime import date

import msgspec
import numpy as np

from environment.errors import ConfigError
from environment.feeds.listed import ListedSeries
from environment.feeds.listing import (
    choose_series,
    expiries_by_rule,
    instrument_of,
    last_trading_day,
    list_by_rule,
)
from environment.instruments import Instrument
from environment.market import layout as at, obligations, option_rows
from environment.market.calendar import Session, TradingCalendar
from environment.market.fees import FeeRow, FeeSchedule, fee_row
from environment.market.market import Market
from environment.options.chain import ChainRefusedError
from scenarios.builders.calendars import calendar_of
from scenarios.builders.chain_days import actions_since, listed_since
from scenarios.config.load import Config
from scenarios.config.market import BY_RULE, Instrument as Stock
from scenarios.config.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class SeriesPlan:
    """One series to be listed. `listed` is its row of the real chain, if it comes from one."""

    number: int  # In the core.
    instrument: Instrument
    stock: int
    last_trading_ns: int
    listed: ListedSeries | None = None


@dataclass(frozen=True, kw_only=True)
class OptionsPlan:
    """The series of a scenario by rising number in the core, and what its chains hold besides.

    `reserve` are rows for series that are listed later: of each stock they follow its first ones,
    and go by names that nobody can trade.
    """

    series: tuple[SeriesPlan, ...] = ()
    reserve: tuple[SeriesPlan, ...] = ()
    omitted: tuple[str, ...] = ()  # Symbols.

    @property
    def rows(self) -> tuple[SeriesPlan, ...]:
        """The first series and the rows kept for later ones, by rising number."""
        return tuple(sorted(self.series + self.reserve, key=lambda one: one.number))

    @property
    def names(self) -> dict[str, int]:
        """Number of each row by its name."""
        return {one.instrument.symbol: one.number for one in self.rows}

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The series of the first morning."""
        return tuple(one.instrument for one in self.series)

    @property
    def by_number(self) -> dict[int, Instrument]:
        """The same by their number in the core."""
        return {one.number: one.instrument for one in self.series}

    def hide_reserve(self, symbols: dict[str, int]) -> None:
        """Take out of what can be traded the rows in which nothing is listed yet."""
        for one in self.reserve:
            del symbols[one.instrument.symbol]

    def set_fees(self, market: Market, scenario: Scenario, schedule: int, day: date) -> None:
        """Let an account's schedule charge contracts as the scenario says, on one day."""
        if self.series:
            fees = contract_fees(scenario, self.series[0].instrument, day)
            option_rows.set_option_fees(market, schedule, fees)


def plan_options(
    config: Config, sessions: tuple[Session, ...], stocks: tuple[Instrument, ...],
    starts: dict[str, int],
) -> OptionsPlan:  # fmt: skip
    """Return the series that a scenario asks for.

    Raises
    ------
    ConfigError
        If a chain file lacks the scenario's first day, or cannot be read.
    """
    scenario = config.scenario
    series, reserve, omitted = list[SeriesPlan](), list[SeriesPlan](), list[str]()
    calendar = calendar_of(scenario.session.calendar)
    for number, told in enumerate(scenario.instruments):
        if told.options is None:
            continue
        stock, day = stocks[number], sessions[0].date
        spot_micros = starts[stock.symbol] * stock.tick_micros
        try:
            found, left = _series_of(config, told, day, spot_micros, calendar)
        except ChainRefusedError as error:
            raise ConfigError(f"instruments.{number}.options.chain: {error}") from error
        omitted += [instrument_of(one).symbol for one in left]
        first = len(stocks) + len(series) + len(reserve)
        series += [
            SeriesPlan(
                number=place, instrument=instrument, stock=number, listed=row,
                last_trading_ns=last_trading_ns(instrument, sessions, calendar),
            )
            for place, (instrument, row) in enumerate(found, first)
        ]  # fmt: skip
        if found:
            reserve += _reserve(series[-1], told.options.listing.room)
    return OptionsPlan(series=tuple(series), reserve=tuple(reserve), omitted=tuple(omitted))


def _reserve(last: SeriesPlan, room: int) -> list[SeriesPlan]:
    """Return rows like the last of a stock's series, for those that are listed later."""
    return [
        SeriesPlan(
            number=last.number + k, stock=last.stock, last_trading_ns=0,
            instrument=msgspec.structs.replace(
                last.instrument, symbol=f"{last.instrument.underlying}/unlisted/{k}"
            ),
        )
        for k in range(1, room + 1)
    ]  # fmt: skip


def _series_of(
    config: Config, stock: Stock, day: date, spot_micros: int,
    calendar: TradingCalendar,
) -> tuple[list[tuple[Instrument, ListedSeries | None]], tuple[ListedSeries, ...]]:  # fmt: skip
    told, symbol = stock.options, stock.symbol
    assert told is not None, "only a stock with options has series"
    rule = told.tick_rule
    if told.chain == BY_RULE:
        expiries = expiries_by_rule(day, is_session=calendar.is_session)
        each_side = max(told.series // (4 * len(expiries)), 1)
        made = list_by_rule(symbol, spot_micros, expiries, each_side, tick_rule=rule)
        return [(one, None) for one in made[: told.series]], ()
    path = config.find(told.chain)
    quoted = told.date or day
    every = listed_since(path, quoted, actions_since(config, stock, quoted, day, calendar))
    listed = tuple(one for one in every if last_trading_day(one.expiry) >= day)
    if not listed:
        raise ChainRefusedError(
            f"expected series that still trade on {day}, found none in {path.name}"
        )
    if listed[0].underlying != symbol:
        raise ChainRefusedError(f"expected series of {symbol}, found {listed[0].underlying}")
    chosen, left = choose_series(listed, spot_micros / 1e6, day, told.series)
    return [(instrument_of(one, tick_rule=rule), one) for one in chosen], left


def last_trading_ns(
    instrument: Instrument, sessions: tuple[Session, ...], calendar: TradingCalendar
) -> int:  # fmt: skip
    """Return the close of a series' last trading day, or 0 where that lies beyond the run.

    What settles on the opening print trades last on the day before.
    """
    assert instrument.expiry is not None, "an option has an expiry"
    last = last_trading_day(instrument.expiry)
    if instrument.settlement == "cash_am" or not calendar.is_session(last):
        last = calendar.preceding(last)
    closes: dict[date, int] = {session.date: session.close_ns for session in sessions}
    return closes.get(last, 0)


def add_series(market: Market, plan: OptionsPlan) -> None:
    """List a plan's series in the core; its numbers follow the stocks'."""
    for one in plan.rows:
        close = 0
        if one.listed is not None and (mid := one.listed.mid("open")) is not None:
            close = round(mid * 1e6 / one.instrument.tick_micros)
        market.add_series(
            one.instrument, stock=one.stock, last_trading_ns=one.last_trading_ns, last_close=close
        )
    for one in plan.reserve:
        option_rows.retire_series(market, one.number)


def start_day(market: Market, number: int) -> None:
    """Forget the day before in every series; `number` counts days from 0."""
    first = int(market.arena[at.H_INSTRUMENTS])
    rows = market.section(at.S_INSTRUMENT)[first : first + int(market.arena[at.H_SERIES])]
    if number:
        closes = np.where(rows[:, at.I_CLOSE_PRICE] > 0, rows[:, at.I_CLOSE_PRICE],
                          rows[:, at.I_LAST])  # fmt: skip
        rows[:, at.I_LAST_CLOSE] = np.where(closes > 0, closes, rows[:, at.I_LAST_CLOSE])
    for word in (at.I_CLOSE_PRICE, at.I_VOLUME, at.I_DIRTY, at.I_TRADES, at.I_NOTIONAL):
        rows[:, word] = 0
    obligations.forget_day(market.arena)


def contract_fees(scenario: Scenario, option: Instrument, day: date) -> FeeRow:
    """Return what the swarm's account pays a contract on one day."""
    told = scenario.account.fees
    schedule = FeeSchedule(
        maker_per_unit=told.per_contract.written(), taker_per_unit=told.per_contract.written(),
        auction_per_unit=told.per_contract.written(), regulatory=told.regulatory,
    )  # fmt: skip
    return fee_row(schedule, option, day)
