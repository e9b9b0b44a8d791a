"""Other terms of an order that rests: a verdict of their own, people where needed, one quantity."""

from typing import Any

import pytest

from environment.approval_messages import CardAnswer, CardChanged
from environment.control_messages import LowerDesk
from environment.messages import (
    CancelRequest,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    ReplaceRequest,
)
from tests.stateful.desk_floor import ACTORS, PANEL, PRICE
from tests.unit.desk.factories import phase
from tests.unit.desk.test_resting import AGENT, ORDER, Rests

LATER_S = 130  # Their yes lets something leave for two minutes.


class Works(Rests):
    """An order for six that people approved, and that works."""

    def __init__(self, *, filled: int = 0, is_late: bool = True) -> None:
        super().__init__()
        self.answer()
        if is_late:
            self.advance(LATER_S)
            self.deliver_all()
        if filled:
            self.fill(filled)

    def replace(self, quantity: int, price: int = PRICE) -> None:
        self.tell(ReplaceRequest(order_id=ORDER, quantity=quantity, price=price), AGENT)

    @property
    def working(self) -> list[tuple[int, int]]:
        """Lots and price of what is in the market."""
        return [(left, price) for _, left, price in self.exchange.open.values()]

    @property
    def cards_open(self) -> list[CardChanged]:
        entries = self.actors["human/approvals"].state.cards.values()
        return [self.cards[entry.card.code] for entry in entries if entry.is_open]

    def is_settled(self) -> bool:
        """Return whether nothing of it is left anywhere."""
        return not (
            self.exchange.open or self.actors["desk/risk"].state.book.orders
            or self.actors["desk/execution"].state.working
            or self.actors["desk/risk"].state.waiting
        )  # fmt: skip


def test_more_than_was_approved_is_asked_while_the_order_works_on() -> None:
    floor = Works(filled=1)
    floor.replace(8)
    asked = floor.open_card
    assert (asked.card.quantity, asked.card.done, asked.card.changed_because) == (
        7, 1, "replacement",
    )  # fmt: skip
    assert asked.previous is not None
    assert asked.card.previous == asked.previous.record_hash
    assert floor.working == [(5, PRICE)]
    floor.answer()
    assert floor.working == [(7, PRICE)]
    assert floor.entered == [(0, 6), (0, 7)]
    assert [(m.price, m.leaves) for m in floor.owner_heard() if isinstance(m, OrderReplaced)] == [
        (PRICE, 7)
    ]
    floor.fill(7)
    assert floor.exchange.position == 8
    assert [m.leaves for m in floor.owner_heard() if isinstance(m, OrderFilled)] == [5, 0]
    assert floor.is_settled()


@pytest.mark.parametrize("price", [PRICE + 3, PRICE - 3])
def test_price_changes_under_a_new_yes(price: int) -> None:
    floor = Works()
    floor.replace(6, price)
    floor.answer()
    assert floor.working == [(6, price)]
    old, new = floor.cards.values()
    assert (old.state, new.state) == ("done", "sent")


def test_less_at_no_worse_price_needs_no_second_yes_while_the_first_lets_orders_leave() -> None:
    floor = Works(is_late=False)
    floor.fill(1)
    floor.replace(4, PRICE - 2)
    assert floor.cards_open == []
    assert floor.working == [(3, PRICE - 2)]
    floor.fill(3)
    assert floor.exchange.position == 4
    assert floor.is_settled()


@pytest.mark.parametrize("way", ["reject", "nobody answers", "the market closes", "halted"])
def test_without_a_yes_the_order_stays_as_it_was(way: str) -> None:
    floor = Works(filled=2)
    floor.replace(7)
    if way == "reject":
        floor.answer("reject")
    elif way == "nobody answers":
        floor.advance(70)
        floor.deliver_all()
    elif way == "the market closes":
        floor.tell(phase("closed"))
    else:
        floor.tell(LowerDesk(to="halted", reason="tested"), PANEL)
    (refused,) = [m for m in floor.owner_heard() if isinstance(m, OrderRefused)]
    assert refused.reason.startswith("person_")
    assert floor.cards_open == []
    assert not any(isinstance(m, OrderCancelled) for m in floor.owner_heard())
    is_out = way in {"the market closes", "halted"}
    assert floor.working == ([] if is_out else [(4, PRICE)])
    assert floor.actors["desk/risk"].state.book.orders[ORDER].terms.quantity == 6
    if way == "the market closes":
        floor.sleep()
        assert (floor.open_card.card.quantity, floor.open_card.card.done) == (4, 2)


def test_filled_while_people_think_is_over_and_its_card_says_so() -> None:
    floor = Works()
    floor.replace(9)
    floor.fill(6)
    assert floor.cards_open == []
    assert [c.outcome for c in floor.cards.values() if c.card.changed_because] == ["withdrawn"]
    assert floor.is_settled()


def test_fill_that_comes_before_the_cancel_counts_against_the_new_quantity() -> None:
    floor = Works()
    floor.replace(8)
    floor.exchange.trade(0, 5)  # Of the old child; nobody has heard of it yet.
    floor.answer()
    floor.collect_reports()
    floor.deliver_all()
    assert floor.working == [(3, PRICE)]
    floor.fill(3)
    assert floor.exchange.position == 8
    assert floor.is_settled()


def test_fewer_than_have_traded_meanwhile_ends_it() -> None:
    floor = Works(is_late=False)
    floor.exchange.trade(0, 5)
    floor.replace(3)
    floor.collect_reports()
    floor.deliver_all()
    assert floor.exchange.position == 5
    assert floor.is_settled()


@pytest.mark.parametrize(("moment", "rule"), [
    ("asked", "asked_already"), ("withheld", "withheld"), ("traded", "replace_too_late"),
    ("hard", "order_quantity"), ("nothing new", "no_change"),
])  # fmt: skip
def test_replacement_that_cannot_be_is_refused_by_name(moment: str, rule: str) -> None:
    floor = Works(filled=2)
    if moment == "asked":
        floor.replace(8)
    elif moment == "withheld":
        floor.tell(phase("closed"))
    floor.replace({"traded": 2, "hard": 13, "nothing new": 6}.get(moment, 7))
    assert floor.owner_heard()[-1].reason.startswith(rule)
    assert len(floor.cards_open) == (moment == "asked")


def test_owner_takes_order_and_replacement_back_together() -> None:
    floor = Works()
    floor.replace(8)
    floor.tell(CancelRequest(order_id=ORDER), AGENT)
    assert floor.cards_open == []
    assert isinstance(floor.owner_heard()[-1], OrderCancelled)
    assert floor.is_settled()


def test_made_smaller_the_replacement_is_what_people_chose() -> None:
    floor = Works(filled=1)
    floor.replace(8)
    floor.answer("smaller", 3)
    if floor.cards_open:
        floor.answer()
    assert floor.working == [(3, PRICE)]
    floor.fill(3)
    assert floor.exchange.position == 4
    assert floor.is_settled()


def test_night_between_yes_and_way_back_leaves_it_to_the_next_open() -> None:
    floor = Works(filled=1)
    floor.replace(8)
    floor.exchange.end_day()
    shown = floor.open_card
    floor.tell(phase("closed"))
    floor.collect_reports()
    floor.deliver_all()
    assert floor.cards[shown.card.code].outcome == "market_closed"
    assert floor.working == []


@pytest.mark.parametrize("address", ACTORS)
@pytest.mark.parametrize("moment", ["asked", "answered", "under way", "back"])
def test_crash_of_any_actor_leaves_one_order_in_bounds(address: str, moment: str) -> None:
    floor = Works(filled=1)
    floor.replace(8)
    if moment == "asked":
        floor.restart(address)
    shown = floor.open_card
    floor.pressed += 1
    answer: Any = {"answered": 1, "under way": 3}.get(moment)
    floor.post(PANEL, "human/approvals", _yes(shown, floor.pressed))
    if answer is None:
        floor.deliver_all()
    else:
        for _ in range(answer):
            floor.deliver(0)
        floor.restart(address)
        floor.deliver_all()
    if moment == "back":
        floor.restart(address)
        floor.deliver_all()
    assert floor.working == [(7, PRICE)]
    floor.fill(7)
    assert floor.exchange.position == 8
    assert floor.is_settled()


def _yes(shown: CardChanged, press: int) -> Any:
    return CardAnswer(
        code=shown.card.code, record_hash=shown.card.record_hash, answer="approve", person="ana",
        figures_sequence=shown.figures.sequence, sign_in_id="in/ana", browser_id="ana",
        answer_id=f"press/{press}",
    )  # fmt: skip
