"""What a reloaded file changes at once, and what waits for an admin."""

from typing import Any

import msgspec
import pytest

from agents.desk.controls import Limit, Mandate, Rulebook
from agents.desk.limits import ApprovalPolicy, Breaker
from agents.desk.reload import AllowLooser, RulesRead, merged
from environment.actors.testing import RecordingContext
from environment.control_messages import Audited, RulesDiffer
from tests.unit.desk.factories import AGENT, make_risk

LOSS = Breaker(measure="daily_loss", scope="desk", reducing=100, halted=200)
HELD = Rulebook(
    limits={"position": Limit(soft=10.0, hard=20.0)}, restricted=("MSFT",), breakers=(LOSS,),
    mandates={AGENT: Mandate(instruments=("AAPL", "MSFT"), notional_micros=100)},
)  # fmt: skip


def changed(**changes: Any) -> Rulebook:
    return msgspec.structs.replace(HELD, **changes)


TIGHTER: list[dict[str, Any]] = [
    {"limits": {"position": Limit(soft=5.0, hard=20.0)}},
    {"limits": {"position": Limit(soft=10.0, hard=20.0), "order_quantity": Limit(hard=1.0)}},
    {"restricted": ("MSFT", "AAPL")},
    {"breakers": (msgspec.structs.replace(LOSS, reducing=50),)},
    {"mandates": {AGENT: Mandate(instruments=("AAPL",), notional_micros=50)}},
    {"mandates": {}},
    {"approval": ApprovalPolicy(default="two", answer_within_ns=1)},
]
LOOSER: list[dict[str, Any]] = [
    {"limits": {"position": Limit(soft=10.0, hard=30.0)}},
    {"limits": {"position": Limit(hard=20.0)}},
    {"limits": {}},
    {"restricted": ()},
    {"breakers": ()},
    {"breakers": (msgspec.structs.replace(LOSS, halted=300),)},
    {"mandates": {AGENT: Mandate(instruments=("AAPL", "MSFT"), notional_micros=101)}},
    {"mandates": HELD.mandates | {"quant/new": Mandate(instruments=("AAPL",), notional_micros=1)}},
    {"approval": ApprovalPolicy(drift=0.01)},
]


@pytest.mark.parametrize("change", TIGHTER)
def test_tighter_rules_hold_at_once(change: dict[str, Any]) -> None:
    found, waits = merged(HELD, changed(**change))
    assert waits == ()
    assert found == changed(**change, version=HELD.version + 1)


@pytest.mark.parametrize("change", LOOSER)
def test_looser_rules_wait(change: dict[str, Any]) -> None:
    found, waits = merged(HELD, changed(**change))
    assert len(waits) == 1
    assert found == HELD


def test_rules_that_say_the_same_change_nothing() -> None:
    assert merged(HELD, HELD) == (HELD, ())


def test_admin_puts_what_was_shown_in_force_and_nothing_else() -> None:
    risk, ctx = make_risk(HELD), RecordingContext("desk/risk")
    looser = changed(limits={"position": Limit(hard=30.0)}, mandates=risk.state.rules.mandates)
    ctx.handle(risk, RulesRead(rules=looser, source="abc"), sender="control")
    assert risk.state.rules.limits == HELD.limits
    ctx.handle(risk, AllowLooser(person="eva", source="other"), sender="control")
    assert risk.state.rules.limits == HELD.limits
    ctx.handle(risk, AllowLooser(person="eva", source="abc"), sender="control")
    assert risk.state.rules.limits == looser.limits
    kinds = [p.message.kind for p in ctx.published if isinstance(p.message, Audited)]
    assert kinds == ["limits_waiting", "limits"]
    told = [p.message for p in ctx.published if isinstance(p.message, RulesDiffer)]
    assert [(t.source, len(t.waits), t.person) for t in told] == [("abc", 1, ""), ("abc", 0, "eva")]
    assert told[0].waits[0][0] == "limits.position"
    assert told[1].version == risk.state.rules.version == HELD.version + 1


def test_agent_reloads_nothing() -> None:
    risk, ctx = make_risk(HELD), RecordingContext("desk/risk")
    ctx.handle(risk, RulesRead(rules=Rulebook(), source="abc"), sender=AGENT)
    assert risk.state.rules.limits == HELD.limits
    assert risk.state.unbelieved == 1
