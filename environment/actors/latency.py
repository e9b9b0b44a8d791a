"""How long a message travels, a model answers, a person thinks: drawn, never measured.

A model is a frozen struct; its draw is a pure function of (stream key, draw counter), compiled in
blocks, so that the n-th message of a connection has one latency however the run is sliced.
"""

import math
from typing import Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from environment.compiled import njit
from environment.draws import draw_normal, draw_uniform

LONGEST_NS: Final = 60_000_000_000

_NORMAL, _LOGNORMAL, _HEAVY = range(3)


@njit
def draw_latencies(
    kind: int, key: int, counter: int, first: float, second: float, longest: int,
    out: NDArray[np.int64],
) -> None:  # fmt: skip
    """Fill `out` with the latencies of draws counter, counter + 1, …, each 1 to `longest` ns."""
    for i in range(out.size):
        if kind == 0:
            drawn = first + second * draw_normal(key, counter + i)
        elif kind == 1:
            drawn = first * math.exp(second * draw_normal(key, counter + i))
        else:
            drawn = first * math.exp(-math.log(draw_uniform(key, counter + i)) / second)
        out[i] = np.int64(math.floor(min(float(longest), max(1.0, drawn)) + 0.5))


class LatencyModel(Protocol):
    """What every latency model can do."""

    def block(self, key: int, counter: int, count: int) -> list[int]:
        """Return the draws counter … counter + count - 1, nanoseconds, each at least 1."""


class Constant(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="constant"):
    """Always the same, at least 1 ns."""

    nanoseconds: int

    def __post_init__(self) -> None:
        if self.nanoseconds < 1:
            raise ValueError(f"Expected a latency of at least 1 ns, found {self.nanoseconds}.")

    def block(self, key: int, counter: int, count: int) -> list[int]:  # noqa: ARG002  no draw
        """Return `count` times the same."""
        return [self.nanoseconds] * count


def _drawn(
    kind: int, at: tuple[int, int], count: int, shape: tuple[float, float, int]
) -> list[int]:
    out = np.empty(count, np.int64)
    draw_latencies(kind, at[0], at[1], shape[0], shape[1], shape[2], out)
    values: list[int] = out.tolist()
    return values


class Normal(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="normal"):
    """Normal about a mean, cut at 1 ns and at the longest."""

    mean_ns: int
    deviation_ns: int
    longest_ns: int = LONGEST_NS

    def block(self, key: int, counter: int, count: int) -> list[int]:
        """Return the draws counter … counter + count - 1."""
        shape = (float(self.mean_ns), float(self.deviation_ns), self.longest_ns)
        return _drawn(_NORMAL, (key, counter), count, shape)


class Lognormal(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="lognormal"):
    """Lognormal about a median; sigma is the standard deviation of the logarithm."""

    median_ns: int
    sigma: float
    longest_ns: int = LONGEST_NS

    def block(self, key: int, counter: int, count: int) -> list[int]:
        """Return the draws counter … counter + count - 1."""
        shape = (float(self.median_ns), self.sigma, self.longest_ns)
        return _drawn(_LOGNORMAL, (key, counter), count, shape)


class HeavyTailed(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="heavy_tailed"):
    """Pareto: never below `shortest_ns`; P(longer than x) = (shortest_ns / x) ** tail_index."""

    shortest_ns: int
    tail_index: float
    longest_ns: int = LONGEST_NS

    def __post_init__(self) -> None:
        if self.tail_index <= 0:
            raise ValueError(f"Expected a tail index above 0, found {self.tail_index}.")

    def block(self, key: int, counter: int, count: int) -> list[int]:
        """Return the draws counter … counter + count - 1."""
        shape = (float(self.shortest_ns), self.tail_index, self.longest_ns)
        return _drawn(_HEAVY, (key, counter), count, shape)


LatencySetting = Constant | Normal | Lognormal | HeavyTailed
