"""Randomness: every draw is a pure function of (run seed, stream name, draw counter).

The generator is SplitMix64 (Steele, Lea & Flood 2014) read at a position rather than stepped: the
n-th draw of a stream is the finaliser applied to key + n * gamma. The same compiled functions serve
Python actors and the compiled core, so both see the same integers and the same floats.
"""

import hashlib
import math

import numpy as np

from environment.compiled import njit

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT_30, _SHIFT_27, _SHIFT_31 = np.uint64(30), np.uint64(27), np.uint64(31)
_SHIFT_11 = np.uint64(11)
_TWO_TO_MINUS_53 = 2.0**-53


def stream_key(seed: int, name: str) -> int:
    """Return the 64-bit key (as a signed integer) of the stream `name` in the run `seed`."""
    text = f"{seed}\x1f{name}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little", signed=True)


@njit
def draw_bits(key: int, counter: int) -> np.uint64:
    """Return draw number `counter` of a stream: 64 uniform bits."""
    z = np.uint64(key) + np.uint64(counter + 1) * _GAMMA
    z = (z ^ (z >> _SHIFT_30)) * _MIX_1
    z = (z ^ (z >> _SHIFT_27)) * _MIX_2
    return z ^ (z >> _SHIFT_31)


@njit
def draw_uniform(key: int, counter: int) -> float:
    """Return a float in the open interval (0, 1): 53 bits, offset by half a step."""
    return (np.float64(np.int64(draw_bits(key, counter) >> _SHIFT_11)) + 0.5) * _TWO_TO_MINUS_53


@njit
def draw_integer(key: int, counter: int, low: int, high: int) -> int:
    """Return an integer in [low, high), each equally likely to within 2**-53 * (high - low)."""
    return low + math.floor(draw_uniform(key, counter) * (high - low))


@njit
def draw_exponential(key: int, counter: int) -> float:
    """Return an exponential draw of mean 1."""
    return -math.log(draw_uniform(key, counter))


@njit
def inverse_normal(p: float) -> float:
    """Return the standard normal quantile of p in (0, 1), relative error about 1e-16.

    References
    ----------
    Wichura 1988, Algorithm AS 241 (PPND16), Applied Statistics 37(3).
    """
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        num = ((((((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r
                   + 6.7265770927008700853e4) * r + 4.5921953931549871457e4) * r
                 + 1.3731693765509461125e4) * r + 1.9715909503065514427e3) * r
               + 1.3314166789178437745e2) * r + 3.3871328727963666080e0  # fmt: skip
        den = ((((((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r
                   + 3.9307895800092710610e4) * r + 2.1213794301586595867e4) * r
                 + 5.3941960214247511077e3) * r + 6.8718700749205790830e2) * r
               + 4.2313330701600911252e1) * r + 1.0  # fmt: skip
        return q * num / den
    r = math.sqrt(-math.log(p if q < 0.0 else 1.0 - p))
    if r <= 5.0:
        r -= 1.6
        num = ((((((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r
                   + 2.41780725177450611770e-1) * r + 1.27045825245236838258e0) * r
                 + 3.64784832476320460504e0) * r + 5.76949722146069140550e0) * r
               + 4.63033784615654529590e0) * r + 1.42343711074968357734e0  # fmt: skip
        den = ((((((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r
                   + 1.51986665636164571966e-2) * r + 1.48103976427480074590e-1) * r
                 + 6.89767334985100004550e-1) * r + 1.67638483018380384940e0) * r
               + 2.05319162663775882187e0) * r + 1.0  # fmt: skip
    else:
        r -= 5.0
        num = ((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
                   + 1.24266094738807843860e-3) * r + 2.65321895265761230930e-2) * r
                 + 2.96560571828504891230e-1) * r + 1.78482653991729133580e0) * r
               + 5.46378491116411436990e0) * r + 6.65790464350110377720e0  # fmt: skip
        den = ((((((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r
                   + 1.84631831751005468180e-5) * r + 7.86869131145613259100e-4) * r
                 + 1.48753612908506148525e-2) * r + 1.36929880922735805310e-1) * r
               + 5.99832206555887937690e-1) * r + 1.0  # fmt: skip
    return -num / den if q < 0.0 else num / den


@njit
def draw_normal(key: int, counter: int) -> float:
    """Return a standard normal draw; one uniform each, so a stream's position stays countable."""
    return inverse_normal(draw_uniform(key, counter))


class Stream:
    """One named stream of draws; `counter` is its whole state."""

    __slots__ = ("counter", "key")

    def __init__(self, key: int, counter: int = 0) -> None:
        self.key = key
        self.counter = counter

    def uniform(self) -> float:
        """Return a float in the open interval (0, 1)."""
        self.counter += 1
        return draw_uniform(self.key, self.counter - 1)

    def normal(self) -> float:
        """Return a standard normal draw."""
        self.counter += 1
        return draw_normal(self.key, self.counter - 1)

    def exponential(self) -> float:
        """Return an exponential draw of mean 1."""
        self.counter += 1
        return draw_exponential(self.key, self.counter - 1)

    def integer(self, low: int, high: int) -> int:
        """Return an integer in [low, high)."""
        self.counter += 1
        return draw_integer(self.key, self.counter - 1, low, high)
