"""Fork previews in processes of their own, at low priority: nothing else waits for them.

Pairs without the swarm's agents come first: they cost a tenth, and are on the card in time. The
same seeds are then drawn again with the agents, and take the place of the first, as time allows.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final

import msgspec

from agents.human.preview import PreviewOver, PreviewResult, PreviewTask
from scenarios.config.swarm import Swarm

MOST_PAIRS: Final = 32
MOST_DRAWERS: Final = 4
_NICENESS: Final = 10
_LEAVE_S: Final = 2.0

Done = Callable[[PreviewResult], None]


class _Waiting:
    """A task under way: who is told, and what each drawer has drawn of it."""

    def __init__(self, task: PreviewTask, done: Done, drawers: int) -> None:
        self.task, self.done = task, done
        self.parts: list[PreviewResult | None] = [None] * drawers

    @property
    def is_over(self) -> bool:
        """Whether no drawer has more of it to come."""
        return all(part is not None and not part.more for part in self.parts)

    def merged(self) -> PreviewResult | None:
        """Return the whole once every drawer has told: seeds in turn, none left out between."""
        parts = [part for part in self.parts if part is not None]
        if len(parts) < len(self.parts):
            return None
        rows = min(part.pairs for part in parts)
        return msgspec.structs.replace(
            parts[0], first_seed=self.task.first_seed, more=not self.is_over,
            without=tuple(part.without[row] for row in range(rows) for part in parts),
            with_order=tuple(part.with_order[row] for row in range(rows) for part in parts),
            filled=tuple(part.filled[row] for row in range(rows) for part in parts),
            acting=tuple(part.acting[row] for row in range(rows) for part in parts),
        )  # fmt: skip


class PreviewWorker:
    """Processes that draw worlds, and the threads that hear from them.

    They are begun with the panel and made ready meanwhile. Each takes every n-th seed. Where one is
    gone there are no previews, and nothing else is missed. `swarm` acts where there is time.
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

    def end(self, record_hash: str) -> None:
        """Draw no more worlds for a record; nobody is told of it any more."""
        with self._lock:
            if self._waiting.pop(record_hash, None) is None:
                return
        data = msgspec.msgpack.encode(PreviewOver(record_hash=record_hash))
        with suppress(OSError):
            for pipe in self._pipes:
                pipe.send_bytes(data)

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
                    if waiting.is_over:
                        del self._waiting[result.record_hash]
            if waiting is not None and whole is not None:
                waiting.done(whole)


def serve(pipe: Connection, swarm: Swarm | None, number: int, drawers: int) -> None:
    """Draw every n-th world of what is asked for, until the other end is gone.

    What came last is drawn first without the agents, which takes a moment; then whatever came first
    is drawn with them.
    """
    os.nice(_NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Whoever started it ends it.
    from scenarios.builders.warm_up import compile_all  # noqa: PLC0415  heavy, and here only
    from scenarios.run.preview_job import PreviewJob, warm_up  # noqa: PLC0415  as above

    compile_all()
    warm_up(swarm)
    decode = msgspec.msgpack.Decoder(PreviewTask | PreviewOver).decode
    jobs: list[PreviewJob] = []
    while True:
        try:
            while not jobs or pipe.poll():
                asked = decode(pipe.recv_bytes())
                if isinstance(asked, PreviewOver):
                    jobs = [job for job in jobs if job.record_hash != asked.record_hash]
                else:
                    jobs.append(PreviewJob(asked, swarm, range(number, MOST_PAIRS, drawers)))
            job = next((job for job in jobs if not job.is_told), jobs[0])
            told = job.step(lambda: not pipe.poll())
            if job.is_over:
                jobs.remove(job)
            if told is not None:
                pipe.send_bytes(msgspec.msgpack.encode(told))
        except (EOFError, OSError):
            return
