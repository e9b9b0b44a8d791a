"""The small parts: references, protocols, registry, recording context, engine order."""

from typing import Any

import pytest

from environment.actors import Actor, ActorContext, Constant, Protocol, UniformLink
from environment.actors.envelope import CONTROL
from environment.actors.ports import NoEngine
from environment.actors.reference import Directory, checked_address
from environment.actors.testing import RecordingContext, Sent, TimerSet
from environment.errors import ConfigError, Defect
from environment.messages import Message, OrderFilled, Resumed, SubmitOrder, TimerFired
from tests.conformance.actors.cast import (
    Answer,
    Note,
    Player,
    Question,
    Work,
    at_start,
    make_simulation,
    ref,
)


class OtherNote(Message, frozen=True, kw_only=True, tag="Note"):
    """A second class of the same tag."""


def test_protocol_of_an_actor_is_what_it_declares() -> None:
    class Small(Actor[Note | TimerFired]):
        """Accepts two."""

    assert frozenset({Note, TimerFired}) == Small.ACCEPTS
    assert Resumed in Player.ACCEPTS


def test_registry_refuses_two_classes_of_one_tag() -> None:
    with pytest.raises(ConfigError, match="tag 'Note'"):
        Protocol((Note,), (OtherNote,))


def test_registry_decodes_what_was_sent() -> None:
    protocol = Protocol((Note, Work))
    data = b"\x82\xa4type\xa4Note\xa4text\xa2hi"
    assert protocol.messages.decode(data) == Note(text="hi")


@pytest.mark.parametrize("address", ["", "a b", "a>b", "/a", "a//b"])
def test_address_that_would_confuse_streams_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="address like"):
        checked_address(address)


def test_directory_finds_only_who_is_there() -> None:
    directory: Directory[Note] = Directory({"a"}.__contains__)
    assert directory["a"] == ref("a")
    with pytest.raises(KeyError, match="'b'"):
        _ = directory["b"]


@pytest.mark.parametrize("message_class", [OrderFilled, SubmitOrder])
def test_money_goes_by_the_control_lane(message_class: type[Message]) -> None:
    assert (message_class.LANE, message_class.MONEY) == ("control", True)


def do_everything(ctx: ActorContext, message: Any, player: Player) -> None:
    """Use each verb once."""
    ctx.send(ref("b"), Note(text="sent"), evidence=(4,))
    ctx.publish("topic", Note(text="published"))
    ctx.subscribe("topic", interval_ns=5)
    ctx.request(ref("b"), Question(), 99)
    ctx.reply(message, Answer(text="!"))
    ctx.cancel_timer(ctx.after(10, "beat"))
    ctx.start(Work(number=3))


def test_recording_context_keeps_what_was_asked() -> None:
    ctx = RecordingContext(now_ns=7)
    ctx.handle(Player(do_everything), Question(), sender="asker", request_id=5)
    assert ctx.sent == [Sent("b", Note(text="sent"), (4,))]
    assert ctx.published[0].to == "topic"
    assert ctx.subscriptions == {"topic": 5}
    assert ctx.requested == [Sent("b", Question(), (), 1)]
    assert ctx.replies == [Sent("asker", Answer(text="!"), (), 5)]
    assert (ctx.timers_set, ctx.cancelled) == ([TimerSet(1, "beat", 17)], [1])
    assert ctx.started == [(1, Work(number=3))]


def test_recording_context_keeps_nothing_of_a_handler_that_raised() -> None:
    ctx = RecordingContext()
    with pytest.raises(ValueError, match="request being handled"):
        ctx.handle(Player(do_everything), Question())
    assert ctx.sent == []


class Echo(NoEngine):
    """An engine that acts at one moment."""

    addresses = frozenset({"engine"})

    def __init__(self, act_ns: int) -> None:
        self.log: list[str] = []
        self._act_ns: int | None = act_ns

    def heard(self, topic: str) -> None:
        """Every topic is published here."""

    def next_ns(self) -> int | None:
        return self._act_ns

    def advance(self, until_ns: int) -> None:
        self.log.append(f"engine at {self._act_ns}")
        self._act_ns = None

    def post(self, arrival_ns: int, envelope: Any) -> None:
        self.log.append(f"{envelope.sender} posts for {arrival_ns}")
        self._act_ns = arrival_ns


def test_engine_goes_before_actors_at_one_moment() -> None:
    engine = Echo(10)
    stage = make_simulation(engine=engine)
    stage.add(
        "a", lambda ctx, m, p: ctx.after(10) if type(m) is Resumed else engine.log.append("a")
    )
    stage.kernel.run()
    assert engine.log == ["engine at 10", "a"]


def test_what_is_sent_to_an_engine_is_posted_at_once_with_its_arrival() -> None:
    engine = Echo(1_000)
    stage = make_simulation(engine=engine, link=UniformLink(Constant(nanoseconds=30)))
    stage.add("a", at_start(lambda ctx: ctx.send(ref("engine"), Note(text="order"))))
    stage.add("b", at_start(lambda ctx: ctx.after(31)))
    stage.kernel.run_until(20)
    assert engine.log == ["a posts for 30"]
    stage.kernel.run()
    assert engine.log[-1] == "engine at 30"


def test_engine_cannot_deliver_into_the_past_or_to_nobody() -> None:
    stage = make_simulation()
    stage.add("a")
    stage.kernel.run_until(10)
    for at_ns, recipient in ((5, "a"), (15, "nobody")):
        with pytest.raises(Defect, match=f"to {recipient} at {at_ns} ns"):
            stage.kernel.deliver(at_ns, "engine", recipient, Note(text=""), CONTROL)


def test_statistics_measure_without_deciding() -> None:
    stage = make_simulation(link=UniformLink(Constant(nanoseconds=100)))
    stage.add("a", at_start(lambda ctx: ctx.send(ref("b"), Note(text="x"))))
    stage.add("b")
    stage.kernel.run()
    statistics = stage.kernel.statistics()
    assert statistics.handled == 3
    assert {row.message for row in statistics.slowest} == {"Note"}
    assert statistics.latency[0].below_ns == 128
