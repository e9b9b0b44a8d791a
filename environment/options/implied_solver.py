"""The normalised problem of implied volatility, solved for a block of options at a time.

In units of sqrt(asset * bond), the price of an out-of-the-money option is a function b(m, s) of
m = |ln(asset / bond)| and s = sigma sqrt(T). Given b, and given apart how far it is from its upper
bound e**(-m / 2), the solver finds s. Every row stops at its own last step, so that no row's result
depends on its neighbours.

References
----------
Jaeckel, Let's Be Rational, Wilmott 2015: the intervals, the maps of the outer two, the objectives.
Delbourgo & Gregory, SIAM Journal on Scientific and Statistical Computing 6, 1985: the interpolant.
"""

import numpy as np

from environment.compiled import njit
from environment.options.columns import FloatArray
from environment.options.normal import (
    HALF_LOG_TWO_PI,
    ROOT_TWO_PI,
    density,
    exp,
    inlined,
    log_ratio,
    mills,
    mills_difference_near,
    mills_slope,
)

BLOCK = 64
# Rows of the work area: the problem, its solution, then what the solver needs in between.
BETA, GAP, M, S, BOUND, TARGET, S_C, B_C, V_C, IS_LOW, IS_OUTER, IS_OPEN = range(12)
PRICE, DISTANCE, SLOPE, MILLS_UP, MILLS_DOWN, SERIES, SERIES_SLOPE = range(12, 19)
ROWS = 19
_ROOT_THREE = 1.7320508075688772
_PI = 3.141592653589793
_STEPS_MAX = 16
_LEAST_MONEYNESS = 1e-290
_TINY = 1e-200
_CONVERGED = 1e-4  # The step is of fourth order: what is left after it is below the last bit.


@njit
def _fill_pieces(work: FloatArray) -> None:
    """At each M and S fill SLOPE = A, PRICE = D, DISTANCE = C: b = A D, and A C to the bound.

    A is also the derivative of b in s. D serves below the inflection, where A may underflow.
    """
    for j in range(BLOCK):
        far, half = work[M * BLOCK + j] / work[S * BLOCK + j], 0.5 * work[S * BLOCK + j]
        work[SLOPE * BLOCK + j] = exp(-0.5 * (far * far + half * half)) * (1.0 / ROOT_TWO_PI)
    for j in range(BLOCK):
        far, half = work[M * BLOCK + j] / work[S * BLOCK + j], 0.5 * work[S * BLOCK + j]
        work[MILLS_UP * BLOCK + j] = mills(abs(half - far))
    for j in range(BLOCK):
        far, half = work[M * BLOCK + j] / work[S * BLOCK + j], 0.5 * work[S * BLOCK + j]
        work[MILLS_DOWN * BLOCK + j] = mills(half + far)
    for j in range(BLOCK):
        work[SERIES * BLOCK + j] = mills(work[M * BLOCK + j] / work[S * BLOCK + j])
    for j in range(BLOCK):
        work[SERIES_SLOPE * BLOCK + j] = mills_slope(work[M * BLOCK + j] / work[S * BLOCK + j])
    for j in range(BLOCK):
        far, half = work[M * BLOCK + j] / work[S * BLOCK + j], 0.5 * work[S * BLOCK + j]
        work[SERIES * BLOCK + j] = mills_difference_near(
            far, half, work[SERIES * BLOCK + j], work[SERIES_SLOPE * BLOCK + j]
        )
    for j in range(BLOCK):
        far, half = work[M * BLOCK + j] / work[S * BLOCK + j], 0.5 * work[S * BLOCK + j]
        is_below = half < far
        bound = work[BOUND * BLOCK + j] / work[SLOPE * BLOCK + j]
        total = work[MILLS_UP * BLOCK + j] + work[MILLS_DOWN * BLOCK + j]
        apart = work[MILLS_UP * BLOCK + j] - work[MILLS_DOWN * BLOCK + j]
        price = apart if is_below else bound - total
        is_near = (half < 0.25) & (far * half < 0.75)
        price = work[SERIES * BLOCK + j] if is_near else price
        work[PRICE * BLOCK + j] = price
        work[DISTANCE * BLOCK + j] = bound - price if is_below else total


@inlined
def _rational_cubic(
    t: float, width: float, left: float, right: float, slopes: tuple[float, float], control: float
) -> float:
    """Delbourgo and Gregory's interpolant at t in [0, 1]; `control` 3 is Hermite's cubic."""
    r = max(control, -0.9999)
    rest = 1.0 - t
    top = (right * t + (r * right - width * slopes[1]) * rest) * t * t
    top += ((r * left + width * slopes[0]) * t + left * rest) * rest * rest
    value = top / (1.0 + (r - 3.0) * t * rest)
    # Every interpolated map is monotone; a control that is nearly singular can leave its range.
    is_inside = min(left, right) <= value <= max(left, right)
    return value if is_inside else left + (right - left) * t


@inlined
def _quick_quantile(p: float) -> float:
    """-x with N(x) = p < 1/2 to about five digits, for a start only."""
    u = np.sqrt(-2.0 * np.log(p))
    a = u - (2.515517 + u * (0.802853 + 0.010328 * u)) / (
        1.0 + u * (1.432788 + u * (0.189269 + 0.001308 * u))
    )
    return max(a, 1e-3)


@njit
def _start_low(
    beta: float, m: float, centre: tuple[float, float, float], left: tuple[float, float, float]
) -> tuple[float, bool]:
    """Start for a price below the inflection, and whether it lies in the lowest interval.

    `centre` and `left` are s, b and db/ds at the inflection and where its tangent meets zero.
    """
    s_c, b_c, v_c = centre
    s_l, b_l, v_l = left
    if not beta < b_l:
        width = b_c - b_l
        secant = (s_c - s_l) / width
        slopes = (1.0 / v_l, 1.0 / v_c)
        control = (slopes[1] - slopes[0]) / (slopes[1] - secant)
        return _rational_cubic((beta - b_l) / width, width, s_l, s_c, slopes, control), False
    # f(b) = 2 pi m / (3 sqrt 3) N(-z)**3 with z = m / (sqrt 3 s); `ratio` is N(-z) / n(z).
    z = m / (_ROOT_THREE * s_l)
    ratio = mills(z)
    tail = ratio * density(z)
    factor = 2.0 * _PI * m / (3.0 * _ROOT_THREE)
    f_l = factor * tail * tail * tail
    growth = exp(0.125 * s_l * s_l)
    slope = z * z * ratio * ratio * growth
    bend = 8.0 * _ROOT_THREE * s_l * m
    bend += (3.0 * s_l * s_l * (s_l * s_l - 8.0) - 8.0 * m * m) * ratio
    bend *= (_PI / 6.0) * z * z / (s_l * s_l * s_l) * (ratio * growth * growth / ROOT_TWO_PI)
    bend *= exp(1.5 * z * z)
    control = (b_l * bend + (slope - 1.0)) / (slope - f_l / b_l)
    t = beta / b_l
    f = _rational_cubic(t, b_l, 0.0, f_l, (1.0, slope), control)
    f = max(f, beta) if f < _TINY else f  # Near 0 the map is the price itself.
    tail = _ROOT_THREE * np.cbrt(f) / np.cbrt(2.0 * _PI * m)  # The quotient could underflow.
    return m / (_ROOT_THREE * _quick_quantile(tail)), True


@njit
def _start_high(
    beta: float,
    gap: float,
    m: float,
    centre: tuple[float, float, float],
    right: tuple[float, float, float],
) -> tuple[float, bool]:
    """Start for a price above the inflection, and whether it lies in the highest interval.

    `right` is s, the distance of b to its bound, and db/ds where the tangent meets the bound.
    """
    s_c, b_c, v_c = centre
    s_h, width_h, v_h = right
    if gap >= width_h:
        width = beta - b_c + (gap - width_h)
        secant = (s_h - s_c) / width
        slopes = (1.0 / v_c, 1.0 / v_h)
        control = (slopes[1] - slopes[0]) / (secant - slopes[0])
        return _rational_cubic((beta - b_c) / width, width, s_c, s_h, slopes, control), False
    # f(b) = N(-s / 2), from f_h down to 0 at the bound, where its slope is -1/2.
    far = m / s_h
    f_h = mills(0.5 * s_h) * density(0.5 * s_h)
    slope = -0.5 * exp(0.5 * far * far)
    bend = ROOT_TWO_PI * 0.5 * exp(far * far + 0.125 * s_h * s_h) * far * far / s_h
    control = (width_h * bend + (-0.5 - slope)) / (-f_h / width_h - slope)
    t = 1.0 - gap / width_h
    f = _rational_cubic(t, width_h, f_h, 0.0, (slope, -0.5), control)
    f = max(f, 0.5 * gap) if f < _TINY else f  # Near the bound it is half the distance.
    return 2.0 * _quick_quantile(min(f, 0.49)), True


@njit
def _fill_starts(work: FloatArray) -> None:
    for j in range(BLOCK):
        m = max(work[M * BLOCK + j], _LEAST_MONEYNESS)
        work[M * BLOCK + j], work[BOUND * BLOCK + j] = m, exp(-0.5 * m)
        work[S * BLOCK + j] = work[S_C * BLOCK + j] = np.sqrt(2.0 * m)
    _fill_pieces(work)
    for j in range(BLOCK):
        price, distance = work[PRICE * BLOCK + j], work[DISTANCE * BLOCK + j]
        work[B_C * BLOCK + j] = work[SLOPE * BLOCK + j] * price
        work[V_C * BLOCK + j] = work[SLOPE * BLOCK + j]
        is_low = work[BETA * BLOCK + j] < work[B_C * BLOCK + j]
        work[IS_LOW * BLOCK + j] = 1.0 if is_low else 0.0
        work[S * BLOCK + j] += -price if is_low else distance
    _fill_pieces(work)
    for j in range(BLOCK):
        beta, gap, m = work[BETA * BLOCK + j], work[GAP * BLOCK + j], work[M * BLOCK + j]
        centre = (work[S_C * BLOCK + j], work[B_C * BLOCK + j], work[V_C * BLOCK + j])
        s, slope = work[S * BLOCK + j], work[SLOPE * BLOCK + j]
        if work[IS_LOW * BLOCK + j] != 0.0:
            end = (s, work[PRICE * BLOCK + j] * slope, slope)
            start, is_outer = _start_low(beta, m, centre, end)
        else:
            end = (s, work[DISTANCE * BLOCK + j] * slope, slope)
            start, is_outer = _start_high(beta, gap, m, centre, end)
        work[S * BLOCK + j] = start
        work[IS_OUTER * BLOCK + j], work[IS_OPEN * BLOCK + j] = 1.0 if is_outer else 0.0, 1.0


@njit
def _improve(work: FloatArray) -> None:
    """One step of Householder's third-order method in each row that is still open."""
    _fill_pieces(work)
    for j in range(BLOCK):
        is_low = work[IS_LOW * BLOCK + j] != 0.0
        value = work[PRICE * BLOCK + j] if is_low else work[DISTANCE * BLOCK + j]
        far, half = work[M * BLOCK + j] / work[S * BLOCK + j], 0.5 * work[S * BLOCK + j]
        # Logarithm of the price, or of its distance to the bound, without underflow.
        exponent = 0.5 * (far * far + half * half) + HALF_LOG_TWO_PI
        work[SERIES * BLOCK + j] = log_ratio(value, 1.0) - exponent
    for j in range(BLOCK):
        s, is_low = work[S * BLOCK + j], work[IS_LOW * BLOCK + j] != 0.0
        is_outer = work[IS_OUTER * BLOCK + j] != 0.0
        price, slope = work[PRICE * BLOCK + j], work[SLOPE * BLOCK + j]
        log_value, target = work[SERIES * BLOCK + j], work[TARGET * BLOCK + j]
        far = work[M * BLOCK + j] / s
        h2 = far * far / s - 0.25 * s  # Second derivative of b over the first, then the third.
        h3 = h2 * h2 - 3.0 * (far / s) * (far / s) - 0.25
        middle = work[BETA * BLOCK + j] / slope - price
        p = 1.0 / price if is_low else -1.0 / work[DISTANCE * BLOCK + j]
        q = p / log_value if is_low else 0.0  # The reciprocal of a logarithm is nearly straight.
        weight = log_value / target if is_low else 1.0
        newton = (target - log_value) / p * weight if is_outer else middle
        h3 += p * (2.0 * p - 3.0 * h2) if is_outer else 0.0
        h2 -= p if is_outer else 0.0
        h3 += 6.0 * q * (q - h2) if is_outer else 0.0
        h2 -= 2.0 * q if is_outer else 0.0
        step = newton * (1.0 + 0.5 * h2 * newton)
        step /= 1.0 + newton * (h2 + h3 * newton * (1.0 / 6.0))
        step = min(max(step, -0.5 * s), 2.0 * s)
        is_open = work[IS_OPEN * BLOCK + j] != 0.0
        work[S * BLOCK + j] = s + step if is_open else s
        work[IS_OPEN * BLOCK + j] = 1.0 if is_open & (abs(step) >= _CONVERGED * s) else 0.0


@njit
def solve_block(work: FloatArray) -> None:
    """Fill S from BETA > 0, GAP > 0 and M >= 0 of a block; NaN where no solution was reached."""
    _fill_starts(work)
    for j in range(BLOCK):
        value = work[BETA * BLOCK + j] if work[IS_LOW * BLOCK + j] != 0.0 else work[GAP * BLOCK + j]
        work[TARGET * BLOCK + j] = np.log(value)
    for _ in range(_STEPS_MAX):
        _improve(work)
        open_rows = 0.0
        for j in range(BLOCK):
            open_rows += work[IS_OPEN * BLOCK + j]
        if open_rows == 0.0:
            break
    for j in range(BLOCK):
        if work[IS_OPEN * BLOCK + j] != 0.0:
            work[S * BLOCK + j] = np.nan
