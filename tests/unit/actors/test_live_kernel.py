"""What a live kernel does beyond the shared rules: alarms, the door, syncs, and its clock."""

from typing import Any

import pytest

from environment.actors import CLOCK_TOPIC, Alarm, InboxLimits, LiveSettings, Settings, Supervisor
from environment.actors.admission import Admission
from environment.actors.inbox import Pressure
from environment.actors.ports import NoRecorder
from environment.errors import ConfigError
from environment.messages import ClockStepped, EffectFailed, Resumed
from tests.conformance.actors.cast import (
    DurablePlayer,
    Halt,
    Note,
    Player,
    Stage,
    Tape,
    Work,
    at_start,
    ref,
)
from tests.conformance.actors.live_stage import make_live

ONE_EACH = LiveSettings(messages_per_visit=1, messages_per_turn=1)


def crash(ctx: Any, message: Any, player: Player) -> None:
    """Raise on the word boom."""
    if getattr(message, "text", "") == "boom":
        raise ValueError("boom")


def alarms_of(stage: Stage) -> list[Alarm]:
    """Return the list into which a stage's alarms go from now on."""
    alarms: list[Alarm] = []
    stage.kernel.on_alarm(alarms.append)
    return alarms


def test_dead_letter_of_money_lowers_the_desk_and_the_actor_comes_back() -> None:
    stage = make_live()
    alarms = alarms_of(stage)
    stage.add("a", at_start(lambda ctx: ctx.send(ref("b"), Halt(text="boom"))))
    stage.add("b", crash)
    stage.kernel.run()
    assert [alarm.kind for alarm in alarms] == ["money_dead_letter"]
    assert "b failed on a Halt from a: ValueError: boom" in alarms[0].text
    assert alarms[0].chain == stage.kernel.dead_letters[0].envelope.chain > 0
    assert len(stage.players["b"]) == 2


def test_full_inbox_drops_data_and_takes_control() -> None:
    def talk(ctx: Any) -> None:
        for word in "123456":
            ctx.send(ref("b"), Note(text=word))
        ctx.send(ref("b"), Halt())

    stage = make_live(Settings(inbox=InboxLimits(high_water=2, hard_cap=4)))
    alarms = alarms_of(stage)
    stage.add("a", at_start(talk))
    stage.add("b")
    stage.kernel.run()
    assert [alarm.kind for alarm in alarms] == ["inbox_overflow"]
    assert stage.words("b") == ["halt", "1", "2", "3"]
    assert stage.kernel.statistics().dropped == 3


def test_actor_out_of_restarts_stays_down_and_the_others_go_on() -> None:
    stage = make_live(Settings(supervision=Supervisor(restarts=0)))
    alarms = alarms_of(stage)
    stage.add("a", at_start(lambda ctx: ctx.send(ref("b"), Note(text="boom"))))
    stage.add("b", crash)
    stage.add("c")
    stage.kernel.run()
    stage.kernel.admit("test", "c", Note(text="still here"))
    stage.kernel.run()
    assert [alarm.kind for alarm in alarms] == ["restarts_exhausted"]
    assert (len(stage.players["b"]), stage.words("c")) == (1, ["still here"])
    assert stage.kernel.floor.given_up == ["b"]


def test_door_holds_data_while_an_inbox_presses_and_lets_control_in() -> None:
    stage = make_live(Settings(inbox=InboxLimits(high_water=2)), ONE_EACH)
    kernel = stage.kernel
    stage.add("a")
    kernel.turn()
    for word in "1234":
        kernel.admit("feed", "a", Note(text=word))
    kernel.turn()
    assert kernel.is_pressed()
    kernel.admit("feed", "a", Note(text="held"))
    kernel.admit("panel", "a", Halt())
    kernel.turn()
    assert stage.words("a")[-1] == "halt"
    assert kernel.statistics().at_the_door == 1
    kernel.run()
    assert stage.words("a")[-1] == "held"


def test_no_more_than_a_part_of_what_waited_at_the_door_comes_in_at_once() -> None:
    pressure = Pressure()
    door = Admission(pressure)
    for number in range(5_000):
        door.put((0, Note(text=str(number))))
    taken = [door.take() for _ in range(6)]
    assert max(map(len, taken)) < 1_100
    assert [entrant[1].text for part in taken for entrant in part] == list(map(str, range(5_000)))
    assert not door.is_waiting()


def test_admission_to_nobody_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="nobody, where no actor is"):
        make_live().kernel.admit("panel", "nobody", Note(text="?"))


def test_reply_to_an_address_that_is_gone_is_counted() -> None:
    stage = make_live()
    alarms = alarms_of(stage)
    stage.add("a", at_start(lambda ctx: ctx.send(ref("gone"), Halt())))
    stage.kernel.run()
    assert stage.kernel.statistics().undeliverable == 1
    assert [alarm.kind for alarm in alarms] == ["undeliverable"]


def listening() -> tuple[Stage, list[Any]]:
    """Return a stage on which one actor hears what the kernel says about the clock."""
    heard: list[Any] = []
    stage = make_live()

    def script(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Resumed):
            ctx.subscribe(CLOCK_TOPIC)

    class Listener(Player):
        def receive(self, ctx: Any, message: Any) -> None:
            if isinstance(message, ClockStepped):
                heard.append((ctx.now_ns(), message))
            else:
                script(ctx, message, self)

    stage.add("a", cast=Listener)
    stage.kernel.run()
    return stage, heard


def test_clock_step_is_published_and_time_stands_still_after_one_back() -> None:
    stage, heard = listening()
    kernel = stage.kernel
    alarms = alarms_of(stage)
    kernel.time.now_ns = 10_000_000_000
    kernel.turn()
    kernel.time.stepped_ns = -4_000_000_000
    kernel.look_at_clock()
    kernel.run()
    assert heard == [(10_000_000_000, ClockStepped(by_ns=-4_000_000_000, behind_ns=4_000_000_000))]
    assert [alarm.kind for alarm in alarms] == ["clock_step"]
    kernel.time.now_ns += 3_000_000_000
    kernel.turn()
    assert (kernel.now_ns(), kernel.statistics().clock_behind_ns) == (10_000_000_000, 1_000_000_000)


def test_clock_behind_the_record_is_said_at_the_start_and_when_it_is_passed() -> None:
    stage, heard = listening()
    kernel = stage.kernel
    alarms = alarms_of(stage)
    kernel.clock.begin_after(3_000)
    for now_ns in (0, 1_000, 3_000, 4_000):
        kernel.time.now_ns = now_ns
        kernel.look_at_clock()
        kernel.turn()
    told = [message for _, message in heard]
    assert told == [ClockStepped(by_ns=0, behind_ns=3_000), ClockStepped(by_ns=0)]
    assert alarms == []


def test_clock_that_is_slewed_is_followed_without_an_event() -> None:
    stage, heard = listening()
    stage.kernel.time.stepped_ns = 900_000_000
    stage.kernel.look_at_clock()
    stage.kernel.turn()
    assert (heard, stage.kernel.now_ns()) == ([], 900_000_000)


def test_timer_counts_on_the_steady_clock_through_a_step() -> None:
    stage = make_live()
    alarms_of(stage)
    stage.add("a", at_start(lambda ctx: ctx.after(5_000_000_000, "beat")))
    stage.kernel.turn()
    stage.kernel.time.stepped_ns = 3_600_000_000_000
    stage.kernel.look_at_clock()
    stage.kernel.run_until(4_999_999_999)
    assert stage.words("a") == []
    stage.kernel.run_until(5_000_000_000)
    assert stage.words("a") == ["beat"]


def test_cancelled_timer_that_waits_in_the_inbox_does_not_fire() -> None:
    def script(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Resumed):
            ctx.after(100, "first")
            ctx.after(100, "second")
        else:
            ctx.cancel_timer(2)

    stage = make_live()
    stage.add("a", script)
    stage.kernel.run()
    assert stage.words("a") == ["first"]


def test_time_begins_after_the_last_that_was_written() -> None:
    stage = make_live()
    stage.kernel.clock.begin_after(7_000)
    stage.add("a")
    stage.kernel.run()
    assert (stage.kernel.now_ns(), stage.kernel.clock.behind_ns()) == (7_000, 7_000)


class Slow(Tape):
    """A record whose syncs a test decides; notes when it was written."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.durable = 0

    def step(self, number: int, *more: Any) -> None:
        super().step(number, *more)
        self.said.append("step")

    def flush(self) -> int:
        self.said.append("written")
        return len(self.steps)

    def synced(self) -> int:
        return self.durable


def tell_c(ctx: Any, message: Any, player: Player) -> None:
    """Pass each note on to c."""
    if isinstance(message, Note):
        ctx.send(ref("c"), message)


def test_step_is_written_before_its_mail_is_delivered() -> None:
    tape = Slow()
    stage = make_live(recorder=tape)
    stage.add("b", tell_c, DurablePlayer)
    stage.add("c", lambda ctx, message, player: tape.said.append(type(message).__name__))
    stage.kernel.run()
    tape.said.clear()
    stage.kernel.admit("test", "b", Note(text="1"))
    stage.kernel.run()
    assert tape.said == ["step", "written", "Note"]


def test_write_that_fails_lets_nothing_go() -> None:
    class Full(NoRecorder):
        def flush(self) -> int:
            raise OSError("disk full")

    stage = make_live(recorder=Full())
    stage.add("c")
    stage.kernel.run()
    stage.add("b", at_start(lambda ctx: ctx.send(ref("c"), Note(text="never"))), DurablePlayer)
    with pytest.raises(OSError, match="disk full"):
        stage.kernel.run()
    assert stage.heard("c") == []
    assert not stage.kernel.floor.cells["c"].inbox


def test_sync_durability_holds_mail_until_the_step_is_durable() -> None:
    tape = Slow()
    stage = make_live(live=LiveSettings(durability="sync"), recorder=tape)
    stage.add("b", tell_c, DurablePlayer)
    stage.add("c")
    stage.kernel.admit("test", "b", Note(text="1"))
    stage.kernel.run()
    assert (len(tape.steps), stage.words("c")) == (2, [])
    tape.durable = 1
    stage.kernel.run()
    assert stage.words("c") == []
    tape.durable = 2
    stage.kernel.run()
    assert stage.words("c") == ["1"]


class Later:
    """Performs effects when a test says so."""

    def __init__(self) -> None:
        self.tells: list[Any] = []

    never_ends = True

    def start(self, address: str, effect_id: int, effect: Any) -> "Later":
        return self

    def when_done(self, effect_id: int, tell: Any) -> None:
        self.tells.append(lambda: tell(EffectFailed(effect_id=effect_id, reason="test")))

    def outcome(self, effect_id: int, is_stopping: Any) -> None:
        raise AssertionError("a live kernel waits for nothing")

    def void(self) -> None:
        """It ends anyway, as a thread that runs does."""

    def close(self) -> None:
        """Nothing is open."""


def test_outcome_of_an_ended_incarnation_is_not_delivered() -> None:
    effects = Later()

    def script(ctx: Any, message: Any, player: Player) -> None:
        crash(ctx, message, player)
        if isinstance(message, Resumed):
            ctx.start(Work(number=1))

    stage = make_live(effects=effects)
    stage.add("a", script)
    stage.kernel.run()
    stage.kernel.admit("test", "a", Note(text="boom"))
    stage.kernel.run()
    for tell in effects.tells:
        tell()
    stage.kernel.run()
    assert [row[1:] for row in stage.heard("a")] == [("EffectFailed", "2")]  # The new one's own.


def test_slow_handler_is_counted_by_kind() -> None:
    stage = make_live()

    def think(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Note):
            stage.kernel.time.now_ns += 7_000_000

    stage.add("a", think)
    stage.kernel.admit("test", "a", Note(text="1"))
    stage.kernel.run()
    (slow,) = stage.kernel.statistics().slow
    assert (slow.kind, slow.times, slow.longest_ns) == ("player", 1, 7_000_000)


def test_control_flood_does_not_starve_data() -> None:
    def again(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Halt) and len(player.state.heard) < 2_000:
            ctx.send(ref("a"), Halt())

    stage = make_live(live=LiveSettings(messages_per_visit=1, messages_per_turn=500))
    stage.add("a", again)
    stage.add("b")
    stage.kernel.admit("test", "a", Halt())
    stage.kernel.admit("test", "b", Note(text="heard"))
    stage.kernel.turn()
    assert stage.words("b") == ["heard"]
