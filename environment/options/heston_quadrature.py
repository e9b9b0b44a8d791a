"""Compiled Heston pricing: trapezoid sums on u = c sinh(y), as many nodes as the error asks for.

The integrand is Black-Scholes minus Heston, both at the same expected variance: its poles at
u = +-i/2 cancel, so the trapezoid rule converges geometrically in the number of nodes. The sums
over every second and every fourth node cost nothing and give the rate, hence the error.
"""

import math

import numpy as np

from environment.compiled import njit
from environment.options.heston_transform import Array, Flags, fill_nodes, strike_sums

_PROBES = 12
_PROBE_GROWTH = 1.5
_PROBE_START = 4.0
_SCALE_BY_DEVIATION = 2.2
_STEP_BY_STRIP = 0.155
_FIRST_NODES_MAX = 512
_NODES_MAX = 32768


@njit
def expected_variance(years: float, v0: float, kappa: float, theta: float) -> float:
    """Return the expected integral of the variance from 0 to `years`."""
    decay = -math.expm1(-kappa * years) / kappa if kappa > 0.0 else years
    return theta * (years - decay) + v0 * decay


@njit
def _cut_off(
    years: float, total_variance: float,
    v0: float, kappa: float, theta: float, sigma: float, rho: float, tolerance: float,
) -> float:  # fmt: skip
    """Return u beyond which the integrand stays below the tolerance."""
    u, nodes = np.empty(_PROBES), np.empty((2, _PROBES))
    log_growth = math.log(_PROBE_GROWTH)
    start, previous_u, previous_log = _PROBE_START / math.sqrt(total_variance), 0.0, 0.0
    log_tolerance = math.log(tolerance)
    for _ in range(4):
        # For large y the map 2 sinh(y) is exp(y) to rounding, and the weight is 2 cosh(y) / p.
        shift = 20.0
        fill_nodes(
            shift, log_growth, 2.0 * start * math.exp(-shift), total_variance, years,
            v0, kappa, theta, sigma, rho, u, nodes,
        )  # fmt: skip
        for j in range(_PROBES):
            size = abs(nodes[0, j]) + abs(nodes[1, j])
            log_size = math.log(max(size, 1e-300))
            if log_size < log_tolerance and j + 1 < _PROBES:
                if previous_u == 0.0:
                    return u[j]
                share = (previous_log - log_tolerance) / (previous_log - log_size)
                return previous_u + min(max(share, 0.0), 1.0) * (u[j] - previous_u)
            previous_u, previous_log = u[j], log_size
        start = u[_PROBES - 1] * _PROBE_GROWTH
    return previous_u


@njit
def node_plan(
    widest: float, years: float, total_variance: float,
    v0: float, kappa: float, theta: float, sigma: float, rho: float, tolerance: float,
) -> tuple[float, float, int]:  # fmt: skip
    """Return scale, step and number of nodes expected to reach the tolerance.

    The rule converges as exp(-2 pi strip / step), and the strip is the angle by which the path can
    turn before growth of exp(i u moneyness) beats the decay of the transform.
    """
    cut = _cut_off(years, total_variance, v0, kappa, theta, sigma, rho, 0.01 * tolerance)
    scale = _SCALE_BY_DEVIATION / math.sqrt(total_variance)
    reach = math.asinh(cut / scale)
    strip = math.atan2(-math.log(0.001 * tolerance) / cut, max(widest, 1e-3))
    step = _STEP_BY_STRIP * strip * min(1.0, 27.6 / -math.log(tolerance))
    count = min(max(4 * math.ceil(reach / step / 4.0), 16), _FIRST_NODES_MAX)
    return scale, reach / (count - 1), count


@njit
def _witnesses(moneyness: Array, widest: float) -> Array:
    """Return further points to judge the error at, where few strikes might agree by chance."""
    if moneyness.shape[0] > 5:
        return np.empty(0)
    return widest * np.array([-1.0, -0.45, 0.55, 1.0])


@njit
def correction_sums(
    moneyness: Array, years: float, total_variance: float,
    v0: float, kappa: float, theta: float, sigma: float, rho: float,
    tolerance: float, out: Array,
) -> tuple[float, int]:  # fmt: skip
    """Fill Heston minus Black-Scholes per unit of sqrt(F K); return error estimate and nodes."""
    widest = 0.0
    for i in range(moneyness.shape[0]):
        widest = max(widest, abs(moneyness[i]))
    scale, step, count = node_plan(
        widest, years, total_variance, v0, kappa, theta, sigma, rho, tolerance
    )
    first, first_weight, total = 0.0, 0.5, count
    worst = math.inf
    u, nodes, work = np.empty(count), np.empty((2, count)), np.empty(count)
    fill_nodes(first, step, scale, total_variance, years, v0, kappa, theta, sigma, rho, u, nodes)
    change, earlier_change = 0.0, 0.0
    for i in range(moneyness.shape[0]):
        out[i], half, quarter = strike_sums(u, nodes, first_weight, moneyness[i], work)
        change = max(change, abs(out[i] - half))
        earlier_change = max(earlier_change, abs(half - quarter))
    witnesses = _witnesses(moneyness, widest + 0.3 * math.sqrt(total_variance))
    sums = np.empty(witnesses.shape[0])
    for i in range(witnesses.shape[0]):
        sums[i], half, quarter = strike_sums(u, nodes, first_weight, witnesses[i], work)
        change = max(change, abs(sums[i] - half))
        earlier_change = max(earlier_change, abs(half - quarter))
    while True:
        rate = change / max(earlier_change, 1e-300)
        worst = change * max(min(rate * math.sqrt(rate), 1.0), min(change, 1.0))
        if worst <= tolerance or 2 * total > _NODES_MAX:
            return worst, total
        # The midpoints of the present nodes halve the step; the old sum is kept.
        first, earlier_change, change = 0.5 * step, change, 0.0
        u, nodes, work = np.empty(total), np.empty((2, total)), np.empty(total)
        fill_nodes(
            first, step, scale, total_variance, years, v0, kappa, theta, sigma, rho, u, nodes
        )
        for i in range(moneyness.shape[0]):
            middle, _, _ = strike_sums(u, nodes, 1.0, moneyness[i], work)
            change = max(change, 0.5 * abs(middle - out[i]))
            out[i] = 0.5 * (out[i] + middle)
        for i in range(witnesses.shape[0]):
            middle, _, _ = strike_sums(u, nodes, 1.0, witnesses[i], work)
            change = max(change, 0.5 * abs(middle - sums[i]))
            sums[i] = 0.5 * (sums[i] + middle)
        step *= 0.5
        total *= 2


@njit
def forward_black(
    forward: float,
    strike: float,
    deviation: float,
    is_call: bool,  # noqa: FBT001  # compiled
) -> float:
    """Return the undiscounted Black price for the standard deviation of the log forward."""
    sign = 1.0 if is_call else -1.0
    if deviation <= 0.0:
        return max(sign * (forward - strike), 0.0)
    d1 = math.log(forward / strike) / deviation + 0.5 * deviation
    root_half = math.sqrt(0.5)
    upper = 0.5 * math.erfc(-sign * d1 * root_half)
    lower = 0.5 * math.erfc(-sign * (d1 - deviation) * root_half)
    return sign * (forward * upper - strike * lower)


@njit
def price_rows(rows: Array, is_call: Flags, tolerance: float, out: Array) -> None:
    """Price rows (spot, strike, years, rate, yield, v0, kappa, theta, sigma, rho).

    Neighbouring rows that differ only in strike, spot and side share their nodes. `out` takes
    price, error estimate and node count, each of shape (n_rows,).
    """
    n = rows.shape[1]
    moneyness, corrections = np.empty(n), np.empty(n)
    start = 0
    while start < n:
        end = start + 1
        while end < n:
            same = True
            for p in range(2, 10):
                same = same and rows[p, end] == rows[p, start]
            if not same:
                break
            end += 1
        years = rows[2, start]
        growth = math.exp((rows[3, start] - rows[4, start]) * years)
        discount = math.exp(-rows[3, start] * years)
        for i in range(start, end):
            moneyness[i] = math.log(rows[0, i] * growth / rows[1, i])
        v0, kappa, theta = rows[5, start], rows[6, start], rows[7, start]
        sigma, rho = max(rows[8, start], 1e-14), rows[9, start]
        variance = expected_variance(years, v0, kappa, theta) if years > 0.0 else 0.0
        error, count = 0.0, 0
        corrections[start:end] = 0.0
        if variance > 0.0 and rows[8, start] > 0.0:
            error, count = correction_sums(
                moneyness[start:end], years, variance, v0, kappa, theta, sigma, rho,
                tolerance, corrections[start:end],
            )  # fmt: skip
        deviation = math.sqrt(variance)
        for i in range(start, end):
            forward, strike = rows[0, i] * growth, rows[1, i]
            sign = 1.0 if is_call[i] else -1.0
            root = math.sqrt(forward * strike)
            value = forward_black(forward, strike, deviation, is_call[i]) + root * corrections[i]
            out[0, i] = discount * max(value, sign * (forward - strike), 0.0)
            out[1, i] = discount * root * error
            out[2, i] = count
        start = end
