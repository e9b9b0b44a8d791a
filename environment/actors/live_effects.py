"""Effects of a live run: coroutines beside the drain, ordinary functions in threads."""

import asyncio
import inspect
from collections.abc import Callable, Mapping

import msgspec

from environment.actors.effects import (
    AnyEffect,
    Outcome,
    Perform,
    Performance,
    RecordedEffects,
    Tell,
    ThreadedEffects,
    outcome_of,
)
from environment.errors import Defect
from environment.messages import EffectFailed


class _TaskPerformance:
    __slots__ = ("_task",)

    def __init__(self, task: "asyncio.Task[msgspec.Raw]") -> None:
        self._task = task

    def outcome(self, effect_id: int, is_stopping: Callable[[], bool]) -> Outcome | None:  # noqa: ARG002
        raise Defect("A coroutine's outcome comes by when_done; no live kernel waits for one.")

    def when_done(self, effect_id: int, tell: Tell) -> None:
        self._task.add_done_callback(lambda task: tell(outcome_of(task, effect_id)))

    def void(self) -> None:
        self._task.cancel()


class LiveEffects:
    """Performs each effect by the function registered for its class: `async def`, or in a thread.

    A coroutine runs on the kernel's event loop, so it must not block. An effect of a class that
    nobody performs fails: a live process goes on.
    """

    def __init__(self, performers: Mapping[type, Perform] | None = None, threads: int = 64) -> None:
        given = dict(performers or {})
        self._coroutines = {
            kind: perform for kind, perform in given.items() if inspect.iscoroutinefunction(perform)
        }
        in_threads = {kind: call for kind, call in given.items() if kind not in self._coroutines}
        self._in_threads = in_threads.keys()
        self._threaded = ThreadedEffects(in_threads, threads)

    def start(self, address: str, effect_id: int, effect: AnyEffect) -> Performance:
        """Begin, and return at once."""
        kind = type(effect)
        if kind in self._coroutines:
            work = _performed(self._coroutines[kind], effect)
            return _TaskPerformance(asyncio.get_running_loop().create_task(work))
        if kind in self._in_threads:
            return self._threaded.start(address, effect_id, effect)
        reason = f"nobody performs {kind.__name__}; register a function for that class"
        failed = EffectFailed(effect_id=effect_id, reason=reason)
        return RecordedEffects({(address, effect_id): failed}).start(address, effect_id, effect)

    def close(self) -> None:
        """Give threads back; coroutines end with their loop."""
        self._threaded.close()


async def _performed(perform: Perform, effect: AnyEffect) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(await perform(effect)))
