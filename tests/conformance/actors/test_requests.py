"""Exactly one of reply and RequestExpired; what comes later is counted."""

from typing import Any

import pytest

from environment.actors import ActorContext, Constant, Settings, UniformLink
from environment.messages import Resumed
from tests.conformance.actors.cast import Answer, MakeStage, Note, Player, Question, at_start, ref


def ask(deadline_ns: int) -> Any:
    """Return a script that asks b once."""
    return at_start(lambda ctx: ctx.request(ref("b"), Question(), deadline_ns))


def answer(ctx: ActorContext, message: Any, player: Player) -> None:
    """Answer every question at once."""
    if isinstance(message, Question):
        ctx.reply(message, Answer(text="!"))


def answer_later(ctx: ActorContext, message: Any, player: Player) -> None:
    """Keep the right to answer, and use it 50 ns later, twice."""
    if isinstance(message, Question):
        player.state.kept.append(ctx.reply_to(message))
        ctx.after(50)
    elif not isinstance(message, Resumed):
        for _ in range(2):
            ctx.reply(player.state.kept[0], Answer(text="later"))


@pytest.mark.parametrize(
    ("deadline_ns", "heard"),
    [(1, "RequestExpired"), (2, "Answer"), (3, "Answer")],
)
def test_reply_of_the_deadlines_moment_is_in_time(
    make_simulated: MakeStage, deadline_ns: int, heard: str
) -> None:
    stage = make_simulated()
    stage.add("a", ask(deadline_ns))
    stage.add("b", answer)
    stage.kernel.run()
    assert [name for _, name, _ in stage.heard("a")] == [heard]


def test_reply_after_the_deadline_is_counted_and_not_delivered(make_stage: MakeStage) -> None:
    stage = make_stage(link=UniformLink(Constant(nanoseconds=10)))
    stage.add("a", ask(40))
    stage.add("b", answer_later)
    stage.kernel.run()
    assert [name for _, name, _ in stage.heard("a")] == ["RequestExpired"]
    assert stage.kernel.statistics().actors[0].late_replies == 2


def test_second_reply_is_counted_and_not_delivered(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.add("a", ask(1_000))
    stage.add("b", answer_later)
    stage.kernel.run()
    assert stage.words("a") == ["later"]
    assert stage.kernel.statistics().actors[0].late_replies == 1


def test_reply_that_waits_in_a_busy_inbox_beats_the_deadline(make_simulated: MakeStage) -> None:
    stage = make_simulated(Settings(thinking_ns={"player": 100}))
    stage.add("a", at_start(lambda ctx: [ctx.request(ref("b"), Question(), 250), ctx.after(195)]))
    stage.add("b", answer)  # Asked at 101, answers at 201, arrives at 202; a is busy to 295.
    stage.kernel.run()
    assert [name for _, name, _ in stage.heard("a")] == ["TimerFired", "Answer"]


def test_request_class_is_required(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.add("a", at_start(lambda ctx: ctx.request(ref("b"), Note(text=""), 10)))
    stage.add("b")
    stage.kernel.run_until(0)
    assert "use send" in stage.kernel.dead_letters[0].error


def test_reply_to_a_message_not_in_hand_is_a_defect(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.add("a", at_start(lambda ctx: ctx.reply(Question(), Answer(text="!"))))
    stage.kernel.run_until(0)
    assert "request being handled" in stage.kernel.dead_letters[0].error
