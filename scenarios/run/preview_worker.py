"""Fork previews in a process of its own at low priority: it never delays card, risk or kernel."""

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

MOST_PAIRS: Final = 32
LEAST_PAIRS: Final = 4
BUDGET_S: Final = 1.4  # Of the two seconds in which a preview is to be on the card.
_NICENESS: Final = 10
_LEAVE_S: Final = 2.0


class PreviewWorker:
    """A process that draws worlds, and the thread that hears from it.

    It is begun with the panel and made ready meanwhile; a task that comes while another is drawn
    waits for it. Where the process is gone there are no previews, and nothing else is missed.
    """

    def __init__(self) -> None:
        # A fresh interpreter: compiled code and threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), name="preview", daemon=True)
        self._waiting: dict[str, Callable[[PreviewResult], None]] = {}
        self._lock = threading.Lock()
        self._process.start()
        theirs.close()
        self._thread = threading.Thread(target=self._hear, name="preview", daemon=True)
        self._thread.start()

    def start(self, task: PreviewTask, done: Callable[[PreviewResult], None]) -> bool:
        """Have a preview drawn, and return at once; False where nobody draws."""
        with self._lock:
            self._waiting[task.record_hash] = done
        try:
            self._ours.send_bytes(msgspec.msgpack.encode(task))
        except OSError:
            with self._lock:
                self._waiting.pop(task.record_hash, None)
            return False
        return True

    def close(self) -> None:
        """Let the process end."""
        with suppress(OSError):
            self._ours.close()
        self._process.terminate()
        self._process.join(_LEAVE_S)

    def _hear(self) -> None:
        decode = msgspec.msgpack.Decoder(PreviewResult).decode
        while True:
            try:
                result = decode(self._ours.recv_bytes())
            except (EOFError, OSError):
                return
            with self._lock:
                done = self._waiting.pop(result.record_hash, None)
            if done is not None:
                done(result)


def serve(pipe: Connection) -> None:
    """Draw what is asked for until the other end is gone."""
    os.nice(_NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Whoever started it ends it.
    from scenarios.builders.warm_up import compile_all  # noqa: PLC0415  as above
    from scenarios.run.preview_world import draw_pair, result_of  # noqa: PLC0415  heavy, and here only

    compile_all()
    decode = msgspec.msgpack.Decoder(PreviewTask).decode
    while True:
        try:
            task = decode(pipe.recv_bytes())
        except (EOFError, OSError):
            return
        until = time.monotonic() + BUDGET_S
        found: list[tuple[float, float, int]] = []
        while len(found) < LEAST_PAIRS or (len(found) < MOST_PAIRS and time.monotonic() < until):
            found.append(draw_pair(task, task.first_seed + len(found)))
        with suppress(OSError):
            pipe.send_bytes(msgspec.msgpack.encode(result_of(task, found)))
