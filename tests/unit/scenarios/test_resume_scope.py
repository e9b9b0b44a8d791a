"""`outcry resume` of one agent, strategy or underlying: the person's rules are the desk's."""

import asyncio
import time
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from agents.desk.states import ScopeStates
from agents.human.people import PeopleStore
from brokers.frames import Frames
from environment.control_messages import HeldDown, RaiseDesk
from scenarios.builders.floor import RISK
from scenarios.cli.main import run_command
from scenarios.live import commands
from scenarios.live.control_gateway import ControlGateway
from scenarios.live.control_wire import (
    Answer,
    AskStatus,
    Lift,
    Resume,
    Standing,
    StoppedScope,
)
from scenarios.live.panel_people import people_store
from scenarios.live.watchdog import Watchdog
from tests.unit.scenarios.test_standing_text import SWARM

PASSWORD = "a long pass phrase of ana"
AGENT = StoppedScope(scope="agent", name="quant/a", state="halted", reason="breaker loss")
SYMBOL = StoppedScope(scope="underlying", name="AAPL", state="reducing", reason="breaker vega")
CALM = msgspec.structs.replace(
    SWARM, desk="active", unknown=0, breaks=0, stopped=(AGENT, SYMBOL), reason=""
)
HELD = HeldDown(
    scope="agent", name="quant/a", breaker="agent_daily_loss", to="halted", figure="11.90",
    limit="1.00", when="at its next price", mends="the loss falls",
)  # fmt: skip


class Peer:
    """A connection of a swarm that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def send(self, message: Any) -> None:
        self.told.append(message)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> PeopleStore:
    """Return a store with an approver and somebody who only looks."""
    store = people_store(tmp_path_factory.mktemp("people"))
    store.add("ana", ["approver"], PASSWORD)
    store.add("bob", ["viewer"], PASSWORD)
    return store


def resume(
    people: PeopleStore, tmp_path: Path, status: Any = CALM, **given: Any
) -> tuple[Answer, list[Any]]:
    """Return the watchdog's answer, and what it told the swarm."""
    watchdog, swarm = Watchdog(tmp_path, people), Peer()
    watchdog._swarm, watchdog._status = cast("Frames", swarm), status
    watchdog._beat_s = time.monotonic() + 60.0
    asked = {"person": "ana", "password": PASSWORD, "reason": "looked", "scope": "agent",
             "name": "quant/a"} | given  # fmt: skip
    answer = asyncio.run(watchdog._answer(Resume(**asked), cast("Frames", Peer())))
    assert isinstance(answer, Answer)
    return answer, swarm.told


def test_named_person_lifts_one_scope_and_nothing_else(people: PeopleStore, tmp_path: Path) -> None:
    answer, told = resume(people, tmp_path)
    assert told == [Lift(person="ana", reason="looked", scope="agent", name="quant/a")]
    assert answer.is_done
    assert answer.text == (
        "agent quant/a: one step up, from HALTED to REDUCING, and once more to ACTIVE; "
        "it stopped for: breaker loss"
    )
    desk = msgspec.structs.replace(CALM, desk="halted")
    answer, told = resume(people, tmp_path, desk, scope="underlying", name="AAPL")
    assert told[0].name == "AAPL"
    assert answer.text.startswith("underlying AAPL: one step up, from REDUCING to ACTIVE")
    assert answer.text.endswith("; the desk itself is HALTED")


def test_what_stops_it_again_at_once_is_in_the_answer(people: PeopleStore, tmp_path: Path) -> None:
    held = msgspec.structs.replace(HELD, name="quant/b")
    status = msgspec.structs.replace(CALM, held=(held, HELD))
    answer, _ = resume(people, tmp_path, status)
    assert answer.text.endswith(f"it stopped for: breaker loss; {HELD.text}")
    assert answer.text.count("limit") == 1  # Of this scope alone.
    desk = msgspec.structs.replace(HELD, scope="desk", name="", breaker="daily_loss")
    stopped = msgspec.structs.replace(CALM, desk="halted", reason="breaker", held=(desk,))
    answer, _ = resume(people, tmp_path, stopped, scope="desk", name="")
    assert answer.text.endswith(desk.text)


@pytest.mark.parametrize(("given", "text"), [
    ({"password": "wrong"}, "unknown name, or wrong password"),
    ({"person": "bob"}, "bob is no approver"),
    ({"reason": " "}, "a reason is needed"),
    ({"name": "quant/b"}, "agent quant/b is not stopped; of agents and the like are: "
                          "agent quant/a, underlying AAPL"),
    ({"scope": "strategy"}, "strategy quant/a is not stopped; of agents and the like are: "
                            "agent quant/a, underlying AAPL"),
])  # fmt: skip
def test_what_the_desk_refuses_is_refused_here(
    people: PeopleStore, tmp_path: Path, given: dict[str, Any], text: str
) -> None:
    answer, told = resume(people, tmp_path, **given)
    assert (answer.is_done, answer.text, told) == (False, text, [])


@pytest.mark.parametrize("open_", [{"unknown": 1}, {"breaks": 1}])
def test_nothing_is_resumed_while_something_is_unsettled(
    people: PeopleStore, tmp_path: Path, open_: dict[str, int]
) -> None:
    answer, told = resume(people, tmp_path, msgspec.structs.replace(CALM, **open_))
    assert not answer.is_done
    assert "(it stopped for: breaker loss)" in answer.text
    assert told == []


def test_swarm_hands_risk_the_persons_scope() -> None:
    class Side:
        def __init__(self) -> None:
            self.admitted: list[Any] = []

        def admit(self, address: str, message: Any) -> None:
            self.admitted.append((address, message))

    side = Side()
    lift = Lift(person="ana", reason="looked", scope="strategy", name="trend")
    ControlGateway._hear(cast("ControlGateway", None), cast("Any", side), lift)
    raised = RaiseDesk(person="ana", reason="looked", scope="strategy", name="trend")
    assert side.admitted == [(RISK, raised)]


def test_states_list_what_is_stopped_below_the_desk() -> None:
    states = ScopeStates()
    for key in ("desk:", "underlying:AAPL", "agent:quant/a", "agent:quant/b"):
        states.lower(key, "reducing", f"why {key}")
    states.lift("agent:quant/b")
    assert states.stopped() == [
        ("agent", "quant/a", "reducing", "why agent:quant/a"),
        ("underlying", "AAPL", "reducing", "why underlying:AAPL"),
    ]


@pytest.mark.parametrize(("words", "scope", "name"), [
    ((), "desk", ""), (("--agent", "quant/a"), "agent", "quant/a"),
    (("--strategy", "trend"), "strategy", "trend"),
    (("--underlying", "AAPL"), "underlying", "AAPL"),
])  # fmt: skip
def test_command_asks_for_what_it_names(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], scope: str, name: str
) -> None:
    asked: list[Any] = []

    def ask(_: Path, message: Any) -> Answer:
        asked.append(message)
        return Answer(is_done=True, text="done")

    monkeypatch.setattr(commands, "_ask", ask)
    monkeypatch.setattr(commands, "ask_password", lambda: PASSWORD)
    assert run_command(["resume", "--person", "ana", "--reason", "looked", *words]) == 0
    assert isinstance(asked.pop(0), AskStatus)
    assert [(one.scope, one.name, one.password) for one in asked] == [(scope, name, PASSWORD)]


def test_command_says_what_stops_it_again_before_it_asks_for_the_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    swarm = msgspec.structs.replace(CALM, held=(HELD,))
    standing = Standing(halted="", beat_age_s=0.1, swarm=swarm, account=None, venue="lost")
    said_first: list[str] = []

    def ask(_: Path, message: Any) -> Any:
        return standing if isinstance(message, AskStatus) else Answer(is_done=True, text="done")

    def password() -> str:
        said_first.append(capsys.readouterr().out)
        return PASSWORD

    monkeypatch.setattr(commands, "_ask", ask)
    monkeypatch.setattr(commands, "ask_password", password)
    words = ["resume", "--person", "ana", "--reason", "looked", "--agent", "quant/a"]
    assert run_command(words) == 0
    assert said_first == [f"{HELD.text}\n"]


@pytest.mark.parametrize(("words", "text"), [
    (("--agent", "a", "--strategy", "b"), "--agent and --strategy: expected one of them"),
    (("--agent", ""), "--agent: expected a name"),
])  # fmt: skip
def test_command_that_names_two_or_nothing_is_bad_input(
    words: tuple[str, ...], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["resume", "--person", "ana", "--reason", "looked", *words]) == 2
    assert text in capsys.readouterr().err
