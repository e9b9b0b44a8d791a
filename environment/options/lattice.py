"""A binomial tree, to check the fast methods with: slow, simple, and right in every regime.

The last step is taken with the Black-Scholes formula, which smooths the kink of the pay-off, and
two trees are extrapolated (Broadie & Detemple, Review of Financial Studies 9, 1996: "BBSR").
"""

import numpy as np
from numpy.typing import ArrayLike

from environment.compiled import njit
from environment.options.columns import FloatArray, columns, shaped
from environment.options.normal import inlined, is_side, probability


@inlined
def european(
    spot: float,
    strike: float,
    years: float,
    sigma: float,
    rate: float,
    dividend: float,
    sign: float,
) -> float:
    """Black-Scholes price of one option, `sign` 1 for a call and -1 for a put."""
    s = sigma * np.sqrt(years)
    asset, bond = spot * np.exp(-dividend * years), strike * np.exp(-rate * years)
    d1 = np.log(asset / bond) / s + 0.5 * s
    return sign * (asset * probability(sign * d1) - bond * probability(sign * (d1 - s)))


@njit
def tree(  # the market of one option
    spot: float,
    strike: float,
    years: float,
    sigma: float,
    rate: float,
    dividend: float,
    sign: float,
    steps: int,
    is_american: bool,  # noqa: FBT001  # compiled
) -> float:
    """Return the price of one option from a tree of `steps` steps, the last one in closed form."""
    dt = years / steps
    # The drift goes into the levels, so that the probability is within (0, 1) for any rate.
    up = np.exp((rate - dividend) * dt + sigma * np.sqrt(dt))
    down = np.exp((rate - dividend) * dt - sigma * np.sqrt(dt))
    chance = (np.exp((rate - dividend) * dt) - down) / (up - down)
    discount = np.exp(-rate * dt)
    value = np.empty(steps)
    level = spot * down ** (steps - 1)
    ratio = up / down
    for i in range(steps):
        held = european(level, strike, dt, sigma, rate, dividend, sign)
        value[i] = max(held, sign * (level - strike)) if is_american else held
        level *= ratio
    for step in range(steps - 2, -1, -1):
        level = spot * down**step
        for i in range(step + 1):
            held = discount * (chance * value[i + 1] + (1.0 - chance) * value[i])
            value[i] = max(held, sign * (level - strike)) if is_american else held
            level *= ratio
    return float(value[0])


@njit
def extrapolated(  # the market of one option
    spot: float,
    strike: float,
    years: float,
    sigma: float,
    rate: float,
    dividend: float,
    sign: float,
    steps: int,
    is_american: bool,  # noqa: FBT001  # compiled
) -> float:
    """Return twice the tree of `steps` steps less the one of half as many."""
    fine = tree(spot, strike, years, sigma, rate, dividend, sign, steps, is_american)
    coarse = tree(spot, strike, years, sigma, rate, dividend, sign, steps // 2, is_american)
    value = 2.0 * fine - coarse
    return max(value, sign * (spot - strike)) if is_american else value


@njit
def _kernel(
    arguments: tuple[FloatArray, ...],
    steps: int,
    is_american: bool,  # noqa: FBT001  # compiled
    out: FloatArray,
) -> None:
    spots, strikes, terms, sigmas, rates, yields, calls = arguments
    for i in range(out.size):
        spot, strike = spots[i if spots.size > 1 else 0], strikes[i if strikes.size > 1 else 0]
        years, sigma = terms[i if terms.size > 1 else 0], sigmas[i if sigmas.size > 1 else 0]
        rate, dividend = rates[i if rates.size > 1 else 0], yields[i if yields.size > 1 else 0]
        call = calls[i if calls.size > 1 else 0]
        sign, is_good = 1.0 if call != 0.0 else -1.0, spot > 0.0 and strike > 0.0
        if is_good and years > 0.0 and sigma > 0.0 and is_side(call):
            out[i] = extrapolated(
                spot, strike, years, sigma, rate, dividend, sign, steps, is_american
            )
        else:
            out[i] = np.nan


def price(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma_annual: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    is_call: ArrayLike,
    *,
    steps: int = 512,
    is_american: bool = True,
) -> FloatArray:
    """Return tree prices; arguments as in `black_scholes.price`, time and volatility above 0.

    Raises
    ------
    ValueError
        If `steps` is odd or below 4.
    """
    if steps < 4 or steps % 2:
        raise ValueError(f"steps must be an even number from 4 on, found {steps}")
    shape, flat = columns(spot, strike, years, sigma_annual, rate, dividend_yield, is_call)
    out = np.empty(int(np.prod(shape)))
    _kernel(tuple(flat), steps, is_american, out)
    return shaped(out, shape)
