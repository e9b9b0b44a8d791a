"""European options on a stock with a continuous dividend yield: price and greeks.

Units, everywhere: time in years, volatility per square-root year, rates continuously compounded
per year, prices and greeks per one unit of the underlying. Invalid input (a spot or strike not
above 0, a spot so far from its strike that float64 has no quotient of the two, a negative time or
volatility, a side other than 0 and 1, NaN) gives NaN in its own row only.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from environment.compiled import njit
from environment.options.columns import FloatArray, columns, shaped
from environment.options.normal import (
    LEAST_NORMAL,
    density,
    exp,
    inlined,
    is_side,
    log_ratio,
    mills,
    mills_difference_near,
    mills_slope,
)

# Options are priced in blocks that stay in the first-level cache, one row of the work area per
# quantity. A constant row length lets the compiler see that rows do not overlap, and many short
# loops hide the latency of long polynomials better than one long loop does.
BLOCK = 64
SPOT, STRIKE, YEARS, SIGMA, RATE, YIELD, IS_CALL = range(7)
ASSET, BOND, X, S, FAR, HALF, MILLS_UP, MILLS_DOWN, DENSITY, SERIES, TIME_VALUE, LEG_UP = range(
    7, 19
)
RESULTS = 19
_ROWS = RESULTS + 13
_FARTHEST = 1e8  # A distance at which the density is zero and whose square is still finite.
_LEAST_YEARS, _LEAST_SIGMA, _NO_SPREAD = 1e-200, 1e-100, 1e-99


class Greeks(NamedTuple):
    """Price and the eight greeks that a desk watches, each in the shape of the arguments."""

    price: FloatArray
    delta: FloatArray  # dV/dS.
    gamma: FloatArray  # d2V/dS2.
    vega_per_unit_vol: FloatArray  # dV/dsigma; divide by 100 for one volatility point.
    theta_per_year: FloatArray  # dV/dt = -dV/dT; divide by 365 for a calendar day.
    rho_per_unit_rate: FloatArray  # dV/dr; divide by 10,000 for a basis point.
    vanna_per_unit_vol: FloatArray  # d2V/dS dsigma.
    volga_per_unit_vol_squared: FloatArray  # d2V/dsigma2.
    charm_per_year: FloatArray  # d(delta)/dt = -d(delta)/dT.


class FullGreeks(NamedTuple):
    """Greeks and, after them, the rest of the second order and the gamma profile."""

    price: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega_per_unit_vol: FloatArray
    theta_per_year: FloatArray
    rho_per_unit_rate: FloatArray
    vanna_per_unit_vol: FloatArray
    volga_per_unit_vol_squared: FloatArray
    charm_per_year: FloatArray
    dividend_rho_per_unit_yield: FloatArray  # dV/dq.
    veta_per_year: FloatArray  # d(vega)/dt.
    speed: FloatArray  # d(gamma)/dS.
    colour_per_year: FloatArray  # d(gamma)/dt.


@inlined
def load(work: FloatArray, row: int, column: FloatArray, start: int, count: int) -> None:
    """Copy the next `count` values of a column (or its only value) into a row of the block."""
    if column.size == 1:
        for j in range(BLOCK):
            work[row * BLOCK + j] = column[0]
    else:
        for j in range(count):  # A slice assignment would first look for overlaps.
            work[row * BLOCK + j] = column[start + j]


@njit
def fill_present_values(work: FloatArray) -> None:
    """Fill ASSET, BOND, X and S of a block; a row outside the domain gets NaN years."""
    for j in range(BLOCK):
        is_good = (work[j] > 0.0) & (work[STRIKE * BLOCK + j] > 0.0)
        is_good &= (work[YEARS * BLOCK + j] >= 0.0) & (work[SIGMA * BLOCK + j] >= 0.0)
        quotient = work[j] / work[STRIKE * BLOCK + j]  # Its logarithm is read from its bits.
        is_good &= (quotient >= LEAST_NORMAL) & (quotient < np.inf)
        is_good &= is_side(work[IS_CALL * BLOCK + j])
        years = max(work[YEARS * BLOCK + j], _LEAST_YEARS) if is_good else np.nan
        sigma = max(work[SIGMA * BLOCK + j], _LEAST_SIGMA)
        work[YEARS * BLOCK + j], work[SIGMA * BLOCK + j] = years, sigma
        work[S * BLOCK + j] = sigma * np.sqrt(years)
    for j in range(BLOCK):
        carry = (work[RATE * BLOCK + j] - work[YIELD * BLOCK + j]) * work[YEARS * BLOCK + j]
        work[X * BLOCK + j] = log_ratio(work[j], work[STRIKE * BLOCK + j]) + carry
    for j in range(BLOCK):
        growth = exp(-work[YIELD * BLOCK + j] * work[YEARS * BLOCK + j])
        work[ASSET * BLOCK + j] = work[j] * growth
    for j in range(BLOCK):
        growth = exp(-work[RATE * BLOCK + j] * work[YEARS * BLOCK + j])
        work[BOND * BLOCK + j] = work[STRIKE * BLOCK + j] * growth


@njit
def fill_legs(work: FloatArray) -> None:
    """Fill what every price and greek of the out-of-the-money option is made of.

    `asset` and `bond` are the present values of the stock and of the strike, x = ln(asset / bond)
    and s = sigma sqrt(T). With up = s / 2 - |x| / s and down = -s / 2 - |x| / s, fills the density
    min(asset, bond) n(up), Mills' ratios, the leg with N(up), and the time value.
    """
    for j in range(BLOCK):
        work[FAR * BLOCK + j] = min(abs(work[X * BLOCK + j]) / work[S * BLOCK + j], _FARTHEST)
        work[HALF * BLOCK + j] = min(0.5 * work[S * BLOCK + j], _FARTHEST)
    for j in range(BLOCK):
        work[MILLS_UP * BLOCK + j] = mills(abs(work[HALF * BLOCK + j] - work[FAR * BLOCK + j]))
    for j in range(BLOCK):
        work[MILLS_DOWN * BLOCK + j] = mills(work[HALF * BLOCK + j] + work[FAR * BLOCK + j])
    for j in range(BLOCK):
        work[SERIES * BLOCK + j] = mills(work[FAR * BLOCK + j])
    for j in range(BLOCK):
        work[TIME_VALUE * BLOCK + j] = mills_slope(work[FAR * BLOCK + j])
    for j in range(BLOCK):
        work[SERIES * BLOCK + j] = mills_difference_near(
            work[FAR * BLOCK + j],
            work[HALF * BLOCK + j],
            work[SERIES * BLOCK + j],
            work[TIME_VALUE * BLOCK + j],
        )
    for j in range(BLOCK):
        least = min(work[ASSET * BLOCK + j], work[BOND * BLOCK + j])
        g = least * density(work[HALF * BLOCK + j] - work[FAR * BLOCK + j])
        work[DENSITY * BLOCK + j] = g if work[S * BLOCK + j] >= 0.0 else np.nan
    for j in range(BLOCK):
        far, half, g = work[FAR * BLOCK + j], work[HALF * BLOCK + j], work[DENSITY * BLOCK + j]
        mills_up, mills_down = work[MILLS_UP * BLOCK + j], work[MILLS_DOWN * BLOCK + j]
        least = min(work[ASSET * BLOCK + j], work[BOND * BLOCK + j])
        # Near the money at small s the difference of the legs cancels; elsewhere the series fails.
        is_near = (half < 0.25) & (far * half < 0.75)
        apart = work[SERIES * BLOCK + j] if is_near else mills_up - mills_down
        straight = least - g * (mills_up + mills_down)
        time_value = g * apart if is_near | (half < far) else straight
        # A spread raised from 0 only to avoid dividing by it is worth nothing.
        work[TIME_VALUE * BLOCK + j] = 0.0 if half < _NO_SPREAD else time_value
        work[LEG_UP * BLOCK + j] = g * mills_up if half < far else least - g * mills_up


@inlined
def price_from(work: FloatArray, j: int) -> float:
    """Time value plus intrinsic value of option `j` of a filled block."""
    money = work[ASSET * BLOCK + j] - work[BOND * BLOCK + j]
    intrinsic = max(money if work[IS_CALL * BLOCK + j] != 0.0 else -money, 0.0)
    return work[TIME_VALUE * BLOCK + j] + intrinsic


@njit
def _price_block(work: FloatArray) -> None:
    fill_present_values(work)
    fill_legs(work)
    for j in range(BLOCK):
        work[RESULTS * BLOCK + j] = price_from(work, j)


@njit
def _greeks_block(work: FloatArray) -> None:
    fill_present_values(work)
    fill_legs(work)
    for j in range(BLOCK):
        spot, years, sigma = work[j], work[YEARS * BLOCK + j], work[SIGMA * BLOCK + j]
        rate, dividend = work[RATE * BLOCK + j], work[YIELD * BLOCK + j]
        asset, bond, s = work[ASSET * BLOCK + j], work[BOND * BLOCK + j], work[S * BLOCK + j]
        g, leg_up = work[DENSITY * BLOCK + j], work[LEG_UP * BLOCK + j]
        leg_down = g * work[MILLS_DOWN * BLOCK + j]
        up = work[HALF * BLOCK + j] - work[FAR * BLOCK + j]
        down = work[HALF * BLOCK + j] + work[FAR * BLOCK + j]
        is_below = work[X * BLOCK + j] <= 0.0  # The out-of-the-money option is the call.
        d1, d2 = (up if is_below else down), (-down if is_below else -up)
        is_call = work[IS_CALL * BLOCK + j] != 0.0
        sign, is_in = (1.0 if is_call else -1.0), is_call != is_below
        asset_leg, bond_leg = (leg_up if is_below else leg_down), (leg_down if is_below else leg_up)
        asset_leg = sign * (asset - asset_leg if is_in else asset_leg)
        bond_leg = sign * (bond - bond_leg if is_in else bond_leg)
        per_spot, per_sigma, per_s = 1.0 / spot, 1.0 / sigma, 1.0 / s
        vega, gamma = g * s * per_sigma, g * per_spot * per_spot * per_s
        half_per_years = 0.5 * per_s * per_s * sigma * sigma
        drift = (rate - dividend) * per_s - d2 * half_per_years  # d(d1)/dT.
        work[RESULTS * BLOCK + j] = price_from(work, j)
        work[(RESULTS + 1) * BLOCK + j] = asset_leg * per_spot
        work[(RESULTS + 2) * BLOCK + j] = gamma
        work[(RESULTS + 3) * BLOCK + j] = vega
        decay = dividend * asset_leg - rate * bond_leg - vega * sigma * half_per_years
        work[(RESULTS + 4) * BLOCK + j] = decay
        work[(RESULTS + 5) * BLOCK + j] = years * bond_leg
        work[(RESULTS + 6) * BLOCK + j] = -g * per_spot * d2 * per_sigma
        work[(RESULTS + 7) * BLOCK + j] = vega * d1 * d2 * per_sigma
        work[(RESULTS + 8) * BLOCK + j] = (dividend * asset_leg - g * drift) * per_spot
        work[(RESULTS + 9) * BLOCK + j] = -years * asset_leg
        work[(RESULTS + 10) * BLOCK + j] = vega * (dividend + d1 * drift - half_per_years)
        work[(RESULTS + 11) * BLOCK + j] = -gamma * per_spot * (d1 * per_s + 1.0)
        work[(RESULTS + 12) * BLOCK + j] = gamma * (dividend + d1 * drift + half_per_years)


@njit
def _run(arguments: tuple[FloatArray, ...], out: FloatArray) -> None:
    """Fill `out`, shape (1 or 9 or 13, n): the price, and the greeks where it has rows for them."""
    work = np.ones(_ROWS * BLOCK)
    for start in range(0, out.shape[1], BLOCK):
        count = min(BLOCK, out.shape[1] - start)
        for row in range(7):
            # Fewer values than a block leave its end as it was: computed, never copied out.
            load(work, row, arguments[row], start, count)
        if out.shape[0] == 1:
            _price_block(work)
        else:
            _greeks_block(work)
        for row in range(out.shape[0]):
            for j in range(count):
                out[row, start + j] = work[(RESULTS + row) * BLOCK + j]


def price(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma_annual: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    is_call: ArrayLike,
) -> FloatArray:
    """Return Black-Scholes prices, one per element of the broadcast arguments.

    Parameters
    ----------
    spot, strike : above 0, in one currency.
    years : time to expiry, 0 or more; at 0 the price is the intrinsic value.
    sigma_annual : volatility per square-root year, 0 or more.
    rate, dividend_yield : continuously compounded per year, any sign.
    is_call : True for a call, False for a put.

    Returns
    -------
    array of the broadcast shape
        Premium per unit of underlying, accurate in relative terms to the conditioning of the
        inputs, also far out of the money.

    References
    ----------
    Hull, Options, Futures, and Other Derivatives, 9th edition, equations 17.4 and 17.5.
    """
    shape, flat = columns(spot, strike, years, sigma_annual, rate, dividend_yield, is_call)
    out = np.empty((1, int(np.prod(shape))))
    _run(tuple(flat), out)
    return shaped(out[0], shape)


def price_and_greeks(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma_annual: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    is_call: ArrayLike,
) -> Greeks:
    """Return price and eight greeks; arguments as in `price`, units as named in `Greeks`.

    Where time or volatility is 0, the limits are returned: no gamma or vega away from the money,
    a very large gamma exactly at it.
    """
    shape, flat = columns(spot, strike, years, sigma_annual, rate, dividend_yield, is_call)
    out = np.empty((9, int(np.prod(shape))))
    _run(tuple(flat), out)
    return Greeks(*(shaped(row, shape) for row in out))


def all_greeks(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma_annual: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    is_call: ArrayLike,
) -> FullGreeks:
    """Return price and twelve greeks; arguments as in `price`, units as named in `FullGreeks`."""
    shape, flat = columns(spot, strike, years, sigma_annual, rate, dividend_yield, is_call)
    out = np.empty((13, int(np.prod(shape))))
    _run(tuple(flat), out)
    return FullGreeks(*(shaped(row, shape) for row in out))
