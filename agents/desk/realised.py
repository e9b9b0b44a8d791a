"""How much an instrument has moved: what a view on volatility is held to when its time has come."""

import math
from typing import Final

import msgspec

from agents.desk.volatility_estimate import years_ahead

_SAMPLE_NS: Final = 60_000_000_000  # Below a minute the bounce between bid and ask is most of it.
_LATE: Final = 8  # A look may be late by an eighth of the time it looks at.


class Realised(msgspec.Struct):
    """Sum of squared log returns of the mid since it was first heard, nights and halts included."""

    total: float = 0.0
    twice_mid: int = 0
    at_ns: int = 0

    def hear(self, twice_mid: int, now_ns: int) -> None:
        """Take a mid in; what comes within a minute of the last one is passed over."""
        if not self.twice_mid:
            self.twice_mid, self.at_ns = twice_mid, now_ns
        elif now_ns - self.at_ns >= _SAMPLE_NS:
            self.total = self.until(twice_mid)
            self.twice_mid, self.at_ns = twice_mid, now_ns

    def until(self, twice_mid: int | None) -> float:
        """Return the sum up to a mid of now; without one, up to the last that was taken."""
        if not twice_mid or not self.twice_mid:
            return self.total
        moved = math.log(twice_mid / self.twice_mid)
        return self.total + moved * moved


class VolatilityClaim(msgspec.Struct, frozen=True, array_like=True):
    """That volatility comes out above or below what was implied, and when that was said."""

    born_ns: int
    implied: float  # Per year, as a fraction.
    total: float  # Of `Realised`, when it was said.

    def moved(self, total: float, at_ns: int, now_ns: int) -> float | None:
        """Return realised volatility over the implied one less 1, or None if looked at too late."""
        if (now_ns - at_ns) * _LATE > at_ns - self.born_ns:
            return None
        years = years_ahead(now_ns - self.born_ns)
        return math.sqrt(max(total - self.total, 0.0) / years) / self.implied - 1.0


def claimed_move(expected: float | None, implied: float | None) -> float:
    """Return expected over implied volatility less 1; 0 where nothing is claimed of the two."""
    if expected is None or implied is None:
        return 0.0
    if not (0.0 < expected < 10.0 and 0.0 < implied < 10.0):  # False for a NaN too.
        return 0.0
    return expected / implied - 1.0
