"""A dealer's surface and widths far from where the morning left them."""

import numpy as np
import pytest

from agents.crowd import dealer_rows as dealer, option_rows as rows, option_value as value
from agents.crowd.dealer_shapes import (
    lowest_level,
    may_learn,
    next_realised,
    realised_drift,
    stock_step,
    tells_volatility,
)
from environment.market import layout as at
from tests.unit.crowd.option_world import SECOND_NS, World, table

QUIET = {dealer.D_VOLATILITY: 0.0}


def test_level_follows_what_the_stock_realises_and_goes_no_further() -> None:
    level = 0.0
    for _ in range(200_000):
        level += realised_drift(10.0, 2.5, 0.25, level)  # It realises half of 25 %.
    assert level == pytest.approx(-0.125, abs=1e-3)
    assert realised_drift(10.0, 2.5, 1.0, 0.0) == 0.0


def test_jump_moves_the_level_whole_and_what_is_realised_a_little() -> None:
    assert stock_step(98.0, 100.0) == pytest.approx(-62.0, abs=1.0)
    assert stock_step(80.0, 100.0) == -100.0
    assert next_realised(1.0, -62.0) == next_realised(1.0, 6.0)


def test_middles_tell_of_volatility_where_they_hang_on_it() -> None:
    assert [tells_volatility(delta) for delta in (0.5, -0.2, 0.7, -0.9)] == [
        True, True, False, False
    ]  # fmt: skip
    assert may_learn(3.0, 100.0, 0.1)
    assert not may_learn(3.0, 100.0, 0.5 / 365.0)  # On its last day.


def test_width_is_that_of_the_delta_whatever_its_sign() -> None:
    floats = np.zeros(rows.EXPIRY_FLOATS)
    floats[rows.X_WIDTHS : rows.X_WIDTHS + rows.WIDTH_POINTS] = np.linspace(0.0, 0.8, 9)
    assert [rows.half_width(floats, 0, delta) for delta in (0.0, 0.25, -0.3125, 1.0, -1.0)] == [
        pytest.approx(width) for width in (0.0, 0.2, 0.25, 0.8, 0.8)
    ]


def test_smile_goes_with_the_stock() -> None:
    chain = table()
    smile = 0.3 - 0.5 * np.linspace(-0.1, 0.1, rows.PREMIUM_POINTS)
    floats = np.zeros(rows.SERIES_FLOATS)
    floats[rows.K_SMILE : rows.K_SMILE + rows.PREMIUM_POINTS] = smile
    found = [rows.smile_volatility(floats, 0, moved) for moved in (0.0, -0.04, 0.04, -0.3)]
    assert found == pytest.approx([0.3, 0.32, 0.28, 0.35])
    assert chain.at_the_money().tolist() == [0.3, 0.3]


def test_lowest_level_leaves_as_much_variance_as_came_before() -> None:
    level = lowest_level(0.02, 0.25, 0.25, 0.004)
    assert (0.25 + level) ** 2 * 0.25 + 0.004 == pytest.approx(0.02)


def levels(near: float) -> tuple[float, float]:
    """Return the levels of both dates after a while, begun with one of the nearer."""
    world = World(settings=QUIET)
    head = int(world.market.section(at.S_TRADER)[world.crowd.first_trader[0], at.TR_MEMORY])
    places = head + dealer.HEAD_FLOATS + value.STATE_FLOATS * np.arange(2) + value.Y_LEVEL
    world.crowd.beliefs[places[0]] = near
    world.quote_stock(2)
    world.run(10 * SECOND_NS)
    first, second = world.crowd.beliefs[places].tolist()
    return first, second


def test_later_date_never_has_less_variance_to_come() -> None:
    near, far = levels(0.5)
    assert near == pytest.approx(0.5)
    assert 0.3 + far == pytest.approx(0.8 * (15 / 71) ** 0.5, rel=1e-4)
    assert levels(0.1) == pytest.approx((0.1, 0.0))
