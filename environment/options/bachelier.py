"""European options on a normally distributed forward (Bachelier): price, greeks, implied.

The forward and strike may have any sign. Volatility is in price units per square-root year, and
values are undiscounted. With s = sigma sqrt(T) and a = |F - K| / s the time value is
s n(a) (1 - a m(a)), m Mills' ratio: no difference is left to cancel.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from environment.compiled import njit
from environment.options.columns import FloatArray, columns, shaped
from environment.options.extended import two_sum
from environment.options.normal import (
    HALF_LOG_TWO_PI,
    ROOT_TWO_PI,
    density,
    inlined,
    is_side,
    mills,
    mills_slope,
    probability,
)

_LEAST_YEARS, _LEAST_SIGMA, _FARTHEST = 1e-200, 1e-100, 1e8
_STEPS_MAX = 40


class Greeks(NamedTuple):
    """Undiscounted price and greeks, each in the shape of the arguments."""

    price: FloatArray
    delta: FloatArray  # dV/dF.
    gamma: FloatArray  # d2V/dF2.
    vega_per_unit_vol: FloatArray  # dV/dsigma, sigma in price units per square-root year.
    theta_per_year: FloatArray  # dV/dt = -dV/dT.
    vanna_per_unit_vol: FloatArray  # d2V/dF dsigma.
    volga_per_unit_vol_squared: FloatArray  # d2V/dsigma2.
    charm_per_year: FloatArray  # d(delta)/dt.


@njit
def _kernel(arguments: tuple[FloatArray, ...], out: FloatArray) -> None:
    forwards, strikes, terms, sigmas, calls = arguments
    for i in range(out.shape[1]):
        forward = forwards[i if forwards.size > 1 else 0]
        strike = strikes[i if strikes.size > 1 else 0]
        years, sigma = terms[i if terms.size > 1 else 0], sigmas[i if sigmas.size > 1 else 0]
        call = calls[i if calls.size > 1 else 0]
        is_good = years >= 0.0 and sigma >= 0.0 and is_side(call)
        if not (is_good and np.isfinite(forward + strike)):
            out[:, i] = np.nan
            continue
        years, sigma = max(years, _LEAST_YEARS), max(sigma, _LEAST_SIGMA)
        root, money = np.sqrt(years), forward - strike
        s = sigma * root
        d = min(max(money / s, -_FARTHEST), _FARTHEST)
        n, is_call = density(d), call != 0.0
        intrinsic = max(money if is_call else -money, 0.0)
        out[0, i] = s * n * mills_slope(abs(d)) + intrinsic
        if out.shape[0] > 1:
            out[1, i] = probability(d) if is_call else -probability(-d)
            out[2, i] = n / s
            out[3, i] = n * root
            out[4, i] = -0.5 * n * sigma / root
            out[5, i] = -n * d / sigma
            out[6, i] = n * root * d * d / sigma
            out[7, i] = 0.5 * n * d / years


@inlined
def _solve(y: float) -> float:
    """Return a > 0 with n(a) (1 - a m(a)) / a = y > 0: Halley steps in ln a for ln y."""
    a = 1.0 / (ROOT_TWO_PI * (y + 0.5))
    target = np.log(y)
    if y < 0.05:
        w = -2.0 * (target + HALF_LOG_TWO_PI)
        a = np.sqrt(w)
        for _ in range(3):
            a = np.sqrt(max(w - 2.0 * np.log(a * (a * a + 2.5)), 1.0))
    for _ in range(_STEPS_MAX):
        slope = mills_slope(a)
        # g = ln(n slope / a): a g' = -1 / slope, and its logarithmic derivative in ln a.
        g = np.log(slope / a) - 0.5 * a * a - HALF_LOG_TWO_PI
        newton = (g - target) * slope
        bend = a * (mills(a) - a * slope) / slope
        step = newton / (1.0 + 0.5 * bend * newton)
        step = min(max(step, -0.7), 0.7)
        a *= np.exp(step)
        if abs(step) < 1e-6:
            return a
    return np.nan


@njit
def _implied_kernel(
    arguments: tuple[FloatArray, ...], sigma: FloatArray, reason: NDArray[np.uint8]
) -> None:
    prices, forwards, strikes, terms, calls = arguments
    for i in range(sigma.size):
        price = prices[i if prices.size > 1 else 0]
        forward = forwards[i if forwards.size > 1 else 0]
        strike, years = strikes[i if strikes.size > 1 else 0], terms[i if terms.size > 1 else 0]
        sigma[i] = np.nan
        call = calls[i if calls.size > 1 else 0]
        if not np.isfinite(price + forward + strike + years + call):
            reason[i] = 1
            continue
        if not is_side(call):
            reason[i] = 2
            continue
        if not years > 0.0:
            reason[i] = 3
            continue
        money, low = two_sum(forward, -strike)
        is_in = money > 0.0 if call != 0.0 else money < 0.0
        distance = abs(money)
        time_value = price
        if is_in:
            high, error = two_sum(price, -distance)
            time_value = high + (error - (low if money > 0.0 else -low))
        if time_value < 0.0:
            reason[i] = 4
        elif time_value == 0.0:
            sigma[i] = 0.0
        elif distance == 0.0:
            sigma[i] = time_value * ROOT_TWO_PI / np.sqrt(years)
        elif time_value > 1e15 * distance:
            sigma[i] = (time_value + 0.5 * distance) * ROOT_TWO_PI / np.sqrt(years)
        else:
            sigma[i] = distance / (_solve(time_value / distance) * np.sqrt(years))
        if reason[i] == 0 and not np.isfinite(sigma[i]):
            sigma[i], reason[i] = np.nan, 6


def price(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma_normal_annual: ArrayLike,
    is_call: ArrayLike,
) -> FloatArray:
    """Return undiscounted Bachelier prices, one per element of the broadcast arguments.

    Parameters
    ----------
    forward, strike : any sign, in one currency.
    years : time to expiry, 0 or more.
    sigma_normal_annual : volatility in price units per square-root year, 0 or more.
    is_call : True for a call, False for a put.

    References
    ----------
    Bachelier, Theorie de la speculation, 1900; Jaeckel, Implied Normal Volatility, Wilmott 2017.
    """
    shape, flat = columns(forward, strike, years, sigma_normal_annual, is_call)
    out = np.empty((1, int(np.prod(shape))))
    _kernel(tuple(flat), out)
    return shaped(out[0], shape)


def price_and_greeks(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma_normal_annual: ArrayLike,
    is_call: ArrayLike,
) -> Greeks:
    """Return undiscounted price and greeks; arguments as in `price`, units as in `Greeks`."""
    shape, flat = columns(forward, strike, years, sigma_normal_annual, is_call)
    out = np.empty((8, int(np.prod(shape))))
    _kernel(tuple(flat), out)
    return Greeks(*(shaped(row, shape) for row in out))


def implied_volatility(
    price: ArrayLike, forward: ArrayLike, strike: ArrayLike, years: ArrayLike, is_call: ArrayLike
) -> tuple[FloatArray, NDArray[np.uint8]]:
    """Return the normal volatility that gives each undiscounted price, and why where there is none.

    The reasons are those of `implied_volatility.Reason`; there is no upper bound to a price here.
    """
    shape, flat = columns(price, forward, strike, years, is_call)
    sigma = np.empty(shape)
    reason = np.zeros(shape, dtype=np.uint8)
    _implied_kernel(tuple(flat), sigma.reshape(-1), reason.reshape(-1))
    return sigma, reason
