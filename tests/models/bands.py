"""Limit-up/limit-down by looking at every trade again each second."""

from dataclasses import dataclass, field

SECOND = 1_000_000_000


def half_up(numerator: int, denominator: int) -> int:
    """Return a quotient rounded to the nearest integer, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)


def distance(reference: int, unit: int, tier: int, *, doubled: bool) -> int:
    """Return the ticks from a reference to its bands; `unit` ticks are one dollar."""
    factor = 2 if doubled else 1
    if reference > 3 * unit:
        return half_up(factor * (5 if tier == 1 else 10) * reference, 100)
    if 4 * reference >= 3 * unit:
        return half_up(factor * 20 * reference, 100)
    return factor * min(15 * unit // 100, half_up(75 * reference, 100))


@dataclass
class Bands:
    """Reference and bands of one stock from its opening on."""

    opened_ns: int
    reference: int
    unit: int
    tier: int
    double_from_ns: int = 0
    double_until_ns: int = 0
    since_ns: int = 0
    trades: list[tuple[int, int]] = field(default_factory=list)  # Time, price.

    def __post_init__(self) -> None:
        self.since_ns = self.opened_ns

    def on_second(self, now_ns: int) -> None:
        """Replace the reference where the mean of five minutes has moved away from it."""
        second = now_ns // SECOND
        recent = [
            price for time, price in self.trades if second - 300 < time // SECOND and time <= now_ns
        ]
        if not recent or now_ns - self.since_ns < 30 * SECOND:
            return
        mean = half_up(sum(recent), len(recent))
        if 100 * abs(mean - self.reference) >= self.reference:
            self.reference, self.since_ns = mean, now_ns

    def limits(self, now_ns: int) -> tuple[int, int]:
        """Return the lower and the upper band."""
        late = 0 < self.double_from_ns <= now_ns
        low_priced = self.reference <= 3 * self.unit
        doubled = now_ns < self.double_until_ns or (late and (self.tier == 1 or low_priced))
        width = distance(self.reference, self.unit, self.tier, doubled=doubled)
        return max(self.reference - width, 1), self.reference + width
