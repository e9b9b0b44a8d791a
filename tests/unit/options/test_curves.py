"""Curves: every quote is priced, forwards follow from carrying the stock."""

import numpy as np
import pytest

from environment.options import curves

MATURITIES = np.array([1 / 12, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 20.0, 30.0])
YIELDS = np.array([0.5, 0.8, 1.0, 1.6, 4.5, 8.5, 16.0, 21.0, 25.5, 31.0, 34.5]) / 1000.0
NO_DIVIDENDS = curves.DividendSchedule(years=np.array([]), amounts=np.array([]))


def test_bootstrapped_curve_prices_every_par_bond_at_one() -> None:
    curve = curves.bootstrap(MATURITIES, YIELDS)
    for maturity, quote in zip(MATURITIES, YIELDS, strict=True):
        times, amounts = curves.cash_flows(float(maturity), float(quote), 2)
        assert float(np.sum(amounts * curve.discount_factor(times))) == pytest.approx(
            1.0, abs=1e-13
        )


def test_flat_par_yields_give_a_flat_zero_curve() -> None:
    curve = curves.bootstrap([0.5, 1.0, 2.0, 5.0, 10.0], np.full(5, 0.04))
    np.testing.assert_allclose(curve.zero_rate([0.5, 3.0, 10.0]), 2 * np.log(1.02), rtol=1e-12)


def test_negative_yields_are_bootstrapped() -> None:
    curve = curves.bootstrap([0.5, 2.0, 5.0], [-0.005, -0.004, -0.002])
    assert np.all(curve.discount_factor([0.5, 2.0, 5.0]) > 1.0)


@pytest.mark.parametrize(
    ("years", "yields"), [([1.0, 1.0], [0.01, 0.02]), ([0.0], [0.01]), ([1.0, 2.0], [0.01])]
)
def test_bootstrap_refuses_bad_quotes(years: list[float], yields: list[float]) -> None:
    with pytest.raises(ValueError, match="maturities"):
        curves.bootstrap(years, yields)


def test_impossible_yield_is_refused() -> None:
    with pytest.raises(ValueError, match="no positive discount factor"):
        curves.bootstrap([1.0, 10.0], [0.01, 5.0])


def test_curve_is_flat_beyond_its_last_knot() -> None:
    curve = curves.flat_curve(0.03)
    np.testing.assert_allclose(curve.zero_rate([0.0, 0.5, 1.0, 40.0]), 0.03, rtol=1e-12)
    assert float(curve.forward_rate(2.0, 5.0)) == pytest.approx(0.03)


def test_forward_rate_refuses_an_end_before_its_start() -> None:
    with pytest.raises(ValueError, match="after its start"):
        curves.flat_curve(0.03).forward_rate(2.0, 1.0)


def test_forward_carries_cash_dividends_and_borrowing() -> None:
    schedule = curves.DividendSchedule(years=np.array([0.2]), amounts=np.array([0.47]))
    free = curves.borrow_curve(1.0, 0.0)
    got = curves.forward_price(92.0, 0.5, curves.flat_curve(0.02), schedule, free)
    expected = 92.0 * np.exp(0.01) - 0.47 * np.exp(0.02 * 0.3)
    assert got == pytest.approx(expected, rel=1e-14)
    dear = curves.borrow_curve([0.25, 1.0], [0.1, 0.1])
    got = curves.forward_price(92.0, 0.5, curves.flat_curve(0.02), NO_DIVIDENDS, dear)
    assert got == pytest.approx(92.0 * np.exp(-0.04), rel=1e-14)


def test_equivalent_yield_gives_the_same_forward() -> None:
    curve, borrow = curves.bootstrap(MATURITIES, YIELDS), curves.borrow_curve(1.0, 0.004)
    schedule = curves.DividendSchedule(years=np.array([0.2, 0.7]), amounts=np.array([0.47, 0.5]))
    found = curves.equivalent_yield(92.0, 1.0, curve, schedule, borrow)
    forward = 92.0 * np.exp(float(curve.zero_rate(1.0)) - found)
    assert forward == pytest.approx(curves.forward_price(92.0, 1.0, curve, schedule, borrow))


def test_present_value_counts_dividends_within_the_window() -> None:
    schedule = curves.DividendSchedule(years=np.array([0.2, 0.7]), amounts=np.array([1.0, 2.0]))
    curve = curves.flat_curve(0.05)
    assert schedule.present_value(curve, 0.5) == pytest.approx(np.exp(-0.01))
    assert schedule.present_value(curve, 1.0, 0.2) == pytest.approx(2.0 * np.exp(-0.05 * 0.5))
