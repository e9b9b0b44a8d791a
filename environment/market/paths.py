"""Compiled value paths on a grid of one second, from named streams of draws.

Each source of randomness is a stream of its own, and a draw's number is the second it belongs to,
so that a longer day, another stock or a shock changes nobody else's draws.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from environment.compiled import njit
from environment.draws import draw_exponential, draw_integer, draw_normal, draw_uniform

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SMALLEST: Final = 1.0  # Ticks; a value never falls below one.
_BAR_START, _OPEN, _HIGH, _LOW, _CLOSE = range(5)
_DRAWS_PER_BAR: Final = 4
_PARKINSON: Final = 0.6005612043932249  # 1 / (2 sqrt(ln 2)): range of a walk to its deviation.


@njit
def mean_reverting_path(
    out: Floats, start: float, center: float, reversion: float, sigma: float, jump_rate: float,
    jump_mean: float, jump_deviation: float, key: int, time_key: int, size_key: int,
) -> None:  # fmt: skip
    """Fill `out` with an Ornstein-Uhlenbeck path, exact per second, plus signed Poisson jumps.

    Over one second x -> center + (x - center) e**-k + N(0, sigma**2 (1 - e**-2k) / 2k). A jump has
    size N(mean, deviation**2) with a fair sign and joins at the first grid point after its time.
    """
    decay = math.exp(-reversion)
    if reversion > 0.0:
        step = sigma * math.sqrt(-math.expm1(-2.0 * reversion) / (2.0 * reversion))
    else:
        step = sigma
    jumps = 0
    jump_time = math.inf
    if jump_rate > 0.0:
        jump_time = draw_exponential(time_key, 0) / jump_rate
    value = start
    for second in range(out.shape[0]):
        if second > 0:
            value = center + (value - center) * decay + step * draw_normal(key, second)
        while jump_time <= second:
            size = jump_mean + jump_deviation * draw_normal(size_key, 2 * jumps)
            if draw_uniform(size_key, 2 * jumps + 1) < 0.5:
                size = -size
            value += size
            jumps += 1
            jump_time += draw_exponential(time_key, jumps) / jump_rate
        value = max(value, SMALLEST)
        out[second] = value


@njit
def heston_path(
    out: Floats, start: float, drift: float, variance: float, reversion: float, center: float,
    volatility: float, correlation: float, years_per_second: float, price_key: int,
    variance_key: int,
) -> float:  # fmt: skip
    """Fill `out` with a Heston path; return the variance at its end.

    Log-Euler per second with full truncation: the variance that drives both equations is
    max(v, 0), so that a step below zero drifts back and does not bias the price.

    References
    ----------
    Lord, Koekkoek & van Dijk 2010, "A comparison of biased simulation schemes for stochastic
    volatility models", Quantitative Finance 10(2), equation 14.
    """
    other = math.sqrt(1.0 - correlation * correlation)
    root = math.sqrt(years_per_second)
    log_value = math.log(start)
    out[0] = start
    for second in range(1, out.shape[0]):
        positive = max(variance, 0.0)
        shock = draw_normal(price_key, second)
        mixed = correlation * shock + other * draw_normal(variance_key, second)
        deviation = math.sqrt(positive) * root
        log_value += (drift - 0.5 * positive) * years_per_second + deviation * shock
        variance += reversion * (center - positive) * years_per_second
        variance += volatility * deviation * mixed
        out[second] = max(math.exp(log_value), SMALLEST)
    return variance


@njit
def factor_path(out: Floats, start: float, drift: float, weights: Floats, keys: Ints) -> None:
    """Fill `out` with a lognormal path: `drift` per second, and a sum of independent factors.

    `weights` are standard deviations of log returns per square-root second, one per factor, and
    `keys` the factors' streams. Without drift the value is a martingale.
    """
    log_value = math.log(start)
    for factor in range(weights.shape[0]):
        drift -= 0.5 * weights[factor] * weights[factor]
    out[0] = start
    for second in range(1, out.shape[0]):
        log_value += drift
        for factor in range(weights.shape[0]):
            log_value += weights[factor] * draw_normal(keys[factor], second)
        out[second] = max(math.exp(log_value), SMALLEST)


@njit
def _bridge(
    out: Floats, first: int, last: int, low: float, high: float, deviation: float, key: int,
) -> None:  # fmt: skip
    """Fill between two fixed points with a Brownian bridge that stays in [low, high]."""
    for second in range(first + 1, last):
        left = last - second + 1
        mean = out[second - 1] + (out[last] - out[second - 1]) / left
        spread = deviation * math.sqrt((left - 1.0) / left)
        value = mean + spread * draw_normal(key, second)
        out[second] = min(max(value, low), high)


@njit
def _walk_bar(out: Floats, first: int, last: int, bar: Floats, key: int, bar_key: int,
              number: int) -> None:  # fmt: skip
    """Fill one bar: open, then both extremes in a plausible order, then close."""
    low, high = bar[_LOW], bar[_HIGH]
    out[first], out[last] = bar[_OPEN], bar[_CLOSE]
    spread = high - low
    base = _DRAWS_PER_BAR * number
    deviation = _PARKINSON * spread / math.sqrt(float(last - first + 1))
    # A bar that rose from its low to its high passed the low first, and so less surely in between.
    low_first = 0.5
    if spread > 0.0:
        low_first += 0.5 * (bar[_CLOSE] - bar[_OPEN]) / spread
    first_is_low = draw_uniform(bar_key, base) < low_first
    one, two = (low, high) if first_is_low else (high, low)
    inside = last - first - 1
    at_one, at_two = first, last
    if inside >= 2:
        place = draw_integer(bar_key, base + 1, 0, inside)
        other = draw_integer(bar_key, base + 2, 0, inside - 1)
        other += other >= place
        at_one, at_two = first + 1 + min(place, other), first + 1 + max(place, other)
        # An extreme that open or close already is needs no second visit.
        if one in (bar[_OPEN], bar[_CLOSE]):
            at_one = first
        else:
            out[at_one] = one
        if two in (bar[_OPEN], bar[_CLOSE]):
            at_two = last
        else:
            out[at_two] = two
    _bridge(out, first, at_one, low, high, deviation, key)
    _bridge(out, at_one, at_two, low, high, deviation, key)
    _bridge(out, at_two, last, low, high, deviation, key)


@njit
def bar_path(out: Floats, bars: Floats, bar_seconds: int, key: int, bar_key: int) -> None:
    """Fill `out` with a path through bars; between bars it runs straight, outside it stands.

    Parameters
    ----------
    bars : float array of shape (n, 5)
        Start (seconds from the grid's first point; may be negative), open, high, low, close.
    """
    count = out.shape[0]
    reached = -1  # Last grid point that is filled.
    for number in range(bars.shape[0]):
        bar = bars[number]
        first = int(bar[_BAR_START])
        last = first + bar_seconds - 1
        if first < 0 or last >= count:
            continue
        if reached < 0:
            out[:first] = bar[_OPEN]
        else:
            step = (bar[_OPEN] - out[reached]) / (first - reached)
            for second in range(reached + 1, first):
                out[second] = out[reached] + step * (second - reached)
        _walk_bar(out, first, last, bar, key, bar_key, number)
        reached = last
    if reached >= 0:
        out[reached + 1 :] = out[reached]


@njit
def apply_shocks(values: Floats, jumps: Floats, levels: Floats) -> None:
    """Scale a path's log steps by `levels`, and from each second on its value by 1 + `jumps`."""
    before = values[0]
    log_value = math.log(values[0]) + math.log1p(jumps[0])
    values[0] = math.exp(log_value)
    for second in range(1, values.shape[0]):
        now = values[second]
        log_value += levels[second] * (math.log(now) - math.log(before))
        log_value += math.log1p(jumps[second])
        before = now
        values[second] = max(math.exp(log_value), SMALLEST)
