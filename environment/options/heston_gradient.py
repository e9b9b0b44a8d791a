"""Compiled Heston prices with their derivatives in the five parameters, for many strikes at once.

All six integrands share their nodes, and all strikes of a maturity share the transform. The loop
over nodes is written in complex arithmetic without divisions other than by real numbers, which the
compiler turns into vector code.
"""

import math

import numpy as np

from environment.compiled import njit
from environment.options.elementary import (
    arctangent_2,
    exponential,
    logarithm_1p,
    sine_cosine,
)
from environment.options.heston_quadrature import (
    expected_variance,
    forward_black,
    node_plan,
)
from environment.options.heston_transform import Array, Flags

_INVERSE_PI = 1.0 / math.pi
COLUMNS = 12


@njit
def fill_gradient_nodes(
    step: float, scale: float, total_variance: float, years: float,
    v0: float, kappa: float, theta: float, sigma: float, rho: float,
    u_out: Array, out: Array,
) -> None:  # fmt: skip
    """Fill nodes and, per node, real and imaginary part of the price and gradient integrands."""
    for j in range(u_out.shape[0]):
        e = exponential(step * j)
        u = 0.5 * scale * (e - 1.0 / e)
        p = u * u + 0.25
        # xi = kappa - rho sigma (i u + 1/2), d**2 = xi**2 + sigma**2 p, s = xi + d.
        turn = complex(0.5, u)
        xi = complex(kappa - 0.5 * rho * sigma, -rho * sigma * u)
        square = xi * xi + sigma * sigma * p
        length = math.sqrt(square.real * square.real + square.imag * square.imag)
        d_r = math.sqrt(0.5 * (length + square.real))
        d = complex(d_r, 0.5 * square.imag / d_r)
        s = xi + d
        d_inverse = complex(d.real, -d.imag) * (1.0 / (d.real * d.real + d.imag * d.imag))
        s_inverse = complex(s.real, -s.imag) * (1.0 / (s.real * s.real + s.imag * s.imag))
        size = exponential(-d.real * years)
        sine, cosine = sine_cosine(d.imag * years)
        decay = complex(size * cosine, -size * sine)
        half = (-0.5 * p) * (d_inverse * s_inverse)
        w = half * (1.0 - decay)
        variance = sigma * sigma
        z = variance * w
        squared = 2.0 * z.real + z.real * z.real + z.imag * z.imag
        log_ratio = complex(0.5 * logarithm_1p(squared), arctangent_2(z.imag, 1.0 + z.real))
        log_ratio = log_ratio * (1.0 / variance)
        y = complex(1.0 + z.real, -z.imag) * (1.0 / (1.0 + squared))
        r = -p * s_inverse
        level = r * years - 2.0 * log_ratio
        speed = (w * s) * y
        value = (kappa * theta) * level + v0 * speed
        size = exponential(value.real)
        sine, cosine = sine_cosine(value.imag)
        weight = 0.5 * scale * (e + 1.0 / e) * step * _INVERSE_PI / p
        phi = (weight * size) * complex(cosine, sine)
        ratio = half * (years * decay)
        # Each direction moves xi by a known amount; everything else follows from xi and d.
        d_x = xi * d_inverse
        s_x = 1.0 + d_x
        s_share = s_x * s_inverse
        w_x = ratio * d_x - w * (d_x * d_inverse + s_share)
        level_x = -(r * years) * s_share - 2.0 * (w_x * y)
        speed_x = (w_x * s + w * s_x - speed * (variance * w_x)) * y
        by_xi = (kappa * theta) * level_x + v0 * speed_x
        by_kappa = by_xi + theta * level
        by_rho = (-sigma) * (turn * by_xi)
        d_x = (sigma * p - rho * (xi * turn)) * d_inverse
        s_x = d_x - rho * turn
        s_share = s_x * s_inverse
        w_x = ratio * d_x - w * (d_x * d_inverse + s_share)
        z_x = variance * w_x + (2.0 * sigma) * w
        level_x = -(r * years) * s_share - 2.0 * (w_x * y) - (4.0 / sigma) * (w * y - log_ratio)
        speed_x = (w_x * s + w * s_x - speed * z_x) * y
        by_sigma = (kappa * theta) * level_x + v0 * speed_x
        u_out[j] = u
        out[0, j] = weight * exponential(-0.5 * total_variance * p) - phi.real
        out[1, j] = -phi.imag
        g = phi * speed
        out[2, j] = -g.real
        out[3, j] = -g.imag
        g = phi * by_kappa
        out[4, j] = -g.real
        out[5, j] = -g.imag
        g = kappa * (phi * level)
        out[6, j] = -g.real
        out[7, j] = -g.imag
        g = phi * by_sigma
        out[8, j] = -g.real
        out[9, j] = -g.imag
        g = phi * by_rho
        out[10, j] = -g.real
        out[11, j] = -g.imag


@njit
def add_strike(u: Array, nodes: Array, moneyness: float, work: Array, sums: Array) -> None:
    """Fill the six sums over nodes of one strike: price correction, then its five derivatives."""
    n = u.shape[0]
    for j in range(n):
        sine, cosine = sine_cosine(u[j] * moneyness)
        work[0, j] = cosine
        work[1, j] = sine
    for p in range(6):
        s0 = 0.5 * (nodes[2 * p, 0] * work[0, 0] - nodes[2 * p + 1, 0] * work[1, 0])
        s1 = s2 = s3 = 0.0
        s0 -= nodes[2 * p, 0] * work[0, 0] - nodes[2 * p + 1, 0] * work[1, 0]
        for j in range(0, n - 3, 4):
            s0 += nodes[2 * p, j] * work[0, j] - nodes[2 * p + 1, j] * work[1, j]
            s1 += nodes[2 * p, j + 1] * work[0, j + 1] - nodes[2 * p + 1, j + 1] * work[1, j + 1]
            s2 += nodes[2 * p, j + 2] * work[0, j + 2] - nodes[2 * p + 1, j + 2] * work[1, j + 2]
            s3 += nodes[2 * p, j + 3] * work[0, j + 3] - nodes[2 * p + 1, j + 3] * work[1, j + 3]
        sums[p] = s0 + s1 + s2 + s3


@njit
def forward_values_and_gradient(
    forward: Array, strike: Array, years: Array, is_call: Flags, parameters: Array,
    tolerance: float, refinement: int, out: Array,
) -> None:  # fmt: skip
    """Fill `out` (6, n): undiscounted price and its derivatives by v0, kappa, theta, sigma, rho.

    Neighbours of equal maturity share their nodes, whose number follows from the decay of the
    transform; `correction_sums` is the place where an error estimate is made.
    """
    v0, kappa, theta, sigma, rho = parameters
    n = forward.shape[0]
    sums = np.empty(6)
    start = 0
    while start < n:
        end = start
        widest = 0.0
        while end < n and years[end] == years[start]:
            widest = max(widest, abs(math.log(forward[end] / strike[end])))
            end += 1
        span = years[start]
        variance = expected_variance(span, v0, kappa, theta)
        scale, step, count = node_plan(
            widest, span, variance, v0, kappa, theta, sigma, rho, tolerance
        )
        step, count = step / refinement, count * refinement
        u, nodes, work = np.empty(count), np.empty((COLUMNS, count)), np.empty((2, count))
        fill_gradient_nodes(step, scale, variance, span, v0, kappa, theta, sigma, rho, u, nodes)
        deviation = math.sqrt(variance)
        for i in range(start, end):
            add_strike(u, nodes, math.log(forward[i] / strike[i]), work, sums)
            root = math.sqrt(forward[i] * strike[i])
            out[0, i] = forward_black(forward[i], strike[i], deviation, is_call[i])
            out[0, i] += root * sums[0]
            for p in range(1, 6):
                out[p, i] = root * sums[p]
        start = end
