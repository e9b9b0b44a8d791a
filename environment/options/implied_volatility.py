"""Black-Scholes volatility implied by a price, to the last bits that the price determines.

The option is turned into its out-of-the-money twin, whose price is all time value, and solved
for s = sigma sqrt(T) by Householder's third-order step from a start good to about three digits.
The difference between price and intrinsic value is formed with twice the digits, so that a quote
deep in the money gives the volatility of exactly that quote.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from environment.compiled import njit
from environment.options.columns import FloatArray, columns
from environment.options.extended import difference, exp_of_product, scaled, two_sum
from environment.options.implied_solver import BETA, BLOCK, GAP, ROWS, M, S, solve_block
from environment.options.normal import LEAST_NORMAL, inlined, is_side, log_ratio, two_atanh

_NEAR = 0.17  # Below this (a - b) / (a + b) the logarithm of a / b is taken from the difference.
_EXPONENT_MAX = 700.0  # As far as `exp_of_product` goes.
_AT_INTRINSIC = 100  # Inside the kernels only: the volatility is 0.


class Reason(IntEnum):
    """Why a row has no volatility; a solved row has SOLVED, 0, and only that one a number."""

    SOLVED = 0
    NOT_FINITE = 1  # An argument is NaN or infinite.
    # Spot, forward or strike not above 0; a side other than 0 and 1; a discount factor, or the
    # quotient of the two present values, beyond float64.
    OUTSIDE_DOMAIN = 2
    NO_TIME = 3  # Time to expiry not above 0.
    BELOW_INTRINSIC = 4  # The price is below its value at zero volatility.
    ABOVE_BOUND = 5  # The price reaches its value at infinite volatility.
    # Only where the price, in units of sqrt(forward * strike), is below the least float64.
    NOT_CONVERGED = 6


@inlined
def _normalise(
    work: FloatArray,
    j: int,
    price: float,
    asset: tuple[float, float],
    bond: tuple[float, float],
    is_call: bool,  # noqa: FBT001  # compiled
) -> int:
    """Set up row `j` of a block from a price and present values in two halves; return the reason.

    A row without a problem to solve gets a harmless one, and reason 0 stands for "to be solved".
    """
    money = difference(asset[0], asset[1], bond[0], bond[1])
    intrinsic = money if is_call else -money
    upper = asset if is_call else bond
    gap, time_value = difference(upper[0], upper[1], price, 0.0), price
    if intrinsic > 0.0:
        first, second = (asset, bond) if is_call else (bond, asset)
        high, low = two_sum(price, -first[0])
        time_value = difference(second[0], second[1], -high, first[1] - low)
    work[BETA * BLOCK + j], work[GAP * BLOCK + j], work[M * BLOCK + j] = 0.1, 0.9, 0.0
    if time_value < 0.0:
        return 4
    if gap <= 0.0:
        return 5
    if time_value > 0.0:
        quotient = asset[0] / bond[0]
        if not LEAST_NORMAL <= quotient < np.inf:
            return 2
        product = asset[0] * bond[0]  # It may overflow or underflow where its root does not.
        is_plain = LEAST_NORMAL <= product < np.inf
        root = np.sqrt(product) if is_plain else np.sqrt(asset[0]) * np.sqrt(bond[0])
        total, unit = asset[0] + bond[0], 1.0 / root
        is_near = abs(money) < _NEAR * total
        m = two_atanh(money / total) if is_near else log_ratio(asset[0], bond[0])
        work[BETA * BLOCK + j], work[GAP * BLOCK + j] = time_value * unit, gap * unit
        work[M * BLOCK + j] = abs(m)
        return 0
    return _AT_INTRINSIC


@inlined
def _finish(
    work: FloatArray, start: int, years: FloatArray, sigma: FloatArray, reason: NDArray[np.uint8]
) -> None:
    """Solve the block and write its volatilities from `start` on."""
    solve_block(work)
    for j in range(min(BLOCK, sigma.size - start)):
        i = start + j
        term = years[i if years.size > 1 else 0]
        if reason[i] == 0:
            sigma[i] = work[S * BLOCK + j] / np.sqrt(term)
            reason[i] = 0 if sigma[i] == sigma[i] else 6
        else:
            sigma[i] = 0.0 if reason[i] == _AT_INTRINSIC else np.nan
            reason[i] = 0 if reason[i] == _AT_INTRINSIC else reason[i]


@inlined
def _refusal(numbers: float, spot: float, strike: float, years: float, call: float) -> int:
    """The reason, if any, that lies in the arguments alone; `numbers` is their sum."""
    if not np.isfinite(numbers):
        return 1
    if not (spot > 0.0 and strike > 0.0 and is_side(call)):
        return 2
    return 0 if years > 0.0 else 3


@inlined
def _clear(work: FloatArray) -> None:
    for j in range(BLOCK):
        work[BETA * BLOCK + j], work[GAP * BLOCK + j], work[M * BLOCK + j] = 0.1, 0.9, 0.0


@njit
def _spot_kernel(
    arguments: tuple[FloatArray, ...], sigma: FloatArray, reason: NDArray[np.uint8]
) -> None:
    prices, spots, strikes, terms, rates, yields, calls = arguments
    work = np.ones(ROWS * BLOCK)
    for start in range(0, sigma.size, BLOCK):
        _clear(work)
        for j in range(min(BLOCK, sigma.size - start)):
            i = start + j
            price, spot = prices[i if prices.size > 1 else 0], spots[i if spots.size > 1 else 0]
            strike, years = strikes[i if strikes.size > 1 else 0], terms[i if terms.size > 1 else 0]
            rate, dividend = rates[i if rates.size > 1 else 0], yields[i if yields.size > 1 else 0]
            call = calls[i if calls.size > 1 else 0]
            reason[i] = _refusal(
                price + spot + strike + years + rate + dividend + call, spot, strike, years, call
            )
            if reason[i] == 0 and max(abs(rate), abs(dividend)) * years > _EXPONENT_MAX:
                reason[i] = 2
            if reason[i] == 0:
                asset = scaled(spot, exp_of_product(-dividend, years))
                bond = scaled(strike, exp_of_product(-rate, years))
                reason[i] = _normalise(work, j, price, asset, bond, call != 0.0)
        _finish(work, start, terms, sigma, reason)


@njit
def _forward_kernel(
    arguments: tuple[FloatArray, ...], sigma: FloatArray, reason: NDArray[np.uint8]
) -> None:
    prices, forwards, strikes, terms, calls = arguments
    work = np.ones(ROWS * BLOCK)
    for start in range(0, sigma.size, BLOCK):
        _clear(work)
        for j in range(min(BLOCK, sigma.size - start)):
            i = start + j
            price = prices[i if prices.size > 1 else 0]
            forward = forwards[i if forwards.size > 1 else 0]
            strike, years = strikes[i if strikes.size > 1 else 0], terms[i if terms.size > 1 else 0]
            call = calls[i if calls.size > 1 else 0]
            reason[i] = _refusal(
                price + forward + strike + years + call, forward, strike, years, call
            )
            if reason[i] == 0:
                reason[i] = _normalise(work, j, price, (forward, 0.0), (strike, 0.0), call != 0.0)
        _finish(work, start, terms, sigma, reason)


def implied_volatility(
    price: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    is_call: ArrayLike,
) -> tuple[FloatArray, NDArray[np.uint8]]:
    """Return the annual volatility that gives each price, and why where there is none.

    Parameters
    ----------
    price : premium per unit of underlying, discounted.
    spot, strike, years, rate, dividend_yield, is_call : as in `black_scholes.price`.

    Returns
    -------
    sigma : array of the broadcast shape
        Volatility per square-root year; 0 for a price exactly at intrinsic value; NaN without a
        solution.
    reason : uint8 array of the same shape
        `Reason`, 0 where solved. A bad row never touches another.
    """
    shape, flat = columns(price, spot, strike, years, rate, dividend_yield, is_call)
    sigma = np.empty(shape)
    reason = np.zeros(shape, dtype=np.uint8)
    _spot_kernel(tuple(flat), sigma.reshape(-1), reason.reshape(-1))
    return sigma, reason


def implied_from_forward(
    price: ArrayLike, forward: ArrayLike, strike: ArrayLike, years: ArrayLike, is_call: ArrayLike
) -> tuple[FloatArray, NDArray[np.uint8]]:
    """Return the volatility implied by an undiscounted price on a forward; as above otherwise."""
    shape, flat = columns(price, forward, strike, years, is_call)
    sigma = np.empty(shape)
    reason = np.zeros(shape, dtype=np.uint8)
    _forward_kernel(tuple(flat), sigma.reshape(-1), reason.reshape(-1))
    return sigma, reason
