"""Who goes first: one connection keeps its order, input precedes its moment, wake-ups are fresh."""

from typing import Any

import pytest

from environment.actors import ActorContext, Constant, Lognormal, Settings, Supervisor, UniformLink
from environment.messages import Resumed
from tests.conformance.actors.cast import MakeStage, Note, Player, ref, timed

WORDS = [str(number) for number in range(60)]


def say_all_at_once(ctx: ActorContext, message: Any, player: Player) -> None:
    """Send every word at the beginning."""
    for word in WORDS:
        ctx.send(ref("b"), Note(text=word))


def say_one_by_one(ctx: ActorContext, message: Any, player: Player) -> None:
    """Send a word each 10 ns."""
    said = len(player.state.heard) - 1
    if said < len(WORDS):
        ctx.send(ref("b"), Note(text=WORDS[said]))
        ctx.after(10)


@pytest.mark.parametrize("script", [say_all_at_once, say_one_by_one])
@pytest.mark.parametrize("ties", ["sequence", "seeded"])
@pytest.mark.parametrize("latency", [Constant(nanoseconds=50), Lognormal(median_ns=500, sigma=2.0)])
def test_nothing_overtakes_on_one_connection(
    make_stage: MakeStage, script: Any, ties: Any, latency: Any
) -> None:
    stage = make_stage(Settings(ties=ties), link=UniformLink(latency))
    stage.add("a", script)
    stage.add("b")
    stage.kernel.run()
    assert stage.words("b") == WORDS


def test_input_goes_before_all_else_of_its_moment(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.add("a", lambda ctx, m, p: ctx.after(100, "beat") if isinstance(m, Resumed) else None)
    stage.kernel.run_until(50)
    stage.kernel.admit_at(100, "panel", "a", Note(text="input"))
    stage.kernel.run()
    assert stage.words("a") == ["input", "beat"]


def test_wake_up_of_an_ended_incarnation_wakes_nobody(make_simulated: MakeStage) -> None:
    def crash(ctx: ActorContext, message: Any, player: Player) -> None:
        if isinstance(message, Note):
            raise ValueError

    tree = Supervisor(policy="rest_for_one", back_off_ns=10, children=("b", "c"))
    stage = make_simulated(Settings(supervision=tree, thinking_ns={"player": 1_000}))
    stage.add("b", crash)
    stage.add("c")
    for at_ns, recipient in ((1_001, "c"), (1_002, "c"), (1_500, "b")):
        stage.kernel.admit_at(at_ns, "panel", recipient, Note(text=str(at_ns)))
    stage.kernel.run()
    # Busy to 2001 when b takes it down; back at 1510, and busy with Resumed to 2510.
    assert stage.heard("c") == [(2_510, "Note", "1002")]


def test_dense_time_handles_each_message_once(make_stage: MakeStage) -> None:
    """So many hops of 1 ns that the queue changes its width in the midst of a bucket."""
    hops, tokens = 100, 100

    def relay(ctx: ActorContext, message: Any, player: Player) -> None:
        left = [str(hops)] * tokens if isinstance(message, Resumed) else [message.text]
        for text in left:
            if text != "0":
                ctx.send(ref("a"), Note(text=str(int(text) - 1)))

    stage = make_stage()
    stage.add("a", relay)
    stage.kernel.run()
    assert len(stage.heard("a")) == hops * tokens
    assert stage.kernel.now_ns() == timed(stage, hops)
