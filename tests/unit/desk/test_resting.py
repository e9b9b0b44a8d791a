"""Orders that people approved for longer than a day: withheld, asked again, and only then back."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from agents.desk.day_ledger import ScopeBook
from environment.approval_messages import CardAnswer, CardChanged
from environment.control_messages import FlattenDesk, LowerDesk, RaiseDesk
from environment.messages import (
    CancelRequest,
    OrderCancelled,
    OrderFilled,
    OrderRequest,
)
from tests.stateful.desk_floor import ACTORS, DAY_S, PANEL, PRICE, DeskFloor
from tests.unit.desk.factories import phase, quote

AGENT = "quant/a"
ORDER = f"{AGENT}/1"


class Rests(DeskFloor):
    """A floor on which an order for six lots was proposed, good till cancelled."""

    def __init__(self, lasts: Any = "gtc", **given: Any) -> None:
        super().__init__()
        self.pressed = 0
        request = OrderRequest(
            order_id=ORDER, instrument="AAPL", side="buy", quantity=6, price=PRICE,
            time_in_force=lasts, **given,
        )  # fmt: skip
        self.post(AGENT, "desk/risk", request)
        self.deliver_all()

    @property
    def open_card(self) -> CardChanged:
        entries = self.actors["human/approvals"].state.cards.values()
        (code,) = [entry.card.code for entry in entries if entry.is_open]
        return self.cards[code]

    def answer(self, answer: Any = "approve", quantity: int | None = None) -> None:
        shown = self.open_card
        self.pressed += 1
        said = CardAnswer(
            code=shown.card.code, record_hash=shown.card.record_hash, answer=answer, person="ana",
            figures_sequence=shown.figures.sequence, sign_in_id="in/ana", browser_id="ana",
            quantity=quantity, answer_id=f"press/{self.pressed}",
        )  # fmt: skip
        self.post(PANEL, "human/approvals", said)
        self.deliver_all()

    def fill(self, lots: int) -> None:
        self.exchange.trade(0, lots)
        self.collect_reports()
        self.deliver_all()

    def sleep(self) -> None:
        self.night()
        self.deliver_all()

    def tell(self, message: Any, sender: str = "exchange") -> None:
        self.post(sender, "desk/risk", message)
        self.deliver_all()

    @property
    def entered(self) -> list[tuple[int, int]]:
        """Day and lots of everything that reached the exchange."""
        return [(self.exchange.days[o.order_id], o.quantity) for o in self.exchange.submitted]

    def owner_heard(self) -> list[Any]:
        return self.heard[ORDER]


def test_the_venue_has_it_for_the_day_only() -> None:
    floor = Rests()
    floor.answer()
    (order,) = floor.exchange.submitted
    assert (order.time_in_force, order.quantity, order.price) == ("day", 6, PRICE)
    assert order.order_id.startswith("desk/execution/")


def test_it_is_asked_again_at_the_next_open_and_only_then_back() -> None:
    floor = Rests()
    floor.answer()
    first = floor.cards[next(iter(floor.cards))].card
    floor.fill(2)
    floor.sleep()
    assert floor.exchange.open == {}
    assert floor.entered == [(0, 6)]
    assert floor.cards[first.code].state == "done"
    asked = floor.open_card
    assert asked.card.code != first.code
    assert asked.previous == first
    assert asked.card.previous == first.record_hash
    assert (asked.card.quantity, asked.card.done, asked.card.asked) == (4, 2, 1)
    assert asked.card.changed_because == "next_open"
    floor.answer()
    assert floor.entered == [(0, 6), (1, 4)]
    floor.fill(4)
    assert floor.exchange.position == 6
    assert [m.leaves for m in floor.owner_heard() if isinstance(m, OrderFilled)] == [4, 0]
    assert not any(isinstance(m, OrderCancelled) for m in floor.owner_heard())
    assert floor.actors["desk/risk"].state.book.orders == {}


def test_it_is_not_asked_before_its_market_trades_and_has_a_price() -> None:
    floor = Rests()
    floor.answer()
    for name in ("closing_auction", "closed"):
        floor.tell(phase(name))
    assert floor.exchange.open == {}
    floor.advance(DAY_S)
    floor.tell(quote(PRICE - 1, PRICE + 1))
    for name in ("pre_open", "opening_auction"):
        floor.tell(phase(name))
        floor.tell(quote(PRICE - 1, PRICE + 1))
    assert not any(e.is_open for e in floor.actors["human/approvals"].state.cards.values())
    floor.tell(phase("continuous"))
    assert not any(e.is_open for e in floor.actors["human/approvals"].state.cards.values())
    floor.tell(quote(PRICE + 9, PRICE + 11))
    assert floor.open_card.card.twice_mid == 2 * PRICE + 20


def test_three_days_are_asked_about_three_times() -> None:
    floor = Rests()
    for day in range(3):
        floor.answer()
        assert floor.entered[-1] == (day, 6 - day)
        floor.fill(1)
        floor.sleep()
    assert [lots for _, lots in floor.entered] == [6, 5, 4]
    assert floor.open_card.card.done == 3
    assert len(floor.cards) == 4  # By code: each day's is its own.


@pytest.mark.parametrize("way", ["reject", "nobody answers", "the market closes", "its owner"])
def test_no_at_the_open_cancels_it(way: str) -> None:
    floor = Rests()
    floor.answer()
    floor.fill(1)
    floor.sleep()
    if way == "reject":
        floor.answer("reject")
    elif way == "nobody answers":
        floor.advance(120)
        floor.deliver_all()
    elif way == "the market closes":
        floor.tell(phase("closed"))
    else:
        floor.tell(CancelRequest(order_id=ORDER), AGENT)
    last = floor.owner_heard()[-1]
    assert isinstance(last, OrderCancelled)
    assert last.quantity == 5
    assert last.reason.startswith("person_")
    floor.sleep()
    assert floor.entered == [(0, 6)]
    assert floor.actors["desk/execution"].state.working == {}


def test_fewer_at_the_open_are_all_that_is_left_of_it() -> None:
    floor = Rests()
    floor.answer()
    floor.fill(1)
    floor.sleep()
    floor.answer("smaller", 2)
    if floor.entered[-1][0] == 0:
        floor.answer()
    assert floor.entered == [(0, 6), (1, 2)]
    floor.fill(2)
    assert floor.exchange.position == 3
    assert floor.actors["desk/risk"].state.book.orders == {}


def _drift(floor: Rests) -> None:
    floor.tell(quote(PRICE + 400, PRICE + 402))


def _halt(floor: Rests) -> None:
    floor.tell(LowerDesk(to="halted", reason="tested"), PANEL)
    for _ in range(2):
        floor.tell(RaiseDesk(person="ana", reason="tested"), PANEL)


@pytest.mark.parametrize("stop", [_drift, _halt])
def test_drift_and_a_halt_withhold_it_until_the_next_day(stop: Callable[[Rests], None]) -> None:
    floor = Rests()
    floor.answer()
    stop(floor)
    assert floor.exchange.open == {}
    assert [c.state for c in floor.cards.values()] == ["withheld"]
    floor.tell(quote(PRICE - 1, PRICE + 1))
    assert len(floor.cards) == 1
    floor.sleep()
    floor.answer()
    assert floor.entered == [(0, 6), (1, 6)]


def test_halt_of_its_stock_withholds_it_until_that_reopens() -> None:
    floor = Rests()
    floor.answer()
    floor.tell(phase("halted"))
    assert floor.exchange.open == {}
    for name in ("reopening_auction", "continuous"):
        floor.tell(phase(name))
    floor.tell(quote(PRICE - 1, PRICE + 1))
    floor.answer()
    assert floor.entered == [(0, 6), (0, 6)]


@pytest.mark.parametrize("to", ["reducing", "halted"])
def test_desk_that_opens_nothing_in_the_morning_asks_once_it_is_resumed(to: Any) -> None:
    floor = Rests()
    floor.answer()
    floor.fill(1)
    floor.tell(LowerDesk(to=to, reason="tested"), PANEL)
    floor.sleep()
    assert [c.state for c in floor.cards.values()] == ["withheld"]
    assert not any(isinstance(m, OrderCancelled) for m in floor.owner_heard())
    for _ in range(2):
        floor.tell(RaiseDesk(person="ana", reason="tested"), PANEL)
    floor.tell(quote(PRICE - 1, PRICE + 1))
    assert (floor.open_card.card.quantity, floor.open_card.card.done) == (5, 1)
    floor.answer()
    assert floor.entered == [(0, 6), (1, 5)]


def test_flatten_leaves_nothing_of_it() -> None:
    floor = Rests()
    floor.answer()
    _drift(floor)
    floor.tell(FlattenDesk(person="ana", reason="tested"), PANEL)
    assert isinstance(floor.owner_heard()[-1], OrderCancelled)
    floor.sleep()
    assert not any(e.is_open for e in floor.actors["human/approvals"].state.cards.values())


def test_good_till_date_ends_at_its_date() -> None:
    floor = Rests("gtd", expire_ns=90 * 1_000_000_000)
    floor.answer()
    floor.advance(100)
    floor.deliver_all()
    assert (floor.owner_heard()[-1].reason, floor.exchange.open) == ("expired", {})


def test_good_till_date_that_passed_overnight_is_not_asked_again() -> None:
    floor = Rests("gtd", expire_ns=DAY_S // 2 * 1_000_000_000)
    floor.answer()
    floor.restart("desk/execution")  # Its timer is gone; the next incarnation sets its own.
    floor.sleep()
    assert isinstance(floor.owner_heard()[-1], OrderCancelled)
    assert not any(e.is_open for e in floor.actors["human/approvals"].state.cards.values())


@pytest.mark.parametrize("address", ACTORS)
@pytest.mark.parametrize("moment", ["working", "overnight", "asked", "back"])
def test_crash_of_any_actor_leaves_it_asked_and_in_bounds(address: str, moment: str) -> None:
    floor = Rests()
    floor.answer()
    floor.fill(1)
    if moment == "working":
        floor.restart(address)
    floor.night()
    if moment == "overnight":
        floor.restart(address)
    floor.deliver_all()
    if moment == "asked":
        floor.restart(address)
    assert (floor.open_card.card.quantity, floor.open_card.card.done) == (5, 1)
    floor.answer()
    if moment == "back":
        floor.restart(address)
        floor.deliver_all()
    assert floor.entered == [(0, 6), (1, 5)]
    floor.fill(5)
    assert floor.exchange.position == 6
    assert floor.actors["desk/risk"].state.book.orders == {}
    assert floor.actors["desk/execution"].state.working == {}


def test_desk_that_was_down_overnight_asks_when_it_is_back() -> None:
    """Nothing is heard of the evening: the venue alone ended the day."""
    floor = Rests()
    floor.answer()
    for address in ACTORS:
        floor.restart(address)
    floor.exchange.end_day()
    floor.advance(DAY_S)
    floor.collect_reports()
    floor.tell(phase("continuous"))
    floor.tell(quote(PRICE - 1, PRICE + 1))
    assert floor.exchange.open == {}
    floor.answer()
    assert floor.entered == [(0, 6), (1, 6)]


def test_evening_that_nobody_heard_begins_a_new_day_all_the_same() -> None:
    """The desk was down from within one day to within the next: only `continuous` is told twice."""
    floor = Rests()
    floor.answer()
    risk = floor.actors["desk/risk"].state
    risk.ledger.scopes["desk:"] = ScopeBook(cash_micros=-5)
    floor.exchange.end_day()
    floor.advance(DAY_S)
    floor.collect_reports()
    floor.tell(phase("continuous"))
    assert (risk.today, risk.nights) == (date(1970, 1, 2), 1)
    assert risk.ledger.standing("desk:", {}, {}) == (0, 0)  # Yesterday's loss is yesterday's.
    floor.tell(phase("continuous"))  # Told again within the day: nothing begins.
    risk.ledger.scopes["desk:"].cash_micros -= 7
    floor.tell(phase("continuous"))
    assert risk.ledger.standing("desk:", {}, {})[0] == 7


def test_day_goes_on_from_the_first_one_whatever_a_later_start_calls_its_first() -> None:
    floor = Rests()
    floor.actors["desk/risk"]._maker.first_day = date(1970, 1, 3)
    floor.night()
    floor.deliver_all()
    assert floor.actors["desk/risk"].state.today == date(1970, 1, 2)


def test_person_who_cancels_what_is_in_the_market_ends_the_order() -> None:
    floor = Rests()
    floor.answer()
    (child,) = floor.exchange.open
    floor.tell(CancelRequest(order_id=child), PANEL)
    assert isinstance(floor.owner_heard()[-1], OrderCancelled)
    floor.sleep()
    assert floor.entered == [(0, 6)]
    assert floor.actors["desk/risk"].state.book.orders == {}
