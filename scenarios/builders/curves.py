"""The world's truth about rates, dividends and borrowing, from a scenario's files."""

from dataclasses import dataclass
from datetime import date, timedelta

import msgspec
import numpy as np

from environment.errors import ConfigError
from environment.feeds.corporate_actions import read_corporate_actions
from environment.feeds.rates import zero_curve_on
from environment.market.calendar import TradingCalendar
from environment.market.corporate_actions import CorporateAction, Dividend, Split
from environment.market.exercise_rules import DueDividend
from environment.options.curves import (
    BorrowCurve,
    DividendSchedule,
    ZeroCurve,
    borrow_curve,
    flat_curve,
)
from scenarios.config.load import Config
from scenarios.config.market import Instrument

_YEAR_DAYS = 365.0
_HORIZON = timedelta(days=3 * 366)  # Beyond the longest listed option.


@dataclass(frozen=True)
class WorldCurves:
    """What is true in a world; each agent may have its own, possibly wrong, copy.

    Attributes
    ----------
    day : date
        From which the zero curve counts.
    actions : tuple
        Everything companies will do to their shares, by ex-date, in shares of that date.
    """

    day: date
    zero: ZeroCurve
    actions: tuple[CorporateAction, ...]
    borrow: dict[str, BorrowCurve]

    def discount(self, first: date, last: date) -> float:
        """Return what one unit paid on `last` is worth on `first`."""
        ends = np.array([(day - self.day).days / _YEAR_DAYS for day in (first, last)])
        near, far = self.zero.discount_factor(np.maximum(ends, 0.0)).tolist()
        return float(far / near)

    def discount_days(self, first: date, days: int) -> float:
        """Return the same for a unit paid so many days after `first`."""
        return self.discount(first, first + timedelta(days=days))

    def due_dividends(self, symbol: str, day: date) -> tuple[DueDividend, ...]:
        """Return the ordinary dividends after a day, in shares as they are on that day."""
        found: list[DueDividend] = []
        shares = 1.0
        for action in self.actions:
            if action.symbol != symbol or action.ex_date <= day:
                continue
            if isinstance(action, Split):
                shares *= action.numerator / action.denominator
            elif not action.is_special:
                amount = round(action.micros_per_share * shares)
                found.append(DueDividend(ex_date=action.ex_date, micros_per_share=amount))
        return tuple(found)

    def dividends(self, symbol: str, day: date) -> DividendSchedule:
        """Return the same as a pricing model takes them: currency by years from that day."""
        due = self.due_dividends(symbol, day)
        return DividendSchedule(
            years=np.array([(d.ex_date - day).days / _YEAR_DAYS for d in due]),
            amounts=np.array([d.micros_per_share / 1e6 for d in due]),
        )

    def borrowing(self, symbol: str) -> BorrowCurve:
        """Return the cost of borrowing a stock; nothing where the scenario says nothing."""
        return self.borrow.get(symbol) or borrow_curve(1.0, 0.0)


def company_actions(
    config: Config, stock: Instrument, first: date, last: date, calendar: TradingCalendar
) -> tuple[CorporateAction, ...]:
    """Return what a company does to its shares from `first` to `last`, both included.

    Raises
    ------
    ConfigError
        If a special dividend is named for a day that has none.
    FeedError
        If the file is damaged or lacks the symbol.
    """
    if stock.actions is None:
        return ()
    path, special = config.find(stock.actions), set(stock.special_dividends)
    found = read_corporate_actions(path, (stock.symbol,), first=first, last=last, calendar=calendar)
    paid = {one.ex_date for one in found if isinstance(one, Dividend)}
    for day in sorted(special):
        if first <= day <= last and day not in paid:
            raise ConfigError(
                f"instruments: {stock.symbol} has special_dividends on {day}, and {path.name} none"
            )
    return tuple(
        msgspec.structs.replace(one, is_special=True)
        if isinstance(one, Dividend) and one.ex_date in special else one
        for one in found
    )  # fmt: skip


def world_curves(config: Config, first: date, calendar: TradingCalendar) -> WorldCurves:
    """Return the truth of a scenario's world.

    Raises
    ------
    ConfigError
        If a file is missing or damaged, or lacks a day or a symbol.
    """
    scenario = config.scenario
    told = scenario.curves
    zero = (
        flat_curve(told.rate) if told.rates is None
        else zero_curve_on(config.find(told.rates), first)
    )  # fmt: skip
    actions: list[CorporateAction] = []
    for stock in scenario.instruments:
        actions += company_actions(config, stock, first, first + _HORIZON, calendar)
    # Dividends are stated per share held before a split of the same day.
    actions.sort(key=lambda a: (a.ex_date, isinstance(a, Split), a.symbol))
    return WorldCurves(
        day=first, zero=zero, actions=tuple(actions),
        borrow={symbol: _borrowing(cost) for symbol, cost in told.borrow.items()},
    )  # fmt: skip


def _borrowing(cost: float | tuple[tuple[float, float], ...]) -> BorrowCurve:
    """Return the curve of one cost for all times, or of averages to each of some years."""
    knots = ((1.0, cost),) if isinstance(cost, float | int) else cost
    return borrow_curve([years for years, _ in knots], [rate for _, rate in knots])
