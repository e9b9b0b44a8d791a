from typing import Any

import msgspec
import pytest

from agents.orders import OrderNumbers, Terms, TrackedOrder, split_order_id
from environment.messages import Leg, OrderEvent, OrderTriggered
from tests.unit.desk.factories import accepted, cancelled, filled, refused, replaced

NAME = "quant/maker/1"


def order(*asked: Terms | None, **given: Any) -> TrackedOrder:
    """Return an accepted order of 10 lots at 100 ticks."""
    values: dict[str, Any] = {"is_accepted": True} | given
    return TrackedOrder(NAME, "AAPL", "buy", Terms(10, 100), asked=list(asked), **values)


def test_last_fill_ends_it() -> None:
    tracked = order()
    assert tracked.follow(filled(NAME, 4, 6)) == 4
    assert (tracked.is_over, tracked.at_most()) == (False, 6)
    tracked.follow(filled(NAME, 6, 0))
    assert (tracked.is_over, tracked.at_most()) == (True, 0)


def test_fill_may_come_before_the_acknowledgement() -> None:
    tracked = order(is_accepted=False)
    tracked.follow(filled(NAME, 4, 6))
    tracked.follow(accepted(NAME, 100))
    assert (tracked.is_accepted, tracked.at_most()) == (True, 6)


def test_refusal_ends_an_order_that_was_never_taken() -> None:
    tracked = order(is_accepted=False)
    tracked.follow(refused(NAME))
    assert tracked.is_over


def test_unknown_order_answers_a_cancel_and_never_an_order() -> None:
    tracked = order(None, is_accepted=False)
    tracked.follow(refused(NAME, "unknown_order"))
    assert (tracked.is_over, tracked.asked) == (False, [])
    assert tracked.follow(filled(NAME, 10, 0)) == 10


def test_refusals_answer_questions_in_turn() -> None:
    tracked = order(Terms(20, 100), None)
    tracked.follow(refused(NAME))
    assert (tracked.asked, tracked.at_most()) == ([None], 10)


def test_replace_is_matched_by_its_price_and_passes_over_unanswered_ones() -> None:
    tracked = order(Terms(12, 100), Terms(15, 101))
    tracked.follow(replaced(NAME, 101, 15))
    assert (tracked.terms, tracked.asked) == (Terms(15, 101), [])


def test_market_that_moves_the_price_answers_nothing() -> None:
    tracked = order(Terms(12, 100))
    tracked.follow(replaced(NAME, 98, 10))
    assert (tracked.terms, len(tracked.asked)) == (Terms(10, 98), 1)


def test_wanted_terms_are_those_of_the_last_question() -> None:
    assert order(Terms(12, 101), None, Terms(15, None)).wanted() == Terms(15, 101)


def test_trigger_means_that_it_was_taken() -> None:
    tracked = order(is_accepted=False)
    tracked.follow(OrderTriggered(order_id=NAME, instrument="AAPL", exchange_ns=1))
    assert tracked.is_accepted


@pytest.mark.parametrize("is_fill_first", [True, False])
def test_cancel_and_the_fill_before_it_may_come_in_any_order(is_fill_first: bool) -> None:
    tracked = order()
    events: list[OrderEvent] = [filled(NAME, 4, 6), cancelled(NAME, 6)]
    for event in events if is_fill_first else events[::-1]:
        assert not tracked.is_over
        tracked.follow(event)
    assert (tracked.is_over, tracked.filled) == (True, 4)


def test_numbers_rise_within_and_over_incarnations() -> None:
    first = OrderNumbers()
    ids = [first.next_id("a", 5_000_000) for _ in range(3)]
    assert ids == ["a/5001", "a/5002", "a/5003"]
    assert OrderNumbers().next_id("a", 6_000_000) == "a/6001"


@pytest.mark.parametrize(
    ("order_id", "parts"),
    [
        ("quant/maker/12", ("quant/maker", 12)), ("12", None), ("/12", None), ("a/", None),
        ("a/1x", None), ("a/\u0663", None), ("a/" + "9" * 19, None),
    ],
)  # fmt: skip
def test_order_id_says_owner_and_number(order_id: str, parts: object) -> None:
    assert split_order_id(order_id) == parts


def test_units_of_a_structure_have_traded_once_all_their_legs_have() -> None:
    legs = (Leg(instrument="LOW", side="buy"), Leg(instrument="HIGH", side="sell", ratio=2))
    tracked = order(legs=legs)
    low = msgspec.structs.replace(filled(NAME, 3, 7), instrument="LOW")
    assert (tracked.follow(low), tracked.at_most()) == (0, 10)
    high = msgspec.structs.replace(filled(NAME, 5, 15), instrument="HIGH")
    assert (tracked.follow(high), tracked.filled, tracked.at_most()) == (2, 2, 8)
    tracked.follow(msgspec.structs.replace(high, quantity=15, leaves=0))
    assert not tracked.is_over  # The other leg's fills are on the way.
    tracked.follow(msgspec.structs.replace(low, quantity=7, leaves=0))
    assert (tracked.is_over, tracked.filled) == (True, 10)


def test_adopted_structure_counts_each_leg_from_what_was_open() -> None:
    legs = (Leg(instrument="LOW", side="buy"), Leg(instrument="HIGH", side="sell", ratio=2))
    tracked = order(legs=legs, is_adopted=True)
    late = msgspec.structs.replace(filled(NAME, 4, 20), instrument="HIGH")
    assert (tracked.follow(late), tracked.leg_lots) == (0, {})
