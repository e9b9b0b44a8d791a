import math
from typing import Any

import pytest

from agents.instrument_view import InstrumentView
from agents.quant.flow_imbalance import (
    FlowImbalance,
    FlowImbalanceSettings,
    Regression,
    imbalance_of,
)
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.messages import Resumed, Signal, TimerFired
from tests.unit.desk.factories import context, phase, quote

BEFORE = InstrumentView(bid_price=99, bid_quantity=10, ask_price=101, ask_quantity=20)


@pytest.mark.parametrize(("now", "imbalance"), [
    ({"bid": 99, "ask": 101, "bid_quantity": 15, "ask_quantity": 20}, 5),
    ({"bid": 100, "ask": 101, "bid_quantity": 7, "ask_quantity": 20}, 7),
    ({"bid": 98, "ask": 101, "bid_quantity": 7, "ask_quantity": 20}, -10),
    ({"bid": 99, "ask": 101, "bid_quantity": 10, "ask_quantity": 26}, -6),
    ({"bid": 99, "ask": 100, "bid_quantity": 10, "ask_quantity": 3}, -3),
    ({"bid": 99, "ask": 102, "bid_quantity": 10, "ask_quantity": 3}, 20),
    ({"bid": None, "ask": 101, "bid_quantity": 0, "ask_quantity": 20}, 0),
])  # fmt: skip
def test_imbalance_of_one_change_is_that_of_the_paper(now: dict[str, Any], imbalance: int) -> None:
    assert imbalance_of(BEFORE, quote(**now)) == imbalance


def test_slope_of_an_exact_relation_is_found_without_error() -> None:
    regression = Regression()
    for number in range(200):
        imbalance = float(number % 7 - 3)
        regression.learn(imbalance, 0.5 * imbalance)
    slope, error = regression.slope()
    assert slope == pytest.approx(0.5)
    assert error == pytest.approx(0.0, abs=1e-6)


def test_slope_is_unknown_at_first() -> None:
    assert Regression().slope() == (0.0, math.inf)


class Driver:
    """An agent, and a market whose bid grows and whose mid moves as it is told."""

    def __init__(self) -> None:
        self.actor = FlowImbalance(
            ActorRef("desk/coordinator"), FlowImbalanceSettings(instruments=("AAPL",))
        )
        self.ctx: RecordingContext = context("quant/flow")
        self.ctx.handle(self.actor, Resumed())
        self.mid = 10_000

    def interval(self, grows: int, moved: int) -> None:
        """Let the mid move by what the last interval announced, then the bid's size change."""
        self.mid += moved
        for size in (1_000, 1_000 + grows):
            touch = quote(self.mid - 1, self.mid + 1, bid_quantity=size, ask_quantity=100)
            self.ctx.handle(self.actor, touch)
        self.ctx.handle(self.actor, TimerFired(timer_id=1, name="interval"))

    @property
    def signals(self) -> list[Signal]:
        return [message for message in self.ctx.messages() if isinstance(message, Signal)]


def trained() -> Driver:
    driver = Driver()
    for number in range(200):
        driver.interval(40 if number % 2 else -40, 0)
    return driver


def test_flow_that_says_nothing_of_the_next_move_is_not_traded() -> None:
    assert trained().signals == []


def test_flow_that_announces_moves_becomes_a_view() -> None:
    driver, last = Driver(), 0
    spoken: list[tuple[Signal, float]] = []
    for number in range(200):
        grows = 90 if (number * number) % 7 in {1, 2} else -90
        before = len(driver.signals)
        driver.interval(grows * 10, (last > 0) - (last < 0))
        heard = driver.actor.state.flows["AAPL"].last_imbalance
        if len(driver.signals) > before and heard is not None:
            spoken.append((driver.signals[-1], heard))
        last = grows
    assert spoken
    for view, heard in spoken:  # Added bids go before a rise here.
        assert view.expected_return * heard >= 0.0
        assert 0.5 <= view.probability <= 1.0


def test_interval_over_a_halt_is_not_learnt_from() -> None:
    driver = trained()
    count = driver.actor.state.flows["AAPL"].regression.count
    driver.ctx.handle(driver.actor, phase("halted"))
    driver.ctx.handle(driver.actor, TimerFired(timer_id=1, name="interval"))
    driver.ctx.handle(driver.actor, phase("continuous"))
    driver.interval(40, 500)
    assert driver.actor.state.flows["AAPL"].regression.count == count
