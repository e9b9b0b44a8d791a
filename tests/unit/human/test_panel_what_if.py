"""A "what if" is understood whole or not at all: an answer about another move misleads."""

import datetime
from typing import Any

import msgspec
import pytest

from agents.human.panel_questions import answer_question
from agents.human.panel_room import Room, RoomSettings
from agents.human.panel_what_if import Moves, asks_what_if, read_moves
from environment.approval_messages import CardGreeks, CardLeg, Change, OrderCard
from environment.instruments import make_equity, make_option
from environment.messages import QuoteUpdate, Signal
from tests.unit.human.floor import START_NS, make_around, make_card, make_change
from tests.unit.human.test_panel_room import StillFloor

CALL = make_option("AAPL", datetime.date(2014, 7, 19), "call", "650")


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("what if vol falls 5 points?", {"volatility": ("points", -5.0)}),
        (
            "what if the implied volatility of AAPL falls by 5 points",
            {"volatility": ("points", -5.0)},
        ),
        ("What if IV rises 3?", {"volatility": ("points", 3.0)}),
        ("what if vol drops 10 %", {"volatility": ("share", -0.1)}),
        ("what if vol goes to 20", {"volatility": ("to", 20.0)}),
        ("what if spot falls 3 %?", {"spot": ("share", -0.03)}),
        ("what if AAPL falls $3?", {"spot": ("money", -3.0)}),
        ("what if the stock gains 5 points?", {"spot": ("money", 5.0)}),
        ("what if the stock falls to 140?", {"spot": ("to", 140.0)}),
        ("what happens if it rises 2.5 per cent?", {"spot": ("share", 0.025)}),
        (
            "what if spot falls 3 % and vol rises 5 points and 2 days pass?",
            {"spot": ("share", -0.03), "volatility": ("points", 5.0), "days": 2},
        ),
        ("what if one week passes", None),
        ("what if rates fall 1 %?", None),
        ("what if MSFT falls 3 %?", None),
        ("what if spot falls 3?", None),  # Per cent, or money: a bare figure could be either.
        ("what if spot falls 3 % and rates rise 1 %?", None),
        ("what if spot falls 3 % and spot rises 2 %?", None),
        ("what if spot falls 100 %?", None),
        ("what if spot falls to 90 %?", None),
        ("what if it blows up?", None),
        ("what if vol falls $5?", None),
    ],
)
def test_each_part_is_understood_or_the_whole_is_not(
    text: str, moves: dict[str, Any] | None
) -> None:
    assert asks_what_if(text)
    assert read_moves(text, {"AAPL"}) == (None if moves is None else Moves(**moves))


def option_card(**changes: Any) -> OrderCard:
    leg = CardLeg(
        instrument=CALL.symbol, title="AAPL 650 call 19 Jul 2014", side="buy", ratio=1,
        effect="open", position=Change(0, 2), tick_micros=CALL.tick_micros, units_per_lot=100,
        bid_price=1_450, ask_price=1_470,
    )  # fmt: skip
    still = Change(0, 0)
    delta = changes.pop("delta", Change(0, 60_000_000_000))
    greeks = CardGreeks(underlying="AAPL", delta=delta, gamma=still, vega=still, theta=still)
    return msgspec.structs.replace(
        make_card(), legs=(leg,), quantity=2, price=1_470, greeks=greeks, **changes
    )


def answered(card: OrderCard, text: str) -> str:
    settings = RoomSettings(floor="test", instruments=(make_equity("AAPL"), CALL))
    room = Room(settings, StillFloor(), make_around())
    room.hear("human/approvals", make_change(card))
    room.hear("exchange", QuoteUpdate(
        instrument="AAPL", bid_price=64_500, bid_quantity=1, ask_price=64_502, ask_quantity=1,
        last_price=None, volume=0, exchange_ns=START_NS, first_sequence=1, last_sequence=1,
    ))  # fmt: skip
    for name, direction in (("quant/a", "down"), ("quant/b", "up")):
        room.hear(name, Signal(
            instrument="AAPL", direction=direction,  # type: ignore[arg-type]
            probability=0.6, horizon_ns=1, expected_return=0.0,
        ))  # fmt: skip
    return answer_question(room, room.table.find(card.code), text).text


def figure(text: str) -> float:
    amount = text.rpartition(" ")[2].rstrip(".")
    return float(amount.replace("\u2212", "-").replace("$", "").replace("\u202f", ""))


def test_option_is_revalued_by_points_by_price_and_by_time() -> None:
    card = option_card()
    falls = figure(answered(card, "what if vol falls 5 points?"))
    assert falls < 0
    assert figure(answered(card, "what if vol falls 10 points?")) < falls
    assert figure(answered(card, "what if the stock goes to 700?")) > 0
    assert figure(answered(card, "what if 5 days pass?")) < 0
    assert "expires in" in answered(card, "what if 60 days pass?")


def test_question_that_is_not_understood_computes_nothing() -> None:
    text = answered(option_card(), "what if rates fall 1 %?")
    assert "nothing was computed" in text


@pytest.mark.parametrize(
    ("delta", "said"),
    [
        (Change(0, 60_000_000_000), "Against: quant/a (AAPL down, 60 %). With it: quant/b"),
        (Change(0, -60_000_000_000), "Against: quant/b (AAPL up, 60 %). With it: quant/a"),
        (Change(0, 100_000_000), "The order takes no side of the market. Views on it: "),
    ],
)
def test_who_disagrees_with_an_option_is_told_by_its_delta(delta: Change, said: str) -> None:
    assert answered(option_card(delta=delta), "who disagrees?").startswith(said)
