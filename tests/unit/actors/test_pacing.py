"""A paced run keeps to the wall, journals what a person said, and replays without pacing."""

import os
import signal
import threading
from typing import Any

from environment.actors import (
    ActorContext,
    InboxLimits,
    Settings,
    ThreadedEffects,
)
from environment.actors.interrupt import stop_on_interrupt
from environment.actors.pacing import Pacer
from environment.messages import Resumed
from tests.conformance.actors.cast import Halt, Note, Player, Stage, Work, make_simulation


class SteppedWall:
    """A wall clock that moves by what is waited, and by a nanosecond at each look."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.waits = 0

    def monotonic_ns(self) -> int:
        self.now_ns += 1
        return self.now_ns

    def wait(self, event: threading.Event, seconds: float) -> None:
        self.waits += 1
        self.now_ns += int(seconds * 1e9)


def beat(ctx: ActorContext, message: Any, player: Player) -> None:
    """Fire each 10 ms, and say aloud what a person said."""
    if isinstance(message, Note):
        ctx.publish("said", message)
    else:
        ctx.after(10_000_000)


def paced_stage(wall: SteppedWall) -> tuple[Stage, Pacer]:
    stage = make_simulation(wall=wall)
    stage.add("a", beat)
    return stage, Pacer(stage.kernel, pace=10.0)


def test_pace_stretches_wall_time() -> None:
    wall = SteppedWall()
    stage, pacer = paced_stage(wall)
    pacer.run_until(1_000_000_000)
    assert stage.kernel.now_ns() == 1_000_000_000
    assert abs(wall.now_ns - 100_000_000) < 1_000_000
    assert len(stage.heard("a")) == 100


def test_input_is_stamped_when_admitted_and_replays_unpaced() -> None:
    stage, pacer = paced_stage(SteppedWall())
    pacer.run_until(105_000_000)
    pacer.admit("panel", "a", Note(text="hello"))
    pacer.run_until(200_000_000)
    (envelope,) = stage.tape.inputs
    assert envelope.delivered_ns == 105_000_001
    again = make_simulation()
    again.add("a", beat)
    again.kernel.admit_at(envelope.delivered_ns, "panel", "a", envelope.message)
    again.kernel.run_until(200_000_000)
    assert again.tape.inputs == stage.tape.inputs
    assert again.tape.envelopes == stage.tape.envelopes


def test_data_is_held_and_control_admitted_under_pressure() -> None:
    limits = InboxLimits(high_water=1, hard_cap=100)
    stage = make_simulation(
        Settings(inbox=limits, thinking_ns={"player": 1_000}), wall=SteppedWall()
    )
    stage.add("a")
    pacer = Pacer(stage.kernel, pace=1.0)
    stage.kernel.run_until(1_000)
    for text in "1234":
        stage.kernel.admit_at(1_001, "feed", "a", Note(text=text))
    stage.kernel.run_until(1_001)
    pacer.admit("feed", "a", Note(text="held"))
    pacer.admit("panel", "a", Halt())
    pacer.run_until(20_000)
    assert stage.words("a") == ["1", "halt", "2", "3", "4", "held"]


def test_interrupt_stops_between_two_messages_and_the_run_goes_on() -> None:
    stage = make_simulation()

    def script(ctx: ActorContext, message: Any, player: Player) -> None:
        ctx.after(1)
        if ctx.now_ns() == 500:
            os.kill(os.getpid(), signal.SIGINT)

    stage.add("a", script)
    with stop_on_interrupt(stage.kernel):
        stage.kernel.run_until(1_000)
    assert stage.kernel.stop_reason == "SIGINT"
    assert 500 <= stage.kernel.now_ns() < 1_000
    stage.kernel.stop_reason = ""
    stage.kernel.run_until(1_000)
    assert len(stage.heard("a")) == 1_000


def test_interrupt_while_waiting_for_an_effect_leaves_it_outstanding() -> None:
    released = threading.Event()
    effects = ThreadedEffects({Work: lambda work: released.wait(20)})
    stage = make_simulation(effects=effects)

    def script(ctx: ActorContext, message: Any, player: Player) -> None:
        if isinstance(message, Resumed):
            ctx.start(Work(number=1))

    stage.add("a", script)
    threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with stop_on_interrupt(stage.kernel):
        stage.kernel.run()
    assert stage.heard("a") == []
    released.set()
    stage.kernel.stop_reason = ""
    stage.kernel.run()
    assert stage.heard("a") == [(1_000_000_000, "EffectDone", "1")]
