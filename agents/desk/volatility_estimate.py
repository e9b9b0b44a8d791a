"""A running estimate of an instrument's volatility from the mids an agent hears."""

import math
from typing import Final

import msgspec

_YEAR_NS: Final = 365 * 86_400 * 1_000_000_000
_DAY_NS: Final = 23_400 * 1_000_000_000  # Six and a half hours of trading,
# and 252 such days a year: what is measured while the market is open stands for the whole year, so
# that the estimate is comparable to an implied volatility.
_TRADING_YEAR_NS: Final = 252 * _DAY_NS
_SAMPLE_NS: Final = 60_000_000_000  # Below a minute the bounce between bid and ask is most of it.


class VolatilityEstimate(msgspec.Struct):
    """Exponentially weighted variance of one-minute returns of the mid.

    The first ten of them count no more than `prior` (per year, as a fraction).
    """

    prior: float = 0.3
    twice_mid: int = 0
    at_ns: int = -1
    samples: float = 0.0
    variance: float = 0.0  # Sum of weights times squared returns per ns.

    def hear(self, twice_mid: int, now_ns: int) -> None:
        """Take a mid in; what comes within a minute of the last sample is passed over."""
        if self.at_ns < 0 or now_ns - self.at_ns > 10 * _SAMPLE_NS:
            self.twice_mid, self.at_ns = twice_mid, now_ns  # A night or a halt is no minute.
            return
        passed_ns = now_ns - self.at_ns
        if passed_ns < _SAMPLE_NS:
            return
        moved = math.log(twice_mid / self.twice_mid)
        fade = 0.97
        self.samples = self.samples * fade + 1.0
        self.variance = self.variance * fade + moved * moved / passed_ns
        self.twice_mid, self.at_ns = twice_mid, now_ns

    def annual(self) -> float:
        """Return the volatility per year, as a fraction."""
        prior_weight = 10.0
        measured = self.variance * _TRADING_YEAR_NS
        total = prior_weight * self.prior * self.prior + measured
        return math.sqrt(total / (prior_weight + self.samples))


def years_ahead(holding_ns: int) -> float:
    """Return the years whose variance a holding period from now brings.

    Up to a day's trading it is taken to pass while the market is open, where all variance is; a
    longer one counts calendar time, nights and weekends included.
    """
    return max(min(holding_ns, _DAY_NS) / _TRADING_YEAR_NS, holding_ns / _YEAR_NS)
