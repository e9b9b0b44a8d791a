"""Fit of the five Heston parameters to the implied volatilities of a chain."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from environment.compiled import njit
from environment.options.heston_gradient import forward_values_and_gradient
from environment.options.heston_quadrature import forward_black
from environment.options.heston_transform import Array, Flags

LOWER = np.array([1e-5, 1e-2, 1e-5, 1e-2, -0.999])
UPPER = np.array([4.0, 50.0, 4.0, 10.0, 0.999])
_TOLERANCE = 1e-10
_STEPS_MAX = 80
_INVERSE_ROOT_TWO_PI = 1.0 / math.sqrt(2.0 * math.pi)
_OTHER_STARTS = ((0.5, 1.0, -0.3), (4.0, 0.8, -0.8), (1.0, 0.3, 0.4))


@dataclass(frozen=True, kw_only=True)
class HestonFit:
    """Parameters found, how well they fit, and whether the variance can reach zero."""

    v0: float
    kappa: float
    theta: float
    sigma: float
    rho: float
    volatility_rmse: float
    steps: int
    status: Literal["converged", "step_limit"]
    at_bound: tuple[str, ...]

    @property
    def parameters(self) -> Array:
        """Return v0, kappa, theta, sigma, rho as an array of shape (5,)."""
        return np.array([self.v0, self.kappa, self.theta, self.sigma, self.rho])

    @property
    def feller_ratio(self) -> float:
        """Return 2 kappa theta / sigma**2; at 1 or more the variance never reaches zero."""
        return 2.0 * self.kappa * self.theta / self.sigma**2

    @property
    def is_feller(self) -> bool:
        """Return whether the variance stays positive. Reported only: the fit never forces it."""
        return self.feller_ratio >= 1.0


@njit
def _to_free(parameters: Array) -> Array:
    """Return the logarithms of the first four parameters and the arc tangent of correlation."""
    free = np.log(np.abs(parameters))
    free[4] = math.atanh(parameters[4])
    return free


@njit
def _from_free(free: Array) -> Array:
    """Return the parameters of free coordinates."""
    parameters = np.exp(free)
    parameters[4] = math.tanh(free[4])
    return parameters


@njit
def _residuals(
    free: Array, forward: Array, strike: Array, years: Array, is_call: Flags,
    target: Array, weight: Array, work: Array, jacobian: Array,
) -> float:  # fmt: skip
    """Fill weighted residuals (row 0) and their derivatives (rows 1-5); return half the sum."""
    parameters = _from_free(free)
    forward_values_and_gradient(forward, strike, years, is_call, parameters, _TOLERANCE, 1, work)
    total = 0.0
    for i in range(target.shape[0]):
        jacobian[0, i] = weight[i] * (work[0, i] - target[i])
        total += 0.5 * jacobian[0, i] * jacobian[0, i]
    for p in range(5):
        inner = parameters[p] if p < 4 else 1.0 - parameters[4] * parameters[4]
        for i in range(target.shape[0]):
            jacobian[p + 1, i] = weight[i] * inner * work[p + 1, i]
    return total


@njit
def _solve_step(normal: Array, slope: Array, damping: float, is_held: Flags) -> Array:
    """Return the damped Gauss-Newton step; held coordinates do not move."""
    matrix, right = normal.copy(), -slope
    for p in range(5):
        if is_held[p]:
            matrix[p, :] = 0.0
            matrix[:, p] = 0.0
            matrix[p, p] = 1.0
            right[p] = 0.0
        else:
            matrix[p, p] += damping * max(normal[p, p], 1e-12)
    # Five by five, positive definite: elimination needs no pivots.
    for p in range(5):
        for q in range(p + 1, 5):
            share = matrix[q, p] / matrix[p, p]
            matrix[q, p:] -= share * matrix[p, p:]
            right[q] -= share * right[p]
    for p in range(4, -1, -1):
        for q in range(p + 1, 5):
            right[p] -= matrix[p, q] * right[q]
        right[p] /= matrix[p, p]
    return right


@njit
def _fit(
    start: Array, lower: Array, upper: Array, forward: Array, strike: Array, years: Array,
    is_call: Flags, target: Array, weight: Array,
) -> tuple[Array, float, int, bool]:  # fmt: skip
    """Return parameters, half the sum of squares, steps and whether the fit converged."""
    n = target.shape[0]
    work, current, tried = np.empty((6, n)), np.empty((6, n)), np.empty((6, n))
    low, high = _to_free(lower), _to_free(upper)
    free = np.minimum(np.maximum(_to_free(start), low), high)
    cost = _residuals(free, forward, strike, years, is_call, target, weight, work, current)
    damping, growth = 1e-3, 2.0
    normal, slope, is_held = np.empty((5, 5)), np.empty(5), np.zeros(5, np.bool_)
    is_fresh = True
    for step_count in range(1, _STEPS_MAX + 1):
        if is_fresh:
            for p in range(5):
                slope[p] = np.dot(current[p + 1], current[0])
                for q in range(p + 1):
                    normal[p, q] = normal[q, p] = np.dot(current[p + 1], current[q + 1])
        for p in range(5):
            is_held[p] = (free[p] <= low[p] and slope[p] > 0.0) or (
                free[p] >= high[p] and slope[p] < 0.0
            )
        step = _solve_step(normal, slope, damping, is_held)
        moved = np.minimum(np.maximum(free + np.minimum(np.maximum(step, -1.5), 1.5), low), high)
        step = moved - free
        expected = -np.dot(slope, step) - 0.5 * np.dot(step, np.dot(normal, step))
        if cost < 1e-16 * n or np.max(np.abs(step)) < 1e-9 or abs(expected) < 1e-12 * cost:
            return _from_free(free), cost, step_count, True
        new_cost = _residuals(moved, forward, strike, years, is_call, target, weight, work, tried)
        is_fresh = new_cost < cost
        if is_fresh:
            gain = (cost - new_cost) / max(expected, 1e-300)
            free, cost = moved, new_cost
            current, tried = tried, current
            damping *= max(0.1, 1.0 - (2.0 * gain - 1.0) ** 3)
            growth = 2.0
        else:
            damping *= growth
            growth *= 2.0
    return _from_free(free), cost, _STEPS_MAX, False


@njit
def _targets(
    forward: Array, strike: Array, years: Array, sigma_annual: Array
) -> tuple[Flags, Array, Array]:
    """Return out-of-the-money flags, undiscounted Black prices and one over vega."""
    n = forward.shape[0]
    is_call, target, weight = np.empty(n, np.bool_), np.empty(n), np.empty(n)
    for i in range(n):
        deviation = sigma_annual[i] * math.sqrt(years[i])
        is_call[i] = strike[i] >= forward[i]
        target[i] = forward_black(forward[i], strike[i], deviation, is_call[i])
        d1 = math.log(forward[i] / strike[i]) / deviation + 0.5 * deviation
        bell = max(math.exp(-0.5 * d1 * d1), 1e-3)  # Far strikes would else weigh without bound.
        weight[i] = 1.0 / (forward[i] * bell * _INVERSE_ROOT_TWO_PI * math.sqrt(years[i]))
    return is_call, target, weight


def _start(years: Array, moneyness: Array, sigma_annual: Array) -> Array:
    """Return a start from the volatilities nearest the money, short and long."""
    score = np.abs(moneyness) / np.sqrt(years)
    near = score <= np.quantile(score, 0.3)
    short = sigma_annual[near][np.argmin(years[near])]
    long = sigma_annual[near][np.argmax(years[near])]
    return np.array([short**2, 1.5, long**2, 0.5, -0.5])


def calibrate(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma_annual: ArrayLike,
    weight: ArrayLike = 1.0,
    start: ArrayLike | None = None,
) -> HestonFit:
    """Return the Heston parameters whose implied volatilities are nearest the quoted ones.

    Price differences are divided by vega, so the residuals are volatilities to first order. The
    search is Levenberg-Marquardt in logarithms, with bounds and an analytic gradient; without a
    `start` several are tried and the best is kept.

    Parameters
    ----------
    forward, strike, years, sigma_annual : float or array, broadcast to (n_quotes,)
        Forward and strike in one currency, time in years, Black volatility per square-root year.
    weight : float or array, broadcast to (n_quotes,)
        Weight of each quote's volatility error.
    start : array of shape (5,), optional
        v0, kappa, theta, sigma, rho to begin from.

    Returns
    -------
    HestonFit
        Parameters, root mean square volatility error (unweighted by vega floor), Feller ratio.

    Raises
    ------
    ValueError
        If fewer than five quotes are usable, a value is not positive and finite, or the start is
        not five numbers.

    References
    ----------
    Heston 1993, Review of Financial Studies 6(2); Cui, del Bano Rollin & Germano 2017, European
    Journal of Operational Research 263(2), for the benefit of an analytic gradient.
    """
    columns = np.broadcast_arrays(
        *(np.asarray(x, np.float64).ravel() for x in (forward, strike, years, sigma_annual, weight))
    )
    table = np.array(columns)
    if table.shape[1] < 5 or not (np.isfinite(table).all() and (table[:4] > 0.0).all()):
        raise ValueError(
            "expected at least 5 quotes with positive finite forward, strike, years and "
            f"volatility, found {table.shape[1]} quotes; clean the chain first"
        )
    table = table[:, np.argsort(table[2], kind="stable")]
    is_call, target, inverse_vega = _targets(*table[:4])
    quotes = (*table[:3], is_call, target, inverse_vega * table[4])
    if start is not None:
        starts = [np.asarray(start, np.float64)]
        if starts[0].shape != (5,) or not (np.isfinite(starts[0]).all() and abs(starts[0][4]) < 1):
            raise ValueError(
                "expected a start of five finite numbers, v0, kappa, theta, sigma and rho in "
                f"(-1, 1), found {start}"
            )
    else:
        first = _start(table[2], np.log(table[0] / table[1]), table[3])
        starts = [first] + [np.array([first[0], k, first[2], s, r]) for k, s, r in _OTHER_STARTS]
    best = _fit(starts[0], LOWER, UPPER, *quotes)
    for guess in starts[1:]:
        if best[1] < 0.5 * table.shape[1] * 1e-12:
            break
        found = _fit(guess, LOWER, UPPER, *quotes)
        best = found if found[1] < best[1] else best
    return _report(best, table)


def _report(found: tuple[Array, float, int, bool], table: Array) -> HestonFit:
    """Return the result in words and numbers."""
    parameters, cost, steps, has_converged = found
    names = ("v0", "kappa", "theta", "sigma", "rho")
    touching = (parameters <= LOWER + 1e-9) | (parameters >= UPPER - 1e-9)
    v0, kappa, theta, sigma, rho = (float(x) for x in parameters)
    mean_square = 2.0 * cost / max(float(np.sum(table[4] ** 2)), 1e-300)
    return HestonFit(
        v0=v0, kappa=kappa, theta=theta, sigma=sigma, rho=rho,
        volatility_rmse=math.sqrt(mean_square), steps=steps,
        status="converged" if has_converged else "step_limit",
        at_bound=tuple(n for n, t in zip(names, touching, strict=True) if t),
    )  # fmt: skip
