"""Distributions that several populations share: order sizes, wake-ups, depths.

Order sizes follow the mixture of the community's reference market (rmsc04): a lognormal for a
fifth, round hundreds for the rest. Wake-ups follow a U-shaped density over the day.
"""

import math

from environment.compiled import njit
from environment.draws import draw_normal, draw_uniform

# Cumulative weights of 100, 200, … 1,000 after the lognormal's 0.2.
_W1, _W2, _W3, _W4, _W5 = 0.9, 0.96, 0.964, 0.9969, 0.9979
_W6, _W7, _W8, _W9 = 0.9985, 0.9989, 0.9994, 0.9997


@njit
def mixture_size(key: int, counter: int) -> int:
    """Return an order size in shares; uses the draws `counter` and `counter + 1`."""
    u = draw_uniform(key, counter)
    z = draw_normal(key, counter + 1)
    if u < 0.2:
        return max(round(math.exp(2.9 + 1.2 * z)), 1)
    centre = 1000.0
    if u < _W1:
        centre = 100.0
    elif u < _W2:
        centre = 200.0
    elif u < _W3:
        centre = 300.0
    elif u < _W4:
        centre = 400.0
    elif u < _W5:
        centre = 500.0
    elif u < _W6:
        centre = 600.0
    elif u < _W7:
        centre = 700.0
    elif u < _W8:
        centre = 800.0
    elif u < _W9:
        centre = 900.0
    return round(centre + 0.15 * z)


@njit
def u_shaped(u: float) -> float:
    """Return the point of [0, 1] below which a U-quadratic day has done the share `u`.

    The density is 12 (x - 1/2)^2: nothing in the middle, three times the mean at both ends.
    """
    y = (u - 0.5) * 0.25
    root = abs(y) ** (1.0 / 3.0)
    return 0.5 + root if y >= 0.0 else 0.5 - root


@njit
def u_share(x: float) -> float:
    """Return the share of a U-quadratic day that is done at x in [0, 1]."""
    return 0.5 + 4.0 * (x - 0.5) ** 3


@njit
def next_u_shaped(x: float, mean_gap_share: float, exponential: float) -> float:
    """Return the next point of a Poisson process with U-shaped intensity; above 1: none today."""
    share = u_share(x) + mean_gap_share * exponential
    return u_shaped(share) if share < 1.0 else 2.0


@njit
def power_depth(u: float, tail: float, scale: float, longest: int) -> int:
    """Return ticks behind a price: Pareto of index `tail` beyond `scale`, from 0 to `longest`."""
    return min(int(scale * (u ** (-1.0 / tail) - 1.0)), longest)


@njit
def run_length(u: float) -> int:
    """Return how many orders of one sign follow each other: Pareto of index 1.5, at most 1,000."""
    return min(int(u ** (-1.0 / 1.5)), 1000)


@njit
def decayed(value: float, rate: float, elapsed_ns: int) -> float:
    """Return what is left of an excitation after a time, at a rate per ns."""
    return value * math.exp(-rate * elapsed_ns)


@njit
def kept(rate: float, elapsed_ns: int) -> float:
    """Return the share of a deviation that mean reversion at `rate` per ns leaves."""
    return math.exp(elapsed_ns * math.log1p(-rate))


@njit
def follow(
    estimate: float, held: float, since_ns: int, wander: float, noise: float, observed: int
) -> tuple[float, float]:  # fmt: skip
    """Return estimate and variance of a value that wanders, after one more observation.

    The local level filter (Harvey 1989, section 3.2): `wander` is the variance that the value gains
    a second, `noise` that of the observation.
    """
    before = held + wander * since_ns * 1e-9
    weight = before / (before + noise) if before + noise > 0.0 else 1.0
    return estimate + weight * (observed - estimate), weight * noise


@njit
def update_belief(
    estimate: float, held: float, since_ns: int, left_ns: int, reversion: float, mean: float,
    noise: float, shock: float, observed: int,
) -> tuple[float, float, int]:  # fmt: skip
    """Return estimate and variance after one more observation, and the closing value in ticks.

    The Bayesian update of Byrd, Hybinette & Balch 2020 (ABIDES): since the last look the belief
    reverted towards the mean, and shocks of variance `shock` per ns were added to its own; the
    observation, of variance `noise`, is weighed against that.
    """
    keep = kept(reversion, since_ns)
    prior = (1.0 - keep) * mean + keep * estimate
    one = 1.0 - (1.0 - reversion) * (1.0 - reversion)
    before = keep * keep * held + (1.0 - keep * keep) / one * shock
    weight = before / (noise + before) if noise + before > 0.0 else 1.0
    estimate = (1.0 - weight) * prior + weight * observed
    held = noise * held / (noise + held) if noise + held > 0.0 else 0.0
    keep = kept(reversion, max(left_ns, 0))
    return estimate, held, round((1.0 - keep) * mean + keep * estimate)
