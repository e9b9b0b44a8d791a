"""Stochastic-volatility-inspired total variance of one expiry, and its fit under arbitrage checks.

w(k) = a + b (rho (k - m) + sqrt((k - m)**2 + s**2)), k = log(strike / forward), w = sigma**2 T.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from environment.compiled import njit

Array = NDArray[np.float64]

WING_SLOPE_MAX = 2.0  # Lee's moment formula: no wing of total variance may be steeper.
GRID_POINTS = 61
_STEPS_MAX = 60
PENALTIES = np.array([0.3, 3.0, 30.0, 300.0])
_G_MARGIN = 1e-3
# Position and width of the smile's turn tried first, in units of the quoted range.
STARTS = np.array(
    [[-0.3, 0.1], [0.0, 0.1], [0.3, 0.1], [-0.1, 0.3], [0.1, 0.3], [0.0, 0.03], [0.1, 0.03]]
)


@dataclass(frozen=True, kw_only=True)
class SviFit:
    """Raw parameters of one expiry and how well they fit."""

    a: float
    b: float
    rho: float
    m: float
    s: float
    volatility_rmse: float
    penalty: float
    is_free_of_arbitrage: bool

    @property
    def parameters(self) -> Array:
        """Return a, b, rho, m, s as an array of shape (5,)."""
        return np.array([self.a, self.b, self.rho, self.m, self.s])


@njit
def _slice(k: float, p: Array) -> tuple[float, float, float]:
    """Return total variance and its two derivatives; p = (lowest variance, b, rho, m, s)."""
    y = k - p[3]
    root = math.sqrt(y * y + p[4] * p[4])
    w = p[0] + p[1] * (p[2] * y + root - p[4] * math.sqrt(1.0 - p[2] * p[2]))
    return w, p[1] * (p[2] + y / root), p[1] * p[4] * p[4] / (root * root * root)


@njit
def _density_sign(k: float, w: float, w1: float, w2: float) -> float:
    """Return the function that is negative exactly where the density is."""
    w = max(w, 1e-12)
    half = 1.0 - 0.5 * k * w1 / w
    return half * half - 0.25 * w1 * w1 * (1.0 / w + 0.25) + 0.5 * w2


@njit
def _fill_errors(
    p: Array, k: Array, w: Array, weight: Array, grid: Array, floor: Array, ceiling: Array,
    penalty: float, out: Array,
) -> float:  # fmt: skip
    """Fill weighted errors, then penalised breaches; return half the sum of squares."""
    n, extra = k.shape[0], grid.shape[0] if penalty > 0.0 else 0
    for i in range(n):
        out[i] = weight[i] * (_slice(k[i], p)[0] - w[i])
    for i in range(extra):
        value, first, second = _slice(grid[i], p)
        breach = max(_G_MARGIN - _density_sign(grid[i], value, first, second), 0.0)
        out[n + i] = penalty * breach
        level = max(floor[i], 1e-8)
        out[n + extra + i] = 3.0 * penalty * max(floor[i] * 1.0002 - value, 0.0) / level
        out[n + 2 * extra + i] = 3.0 * penalty * max(value - ceiling[i], 0.0) / level
    cost = 0.0
    for i in range(n + 3 * extra):
        cost += 0.5 * out[i] * out[i]
    return cost


@njit
def _hold_inside(p: Array, lower: Array, upper: Array) -> None:
    """Move a point into its bounds and below the steepest allowed wings."""
    for i in range(5):
        p[i] = min(max(p[i], lower[i]), upper[i])
    p[1] = min(p[1], WING_SLOPE_MAX / (1.0 + abs(p[2])))


@njit
def _improve(
    p: Array, lower: Array, upper: Array, k: Array, w: Array, weight: Array, grid: Array,
    floor: Array, ceiling: Array, penalty: float,
) -> float:  # fmt: skip
    """Move `p` to a least-squares optimum by damped Gauss-Newton; return the cost."""
    size = k.shape[0] + 3 * (grid.shape[0] if penalty > 0.0 else 0)
    errors, moved, jacobian = np.empty(size), np.empty(size), np.empty((5, size))
    normal, slope, tried = np.empty((5, 5)), np.empty(5), np.empty(5)
    cost = _fill_errors(p, k, w, weight, grid, floor, ceiling, penalty, errors)
    damping, growth = 1e-3, 2.0
    is_fresh = True
    for _ in range(_STEPS_MAX):
        if is_fresh:
            for i in range(5):
                tried[:] = p
                step = 1e-7 * max(abs(p[i]), 1e-3)
                step = -step if p[i] + step > upper[i] else step
                tried[i] += step
                _fill_errors(tried, k, w, weight, grid, floor, ceiling, penalty, moved)
                for j in range(size):
                    jacobian[i, j] = (moved[j] - errors[j]) / step
            for i in range(5):
                slope[i] = np.dot(jacobian[i], errors)
                for j in range(i + 1):
                    normal[i, j] = normal[j, i] = np.dot(jacobian[i], jacobian[j])
        matrix = normal.copy()
        for i in range(5):
            is_held = (p[i] <= lower[i] and slope[i] > 0.0) or (p[i] >= upper[i] and slope[i] < 0.0)
            matrix[i, i] += damping * max(normal[i, i], 1e-12) + (1e30 if is_held else 0.0)
        tried[:] = p - np.linalg.solve(matrix, slope)
        _hold_inside(tried, lower, upper)
        new_cost = _fill_errors(tried, k, w, weight, grid, floor, ceiling, penalty, moved)
        is_fresh = new_cost < cost
        if is_fresh:
            is_flat = cost - new_cost < 1e-7 * cost
            p[:], cost = tried, new_cost
            errors, moved = moved, errors
            damping, growth = max(damping * 0.2, 1e-9), 2.0
            if is_flat or cost < 1e-18:
                break
        else:
            damping, growth = damping * growth, growth * 2.0
            if damping > 1e8:
                break
    return cost


@njit
def _fit_cost(p: Array, k: Array, w: Array, weight: Array) -> float:
    """Return half the weighted sum of squares."""
    cost = 0.0
    for i in range(k.shape[0]):
        error = weight[i] * (_slice(k[i], p)[0] - w[i])
        cost += 0.5 * error * error
    return cost


@njit
def _linear_start(k: Array, w: Array, weight: Array, m: float, s: float, p: Array) -> float:
    """Fill the best a, b and rho for given m and s (they enter linearly); return the cost."""
    normal, right = np.zeros((3, 3)), np.zeros(3)
    basis = np.empty(3)
    for i in range(k.shape[0]):
        y = k[i] - m
        basis[0], basis[1], basis[2] = 1.0, y, math.sqrt(y * y + s * s)
        power = weight[i] * weight[i]
        for a in range(3):
            right[a] += power * basis[a] * w[i]
            for b in range(3):
                normal[a, b] += power * basis[a] * basis[b]
    for a in range(3):
        normal[a, a] *= 1.0 + 1e-10
    found = np.linalg.solve(normal, right)
    p[1] = max(found[2], 1e-4)
    p[2] = min(max(found[1] / p[1], -0.95), 0.95)
    p[3], p[4] = m, s
    p[0] = max(found[0] + p[1] * s * math.sqrt(1.0 - p[2] * p[2]), 1e-6)
    return _fit_cost(p, k, w, weight)


@njit
def _worst_breach(p: Array, grid: Array, floor: Array, ceiling: Array) -> float:
    """Return the largest breach of butterfly and calendar conditions; 0 or less is free of both."""
    worst = -1.0
    for i in range(grid.shape[0]):
        value, first, second = _slice(grid[i], p)
        worst = max(worst, -_density_sign(grid[i], value, first, second))
        worst = max(worst, (floor[i] - value) / max(floor[i], 1e-8))
        worst = max(worst, (value - ceiling[i]) / max(ceiling[i], 1e-8))
    return worst


@njit
def fit_slice(
    k: Array, w: Array, weight: Array, grid: Array, floor: Array, ceiling: Array,
    penalties: Array, starts: Array, out: Array,
) -> tuple[float, float, bool]:  # fmt: skip
    """Fit raw parameters into `out`; return root mean square error, penalty used, and success."""
    span = max(k.max() - k.min(), 0.05)
    deviation = math.sqrt(max(np.median(w), 1e-8))
    lower = np.array([1e-9, 1e-6, -0.999, k.min() - 0.5 * span, 1e-3 * span + 1e-4])
    upper = np.array(
        [4.0 * w.max() + 1e-3, 2.0, 0.999, k.max() + 0.5 * span, 2.0 * span + deviation]
    )
    best, point, best_cost = np.empty(5), np.empty(5), math.inf
    for i in range(starts.shape[0]):
        m, s = starts[i, 0] * span, starts[i, 1] * span
        cost = _linear_start(k, w, weight, m, s, point)
        if cost < best_cost:
            best_cost = cost
            best[:] = point
    _hold_inside(best, lower, upper)
    linear = best.copy()
    _improve(best, lower, upper, k, w, weight, grid, floor, ceiling, 0.0)
    used, is_free = 0.0, _worst_breach(best, grid, floor, ceiling) <= 0.0
    if not is_free:
        # The penalised search may stall on its way from one start: both are tried.
        best_cost, free_fit = math.inf, best.copy()
        for start in (free_fit, linear):
            point[:] = start
            for i in range(penalties.shape[0]):
                _improve(point, lower, upper, k, w, weight, grid, floor, ceiling, penalties[i])
                is_good = _worst_breach(point, grid, floor, ceiling) <= 0.0
                cost = _fit_cost(point, k, w, weight)
                if (is_good and not is_free) or (is_good == is_free and cost < best_cost):
                    best[:] = point
                    best_cost, used, is_free = cost, penalties[i], is_good
                if is_good:
                    break
    cost = _fit_cost(best, k, w, weight)
    out[0] = best[0] - best[1] * best[4] * math.sqrt(1.0 - best[2] * best[2])
    out[1:] = best[1:]
    return math.sqrt(2.0 * cost / k.shape[0]), used, is_free


def total_variance(k: ArrayLike, parameters: ArrayLike) -> Array:
    """Return total variance at log moneyness k; `parameters` is a, b, rho, m, s on its first axis.

    Further axes of the parameters broadcast against k.
    """
    a, b, rho, m, s = np.asarray(parameters, np.float64)
    y = np.asarray(k, np.float64) - m
    return np.asarray(a + b * (rho * y + np.sqrt(y * y + s * s)))


def density_sign(k: ArrayLike, parameters: ArrayLike, moved: float = 0.0) -> Array:
    """Return Durrleman's function at k: the implied density is negative exactly where it is.

    Parameters
    ----------
    k : float or array
        log(strike / forward).
    parameters : array whose first axis is a, b, rho, m, s
    moved : float
        Where the forward has moved since the fit, log(forward / forward of the fit): the smile is
        read at k + moved, while the density belongs to k.

    References
    ----------
    Gatheral & Jacquier 2014, Arbitrage-Free SVI Volatility Surfaces, equation 2.1; the example of
    section 3.1 (attributed to Axel Vogt) is a test.
    """
    a, b, rho, m, s = np.asarray(parameters, np.float64)
    x = np.asarray(k, np.float64)
    y = x + moved - m
    root = np.sqrt(y * y + s * s)
    w = np.maximum(a + b * (rho * y + root), 1e-12)
    first, second = b * (rho + y / root), b * s * s / root**3
    return np.asarray(
        (1.0 - 0.5 * x * first / w) ** 2 - 0.25 * first**2 * (1.0 / w + 0.25) + 0.5 * second
    )


def check_grid(k: ArrayLike) -> Array:
    """Return where a slice fitted to k is checked: its range, and half of that on each side."""
    x = np.asarray(k, np.float64)
    span = max(float(x.max() - x.min()), 0.05)
    return np.linspace(float(x.min()) - 0.5 * span, float(x.max()) + 0.5 * span, GRID_POINTS)


def calibrate(
    k: ArrayLike, sigma_annual: ArrayLike, years: float, weight: ArrayLike | None = None,
    floor: ArrayLike | None = None, grid: ArrayLike | None = None,
) -> SviFit:  # fmt: skip
    """Return the raw parameters that fit one expiry best without arbitrage.

    The first search is unconstrained; only where the result breaks a condition on the grid is it
    repeated with a rising penalty on the breach.

    Parameters
    ----------
    k : array of shape (n_strikes,)
        log(strike / forward), at least five different values.
    sigma_annual : array of shape (n_strikes,)
        Black volatility per square-root year.
    years : float
        Time to expiry in years, positive.
    weight : array of shape (n_strikes,), optional
        Factor on each volatility error.
    floor : array of shape (n_grid,), optional
        Total variance of the expiry before, on the grid: this one may not lie below it.
    grid : array of shape (n_grid,), optional
        Where the conditions are checked; `check_grid(k)` when left out.

    Returns
    -------
    SviFit

    Raises
    ------
    ValueError
        If there are fewer than five quotes, or a value is not positive and finite.

    References
    ----------
    Gatheral & Jacquier 2014, as above; Zeliade Systems 2009, Quasi-Explicit Calibration of
    Gatheral's SVI Model, for the linear part of the start.
    """
    x, sigma = np.asarray(k, np.float64), np.asarray(sigma_annual, np.float64)
    if x.size < 5 or not (years > 0.0 and sigma.min() > 0.0 and np.isfinite(sigma + x).all()):
        raise ValueError(
            f"expected five or more quotes with positive finite volatility and time, found {x.size}"
            f" quotes over {years} years or a bad value; clean the chain first"
        )
    points = check_grid(x) if grid is None else np.asarray(grid, np.float64)
    low = np.zeros(points.size) if floor is None else np.asarray(floor, np.float64)
    scale = np.ones(x.size) if weight is None else np.asarray(weight, np.float64)
    if not (x.shape == sigma.shape == scale.shape == (x.size,) and low.shape == points.shape):
        raise ValueError(
            "expected a volatility and a weight for each k and a floor for each point of the grid, "
            f"found {sigma.shape} and {scale.shape} for {x.shape}, {low.shape} for {points.shape}"
        )
    # An error in variance over 2 sigma T is an error in volatility.
    factor = scale / (2.0 * sigma * years) / math.sqrt(float(np.mean(scale**2)))
    out = np.empty(5)
    rmse, penalty, is_free = fit_slice(
        x, sigma**2 * years, factor, points, low, np.full(points.size, np.inf),
        PENALTIES, STARTS, out,
    )  # fmt: skip
    a, b, rho, m, s = (float(value) for value in out)
    return SviFit(
        a=a, b=b, rho=rho, m=m, s=s, volatility_rmse=rmse, penalty=penalty,
        is_free_of_arbitrage=is_free,
    )  # fmt: skip
