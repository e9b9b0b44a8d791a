"""Virtual time at a multiple of wall time, so that a person can sit inside a run.

A paced run is the unpaced one in slices: each ends where wall time has got to. What a person says
meanwhile is stamped when it is admitted, just after all that has happened; the journal keeps the
stamp, and a replay admits it at that moment without any pacing.
"""

import threading
from collections import deque
from typing import Any, Final

from environment.actors.envelope import is_control
from environment.actors.simulation_kernel import SimulationKernel
from environment.messages import Message

_LONGEST_WAIT_S: Final = 0.05  # How late a request to stop is seen at most.


class Pacer:
    """Runs a kernel at `pace` market seconds per wall second; `admit` is safe from any thread."""

    def __init__(self, kernel: SimulationKernel, pace: float) -> None:
        if pace <= 0:
            raise ValueError(f"Expected a pace above 0, found {pace}.")
        self._kernel = kernel
        self._pace = pace
        self._wall = kernel.ports.wall
        self._inputs: deque[tuple[str, str, Message]] = deque()
        self._arrived = threading.Event()

    def admit(self, sender: str, recipient: str, message: Message) -> None:
        """Let something from outside in, at the moment where the run stands."""
        self._inputs.append((sender, recipient, message))
        self._arrived.set()

    def run_until(self, until_ns: int) -> None:
        """Run to `until_ns`, no faster than the pace."""
        kernel, wall = self._kernel, self._wall
        start_ns, started = kernel.now_ns(), wall.monotonic_ns()
        while kernel.now_ns() < until_ns and not kernel.stop_reason:
            self._arrived.clear()
            self._admit_waiting()
            elapsed_ns = wall.monotonic_ns() - started
            kernel.run_until(min(until_ns, start_ns + int(elapsed_ns * self._pace)))
            next_ns = kernel.next_ns()
            ahead_ns = min(until_ns, until_ns if next_ns is None else next_ns) - kernel.now_ns()
            if ahead_ns > 0 and not self._inputs:
                seconds = min(ahead_ns / self._pace / 1e9, _LONGEST_WAIT_S)
                wall.wait(self._arrived, seconds)

    def _admit_waiting(self) -> None:
        """Admit what waits; while an inbox is above its mark, control only."""
        held: list[Any] = []
        while self._inputs:
            sender, recipient, message = self._inputs.popleft()
            if self._kernel.pressure.is_on() and not is_control(message):
                held.append((sender, recipient, message))
            else:
                self._kernel.admit_at(self._kernel.now_ns() + 1, sender, recipient, message)
        self._inputs.extendleft(reversed(held))
