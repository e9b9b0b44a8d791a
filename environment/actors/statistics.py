"""What a kernel counted and measured about itself. Durations are wall time and decide nothing."""

from collections.abc import Iterable
from typing import Final

import msgspec

from environment.actors.cell import Cell

_SLOWEST: Final = 10


class ActorStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """One actor: what it handled, how long it was busy in virtual time, what waits."""

    address: str
    kind: str
    incarnation: int
    handled: int
    failures: int
    busy_ns: int
    waiting: int
    deepest: int
    conflated: int
    late_replies: int


class HandlerStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Sampled wall time of one kind of actor handling one class of message."""

    kind: str
    message: str
    samples: int
    mean_ns: int
    longest_ns: int


class LatencyBucket(msgspec.Struct, frozen=True, kw_only=True):
    """Sampled messages that travelled less than `below_ns`, and at least half of it."""

    below_ns: int
    messages: int


class KernelStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """A kernel at one moment."""

    now_ns: int
    handled: int
    sequence: int
    queued: int
    failures: int
    inboxes_pressed: int
    actors: tuple[ActorStatistics, ...]
    slowest: tuple[HandlerStatistics, ...]
    latency: tuple[LatencyBucket, ...]


class Samples:
    """Wall time and latency of one message in a burst; the rest is not slowed by measuring."""

    __slots__ = ("_buckets", "_handlers")

    def __init__(self) -> None:
        self._handlers: dict[tuple[str, str], list[int]] = {}  # Samples, total, longest.
        self._buckets = [0] * 65

    def add(self, kind: str, message: object, elapsed_ns: int, travelled_ns: int) -> None:
        """Count one handled message."""
        counted = self._handlers.setdefault((kind, type(message).__name__), [0, 0, 0])
        counted[0] += 1
        counted[1] += elapsed_ns
        counted[2] = max(counted[2], elapsed_ns)
        self._buckets[travelled_ns.bit_length()] += 1

    def slowest(self) -> tuple[HandlerStatistics, ...]:
        """Return the handlers with the greatest mean, the slowest first."""
        rows = [
            HandlerStatistics(
                kind=kind, message=message, samples=n, mean_ns=total // n, longest_ns=longest
            )
            for (kind, message), (n, total, longest) in self._handlers.items()
        ]
        return tuple(sorted(rows, key=lambda row: (-row.mean_ns, row.kind, row.message))[:_SLOWEST])

    def latency(self) -> tuple[LatencyBucket, ...]:
        """Return the buckets that hold anything, the fastest first."""
        return tuple(
            LatencyBucket(below_ns=1 << bits, messages=count)
            for bits, count in enumerate(self._buckets)
            if count
        )


def actor_statistics(cells: Iterable[Cell]) -> tuple[ActorStatistics, ...]:
    """Return one row per actor, in order of spawning."""
    return tuple(
        ActorStatistics(
            address=cell.address,
            kind=cell.kind,
            incarnation=cell.incarnation,
            handled=cell.handled,
            failures=cell.failures,
            busy_ns=cell.busy_ns,
            waiting=len(cell.inbox),
            deepest=cell.inbox.deepest,
            conflated=cell.inbox.conflated,
            late_replies=cell.requests.late_replies,
        )
        for cell in cells
    )
