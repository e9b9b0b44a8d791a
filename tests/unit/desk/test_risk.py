from typing import Any

import msgspec
import pytest

from agents.desk.controls import CONTROLS, Mandate, join_mandates
from agents.desk.risk import VERDICTS, Risk, RiskState, Verdict
from environment.actors import Directory
from environment.actors.testing import RecordingContext
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    AuctionIndication,
    BandsChanged,
    CancelOrder,
    CancelRequest,
    OrderRefused,
    ReplaceRequest,
    Resumed,
)
from environment.venue_messages import PositionBooked
from tests.unit.desk.factories import (
    AAPL,
    AGENT,
    DOLLAR,
    KEYS,
    OTHER,
    accepted,
    ask,
    cancelled,
    filled,
    limits,
    make_risk,
    phase,
    refused,
    replaced,
    sender_of,
)


def handle(risk: Risk, *messages: Any) -> RecordingContext:
    """Let the desk handle messages, and return what the last one led to."""
    ctx = RecordingContext("desk/risk")
    for message in messages:
        ctx = RecordingContext("desk/risk")
        ctx.handle(risk, message, sender=sender_of(message))
    return ctx


def rule(ctx: RecordingContext) -> str:
    """Return the rule of the one refusal that was sent."""
    (sent,) = ctx.sent
    assert isinstance(sent.message, OrderRefused)
    return sent.message.reason.partition(":")[0]


def test_order_passes_to_the_venue_with_owner_account_and_verdict() -> None:
    ctx = handle(make_risk(), ask())
    (sent,) = ctx.sent
    assert sent.to == "venue"
    approved = sent.message
    assert (approved.order, approved.owner, approved.account) == (ask(), AGENT, "swarm")
    assert KEYS.gate().check(approved, now_ns=0) == ""


def test_every_verdict_is_published() -> None:
    risk = make_risk(limits(order_quantity=5))
    asked = ask()
    published = handle(risk, asked).published[0]
    assert published.to == VERDICTS
    assert published.message == Verdict(
        verdict_id=1, order_id=f"{AGENT}/1", owner=AGENT, is_passed=False, rule="order_quantity",
        detail="10 lots, limit 5", figure=10, limit=5, unit="lots", became="refused",
        limits_version=1, quantity=10, instrument="AAPL", side=asked.side, price=asked.price,
    )  # fmt: skip
    assert risk.statistics().refused == {"order_quantity": 1}


MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({"instrument": "NONE"}, "unknown_instrument"),
    ({"quantity": -1}, "quantity"),
    ({"quantity": 0}, "quantity"),
    ({"quantity": 10**9}, "quantity"),
    ({"price": None}, "price"),
    ({"price": -5}, "price_increment"),
    ({"price": 10**12}, "price_increment"),
    ({"order_type": "market"}, "price"),
    ({"order_type": "stop", "price": None}, "stop_price"),
    ({"stop_price": 5}, "stop_price"),
    ({"time_in_force": "gtd"}, "time_in_force"),
    ({"side": "hold"}, "malformed"),
    ({"quantity": "10"}, "malformed"),
    ({"quantity": 1.5}, "malformed"),
    ({"within_ns": 1 << 70}, "malformed"),  # No record could hold it.
]


@pytest.mark.parametrize(("wrong", "name"), MALFORMED)
def test_malformed_request_is_refused_by_name(wrong: dict[str, Any], name: str) -> None:
    risk = make_risk()
    assert rule(handle(risk, ask(**wrong))) == name
    assert not risk.state.book.orders


@pytest.mark.parametrize("order_id", ["", "7", "nobody/1", f"{AGENT}/x", f"{AGENT}/-1", None])
def test_order_id_that_names_no_agent_is_refused_and_published(order_id: Any) -> None:
    risk = make_risk()
    ctx = handle(risk, ask(order_id=order_id))
    assert not risk.state.book.orders
    assert [p.message.rule in {"order_id", "malformed"} for p in ctx.published] == [True]


def test_used_order_id_is_refused_also_after_its_order_is_over() -> None:
    risk = make_risk()
    handle(risk, ask(5), filled(f"{AGENT}/5", 10))
    assert rule(handle(risk, ask(5))) == "duplicate_order_id"
    assert rule(handle(risk, ask(4))) == "duplicate_order_id"


def test_id_of_a_refused_order_is_used() -> None:
    risk = make_risk()
    assert rule(handle(risk, ask(1, instrument="NONE"))) == "unknown_instrument"
    assert rule(handle(risk, ask(1))) == "duplicate_order_id"


def test_restricted_symbol_is_refused() -> None:
    assert rule(handle(make_risk(limits(restricted=("AAPL",))), ask())) == "restricted"


def test_order_notional_counts_the_mark_where_a_sale_is_priced_below_it() -> None:
    risk = make_risk(limits(order_notional=999 * DOLLAR))
    assert rule(handle(risk, ask(side="sell", price=1))) == "order_notional"


def test_position_counts_approved_orders_of_all_agents() -> None:
    risk = make_risk(limits(position=25))
    handle(risk, ask(1), ask(1, OTHER))
    assert rule(handle(risk, ask(2))) == "position"
    assert isinstance(handle(risk, ask(3, quantity=5)).messages()[0], ApprovedOrder)


def test_position_of_the_other_side_does_not_stand_in_the_way() -> None:
    risk = make_risk(limits(position=10))
    handle(risk, ask(1), filled(f"{AGENT}/1", 10))
    assert rule(handle(risk, ask(2, quantity=1))) == "position"
    assert isinstance(handle(risk, ask(3, side="sell", quantity=20)).messages()[0], ApprovedOrder)


def test_reservation_is_released_by_every_terminal_event() -> None:
    for last in (refused(f"{AGENT}/1"), cancelled(f"{AGENT}/1", 10)):
        risk = make_risk(limits(position=10))
        handle(risk, ask(1), last)
        assert isinstance(handle(risk, ask(2)).messages()[0], ApprovedOrder)


def test_cancel_that_arrives_before_a_fill_keeps_the_fill_reserved() -> None:
    risk = make_risk(limits(position=10))
    handle(risk, ask(1), accepted(f"{AGENT}/1"), cancelled(f"{AGENT}/1", 6))
    assert rule(handle(risk, ask(2, quantity=7))) == "position"
    handle(risk, filled(f"{AGENT}/1", 4, leaves=6))
    assert not risk.state.book.orders
    assert risk.state.book.account["AAPL"].position == 4


def test_mandate_limits_instruments_and_notional() -> None:
    narrow = Mandate(instruments=("AAPL",), notional_micros=1_500 * DOLLAR)
    risk = make_risk(mandates={AGENT: narrow})
    assert rule(handle(risk, ask(1, instrument="MSFT"))) == "mandate_instruments"
    handle(risk, ask(2), filled(f"{AGENT}/2", 10))
    assert rule(handle(risk, ask(3, quantity=6))) == "mandate_notional"
    assert isinstance(handle(risk, ask(4, quantity=5)).messages()[0], ApprovedOrder)


def test_mandate_counts_what_is_held_elsewhere_but_never_stops_a_reduction() -> None:
    mandate = Mandate(instruments=("AAPL", "MSFT"), notional_micros=1_000 * DOLLAR)
    risk = make_risk(mandates={AGENT: mandate})
    handle(risk, ask(1), filled(f"{AGENT}/1", 10))
    msft: dict[str, Any] = {"instrument": "MSFT", "price": 5_000, "quantity": 1}
    assert rule(handle(risk, ask(2, **msft))) == "mandate_notional"
    assert isinstance(handle(risk, ask(3, side="sell")).messages()[0], ApprovedOrder)


def test_order_without_any_price_to_value_it_is_refused() -> None:
    risk = make_risk(reference_ticks={})
    market: dict[str, Any] = {"order_type": "market", "price": None}
    assert rule(handle(risk, ask(1, **market))) == "no_price"
    handle(risk, BandsChanged(
        instrument="AAPL", lower=9_500, upper=10_500, reference=10_000, exchange_ns=0, sequence=0
    ))  # fmt: skip
    assert isinstance(handle(risk, ask(2, **market)).messages()[0], ApprovedOrder)


def test_indication_marks_only_with_a_price() -> None:
    risk = make_risk()
    for price in (12_345, None):
        handle(risk, AuctionIndication(
            instrument="AAPL", price=price, quantity=0, imbalance=0, exchange_ns=0, sequence=0
        ))  # fmt: skip
    assert risk.state.marks["AAPL"] == 12_345


def test_replace_is_ruled_on_with_its_result() -> None:
    risk = make_risk(limits(position=30))
    handle(risk, ask(1), accepted(f"{AGENT}/1"))
    larger = ReplaceRequest(order_id=f"{AGENT}/1", quantity=31, price=10_000)
    assert rule(handle(risk, larger)) == "position"
    fitting = ReplaceRequest(order_id=f"{AGENT}/1", quantity=30, price=9_990)
    (sent,) = handle(risk, fitting).sent
    assert isinstance(sent.message, ApprovedReplace)
    assert (sent.message.order, KEYS.gate().check(sent.message, now_ns=0)) == (fitting, "")
    assert risk.state.book.account["AAPL"].buying == 30


def test_refused_replace_gives_its_reservation_back() -> None:
    risk = make_risk()
    larger = ReplaceRequest(order_id=f"{AGENT}/1", quantity=30)
    handle(risk, ask(1), accepted(f"{AGENT}/1"), larger, refused(f"{AGENT}/1"))
    assert risk.state.book.account["AAPL"].buying == 10


def test_smaller_replace_frees_lots_only_when_the_venue_says_so() -> None:
    risk = make_risk()
    smaller = ReplaceRequest(order_id=f"{AGENT}/1", quantity=4)
    handle(risk, ask(1), accepted(f"{AGENT}/1"), smaller)
    assert risk.state.book.account["AAPL"].buying == 10
    handle(risk, replaced(f"{AGENT}/1", 10_000, 4))
    assert risk.state.book.account["AAPL"].buying == 4


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (ReplaceRequest(order_id=f"{AGENT}/9", quantity=5), "unknown_order"),
        (ReplaceRequest(order_id=f"{AGENT}/1", quantity=0), "quantity"),
        (ReplaceRequest(order_id=f"{AGENT}/1", quantity=5, price=-1), "price_increment"),
        (ReplaceRequest(order_id=f"{AGENT}/1", quantity=10, price=10_000), "no_change"),
    ],
)
def test_replace_that_cannot_be_is_refused(request_: ReplaceRequest, name: str) -> None:
    risk = make_risk()
    handle(risk, ask(1), accepted(f"{AGENT}/1"))
    assert rule(handle(risk, request_)) == name


@pytest.mark.parametrize("number", [1, 99])
def test_cancel_always_passes(number: int) -> None:
    risk = make_risk(limits(position=10))
    order_id = f"{AGENT}/{number}"
    (sent,) = handle(risk, ask(1), CancelRequest(order_id=order_id)).sent
    assert (sent.to, sent.message) == ("venue", CancelOrder(order_id=order_id))


def test_refused_cancel_leaves_the_order_as_it_was() -> None:
    risk = make_risk()
    cancel = CancelRequest(order_id=f"{AGENT}/1")
    handle(risk, ask(1), accepted(f"{AGENT}/1"), cancel, refused(f"{AGENT}/1", "cancel_too_late"))
    assert risk.state.book.account["AAPL"].buying == 10


def test_event_is_for_the_book_alone() -> None:
    risk = make_risk()
    assert handle(risk, ask(1), accepted(f"{AGENT}/1")).sent == []
    assert risk.state.book.orders[f"{AGENT}/1"].is_accepted


def test_fill_of_nobody_is_a_position() -> None:
    risk = make_risk()
    assert handle(risk, filled("ghost/1", 3)).sent == []
    assert risk.state.book.account["AAPL"].position == 3


def test_booked_position_counts() -> None:
    risk = make_risk()
    handle(risk, PositionBooked(instrument="AAPL", change=-4, reason="reconciled"))
    assert risk.state.book.account["AAPL"].position == -4


def test_owner_that_does_not_exist_is_sent_no_refusal() -> None:
    risk = make_risk(owners=Directory(lambda _: False))
    assert handle(risk, ask(1, quantity=0)).sent == []
    assert risk.statistics().undelivered == 1


def test_resumed_says_what_an_agent_has() -> None:
    risk = make_risk()
    handle(risk, ask(1), accepted(f"{AGENT}/1"), filled(f"{AGENT}/1", 3, 7), ask(1, OTHER))
    resumed = risk.resumed(AGENT)
    assert [(o.order_id, o.leaves) for o in resumed.open_orders] == [(f"{AGENT}/1", 7)]
    assert resumed.positions == {"AAPL": 3}
    assert risk.resumed("quant/new") == Resumed()


def test_desk_listens_to_the_status_of_each_instrument() -> None:
    risk = make_risk()
    ctx = handle(risk, Resumed())
    assert ctx.subscriptions == {
        "market/AAPL/status": 0, "market/AAPL/quotes": 10**9,
        "market/MSFT/status": 0, "market/MSFT/quotes": 10**9,
    }  # fmt: skip
    assert handle(risk, phase("halted")).sent == []


def test_state_survives_a_snapshot() -> None:
    risk = make_risk()
    handle(risk, ask(1), accepted(f"{AGENT}/1"), ReplaceRequest(order_id=f"{AGENT}/1", quantity=4))
    data = msgspec.msgpack.encode(risk.state)
    assert msgspec.msgpack.decode(data, type=RiskState) == risk.state


def test_controls_are_one_list_of_distinct_names() -> None:
    names = [control.name for control in CONTROLS]
    assert len(set(names)) == len(names)
    assert {"order_quantity", "order_notional", "position", "restricted"} <= set(names)


def test_joined_mandate_holds_all_scopes_and_the_sum() -> None:
    both = join_mandates([
        Mandate(instruments=("AAPL",), notional_micros=1),
        Mandate(instruments=("MSFT", "AAPL"), notional_micros=2),
    ])  # fmt: skip
    assert both == Mandate(instruments=("AAPL", "MSFT"), notional_micros=3)
    assert both.covers(AAPL)
