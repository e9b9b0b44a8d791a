"""How fast a provider is asked: calls at a time, calls a minute, and when to try again."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from environment.draws import draw_uniform, stream_key

_MINUTE_S: Final = 60.0
_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 20.0


class Pace:
    """Lets at most `parallel` calls through at once and `per_minute` begin in any minute."""

    def __init__(
        self, parallel: int = 1, per_minute: int = 0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._slots = threading.Semaphore(parallel)
        self._per_minute, self._monotonic, self._sleep = per_minute, monotonic, sleep
        self._begun: deque[float] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, ends: float) -> Iterator[bool]:
        """Wait for a turn until the moment `ends`; yields whether there was one."""
        if not self._slots.acquire(timeout=max(ends - self._monotonic(), 0.0)):
            yield False
            return
        try:
            yield self._wait_for_rate(ends)
        finally:
            self._slots.release()

    def _wait_for_rate(self, ends: float) -> bool:
        while self._per_minute:
            with self._lock:
                now = self._monotonic()
                while self._begun and self._begun[0] <= now - _MINUTE_S:
                    self._begun.popleft()
                if len(self._begun) < self._per_minute:
                    self._begun.append(now)
                    return True
                wait = self._begun[0] + _MINUTE_S - now
            if now + wait > ends:
                return False
            self._sleep(wait)
        return True


def wait_before(attempt: int, key: str, asked_s: float | None) -> float:
    """Return the seconds before attempt number `attempt` (from 1): doubling, half of it jitter.

    The jitter is drawn from the question's key, so that many who failed together do not come back
    together; a wait that the server asked for is kept.
    """
    longest = min(_FIRST_WAIT_S * 2.0**attempt, _LONGEST_WAIT_S)
    drawn = longest * (0.5 + 0.5 * draw_uniform(stream_key(attempt, key), 0))
    return drawn if asked_s is None else max(asked_s, drawn)
