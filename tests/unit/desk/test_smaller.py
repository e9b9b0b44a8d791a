"""Approve smaller: whole units in the same ratio, ruled on again, and the rest dropped."""

import msgspec

from tests.unit.desk.factories import ask
from tests.unit.desk.option_factories import CONDOR
from tests.unit.desk.test_cards_flow import Desk
from tests.unit.desk.test_drift import option_desk


def test_smaller_without_a_password_is_no_first_yes_of_two() -> None:
    """The rules may ask for two people while one of them makes it smaller."""
    desk = Desk()
    desk.tell(ask())
    rules = desk.risk.state.rules
    two = msgspec.structs.replace(rules.approval, default="two")
    desk.risk.state.rules = msgspec.structs.replace(rules, approval=two)
    desk.answer("smaller", quantity=4, password_proved=False)
    assert (desk.card.tier, desk.shown.state, desk.shown.people) == ("two", "waiting", ())
    desk.answer(quantity=4)
    assert desk.orders() == []
    desk.answer(person="ben", quantity=4)
    assert [order.order.quantity for order in desk.orders()] == [4]


def test_smaller_of_a_structure_keeps_its_ratio_and_draws_its_figures_anew() -> None:
    desk = option_desk()
    desk.tell(ask(1, instrument="AAPL", quantity=4, price=-80, legs=CONDOR))
    first = desk.card
    desk.answer("smaller", quantity=1)
    (order,) = desk.orders()
    assert (order.order.quantity, order.order.legs) == (1, CONDOR)
    card = desk.card
    assert [leg.ratio for leg in card.legs] == [leg.ratio for leg in first.legs]
    assert (card.dropped, card.changed_because, card.previous) == (3, "smaller", first.record_hash)
    assert card.worst_case.loss_micros * 3 < first.worst_case.loss_micros
    assert card.margin_micros.after < first.margin_micros.after
    assert order.decision is not None
    assert (order.decision.quantity, order.decision.people) == (1, ("ana",))
    assert order.decision.record_hash.hex() == card.record_hash
