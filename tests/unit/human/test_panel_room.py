"""The room: what goes out at once, what is held back, and what questions are answered with."""

import datetime
import json
from typing import Any, get_args

import msgspec
import pytest

from agents.desk.risk_state import Verdict
from agents.human.panel_payoff import payoff_chart, revalue, value_card
from agents.human.panel_questions import answer_question
from agents.human.panel_replies import reply_to_command
from agents.human.panel_room import FIGURES_NS, NOBODY, Room, RoomSettings
from agents.human.panel_seats import MOST_WAITING, Seat
from agents.human.panel_what_if import Moves
from agents.human.panel_words import Command
from environment.approval_messages import ApproversPresent, CardLeg, Change, Outcome
from environment.control_messages import DeskStateChanged, OutcomeUnknown, RulesDiffer
from environment.instruments import make_equity, make_option
from environment.messages import DepthUpdate, OrderFilled, QuoteUpdate, Side, Signal
from tests.unit.human.floor import SECOND, START_NS, make_card, make_change, make_figures
from tests.unit.human.test_panel_sign_in import Clock

AAPL = make_equity("AAPL")
PERSON: dict[str, Any] = {"name": "ana"}


class StillFloor:
    """A floor on which no time passes, at ten times the market's pace."""

    def admit(self, recipient: str, message: object) -> None:
        raise AssertionError(f"nothing should be sent to {recipient}")

    def now_ns(self) -> int:
        return START_NS

    def left_ns(self, until_ns: int) -> int:
        return (until_ns - START_NS) // 10


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def room(clock: Clock) -> Room:
    settings = RoomSettings(floor="floor", instruments=(AAPL,))
    return Room(settings, StillFloor(), clock.around())


def seated(room: Room) -> Seat:
    seat = Seat("id", "ana")
    room.enter(seat, PERSON)
    heard(seat)
    return seat


def heard(seat: Seat) -> list[dict[str, Any]]:
    frames = [*seat._waiting, *seat._newest.values()]
    seat._waiting.clear()
    seat._newest.clear()
    return [json.loads(frame) for frame in frames]


def quote(mid: int = 64_505) -> QuoteUpdate:
    return QuoteUpdate(
        instrument="AAPL", bid_price=mid - 5, bid_quantity=1, ask_price=mid + 5, ask_quantity=1,
        last_price=mid, volume=1, exchange_ns=0, first_sequence=1, last_sequence=1,
    )  # fmt: skip


def test_figures_alone_are_held_back_and_then_sent(room: Room, clock: Clock) -> None:
    seat, card = seated(room), make_card()
    room.hear("human/approvals", make_change(card))
    assert [frame["t"] for frame in heard(seat)] == ["card", "said"]
    room.hear("human/approvals", make_change(card, figures=make_figures(card, 2, drift=0.002)))
    assert heard(seat) == []
    clock.ns += FIGURES_NS
    room.tick()
    told = {frame["t"]: frame for frame in heard(seat)}
    assert told["card"]["card"]["sequence"] == 2


def test_what_was_decided_is_sent_at_once(room: Room) -> None:
    seat, card = seated(room), make_card()
    room.hear("human/approvals", make_change(card))
    heard(seat)
    room.hear("human/approvals", make_change(card, state="sent", filled=3))
    assert heard(seat)[0]["card"]["status"] == "Sent: 3 of 40 filled"


def test_time_to_answer_is_that_of_the_wall(room: Room) -> None:
    seat = seated(room)
    room.hear("human/approvals", make_change(make_card(answer_until_ns=START_NS + 600 * SECOND)))
    card, said = heard(seat)
    assert card["left_ms"] == 60_000
    assert said["entry"]["text"].endswith("waits, 1:00 to answer")


def test_nobody_is_reachable_until_an_approver_sits_here(room: Room) -> None:
    assert json.loads(room.beat())["nobody"] == NOBODY
    room.may_approve = lambda name: name == "ana"
    seated(room)
    assert json.loads(room.beat())["nobody"] == ""


def test_a_page_that_falls_behind_is_closed(room: Room) -> None:
    seat = seated(room)
    for _ in range(MOST_WAITING + 1):
        seat.put(b"{}")
    assert seat.closing == (4408, "too slow")


def test_a_question_about_disagreement_names_who_is_against(room: Room) -> None:
    room.hear("human/approvals", make_change(make_card()))
    for name, direction in (("quant/a", "down"), ("quant/b", "up")):
        view = Signal(
            instrument="AAPL", direction=direction,  # type: ignore[arg-type]  # one of two
            probability=0.6, horizon_ns=1, expected_return=0.0,
        )  # fmt: skip
        room.hear(name, view)
    found = answer_question(room, room.table.find("4F2A"), "who disagrees?")
    assert found.text.startswith("Against: quant/a (AAPL down, 60 %). With it: quant/b")


def test_what_if_is_revalued_and_marked(room: Room) -> None:
    room.hear("human/approvals", make_change(make_card()))
    room.hear("exchange", quote())
    found = answer_question(room, room.table.find("4F2A"), "what if spot falls 3 %?")
    assert found.source == "revalued"
    assert "\u2212$774.06" in found.text  # 40 shares, 3 % of 645.05


def test_without_a_price_nothing_is_guessed(room: Room) -> None:
    room.hear("human/approvals", make_change(make_card()))
    found = answer_question(room, room.table.find("4F2A"), "what if spot rises 3 %?")
    assert "nothing was guessed" in found.text


def test_depth_is_cut_to_what_a_page_shows(room: Room) -> None:
    levels = tuple((64_500 - n, 10) for n in range(30))
    room.hear("exchange", DepthUpdate(
        instrument="AAPL", bids=levels, asks=levels, exchange_ns=0, first_sequence=1,
        last_sequence=1,
    ))  # fmt: skip
    assert len(room.live.view()["instruments"][0]["bids"]) == 8


def test_a_call_spread_loses_at_most_what_it_costs() -> None:
    options = [
        make_option("AAPL", datetime.date(2014, 7, 19), "call", strike) for strike in ("650", "660")
    ]
    sides: tuple[Side, ...] = ("buy", "sell")
    legs = tuple(
        CardLeg(
            instrument=option.symbol, title=option.symbol, side=side, ratio=1, effect="open",
            position=Change(0, 5), tick_micros=option.tick_micros, units_per_lot=100,
            bid_price=bid, ask_price=bid + 20,
        )
        for option, side, bid in zip(options, sides, (1_500, 1_090), strict=True)
    )  # fmt: skip
    card = msgspec.structs.replace(make_card(verb="trade"), legs=legs, quantity=5)
    known = {option.symbol: option for option in options}
    valued = value_card(card, known, {"AAPL": 645.0})
    assert valued is not None
    chart = payoff_chart(valued)
    assert min(chart["expiry"]) == pytest.approx(-2_050, abs=0.01)  # 5 x 100 x 4.10
    assert max(chart["expiry"]) == pytest.approx(2_950, abs=0.01)  # 10 wide, less the cost
    up, down = (revalue(valued, Moves(spot=("share", share))) for share in (0.02, -0.02))
    assert up > 0 > down


class ToldFloor(StillFloor):
    """A floor that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def admit(self, recipient: str, message: object) -> None:
        self.told.append((recipient, message))


def test_approval_agent_is_told_when_the_first_approver_comes_and_the_last_goes(
    clock: Clock,
) -> None:
    floor = ToldFloor()
    settings = RoomSettings(floor="floor", instruments=(AAPL,), has_channel=True)
    room = Room(settings, floor, clock.around())
    room.may_approve = lambda name: name != "vic"
    room.tick()
    seats = [Seat("a", "ana"), Seat("b", "ana"), Seat("c", "vic")]
    for seat in seats:
        room.enter(seat, PERSON)
    room.tick()
    room.tick()
    room.seats.remove(seats[0])
    room.tick()
    room.seats.remove(seats[1])
    room.tick()
    expected = [("human/approvals", ApproversPresent(count=count)) for count in (0, 1, 0)]
    assert floor.told == expected


def quoted(mid: int) -> QuoteUpdate:
    return QuoteUpdate(
        instrument="AAPL", bid_price=mid - 1, bid_quantity=1, ask_price=mid + 1, ask_quantity=1,
        last_price=mid, volume=1, exchange_ns=1, first_sequence=1, last_sequence=1,
    )  # fmt: skip


def test_profit_is_shown_by_what_made_it(room: Room) -> None:
    seat = seated(room)
    told = OrderFilled(
        order_id="quant/trend/1", instrument="AAPL", side="buy", price=64_510, quantity=100,
        leaves=0, liquidity="taker", fee_micros=0, exchange_ns=1, trade_id=1,
    )  # fmt: skip
    room.hear("desk/custodian", told)
    for mid in (64_500, 64_600):
        room.hear("exchange", quoted(mid))
    room.refresh()
    (live,) = [frame["live"] for frame in heard(seat) if frame["t"] == "live"]
    assert live["greeks"] == [
        {"name": "AAPL", "parts": ["$100.00", "$0.00", "$0.00", "$0.00", "$0.00", "\u2212$10.00"]}
    ]


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_every_way_that_a_card_ends_has_words(room: Room, outcome: Any) -> None:
    card = make_card()
    room.hear("human/approvals", make_change(card))
    state: Any = "done" if outcome == "approved" else "not_sent"
    room.hear("human/approvals", make_change(card, state=state, outcome=outcome))
    laid = room.table.find("4F2A")
    assert laid is not None
    assert not laid.view["can_answer"]
    assert ("not sent" in laid.view["status"]) == (outcome != "approved")


def test_limits_are_those_in_force_not_those_of_the_start(room: Room) -> None:
    now = (("order_notional", "$20,000", "$50,000"),)
    room.hear("desk/risk", RulesDiffer(version=2, source="a" * 64, limits=now))
    _, rows = reply_to_command(room, Command(name="limits"))
    assert rows[1:] == now


def test_order_of_tier_notify_is_told_to_people(room: Room) -> None:
    passed = Verdict(
        verdict_id=1, order_id="quant/a/1", owner="quant/a", is_passed=True, tier="notify",
        rule="medium",
    )  # fmt: skip
    room.hear("desk/risk", passed)
    room.hear("desk/risk", msgspec.structs.replace(passed, tier="auto"))
    said = [entry.text for entry in room.chat.last()]
    assert said == ["For your information: quant/a/1 was sent."]


def test_what_is_stopped_and_unknown_is_shown_until_it_is_not(room: Room) -> None:
    stop = DeskStateChanged(
        before="active", after="halted", reason="breaker", scope="agent", name="quant/a"
    )
    room.hear("desk/risk", stop)
    room.hear("desk/custodian", OutcomeUnknown(unknown=2, breaks=1))
    view = room.live.view()
    assert [(one["scope"], one["name"], one["state"]) for one in view["stopped"]] == [
        ("agent", "quant/a", "halted")
    ]
    assert (view["state"]["name"], view["state"]["unknown"], view["state"]["breaks"]) == (
        "active", 2, 1,
    )  # fmt: skip
    up = msgspec.structs.replace(stop, before="reducing", after="active")
    room.hear("desk/risk", up)
    room.hear("desk/custodian", OutcomeUnknown(unknown=0))
    assert room.live.view()["stopped"] == []
    assert room.live.view()["state"]["unknown"] == 0


def test_what_is_said_later_does_not_hide_why_the_desk_stopped(room: Room) -> None:
    halt = DeskStateChanged(before="active", after="halted", reason="ana flattens: news")
    room.hear("desk/risk", halt)
    ended = msgspec.structs.replace(halt, before="halted", reason="the flatten ended")
    room.hear("desk/risk", ended)
    assert room.live.view()["state"]["reason"] == "ana flattens: news; the flatten ended"
