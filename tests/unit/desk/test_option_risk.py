"""The desk's controls on listed options: what it hears of a chain is what they judge by."""

from datetime import date
from typing import Any

import pytest

from agents.desk.controls import Limit, Mandate, Rulebook
from agents.desk.risk import Risk
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.control_messages import FlattenDesk
from environment.instruments import Instrument, make_option
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    CancelOrder,
    CancelRequest,
    Leg,
    OrderRefused,
    QuoteUpdate,
    ReplaceRequest,
    Resumed,
)
from tests.unit.desk.factories import (
    AAPL,
    AGENT,
    DOLLAR,
    OTHER,
    accepted,
    ask,
    context,
    filled,
    limits,
    make_risk,
    phase,
    quote,
    replaced,
    sender_of,
)
from tests.unit.desk.option_factories import (
    C105,
    CONDOR,
    EXPIRY,
    P95,
    SERIES,
    VERTICAL,
    chain,
    leg_fill,
    structure_fills,
)

SCOPES = Mandate(instruments=("AAPL", "AAPL/options"), notional_micros=1_000_000 * DOLLAR)


class Desk:
    """A risk desk that trades options, and what it said."""

    def __init__(self, rules: Rulebook | None = None, scopes: Mandate = SCOPES) -> None:
        self.risk: Risk = make_risk(
            rules, instruments=(AAPL, *SERIES), mandates={AGENT: scopes}, today=date(2014, 6, 6)
        )
        self.ctx: RecordingContext = context("desk/risk")
        self.tell(Resumed(), phase("continuous"), quote(), chain())
        self.number = 0

    def tell(self, *messages: Any) -> None:
        for message in messages:
            self.ctx.handle(self.risk, message, sender=sender_of(message))

    def order(self, **given: Any) -> str:
        """Send an order; return the rule that refused it, or ""."""
        self.number += 1
        before = len(self.ctx.sent)
        self.tell(ask(self.number, **({"quantity": 1} | given)))
        for sent in self.ctx.sent[before:]:
            if isinstance(sent.message, OrderRefused):
                return sent.message.reason.partition(":")[0]
            if isinstance(sent.message, ApprovedOrder):
                return ""
        raise AssertionError("neither passed nor refused")

    def condor(self, price: int = -80, units: int = 1, **given: Any) -> str:
        return self.order(quantity=units, price=price, legs=CONDOR, **given)


def test_chain_is_heard_once_and_marks_every_series() -> None:
    desk = Desk()
    topics = desk.ctx.subscriptions
    assert "market/AAPL/chain" in topics
    assert f"market/{P95}/quotes" not in topics  # Until somebody wants to trade it.
    state = desk.risk.state
    assert {s: state.marks[s] for s in (P95, C105)} == {P95: 68, C105: 63}
    assert (state.views[P95].bid_price, state.views[P95].ask_price) == (65, 70)
    assert desk.condor() == ""
    assert f"market/{P95}/quotes" in topics


def test_option_that_no_chain_has_shown_has_no_price() -> None:
    risk = Desk()
    risk.risk.state.marks.pop(C105)
    assert risk.condor() == "no_price"


@pytest.mark.parametrize(
    ("scopes", "rule"), [(("AAPL",), "mandate_instruments"), (("AAPL", "AAPL/options"), "")]
)
def test_mandate_names_a_whole_chain(scopes: tuple[str, ...], rule: str) -> None:
    mandate = Mandate(instruments=scopes, notional_micros=1_000_000 * DOLLAR)
    assert Desk(scopes=mandate).condor() == rule


def test_options_halt_with_their_stock() -> None:
    desk = Desk()
    desk.tell(phase("halted"))
    assert desk.condor() == "trading_phase"


def test_uncovered_short_is_refused_and_a_covered_one_is_not() -> None:
    desk = Desk(limits(uncovered_short_options=0))
    assert desk.order(instrument=C105, side="sell", price=60) == "uncovered_short_options"
    assert desk.condor() == ""
    desk.tell(filled("other/1", 100))  # A hundred shares cover one call.
    assert desk.order(instrument=C105, side="sell", price=60) == ""


def test_structure_is_judged_by_its_worst_case() -> None:
    # A condor of five dollars' width that brings 0.80 can lose 420 a unit, and more on the grid
    # only by its spreads.
    assert Desk(limits(structure_loss=430 * DOLLAR)).condor(units=1) == ""
    assert Desk(limits(structure_loss=430 * DOLLAR)).condor(units=3) == "structure_loss"
    assert Desk(limits(worst_case_loss=430 * DOLLAR)).condor(units=3) == "worst_case_loss"


@pytest.mark.parametrize(
    ("name", "limit"),
    [("underlying_vega", 60), ("expiry_vega", 60), ("expiry_theta", 60), ("expiry_gamma", 600)],
)
def test_greeks_add_up_by_underlying_and_expiry(name: str, limit: int) -> None:
    rules = Rulebook(limits={name: Limit(hard=limit * DOLLAR)})
    assert Desk(rules).condor(units=1) == ""
    assert Desk(rules).condor(units=30) == name


def test_price_collar_of_an_option_is_its_value_at_the_stock_of_now() -> None:
    rules = limits(price_collar=0.2)
    assert Desk(rules).order(instrument=C105, price=65) == ""
    assert Desk(rules).order(instrument=C105, price=90) == "price_collar"
    moved = Desk(rules)
    moved.tell(quote(9_699, 9_701))  # The stock fell three dollars, and the series was not heard.
    assert moved.order(instrument=C105, price=65) == "price_collar"


def test_price_collar_of_a_structure_is_a_share_of_all_its_legs() -> None:
    rules = limits(price_collar=0.15)
    assert Desk(rules).condor(-80) == ""  # 10 of 170 worse than the middle.
    assert Desk(rules).condor(-50) == "price_collar"  # 40 of 170.


def test_margin_is_asked_of_the_position_that_a_structure_makes() -> None:
    desk = Desk(limits(margin_used=0.001))
    assert desk.condor(units=1) == ""
    assert desk.condor(units=40) == "margin_used"


def test_fills_by_leg_move_positions_and_give_the_reservation_back() -> None:
    desk = Desk()
    desk.condor(units=2)
    order_id = f"{AGENT}/1"
    book = desk.risk.state.book
    assert (book.account[P95].selling, book.account[P95].position) == (2, 0)
    desk.tell(*structure_fills(order_id, CONDOR, 2))
    assert {s: e.position for s, e in book.account.items() if e.position} == {
        leg.instrument: 2 if leg.side == "buy" else -2 for leg in CONDOR
    }
    assert all(e.buying == e.selling == 0 for e in book.account.values())
    assert order_id not in book.orders
    # 0.80 a share was received for each of two units of a hundred.
    assert desk.risk.state.cash_micros == 10_000_000 * DOLLAR + 2 * 80 * DOLLAR


def test_closing_a_structure_only_reduces_and_passes_a_lowered_desk() -> None:
    desk = Desk(limits(order_quantity=2))
    desk.condor(units=2)
    desk.tell(*structure_fills(f"{AGENT}/1", CONDOR, 2))
    reverse = tuple(
        Leg(instrument=leg.instrument, side="sell" if leg.side == "buy" else "buy")
        for leg in CONDOR
    )
    desk.risk.state.states.lower("desk:", "reducing")
    assert desk.condor() == "desk_state"
    assert desk.order(quantity=2, price=100, legs=reverse) == ""


def test_selling_the_long_leg_uncovers_the_short_one() -> None:
    desk = Desk()
    desk.order(quantity=2, price=-40, legs=VERTICAL)
    desk.tell(*structure_fills(f"{AGENT}/1", VERTICAL, 2))
    desk.risk.state.states.lower("desk:", "reducing")
    long = VERTICAL[0].instrument
    assert desk.order(instrument=long, side="sell", price=20) == "desk_state"


def test_legs_in_no_lowest_terms_and_sold_structures_are_refused() -> None:
    desk = Desk()
    twice = tuple(Leg(instrument=leg.instrument, side=leg.side, ratio=2) for leg in CONDOR)
    assert desk.order(price=-80, legs=twice) == "legs"
    assert desk.condor(side="sell") == "side"


def test_fill_of_one_leg_that_nobody_ordered_is_money_all_the_same() -> None:
    desk = Desk()
    desk.tell(leg_fill("stranger/1", P95, "sell", 65, 3))
    assert desk.risk.state.book.account[P95].position == -3
    assert desk.risk.state.cash_micros == 10_000_000 * DOLLAR + 3 * 65 * DOLLAR


def test_quote_of_a_series_is_heard_with_the_stock_of_that_moment() -> None:
    desk = Desk()
    touch: QuoteUpdate = quote(60, 66, instrument=C105)
    desk.tell(touch)
    assert desk.risk.state.views[C105].spot_micros == 100 * DOLLAR


def test_child_of_a_structure_is_judged_in_the_place_of_its_parent() -> None:
    mandate = Mandate(instruments=("AAPL", "AAPL/options"), notional_micros=1_000_000 * DOLLAR)
    rules = limits(uncovered_short_options=0, position=6)
    risk = make_risk(
        rules, instruments=(AAPL, *SERIES), mandates={AGENT: mandate}, today=date(2014, 6, 6),
        execution=ActorRef("desk/execution"),
    )  # fmt: skip
    ctx = context("desk/risk")
    parent = ask(1, quantity=6, price=-80, legs=CONDOR, style="passive")
    for message in (Resumed(), phase("continuous"), quote(), chain(), parent):
        ctx.handle(risk, message, sender=sender_of(message))
    child = ask(
        1, "desk/execution", quantity=6, price=-90, legs=CONDOR, time_in_force="ioc",
        parent=parent.order_id,
    )  # fmt: skip
    ctx.handle(risk, child, sender="desk/execution")
    passed = [s for s in ctx.sent if isinstance(s.message, ApprovedOrder)]
    assert [s.to for s in passed] == ["desk/execution", "venue"]
    for fill in structure_fills(child.order_id, CONDOR, 6):
        ctx.handle(risk, fill, sender="venue")
    book = risk.state.book
    assert {e.position for e in book.account.values() if e.position} == {6, -6}
    assert not book.orders


def test_person_who_cancels_a_child_ends_its_parent() -> None:
    risk = make_risk(execution=ActorRef("desk/execution"))
    ctx = context("desk/risk")
    parent = ask(1, quantity=6, price=10_000, style="passive")
    child = ask(1, "desk/execution", quantity=2, price=10_000, parent=parent.order_id)
    for message in (Resumed(), phase("continuous"), quote(), parent):
        ctx.handle(risk, message, sender=sender_of(message))
    ctx.handle(risk, child, sender="desk/execution")
    cancel = CancelRequest(order_id=child.order_id)
    ctx.handle(risk, cancel, sender=OTHER)  # An agent may take back its own orders only.
    assert not [s for s in ctx.sent if isinstance(s.message, CancelOrder)]
    ctx.handle(risk, cancel, sender="human/panel")
    told = [(s.to, s.message.order_id) for s in ctx.sent if isinstance(s.message, CancelOrder)]
    assert told == [("desk/execution", parent.order_id), ("venue", child.order_id)]
    ctx.handle(risk, CancelRequest(order_id="nobody/7"), sender="human/panel")
    last = ctx.sent[-1]
    assert (last.to, last.message) == ("venue", CancelOrder(order_id="nobody/7"))


def test_structure_takes_other_terms_within_the_limits() -> None:
    desk = Desk(limits(structure_loss=1_000 * DOLLAR))
    assert desk.condor(-80, units=1) == ""
    order_id = f"{AGENT}/1"
    desk.tell(accepted(order_id))
    desk.tell(ReplaceRequest(order_id=order_id, quantity=2, price=-85))
    (passed,) = [s.message for s in desk.ctx.sent if isinstance(s.message, ApprovedReplace)]
    assert passed.order.price == -85
    desk.tell(replaced(order_id, -85, 2))
    desk.tell(ReplaceRequest(order_id=order_id, quantity=9, price=-85))
    refusal = desk.ctx.sent[-1].message
    assert isinstance(refusal, OrderRefused)
    assert refusal.reason.startswith("structure_loss")
    desk.tell(ReplaceRequest(order_id=order_id, quantity=0, price=-85))
    refusal = desk.ctx.sent[-1].message
    assert isinstance(refusal, OrderRefused)
    assert refusal.reason.startswith("quantity")


NEAR, FAR = (make_option("AAPL", day, "call", "105") for day in (EXPIRY, date(2014, 9, 19)))


def calendar_desk(**held: int) -> Desk:
    """Return a desk that holds calls of two expiries."""
    desk = Desk(limits(uncovered_short_options=0))
    risk = make_risk(
        limits(uncovered_short_options=0), instruments=(AAPL, NEAR, FAR),
        mandates={AGENT: SCOPES}, today=date(2014, 6, 6),
        reference_ticks={"AAPL": 10_000, NEAR.symbol: 60, FAR.symbol: 200},
    )  # fmt: skip
    for name, lots in held.items():
        symbol = {"near": NEAR.symbol, "far": FAR.symbol, "stock": "AAPL"}[name]
        risk.state.book.account_in(symbol).position = lots
    desk.risk = risk
    return desk


@pytest.mark.parametrize(
    ("held", "sold", "rule"),
    [
        ({"far": 1}, NEAR, ""),  # A calendar: what is bought lives longer.
        ({"near": 1}, FAR, "uncovered_short_options"),
        ({"near": 1, "stock": 100}, FAR, ""),
        ({"stock": 99}, NEAR, "uncovered_short_options"),
        ({"stock": 100, "near": -1}, FAR, "uncovered_short_options"),
        ({"far": 2, "near": -1}, NEAR, ""),
    ],
)
def test_only_what_lives_as_long_covers_a_written_option(
    held: dict[str, int], sold: Instrument, rule: str
) -> None:
    desk = calendar_desk(**held)
    assert desk.order(instrument=sold.symbol, side="sell", price=60) == rule


def test_bought_leg_that_still_works_covers_nothing() -> None:
    """Legging in is judged after each leg: the order to buy may never trade."""
    desk = calendar_desk()
    assert desk.order(instrument=FAR.symbol, side="buy", price=200) == ""
    sold = {"instrument": NEAR.symbol, "side": "sell", "price": 60}
    assert desk.order(**sold) == "uncovered_short_options"
    desk.tell(accepted(f"{AGENT}/1"), leg_fill(f"{AGENT}/1", FAR.symbol, "buy", 200, 1))
    assert desk.order(**sold) == ""
    # And the cover may not go while an order to buy the written one back still works.
    assert desk.order(instrument=NEAR.symbol, side="buy", price=55) == ""
    long_leg = {"instrument": FAR.symbol, "side": "sell", "price": 200}
    assert desk.order(**long_leg) == "uncovered_short_options"


def test_structure_covers_itself_while_it_works() -> None:
    desk = Desk(limits(uncovered_short_options=0))
    assert desk.condor() == ""
    assert desk.condor() == ""


def test_flatten_closes_a_written_put_though_the_stock_it_leaves_is_barer() -> None:
    """Bought back first, the put takes its premium from the worst case of the short stock."""
    desk = Desk()
    account = desk.risk.state.book
    account.account_in("AAPL").position = -100
    account.account_in(P95).position = -1
    case = desk.risk._maker.case(
        desk.risk.state, ask(9, instrument=P95, quantity=1, price=None, order_type="market"), 0
    )
    assert not case.is_reducing
    before = len(desk.ctx.sent)
    desk.tell(FlattenDesk(person="ana", reason="tested"))
    sent = [s.message.order for s in desk.ctx.sent[before:] if isinstance(s.message, ApprovedOrder)]
    assert [(one.instrument, one.side, one.quantity) for one in sent] == [(P95, "buy", 1)]
    number = sent[0].order_id
    desk.tell(leg_fill(number, P95, "buy", 70, 1))
    last = desk.ctx.sent[-1].message
    assert isinstance(last, ApprovedOrder)
    assert (last.order.instrument, last.order.side, last.order.quantity) == ("AAPL", "buy", 100)
