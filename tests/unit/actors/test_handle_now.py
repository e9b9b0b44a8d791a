"""What comes in is handled within the call that read it, where its reader asks for that."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from environment.actors import Gateway, LiveKernel, LiveRun, Side
from environment.actors.live_settings import LiveSettings
from environment.messages import Resumed
from tests.conformance.actors.cast import Note, Player, Script


class Reader(Gateway[Resumed]):
    """Reads by a callback of the loop, as a socket does."""

    def __init__(self, read: Callable[[Side[Any]], None]) -> None:
        super().__init__()
        self._read = read

    def receive(self, ctx: Any, message: Any) -> None:
        """Hand nothing over."""

    async def serve(self, side: Side[Any]) -> None:
        """Read once, and wait to be cancelled."""
        await asyncio.sleep(0.01)  # The drain sleeps by then.
        asyncio.get_running_loop().call_soon(self._read, side)
        await asyncio.sleep(10.0)


def run(read: Callable[[Side[Any]], None], script: Script, kernel: LiveKernel) -> None:
    kernel.spawn("a", lambda: Player(script))
    kernel.spawn("door", lambda: Reader(read))

    async def bounded() -> None:
        async with asyncio.timeout(5):
            await LiveRun(kernel).run()

    asyncio.run(bounded())


def test_mail_is_handled_before_the_reader_goes_on() -> None:
    kernel, said = LiveKernel(), list[str]()

    def script(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Note):
            said.append(message.text)
            if message.text == "last":
                kernel.stop("test")

    def read(side: Side[Any]) -> None:
        side.admit("a", Note(text="one"))
        side.admit("a", Note(text="two"))
        assert said == []
        side.handle_now()
        said.append("read")
        side.admit("a", Note(text="last"))

    run(read, script, kernel)
    assert said == ["one", "two", "read", "last"]


def test_timer_that_is_set_then_wakes_the_drain_in_time() -> None:
    kernel = LiveKernel()

    def script(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Note):
            ctx.after(1_000_000, "soon")
        elif not isinstance(message, Resumed):
            kernel.stop("test")

    def read(side: Side[Any]) -> None:
        side.admit("a", Note(text="one"))
        side.handle_now()

    run(read, script, kernel)
    assert kernel.stop_reason == "test"


def test_handler_that_asks_for_it_is_not_nested() -> None:
    kernel, said, sides = LiveKernel(), list[str](), list[Side[Any]]()

    def script(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Note):
            said.append(f"begin {message.text}")
            if message.text == "one":
                sides[0].admit("a", Note(text="two"))
                sides[0].handle_now()
            else:
                kernel.stop("test")
            said.append(f"end {message.text}")

    def read(side: Side[Any]) -> None:
        sides.append(side)
        side.admit("a", Note(text="one"))
        side.handle_now()

    run(read, script, kernel)
    assert said == ["begin one", "end one", "begin two", "end two"]


@pytest.mark.parametrize("spin_ns", [0, 10_000_000_000])
def test_what_goes_wrong_there_ends_the_run_and_not_the_reader(spin_ns: int) -> None:
    kernel, said = LiveKernel(live=LiveSettings(spin_ns=spin_ns)), list[str]()

    def fail() -> None:
        raise OSError("the disk is full")

    def read(side: Side[Any]) -> None:
        kernel.ports.recorder.drain = fail  # type: ignore[method-assign]
        side.admit("a", Note(text="one"))
        side.handle_now()
        said.append("read")

    with pytest.raises(OSError, match="the disk is full"):
        run(read, lambda *_: None, kernel)
    assert said == ["read"]


def test_without_a_run_nothing_is_handled() -> None:
    kernel = LiveKernel()
    kernel.spawn("a", Player)
    kernel.admit("door", "a", Note(text="one"))
    kernel.handle_now()
    assert kernel.admission.is_waiting()
