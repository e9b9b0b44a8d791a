"""American options against converged values, limits and the tree."""

import numpy as np
import pytest

from environment.options import american, black_scholes, lattice
from tests.unit.options.tables import column, words

TABLE = "american_options.csv"


def reference_arguments() -> tuple[np.ndarray, ...]:
    numbers = [column(TABLE, field) for field in ("S", "K", "T", "sigma", "r", "q")]
    return (*numbers, words(TABLE, "flag") == "C")


def test_price_equals_the_continuous_reference() -> None:
    error = american.price(*reference_arguments()) - column(TABLE, "american_continuous_qdfp")
    assert np.max(np.abs(error)) < 1e-6


def test_tree_comes_near_the_continuous_reference() -> None:
    error = lattice.price(*reference_arguments()) - column(TABLE, "american_continuous_qdfp")
    assert np.max(np.abs(error)) < 5e-4


def test_tree_without_exercise_is_black_scholes() -> None:
    arguments = (np.array([80.0, 100.0, 120.0]), 100.0, 0.5, 0.3, 0.05, 0.02, False)
    tree = lattice.price(*arguments, is_american=False)
    np.testing.assert_allclose(tree, black_scholes.price(*arguments), atol=2e-4)


def test_tree_refuses_an_odd_number_of_steps() -> None:
    with pytest.raises(ValueError, match="even number"):
        lattice.price(100.0, 100.0, 1.0, 0.2, 0.0, 0.0, True, steps=101)


def test_warm_reprice_equals_the_cold_price() -> None:
    spot, strike, years, sigma, rate, dividend, is_call = reference_arguments()
    boundary = american.solve_boundary(years, sigma, rate, dividend, is_call)
    moved = spot * np.array([[0.9], [1.0], [1.1]])
    warm = american.reprice(boundary, moved, strike)
    cold = american.price(moved, strike, years, sigma, rate, dividend, is_call)
    np.testing.assert_allclose(warm, cold, rtol=1e-13)


def test_one_boundary_serves_all_strikes() -> None:
    strikes = np.linspace(60.0, 140.0, 9)
    boundary = american.solve_boundary(0.8, 0.3, 0.05, 0.02, False)
    warm = american.reprice(boundary, 100.0, strikes)
    cold = american.price(100.0, strikes, 0.8, 0.3, 0.05, 0.02, False)
    np.testing.assert_allclose(warm, cold, rtol=1e-13)


def test_reprice_refuses_a_shape_that_does_not_end_in_the_boundary() -> None:
    boundary = american.solve_boundary([[0.5], [1.0]], 0.3, 0.05, 0.0, False)
    with pytest.raises(ValueError, match="shapes ending in"):
        american.reprice(boundary, np.array([90.0, 100.0, 110.0]), 100.0)


def test_price_meets_intrinsic_at_the_critical_price() -> None:
    boundary = american.solve_boundary(1.0, 0.3, 0.05, 0.02, [True, False])
    critical = boundary.critical_price(100.0)
    got = american.reprice(boundary, critical, 100.0)
    np.testing.assert_allclose(got, np.abs(critical - 100.0), atol=1e-5)
    assert critical[1] < 100.0 < critical[0]


@pytest.mark.parametrize(
    ("rate", "dividend", "is_call"),
    [(0.05, 0.0, True), (0.0, 0.03, False), (-0.02, 0.01, False), (0.03, -0.01, True)],
)
def test_price_is_european_where_exercise_never_pays(
    rate: float, dividend: float, is_call: bool
) -> None:
    arguments = (np.array([70.0, 100.0, 130.0]), 100.0, 1.5, 0.25, rate, dividend, is_call)
    european = np.maximum(black_scholes.price(*arguments), 0.0)
    np.testing.assert_allclose(american.price(*arguments), european, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("rate", "dividend"), [(0.0, -0.03), (0.04, -0.05), (0.1, 0.0), (1e-4, 0.08), (-0.01, -0.04)]
)
@pytest.mark.parametrize("is_call", [True, False])
def test_price_equals_the_tree_in_every_regime(rate: float, dividend: float, is_call: bool) -> None:
    if is_call:
        rate, dividend = dividend, rate
    arguments = (np.array([85.0, 100.0, 115.0]), 100.0, 1.0, 0.2, rate, dividend, is_call)
    tree = lattice.price(*arguments, steps=800)
    np.testing.assert_allclose(american.price(*arguments), tree, atol=1e-3)


def test_slopes_equal_differences_of_prices() -> None:
    arguments = (105.0, 100.0, 0.75, 0.3, 0.06, 0.02)
    for is_call in (True, False):
        got = american.price_and_greeks(*arguments, is_call)
        boundary = american.solve_boundary(*arguments[2:], is_call)
        ladder = american.reprice(boundary, 105.0 + 0.5 * np.arange(-2, 3), 100.0)
        delta = (ladder[0] - 8.0 * ladder[1] + 8.0 * ladder[3] - ladder[4]) / 6.0
        gamma = (-ladder[0] + 16 * ladder[1] - 30 * ladder[2] + 16 * ladder[3] - ladder[4]) / 3.0
        assert float(got.delta) == pytest.approx(float(delta), abs=1e-6)
        assert float(got.gamma) == pytest.approx(float(gamma), abs=1e-6)


def test_theta_equals_a_difference_in_time() -> None:
    later, sooner = (american.price(95.0, 100.0, t, 0.3, 0.06, 0.02, False) for t in (0.751, 0.749))
    got = american.price_and_greeks(95.0, 100.0, 0.75, 0.3, 0.06, 0.02, False).theta_per_year
    assert float(got) == pytest.approx(float(sooner - later) / 0.002, rel=1e-4)


def test_price_is_the_best_sure_moment_when_volatility_is_zero() -> None:
    got = american.price(90.0, 100.0, 1.0, 0.0, 0.05, 0.0, [True, False])
    np.testing.assert_allclose(got, [0.0, 10.0], atol=1e-12)


def test_delta_is_that_of_waiting_when_volatility_is_zero() -> None:
    # The put waits for nothing, the call with a yield is exercised now, one without at expiry.
    got = american.price_and_greeks(
        90.0, [100.0, 80.0, 80.0], 1.0, 0.0, 0.05, [0.0, 0.2, 0.0], [False, True, True]
    )
    np.testing.assert_allclose(got.delta, [-1.0, 1.0, 1.0], rtol=1e-6)


def test_bad_row_is_nan_and_alone() -> None:
    spots = np.array([100.0, np.nan, 0.0, 100.0])
    got = american.price(spots, 100.0, [1.0, 1.0, 1.0, -1.0], 0.2, 0.05, 0.0, False)
    assert np.isfinite(got).tolist() == [True, False, False, False]
