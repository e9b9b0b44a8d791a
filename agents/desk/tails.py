"""Value at risk and expected shortfall of one day: past days, and days drawn from Heston paths.

Every lot is revalued in full in every scenario, options by Black and Scholes at the scenario's
volatility with their early-exercise premium held. What one lot gains is kept as whole millionths,
so that an account's gain is a sum of integers: the same in any order, and after any restart.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from agents.desk.frozen import Frozen
from agents.desk.sheet import USUAL_SIGMA, Ints, whole
from environment.instruments import half_even
from environment.options.revaluation import Lines, Scenarios, chosen, gains, heston_scenarios

DRAWS: Final = 500
_FEW: Final = 8  # Rows that are added each time, rather than the account summed anew.
CONFIDENCE: Final = 0.99
LinesOf = Callable[[Frozen, tuple[str, ...]], tuple[Lines, tuple[str, ...]]]


class Tails:
    """Gains of a lot of each instrument by scenario, made when first asked for.

    Parameters
    ----------
    key
        Of the draws; with one key the underlyings move together.
    lines_of
        Returns one lot of each symbol as lines at the frozen marks, and their underlyings.
    """

    def __init__(self, key: int, lines_of: LinesOf) -> None:
        self._key, self._lines_of = key, lines_of
        self._frozen = Frozen()
        self._version = -1
        self._rows: dict[str, Ints] = {}
        self._moves: dict[str, tuple[Scenarios, Scenarios]] = {}
        self._lots: dict[str, int] = {}
        self._total = np.zeros(DRAWS, np.int64)
        self._days = 0

    def follow(self, frozen: Frozen) -> "Tails":
        """Reckon from these marks on; what was reckoned from others is forgotten."""
        if frozen.version != self._version or frozen is not self._frozen:
            self._frozen, self._version = frozen, frozen.version
            known = [len(past) for past in frozen.returns.values() if past]
            self._days = min(known, default=0)
            self._rows, self._moves, self._lots = {}, {}, {}
            self._total = np.zeros(DRAWS + self._days, np.int64)
        return self

    def figures(self, lots: Mapping[str, int]) -> tuple[int, int]:
        """Return value at risk and shortfall in micros: the worse of the past and of the draws."""
        gain = self._gain(lots)
        found = [tail(gain[:DRAWS], CONFIDENCE)]
        if self._days:
            found.append(tail(gain[DRAWS:], CONFIDENCE))
        worst = max(found)
        return max(worst[0], 0), max(worst[1], 0)

    def prepare(self, lots: Mapping[str, int]) -> None:
        """Reckon an account beforehand, so that an order waits for its own rows only."""
        self._gain(lots)

    def _gain(self, lots: Mapping[str, int]) -> Ints:
        """Return the account's gain by scenario: as it was when last summed, and what is else."""
        changed = {
            symbol: lots.get(symbol, 0) - self._lots.get(symbol, 0)
            for symbol in lots.keys() | self._lots.keys()
        }
        changed = {symbol: quantity for symbol, quantity in changed.items() if quantity}
        self._fill(tuple(sorted(changed.keys() - self._rows.keys())))
        total = self._total.copy()
        for symbol, quantity in changed.items():
            total += quantity * self._rows[symbol]
        if len(changed) > _FEW:
            self._lots, self._total = dict(lots), total
        return total

    def _fill(self, symbols: tuple[str, ...]) -> None:
        if not symbols:
            return
        lines, underlyings = self._lines_of(self._frozen, symbols)
        names = np.array(underlyings)
        for name in dict.fromkeys(underlyings):
            places = np.flatnonzero(names == name)
            some = chosen(lines, places)
            drawn, past = self._moves_of(name, some)
            gain = gains(some, drawn)
            if self._days:
                gain = np.concatenate([gain, gains(some, past)], axis=1)
            for row, place in zip(whole(gain), places.tolist(), strict=True):
                self._rows[symbols[place]] = row

    def _moves_of(self, name: str, lines: Lines) -> tuple[Scenarios, Scenarios]:
        if name not in self._moves:
            sigma = self._sigma(name, lines)
            drawn = heston_scenarios(self._key, DRAWS, 1.0, sigma_annual=sigma)
            moved = np.zeros(self._days)  # Without a past of its own, only the draws speak.
            returns = self._frozen.returns.get(name)
            if returns:
                moved = np.array(returns[-self._days :], np.float64)
            past = Scenarios(1.0 + moved, np.ones(self._days), np.ones(self._days))
            self._moves[name] = drawn, past
        return self._moves[name]

    def _sigma(self, name: str, lines: Lines) -> float:
        """Return the variance's start: of the option nearest the money, else of the stock."""
        own = self._frozen.sigmas.get(name, USUAL_SIGMA)
        if not lines.is_option.any():
            return max(own, 0.01)
        away = np.where(lines.is_option, np.abs(lines.strike / lines.spot - 1.0), np.inf)
        return max(float(lines.sigma_annual[int(np.argmin(away))]), 0.01)


def tail(gain: Ints, confidence: float) -> tuple[int, int]:
    """Return value at risk and expected shortfall of equally likely gains, losses positive.

    The value at risk is the loss that is exceeded in at most `1 - confidence` of the scenarios; the
    shortfall the mean of it and all that are worse.
    """
    count = len(gain)
    worse = count - min(int(np.ceil(confidence * count)) - 1, count - 1)
    worst = np.sort(np.partition(gain, worse - 1)[:worse])
    return -int(worst[-1]), half_even(-int(worst.sum()), worse)
