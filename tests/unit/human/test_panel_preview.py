"""Fork previews at the panel: what is asked, when, and what a page is told of the worlds drawn."""

import datetime
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from agents.human.panel_preview import (
    ENDED,
    NOT_HERE,
    UNDER_WAY,
    Previews,
    content_of,
    make_task,
    worth,
)
from agents.human.panel_room import Room, RoomSettings
from agents.human.panel_seats import Seat
from agents.human.preview import PreviewLeg, PreviewResult, PreviewTask
from environment.approval_messages import OrderCard
from environment.instruments import make_equity, make_option
from environment.messages import QuoteUpdate
from tests.unit.human.floor import SECOND, START_NS, make_card, make_change
from tests.unit.human.test_panel_room import PERSON, StillFloor, heard
from tests.unit.human.test_panel_sign_in import Clock

AAPL = make_equity("AAPL")
CALL = make_option("AAPL", datetime.date(2014, 7, 19), "call", "645")
HOUR = 3_600


class Port:
    """Keeps what was asked, and answers when the test says so."""

    def __init__(self, *, is_there: bool = True) -> None:
        self.asked: list[PreviewTask] = []
        self.done: Callable[[PreviewResult], None] | None = None
        self.ended: list[str] = []
        self.is_there = is_there

    def start(self, task: PreviewTask, done: Callable[[PreviewResult], None]) -> bool:
        self.asked.append(task)
        self.done = done
        return self.is_there

    def end(self, record_hash: str) -> None:
        self.ended.append(record_hash)


def quote(symbol: str, bid: int, ask: int) -> QuoteUpdate:
    return QuoteUpdate(
        instrument=symbol, bid_price=bid, bid_quantity=300, ask_price=ask, ask_quantity=200,
        last_price=bid, volume=9, exchange_ns=START_NS, first_sequence=1, last_sequence=1,
    )  # fmt: skip


def make_room(port: Port | None, closes_s: int = 6 * HOUR) -> Room:
    settings = RoomSettings(
        floor="floor", instruments=(AAPL, CALL), closes_ns=(START_NS + closes_s * SECOND,),
        held={"AAPL": 100, CALL.symbol: -2},
    )  # fmt: skip
    room = Room(settings, StillFloor(), Clock().around(), port)
    room.hear("exchange", quote("AAPL", 64_498, 64_512))
    room.hear("exchange", quote(CALL.symbol, 1_950, 2_000))
    return room


def result(task: PreviewTask, **given: Any) -> PreviewResult:
    values: dict[str, Any] = {
        "record_hash": task.record_hash, "first_seed": task.first_seed,
        "horizon_s": task.horizon_s, "without": (0.0,) * 11,
        "with_order": tuple(10.0 * n - 50.0 for n in range(11)), "filled": (40,) * 11,
    }  # fmt: skip
    return PreviewResult(**(values | given))


def test_preview_is_begun_with_the_record_and_once() -> None:
    port = Port()
    room = make_room(port)
    card = make_card()
    room.hear("human/approvals", make_change(card))
    room.hear("human/approvals", make_change(card))
    (task,) = port.asked
    assert task.record_hash == card.record_hash
    assert (task.mid, task.spread_ticks, task.horizon_s) == (645.05, 14, HOUR)
    assert (task.bids, task.asks) == (((64_498, 300),), ((64_512, 200),))
    assert task.order is not None
    assert (task.order.side, task.order.lots, task.order.limit_ticks) == ("buy", 40, 64_520)
    assert [leg.shares for leg in task.held] == [100.0, -200.0]
    assert task.held[1].sigma_annual == pytest.approx(0.25, abs=0.1)
    assert room.previews.content(card) == (None, UNDER_WAY)


def test_every_record_gets_worlds_of_its_own() -> None:
    port = Port()
    room = make_room(port)
    for code in ("4F2A", "4F2B"):
        room.hear("human/approvals", make_change(make_card(code)))
    first, second = (task.first_seed for task in port.asked)
    assert second - first >= 100


def test_pages_are_told_that_it_came_and_get_it_when_they_ask() -> None:
    port = Port()
    room = make_room(port)
    seat = Seat("id", "ana")
    room.enter(seat, PERSON)
    card = make_card()
    room.hear("human/approvals", make_change(card))
    heard(seat)
    assert port.done is not None
    port.done(result(port.asked[0]))
    assert [frame["record_hash"] for frame in heard(seat)] == [card.record_hash]
    content, reason = room.previews.content(card)
    assert reason == ""
    assert content is not None
    assert (content["k"], content["seeds"], content["horizon"]) == (11, "1 to 11", "60 min")
    assert content["with"][0] == -50.0
    assert "+$0 in the middle, from \u2212$40 to +$40" in content["words"]
    assert "40 of 40 fill" in content["words"]


def test_preview_of_a_record_that_was_never_asked_for_is_not_taken() -> None:
    told: list[str] = []
    room = make_room(None)
    previews = Previews(Port(), room.live, (), told.append)
    previews.came(
        PreviewResult(
            record_hash="none", first_seed=1, horizon_s=60, without=(), with_order=(), filled=()
        )
    )
    assert told == []


@pytest.mark.parametrize(
    ("port", "closes_s", "word"),
    [
        (None, 6 * HOUR, NOT_HERE),
        (Port(is_there=False), 6 * HOUR, NOT_HERE),
        (Port(), 100, "Trading ends too soon"),
    ],
)
def test_card_is_complete_without_one(port: Port | None, closes_s: int, word: str) -> None:
    room = make_room(port, closes_s)
    card = make_card()
    room.hear("human/approvals", make_change(card))
    content, reason = room.previews.content(card)
    assert content is None
    assert word in reason


def test_no_world_goes_on_beyond_the_end_of_trading() -> None:
    port = Port()
    room = make_room(port, closes_s=30 * 60 + 20)
    room.hear("human/approvals", make_change(make_card()))
    assert port.asked[0].horizon_s == 30 * 60


def test_nothing_is_drawn_from_a_price_that_was_not_seen() -> None:
    settings = RoomSettings(floor="floor", instruments=(AAPL,))
    room = Room(settings, StillFloor(), Clock().around(), Port())
    assert "nothing was guessed" in str(make_task(make_card(), room.live, HOUR, 1))


def option_card() -> OrderCard:
    card = make_card(quantity=3, price=2_000)
    leg = msgspec.structs.replace(
        card.legs[0], instrument=CALL.symbol, units_per_lot=100, bid_price=1_950, ask_price=2_000
    )
    return msgspec.structs.replace(card, legs=(leg,), total_micros=6_000_000_000)


def test_option_is_revalued_and_its_volatility_drives_the_worlds() -> None:
    task = make_task(option_card(), make_room(None).live, HOUR, 1)
    assert isinstance(task, PreviewTask)
    assert task.order is None
    (leg,) = task.legs
    assert (leg.kind, leg.shares, leg.strike, task.cost) == ("call", 300.0, 645.0, 6_000.0)
    assert task.sigma_annual == leg.sigma_annual
    content = content_of(result(task), option_card())
    assert "revalued" not in content["words"]
    assert "volatilities and spreads stay" in content["words"]
    assert (task.units, task.offer) == (3, 6_000.0)


def test_legs_are_worth_their_value_then_also_those_that_end_before() -> None:
    stock = PreviewLeg(kind="stock", shares=-100.0)
    call = PreviewLeg(kind="call", shares=100.0, strike=600.0, years=1e-6, sigma_annual=0.3)
    assert worth((stock, call), 650.0, HOUR) == pytest.approx(-65_000.0 + 5_000.0)
    assert worth((), 650.0, HOUR) == 0.0


def asked() -> PreviewTask:
    task = make_task(make_card(), make_room(None).live, HOUR, 1)
    assert isinstance(task, PreviewTask)
    return task


@pytest.mark.parametrize(
    ("acting", "more", "words"),
    [
        (0, True, "act in none of them so far; more are drawn."),
        (4, True, "act in 4 of them so far; more are drawn."),
        (4, False, "act in 4 of them; time was too short for the others."),
        (0, False, "stand still in them."),
        (11, False, "act in them."),
    ],
)
def test_card_says_in_how_many_worlds_the_agents_act(acting: int, more: bool, words: str) -> None:
    told = tuple(number < acting for number in range(11))
    content = content_of(result(asked(), acting=told, more=more), make_card())
    assert f"The swarm's agents {words}" in content["words"]


def test_card_names_who_stands_still_and_whose_model_is_not_asked() -> None:
    still, rules = ("analysts/news",), ("analysts/technical",)
    acting = content_of(
        result(asked(), acting=(True,) * 11, still=still, on_rules=rules), make_card()
    )
    assert "all of them: analysts/news; no text is written" in acting["words"]
    assert "There analysts/technical follow written rules" in acting["words"]
    none = content_of(result(asked(), still=still, on_rules=rules), make_card())
    assert "all of them: analysts/news" in none["words"]
    assert "written rules" not in none["words"]  # Nobody acts in any yet.


def test_worlds_that_come_later_take_the_place_of_the_first_and_pages_are_told_again() -> None:
    port = Port()
    room = make_room(port)
    seat = Seat("id", "ana")
    room.enter(seat, PERSON)
    card = make_card()
    room.hear("human/approvals", make_change(card))
    heard(seat)
    assert port.done is not None
    for acting in (0, 11):
        port.done(result(port.asked[0], acting=(acting > 0,) * 11, more=acting == 0))
        assert [frame["record_hash"] for frame in heard(seat)] == [card.record_hash]
    content, _ = room.previews.content(card)
    assert content is not None
    assert "agents act in them." in content["words"]


def test_no_more_is_drawn_once_a_card_is_answered_and_what_came_stays() -> None:
    port = Port()
    room = make_room(port)
    card = make_card()
    room.hear("human/approvals", make_change(card))
    assert port.done is not None
    few = (True,) * 4 + (False,) * 7
    port.done(result(port.asked[0], acting=few, more=True))
    room.hear("human/approvals", make_change(card, state="sent", outcome="approved"))
    assert port.ended == [card.record_hash]
    port.done(result(port.asked[0], acting=(True,) * 11))  # It was on its way.
    content, _ = room.previews.content(card)
    assert content is not None
    assert "act in 4 of them; time was too short" in content["words"]
    room.hear("human/approvals", make_change(card, state="done", outcome="approved"))
    assert port.ended == [card.record_hash]


def test_no_more_is_drawn_for_a_record_that_another_has_replaced() -> None:
    port = Port()
    room = make_room(port)
    old, new = make_card(), make_card(price=64_530)
    assert old.record_hash != new.record_hash
    room.hear("human/approvals", make_change(old))
    room.hear("human/approvals", make_change(new))
    assert [task.record_hash for task in port.asked] == [old.record_hash, new.record_hash]
    assert port.ended == [old.record_hash]
    assert room.previews.content(old) == (None, ENDED)
