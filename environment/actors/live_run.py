"""A live kernel on the event loop: one task drains it, gateways' sides run beside it.

`run` returns when the kernel was told to stop and what was ready has been handled; whatever ends
it, gateways are closed and the record is written.
"""

import asyncio
import signal
import threading
from typing import Any, Final

from environment.actors.cell import Cell
from environment.actors.collection import unhurried_collection
from environment.actors.gateway import Gateway, Side
from environment.actors.live_kernel import LiveKernel

_LONGEST_SLEEP_S: Final = 1.0
_GRACE_S: Final = 1.0  # How long a gateway may take to hand out what waits when all stops.


class LiveRun:
    """One run of a kernel; must be made and used on one event loop."""

    def __init__(self, kernel: LiveKernel) -> None:
        self._kernel = kernel
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._is_asleep = False
        self._sleep: asyncio.Future[None] = self._loop.create_future()
        self._alarm: asyncio.TimerHandle | None = None
        self._sides: dict[str, tuple[Side[Any], asyncio.Task[None]]] = {}
        self._next_look_ns = self._beat_due_ns = 0
        self._is_turning = False
        self._spin_until_ns = 0
        self._failure: Exception | None = None  # Of a turn that was not the drain's own.

    # --- running -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Drain the kernel until it is told to stop."""
        kernel = self._kernel
        kernel.check_promises()
        kernel.admission.wake, kernel.admission.handle = self.rouse, self._handle_now
        kernel.floor.on_begin = self._open_gateway
        self._beat_due_ns = kernel.clock.steady_ns() + kernel.live.heartbeat_ns
        beat = self._loop.call_later(kernel.live.heartbeat_ns / 1e9, self._beat)
        try:
            with unhurried_collection():
                while not kernel.stop_reason:
                    await (asyncio.sleep(0) if self._turn() else self._rest())
                await self._drain()
        finally:
            self._beat_due_ns = 0
            beat.cancel()
            if self._alarm is not None:
                self._alarm.cancel()
            kernel.admission.wake = kernel.admission.handle = None
            await self._close_gateways()
            kernel.ports.effects.close()

    def _turn(self) -> bool:
        if self._failure is not None:
            raise self._failure
        self._is_turning = True
        try:
            return self._kernel.turn()
        finally:
            self._is_turning = False

    def _handle_now(self) -> None:
        """Do a turn between two of the drain's: for what was read, within the call that read it.

        The drain has its own turn afterwards, and raises what went wrong here.
        """
        if self._is_turning or self._failure is not None or self._kernel.stop_reason:
            return
        try:
            self._turn()
        except Exception as error:  # noqa: BLE001  it is the run's end, not its caller's
            self._failure = error
        if self._kernel.live.spin_ns:
            self._spin_until_ns = self._kernel.clock.steady_ns() + self._kernel.live.spin_ns
        self.rouse()

    async def _spin(self) -> None:
        """Look for what comes next without sleeping, for a while after something was read.

        Who sleeps between two ticks wakes up on a slow, cold processor: what follows a tick takes
        twice as long. Reads are handled between two looks, and make the while longer.
        """
        kernel = self._kernel
        flush = kernel.ports.recorder.flush
        while self._failure is None and not kernel.stop_reason and kernel.may_rest():
            flush()  # As before a sleep.
            now_ns, due_ns = kernel.clock.steady_ns(), kernel.queue.next_steady_ns()
            if now_ns >= self._spin_until_ns or (due_ns is not None and due_ns <= now_ns):
                return
            await asyncio.sleep(0)  # The event loop looks at its sockets, and comes back.

    async def _rest(self) -> None:
        """Sleep until something comes in or a timer is due."""
        kernel = self._kernel
        if kernel.live.spin_ns:
            await self._spin()
        kernel.ports.recorder.flush()  # Nothing waits in memory while nothing happens.
        self._sleep = self._loop.create_future()
        self._is_asleep = True
        # Looked at after the flag is up: what came in before that has not roused anybody.
        if not kernel.may_rest() or kernel.stop_reason or self._failure is not None:
            self._is_asleep = False
            return
        self._set_alarm()
        await self._sleep

    def _set_alarm(self) -> None:
        """See that the loop wakes the drain when something is due; too early does no harm."""
        kernel = self._kernel
        next_ns = kernel.queue.next_steady_ns()
        delay_s = _LONGEST_SLEEP_S
        if next_ns is not None:
            delay_s = min(delay_s, max(0.0, (next_ns - kernel.clock.steady_ns()) / 1e9))
        due_s = self._loop.time() + delay_s
        if self._alarm is not None:
            if self._alarm.when() <= due_s:
                return
            self._alarm.cancel()
        self._alarm = self._loop.call_at(due_s, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._is_asleep = False
        self._wake()

    def rouse(self) -> None:
        """Wake the drain; from any thread."""
        if not self._is_asleep:
            return
        self._is_asleep = False
        if threading.get_ident() == self._thread:
            self._wake()  # By the loop's self-pipe it would come two rounds later.
        else:
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if not self._sleep.done():
            self._sleep.set_result(None)

    def _beat(self) -> None:
        """Measure how late the loop is, and look at the wall clock."""
        kernel = self._kernel
        if not self._beat_due_ns:
            return
        steady_ns = kernel.clock.steady_ns()
        kernel.measures.beat(steady_ns - self._beat_due_ns)
        if steady_ns >= self._next_look_ns:
            self._next_look_ns = steady_ns + kernel.live.clock_look_ns
            kernel.look_at_clock()
            self.rouse()
        self._beat_due_ns = steady_ns + kernel.live.heartbeat_ns
        self._loop.call_later(kernel.live.heartbeat_ns / 1e9, self._beat)

    # --- stopping ------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Handle what is ready, for a bounded time; what is due later stays undone."""
        kernel = self._kernel
        end_ns = kernel.clock.steady_ns() + kernel.live.drain_ns
        while kernel.clock.steady_ns() < end_ns:
            kernel.turn()
            await asyncio.sleep(0)
            if kernel.is_quiet():
                break

    async def _close_gateways(self) -> None:
        for side, _ in self._sides.values():
            side.close()
        end_s = self._loop.time() + _GRACE_S
        # What was let go before the stop should still reach the outside.
        while self._loop.time() < end_s and any(  # noqa: ASYNC110  bounded, and once in a process
            len(side) and not task.done() for side, task in self._sides.values()
        ):
            await asyncio.sleep(0.001)
        tasks = [task for _, task in self._sides.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._sides.clear()

    # --- gateways ------------------------------------------------------------------------------

    def _open_gateway(self, cell: Cell, gateway: Gateway[Any]) -> None:
        """Begin the asynchronous side of an incarnation; the one before it ends."""
        if cell.address in self._sides:
            self._sides.pop(cell.address)[1].cancel()
        side = Side[Any](cell.address, self._kernel)
        gateway.open(side)
        task = self._loop.create_task(gateway.serve(side), name=cell.address)
        self._sides[cell.address] = (side, task)
        incarnation = cell.incarnation
        task.add_done_callback(lambda done: self._side_ended(cell, incarnation, done))

    def _side_ended(self, cell: Cell, incarnation: int, task: "asyncio.Task[None]") -> None:
        """Let a gateway whose side raised fail as an actor; one that returned has no more to do."""
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception) and cell.incarnation == incarnation and cell.is_up:
            self._kernel.floor.fail_side(cell, error)
            self.rouse()


def stop_on_signals(kernel: LiveKernel) -> None:
    """Have SIGTERM and SIGINT drain and end the run; call it on the running loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, kernel.stop, number.name)
