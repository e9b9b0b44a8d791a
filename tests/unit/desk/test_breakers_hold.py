"""What would stop again at once is told before a person resumes it, with figure, limit and mend."""

from typing import Any

import pytest

from agents.desk.limits import Breaker, Measure, Rulebook
from agents.desk.risk import Risk
from environment.actors.testing import RecordingContext
from environment.control_messages import (
    BreakersHold,
    DeskStateChanged,
    HeldDown,
    LowerDesk,
    OutcomeUnknown,
    RaiseDesk,
    Scope,
    ShowDesk,
)
from tests.unit.desk.factories import (
    AGENT,
    DOLLAR,
    accepted,
    ask,
    filled,
    make_risk,
    quote,
    sender_of,
)

SECOND = 1_000_000_000


def tell(risk: Risk, *messages: Any, at_s: int = 0) -> RecordingContext:
    ctx = RecordingContext("desk/risk", now_ns=at_s * SECOND)
    for message in messages:
        ctx.handle(risk, message, sender=sender_of(message))
    return ctx


def told(ctx: RecordingContext) -> list[tuple[HeldDown, ...]]:
    return [p.message.held for p in ctx.published if isinstance(p.message, BreakersHold)]


def stopped(measure: Measure = "daily_loss", scope: Scope = "agent", **at: Any) -> Risk:
    """Return a desk on which ten shares bought at 100.00 lost 1.19 each."""
    risk = make_risk(Rulebook(breakers=(Breaker(measure=measure, scope=scope, **at),)))
    tell(risk, quote(), ask(1), accepted(f"{AGENT}/1"), filled(f"{AGENT}/1", 10))
    tell(risk, quote(9_880, 9_882), at_s=10)
    return risk


@pytest.mark.parametrize("measure", ["daily_loss", "drawdown"])
def test_loss_over_its_limit_is_told_with_figure_limit_and_mend(measure: Measure) -> None:
    risk = stopped(measure, halted=DOLLAR)
    (held,) = risk.state.held
    assert (held.scope, held.name, held.to) == ("agent", AGENT, "halted")
    assert (held.figure, held.limit) == ("11.90", "1.00")
    assert held.text.startswith(
        f"breaker agent_{measure} stands at 11.90, limit 1.00: it goes down to HALTED again at "
        "its next price, unless"
    )
    lift = RaiseDesk(person="ana", reason="looked", scope="agent", name=AGENT)
    tell(risk, lift, lift)
    after = tell(risk, quote(9_880, 9_882), at_s=20)  # What was told is what happens.
    assert [p.message.after for p in after.published if isinstance(p.message, DeskStateChanged)] \
        == ["halted"]  # fmt: skip


def test_it_is_told_anew_once_a_second_and_no_more_once_the_loss_is_mended() -> None:
    risk = stopped(halted=DOLLAR)
    ctx = tell(risk, quote(9_870, 9_872), at_s=10)
    assert told(ctx) == []
    ctx = tell(risk, quote(9_870, 9_872), at_s=12)
    assert [held.figure for (held,) in told(ctx)] == ["12.90"]
    assert told(tell(risk, quote(9_870, 9_872), at_s=14)) == []  # Nothing has changed.
    assert told(tell(risk, quote(9_999, 10_001), at_s=16)) == [()]


def test_scope_that_may_go_to_reducing_and_no_higher_says_so() -> None:
    risk = stopped("daily_loss", "desk", reducing=DOLLAR)
    tell(risk, LowerDesk(to="halted", reason="tested"), at_s=12)
    (held,) = risk.state.held
    assert (held.scope, held.name, held.to) == ("desk", "", "reducing")


def test_executions_hold_it_until_their_window_has_passed() -> None:
    risk = make_risk(Rulebook(breakers=(Breaker(
        measure="repeated_execution", scope="agent", halted=2, within_ns=60 * SECOND
    ),)))  # fmt: skip
    for number in (1, 2):
        tell(risk, ask(number), accepted(f"{AGENT}/{number}"), filled(f"{AGENT}/{number}", 10))
    (held,) = risk.state.held
    assert (held.figure, held.limit, held.when) == ("2", "2", "at its next execution")
    assert "none comes for 60 s" in held.mends
    assert told(tell(risk, quote(), at_s=61)) == [()]


def test_who_comes_later_is_shown_all_that_is_stopped() -> None:
    """A panel of a process that was started again has heard of no change."""
    risk = stopped(halted=DOLLAR)
    ctx = RecordingContext("desk/risk", now_ns=20 * SECOND)
    ctx.handle(risk, ShowDesk(), sender="human/panel")
    state, unknown, held = ctx.messages()
    assert isinstance(state, DeskStateChanged)
    assert (state.after, state.scope, state.name) == ("halted", "agent", AGENT)
    assert state.reason == "breaker agent_daily_loss"
    assert unknown == OutcomeUnknown(unknown=0)
    assert held == BreakersHold(held=risk.state.held)
    assert {sent.to for sent in ctx.sent} == {"human/panel"}


def test_nothing_is_looked_at_while_nothing_is_stopped() -> None:
    risk = make_risk(Rulebook(breakers=(Breaker(measure="daily_loss", scope="desk", halted=1),)))
    assert told(tell(risk, quote(), at_s=5)) == []
    assert risk.state.held_ns == 0
