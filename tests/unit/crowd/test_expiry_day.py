import pytest

from agents.crowd import dealer_rows as dealer
from agents.crowd.dealer_shapes import (
    last_day_gone,
    lean,
    left_of,
    may_add,
    most_held,
    part_of,
    within_room,
)
from agents.crowd.option_rows import EXPIRY_FLOATS, SERIES_FLOATS, X_DIVIDENDS
from agents.crowd.option_seats import CurveErrors, DealerTerms
from agents.crowd.option_value import value_series
from environment.market import layout as at
from tests.unit.crowd.option_world import SPOT, World, table

SESSION_S = 23_400.0
EVENING_YEARS = SESSION_S / (365.0 * 86_400.0)


@pytest.mark.parametrize(
    ("years", "seconds", "gone"),
    [
        (EVENING_YEARS, 0.0, 0.0),
        (EVENING_YEARS, 0.25 * SESSION_S, 0.25),
        (EVENING_YEARS, 2.0 * SESSION_S, 1.0),
        (EVENING_YEARS + 1.0 / 365.0, 0.5 * SESSION_S, 0.0),  # Tomorrow evening.
        (-0.1, 0.5 * SESSION_S, 0.0),
    ],
)
def test_last_day_goes_from_its_open_to_its_last_trade(
    years: float, seconds: float, gone: float
) -> None:
    assert last_day_gone(years, seconds) == pytest.approx(gone, abs=1e-12)


def test_limits_shrink_linearly_to_what_is_left() -> None:
    assert [left_of(gone, 0.75) for gone in (0.0, 0.5, 1.0)] == [1.0, 0.625, 0.25]


def test_expiry_may_hold_less_gamma_and_vega_on_its_last_day() -> None:
    def may_buy(vega: float, gamma: float, left: float) -> bool:
        return may_add(1.0, vega, gamma, vega, 1_000.0, 1_000.0, 0.6, gamma, left)

    assert may_buy(500.0, 500.0, 1.0)
    assert may_buy(10.0, 700.0, 1.0)  # On other days no expiry has a share of gamma.
    assert not may_buy(10.0, 500.0, 0.5)
    assert not may_buy(500.0, 10.0, 0.5)
    assert may_add(-1.0, 500.0, 500.0, 500.0, 1_000.0, 1_000.0, 0.6, 500.0, 0.5)


def test_quotes_lean_towards_what_lowers_the_position() -> None:
    assert lean(0.5, 20.0, 40.0, 0.6, 0.0, 6.0, 300.0) == pytest.approx(0.6 * 6.0 * 0.5)
    assert lean(0.5, -90.0, 40.0, 0.6, 0.0, 6.0, 300.0) == pytest.approx(-0.6 * 6.0)
    assert lean(0.5, 40.0, 40.0, 0.6, 0.0, 6.0, 10.0) == pytest.approx(0.6 * 2.0)  # A cheap one.
    assert lean(0.0, 20.0, 40.0, 0.6, 0.0, 6.0, 300.0) == 0.0
    assert lean(0.5, 20.0, 0.0, 0.6, 0.0, 6.0, 300.0) == 0.0


def test_quotes_lean_for_vega_on_any_day_and_stay_within_the_width() -> None:
    assert lean(0.0, 0.0, 0.0, 0.6, -0.25, 6.0, 300.0) == pytest.approx(-1.5)
    assert lean(0.5, -20.0, 40.0, 0.6, 0.5, 6.0, 300.0) == pytest.approx(0.2 * 6.0)
    assert lean(0.5, 90.0, 40.0, 0.6, 0.5, 6.0, 300.0) == pytest.approx(0.75 * 6.0)
    assert [part_of(vega, 200.0) for vega in (-500.0, 50.0, 200.0)] == [-1.0, 0.25, 1.0]


def test_side_that_adds_fits_the_room_that_is_left() -> None:
    def sides(held: float) -> tuple[int, int]:
        return within_room(10, 1.0, held, 20.0), within_room(10, -1.0, held, 20.0)

    assert [sides(held) for held in (0.0, 13.5, 25.0, -20.0)] == [
        (10, 10), (6, 10), (0, 10), (10, 0)
    ]  # fmt: skip
    assert within_room(10, 1.0, 25.0, 0.0) == 10


def test_most_that_is_held_of_a_series_binds_every_day_and_its_last_day_more() -> None:
    assert [most_held(2_000.0, last, 0.5) for last in (500.0, 3_000.0, 0.0)] == [
        500.0, 2_000.0, 2_000.0
    ]  # fmt: skip
    assert most_held(2_000.0, 500.0, 0.0) == 2_000.0
    assert [most_held(0.0, 500.0, gone) for gone in (0.0, 0.5)] == [0.0, 500.0]


def valued(call: bool, rate: float, growth: float, dividend: float) -> float:
    """Return what the far series at the money is worth to one with such errors."""
    chain = table()
    floats = chain.floats()
    row = SERIES_FLOATS * (8 if call else 9)
    expiry = SERIES_FLOATS * len(chain.series) + EXPIRY_FLOATS
    floats[expiry + X_DIVIDENDS] = 1.5
    found = value_series(
        floats, row, expiry, SPOT, SPOT, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, rate, growth, dividend
    )
    return float(found[0])


def test_wrong_curves_move_calls_and_puts_apart() -> None:
    right_call, right_put = (valued(call, 0.0, 0.0, 0.0) for call in (True, False))
    for growth, dividend, up in ((0.03, 0.0, True), (0.0, 0.5, False), (-0.03, 0.0, False)):
        call, put = (valued(c, 0.0, growth, dividend) for c in (True, False))
        assert (call > right_call) is up
        assert (put < right_put) is up
    years = 71 / 365
    # Discounted more alone: the European part by what the rate takes of it.
    assert valued(True, 0.03, 0.0, 0.0) < right_call * (1.0 - 0.02 * years)
    half_less = valued(True, 0.0, 0.0, -0.5) - valued(False, 0.0, 0.0, -0.5)
    # Parity: what the forward gains by is half of the dividend.
    assert half_less - (right_call - right_put) == pytest.approx(0.75, abs=0.02)


def errors(seed: int, sd: float) -> list[tuple[float, float, float]]:
    """Return rate, growth and dividend errors of each of three dealers."""
    wrong = CurveErrors(rate_sd=sd, dividend_sd=sd, borrow_sd=sd)
    world = World(dealers=3, seed=seed, terms=DealerTerms(errors=wrong))
    heads = world.market.section(at.S_TRADER)[:3, at.TR_MEMORY]
    words = dealer.M_RATE_ERROR, dealer.M_GROWTH_ERROR, dealer.M_DIVIDEND_ERROR
    return [tuple(float(world.crowd.beliefs[h + word]) for word in words) for h in heads]  # type: ignore[misc]  # three words


def test_dealers_draw_their_curves_once_each_from_the_seed() -> None:
    drawn = errors(1, 0.01)
    assert len({one for dealers in drawn for one in dealers}) == 9
    assert all(0.0 < abs(one) < 0.1 for dealers in drawn for one in dealers)
    assert drawn == errors(1, 0.01) != errors(2, 0.01)
    assert errors(1, 0.0) == [(0.0, 0.0, 0.0)] * 3
