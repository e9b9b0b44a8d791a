"""The market as it stood a while ago: what heavy figures are reckoned from, beside the orders.

Revaluing a whole account in hundreds of scenarios takes longer than an order should wait. So marks
are set aside once a minute, whatever is reckoned from them is kept, and an order adds its own part.
All of it is a function of this struct, which is part of risk's state: after a restart the same
figures come out.
"""

import math
from datetime import date
from typing import Final

import msgspec

from agents.desk.volatility_estimate import VolatilityEstimate

RENEW_NS: Final = 60_000_000_000
_TRADING_DAYS: Final = 252
_KEPT_DAYS: Final = 750
_LEAST_DAYS: Final = 20  # Fewer returns say nothing of a volatility.
_SPLIT: Final = 0.5  # A night that moves a price by more than this was a split: no loss of anybody.


class Frozen(msgspec.Struct):
    """Marks, volatilities and past returns; `version` rises with every renewal."""

    version: int = 0
    today: date = date(2000, 1, 1)
    marks: dict[str, int] = {}  # Ticks.
    sigmas: dict[str, float] = {}  # Of each stock, per year, by its own marks.
    returns: dict[str, list[float]] = {}  # Of whole days, the last one last.
    closes: dict[str, int] = {}  # Where each stock stood when the last day ended.
    estimates: dict[str, VolatilityEstimate] = {}

    def hear(self, symbol: str, ticks: int, now_ns: int) -> None:
        """Take a stock's mark in; what it moves by tells how volatile it is."""
        estimate = self.estimates.get(symbol)
        if estimate is None:
            prior = VolatilityEstimate().prior
            past = self.returns.get(symbol, [])
            prior = _annual(past) if len(past) >= _LEAST_DAYS else prior
            estimate = self.estimates[symbol] = VolatilityEstimate(prior=prior)
        estimate.hear(2 * ticks, now_ns)

    def renew(self, marks: dict[str, int], today: date) -> None:
        """Set the present market aside."""
        self.version += 1
        self.marks, self.today = dict(marks), today
        self.sigmas = {name: estimate.annual() for name, estimate in self.estimates.items()}

    def end_day(self, marks: dict[str, int], stocks: tuple[str, ...]) -> None:
        """Add the day that has ended to the past: the run's own marks are history, too."""
        for symbol in stocks:
            mark = marks.get(symbol)
            before = self.closes.get(symbol)
            if mark and before:
                moved = mark / before - 1.0
                if abs(moved) < _SPLIT:
                    past = self.returns.setdefault(symbol, [])
                    past.append(moved)
                    del past[:-_KEPT_DAYS]
            if mark:
                self.closes[symbol] = mark


def _annual(returns: list[float]) -> float:
    """Return the volatility per year of daily returns, about zero."""
    return math.sqrt(math.fsum(r * r for r in returns) / len(returns) * _TRADING_DAYS)
