"""States go down at once and up by a person only; a flatten closes what is held, shorts first."""

from datetime import date
from typing import Any

import pytest

from agents.desk.exposure import DeskBook, Exposure
from agents.desk.flatten import closing_orders
from agents.desk.limits import Breaker, Rulebook
from agents.desk.risk import Risk
from agents.desk.states import FLATTEN
from environment.actors.testing import RecordingContext
from environment.control_messages import (
    Audited,
    AuthorityRefused,
    DeskStateChanged,
    FlattenDesk,
    LowerDesk,
    OutcomeUnknown,
    RaiseDesk,
    RaiseRefused,
)
from environment.instruments import make_option
from environment.messages import ApprovedOrder, CancelOrder, OrderRefused
from tests.unit.desk.factories import (
    AAPL,
    AGENT,
    DOLLAR,
    OTHER,
    accepted,
    ask,
    cancelled,
    filled,
    make_risk,
    phase,
    quote,
    refused,
    sender_of,
)


def tell(risk: Risk, *messages: Any) -> RecordingContext:
    ctx = RecordingContext("desk/risk")
    for message in messages:
        ctx.handle(risk, message, sender=sender_of(message))
    return ctx


def held(lots: int = 10) -> Risk:
    """Return a desk that holds AAPL."""
    risk = make_risk()
    tell(risk, ask(1, quantity=lots), accepted(f"{AGENT}/1"), filled(f"{AGENT}/1", lots))
    return risk


def states(ctx: RecordingContext) -> list[str]:
    return [p.message.after for p in ctx.published if isinstance(p.message, DeskStateChanged)]


def test_reducing_takes_what_closes_and_nothing_that_opens() -> None:
    risk = held()
    tell(risk, LowerDesk(to="reducing", reason="tested"))
    assert isinstance(tell(risk, ask(2)).messages()[0], OrderRefused)
    assert isinstance(tell(risk, ask(3, side="sell")).messages()[0], ApprovedOrder)


def test_reducing_caps_an_order_at_what_is_left_to_close() -> None:
    risk = held()
    tell(risk, LowerDesk(to="reducing", reason="tested"))
    (sent,) = tell(risk, ask(2, side="sell", quantity=25)).messages()
    assert isinstance(sent, ApprovedOrder)
    assert sent.order.quantity == 10
    assert isinstance(tell(risk, ask(3, side="sell", quantity=1)).messages()[0], OrderRefused)


def test_going_down_cancels_what_opens_and_leaves_what_closes() -> None:
    risk = held()
    tell(risk, ask(2, side="sell", quantity=4), ask(3, quantity=5))
    ctx = tell(risk, LowerDesk(to="reducing", reason="tested"))
    assert ctx.messages() == [CancelOrder(order_id=f"{AGENT}/3")]


def test_halted_takes_nothing_and_goes_up_one_step_at_a_time() -> None:
    risk = held()
    tell(risk, LowerDesk(to="halted", reason="tested"))
    assert isinstance(tell(risk, ask(2, side="sell")).messages()[0], OrderRefused)
    assert states(tell(risk, RaiseDesk(person="ana", reason="looked"))) == ["reducing"]
    assert states(tell(risk, RaiseDesk(person="ana", reason="looked"))) == ["active"]


@pytest.mark.parametrize(
    ("first", "asked"),
    [
        (OutcomeUnknown(unknown=1), RaiseDesk(person="ana", reason="looked")),
        (OutcomeUnknown(unknown=0, breaks=1), RaiseDesk(person="ana", reason="looked")),
        (OutcomeUnknown(unknown=0), RaiseDesk(person="ana", reason=" ")),
        (OutcomeUnknown(unknown=0), RaiseDesk(person="", reason="looked")),
    ],
)
def test_desk_stays_down_without_person_and_reason_or_with_unknown_outcomes(
    first: Any, asked: RaiseDesk
) -> None:
    risk = held()
    tell(risk, LowerDesk(to="halted", reason="tested"), first)
    ctx = tell(risk, asked)
    assert states(ctx) == []
    assert isinstance(ctx.messages()[0], RaiseRefused)
    assert [p.message.kind for p in ctx.published if isinstance(p.message, Audited)] == [
        "resume_refused"
    ]


def test_why_the_desk_went_down_is_known_until_it_is_active_again() -> None:
    risk = make_risk()
    tell(risk, LowerDesk(to="halted", reason="two prices"))
    lift = RaiseDesk(person="ana", reason="looked")
    assert risk.state.states.reasons == {"desk:": "two prices"}
    tell(risk, lift)
    assert risk.state.states.reasons == {"desk:": "two prices"}
    tell(risk, lift)
    assert (risk.state.states.of("desk:"), risk.state.states.reasons) == ("active", {})


def test_agent_moves_no_state() -> None:
    risk, ctx = held(), RecordingContext("desk/risk")
    for message in (LowerDesk(to="halted", reason="x"), RaiseDesk(person="ana", reason="x")):
        ctx.handle(risk, message, sender=AGENT)
    assert states(ctx) == []
    assert risk.state.unbelieved == 2


def test_agent_that_forges_is_suspended_and_others_go_on() -> None:
    risk = make_risk()
    ctx = tell(risk, AuthorityRefused(sender=AGENT, order_id="x", reason="verdict: none"))
    assert [(p.message.scope, p.message.name) for p in ctx.published
            if isinstance(p.message, DeskStateChanged)] == [("agent", AGENT)]  # fmt: skip
    assert isinstance(tell(risk, ask(1)).messages()[0], OrderRefused)
    assert isinstance(tell(risk, ask(1, OTHER)).messages()[0], ApprovedOrder)


def test_bad_seal_of_the_desk_itself_lowers_the_desk() -> None:
    risk = make_risk()
    refused = AuthorityRefused(sender="desk/custodian", order_id="x", reason="verdict: none")
    assert states(tell(risk, refused)) == ["reducing"]


def test_flatten_cancels_then_closes_in_every_state() -> None:
    risk = held()
    tell(risk, ask(2, quantity=5), accepted(f"{AGENT}/2"))
    tell(risk, LowerDesk(to="halted", reason="tested"))
    tell(risk, FlattenDesk(person="ana", reason="tested"))
    ctx = tell(risk, cancelled(f"{AGENT}/2", 5))
    (order,) = [m.order for m in ctx.messages() if isinstance(m, ApprovedOrder)]
    assert (order.order_id, order.side, order.quantity) == (f"{FLATTEN}/1", "sell", 10)
    tell(risk, filled(f"{FLATTEN}/1", 10, side="sell"))
    assert risk.state.book.account["AAPL"].position == 0
    assert risk.state.flattens_for == ""


def test_flatten_closes_short_options_before_what_covers_them() -> None:
    call = make_option("AAPL", date(2014, 7, 19), "call", "650")
    book = DeskBook(account={"AAPL": Exposure(position=100), call.symbol: Exposure(position=-1)})
    instruments = {"AAPL": AAPL, call.symbol: call}
    (first,), (then,) = closing_orders(book, instruments)
    assert (first.instrument, first.side, first.quantity) == (call.symbol, "buy", 1)
    assert (then.instrument, then.side, then.quantity) == ("AAPL", "sell", 100)


def test_flatten_halts_the_desk_so_that_nobody_keeps_it_from_ending() -> None:
    risk = held()
    tell(risk, ask(2, quantity=5), accepted(f"{AGENT}/2"))
    assert states(tell(risk, FlattenDesk(person="ana", reason="tested"))) == ["halted"]
    assert isinstance(tell(risk, ask(3, quantity=5)).messages()[0], OrderRefused)
    ctx = tell(risk, cancelled(f"{AGENT}/2", 5))
    assert [m.order.order_id for m in ctx.messages() if isinstance(m, ApprovedOrder)] == [
        f"{FLATTEN}/1"
    ]
    ctx = tell(risk, filled(f"{FLATTEN}/1", 10, side="sell"))
    (said,) = [p.message for p in ctx.published if isinstance(p.message, DeskStateChanged)]
    assert (said.before, said.after, said.person) == ("halted", "halted", "ana")
    assert said.reason == "the flatten ended, nothing is held"


def test_flatten_says_what_it_could_not_close() -> None:
    risk = held()
    tell(risk, phase("halted"))
    ctx = tell(risk, FlattenDesk(person="ana", reason="tested"))
    # A market order against a halted instrument still goes out; the venue decides.
    for number in range(1, 6):
        ctx = tell(risk, refused(f"{FLATTEN}/{number}"))
    said = [p.message.reason for p in ctx.published if isinstance(p.message, DeskStateChanged)]
    assert said == ["the flatten ended, LEFT OPEN: +10 AAPL"]
    assert risk.state.flattens_for == ""


@pytest.mark.parametrize("scope", ["desk", "agent", "strategy", "underlying"])
def test_breaker_of_each_scope_takes_out_what_works_in_it(scope: Any) -> None:
    breaker = Breaker(measure="daily_loss", scope=scope, halted=DOLLAR)
    risk = make_risk(Rulebook(breakers=(breaker,)))
    mine = {"strategy": "trend"}
    tell(risk, quote(), ask(1, **mine), accepted(f"{AGENT}/1"), filled(f"{AGENT}/1", 10))
    tell(risk, ask(2, price=9_900, **mine), accepted(f"{AGENT}/2"))
    tell(risk, ask(1, OTHER, instrument="MSFT", price=5_000), accepted(f"{OTHER}/1"))
    ctx = tell(risk, quote(9_880, 9_882))
    (told,) = [p.message for p in ctx.published if isinstance(p.message, DeskStateChanged)]
    assert (told.after, told.scope) == ("halted", scope)
    gone = {m.order_id for m in ctx.messages() if isinstance(m, CancelOrder)}
    assert gone == ({f"{AGENT}/2", f"{OTHER}/1"} if scope == "desk" else {f"{AGENT}/2"})
    # Another agent in another underlying, under another strategy, goes on, but not when all halts.
    after = tell(risk, ask(2, OTHER, instrument="MSFT", price=5_000)).messages()[0]
    assert isinstance(after, OrderRefused if scope == "desk" else ApprovedOrder)
    assert isinstance(tell(risk, ask(3, **mine)).messages()[0], OrderRefused)


def test_repeated_execution_stops_an_agent_until_a_person_lifts_it() -> None:
    breaker = Breaker(
        measure="repeated_execution", scope="agent", halted=3, within_ns=60_000_000_000
    )
    risk = make_risk(Rulebook(breakers=(breaker,)))
    for number in range(1, 4):
        tell(risk, ask(number), accepted(f"{AGENT}/{number}"), filled(f"{AGENT}/{number}", 10))
    assert isinstance(tell(risk, ask(4)).messages()[0], OrderRefused)
    assert isinstance(tell(risk, ask(1, OTHER)).messages()[0], ApprovedOrder)
    lift = RaiseDesk(person="ana", reason="looked", scope="agent", name=AGENT)
    assert states(tell(risk, lift, lift)) == ["reducing", "active"]
    assert isinstance(tell(risk, ask(5)).messages()[0], ApprovedOrder)
