"""A source of structures earns its belief by volatility: what came against what was implied."""

import math
from typing import Any

import msgspec
import pytest

from agents.desk.realised import Realised, VolatilityClaim, claimed_move
from agents.desk.track_record import TrackRecord
from environment.messages import Resumed
from tests.unit.desk.test_coordinator import MINUTE_NS, Desk, signal

SOURCE = "quant/volpremium"
DAY_NS = 1_440 * MINUTE_NS
HOUR_NS = 60 * MINUTE_NS


def dear(**given: Any) -> Any:
    """Return a view that volatility comes out below what is implied."""
    values = {
        "structure": "condor", "probability": 0.8, "horizon_ns": 4 * HOUR_NS,
        "expected_volatility": 0.2, "implied_volatility": 0.3,
    }  # fmt: skip
    return signal(**(values | given))


class Market(Desk):
    """A desk whose market moves by a share up and down again, minute by minute."""

    def __init__(self) -> None:
        super().__init__(SOURCE)
        self.at(0, 1_000_000)

    def move(self, hours: float, annual: float, start: float = 0.0) -> "Market":
        # A minute is one of 98,280 of a trading year.
        step = annual / math.sqrt(252 * 390)
        for minute in range(int(start * 60) + 1, int((start + hours) * 60) + 1):
            self.at(minute * MINUTE_NS, round(1_000_000 * math.exp(step * (minute % 2))))
        return self

    @property
    def record(self) -> TrackRecord:
        return self.actor.state.records[SOURCE]


@pytest.mark.parametrize(
    ("expected", "came", "is_right"),
    [(0.2, 0.2, True), (0.2, 0.45, False), (0.5, 0.45, True), (0.5, 0.2, False)],
)
def test_view_on_volatility_is_right_where_it_came_out_on_its_side(
    expected: float, came: float, *, is_right: bool
) -> None:
    desk = Market()
    desk.say(SOURCE, dear(expected_volatility=expected))
    desk.move(8.1, came)
    record = desk.record
    assert [look.count for look in record.looks] == [1.0] * 4
    assert record.hit_rate() == float(is_right)
    assert record.brier_score() == pytest.approx(0.04 if is_right else 0.64)
    assert (record.belief() > TrackRecord().belief()) is is_right
    # To each look it was about as far above or below what was implied.
    for look in record.looks:
        assert look.x == pytest.approx(expected / 0.3 - 1.0)
    assert record.looks[2].y == pytest.approx(came / 0.3 - 1.0, abs=0.02)


def test_record_of_structures_weighs_the_next_proposal() -> None:
    probabilities = []
    for came in (0.1, 0.6):
        desk = Market()
        hour = 0.0
        for _ in range(5):
            desk.say(SOURCE, dear(horizon_ns=HOUR_NS // 2))
            desk.move(0.6, came, start=hour)
            hour += 0.6
        assert desk.record.outcomes > 4.0
        desk.say(SOURCE, dear())
        probabilities.append(desk.proposals[-1].probability)
    assert probabilities[0] > 0.65 > probabilities[1] + 0.05


def test_two_structures_of_one_claim_are_measured_once() -> None:
    desk = Market()
    desk.say(SOURCE, dear()).say(SOURCE, dear(structure="vertical"))
    desk.move(4.1, 0.2)
    assert desk.record.outcomes == 1.0


@pytest.mark.parametrize("given", [
    {"implied_volatility": None}, {"expected_volatility": None}, {"implied_volatility": 0.2},
    {"implied_volatility": float("nan")}, {"implied_volatility": 0.0}, {"direction": "down"},
])  # fmt: skip
def test_structure_that_claims_nothing_of_volatility_is_not_measured(given: Any) -> None:
    desk = Market()
    desk.say(SOURCE, dear(**given))
    assert desk.actor.state.looks == []


def test_stock_that_rises_calmly_is_no_fault_of_a_sold_structure() -> None:
    desk = Market()
    desk.say(SOURCE, dear())
    for minute in range(1, 250):
        desk.at(minute * MINUTE_NS, 1_000_000 + 20 * minute)  # Half a per cent, steadily.
    assert desk.record.hit_rate() == 1.0


def test_nights_count_and_calendar_time_is_what_years_are_of() -> None:
    realised = Realised()
    realised.hear(20_000, 0)
    realised.hear(20_400, DAY_NS)
    claim = VolatilityClaim(0, 0.3, 0.0)
    moved = claim.moved(realised.total, 30 * DAY_NS, 30 * DAY_NS)
    assert moved == pytest.approx(math.log(1.02) / math.sqrt(30 / 365) / 0.3 - 1.0)


def test_look_that_comes_far_too_late_proves_nothing() -> None:
    claim = VolatilityClaim(0, 0.3, 0.0)
    assert claim.moved(0.01, 8 * DAY_NS, 9 * DAY_NS) is not None
    assert claim.moved(0.01, 8 * DAY_NS, 9 * DAY_NS + 1) is None


def test_bounce_within_a_minute_is_no_volatility() -> None:
    realised = Realised()
    for second in range(59):
        realised.hear(20_000 + second % 2, second * 1_000_000_000)
    assert realised.total == 0.0
    assert realised.until(None) == 0.0
    assert realised.until(20_200) == pytest.approx(math.log(1.01) ** 2)


def test_restart_goes_on_measuring_and_an_older_record_is_read() -> None:
    desk = Market()
    desk.say(SOURCE, dear())
    desk.move(1.5, 0.45)
    again = Market()
    kept = msgspec.msgpack.encode(desk.actor.state)
    again.actor.state = msgspec.msgpack.decode(kept, type=type(desk.actor.state))
    again.ctx.set_time(90 * MINUTE_NS)
    again.fired = {timer.timer_id for timer in again.ctx.timers_set}
    again.ctx.handle(again.actor, Resumed())
    again.move(3.0, 0.45, start=1.5)
    assert again.record.hit_rate() == 0.0
    assert again.record.outcomes == 1.0


def test_claim_of_a_forecast_is_its_distance_from_what_is_implied() -> None:
    assert claimed_move(0.2, 0.25) == pytest.approx(-0.2)
    assert claimed_move(0.3, 0.3) == 0.0
