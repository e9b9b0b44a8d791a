from typing import Any

import msgspec
import pytest

from agents.desk.coordinator import Coordinator, CoordinatorSettings
from agents.desk.proposal import Proposal
from environment.actors.testing import RecordingContext
from environment.control_messages import DeskStateChanged
from environment.messages import Resumed, Signal, TimerFired
from tests.unit.desk.factories import context, quote

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS


def signal(direction: Any = "up", **given: Any) -> Signal:
    values: dict[str, Any] = {
        "instrument": "AAPL", "direction": direction, "probability": 0.6,
        "horizon_ns": 4 * MINUTE_NS, "expected_return": 0.01,
    }  # fmt: skip
    return Signal(**(values | given))


class Desk:
    """A coordinator, its context, and a hand that moves time and fires due timers."""

    def __init__(self, *sources: str) -> None:
        self.actor = Coordinator(
            CoordinatorSettings(instruments=("AAPL",), sources={"AAPL": sources})
        )
        self.ctx: RecordingContext = context("desk/coordinator")
        self.fired: set[int] = set()
        self.ctx.handle(self.actor, Resumed())

    def say(self, source: str, message: Signal) -> "Desk":
        self.ctx.handle(self.actor, message, sender=source)
        return self

    def at(self, now_ns: int, mid: int = 10_000) -> "Desk":
        """Fire what is due up to then, with the market's mid as given at each moment."""
        while True:
            due = [t for t in self.ctx.timers_set
                   if t.timer_id not in self.fired and t.due_ns <= now_ns]  # fmt: skip
            if not due:
                break
            first = min(due, key=lambda t: (t.due_ns, t.timer_id))
            self.fired.add(first.timer_id)
            self.ctx.set_time(first.due_ns)
            self.ctx.handle(self.actor, quote(mid - 1, mid + 1))
            self.ctx.handle(self.actor, TimerFired(timer_id=first.timer_id, name=first.name))
        self.ctx.set_time(now_ns)
        self.ctx.handle(self.actor, quote(mid - 1, mid + 1))
        return self

    @property
    def proposals(self) -> list[Proposal]:
        return [s.message for s in self.ctx.published if isinstance(s.message, Proposal)]


def test_first_view_becomes_a_proposal_at_once() -> None:
    (made,) = Desk("quant/trend").say("quant/trend", signal()).proposals
    assert (made.instrument, made.direction) == ("AAPL", "up")


def test_source_without_a_mandate_is_counted_and_ignored() -> None:
    desk = Desk("quant/trend").say("quant/stranger", signal())
    assert (desk.proposals, desk.actor.state.ignored) == ([], 1)


@pytest.mark.parametrize("given", [
    {"probability": 0.5}, {"probability": float("nan")}, {"probability": 1.2},
    {"horizon_ns": 0}, {"expected_return": float("nan")}, {"dispersion": 2.0},
])  # fmt: skip
def test_view_with_impossible_figures_is_none(given: Any) -> None:
    assert Desk("quant/trend").say("quant/trend", signal(**given)).proposals == []


def test_view_ends_with_its_horizon() -> None:
    desk = Desk("quant/trend").say("quant/trend", signal()).at(4 * MINUTE_NS)
    assert [p.direction for p in desk.proposals] == ["up", "flat"]


def test_abstention_withdraws_a_view_and_is_counted() -> None:
    desk = Desk("quant/trend").say("quant/trend", signal()).at(2 * SECOND_NS)
    desk.say("quant/trend", signal("flat", abstains=True, reasons=("no data",)))
    assert desk.proposals[-1].direction == "flat"
    assert desk.actor.state.abstentions == {"quant/trend": 1}


def test_change_of_mind_waits_for_its_beat() -> None:
    desk = Desk("quant/trend").say("quant/trend", signal())
    desk.say("quant/trend", signal("down"))
    assert len(desk.proposals) == 1
    assert [p.direction for p in desk.at(SECOND_NS).proposals] == ["up", "down"]


def test_same_view_again_is_no_news() -> None:
    desk = Desk("quant/trend").say("quant/trend", signal()).at(5 * SECOND_NS)
    assert len(desk.say("quant/trend", signal()).proposals) == 1


def test_view_is_measured_at_each_multiple_of_its_horizon() -> None:
    desk = Desk("quant/trend").at(0).say("quant/trend", signal()).at(9 * MINUTE_NS, mid=10_100)
    record = desk.actor.state.records["quant/trend"]
    assert [look.count for look in record.looks] == [1.0] * 4
    assert record.hit_rate() == 1.0
    assert record.brier_score() == pytest.approx(0.16)


def test_source_cannot_talk_its_record_up() -> None:
    desk = Desk("quant/trend").at(0)
    for _ in range(10):
        desk.say("quant/trend", signal())
    desk.at(20 * MINUTE_NS, mid=10_100)
    assert desk.actor.state.records["quant/trend"].outcomes == 1.0


def test_view_given_without_a_market_is_not_measured() -> None:
    desk = Desk("quant/trend").say("quant/trend", signal()).at(20 * MINUTE_NS)
    assert desk.actor.state.records["quant/trend"].outcomes == 0.0


def test_restart_takes_up_what_was_being_measured() -> None:
    desk = Desk("quant/trend").at(0).say("quant/trend", signal())
    encoded = msgspec.msgpack.encode(desk.actor.state)
    again = Desk("quant/trend")
    again.actor.state = msgspec.msgpack.decode(encoded, type=type(desk.actor.state))
    again.ctx.handle(again.actor, Resumed())
    again.at(9 * MINUTE_NS, mid=9_900)
    assert again.actor.state.records["quant/trend"].hit_rate() == 0.0
    assert again.proposals[-1].direction == "flat"


def test_structure_is_a_subject_of_its_own() -> None:
    desk = Desk("quant/a", "quant/b").say("quant/a", signal("down"))
    desk.say("quant/b", signal(structure="condor"))
    assert [(p.structure, p.direction) for p in desk.proposals] == [("", "down"), ("condor", "up")]


@pytest.mark.parametrize("scope", ["agent", "strategy"])
def test_source_that_is_stopped_is_not_heard_until_it_is_lifted(scope: Any) -> None:
    desk = Desk("quant/a", "quant/b").at(0)
    desk.say("quant/a", signal("up")).say("quant/b", signal("down", probability=0.55))
    stop = DeskStateChanged(
        before="active", after="halted", reason="gate", scope=scope, name="quant/a"
    )
    desk.ctx.handle(desk.actor, stop, sender="desk/risk")
    desk.at(2 * SECOND_NS)
    said = [(desk.proposals[-1].direction, desk.proposals[-1].heard)]
    ignored = desk.actor.state.ignored
    desk.say("quant/a", signal("up", probability=0.9)).at(4 * SECOND_NS)
    said.append((desk.proposals[-1].direction, desk.proposals[-1].heard))
    assert desk.actor.state.ignored == ignored + 1
    lifted = msgspec.structs.replace(stop, before="reducing", after="active")
    desk.ctx.handle(desk.actor, lifted, sender="desk/risk")
    desk.say("quant/a", signal("up", probability=0.9)).at(6 * SECOND_NS)
    said.append((desk.proposals[-1].direction, desk.proposals[-1].heard))
    assert said == [("down", 1), ("down", 1), ("up", 2)]
