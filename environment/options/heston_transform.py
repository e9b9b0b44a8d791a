"""Compiled Heston transform: the characteristic function on the line Im z = -1/2, and its gradient.

On that line z**2 + i z = u**2 + 1/4 is real, the square root keeps a positive real part, and the
logarithm is taken of the one ratio that never winds around the origin, so no branch is crossed.
Differences that cancel for small volatility of variance are rewritten as quotients.
"""

import math

import numpy as np
from numpy.typing import NDArray

from environment.compiled import njit
from environment.options.elementary import (
    arctangent_2,
    exponential,
    logarithm_1p,
    sine_cosine,
)

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

VOL_OF_VOL_FLOOR = 1e-14
_INVERSE_PI = 1.0 / math.pi


@njit
def fill_nodes(
    first: float, step: float, scale: float, total_variance: float, years: float,
    v0: float, kappa: float, theta: float, sigma: float, rho: float,
    u_out: Array, out: Array,
) -> None:  # fmt: skip
    """Fill nodes u = scale * sinh(first + j step) and the weighted Black-Scholes minus Heston.

    The body stays in one piece: as a called function it is too large for the compiler to inline,
    and the loop then runs one node at a time, four times slower.
    """
    for j in range(u_out.shape[0]):
        e = exponential(first + step * j)
        u = 0.5 * scale * (e - 1.0 / e)
        p = u * u + 0.25
        xi_r, xi_i = kappa - 0.5 * rho * sigma, -rho * sigma * u
        square_r = xi_r * xi_r - xi_i * xi_i + sigma * sigma * p
        square_i = 2.0 * xi_r * xi_i
        d_r = math.sqrt(0.5 * (math.sqrt(square_r * square_r + square_i * square_i) + square_r))
        d_i = 0.5 * square_i / d_r
        s_r, s_i = xi_r + d_r, xi_i + d_i
        decay = exponential(-d_r * years)
        sine, cosine = sine_cosine(d_i * years)
        rest_r, rest_i = 1.0 - decay * cosine, decay * sine
        # w = -p (1 - exp(-d T)) / (2 d s); 1 + sigma**2 w is (1 - g exp(-d T)) / (1 - g).
        ds_r, ds_i = d_r * s_r - d_i * s_i, d_r * s_i + d_i * s_r
        w_scale = -0.5 * p / (ds_r * ds_r + ds_i * ds_i)
        w_r = w_scale * (rest_r * ds_r + rest_i * ds_i)
        w_i = w_scale * (rest_i * ds_r - rest_r * ds_i)
        variance = sigma * sigma
        z_r, z_i = variance * w_r, variance * w_i
        log_r = 0.5 * logarithm_1p(2.0 * z_r + z_r * z_r + z_i * z_i)
        log_i = arctangent_2(z_i, 1.0 + z_r)
        s_norm = 1.0 / (s_r * s_r + s_i * s_i)
        mean = kappa * theta
        c_r = mean * (-p * s_r * s_norm * years - 2.0 * log_r / variance)
        c_i = mean * (p * s_i * s_norm * years - 2.0 * log_i / variance)
        one_r = 1.0 + z_r
        one_norm = 1.0 / (one_r * one_r + z_i * z_i)
        q_r, q_i = w_r * s_r - w_i * s_i, w_r * s_i + w_i * s_r
        b_r = (q_r * one_r + q_i * z_i) * one_norm
        b_i = (q_i * one_r - q_r * z_i) * one_norm
        log_r, log_i = c_r + v0 * b_r, c_i + v0 * b_i
        weight = 0.5 * scale * (e + 1.0 / e) * step * _INVERSE_PI / p
        size = exponential(log_r)
        sine, cosine = sine_cosine(log_i)
        u_out[j] = u
        out[0, j] = weight * (exponential(-0.5 * total_variance * p) - size * cosine)
        out[1, j] = -weight * size * sine


@njit
def strike_sums(
    u: Array, nodes: Array, first_weight: float, moneyness: float, work: Array
) -> tuple[float, float, float]:
    """Return the trapezoid sums with every node, every second one and every fourth one."""
    for j in range(u.shape[0]):
        sine, cosine = sine_cosine(u[j] * moneyness)
        work[j] = nodes[0, j] * cosine - nodes[1, j] * sine
    work[0] *= first_weight
    s0 = s1 = s2 = s3 = 0.0
    for j in range(0, u.shape[0] - 3, 4):
        s0 += work[j]
        s1 += work[j + 1]
        s2 += work[j + 2]
        s3 += work[j + 3]
    return s0 + s1 + s2 + s3, 2.0 * (s0 + s2), 4.0 * s0
