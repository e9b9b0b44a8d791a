"""A simulated market in real time, beside other tasks of one event loop."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from environment.actors import SimulationKernel
from environment.message_roots import Message

_LONGEST_SLICE_NS: Final = 20_000_000  # Of market time, so that no client waits long for an answer.
_LONGEST_WAIT_S: Final = 0.25


class PacedKernel:
    """Runs a kernel so that its time is what `market_now` says, and lets messages in at once."""

    def __init__(self, kernel: SimulationKernel, market_now: Callable[[], int]) -> None:
        self._kernel = kernel
        self.market_now = market_now
        self._inputs: deque[tuple[str, str, Message]] = deque()
        self._arrived = asyncio.Event()
        self.is_stopped = False

    def admit(self, sender: str, recipient: str, message: Message) -> None:
        """Let a message in at the moment where the market stands."""
        self._inputs.append((sender, recipient, message))
        self._arrived.set()

    def stop(self) -> None:
        """Have `run_until` return soon."""
        self.is_stopped = True
        self._arrived.set()

    async def run_until(self, until_ns: int, pace: float) -> None:
        """Run to a moment of the market, no faster than it comes."""
        kernel = self._kernel
        while kernel.now_ns() < until_ns and not self.is_stopped:
            self._arrived.clear()
            due_ns = min(self.market_now(), until_ns)
            self.step(min(due_ns, kernel.now_ns() + _LONGEST_SLICE_NS))
            if kernel.now_ns() < due_ns:
                await asyncio.sleep(0)  # Behind: others have their turn, then on.
            elif not self._inputs:
                await self._rest(until_ns, pace)

    async def _rest(self, until_ns: int, pace: float) -> None:
        """Sleep until something comes in or happens."""
        next_ns = self._kernel.next_ns()
        ahead_ns = min(until_ns, until_ns if next_ns is None else next_ns) - self.market_now()
        wait_s = min(max(ahead_ns / pace / 1e9, 0.0), _LONGEST_WAIT_S)
        alarm = asyncio.get_running_loop().call_later(wait_s, self._arrived.set)
        await self._arrived.wait()
        alarm.cancel()

    def step(self, until_ns: int) -> None:
        """Admit what waits, and run up to a moment, or to that of what was admitted."""
        kernel = self._kernel
        while self._inputs:
            # Not before the market's time, which a verdict's own times are compared with.
            at_ns = max(kernel.now_ns() + 1, self.market_now())
            kernel.admit_at(at_ns, *self._inputs.popleft())
            if at_ns < kernel.now_ns() + _LONGEST_SLICE_NS:
                until_ns = max(until_ns, at_ns)
        if until_ns > kernel.now_ns():
            kernel.run_until(until_ns)
