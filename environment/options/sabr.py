"""SABR: implied volatilities in closed form, and the fit of one expiry.

dF = a (F + shift)**beta dW,  da = nu a dZ,  dW dZ = rho dt,  a(0) = alpha.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from environment.compiled import njit

Array = NDArray[np.float64]
Formula = Literal["hagan", "obloj", "normal"]

_FORMULAS = {"hagan": 0, "obloj": 1, "normal": 2}
_LOWER = np.array([1e-8, 1e-6, -0.9999])
_UPPER = np.array([1e4, 20.0, 0.9999])
_STEPS_MAX = 60


@dataclass(frozen=True, kw_only=True)
class SabrFit:
    """Parameters of one expiry and how well they fit."""

    alpha: float
    beta: float
    nu: float
    rho: float
    shift: float
    formula: Formula
    volatility_rmse: float
    steps: int
    has_converged: bool


@njit
def _shape(
    forward: float, strike: float, beta: float, formula: int
) -> tuple[float, float, float, float]:
    """Return front factor b, reach g, scale f and 1 - beta: volatility is alpha b R(nu g / alpha).

    Near the money the logarithm and the power difference are taken of the relative distance, which
    is exact, so nothing cancels; at beta 0 and 1 the powers reduce to their limits.
    """
    gap = (forward - strike) / strike if strike != 0.0 else 0.0
    is_log = beta > 0.0 or formula != 2
    log_ratio = (
        (math.log1p(gap) if abs(gap) < 0.5 else math.log(forward / strike)) if is_log else 0.0
    )
    c = 1.0 - beta
    f = math.exp(0.5 * c * math.log(forward * strike)) if is_log else 1.0
    if formula == 0:
        square = c * c * log_ratio * log_ratio
        return 1.0 / (f * (1.0 + square / 24.0 + square * square / 1920.0)), f * log_ratio, f, c
    if beta == 0.0:
        reach = forward - strike
    elif beta == 1.0:
        reach = log_ratio
    else:
        reach = math.exp(c * math.log(strike)) * math.expm1(c * log_ratio) / c
    numerator = forward - strike if formula == 2 else log_ratio
    mean_slope = math.exp(beta * 0.5 * math.log(forward * strike)) if is_log else 1.0
    at_money = mean_slope if formula == 2 else 1.0 / f
    return (numerator / reach if reach != 0.0 else at_money), reach, f, c


@njit
def _ratio(z: float, rho: float) -> tuple[float, float, float]:
    """Return R = z / x(z) and its derivatives in z and rho.

    x(z; rho) = -x(-z; -rho) lets the logarithm always see an argument above 1.
    """
    sign = 1.0 if z >= 0.0 else -1.0
    z, rho = sign * z, sign * rho
    if z < 1e-5:
        ratio = 1.0 - 0.5 * rho * z + (2.0 - 3.0 * rho * rho) / 12.0 * z * z
        by_z = -0.5 * rho + (2.0 - 3.0 * rho * rho) / 6.0 * z
        return ratio, sign * by_z, sign * (-0.5 * z)
    q = math.sqrt(1.0 - 2.0 * rho * z + z * z)
    x = math.log1p(z * (1.0 + q + z - 2.0 * rho) / ((1.0 + q) * (1.0 - rho)))
    ratio = z / x
    by_z = (1.0 - ratio / q) / x
    x_rho = 1.0 / (1.0 - rho) - (1.0 + z / q) / (q + z - rho)
    return ratio, sign * by_z, sign * (-ratio * x_rho / x)


@njit
def _volatility(
    shape: tuple[float, float, float, float], beta: float, years: float, formula: int,
    alpha: float, nu: float, rho: float,
) -> tuple[float, float, float, float]:  # fmt: skip
    """Return the volatility and its derivatives in alpha, nu and rho."""
    b, reach, f, c = shape
    z = nu * reach / alpha
    ratio, by_z, by_rho = _ratio(z, rho)
    h1 = -beta * (2.0 - beta) / 24.0 if formula == 2 else c * c / 24.0
    h2, h3 = 0.25 * beta, (2.0 - 3.0 * rho * rho) / 24.0
    u = alpha / f
    time = 1.0 + (h1 * u * u + h2 * rho * nu * u + h3 * nu * nu) * years
    front = alpha * b
    value = front * ratio * time
    d_alpha = value / alpha - front * time * by_z * z / alpha
    d_alpha += front * ratio * (2.0 * h1 * u + h2 * rho * nu) / f * years
    d_nu = front * time * by_z * reach / alpha
    d_nu += front * ratio * (h2 * rho * u + 2.0 * h3 * nu) * years
    d_rho = front * time * by_rho + front * ratio * (h2 * nu * u - 0.25 * rho * nu * nu) * years
    return value, d_alpha, d_nu, d_rho


@njit
def _fill(rows: Array, formula: int, out: Array) -> None:
    """Fill volatilities of rows (forward, strike, years, alpha, beta, nu, rho)."""
    for i in range(rows.shape[1]):
        shape = _shape(rows[0, i], rows[1, i], rows[4, i], formula)
        out[i] = _volatility(
            shape, rows[4, i], rows[2, i], formula, rows[3, i], rows[5, i], rows[6, i]
        )[0]


def _demand_model(
    formula: str, years: Array, alpha: Array, beta: Array, nu: Array, rho: Array
) -> None:
    """Refuse parameters outside the model: the closed form would give a number for them too."""
    if formula not in _FORMULAS:
        raise ValueError(f"expected one of {', '.join(_FORMULAS)} as formula, found {formula!r}")
    demands = (
        ("years of 0 or more", years, years >= 0.0),
        ("alpha above 0", alpha, alpha > 0.0),
        ("beta in [0, 1]", beta, (beta >= 0.0) & (beta <= 1.0)),
        ("nu of 0 or more", nu, nu >= 0.0),
        ("rho in (-1, 1)", rho, np.abs(rho) < 1.0),
    )
    for text, values, is_good in demands:
        good = is_good & np.isfinite(values)
        if not np.all(good):
            raise ValueError(f"expected finite {text}, found {values[~good].flat[0]}")


def _demand_levels(levels: Array, *, is_any_sign: bool) -> None:
    """Refuse a shifted forward or strike that the formula has no value for."""
    if levels.size and not (np.isfinite(levels).all() and (is_any_sign or levels.min() > 0.0)):
        raise ValueError(
            "expected finite positive forward + shift and strike + shift, found "
            f"{levels.min()}; use a larger shift, or the normal formula with beta 0"
        )


def volatility(
    forward: ArrayLike, strike: ArrayLike, years: ArrayLike, alpha: ArrayLike, beta: ArrayLike,
    nu: ArrayLike, rho: ArrayLike, *, shift: ArrayLike = 0.0, formula: Formula = "hagan",
) -> Array:  # fmt: skip
    """Return SABR implied volatilities, one per broadcast element.

    Parameters
    ----------
    forward, strike : float or array
        Currency or rate units; forward + shift and strike + shift must be positive, except for
        the normal formula at beta 0, which takes any sign.
    years : float or array
        Time to expiry in years.
    alpha, beta, nu, rho : float or array
        Initial volatility of the shifted forward to the power beta; power in [0, 1]; volatility
        of volatility per square-root year, 0 or more; correlation in (-1, 1).
    shift : float or array
        Added to forward and strike; the volatility returned belongs to the shifted forward.
    formula : {"hagan", "obloj", "normal"}
        Hagan's Black volatility; Obloj's, whose leading term is exact and which is to be preferred
        for small beta and low strikes; Hagan's Bachelier volatility with that same leading term.

    Returns
    -------
    array of the broadcast shape
        Black volatility per square-root year, or Bachelier volatility in units of the forward.

    Raises
    ------
    ValueError
        If a shifted forward or strike is not positive (use a larger shift, or normal with beta 0),
        or a parameter is outside its range.

    References
    ----------
    Hagan, Kumar, Lesniewski & Woodward 2002, Managing Smile Risk, equations 2.17a and B.69a;
    Obloj 2008, Fine-Tune Your Smile, arXiv:0708.0998, equation 1.
    """
    shape = np.broadcast(forward, strike, years, alpha, beta, nu, rho, shift).shape
    rows = np.empty((7, *shape))
    for i, value in enumerate((forward, strike, years, alpha, beta, nu, rho)):
        rows[i] = value
    rows[:2] += shift
    _demand_model(formula, *rows[2:])
    is_any_sign = formula == "normal" and bool(np.all(rows[4] == 0.0))
    _demand_levels(rows[:2], is_any_sign=is_any_sign)
    out = np.empty(shape)
    _fill(rows.reshape(7, -1), _FORMULAS[formula], out.reshape(-1))
    return out


@njit
def fit_slice(
    forward: float, strike: Array, years: float, vol: Array, weight: Array, beta: float,
    formula: int, out: Array,
) -> tuple[float, int, bool]:  # fmt: skip
    """Fit alpha, nu and rho into `out`; return root mean square error, steps, and success."""
    n = strike.shape[0]
    shapes = np.empty((4, n))
    nearest = 0
    for i in range(n):
        shapes[0, i], shapes[1, i], shapes[2, i], shapes[3, i] = _shape(
            forward, strike[i], beta, formula
        )
        if abs(shapes[1, i]) < abs(shapes[1, nearest]):
            nearest = i
    alpha = vol[nearest] / shapes[0, nearest]
    # Slope and curvature against the reach give rho nu and nu**2 to leading order.
    s2 = s3 = s4 = t1 = t2 = 0.0
    for i in range(n):
        y = shapes[1, i] / alpha
        excess = weight[i] * (vol[i] / (shapes[0, i] * alpha) - 1.0)
        s2 += weight[i] * y * y
        s3 += weight[i] * y * y * y
        s4 += weight[i] * y * y * y * y
        t1 += excess * y
        t2 += excess * y * y
    spread = s2 * s4 - s3 * s3
    slope = (t1 * s4 - t2 * s3) / spread if spread > 0.0 else 0.0
    curve = (t2 * s2 - t1 * s3) / spread if spread > 0.0 else 0.0
    product = -2.0 * slope
    nu_square = 6.0 * curve + 1.5 * product * product
    nu = math.sqrt(nu_square) if nu_square > 1e-4 else max(0.3, abs(product))
    rho = min(max(product / nu, -0.9), 0.9)
    out[0], out[1], out[2] = alpha, nu, rho
    return _search(shapes, years, vol, weight, beta, formula, out)


@njit
def _assess(
    shapes: Array, years: float, vol: Array, weight: Array, beta: float, formula: int,
    point: Array, normal: Array, slope: Array,
) -> float:  # fmt: skip
    """Fill the normal matrix and the slope of half the weighted squares; return that half."""
    normal[:] = 0.0
    slope[:] = 0.0
    cost = 0.0
    for i in range(vol.shape[0]):
        shape = (shapes[0, i], shapes[1, i], shapes[2, i], shapes[3, i])
        value, d0, d1, d2 = _volatility(shape, beta, years, formula, point[0], point[1], point[2])
        w = weight[i]
        error = w * (value - vol[i])
        d0, d1, d2 = w * d0, w * d1, w * d2
        cost += 0.5 * error * error
        slope[0] += d0 * error
        slope[1] += d1 * error
        slope[2] += d2 * error
        normal[0, 0] += d0 * d0
        normal[1, 0] += d1 * d0
        normal[1, 1] += d1 * d1
        normal[2, 0] += d2 * d0
        normal[2, 1] += d2 * d1
        normal[2, 2] += d2 * d2
    return cost


@njit
def _search(
    shapes: Array, years: float, vol: Array, weight: Array, beta: float, formula: int, point: Array
) -> tuple[float, int, bool]:
    """Improve `point` by damped Gauss-Newton within the bounds."""
    normal, slope = np.empty((3, 3)), np.empty(3)
    new_normal, new_slope, step = np.empty((3, 3)), np.empty(3), np.empty(3)
    tried = np.empty(3)
    total = 0.0
    for i in range(vol.shape[0]):
        total += weight[i] * weight[i]
    cost = _assess(shapes, years, vol, weight, beta, formula, point, normal, slope)
    damping = 1e-6
    for count in range(1, _STEPS_MAX + 1):
        a = normal[0, 0] * (1.0 + damping)
        b = normal[1, 1] * (1.0 + damping)
        c = normal[2, 2] * (1.0 + damping) + 1e-300
        # Cholesky of three by three, written out.
        l10, l20 = normal[1, 0] / a, normal[2, 0] / a
        d1 = max(b - l10 * normal[1, 0], 1e-14 * b + 1e-300)
        l21 = (normal[2, 1] - l20 * normal[1, 0]) / d1
        d2 = max(c - l20 * normal[2, 0] - l21 * l21 * d1, 1e-14 * c)
        y0 = -slope[0]
        y1 = -slope[1] - l10 * y0
        y2 = -slope[2] - l20 * y0 - l21 * y1
        step[2] = y2 / d2
        step[1] = y1 / d1 - l21 * step[2]
        step[0] = y0 / a - l10 * step[1] - l20 * step[2]
        size = 0.0
        for p in range(3):
            tried[p] = min(max(point[p] + step[p], _LOWER[p]), _UPPER[p])
            if p < 2:  # Neither level may fall by more than nine tenths in one step.
                tried[p] = max(tried[p], 0.1 * point[p])
            size = max(size, abs(tried[p] - point[p]) / (abs(point[p]) + 1e-4))
        if size < 1e-10:
            return math.sqrt(2.0 * cost / total), count, True
        new_cost = _assess(shapes, years, vol, weight, beta, formula, tried, new_normal, new_slope)
        if new_cost <= cost:
            point[:] = tried
            normal, new_normal = new_normal, normal
            slope, new_slope = new_slope, slope
            is_flat = cost - new_cost <= 1e-13 * cost
            cost, damping = new_cost, damping * 0.1
            if is_flat or cost < 1e-24 * total:
                return math.sqrt(2.0 * cost / total), count, True
        else:
            damping = max(damping * 10.0, 1e-4)
            if damping > 1e12:
                return math.sqrt(2.0 * cost / total), count, True
    return math.sqrt(2.0 * cost / total), _STEPS_MAX, False


def calibrate(
    forward: float, strike: ArrayLike, years: float, volatility_quotes: ArrayLike,
    beta: float, *, weight: ArrayLike | None = None, shift: float = 0.0, formula: Formula = "hagan",
) -> SabrFit:  # fmt: skip
    """Return alpha, nu and rho that fit one expiry best, at a given beta.

    The start comes from slope and curvature of the quotes; the search is Levenberg-Marquardt with
    the analytic gradient, inside alpha > 0, nu > 0 and |rho| < 1.

    Parameters
    ----------
    forward, years, beta, shift : float
        As for `volatility`.
    strike, volatility_quotes : array of shape (n_strikes,)
        At least three strikes; volatilities of the kind the formula returns.
    weight : array of shape (n_strikes,), optional
        Factor on each error; equal when left out.

    Returns
    -------
    SabrFit
        Its `volatility_rmse` is weighted as the fit was.

    Raises
    ------
    ValueError
        If there are fewer than three strikes or all are alike, columns differ in length, or a value
        is outside the ranges of `volatility`.
    """
    strikes = np.asarray(strike, np.float64) + shift
    vol = np.asarray(volatility_quotes, np.float64)
    weights = np.ones(vol.shape[0]) if weight is None else np.asarray(weight, np.float64)
    if vol.size < 3 or not 0.0 < vol.min() <= vol.max() < math.inf:
        raise ValueError(
            f"expected three or more positive finite volatilities, found {vol.size} quotes "
            "or a bad value; clean the chain first"
        )
    if not strikes.shape == vol.shape == weights.shape == (vol.size,):
        raise ValueError(
            "expected as many strikes as volatilities and weights, found shapes "
            f"{strikes.shape}, {vol.shape} and {weights.shape}"
        )
    if weight is not None and not (weights.min() >= 0.0 and 0.0 < weights.max() < math.inf):
        raise ValueError(
            "expected finite weights of 0 or more and one above 0, found "
            f"{weights.min()} to {weights.max()}"
        )
    if formula not in _FORMULAS or not (0.0 <= beta <= 1.0 and 0.0 < years < math.inf):
        raise ValueError(
            f"expected one of {', '.join(_FORMULAS)}, beta in [0, 1] and a time above 0, found "
            f"{formula!r}, {beta} and {years}"
        )
    level, low, high = forward + shift, float(strikes.min()), float(strikes.max())
    least = -math.inf if formula == "normal" and beta == 0.0 else 0.0
    if not (least < min(low, level) and low < high and max(high, level) < math.inf):
        raise ValueError(
            "expected finite positive forward + shift and strikes + shift, not all alike, found "
            f"{level} and {low} to {high}; use a larger shift, or the normal formula with beta 0"
        )
    out = np.empty(3)
    rmse, steps, has_converged = fit_slice(
        forward + shift, strikes, years, vol, weights, beta, _FORMULAS[formula], out
    )
    return SabrFit(
        alpha=float(out[0]), beta=beta, nu=float(out[1]), rho=float(out[2]), shift=shift,
        formula=formula, volatility_rmse=rmse, steps=steps, has_converged=has_converged,
    )  # fmt: skip
