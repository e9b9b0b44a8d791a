"""The custodian's table and reconciliation where orders have legs, and over a night."""

from datetime import date
from typing import Any

from agents.desk.structure_quotes import opposite
from environment.clearing_messages import MarginCallMetNotice, MarginCallNotice
from environment.control_messages import LowerDesk
from environment.messages import OrderCancelled, OrderFilled
from environment.venue_messages import (
    MOVES_TOPIC,
    AccountReport,
    LegsFilled,
    OrderReport,
    OwnerDown,
    PositionMoved,
    QueryOrder,
    ReportsGone,
)
from tests.unit.desk.factories import AGENT, accepted, cancelled
from tests.unit.desk.option_factories import C105, CONDOR, P95, TOUCHES, structure_fills
from tests.unit.desk.test_custodian import ID, Desk, approved, at_venue

DAY = date(2014, 7, 3)


def opened(units: int = 2, leaves: int = 3) -> Desk:
    """Return a custodian with a structure of five units of which some have traded."""
    desk = Desk().hear(approved(quantity=5, price=-80, legs=CONDOR)).report(accepted(ID))
    return desk.report(*structure_fills(ID, CONDOR, units, leaves))


def lots(desk: Desk) -> dict[str, int]:
    return {symbol: held for symbol, held in desk.state.table.positions.items() if held}


def test_fills_of_legs_are_positions_of_the_account_and_of_the_owner() -> None:
    desk = opened()
    expected = {leg.instrument: 2 if leg.side == "buy" else -2 for leg in CONDOR}
    assert lots(desk) == expected
    assert desk.state.table.owners[AGENT] == expected
    (open_order,) = desk.custodian.resumed(AGENT).open_orders
    assert (open_order.legs, open_order.leaves, open_order.price) == (CONDOR, 3, -80)


def test_structure_ends_when_its_rest_is_cancelled() -> None:
    desk = opened().report(cancelled(ID, 3))
    assert desk.state.table.orders == {}
    assert isinstance(desk.to(AGENT)[0], OrderCancelled)


def test_fills_whose_reports_are_gone_are_taken_leg_by_leg() -> None:
    desk = opened().hear(ReportsGone(through=9))
    done = {leg.instrument: 4 for leg in CONDOR}
    order = at_venue(
        quantity=5, filled=4, price=-80, legs=CONDOR, leg_lots=done,
        leg_average_ticks={leg.instrument: TOUCHES[leg.instrument][0] for leg in CONDOR},
    )  # fmt: skip
    desk.hear(OrderReport(client_order_id=ID, order=order, sequence=9))
    fills = [message for message in desk.to(AGENT) if isinstance(message, OrderFilled)]
    assert [(fill.quantity, fill.leaves) for fill in fills] == [(2, 1)] * 4
    assert [fill.price for fill in fills] == [TOUCHES[leg.instrument][0] for leg in CONDOR]
    assert {abs(held) for held in lots(desk).values()} == {4}
    tracked = desk.state.table.orders[ID].tracked
    assert (tracked.filled, tracked.at_most()) == (4, 1)


def test_account_that_agrees_leg_by_leg_is_no_break() -> None:
    desk = opened()
    order = at_venue(quantity=5, filled=2, price=-80, legs=CONDOR)
    positions = {leg.instrument: 2 if leg.side == "buy" else -2 for leg in CONDOR}
    desk.hear(AccountReport(sequence=5, orders=(order,), positions=positions))
    assert (desk.state.breaks, desk.ctx.published) == ({}, [])
    desk.hear(AccountReport(sequence=5, orders=(order,), positions=positions | {P95: 40}))
    assert desk.state.breaks == {P95: 42}


def test_unknown_structure_is_asked_for_like_any_order() -> None:
    desk = Desk().hear(approved(quantity=5, price=-80, legs=CONDOR)).wait(3)
    assert desk.to("venue") == [QueryOrder(client_order_id=ID)]


def test_owner_down_keeps_only_a_structure_that_closes_every_leg() -> None:
    desk = opened(5, 0)
    closing = opposite(CONDOR)
    desk.hear(approved(2, quantity=5, price=100, legs=closing)).hear(OwnerDown(address=AGENT))
    assert desk.to("venue") == []
    more = desk.hear(approved(3, quantity=1, price=100, legs=closing))
    more.hear(OwnerDown(address=AGENT))
    assert len(more.to("venue")) == 2  # Together they would turn positions round.


def moved(change: int, **told: Any) -> PositionMoved:
    return PositionMoved(
        instrument=C105, change=change, reason="assignment", session=DAY, before=-2, **told
    )


def test_night_moves_account_and_owner_and_is_told_to_risk_and_published() -> None:
    event = moved(2, into="AAPL", into_change=-200, cash_micros=5)
    desk = opened().report(event)
    assert (lots(desk)["AAPL"], C105 in lots(desk)) == (-200, False)
    assert desk.state.table.owners[AGENT]["AAPL"] == -200
    assert desk.to("desk/risk") == [event]
    assert [(sent.to, sent.message) for sent in desk.ctx.published] == [(MOVES_TOPIC, event)]


def test_margin_call_stops_opening_and_its_end_starts_nothing() -> None:
    call = MarginCallNotice(
        account="swarm", session=DAY, equity_micros=1, required_micros=3_000_001,
        call_micros=3_000_000, due_ns=9,
    )  # fmt: skip
    desk = Desk().report(call)
    (lowered,) = desk.to("desk/risk")
    assert isinstance(lowered, LowerDesk)
    assert (lowered.to, lowered.reason) == ("reducing", "margin call")
    desk.report(MarginCallMetNotice(account="swarm", session=DAY))
    assert desk.ctx.sent == []


def test_fill_that_the_broker_brought_about_is_no_foreign_one() -> None:
    desk = opened()
    desk.report(PositionMoved(
        instrument=C105, change=1, before=-2, reason="closed", session=DAY, cash_micros=-65_000_000,
        order_id="clearing/liquidation/7", by="clearing/liquidation", why="margin_call", price=65,
        fee_micros=500_000, shortfall_micros=9_000_000,
    ))  # fmt: skip
    assert lots(desk)[C105] == -1
    assert desk.state.table.owners[AGENT][C105] == -1
    published = [one for one in desk.ctx.published if one.to == MOVES_TOPIC]
    assert [one.message.by for one in published] == ["clearing/liquidation"]
    assert len(desk.ctx.published) == 1  # And no difference to the venue.
    (lowered,) = [one for one in desk.to("desk/risk") if isinstance(one, LowerDesk)]
    assert lowered.reason == "clearing/liquidation closes positions: margin call"
    assert lowered.figures == f"clearing/liquidation/7: bought 1 {C105}, 9.00 were lacking"


def test_a_trade_of_a_structure_is_taken_in_whole() -> None:
    desk = Desk().hear(approved(quantity=5, price=-80, legs=CONDOR)).report(accepted(ID))
    fills = structure_fills(ID, CONDOR, 2, 3)
    desk.report(LegsFilled(order_id=ID, fills=tuple(fills)))
    assert set(lots(desk).values()) == {2, -2}
    assert [one for one in desk.to(AGENT) if isinstance(one, OrderFilled)] == fills
    assert desk.state.table.orders[ID].tracked.filled == 2
