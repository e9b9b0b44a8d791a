"""A live kernel driven through virtual time: quick, and the same each time."""

import threading
from typing import Any

from environment.actors import Ports, Protocol, Settings
from environment.actors.live_clock import LiveClock
from environment.actors.live_kernel import LiveKernel
from environment.actors.live_settings import LiveSettings
from environment.messages import Message
from tests.conformance.actors.cast import PROTOCOL, Stage, Tape

_LONGEST_CALL_S = 20.0


class VirtualTime:
    """Clocks that a test moves; both show the same until one is set."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.stepped_ns = 0

    def wall_ns(self) -> int:
        return self.now_ns + self.stepped_ns

    def steady_ns(self) -> int:
        return self.now_ns


class DrivenKernel(LiveKernel):
    """Takes turns until nothing is ready, then jumps to the next timer, without an event loop."""

    def __init__(self, settings: Settings, ports: Ports, live: LiveSettings | None = None) -> None:
        self.time = VirtualTime()
        super().__init__(settings, ports, live, LiveClock(self.time))
        self._arrived = threading.Event()
        self.admission.wake = self._arrived.set
        self._planned: list[tuple[int, str, str, Message]] = []

    def admit_at(self, at_ns: int, sender: str, recipient: str, message: Message) -> None:
        """Admit when it is that time."""
        self._planned.append((at_ns, sender, recipient, message))
        self._planned.sort(key=lambda row: row[0])

    def run(self) -> None:
        """Run until nothing is left to happen."""
        self.run_until(1 << 62)

    def run_until(self, until_ns: int) -> None:
        """Run all timers up to a moment."""
        self.check_promises()
        while True:
            self._settle()
            next_ns = min(
                [at_ns for at_ns, *_ in self._planned[:1]]
                + [ns for ns in (self.queue.next_steady_ns(),) if ns is not None],
                default=None,
            )
            if next_ns is None or next_ns > until_ns:
                break
            self.time.now_ns = max(self.time.now_ns, next_ns)
            while self._planned and self._planned[0][0] <= self.time.now_ns:
                _, sender, recipient, message = self._planned.pop(0)
                self.admit(sender, recipient, message)
        if until_ns < 1 << 62:
            self.time.now_ns = max(self.time.now_ns, until_ns)

    def _settle(self) -> None:
        """Take turns until nothing is ready and no real call is under way."""
        while True:
            self._arrived.clear()
            while self.turn():
                pass
            if getattr(self.ports.effects, "never_ends", False):
                return
            if not any(cell.effects.underway for cell in self._cells.values()):
                return
            if not self.admission.is_waiting():
                assert self._arrived.wait(_LONGEST_CALL_S), "an effect never ended"

    def close(self) -> None:
        """Give threads back."""
        self.ports.effects.close()


def make_live(
    settings: Settings | None = None, live: LiveSettings | None = None, **ports: Any
) -> Stage:
    """Return a stage on a live kernel."""
    tape = Tape()
    ports.setdefault("recorder", tape)
    ports.setdefault("protocol", Protocol(PROTOCOL))
    # One message a visit, so that mail waits beside publications as it does on a busy floor.
    given = live or LiveSettings(messages_per_visit=1)
    return Stage(DrivenKernel(settings or Settings(), Ports(**ports), given), tape)
