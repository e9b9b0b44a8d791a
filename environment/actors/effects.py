"""Slow or outside work, said as data: started, performed beside others, due at a drawn moment."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError as NotYet
from typing import Any, Final, Protocol, TypeVar

import msgspec

from environment.errors import ConfigError, EffectLost
from environment.messages import Effect, EffectDone, EffectFailed

R = TypeVar("R")
Outcome = EffectDone | EffectFailed
AnyEffect = Effect[Any]  # The kernel hands effects on without looking at their result type.
AnyFuture = Future[msgspec.Raw] | asyncio.Future[msgspec.Raw]
Tell = Callable[[Outcome], None]
Perform = Callable[[Any], Any]  # One per effect class; `performers` pairs them by class.

_POLL_S: Final = 0.2  # How often a wait looks whether the run was interrupted.


class Performance(Protocol):
    """One effect under way."""

    def outcome(self, effect_id: int, is_stopping: Callable[[], bool]) -> Outcome | None:
        """Wait for the outcome; None if the run was told to stop before."""

    def when_done(self, effect_id: int, tell: "Tell") -> None:
        """Have `tell` called once with the outcome, now or later, perhaps in another thread."""

    def void(self) -> None:
        """Nobody waits any more."""


class EffectRunner(Protocol):
    """What performs effects: threads, or a record of an earlier run."""

    def start(self, address: str, effect_id: int, effect: AnyEffect) -> Performance:
        """Begin, and return at once."""

    def close(self) -> None:
        """Give threads back; nobody waits for anything any more."""


class _ThreadedPerformance:
    __slots__ = ("_future",)

    def __init__(self, future: "Future[msgspec.Raw]") -> None:
        self._future = future

    def outcome(self, effect_id: int, is_stopping: Callable[[], bool]) -> Outcome | None:
        while True:
            try:
                return EffectDone(effect_id=effect_id, result=self._future.result(_POLL_S))
            except NotYet:
                if not self._future.done() and is_stopping():
                    return None
                if self._future.done():
                    return EffectFailed(effect_id=effect_id, reason=_reason(self._future))
            # The adapter's edge: whatever the outside did wrong becomes a message here.
            except Exception:  # noqa: BLE001
                return EffectFailed(effect_id=effect_id, reason=_reason(self._future))

    def when_done(self, effect_id: int, tell: Tell) -> None:
        self._future.add_done_callback(lambda future: tell(outcome_of(future, effect_id)))

    def void(self) -> None:
        self._future.cancel()


def _reason(future: AnyFuture) -> str:
    error = future.exception()
    return f"{type(error).__name__}: {error}"


def outcome_of(future: AnyFuture, effect_id: int) -> Outcome:
    """Return what became of a call that has ended."""
    if future.cancelled():
        return EffectFailed(effect_id=effect_id, reason="voided")
    if future.exception() is not None:
        return EffectFailed(effect_id=effect_id, reason=_reason(future))
    return EffectDone(effect_id=effect_id, result=future.result())


class ThreadedEffects:
    """Performs each effect in a worker thread, by the function registered for its class.

    Threads bound how many calls are in flight at once; more effects than that only take longer.
    """

    def __init__(self, performers: Mapping[type, Perform] | None = None, threads: int = 64) -> None:
        self._performers = dict(performers or {})
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None

    def start(self, address: str, effect_id: int, effect: AnyEffect) -> Performance:  # noqa: ARG002
        """Hand the effect to a thread."""
        perform = self._performers.get(type(effect))
        if perform is None:
            raise ConfigError(
                f"Expected a function that performs {type(effect).__name__} (started by "
                f"{address}), found none; register one for that class."
            )
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, "effect")
        return _ThreadedPerformance(self._pool.submit(_perform, perform, effect))

    def close(self) -> None:
        """Let threads end on their own; calls not yet begun are dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _perform(perform: Perform, effect: AnyEffect) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(perform(effect)))


class _RecordedPerformance:
    __slots__ = ("_outcome",)

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def outcome(self, effect_id: int, is_stopping: Callable[[], bool]) -> Outcome:  # noqa: ARG002
        return self._outcome

    def when_done(self, effect_id: int, tell: Tell) -> None:  # noqa: ARG002  it is in the outcome
        tell(self._outcome)

    def void(self) -> None:
        pass


class RecordedEffects:
    """Answers effects from a record of (address, effect id), and performs nothing.

    An effect without a record ends as EffectFailed("lost"); `strict` makes that an error, for a
    replay in which every outcome must be found.
    """

    def __init__(
        self, outcomes: Mapping[tuple[str, int], Outcome], *, strict: bool = False
    ) -> None:
        self._outcomes = outcomes
        self._strict = strict

    def start(self, address: str, effect_id: int, effect: AnyEffect) -> Performance:
        """Find the outcome."""
        outcome = self._outcomes.get((address, effect_id))
        if outcome is None and self._strict:
            raise EffectLost(
                f"Expected a recorded outcome of effect {effect_id} of {address} "
                f"({type(effect).__name__}), found none."
            )
        return _RecordedPerformance(outcome or EffectFailed(effect_id=effect_id, reason="lost"))

    def close(self) -> None:
        """Nothing is open."""


def effect_result(done: EffectDone, result_type: type[R]) -> R:
    """Return the effect's result, decoded strictly as `result_type`."""
    return msgspec.msgpack.decode(done.result, type=result_type)


class Started(msgspec.Struct, frozen=True, array_like=True):
    """An effect that was started, when it is due, and the envelope that was in hand."""

    effect_id: int
    effect: AnyEffect
    due_ns: int
    cause: int
    chain: int


class Effects:
    """The outstanding effects of one incarnation."""

    __slots__ = ("underway",)

    def __init__(self) -> None:
        self.underway: dict[int, tuple[Started, Performance]] = {}

    def add(self, started: Started, performance: Performance) -> None:
        """Add one that has begun."""
        self.underway[started.effect_id] = (started, performance)

    def end_incarnation(self) -> None:
        """Void all: their outcomes will be neither waited for nor recorded."""
        for _, performance in self.underway.values():
            performance.void()
        self.underway.clear()
