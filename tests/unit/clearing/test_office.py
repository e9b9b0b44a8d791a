"""The office: whose work it takes, when it acts, and that nothing is closed twice."""

from datetime import date
from typing import Any

import pytest

from agents.clearing.office import Office
from agents.clearing.office_state import OfficeDay, OfficeSettings
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.clearing_messages import (
    AccountStanding,
    ClosePosition,
    HoldersReport,
    QueryHolders,
    QueryStanding,
)
from environment.instruments import make_equity, make_option, to_micros
from environment.market.clearing_events import BuyInOrdered, MarginCalled, MarginCallMet
from environment.messages import Message, RequestExpired, Resumed, TimerFired
from tests.unit.desk.factories import context, phase

NIGHT, MORNING = date(2014, 6, 19), date(2014, 6, 20)
OPEN_NS, CHECK_NS, CLOSE_NS = 1_000_000_000_000, 2_000_000_000_000, 3_000_000_000_000
STOCK = make_equity("AAPL")
CALL = make_option("AAPL", MORNING, "call", "100")
LATER = make_option("AAPL", date(2014, 7, 18), "call", "100")
CALLED = MarginCalled(
    session=NIGHT, account=9, equity_micros=1, required_micros=2, call_micros=1, due_ns=OPEN_NS
)
BUY_IN = BuyInOrdered(session=NIGHT, symbol="AAPL", account=9, lots=40, on=MORNING)
LOOK, HOLDERS = TimerFired(timer_id=1, name="look 9"), TimerFired(timer_id=2, name="holders")


def office(**told: Any) -> tuple[Office, RecordingContext]:
    """Return an office at night, with one day before it."""
    day = OfficeDay(
        session=MORNING, open_ns=OPEN_NS, close_ns=CLOSE_NS, expiry_check_ns=CHECK_NS
    )  # fmt: skip
    told = {"buffer": 0.0, "share": 1.0} | told
    settings = OfficeSettings(days=(day,), stocks=("AAPL",), **told)
    terms = {one.symbol: one for one in (STOCK, CALL, LATER)}
    actor = Office(ActorRef("exchange"), settings, lambda: terms)
    ctx = context("clearing/liquidation", now_ns=100)
    ctx.handle(actor, Resumed())
    return actor, ctx


def open_market(actor: Office, ctx: RecordingContext, *heard: Message) -> None:
    """Let the office hear this at night, and the open of the stock next morning."""
    tell(actor, ctx, *heard)
    ctx.set_time(OPEN_NS + 1)
    tell(actor, ctx, phase("continuous"))


def tell(actor: Office, ctx: RecordingContext, *messages: Any) -> None:
    for message in messages:
        ctx.handle(actor, message)


def standing(cash: int, **held: int) -> AccountStanding:
    """Return how account 9 stands at 101.00, holding stock, call and later as named."""
    named = {"stock": STOCK, "call": CALL, "later": LATER}
    return AccountStanding(
        account=9, kind="reg_t", cash_micros=to_micros(cash),
        positions={named[name].symbol: lots for name, lots in held.items()},
        marks={"AAPL": 10_100, CALL.symbol: 200, LATER.symbol: 400},
        equity_micros=0, required_micros=0,
    )  # fmt: skip


def orders(ctx: RecordingContext) -> list[tuple[str, str, str, int]]:
    return [
        (m.order.account, m.order.instrument, m.order.side, m.order.quantity)
        for m in ctx.messages() if isinstance(m, ClosePosition)
    ]  # fmt: skip


def asked(ctx: RecordingContext) -> list[Any]:
    return [sent.message for sent in ctx.requested]


def test_call_is_worked_on_from_its_deadline() -> None:
    actor, ctx = office()
    tell(actor, ctx, CALLED)
    assert asked(ctx) == []
    assert ctx.timers_set[-1].due_ns == OPEN_NS
    open_market(actor, ctx, LOOK)
    tell(actor, ctx, standing(-8_000, stock=100))
    assert asked(ctx) == [QueryStanding(account=9)]
    assert orders(ctx) == [("#9", "AAPL", "sell", 17)]
    assert ctx.timers_set[-1].due_ns == OPEN_NS + 1 + 10_000_000_000


def test_account_that_came_back_is_only_watched() -> None:
    actor, ctx = office()
    open_market(actor, ctx, CALLED, LOOK)
    tell(actor, ctx, standing(8_000, stock=100))
    assert orders(ctx) == []
    assert ctx.timers_set[-1].due_ns == OPEN_NS + 1 + 300_000_000_000  # Until the night knows.


def test_call_that_is_met_needs_no_look() -> None:
    actor, ctx = office()
    open_market(actor, ctx, CALLED, MarginCallMet(session=NIGHT, account=9), LOOK)
    tell(actor, ctx, standing(-8_000, stock=100))
    assert orders(ctx) == []


def test_nothing_is_sent_while_the_stock_does_not_trade() -> None:
    actor, ctx = office()
    open_market(actor, ctx, CALLED, LOOK)
    tell(actor, ctx, phase("halted"), standing(-8_000, stock=100))
    assert orders(ctx) == []
    assert ctx.timers_set[-1].due_ns > OPEN_NS + 1  # It looks again.


def test_second_call_of_an_account_keeps_one_beat() -> None:
    actor, ctx = office()
    before = len(ctx.timers_set)
    tell(actor, ctx, CALLED, CALLED, BUY_IN)
    assert len(ctx.timers_set) == before + 1


def test_buy_in_goes_on_until_the_lots_are_back() -> None:
    actor, ctx = office(share=1.0, slice_lots=25)
    open_market(actor, ctx, BUY_IN)
    for held in (-100, -75, -60):
        tell(actor, ctx, LOOK, standing(50_000, stock=held))
    assert [order[3] for order in orders(ctx)] == [25, 15]
    assert actor.state.works == {}


def test_buy_in_of_a_short_that_is_gone_buys_nothing() -> None:
    actor, ctx = office()
    open_market(actor, ctx, BUY_IN, LOOK)
    tell(actor, ctx, standing(50_000))
    assert orders(ctx) == []


def test_without_liquidation_it_only_buys_in() -> None:
    actor, ctx = office(liquidates=False)
    open_market(actor, ctx, CALLED, BUY_IN, LOOK)
    tell(actor, ctx, standing(-8_000, stock=-100))
    assert orders(ctx) == [("#9", "AAPL", "buy", 40)]
    assert not [timer for timer in ctx.timers_set if timer.due_ns == CHECK_NS]


def test_unanswered_question_is_asked_again() -> None:
    actor, ctx = office()
    open_market(actor, ctx, CALLED, LOOK)
    tell(actor, ctx, RequestExpired(request_id=1), LOOK)
    assert asked(ctx) == 2 * [QueryStanding(account=9)]


@pytest.mark.parametrize(("cash", "sold"), [(2_000, [("#9", CALL.symbol, "sell", 1)]), (9_000, [])])
def test_expiring_options_that_cannot_be_carried_are_closed(
    cash: int, sold: list[tuple[str, str, str, int]]
) -> None:
    actor, ctx = office()
    ctx.set_time(CHECK_NS)
    tell(actor, ctx, HOLDERS, HoldersReport(accounts=(9,)), standing(cash, call=1))
    assert asked(ctx) == [QueryHolders(expiring_by=MORNING), QueryStanding(account=9)]
    assert orders(ctx) == sold
    assert bool(actor.state.works) == bool(sold)  # What may not have filled is looked at again.


def test_expiring_options_in_a_called_account_are_closed_first_and_once() -> None:
    actor, ctx = office()
    open_market(actor, ctx, CALLED, LOOK)
    ctx.set_time(CHECK_NS)
    tell(actor, ctx, HoldersReport(accounts=(9,)), standing(-9_000, call=-3, stock=100))
    assert len(asked(ctx)) == 1
    assert orders(ctx) == [("#9", CALL.symbol, "buy", 3)]
