"""Heston (1993) prices, their parameter derivatives and the characteristic function.

dS = (r - q) S dt + sqrt(v) S dW,  dv = kappa (theta - v) dt + sigma sqrt(v) dZ,  dW dZ = rho dt.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from environment.options.heston_gradient import forward_values_and_gradient
from environment.options.heston_quadrature import price_rows

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

TOLERANCE = 2e-13
_REFINEMENTS = (2, 4, 8, 16, 32, 64)
_SETTLED = 1e-8
_ROW_NAMES = (
    "spot", "strike", "years", "rate", "dividend_yield", "v0", "kappa", "theta", "sigma", "rho",
)  # fmt: skip


class PriceEstimate(NamedTuple):
    """Prices with the estimated absolute error and the number of transform nodes behind each."""

    price: Array
    error: Array
    nodes: Array


def _rows(values: tuple[ArrayLike, ...], is_call: ArrayLike) -> tuple[Array, Flags, Array]:
    """Return the ten broadcast inputs as rows, the side flags, and an array of the full shape."""
    shape = np.broadcast(*values, is_call).shape
    rows = np.empty((len(values), *shape))
    for i, value in enumerate(values):
        rows[i] = value
    flags = np.empty(shape, np.bool_)
    flags[...] = is_call
    rows = rows.reshape(len(values), -1)
    # One minimum per row catches non-finite values too: a comparison with NaN is false.
    lowest = rows.min(axis=1) if rows.shape[1] else np.ones(len(values))
    is_good = lowest >= np.array([0.0, 0.0, 0.0, -np.inf, -np.inf, 0.0, 0.0, 0.0, 0.0, -1.0])
    is_good[:2] &= lowest[:2] > 0.0
    if not (is_good.all() and np.isfinite(rows).all() and (rows[9] <= 1.0).all()):
        bad = [name for name, good in zip(_ROW_NAMES, is_good, strict=True) if not good]
        raise ValueError(
            "expected finite inputs, positive spot and strike, years, v0, kappa, theta and sigma "
            f"of 0 or more, rho in [-1, 1]; found trouble in {bad or 'an upper bound'}; "
            "drop or mend these rows"
        )
    return rows, flags.ravel(), np.empty(shape)


def price_with_error(
    spot: ArrayLike, strike: ArrayLike, years: ArrayLike, rate: ArrayLike,
    dividend_yield: ArrayLike, is_call: ArrayLike, *, v0: ArrayLike, kappa: ArrayLike,
    theta: ArrayLike, sigma: ArrayLike, rho: ArrayLike, tolerance: float = TOLERANCE,
) -> PriceEstimate:  # fmt: skip
    """Return European prices, their estimated absolute errors and node counts.

    Arguments are those of `price`.
    """
    values = (spot, strike, years, rate, dividend_yield, v0, kappa, theta, sigma, rho)
    rows, flags, like = _rows(values, is_call)
    out = np.empty((3, rows.shape[1]))
    price_rows(rows, flags, tolerance, out)
    return PriceEstimate(*(out[i].reshape(like.shape) for i in range(3)))


def price(
    spot: ArrayLike, strike: ArrayLike, years: ArrayLike, rate: ArrayLike,
    dividend_yield: ArrayLike, is_call: ArrayLike, *, v0: ArrayLike, kappa: ArrayLike,
    theta: ArrayLike, sigma: ArrayLike, rho: ArrayLike, tolerance: float = TOLERANCE,
) -> Array:  # fmt: skip
    """Return European option prices under Heston, one per broadcast element.

    The transform difference to Black-Scholes at the expected variance is integrated with as many
    nodes as an error estimate asks for. Neighbours in memory that differ only in strike, spot and
    side share nodes, so let strikes run along the last axis.

    Where a transform decays too slowly for 32,768 nodes (a variance near 0 that moves by 10 a root
    year, |rho| near 1) the tolerance is not met: `price_with_error` says by how much, up to 3e-7 of
    the strike in the cases tried.

    Parameters
    ----------
    spot, strike : float or array
        Currency units, positive.
    years : float or array
        Time to expiry in years, 0 or more.
    rate, dividend_yield : float or array
        Continuously compounded, per year.
    is_call : bool or array
        True for a call.
    v0, theta : float or array
        Present and long-run variance, per year.
    kappa : float or array
        Speed of mean reversion, per year.
    sigma : float or array
        Volatility of the variance, per square-root year; 0 gives Black-Scholes.
    rho : float or array
        Correlation of stock and variance, in [-1, 1].
    tolerance : float
        Absolute error asked for, in units of the square root of forward times strike.

    Returns
    -------
    array of the broadcast shape
        Price per unit of underlying.

    Raises
    ------
    ValueError
        If an input is not finite or outside the ranges above; drop or mend these rows.

    References
    ----------
    Heston 1993, Review of Financial Studies 6(2); Lewis 2000, Option Valuation under Stochastic
    Volatility, chapter 2; Albrecher, Mayer, Schoutens & Tistaert 2007, Wilmott, for the branch;
    Fang & Oosterlee 2008, SIAM J. Sci. Comput. 31(2), section 5.4, T = 10 used as a test.
    """
    return price_with_error(
        spot, strike, years, rate, dividend_yield, is_call,
        v0=v0, kappa=kappa, theta=theta, sigma=sigma, rho=rho, tolerance=tolerance,
    ).price  # fmt: skip


def price_and_gradient(
    spot: ArrayLike, strike: ArrayLike, years: ArrayLike, rate: ArrayLike,
    dividend_yield: ArrayLike, is_call: ArrayLike, parameters: ArrayLike,
) -> tuple[Array, Array]:  # fmt: skip
    """Return prices and their derivatives in v0, kappa, theta, sigma and rho.

    Parameters
    ----------
    spot, strike, years, rate, dividend_yield, is_call : float or array
        As for `price`; years and sigma must be positive here.
    parameters : array of shape (5,)
        v0, kappa, theta, sigma, rho.

    Returns
    -------
    price : array of the broadcast shape
    gradient : array of shape (5, *broadcast shape)
        Price change per unit of each parameter.

    Raises
    ------
    ValueError
        As for `price`, and where years, v0 + theta or sigma is 0: there is no derivative there.
    """
    five = np.asarray(parameters, np.float64)
    values = (spot, strike, years, rate, dividend_yield, *five)
    rows, flags, like = _rows(values, is_call)
    if rows.shape[1] and not (rows[2].min() > 0.0 and five[3] > 0.0 and five[0] + five[2] > 0.0):
        raise ValueError("expected positive years, sigma and variance, found 0; use `price`")
    growth = np.exp((rows[3] - rows[4]) * rows[2])
    out, coarse = np.empty((6, rows.shape[1])), np.empty((6, rows.shape[1]))
    quotes = (rows[0] * growth, rows[1], rows[2], flags, five, 1e-13)
    forward_values_and_gradient(*quotes, 1, coarse)
    root = np.sqrt(quotes[0] * quotes[1])
    for refinement in _REFINEMENTS:
        forward_values_and_gradient(*quotes, refinement, out)
        # What a halved step changes; the error left is far less, as the rule converges fast.
        size = np.maximum(np.max(np.abs(out), axis=1, keepdims=True), root)
        if np.all(np.abs(out - coarse) <= _SETTLED * size):
            break
        out, coarse = coarse, out
    else:
        out = coarse
    out *= np.exp(-rows[3] * rows[2])
    return out[0].reshape(like.shape), out[1:].reshape(5, *like.shape)


def characteristic_function(
    z: ArrayLike, years: ArrayLike, v0: float, kappa: float, theta: float, sigma: float, rho: float
) -> NDArray[np.complex128]:
    """Return E[exp(i z X)] of X = log(S(T) / forward), continuous along any line of constant Im z.

    Only one logarithm is taken, of a ratio that does not wind around the origin, and the terms
    that cancel as sigma goes to 0 are quotients, so long maturities and small sigma are safe.

    Parameters
    ----------
    z : complex array
        Argument, inside the strip where the expectation is finite; -1 <= Im z <= 0 always is.
    years, v0, kappa, theta, sigma, rho
        As for `price`; sigma positive.

    Returns
    -------
    complex array of the broadcast shape

    References
    ----------
    Lord & Kahl 2010, Complex Logarithms in Heston-Like Models, Mathematical Finance 20(4).
    """
    z, years = np.asarray(z, np.complex128), np.asarray(years, np.float64)
    p = z * z + 1j * z
    xi = kappa - 1j * rho * sigma * z
    d = np.sqrt(xi * xi + sigma * sigma * p)
    s = xi + d
    # At the two points where p is 0 the limit of each quotient is 0; s may vanish there too.
    is_flat = p == 0.0
    s, d = np.where(is_flat, 1.0, s), np.where(is_flat, 1.0, d)
    w = -p * (1.0 - np.exp(-d * years)) / (2.0 * d * s)
    ratio = sigma * sigma * w
    size = 0.5 * np.log1p(2.0 * ratio.real + ratio.real**2 + ratio.imag**2)
    logarithm = size + 1j * np.arctan2(ratio.imag, 1.0 + ratio.real)
    level = kappa * theta * (-p / s * years - 2.0 * logarithm / (sigma * sigma))
    return np.asarray(np.exp(level + v0 * w * s / (1.0 + ratio)))
