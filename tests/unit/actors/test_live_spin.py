"""A live kernel that looks on for a while after a read, instead of sleeping at once."""

import asyncio
import contextlib
from typing import Any

from environment.actors.gateway import Side
from environment.actors.live_clock import LiveClock
from environment.actors.live_kernel import LiveKernel
from environment.actors.live_run import LiveRun
from environment.actors.live_settings import LiveSettings
from environment.messages import TimerFired
from tests.conformance.actors.cast import Note, Player
from tests.unit.actors.test_handle_now import Reader

STEP_NS = 100_000


class Ticking:
    """Time that goes on by a step whenever somebody looks."""

    def __init__(self) -> None:
        self.now_ns = 0

    def wall_ns(self) -> int:
        return self.now_ns

    def steady_ns(self) -> int:
        self.now_ns += STEP_NS
        return self.now_ns


def sleeps(spin_ns: int, timer_ns: int) -> list[bool]:
    """Return of each look at the sockets, from a read to its timer, whether it may sleep."""
    kernel = LiveKernel(live=LiveSettings(spin_ns=spin_ns), clock=LiveClock(Ticking()))
    found: list[bool] = []

    def script(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Note):
            ctx.after(timer_ns, "over")
        elif isinstance(message, TimerFired):
            kernel.stop("test")

    def read(side: Side[Any]) -> None:
        found.clear()
        side.admit("a", Note(text="one"))
        side.handle_now()

    async def bounded(loop: asyncio.SelectorEventLoop) -> None:
        select = loop._selector.select  # type: ignore[attr-defined]  # which no type tells

        def seen(timeout_s: float | None = None) -> Any:
            found.append(timeout_s is None or timeout_s > 0)
            return select(timeout_s)

        loop._selector.select = seen  # type: ignore[attr-defined]  # as above
        async with asyncio.timeout(5):
            await LiveRun(kernel).run()

    kernel.spawn("a", lambda: Player(script))
    kernel.spawn("door", lambda: Reader(read))
    with contextlib.closing(asyncio.SelectorEventLoop()) as loop:
        loop.run_until_complete(bounded(loop))
    return found


def test_it_sleeps_at_once_where_nothing_says_otherwise() -> None:
    assert any(sleeps(0, 50 * STEP_NS)[:4])


def test_it_looks_on_after_a_read_and_sleeps_when_the_while_is_over() -> None:
    found = sleeps(100 * STEP_NS, 200 * STEP_NS)
    assert not any(found[:20])
    assert any(found)


def test_timer_is_not_late_because_it_looks_on() -> None:
    # Without a look at what is due it would go on for an hour.
    assert not any(sleeps(36_000_000 * STEP_NS, 100 * STEP_NS))
