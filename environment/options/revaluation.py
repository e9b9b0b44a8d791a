"""What a portfolio of stock and options gains in scenarios, by full revaluation; and its greeks.

Options are valued by Black and Scholes at the scenario's volatility; what their mark is above that
model's value today (the premium of early exercise) is held. All arithmetic is elementwise or a sum
over rows in order, so that the same figures come out on every build.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from environment.compiled import njit
from environment.draws import draw_uniform
from environment.options.black_scholes import price, price_and_greeks
from environment.options.columns import FloatArray
from environment.options.elementary import exponential
from environment.options.heston_simulation import advance_paths, step_constants

_LEAST_SIGMA = 0.005
_DAYS = 365.0


class Lines(NamedTuple):
    """Positions, one row each; all arrays of shape (n_lines,).

    `weight` is money per 1.00 of price, signed: contracts times multiplier. Of stock, strike, time
    and volatility are 1 and not looked at. `held` is the mark above the model's value today.
    """

    spot: FloatArray
    strike: FloatArray
    years: FloatArray
    sigma_annual: FloatArray
    is_call: FloatArray
    is_option: NDArray[np.bool_]
    weight: FloatArray
    held: FloatArray


def chosen(lines: Lines, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Lines:
    """Return some of the lines."""
    return Lines(
        lines.spot[rows], lines.strike[rows], lines.years[rows], lines.sigma_annual[rows],
        lines.is_call[rows], lines.is_option[rows], lines.weight[rows], lines.held[rows],
    )  # fmt: skip


class Scenarios(NamedTuple):
    """Moves, one column each; all arrays of shape (n_scenarios,)."""

    spot_factor: FloatArray
    sigma_factor: FloatArray
    days: FloatArray  # Calendar days that pass.


class LineGreeks(NamedTuple):
    """Greeks in money, shape (n_lines,) each."""

    delta: FloatArray  # Delta times spot.
    gamma: FloatArray  # Change of `delta` for one per cent of spot.
    vega: FloatArray  # Per volatility point.
    theta: FloatArray  # Per calendar day.


def values(lines: Lines, rate: float = 0.0) -> FloatArray:
    """Return the model's value per 1.00 of weight, today; shape (n_lines,)."""
    model = price(
        lines.spot, lines.strike, lines.years, lines.sigma_annual, rate, 0.0, lines.is_call
    )
    return np.where(lines.is_option, model, lines.spot)


def gains(lines: Lines, scenarios: Scenarios, rate: float = 0.0) -> FloatArray:
    """Return what each line gains in each scenario, in money; shape (n_lines, n_scenarios)."""
    spot = lines.spot[:, None] * scenarios.spot_factor
    found = spot - lines.spot[:, None]
    options = lines.is_option
    if options.any():
        some = chosen(lines, options)
        years = np.maximum(some.years[:, None] - scenarios.days / _DAYS, 0.0)
        sigma = np.maximum(some.sigma_annual[:, None] * scenarios.sigma_factor, _LEAST_SIGMA)
        wide = (len(some.spot), len(scenarios.spot_factor))
        then = price(
            spot[options], np.broadcast_to(some.strike[:, None], wide), years, sigma, rate, 0.0,
            np.broadcast_to(some.is_call[:, None], wide),
        )  # fmt: skip
        found[options] = then - values(some, rate)[:, None]
    return found * lines.weight[:, None]


def greeks(lines: Lines, rate: float = 0.0) -> LineGreeks:
    """Return the greeks of each line in money."""
    found = price_and_greeks(
        lines.spot, lines.strike, lines.years, lines.sigma_annual, rate, 0.0, lines.is_call
    )
    is_option, weight = lines.is_option, lines.weight
    per_spot = lines.spot * weight
    return LineGreeks(
        delta=np.where(is_option, found.delta, 1.0) * per_spot,
        gamma=np.where(is_option, found.gamma * lines.spot / 100.0, 0.0) * per_spot,
        vega=np.where(is_option, found.vega_per_unit_vol / 100.0, 0.0) * weight,
        theta=np.where(is_option, found.theta_per_year / _DAYS, 0.0) * weight,
    )


def tail(gain: FloatArray, confidence: float) -> tuple[float, float]:
    """Return value at risk and expected shortfall of equally likely gains, losses positive.

    The value at risk is the loss that is exceeded in at most `1 - confidence` of the scenarios; the
    shortfall the mean of it and all that are worse.
    """
    ordered = np.sort(-gain)
    first = min(int(np.ceil(confidence * len(ordered))) - 1, len(ordered) - 1)
    worst = ordered[first:]
    total = 0.0
    for loss in worst:  # In order: a pairwise sum may differ between builds.
        total += float(loss)
    return float(ordered[first]), total / len(worst)


@njit
def _fill_uniforms(key: int, out: FloatArray) -> None:
    count = 0
    for i in range(out.shape[0]):
        for t in range(out.shape[1]):
            for j in range(out.shape[2]):
                out[i, t, j] = draw_uniform(key, count)
                count += 1


def heston_scenarios(
    key: int, count: int, days: float, *, sigma_annual: float, kappa: float = 3.0,
    sigma_of_variance: float = 0.6, rho: float = -0.7, steps: int = 8,
) -> Scenarios:  # fmt: skip
    """Return moves of spot and volatility over some days, drawn from Heston paths.

    The variance begins and reverts to `sigma_annual` squared. The draws are a function of `key`, so
    that underlyings of one key move together.
    """
    uniforms = np.empty((3, steps, count))
    _fill_uniforms(key, uniforms)
    theta = sigma_annual**2
    constants = step_constants(days / _DAYS / steps, kappa, theta, sigma_of_variance, rho)
    log_price, variance = np.zeros(count), np.full(count, theta)
    advance_paths(uniforms, tuple(constants), log_price, variance)
    # Elementwise, through compiled scalars: numpy's own exp differs between builds.
    return Scenarios(*_factors(log_price, variance, theta), np.full(count, days))


@njit
def _factors(
    log_price: FloatArray, variance: FloatArray, theta: float
) -> tuple[FloatArray, FloatArray]:
    spot, sigma = np.empty(log_price.size), np.empty(log_price.size)
    for i in range(log_price.size):
        spot[i] = exponential(log_price[i])
        sigma[i] = np.sqrt(max(variance[i], 0.0) / theta)
    return spot, sigma
