"""States go down at once and up by a person only; a flatten closes what is held, shorts first."""

from datetime import date
from typing import Any

import pytest

from agents.desk.exposure import DeskBook, Exposure
from agents.desk.flatten import OWNER, closing_orders
from agents.desk.risk import Risk
from environment.actors.testing import RecordingContext
from environment.control_messages import (
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
    OTHER,
    accepted,
    ask,
    cancelled,
    filled,
    make_risk,
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
    assert (order.order_id, order.side, order.quantity) == (f"{OWNER}/1", "sell", 10)
    tell(risk, filled(f"{OWNER}/1", 10, side="sell"))
    assert risk.state.book.account["AAPL"].position == 0
    assert risk.state.flattens_for == ""


def test_flatten_closes_short_options_before_what_covers_them() -> None:
    call = make_option("AAPL", date(2014, 7, 19), "call", "650")
    book = DeskBook(account={"AAPL": Exposure(position=100), call.symbol: Exposure(position=-1)})
    instruments = {"AAPL": AAPL, call.symbol: call}
    (first,) = closing_orders(book, instruments, 1)
    assert (first.instrument, first.side, first.quantity) == (call.symbol, "buy", 1)
    book.account[call.symbol].position = 0
    assert [order.instrument for order in closing_orders(book, instruments, 2)] == ["AAPL"]
