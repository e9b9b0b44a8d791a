"""Fork previews in processes of their own, at low priority: nothing else waits for them."""

import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final

import msgspec

from agents.human.preview import PreviewResult, PreviewTask
from scenarios.config.swarm import Swarm

MOST_PAIRS: Final = 32
BUDGET_S: Final = 1.4  # Of the two seconds in which a preview is to be on the card.
ACTING_S: Final = 0.8  # A first pair that takes the swarm's agents longer is drawn without them.
_BUSY_S: Final = 60.0  # For so long after that they are not tried again.
MOST_DRAWERS: Final = 4
_NICENESS: Final = 10
_LEAVE_S: Final = 2.0

Done = Callable[[PreviewResult], None]


class _Waiting:
    """A task under way: who is told, and what each drawer has drawn of it."""

    def __init__(self, task: PreviewTask, done: Done, drawers: int) -> None:
        self.task, self.done = task, done
        self.parts: list[PreviewResult | None] = [None] * drawers

    def merged(self) -> PreviewResult | None:
        """Return the whole once every drawer is done: seeds in turn, none left out between."""
        parts = [part for part in self.parts if part is not None]
        if len(parts) < len(self.parts):
            return None
        rows = min(part.pairs for part in parts)
        return msgspec.structs.replace(
            parts[0], first_seed=self.task.first_seed,
            without=tuple(part.without[row] for row in range(rows) for part in parts),
            with_order=tuple(part.with_order[row] for row in range(rows) for part in parts),
            filled=tuple(part.filled[row] for row in range(rows) for part in parts),
            acting=tuple(part.acting[row] for row in range(rows) for part in parts),
        )  # fmt: skip


class PreviewWorker:
    """Processes that draw worlds, and the threads that hear from them.

    They are begun with the panel and made ready meanwhile; a task that comes while another is drawn
    waits for it. Each takes every n-th seed. Where one is gone there are no previews, and nothing
    else is missed. `swarm` acts in every world.
    """

    def __init__(self, swarm: Swarm | None = None, drawers: int | None = None) -> None:
        count = drawers or min(os.cpu_count() or 1, MOST_DRAWERS)
        # A fresh interpreter: compiled code and threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._waiting: dict[str, _Waiting] = {}
        self._lock = threading.Lock()
        self._pipes: list[Connection] = []
        self.processes: list[multiprocessing.process.BaseProcess] = []
        for number in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=serve, args=(theirs, swarm, number, count), name="preview", daemon=True
            )
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self.processes.append(process)
            hear = threading.Thread(
                target=self._hear, args=(ours, number), name="preview", daemon=True
            )
            hear.start()

    def start(self, task: PreviewTask, done: Done) -> bool:
        """Have a preview drawn, and return at once; False where nobody draws."""
        with self._lock:
            self._waiting[task.record_hash] = _Waiting(task, done, len(self._pipes))
        data = msgspec.msgpack.encode(task)
        try:
            for pipe in self._pipes:
                pipe.send_bytes(data)
        except OSError:
            with self._lock:
                self._waiting.pop(task.record_hash, None)
            return False
        return True

    def close(self) -> None:
        """Let the processes end."""
        for pipe in self._pipes:
            with suppress(OSError):
                pipe.close()
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.join(_LEAVE_S)

    def _hear(self, pipe: Connection, number: int) -> None:
        decode = msgspec.msgpack.Decoder(PreviewResult).decode
        while True:
            try:
                result = decode(pipe.recv_bytes())
            except (EOFError, OSError):
                return
            with self._lock:
                waiting = self._waiting.get(result.record_hash)
                whole = None
                if waiting is not None:
                    waiting.parts[number] = result
                    whole = waiting.merged()
                if whole is not None:
                    del self._waiting[result.record_hash]
            if waiting is not None and whole is not None:
                waiting.done(whole)


def serve(pipe: Connection, swarm: Swarm | None, number: int, drawers: int) -> None:
    """Draw every n-th world of what is asked for, until the other end is gone."""
    os.nice(_NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Whoever started it ends it.
    from scenarios.builders.warm_up import compile_all  # noqa: PLC0415  as above
    from scenarios.run.preview_swarm import standing_in  # noqa: PLC0415  heavy, and here only

    compile_all()
    decode = msgspec.msgpack.Decoder(PreviewTask).decode
    busy_until_s = 0.0
    while True:
        try:
            task = decode(pipe.recv_bytes())
        except (EOFError, OSError):
            return
        acting = standing_in(swarm, task.symbol)
        if acting is None or not acting.swarm or time.monotonic() < busy_until_s:
            acting = None
        result = _draw(task, acting, number, drawers)
        if acting is not None and not any(result.acting):
            busy_until_s = time.monotonic() + _BUSY_S
        with suppress(OSError):
            pipe.send_bytes(msgspec.msgpack.encode(result))


def _draw(task: PreviewTask, swarm: Swarm | None, number: int, drawers: int) -> PreviewResult:
    """Draw pairs while there is time for another; on a busy machine the swarm stands still."""
    from scenarios.run.preview_world import (  # noqa: PLC0415  heavy, as above
        TooSlow,
        draw_pair,
        result_of,
    )

    began = time.monotonic()
    acting = swarm
    found: list[tuple[float, float, int]] = []
    longest_s = 0.0
    while not found or (
        len(found) * drawers < MOST_PAIRS and time.monotonic() - began + longest_s < BUDGET_S
    ):
        start_s, seed = time.monotonic(), task.first_seed + number + drawers * len(found)
        until_s = began + (ACTING_S if acting is not None and not found else math.inf)
        try:
            found.append(draw_pair(task, seed, acting, until_s))
        except TooSlow:
            acting = None
            continue
        longest_s = max(longest_s, time.monotonic() - start_s)
    return result_of(task, found, acting=acting is not None)
