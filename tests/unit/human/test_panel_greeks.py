"""The live view of options: chains mark what is held, and greeks are the risk desk's own."""

import datetime
from typing import Any

import pytest

from agents.desk.measures import AccountMeasures
from agents.desk.risk_case import CaseMaker
from agents.desk.risk_state import RiskSettings, first_state
from agents.human.panel_room import Room, RoomSettings
from environment.instruments import make_equity, make_option
from environment.messages import OrderFilled, QuoteUpdate
from environment.option_messages import ChainRow, ChainUpdate
from tests.unit.human.floor import START_NS, make_around
from tests.unit.human.test_panel_room import StillFloor

DAY = datetime.date(2014, 6, 6)
AAPL = make_equity("AAPL")
CALL, PUT = (make_option("AAPL", datetime.date(2014, 7, 19), r, "650") for r in ("call", "put"))


def make_room() -> Room:
    settings = RoomSettings(floor="test", instruments=(AAPL, CALL, PUT))
    return Room(settings, StillFloor(), make_around())


def fill(symbol: str, side: Any, quantity: int, price: int) -> OrderFilled:
    return OrderFilled(
        order_id="quant/a/1", instrument=symbol, side=side, price=price, quantity=quantity,
        leaves=0, liquidity="taker", fee_micros=0, exchange_ns=START_NS, trade_id=1,
    )  # fmt: skip


def chain(call: tuple[int, int], put: tuple[int, int]) -> ChainUpdate:
    rows = tuple(
        ChainRow(one.symbol, bid, 10, ask, 10, 0, 0, 0)
        for one, (bid, ask) in ((CALL, call), (PUT, put))
    )
    return ChainUpdate(
        underlying="AAPL", bid_price=64_498, ask_price=64_502, rows=rows, exchange_ns=START_NS,
        first_sequence=1, last_sequence=1,
    )  # fmt: skip


def quote() -> QuoteUpdate:
    return QuoteUpdate(
        instrument="AAPL", bid_price=64_498, bid_quantity=1, ask_price=64_502, ask_quantity=1,
        last_price=None, volume=0, exchange_ns=START_NS, first_sequence=1, last_sequence=1,
    )  # fmt: skip


def test_chain_marks_options_that_are_held_and_no_others() -> None:
    room = make_room()
    room.hear("venue", fill(CALL.symbol, "buy", 3, 1_450))
    assert [row["value"] for row in room.live.positions()] == ["unknown"]
    room.hear("market", quote())
    room.hear("market", chain((1_500, 1_520), (1_900, 1_920)))
    (row,) = room.live.positions()
    assert (row["value"], row["open"]) == ("$4\u202f530", "$180.00")
    assert PUT.symbol not in room.live.watched
    assert [one["symbol"] for one in room.live.view()["instruments"]] == ["AAPL"]


def test_greeks_of_the_account_are_those_that_risk_reckons() -> None:
    room = make_room()
    room.hear("venue", fill("AAPL", "sell", 100, 64_500))
    room.hear("venue", fill(CALL.symbol, "buy", 3, 1_450))
    room.hear("venue", fill(PUT.symbol, "sell", 2, 1_900))
    room.hear("market", quote())
    (lacking,) = room.live.exposures()
    assert sorted(lacking["lacks"]) == sorted([CALL.symbol, PUT.symbol])
    room.hear("market", chain((1_500, 1_520), (1_900, 1_920)))
    (shown,) = room.live.exposures()
    settings = RiskSettings(account="swarm", instruments=(AAPL, CALL, PUT), today=DAY)
    marks = {"AAPL": 64_500, CALL.symbol: 1_510, PUT.symbol: 1_910}
    market = CaseMaker(settings).market(first_state(settings), marks)
    lots = {"AAPL": -100, CALL.symbol: 3, PUT.symbol: -2}
    account = AccountMeasures(market, lots, 0)
    expected = [account.by_underlying(g, "AAPL") / 1e6 for g in ("delta", "gamma", "vega", "theta")]
    told = [
        float(part.replace("\u2212", "-").replace("$", "").replace("\u202f", ""))
        for part in shown["parts"]
    ]
    assert told == pytest.approx(expected, abs=0.51)
    assert shown["lacks"] == []
