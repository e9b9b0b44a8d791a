"""What a reloaded file changes at once, and what waits for an admin."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from agents.desk.approval_table import tier_for
from agents.desk.controls import Limit, Mandate, Rulebook
from agents.desk.limits import ApprovalPolicy, ApprovalRule, Breaker, RuleTable
from agents.desk.reload import AllowLooser, RulesRead, merged
from environment.actors.testing import RecordingContext
from environment.control_messages import Audited, RulesDiffer
from tests.unit.desk.factories import AGENT, make_risk

LOSS = Breaker(measure="daily_loss", scope="desk", reducing=100, halted=200)
LARGE = ApprovalRule(name="large", tier="two", notional_over_micros=100)
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
    {"approval": ApprovalPolicy(rules=(LARGE,))},
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
# Looser here and stricter there: the stricter part holds at once, the rest waits.
MIXED = ApprovalPolicy(
    default="one",
    rules=(
        ApprovalRule(name="small", tier="auto", notional_under_micros=5),
        ApprovalRule(name="huge", tier="refuse", notional_over_micros=1_000),
    ),
)


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


def test_table_that_is_looser_here_holds_where_it_is_stricter() -> None:
    held = changed(approval=ApprovalPolicy(default="one", rules=(LARGE,)))
    found, waits = merged(held, changed(approval=MIXED))
    assert [wait.name for wait in waits] == ["approval"]
    tiers = [
        tier_for(found.approval, frozenset({"stock"}), micros) for micros in (1, 50, 500, 1001)
    ]
    assert tiers == [
        ("one", "no rule names it"), ("one", "no rule names it"), ("two", "large"),
        ("refuse", "huge"),
    ]  # fmt: skip
    # Read once more, it adds nothing; with the small ones put right it takes the place of all.
    assert merged(found, changed(approval=MIXED))[0] == found
    right = msgspec.structs.replace(MIXED, rules=(LARGE, MIXED.rules[1]))
    again, waits = merged(found, changed(approval=right))
    assert waits == ()
    assert again.approval == right


TIER = st.sampled_from(["auto", "notify", "one", "two", "refuse"])
BOUND = st.none() | st.integers(0, 6)
OPENS: Any = st.sampled_from([(), ("stock",), ("option",), ("stock", "option")])
RULE = st.builds(
    ApprovalRule, name=st.just("r"), tier=TIER, opens=OPENS, notional_under_micros=BOUND,
    notional_over_micros=BOUND,
)  # fmt: skip
TABLE = st.builds(ApprovalPolicy, default=TIER, rules=st.lists(RULE, max_size=3).map(tuple))
KINDS = (frozenset({"stock"}), frozenset({"option"}), frozenset({"stock", "option"}))


@settings(max_examples=60, deadline=None)
@given(files=st.lists(TABLE, min_size=2, max_size=4))
def test_of_all_files_read_the_strictest_holds_for_every_order(files: list[ApprovalPolicy]) -> None:
    order = ("auto", "notify", "one", "two", "refuse")
    found = changed(approval=files[0])
    for file in files[1:]:
        before = found
        found, waits = merged(found, changed(approval=file))
        looser = False
        for kinds in KINDS:
            for micros in range(8):
                was = tier_for(before.approval, kinds, micros)[0]
                asked = tier_for(file, kinds, micros)[0]
                assert tier_for(found.approval, kinds, micros)[0] == max(
                    was, asked, key=order.index
                )
                looser |= order.index(asked) < order.index(was)
        assert bool(waits) == looser
        assert len({RuleTable(found.approval.default, found.approval.rules),
                    *found.approval.besides}) <= len(files)  # fmt: skip
