"""The normal law and the elementary functions under it, for compiled kernels and for arrays.

Every small function here is inlined and free of branches, so that a loop over a block of options
becomes vector instructions. The scalar kernels are built on Mills' ratio m(a) = N(-a) / n(a),
a >= 0, which neither overflows nor underflows and keeps its relative accuracy in the tails.
Polynomials are Chebyshev fits, computed with 60 digits, to a relative error below 2**-55.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import ArrayLike

from environment.compiled import njit
from environment.options.columns import FloatArray, columns, shaped

F = TypeVar("F", bound=Callable[..., Any])


def inlined(function: F) -> F:
    """Compile `function` into each compiled caller; on its own it is never cached on disk."""
    compiled = numba.njit(nogil=True, error_model="numpy", forceinline=True)(function)
    return compiled


@intrinsic  # type: ignore[untyped-decorator]  # numba ships no types
def fma(_context: Any, _a: Any, _b: Any, _c: Any) -> Any:  # noqa: ANN401  # numba types
    """a * b + c with one rounding: the same digits on every machine, unlike a contraction."""

    def generate(_target: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:  # noqa: ANN401  # numba types
        return builder.fma(*arguments)

    real = types.float64
    return real(real, real, real), generate


ROOT_TWO_PI = 2.5066282746310002
HALF_LOG_TWO_PI = 0.9189385332046728
LEAST_NORMAL = 2.2250738585072014e-308  # Below it a float64 has no exponent of its own.
# The number of bits of 1.5 * 2**52 hold an integer in their last places: the vector way to round.
_ROUNDER = 6755399441055744.0
_LN2_HIGH, _LN2_LOW = 0.6931471805582987, 1.6465949582897082e-12
_MILLS_SCALE = 3.5  # The fit's variable is 1 - 2 c / (a + c) with this c.


@inlined
def is_side(call: float) -> bool:
    """Whether this is a side: 0 for a put, 1 for a call, and nothing else."""
    return call * (call - 1.0) == 0.0


@inlined
def exp(x: float) -> float:
    """e**x within one last bit; 0 below -708, largest at 709."""
    y = min(max(x, -708.0), 709.0)
    shifted = fma(y, 1.4426950408889634, _ROUNDER)
    k = shifted - _ROUNDER
    r = fma(k, -_LN2_LOW, fma(k, -_LN2_HIGH, y))
    p = 2.091813816945801e-09
    p = fma(p, r, 2.5105217695684516e-08)
    p = fma(p, r, 2.7557263277791584e-07)
    p = fma(p, r, 2.755725539833871e-06)
    p = fma(p, r, 2.4801587336443602e-05)
    p = fma(p, r, 0.00019841269874822307)
    p = fma(p, r, 0.0013888888888879073)
    p = fma(p, r, 0.008333333333326134)
    p = fma(p, r, 0.04166666666666668)
    p = fma(p, r, 0.1666666666666667)
    p = fma(p, r, 0.5)
    bits = (np.float64(shifted).view(np.int64) + 1023) << 52
    value = (1.0 + fma(r * r, p, r)) * np.int64(bits).view(np.float64)
    # `y` hides a NaN, `x` does not.
    return 0.0 if x < -708.0 else (value if x == x else x)


@inlined
def two_atanh(z: float) -> float:
    """ln((1 + z) / (1 - z)) for |z| up to 0.1716, the value at a ratio of sqrt(2)."""
    q = z * z
    p = 0.14617365005617672
    p = fma(p, q, 0.1533164279681813)
    p = fma(p, q, 0.18182891667529086)
    p = fma(p, q, 0.2222221109702545)
    p = fma(p, q, 0.2857142862622888)
    p = fma(p, q, 0.39999999999898883)
    p = fma(p, q, 0.666666666666667)
    return fma(z * q, p, 2.0 * z)


@inlined
def log_ratio(a: float, b: float) -> float:
    """ln(a / b), a, b > 0, with its relative accuracy kept when a is close to b.

    Where a / b is infinite or below `LEAST_NORMAL` the result means nothing: callers look first.
    """
    bits = np.float64(a / b).view(np.uint64) + np.uint64(0x4009_5F61_9980_C433)
    exponent = bits >> np.uint64(52)  # The power of two of a / b, plus 2047, sign-free.
    k = np.uint64(exponent | np.uint64(0x4330_0000_0000_0000)).view(np.float64) - 4503599627372543.0
    scale = np.uint64((exponent - np.uint64(1024)) << np.uint64(52)).view(np.float64)
    c = b * scale
    z = (a - c) / (a + c)
    return fma(k, _LN2_HIGH, fma(k, _LN2_LOW, two_atanh(z)))


@inlined
def mills(a: float) -> float:
    """N(-a) / n(a) for a >= 0: the integral over u > 0 of exp(-a u - u**2 / 2)."""
    u = 1.0 / (a + _MILLS_SCALE)
    w = fma(u, -2.0 * _MILLS_SCALE, 1.0)
    p = -9.697679895158154e-10
    p = fma(p, w, -1.9288864335836822e-09)
    p = fma(p, w, 7.049983957162733e-09)
    p = fma(p, w, 2.0628080347743732e-08)
    p = fma(p, w, -1.3964372887730863e-08)
    p = fma(p, w, -1.0677650017184533e-07)
    p = fma(p, w, -7.341603349049383e-08)
    p = fma(p, w, 3.2755563558845374e-07)
    p = fma(p, w, 7.386844181114498e-07)
    p = fma(p, w, -3.705188917702632e-07)
    p = fma(p, w, -3.7092442029855555e-06)
    p = fma(p, w, -2.9151450547238854e-06)
    p = fma(p, w, 1.4168165821062587e-05)
    p = fma(p, w, 2.88413514638061e-05)
    p = fma(p, w, -4.7097085621971664e-05)
    p = fma(p, w, -0.00018946236924790447)
    p = fma(p, w, 0.00016802745400666907)
    p = fma(p, w, 0.0011948021384283005)
    p = fma(p, w, -0.0011154820500657676)
    p = fma(p, w, -0.007993890856527453)
    p = fma(p, w, 0.016233473457676145)
    p = fma(p, w, 0.0436349654002854)
    p = fma(p, w, -0.29089653921190706)
    p = fma(p, w, 0.7906531480457741)
    p = fma(p, w, -1.4176532391720593)
    p = fma(p, w, 1.8659743827775663)
    return u * p


@inlined
def mills_slope(a: float) -> float:
    """-m'(a) = 1 - a m(a) for a >= 0, without its cancellation."""
    u = 1.0 / (a + _MILLS_SCALE)
    w = fma(u, -2.0 * _MILLS_SCALE, 1.0)
    p = 5.765177458524494e-09
    p = fma(p, w, -3.3871056135477623e-09)
    p = fma(p, w, -6.408787380306379e-08)
    p = fma(p, w, -1.982295498330091e-09)
    p = fma(p, w, 3.319914822967085e-07)
    p = fma(p, w, 2.4911767591717896e-07)
    p = fma(p, w, -9.654992024685642e-07)
    p = fma(p, w, -1.8433980457653807e-06)
    p = fma(p, w, 9.003194991814582e-07)
    p = fma(p, w, 7.504507193271296e-06)
    p = fma(p, w, 7.219319813614211e-06)
    p = fma(p, w, -1.8773509935877444e-05)
    p = fma(p, w, -5.332202693878159e-05)
    p = fma(p, w, 1.1870052895246686e-05)
    p = fma(p, w, 0.00023912979933313943)
    p = fma(p, w, 0.0001907655749711107)
    p = fma(p, w, -0.0009112518762824303)
    p = fma(p, w, -0.0015660213622106507)
    p = fma(p, w, 0.0035748966438635976)
    p = fma(p, w, 0.009240972636159472)
    p = fma(p, w, -0.01848227333991825)
    p = fma(p, w, -0.048148861686874544)
    p = fma(p, w, 0.1453641858752075)
    p = fma(p, w, 0.13700745971493733)
    p = fma(p, w, -1.338126018448492)
    p = fma(p, w, 3.24464906177301)
    p = fma(p, w, -4.416612774435669)
    p = fma(p, w, 3.2836276219496257)
    return u * u * p


@inlined
def mills_difference_near(far: float, half: float, a0: float, a1: float) -> float:
    """m(far - half) - m(far + half), given a0 = m(far), a1 = -m'(far), far and half >= 0.

    For a small `half` the difference cancels; its Taylor series in `half` has only odd
    derivatives, which follow from m and m' by a_(n+1) = (a_(n-1) - far a_n) / (n + 1), signs
    apart. Eight terms reach 2**-53 at half = 1/4.
    """
    square = half * half
    a2 = 0.5 * fma(-far, a1, a0)
    a3 = (1.0 / 3.0) * fma(-far, a2, a1)
    a4 = 0.25 * fma(-far, a3, a2)
    a5 = 0.2 * fma(-far, a4, a3)
    a6 = (1.0 / 6.0) * fma(-far, a5, a4)
    a7 = (1.0 / 7.0) * fma(-far, a6, a5)
    a8 = 0.125 * fma(-far, a7, a6)
    a9 = (1.0 / 9.0) * fma(-far, a8, a7)
    a10 = 0.1 * fma(-far, a9, a8)
    a11 = (1.0 / 11.0) * fma(-far, a10, a9)
    a12 = (1.0 / 12.0) * fma(-far, a11, a10)
    a13 = (1.0 / 13.0) * fma(-far, a12, a11)
    a14 = (1.0 / 14.0) * fma(-far, a13, a12)
    a15 = (1.0 / 15.0) * fma(-far, a14, a13)
    tail = fma(square, fma(square, a15, a13), a11)
    tail = fma(square, fma(square, fma(square, tail, a9), a7), a5)
    return 2.0 * half * fma(square, fma(square, tail, a3), a1)


@inlined
def density(x: float) -> float:
    """n(x), the standard normal density."""
    return exp(-0.5 * x * x) * (1.0 / ROOT_TWO_PI)


@inlined
def probability(x: float) -> float:
    """N(x), relative error a few last bits times 1 + x**2 in the left tail."""
    tail = density(x) * mills(abs(x))
    return 1.0 - tail if x > 0.0 else tail


@inlined
def quantile(p: float) -> float:
    """The x with N(x) = p, 0 < p < 1: a rational start, then Halley steps in ln N(x)."""
    tail = min(p, 1.0 - p)
    u = np.sqrt(-2.0 * np.log(tail))
    start = (2.515517 + u * (0.802853 + 0.010328 * u)) / (
        1.0 + u * (1.432788 + u * (0.189269 + 0.001308 * u))
    )
    a = max(u - start, 0.0)
    for _ in range(2):
        # In a = -x: f(a) = ln N(-a) - ln p, f' = -1 / m, f'' / f' = a - 1 / m.
        m = mills(a)
        newton = (np.log(m / (ROOT_TWO_PI * tail)) - 0.5 * a * a) * m
        a += newton / (1.0 + 0.5 * newton * (a - 1.0 / m))
    return -a if p < 0.5 else a


@njit
def _cdf(x: FloatArray, out: FloatArray) -> None:
    for i in range(x.size):
        out[i] = probability(x[i])


@njit
def _pdf(x: FloatArray, out: FloatArray) -> None:
    for i in range(x.size):
        out[i] = density(x[i])


@njit
def _inverse(p: FloatArray, out: FloatArray) -> None:
    for i in range(p.size):
        if 0.0 < p[i] < 1.0:
            out[i] = quantile(p[i])
        elif p[i] == 0.0:
            out[i] = -np.inf
        else:
            out[i] = np.inf if p[i] == 1.0 else np.nan


@njit
def _erfcx(x: FloatArray, out: FloatArray) -> None:
    for i in range(x.size):
        a = x[i] * 1.4142135623730951
        positive = mills(abs(a)) * 0.7978845608028654
        out[i] = positive if x[i] >= 0.0 else 2.0 * exp(x[i] * x[i]) - positive


def cdf(x: ArrayLike) -> FloatArray:
    """Return N(x), the standard normal distribution function, element by element."""
    shape, (flat,) = columns(x)
    out = np.empty(flat.size)
    _cdf(flat, out)
    return shaped(out, shape)


def pdf(x: ArrayLike) -> FloatArray:
    """Return n(x), the standard normal density, element by element."""
    shape, (flat,) = columns(x)
    out = np.empty(flat.size)
    _pdf(flat, out)
    return shaped(out, shape)


def inverse_cdf(p: ArrayLike) -> FloatArray:
    """Return x with N(x) = p; infinite at 0 and 1, NaN outside.

    References
    ----------
    Abramowitz & Stegun, Handbook of Mathematical Functions, 26.2.23 (the start only).
    """
    shape, (flat,) = columns(p)
    out = np.empty(flat.size)
    _inverse(flat, out)
    return shaped(out, shape)


def erfcx(x: ArrayLike) -> FloatArray:
    """Return exp(x**2) erfc(x), the scaled complementary error function."""
    shape, (flat,) = columns(x)
    out = np.empty(flat.size)
    _erfcx(flat, out)
    return shaped(out, shape)
