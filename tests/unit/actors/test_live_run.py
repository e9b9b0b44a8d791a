"""A live kernel on a real event loop: waking, threads, gateways, effects, stalls, stopping."""

import asyncio
import os
import signal
import threading
import time
from typing import Any

import pytest

from environment.actors import (
    CLOCK_TOPIC,
    Gateway,
    LiveEffects,
    LiveKernel,
    LiveRun,
    Ports,
    Settings,
    Side,
    Supervisor,
    stop_on_signals,
)
from environment.messages import EffectDone, EffectFailed, Resumed
from tests.conformance.actors.cast import (
    Answer,
    Note,
    Player,
    Question,
    Script,
    Work,
    at_start,
    ref,
)


class Floor:
    """A kernel with players, run until `stop` is called or the test's patience ends."""

    def __init__(
        self, settings: Settings | None = None, effects: LiveEffects | None = None
    ) -> None:
        ports = Ports(effects=effects) if effects else Ports()
        self.kernel = LiveKernel(settings, ports)
        self.players: dict[str, Player] = {}

    def add(self, address: str, script: Script | None = None) -> None:
        """Put a player on the floor."""

        def make() -> Player:
            self.players[address] = Player(script)
            return self.players[address]

        self.kernel.spawn(address, make)

    def words(self, address: str) -> list[tuple[str, str]]:
        """Return what was heard."""
        return [(name, text) for _, name, text in self.players[address].state.heard][1:]

    def stop(self, *_: object) -> None:
        """End the run."""
        self.kernel.stop("test")

    def run(self) -> None:
        """Run on a loop of its own."""

        async def bounded() -> None:
            async with asyncio.timeout(10):
                await LiveRun(self.kernel).run()

        asyncio.run(bounded())


def stop_on(floor: Floor, *words: str) -> Script:
    """Return a script that stops the run once all words were heard."""

    def script(ctx: Any, message: Any, player: Player) -> None:
        heard = {text for _, _, text in player.state.heard}
        if heard.issuperset(words):
            floor.stop()

    return script


def test_threads_enter_by_the_admission_queue_and_rouse_the_drain() -> None:
    floor = Floor()
    floor.add("a", stop_on(floor, *map(str, range(40))))

    def talk(first: int) -> None:
        for number in range(first, first + 10):
            floor.kernel.admit("thread", "a", Note(text=str(number)))

    threads = [threading.Timer(0.01, talk, [first]) for first in range(0, 40, 10)]
    for thread in threads:
        thread.start()
    floor.run()
    texts = [text for _, text in floor.words("a")]
    for first in range(0, 40, 10):  # Each thread's own order is kept.
        mine = [text for text in texts if first <= int(text) < first + 10]
        assert mine == [str(number) for number in range(first, first + 10)]


def test_timer_fires_in_real_time() -> None:
    floor = Floor()

    def script(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Resumed):
            ctx.after(5_000_000, "beat")
        else:
            floor.stop()

    floor.add("a", script)
    floor.run()
    began, fired = (now_ns for now_ns, _, _ in floor.players["a"].state.heard)
    assert fired - began >= 5_000_000


async def double(work: Work) -> int:
    """Perform work on the loop."""
    await asyncio.sleep(0.001)
    return work.number * 2


@pytest.mark.parametrize("perform", [double, lambda work: work.number * 2])
def test_effect_is_performed_on_the_loop_or_in_a_thread(perform: Any) -> None:
    floor = Floor(effects=LiveEffects({Work: perform}))
    results: list[Any] = []

    def script(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Resumed):
            ctx.start(Work(number=21))
        elif isinstance(message, EffectDone | EffectFailed):
            results.append(message)
            floor.stop()

    floor.add("a", script)
    floor.run()
    assert results == [EffectDone(effect_id=1, result=results[0].result)]
    assert bytes(results[0].result) == b"\x2a"


def test_effect_that_nobody_performs_fails() -> None:
    floor = Floor(effects=LiveEffects())
    floor.add(
        "a", lambda ctx, m, p: ctx.start(Work(number=1)) if type(m) is Resumed else floor.stop()
    )
    floor.run()
    assert floor.words("a") == [("EffectFailed", "1")]


class Echo(Gateway[Note | Question]):
    """Answers questions, and says every note back to whoever sent it."""

    def __init__(self, *, breaks_on: str = "") -> None:
        super().__init__()
        self._breaks_on = breaks_on

    async def serve(self, side: Side[Note | Question]) -> None:
        while True:
            envelope = await side.next()
            if envelope.request_id:
                side.reply(envelope, Answer(text="from outside"))
            elif envelope.message.text == self._breaks_on:
                raise ConnectionError("lost")
            else:
                side.admit(envelope.sender, envelope.message, envelope)


def test_gateway_answers_and_admits_with_its_cause() -> None:
    floor = Floor()

    def script(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Resumed):
            ctx.request(ref("door"), Question(), ctx.now_ns() + 5_000_000_000)
            ctx.send(ref("door"), Note(text="hello"))
        elif isinstance(message, Note):
            assert ctx.envelope() is not None
            assert ctx.envelope().cause
            floor.stop()

    floor.kernel.spawn("door", Echo)
    floor.add("a", script)
    floor.run()
    assert floor.words("a") == [("Answer", "from outside"), ("Note", "hello")]


def test_gateway_whose_side_raises_is_restarted() -> None:
    floor = Floor(Settings(supervision=Supervisor(back_off_ns=1_000_000)))
    floor.kernel.on_alarm(lambda alarm: None)

    def script(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Resumed):
            ctx.send(ref("door"), Note(text="break"))
            ctx.after(1_000_000, "again")
        elif isinstance(message, Note):
            floor.stop()
        else:
            ctx.send(ref("door"), Note(text="once more"))
            ctx.after(10_000_000, "again")

    floor.kernel.spawn("door", lambda: Echo(breaks_on="break"))
    floor.add("a", script)
    floor.run()
    (letter,) = floor.kernel.dead_letters
    assert (letter.address, letter.error) == ("door", "ConnectionError: lost")
    assert ("Note", "once more") in floor.words("a")


def test_stop_handles_what_is_ready_and_empties_the_sides() -> None:
    sent: list[str] = []

    class Outside(Gateway[Note]):
        async def serve(self, side: Side[Note]) -> None:
            while True:
                sent.append((await side.next()).message.text)

    floor = Floor()
    floor.kernel.spawn("door", Outside)

    def talk(ctx: Any) -> None:
        floor.stop()
        for number in range(1_000):
            ctx.send(ref("door"), Note(text=str(number)))

    floor.add("a", at_start(talk))
    floor.run()
    assert sent == [str(number) for number in range(1_000)]


def test_sigterm_drains_and_ends_the_run() -> None:
    floor = Floor()
    floor.add("b")

    def talk(ctx: Any) -> None:
        for number in range(2_000):
            ctx.send(ref("b"), Note(text=str(number)))
        os.kill(os.getpid(), signal.SIGTERM)

    floor.add("a", at_start(talk))

    async def run() -> None:
        stop_on_signals(floor.kernel)
        async with asyncio.timeout(10):
            await LiveRun(floor.kernel).run()

    asyncio.run(run())
    assert floor.kernel.stop_reason == "SIGTERM"
    assert len(floor.words("b")) == 2_000


def test_event_loop_that_stalls_is_counted() -> None:
    floor = Floor()

    def block(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Resumed):
            ctx.after(1_000_000, "block")
        elif message.name == "block":
            time.sleep(0.15)
            ctx.after(60_000_000, "end")
        else:
            floor.stop()

    floor.add("a", block)
    floor.run()
    seen = floor.kernel.statistics()
    assert seen.stalls >= 1
    assert seen.longest_stall_ns > 50_000_000
    assert [row.kind for row in seen.slow] == ["player"]


def test_clock_is_looked_at_while_running() -> None:
    floor = Floor()
    floor.kernel.on_alarm(lambda alarm: floor.stop())
    floor.kernel.clock._wall_ns = lambda: time.time_ns() + 3_600_000_000_000
    floor.add("a", at_start(lambda ctx: ctx.subscribe(CLOCK_TOPIC)))
    floor.run()
    assert floor.kernel.statistics().clock_steps == 1
