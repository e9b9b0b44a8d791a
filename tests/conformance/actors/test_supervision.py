"""What fails comes back as its supervisor says, with its mail and without its waits."""

from typing import Any

import pytest

from environment.actors import ActorContext, Settings, Supervisor
from environment.errors import RestartsExhausted
from environment.messages import OpenOrder, Resumed
from tests.conformance.actors.cast import (
    Answer,
    DurablePlayer,
    MakeStage,
    Note,
    Player,
    Question,
    Work,
    at_start,
    ref,
)

BACK_OFF_NS = 100


def tree(*children: Any, policy: Any = "one_for_one", restarts: int = 3) -> Settings:
    """Return settings of one supervisor."""
    root = Supervisor(
        policy=policy, restarts=restarts, within_ns=10_000, back_off_ns=BACK_OFF_NS,
        children=children,
    )  # fmt: skip
    return Settings(supervision=root)


def crash(ctx: ActorContext, message: Any, player: Player) -> None:
    """Raise on the word boom."""
    if getattr(message, "text", "") == "boom":
        raise ValueError("boom")


def say_at(times: dict[int, str], to: str = "b") -> Any:
    """Return a script that says a word at each time."""

    def script(ctx: ActorContext, message: Any, player: Player) -> None:
        if isinstance(message, Resumed):
            for at_ns, word in times.items():
                ctx.after(at_ns - player.latency_ns, word)
        else:
            ctx.send(ref(to), Note(text=message.name))

    return script


def test_failed_actor_is_down_for_the_back_off_and_keeps_its_mail(make_stage: MakeStage) -> None:
    stage = make_stage(tree())
    stage.add("a", say_at({10: "boom", 20: "waits", 200: "later"}))
    stage.add("b", crash)
    stage.kernel.run()
    assert stage.heard("b") == [(110, "Note", "waits"), (200, "Note", "later")]
    assert stage.kernel.statistics().actors[1].incarnation == 2


def test_first_message_of_an_incarnation_says_what_it_has_in_the_market(
    make_stage: MakeStage,
) -> None:
    order = OpenOrder(order_id="1", instrument="X", side="buy", price=5, leaves=2)
    stage = make_stage(tree(), resumed=lambda address: Resumed(open_orders=(order,)))
    seen: list[Any] = []

    def script(ctx: ActorContext, message: Any, player: Player) -> None:
        seen.append(message)
        crash(ctx, message, player)

    stage.add("a", say_at({10: "boom"}))
    stage.add("b", script)
    stage.kernel.run()
    assert [getattr(message, "open_orders", None) for message in seen] == [(order,), None, (order,)]


def test_back_off_doubles(make_stage: MakeStage) -> None:
    stage = make_stage(tree())
    stage.add("a", say_at({10: "boom", 150: "boom"}))
    stage.add("b", crash)
    stage.kernel.run()
    resumed = [rows.state.heard[0][0] for rows in stage.players["b"]]
    assert resumed == [0, 110, 350]


def test_rest_for_one_restarts_those_listed_after(make_stage: MakeStage) -> None:
    stage = make_stage(tree("a", "b", "c", policy="rest_for_one"))
    for address, script in (("c", None), ("b", crash), ("a", say_at({10: "boom"}))):
        stage.add(address, script)
    stage.kernel.run()
    assert [len(stage.players[address]) for address in "abc"] == [1, 2, 2]


def test_supervisor_out_of_restarts_fails_itself(make_stage: MakeStage) -> None:
    inner = Supervisor(name="inner", restarts=1, back_off_ns=10, children=("b", "c"))
    stage = make_stage(tree(inner, "d"))
    stage.add("a", say_at({10: "boom", 50: "boom"}))
    for address, script in (("b", crash), ("c", None), ("d", None)):
        stage.add(address, script)
    stage.kernel.run()
    assert [len(stage.players[address]) for address in "bcd"] == [3, 2, 1]


def test_root_out_of_restarts_ends_the_run(make_stage: MakeStage) -> None:
    stage = make_stage(tree(restarts=0))
    stage.add("a", say_at({10: "boom"}))
    stage.add("b", crash)
    with pytest.raises(RestartsExhausted, match="b failed at 10 ns"):
        stage.kernel.run()


def test_dead_letter_names_message_and_traceback(make_stage: MakeStage) -> None:
    stage = make_stage(tree())
    stage.add("a", say_at({10: "boom"}))
    stage.add("b", crash)
    stage.kernel.run()
    (letter,) = stage.kernel.dead_letters
    assert (letter.address, letter.incarnation, letter.envelope.message.text) == ("b", 1, "boom")
    assert "crash" in letter.traceback
    assert stage.tape.failed == [(10, 1, "ValueError")]


def wait_for_all(ctx: ActorContext, message: Any, player: Player) -> None:
    """Set a timer, ask, and start work on the word wait; raise on boom."""
    crash(ctx, message, player)
    if getattr(message, "text", "") == "wait":
        ctx.after(50)
        ctx.request(ref("c"), Question(), ctx.now_ns() + 60)
        ctx.start(Work(number=1))


def answer_late(ctx: ActorContext, message: Any, player: Player) -> None:
    """Answer a question 5 ns later."""
    if isinstance(message, Question):
        player.state.kept.append(ctx.reply_to(message))
        ctx.after(5)
    elif not isinstance(message, Resumed):
        ctx.reply(player.state.kept[0], Answer(text="!"))


class Unwanted:
    """Starts effects whose outcomes nobody may wait for."""

    never_ends = True

    def when_done(self, effect_id: int, tell: Any) -> None:
        """It never is."""

    def start(self, address: str, effect_id: int, effect: Any) -> "Unwanted":
        return self

    def outcome(self, effect_id: int, is_stopping: Any) -> None:
        raise AssertionError("a voided effect was waited for")

    def void(self) -> None:
        """Nothing to give up."""

    def close(self) -> None:
        """Nothing is open."""


def test_restart_ends_timers_requests_and_effects(make_stage: MakeStage) -> None:
    stage = make_stage(tree(), effects=Unwanted())
    stage.add("a", say_at({10: "wait", 12: "boom"}))
    stage.add("b", wait_for_all)
    stage.add("c", answer_late)
    stage.kernel.run()
    assert stage.heard("b") == []
    assert stage.kernel.statistics().actors[1].late_replies == 1


def test_durable_actor_comes_back_as_before_the_failed_message(make_stage: MakeStage) -> None:
    def script(ctx: ActorContext, message: Any, player: Player) -> None:
        player.state.total += ctx.rng.uniform()
        if not isinstance(message, Resumed):
            ctx.send(ref("c"), Note(text=message.text))
        crash(ctx, message, player)

    words = {10 + number: str(number) for number in range(100)}
    stage = make_stage(tree())
    stage.add("a", say_at({**words, 200: "boom"}))
    stage.add("b", script, DurablePlayer)
    stage.add("c")
    stage.kernel.run_until(299)
    before = stage.players["b"][0].state
    stage.kernel.run()
    after = stage.players["b"][1].state
    assert after.heard[:-1] == before.heard[:-1]  # All but the failed one, then Resumed.
    assert stage.words("c") == list(words.values())
    assert [step[0] for step in stage.tape.steps] == list(range(1, 103))


def test_two_supervisors_of_one_actor_are_refused(make_stage: MakeStage) -> None:
    inner = Supervisor(name="inner", children=("a",))
    with pytest.raises(Exception, match="a has two supervisors"):
        make_stage(tree(inner, "a"))


def test_failure_in_the_first_message_is_supervised_too(make_stage: MakeStage) -> None:
    stage = make_stage(tree(restarts=2))
    stage.add("a", at_start(lambda ctx: 1 // 0))
    with pytest.raises(RestartsExhausted):
        stage.kernel.run()
    assert len(stage.players["a"]) == 3
