"""What only reduces is capped at what is left to close: when it is asked for, and ever after."""

from datetime import date
from typing import Any

import pytest

from agents.desk.controls import Limit, Mandate, Rulebook
from agents.desk.left_to_close import beyond_position
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.control_messages import LowerDesk
from environment.messages import ApprovedOrder, CancelOrder, Leg, OrderRefused
from environment.venue_messages import PositionBooked, PositionMoved
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
    sender_of,
)
from tests.unit.desk.option_factories import CONDOR, P95, SERIES, chain, structure_fills

CLOSING = tuple(
    Leg(instrument=leg.instrument, side="sell" if leg.side == "buy" else "buy") for leg in CONDOR
)
ASKS_ABOVE = Rulebook(limits={"order_quantity": Limit(soft=4)})


class Desk:
    """A desk that holds ten shares or two condors, and asks a person above four lots."""

    def __init__(self, rules: Rulebook = ASKS_ABOVE, *, condors: int = 0) -> None:
        scopes = Mandate(instruments=("AAPL", "AAPL/options"), notional_micros=10**6 * DOLLAR)
        self.risk = make_risk(
            rules, instruments=(AAPL, *SERIES), mandates={AGENT: scopes, OTHER: scopes},
            today=date(2014, 6, 13), reference_ticks={"AAPL": 10_000},
            execution=ActorRef("desk/execution"),
        )  # fmt: skip
        self.ctx = RecordingContext("desk/risk")
        self.tell(phase("continuous"), quote(), chain())
        for number, lots in ((1, 4), (2, 4), (3, 2)) if not condors else ():
            self.tell(ask(number, quantity=lots), accepted(f"{AGENT}/{number}"))
            self.tell(filled(f"{AGENT}/{number}", lots))
        if condors:
            self.tell(ask(3, quantity=condors, price=-80, legs=CONDOR), accepted(f"{AGENT}/3"))
            self.tell(*structure_fills(f"{AGENT}/3", CONDOR, condors))
        self.number = 3

    def tell(self, *messages: Any, sender: str = "") -> None:
        for message in messages:
            self.ctx.handle(self.risk, message, sender=sender or sender_of(message))

    def ask(self, **given: Any) -> Any:
        """Propose an order, and return what was said to it first."""
        self.number += 1
        before = len(self.ctx.sent)
        self.tell(ask(self.number, **given))
        return self.ctx.sent[before].message

    def cancelled(self) -> list[str]:
        return [s.message.order_id for s in self.ctx.sent if isinstance(s.message, CancelOrder)]

    def position(self, change: int) -> None:
        self.tell(PositionBooked(instrument="AAPL", change=change, reason="tested"), sender="venue")


@pytest.mark.parametrize(("quantity", "goes"), [(10, 10), (25, 10), (6, 6)])
def test_reducing_desk_caps_at_the_position(quantity: int, goes: int) -> None:
    desk = Desk()
    desk.tell(LowerDesk(to="reducing", reason="tested"))
    sent = desk.ask(side="sell", quantity=quantity)
    assert isinstance(sent, ApprovedOrder)
    assert sent.order.quantity == goes


def test_orders_that_work_the_same_way_count_as_filled_and_the_other_way_as_not() -> None:
    desk = Desk()
    assert isinstance(desk.ask(quantity=4), ApprovedOrder)  # May never fill.
    assert isinstance(desk.ask(side="sell", quantity=7), ApprovedOrder)
    desk.tell(LowerDesk(to="reducing", reason="tested"))
    sent = desk.ask(side="sell", quantity=7)
    assert isinstance(sent, ApprovedOrder)
    assert sent.order.quantity == 3
    assert isinstance(desk.ask(side="sell", quantity=1), OrderRefused)


def test_parent_counts_whole_however_much_of_it_is_out() -> None:
    desk = Desk()
    assert isinstance(desk.ask(side="sell", quantity=8, style="passive"), ApprovedOrder)
    desk.tell(LowerDesk(to="reducing", reason="tested"))
    sent = desk.ask(side="sell", quantity=8)
    assert isinstance(sent, ApprovedOrder)
    assert sent.order.quantity == 2


def test_structure_is_capped_by_the_leg_of_which_least_is_left() -> None:
    desk = Desk(Rulebook(), condors=5)
    desk.tell(PositionBooked(instrument=P95, change=2, reason="tested"), sender="venue")
    desk.tell(LowerDesk(to="reducing", reason="tested"))
    sent = desk.ask(quantity=9, price=110, legs=CLOSING)
    assert isinstance(sent, ApprovedOrder), sent
    assert sent.order.quantity == 3
    assert isinstance(desk.ask(quantity=1, price=110, legs=CLOSING), OrderRefused)


@pytest.mark.parametrize(("moved", "goes"), [(-2, []), (-4, [5]), (-7, [5, 4]), (-30, [5, 4])])
def test_position_that_goes_without_an_order_takes_reductions_out_the_newest_first(
    moved: int, goes: list[int]
) -> None:
    desk = Desk()
    assert isinstance(desk.ask(side="sell", quantity=4), ApprovedOrder)
    assert isinstance(desk.ask(side="sell", quantity=4), ApprovedOrder)
    desk.position(moved)
    assert desk.cancelled() == [f"{AGENT}/{number}" for number in goes]
    desk.position(moved)  # Once is enough.
    assert len(desk.cancelled()) == len(set(desk.cancelled()))


def test_exercised_option_takes_the_order_that_would_have_closed_it_out() -> None:
    desk = Desk(condors=2)
    assert isinstance(desk.ask(quantity=2, price=110, legs=CLOSING), ApprovedOrder)
    desk.tell(PositionMoved(
        instrument=CONDOR[0].instrument, change=-1, reason="exercise", session=date(2014, 6, 13)
    ), sender="venue")  # fmt: skip
    assert desk.cancelled() == [f"{AGENT}/4"]


def test_fill_that_nobody_ordered_counts_too() -> None:
    desk = Desk()
    assert isinstance(desk.ask(side="sell", quantity=10), ApprovedOrder)
    desk.tell(filled("stranger/1", 3, side="sell"))
    assert desk.cancelled() == [f"{AGENT}/4"]


def test_child_of_a_reduction_opens_nothing_the_other_way() -> None:
    desk = Desk()
    parent = desk.ask(side="sell", quantity=10, style="passive")
    assert isinstance(parent, ApprovedOrder)
    # As if the mail about the position had not come: the child alone is looked at.
    desk.risk.state.book.account_in("AAPL").position -= 8
    child = ask(
        1, "desk/execution", side="sell", quantity=3, price=10_000, parent=parent.order.order_id
    )
    desk.tell(child)
    refused = desk.ctx.sent[-1].message
    assert isinstance(refused, OrderRefused)
    assert refused.reason == "reducing: 3 lots, 2 are left to close"
    desk.tell(ask(
        2, "desk/execution", side="sell", quantity=2, price=10_000, parent=parent.order.order_id
    ))  # fmt: skip
    assert isinstance(desk.ctx.sent[-1].message, ApprovedOrder)


def test_order_that_a_person_or_a_limit_let_open_is_nobodys_to_cap() -> None:
    desk = Desk()
    assert isinstance(desk.ask(side="sell", quantity=10), ApprovedOrder)
    assert isinstance(desk.ask(side="sell", quantity=3), ApprovedOrder)  # Opens, within limits.
    assert beyond_position(desk.risk.state) == []
    desk.position(-10)
    assert desk.cancelled() == [f"{AGENT}/4"]
    desk.tell(cancelled(f"{AGENT}/4", 10))
    assert beyond_position(desk.risk.state) == []
