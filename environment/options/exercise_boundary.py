"""The early-exercise boundary of an American option by spectral collocation.

The boundary scales with the strike and does not know the stock price: solve it when time,
volatility, rate or yield change, and price any stock move and any strike from it. For a put with
unit strike the squared logarithm of B(tau) / B(0+) is nearly a polynomial in sqrt(tau); its values
at Chebyshev points are the fixed point of the smooth-pasting equation. (The value-matching one
converges more slowly, and not at all under Newton's method.) A call is the put with rate and yield
exchanged.

References
----------
Andersen, Lake & Offengenden, High-performance American option pricing, Journal of Computational
Finance 20(1), 2016: the transformation and fixed-point system A. The integrals here
run over u = tau sin(theta)**2, smooth at both ends.
"""

from functools import cache

import numpy as np

from environment.compiled import njit
from environment.options.columns import FloatArray
from environment.options.normal import ROOT_TWO_PI, exp, inlined, log_ratio, mills

NODES = 12  # Collocation points, without the one at expiry.
POINTS = 24  # Integration points inside each node's equation.
PRICE_POINTS = 32  # Integration points of a price.
SWEEPS_MAX = 24
_CONVERGED = 3e-7  # In ln B; a price moves with its square.
_CELLS = NODES * POINTS
# Rows of the work area, one value per cell; the last two end with sums over the points.
_RATE_WEIGHT, _YIELD_WEIGHT, _ROOT, _PER_ROOT, _NODE, _MINUS, _PLUS = range(7)
NEVER, SINGLE, DOUBLE = 0, 1, 2  # No early exercise; one boundary; two boundaries.


@cache
def rule() -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return what every option shares, with years scaled to 1.

    Rows of geometry, flat, one value per cell: sqrt(tau_i), sqrt(u), sqrt(tau_i - u) and the weight
    of du; then interpolation from nodes to cells, flat; the price's rows sqrt(u) and weight; and
    interpolation from nodes to the price's times to expiry (n_nodes, n_price_points). The node
    runs fastest within the cells, so that the sums over the points of all nodes run side by side.
    """
    nodes = np.cos(np.arange(NODES + 1) * np.pi / NODES)
    root_tau = 0.5 * (1.0 + nodes[:NODES])
    sine, cosine, weight = _sine_rule(POINTS)
    root_u = np.outer(sine, root_tau).reshape(-1)
    root_v = np.outer(cosine, root_tau).reshape(-1)
    cell_weight = np.outer(weight, root_tau**2).reshape(-1)
    geometry = np.concatenate([np.tile(root_tau, POINTS), root_u, root_v, cell_weight])
    price_sine, price_cosine, price_weight = _sine_rule(PRICE_POINTS)
    return (
        geometry,
        _interpolation(nodes, 2.0 * root_u - 1.0).reshape(-1),
        np.array([price_sine, price_weight]),
        _interpolation(nodes, 2.0 * price_cosine - 1.0),
    )


def _sine_rule(count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return sin, cos and the weights of du for u = sin(theta)**2 from 0 to 1."""
    x, w = np.polynomial.legendre.leggauss(count)
    theta = 0.25 * np.pi * (x + 1.0)
    return np.sin(theta), np.cos(theta), 0.25 * np.pi * w * np.sin(2.0 * theta)


def _interpolation(nodes: FloatArray, at: FloatArray) -> FloatArray:
    """Barycentric weights of all nodes but the last, whose value is 0, at the points `at`."""
    sign = (-1.0) ** np.arange(nodes.size)
    sign[0] *= 0.5
    sign[-1] *= 0.5
    terms = sign[:, None] / (at[None, :] - nodes[:, None])
    return np.ascontiguousarray((terms / terms.sum(axis=0))[:-1])


@inlined
def regime(rate: float, dividend_yield: float) -> int:
    """How a put is exercised early: NEVER, with one boundary, or with two (DOUBLE)."""
    if rate > 0.0 or (rate == 0.0 and dividend_yield < 0.0):
        return SINGLE
    return DOUBLE if dividend_yield < rate else NEVER


@inlined
def _limits(sigma: float, rate: float, dividend: float) -> tuple[float, float]:
    """Return ln of the put's boundary just before expiry, and the perpetual boundary itself."""
    first = 0.0 if dividend <= rate else np.log(rate / dividend)
    variance = sigma * sigma
    a = 0.5 - (rate - dividend) / variance
    root = np.sqrt(a * a + 2.0 * rate / variance)
    # The negative root, by the form that does not cancel.
    power = a - root if a < 0.0 else -2.0 * rate / variance / (a + root)
    return first, power / (power - 1.0)


@njit
def _fill_distances(
    log_b: FloatArray,
    scale: tuple[float, float, float],
    interpolation: FloatArray,
    work: FloatArray,
) -> None:
    """Fill d- of every cell: from its node's boundary to the boundary at its u."""
    per_s, drift, half = scale
    first = log_b[NODES]
    for c in range(_CELLS):
        work[_MINUS * _CELLS + c] = 0.0
    for i in range(0, NODES, 4):
        s0, s1 = (log_b[i] - first) ** 2, (log_b[i + 1] - first) ** 2
        s2, s3 = (log_b[i + 2] - first) ** 2, (log_b[i + 3] - first) ** 2
        for c in range(_CELLS):
            near = s0 * interpolation[i * _CELLS + c] + s1 * interpolation[(i + 1) * _CELLS + c]
            far = (
                s2 * interpolation[(i + 2) * _CELLS + c] + s3 * interpolation[(i + 3) * _CELLS + c]
            )
            work[_MINUS * _CELLS + c] += near + far
    for k in range(POINTS):
        for i in range(NODES):
            work[_NODE * _CELLS + k * NODES + i] = log_b[i]
    for c in range(_CELLS):
        boundary = first - np.sqrt(max(work[_MINUS * _CELLS + c], 0.0))
        slope = (work[_NODE * _CELLS + c] - boundary) * per_s * work[_PER_ROOT * _CELLS + c]
        work[_MINUS * _CELLS + c] = slope + (drift - half) * work[_ROOT * _CELLS + c]


@inlined
def _weighted(d: float, spread: float, with_mass: float, with_density: float) -> float:
    """sqrt(2 pi) (with_mass N(d) + with_density n(d) spread)."""
    n = exp(-0.5 * d * d)
    tail = n * mills(abs(d))
    return with_mass * (ROOT_TWO_PI - tail if d > 0.0 else tail) + with_density * n * spread


@njit
def _fill_sums(
    width: float,
    per_s: float,
    has_yield: bool,  # noqa: FBT001  # compiled
    is_pasting: bool,  # noqa: FBT001  # compiled
    work: FloatArray,
) -> None:
    """Fill the integrals of numerator and denominator of every node, into the first cells."""
    with_density = 1.0 if is_pasting else 0.0
    if has_yield:
        for c in range(_CELLS):
            d = work[_MINUS * _CELLS + c] + width * work[_ROOT * _CELLS + c]
            value = _weighted(d, per_s * work[_PER_ROOT * _CELLS + c], 1.0, with_density)
            work[_PLUS * _CELLS + c] = work[_YIELD_WEIGHT * _CELLS + c] * value
        for c in range(NODES, _CELLS, NODES):
            for i in range(NODES):
                work[_PLUS * _CELLS + i] += work[_PLUS * _CELLS + c + i]
    if is_pasting:
        for c in range(_CELLS):
            d = work[_MINUS * _CELLS + c]
            weight = work[_RATE_WEIGHT * _CELLS + c] * per_s * work[_PER_ROOT * _CELLS + c]
            work[_MINUS * _CELLS + c] = weight * exp(-0.5 * d * d)
    else:
        for c in range(_CELLS):
            value = _weighted(work[_MINUS * _CELLS + c], 0.0, 1.0, 0.0)
            work[_MINUS * _CELLS + c] = work[_RATE_WEIGHT * _CELLS + c] * value
    for c in range(NODES, _CELLS, NODES):
        for i in range(NODES):
            work[_MINUS * _CELLS + i] += work[_MINUS * _CELLS + c + i]


@njit
def _sweep(
    log_b: FloatArray,
    market: tuple[float, float, float, float],
    geometry: FloatArray,
    interpolation: FloatArray,
    work: FloatArray,
    is_pasting: bool,  # noqa: FBT001  # compiled
) -> float:
    """Improve ln B at every node once, by smooth pasting or value matching; return the change.

    Numerator and denominator of the fixed point both carry a factor sqrt(2 pi).
    """
    years, sigma, rate, dividend = market
    first, root_years = log_b[NODES], np.sqrt(years)
    per_s, drift = 1.0 / (sigma * root_years), (rate - dividend) * root_years / sigma
    half = 0.5 * sigma * root_years
    _fill_distances(log_b, (per_s, drift, half), interpolation, work)
    _fill_sums(2.0 * half, per_s, dividend != 0.0, is_pasting, work)
    for i in range(NODES):
        root_tau = geometry[i]
        spread = per_s / root_tau
        centre = log_b[i] * spread + drift * root_tau
        d_minus, d_plus = centre - half * root_tau, centre + half * root_tau
        density = 1.0 if is_pasting else 0.0
        top = work[_MINUS * _CELLS + i] + _weighted(d_minus, spread, 1.0 - density, density)
        bottom = _weighted(d_plus, spread, 1.0, density)
        bottom += work[_PLUS * _CELLS + i] if dividend != 0.0 else 0.0
        is_sound = (top > 0.0) & (bottom > 0.0)
        ratio = log_ratio(top if is_sound else 1.0, bottom if is_sound else 1.0)
        step = ratio - (rate - dividend) * years * root_tau * root_tau - log_b[i]
        step = min(max(step, -1.0), 1.0) if is_sound else -0.25
        work[_NODE * _CELLS + i] = min(log_b[i] + step, first - 1e-12)
    largest = 0.0
    for i in range(NODES):
        largest = max(largest, abs(work[_NODE * _CELLS + i] - log_b[i]))
        log_b[i] = work[_NODE * _CELLS + i]
    return largest


@njit
def solve_put(
    log_b: FloatArray,
    market: tuple[float, float, float, float],
    geometry: FloatArray,
    interpolation: FloatArray,
    work: FloatArray,
) -> int:
    """Fill `log_b` with ln B at the nodes and just before expiry; return the sweeps used.

    `market` is (years, sigma, rate, yield) of a put with one boundary and unit strike.
    """
    years, sigma, rate, dividend = market
    first, perpetual = _limits(sigma, rate, dividend)
    limit = np.exp(first)
    log_b[NODES] = first
    for c in range(_CELLS):
        u = years * geometry[_CELLS + c] * geometry[_CELLS + c]
        weight = years * geometry[3 * _CELLS + c]
        work[_RATE_WEIGHT * _CELLS + c] = rate * weight * exp(rate * u)
        work[_YIELD_WEIGHT * _CELLS + c] = dividend * weight * exp(dividend * u)
        work[_ROOT * _CELLS + c] = geometry[2 * _CELLS + c]
        work[_PER_ROOT * _CELLS + c] = 1.0 / geometry[2 * _CELLS + c]
    used = 0
    # Smooth pasting converges fast; it fails where rates are large against the variance.
    for attempt in range(2):
        for i in range(NODES):
            fade = np.exp(-2.0 * sigma * np.sqrt(years) * geometry[i] * limit / (limit - perpetual))
            log_b[i] = np.log(perpetual + (limit - perpetual) * fade)
        limit_sweeps = SWEEPS_MAX if attempt == 0 else 4 * SWEEPS_MAX
        for _ in range(limit_sweeps):
            used += 1
            if _sweep(log_b, market, geometry, interpolation, work, attempt == 0) < _CONVERGED:
                return used
    return used


@inlined
def work_area() -> FloatArray:
    """Return the scratch cells that `solve_put` needs."""
    return np.zeros(7 * _CELLS)
