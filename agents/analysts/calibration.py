"""Whether stated probabilities are true: the Brier score, and claimed against observed shares."""

from collections.abc import Sequence

import msgspec


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Claims between two probabilities: their mean, and the share that came true."""

    low: float
    high: float
    count: int
    claimed: float
    observed: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """How good a set of claims was.

    `brier` is the mean squared error of the probabilities, 0 at best; `brier_of_half` that of
    always saying 1/2, which is 0.25 with outcomes of 0 and 1. `gap` is the mean distance between
    claimed and observed shares, by bin and weighed by count.
    """

    count: int
    hits: float
    brier: float
    brier_of_half: float
    gap: float
    bins: tuple[Bin, ...]


def calibrate(claims: Sequence[float], outcomes: Sequence[float], bins: int = 5) -> Calibration:
    """Return the calibration of some claims.

    Parameters
    ----------
    claims
        Probabilities of the stated direction, 0.5 to 1; lower ones count as 0.5.
    outcomes
        1 where the direction came true, 0 where not, 0.5 where the price stood still.

    References
    ----------
    Brier (1950), "Verification of forecasts expressed in terms of probability", Monthly Weather
    Review 78.
    """
    pairs = [(max(c, 0.5), o) for c, o in zip(claims, outcomes, strict=True)]
    count = len(pairs)
    if not count:
        return Calibration(count=0, hits=0.0, brier=0.0, brier_of_half=0.0, gap=0.0, bins=())
    width, made = 0.5 / bins, list[Bin]()
    for n in range(bins):
        low, high = 0.5 + n * width, 0.5 + (n + 1) * width
        inside = [(c, o) for c, o in pairs if low <= c < high or (n == bins - 1 and c >= high)]
        if inside:
            claimed = sum(c for c, _ in inside) / len(inside)
            observed = sum(o for _, o in inside) / len(inside)
            made.append(
                Bin(low=low, high=high, count=len(inside), claimed=claimed, observed=observed)
            )
    return Calibration(
        count=count,
        hits=sum(o for _, o in pairs) / count,
        brier=sum((c - o) ** 2 for c, o in pairs) / count,
        brier_of_half=sum((0.5 - o) ** 2 for _, o in pairs) / count,
        gap=sum(one.count * abs(one.claimed - one.observed) for one in made) / count,
        bins=tuple(made),
    )
