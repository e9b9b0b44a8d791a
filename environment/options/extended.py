"""A few sums and exponentials with twice the digits, where a difference would lose them.

A value is the unevaluated sum of a large and a small float64. Quantities named `high` and `low`
are the two halves of one value.
"""

import numpy as np

from environment.options.normal import fma, inlined

# ln 2 / 32 in three parts; the first two leave room for the exact product with a small integer.
_STEP_HIGH, _STEP_MIDDLE, _STEP_LOW = (
    0.021660849392446835,
    5.1456092446457696e-14,
    9.568252300058288e-26,
)
_ROUNDER = 6755399441055744.0
# 2**(j / 32), j = 0 ... 31, and what float64 leaves over.
_POWER_HIGH = np.array(
    [
        1.0,
        1.0218971486541166,
        1.0442737824274138,
        1.0671404006768237,
        1.0905077326652577,
        1.1143867425958924,
        1.1387886347566916,
        1.1637248587775775,
        1.189207115002721,
        1.215247359980469,
        1.241857812073484,
        1.2690509571917332,
        1.2968395546510096,
        1.3252366431597413,
        1.3542555469368927,
        1.383909881963832,
        1.4142135623730951,
        1.4451808069770467,
        1.4768261459394993,
        1.5091644275934228,
        1.5422108254079407,
        1.5759808451078865,
        1.6104903319492543,
        1.645755478153965,
        1.681792830507429,
        1.718619298122478,
        1.7562521603732995,
        1.7947090750031072,
        1.8340080864093424,
        1.8741676341103,
        1.9152065613971474,
        1.9571441241754002,
    ]
)
_POWER_LOW = np.array(
    [
        0.0,
        5.109225028973444e-17,
        8.551889705537965e-17,
        -7.899853966841582e-17,
        -3.046782079812471e-17,
        1.0410278456845571e-16,
        8.912812676025408e-17,
        3.8292048369240935e-17,
        3.982015231465646e-17,
        -7.712630692681488e-17,
        4.658027591836937e-17,
        2.667932131342186e-18,
        2.5382502794888315e-17,
        -2.8587312100388614e-17,
        7.70094837980299e-17,
        -6.770511658794786e-17,
        -9.667293313452913e-17,
        -3.0237581349939873e-17,
        -3.483994556892796e-17,
        -1.016455327754295e-16,
        7.949834809697621e-17,
        -1.0136916471278304e-17,
        2.4707192569797888e-17,
        -1.0125679913674773e-16,
        8.199010020581497e-17,
        -1.851380418263111e-17,
        2.960140695448873e-17,
        1.8227458427912087e-17,
        3.283107224245627e-17,
        -6.122763413004143e-17,
        -1.0619946056195963e-16,
        8.960767791036668e-17,
    ]
)


@inlined
def two_sum(a: float, b: float) -> tuple[float, float]:
    """Return a + b and its rounding error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


@inlined
def two_product(a: float, b: float) -> tuple[float, float]:
    """Return a * b and its rounding error."""
    product = a * b
    return product, fma(a, b, -product)


@inlined
def exp_of_product(a: float, b: float) -> tuple[float, float]:
    """Return exp(a * b), |a * b| < 700, in two halves, to about 2**-66 of its size."""
    y, y_low = two_product(a, b)
    shifted = fma(y, 46.16624130844683, _ROUNDER)
    k = shifted - _ROUNDER
    bits = np.float64(shifted).view(np.int64) - 0x4338_0000_0000_0000
    r, r_low = two_sum(fma(k, -_STEP_HIGH, y), -k * _STEP_MIDDLE)
    r_low += fma(k, -_STEP_LOW, y_low)
    p = 0.00019841326521909336
    p = fma(p, r, 0.0013888932613960194)
    p = fma(p, r, 0.008333333333300025)
    p = fma(p, r, 0.04166666666647395)
    p = fma(p, r, 0.16666666666666666)
    p = fma(p, r, 0.5)
    r_low += r * r * p + r * r_low
    table = bits & 31
    scale = np.int64(((bits >> 5) + 1023) << 52).view(np.float64)
    power = _POWER_HIGH[table] * scale
    product, error = two_product(power, r)
    high, low = two_sum(power, product)
    return high, low + (error + (power * r_low + _POWER_LOW[table] * scale * (1.0 + r)))


@inlined
def scaled(factor: float, value: tuple[float, float]) -> tuple[float, float]:
    """Return `factor` times a value in two halves, its large half the rounded whole."""
    product, error = two_product(factor, value[0])
    return two_sum(product, fma(factor, value[1], error))


@inlined
def difference(a: float, a_low: float, b: float, b_low: float) -> float:
    """Return a - b, rounded once, of two values in two halves."""
    high, error = two_sum(a, -b)
    return high + (error + (a_low - b_low))
