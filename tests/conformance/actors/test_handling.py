"""A handler is a transaction, lanes keep order, nobody waits, time passes while thinking."""

from typing import Any

import pytest

from environment.actors import ActorContext, InboxLimits, Settings, Supervisor
from environment.errors import ConfigError, InboxOverflow, MoneyDeadLetter
from environment.messages import Resumed
from tests.conformance.actors.cast import Halt, MakeStage, Note, Player, at_start, ref


def crash_on(word: str) -> Any:
    """Return a script that sends and then raises when it hears the word."""

    def script(ctx: ActorContext, message: Any, player: Player) -> None:
        if getattr(message, "text", "") == word:
            ctx.send(ref("other"), Note(text="never"))
            ctx.after(1, "never")
            raise ValueError(word)

    return script


def say(*words: str, to: str = "b") -> Any:
    """Return a script that says words to one actor at the beginning."""

    def talk(ctx: ActorContext) -> None:
        for word in words:
            ctx.send(ref(to), Note(text=word))

    return at_start(talk)


def test_handler_that_raises_discards_its_outbox(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.add("a", say("boom"))
    stage.add("b", crash_on("boom"))
    stage.add("other")
    stage.kernel.run()
    assert stage.heard("other") == []
    assert [letter.address for letter in stage.kernel.dead_letters] == ["b"]


def test_messages_of_one_sender_arrive_in_order(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.add("a", say("1", "2", "3"))
    stage.add("b")
    stage.kernel.run()
    assert stage.words("b") == ["1", "2", "3"]


def test_control_goes_before_data_that_waits(make_stage: MakeStage) -> None:
    def talk(ctx: ActorContext) -> None:
        for word in ("1", "2", "3"):
            ctx.send(ref("b"), Note(text=word))
        ctx.send(ref("b"), Halt())

    stage = make_stage(Settings(thinking_ns={"player": 100}))
    stage.add("a", at_start(talk))
    stage.add("b", say("busy", to="a"))
    stage.kernel.run()
    assert stage.words("b") == ["halt", "1", "2", "3"]


def test_thinking_delays_what_leaves_and_what_waits(make_simulated: MakeStage) -> None:
    def script(ctx: ActorContext, message: Any, player: Player) -> None:
        if isinstance(message, Note):
            ctx.send(ref("c"), message)

    stage = make_simulated(Settings(thinking_ns={"player": 100}))
    stage.add("a", say("1", "2"))  # Leaves at 100, arrives at 101.
    stage.add("b", script)
    stage.add("c")
    stage.kernel.run()
    assert [now for now, _, _ in stage.heard("b")] == [101, 201]
    assert [now for now, _, _ in stage.heard("c")] == [202, 302]
    rows = {row.address: row for row in stage.kernel.statistics().actors}
    assert rows["b"].busy_ns == 300


class Listener(Player):
    """A player that hears notes without thinking about them."""

    COSTLESS = frozenset({Note})


def test_what_an_actor_merely_hears_takes_no_time(make_simulated: MakeStage) -> None:
    def script(ctx: ActorContext, message: Any, player: Player) -> None:
        if isinstance(message, Note | Halt):
            ctx.send(ref("c"), Note(text="heard"))

    stage = make_simulated(Settings(thinking_ns={"player": 100}))
    stage.add("a", say("1", "2"))  # Leaves at 100, arrives at 101.
    stage.add("b", script, cast=Listener)
    stage.add("c")
    stage.add("d", at_start(lambda ctx: ctx.send(ref("b"), Halt())))
    stage.kernel.run()
    # The halt goes first and costs a hundred; the notes waited for that, and not for each other.
    assert [now for now, _, _ in stage.heard("b")] == [101, 201, 201]
    assert [now for now, _, _ in stage.heard("c")] == [202, 302, 402]
    rows = {row.address: row for row in stage.kernel.statistics().actors}
    assert rows["b"].busy_ns == 200


def test_waiting_values_of_one_instrument_are_conflated(make_stage: MakeStage) -> None:
    def listen(ctx: ActorContext) -> None:
        ctx.subscribe("quotes", interval_ns=1)

    def talk(ctx: ActorContext, message: Any, player: Player) -> None:
        if isinstance(message, Resumed):
            ctx.after(200)
        else:
            for text in ("busy", "still"):
                ctx.send(ref("b"), Note(text=text))
            for text, instrument in (("1", "X"), ("2", "Y"), ("3", "X"), ("4", "X")):
                ctx.publish("quotes", Note(text=text, instrument=instrument))
            ctx.publish("other", Note(text="unheard"))

    stage = make_stage(Settings(thinking_ns={"player": 100}))
    stage.add("b", at_start(listen))
    stage.add("a", talk)
    stage.kernel.run()
    assert stage.words("b") == ["busy", "still", "4", "2"]  # 4 has the place of 1.
    assert stage.kernel.statistics().actors[0].conflated == 2


def test_subscription_without_interval_hears_all(make_stage: MakeStage) -> None:
    stage = make_stage(Settings(thinking_ns={"player": 10}))
    stage.add("b", at_start(lambda ctx: ctx.subscribe("quotes")))

    def talk(ctx: ActorContext, message: Any, player: Player) -> None:
        if isinstance(message, Resumed):
            ctx.after(50)
        else:
            for number in range(4):
                ctx.publish("quotes", Note(text=str(number), instrument="X"))

    stage.add("a", talk)
    stage.kernel.run()
    assert stage.words("b") == ["0", "1", "2", "3"]


def test_inbox_above_its_mark_presses_until_half_is_handled(make_stage: MakeStage) -> None:
    limits = InboxLimits(high_water=4, hard_cap=100)
    stage = make_stage(Settings(thinking_ns={"player": 10}, inbox=limits))
    pressed = []
    stage.add("a", say(*"123456"))
    stage.add("b", lambda ctx, message, player: pressed.append(stage.kernel.pressure.is_on()))
    stage.kernel.run()
    # It presses while more than half the mark, two, wait besides the one in hand.
    assert (True in pressed, pressed[-2:]) == (True, [False, False])
    assert not stage.kernel.pressure.is_on()


def test_inbox_at_its_hard_cap_ends_the_run_by_name(make_stage: MakeStage) -> None:
    limits = InboxLimits(high_water=2, hard_cap=3)
    stage = make_stage(Settings(thinking_ns={"player": 100}, inbox=limits))
    stage.add("talker", say(*"1234567"))
    stage.add("b")
    with pytest.raises(InboxOverflow, match=r"b holds 3 .* Note from talker at \d+ ns"):
        stage.kernel.run()


def test_dead_letter_of_money_ends_the_run(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.add("a", at_start(lambda ctx: ctx.send(ref("b"), Halt(text="boom"))))
    stage.add("b", crash_on("boom"))
    stage.add("other")
    with pytest.raises(MoneyDeadLetter, match=r"b failed on a Halt from a at \d ns"):
        stage.kernel.run()


def test_reference_to_nobody_is_refused_before_the_first_message(make_stage: MakeStage) -> None:
    stage = make_stage()
    stage.kernel.reference("nobody")
    with pytest.raises(ConfigError, match="nobody"):
        stage.kernel.run()


def test_cancelled_timer_does_not_fire_even_from_the_inbox(make_stage: MakeStage) -> None:
    def script(ctx: ActorContext, message: Any, player: Player) -> None:
        if isinstance(message, Resumed):
            ctx.after(150, "first")
            ctx.after(160, "second")
        elif message.name == "first":
            ctx.cancel_timer(2)

    stage = make_stage(Settings(thinking_ns={"player": 100}, supervision=Supervisor()))
    stage.add("a", script)
    stage.kernel.run()
    assert stage.words("a") == ["first"]
