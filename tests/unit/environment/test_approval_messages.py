"""Cards are named by all that stands on them, and travel unchanged."""

from typing import Any

import msgspec
import pytest

from environment.approval_messages import (
    ApprovalRequest,
    CardFigures,
    CardLeg,
    Change,
    OrderCard,
    WorstCase,
    named,
)
from environment.messages import OrderRequest


def make_card(**changes: Any) -> OrderCard:
    """Return a card to buy 10 AAPL, with its hash."""
    order = OrderRequest(order_id="a/1", instrument="AAPL", side="buy", quantity=10, price=64_500)
    leg = CardLeg(
        instrument="AAPL", title="AAPL", side="buy", ratio=1, effect="open",
        position=Change(0, 10), tick_micros=10_000, units_per_lot=1,
    )  # fmt: skip
    card = OrderCard(
        code="4F2A", order=order, proposer="a", legs=(leg,), verb="buy", effect="open",
        quantity=10, price=64_500, worst_price=64_500, total_micros=6_450_000_000, tier="one",
        reasons=(), worst_case=WorstCase(loss_micros=1_290_000_000, when="AAPL -20 %"),
        position=Change(0, 10), margin_micros=Change(0, 1), buying_power_micros=Change(1, 0),
        twice_mid=129_000, drift=0.005, proposed_ns=0, answer_until_ns=60, send_within_ns=120,
    )  # fmt: skip
    return named(msgspec.structs.replace(card, **changes))


def make_figures(**changes: Any) -> CardFigures:
    """Return figures that go with the card."""
    figures = CardFigures(
        sequence=1, as_of_ns=0, twice_mid=129_000, drift=0.0, position=Change(0, 10),
        margin_micros=Change(0, 1), buying_power_micros=Change(1, 0),
        worst_case=WorstCase(loss_micros=1, when=""),
    )  # fmt: skip
    return msgspec.structs.replace(figures, **changes)


def test_named_card_keeps_its_hash() -> None:
    card = make_card()
    assert len(card.record_hash) == 64
    assert named(card) == card


@pytest.mark.parametrize("change", [{"quantity": 9}, {"worst_price": 64_501}, {"code": "4F2B"}])
def test_named_card_has_another_hash_when_anything_differs(change: dict[str, Any]) -> None:
    assert make_card(**change).record_hash != make_card().record_hash


def test_request_for_approval_returns_from_its_bytes() -> None:
    asked = ApprovalRequest(card=make_card(), figures=make_figures())
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(asked), type=ApprovalRequest) == asked
