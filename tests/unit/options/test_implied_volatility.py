"""Implied volatility on prices whose exact answer is known."""

import numpy as np
import pytest

from environment.options import black_scholes
from environment.options.implied_volatility import (
    Reason,
    implied_from_forward,
    implied_volatility,
)
from tests.unit.options.tables import column, words

TABLE = "implied_vol_stress.csv"
EXPECTED_REASON = {
    "at_intrinsic": Reason.SOLVED,
    "below_intrinsic": Reason.BELOW_INTRINSIC,
    "at_or_above_upper_bound": Reason.ABOVE_BOUND,
    "no_time": Reason.NO_TIME,
    "nan_price": Reason.NOT_FINITE,
}


def solved() -> tuple[np.ndarray, np.ndarray]:
    price, spot, strike = (column(TABLE, field) for field in ("price", "S", "K"))
    years, rate, dividend = (column(TABLE, field) for field in ("T", "r", "q"))
    is_call = words(TABLE, "flag") == "C"
    return implied_volatility(price, spot, strike, years, rate, dividend, is_call)


def test_every_solvable_row_is_within_four_units_of_its_price() -> None:
    sigma, reason = solved()
    is_ok = words(TABLE, "status") == "ok"
    error = np.abs(sigma[is_ok] / column(TABLE, "sigma_of_double_price")[is_ok] - 1.0)
    allowed = np.maximum(4.0 * column(TABLE, "rel_sigma_per_price_ulp")[is_ok], 1e-14)
    assert np.all(reason[is_ok] == Reason.SOLVED)
    assert np.all(error <= allowed)


@pytest.mark.parametrize("status", EXPECTED_REASON)
def test_rows_without_volatility_say_why(status: str) -> None:
    sigma, reason = solved()
    here = words(TABLE, "status") == status
    assert np.all(reason[here] == EXPECTED_REASON[status])
    if status == "at_intrinsic":
        assert np.all(sigma[here] == 0.0)
    else:
        assert np.all(np.isnan(sigma[here]))


def test_price_rounded_below_intrinsic_has_no_volatility() -> None:
    sigma, reason = solved()
    here = words(TABLE, "status") == "below_intrinsic_rounding"
    assert np.all(np.isnan(sigma[here]) | (sigma[here] < 1e-3))
    assert set(reason[here]) <= {Reason.SOLVED, Reason.BELOW_INTRINSIC}


@pytest.mark.parametrize(
    ("spot", "strike", "expected"),
    [
        (0.0, 100.0, Reason.OUTSIDE_DOMAIN),
        (100.0, -1.0, Reason.OUTSIDE_DOMAIN),
        (np.inf, 100.0, Reason.NOT_FINITE),
    ],
)
def test_bad_row_has_its_reason_and_spoils_no_other(
    spot: float, strike: float, expected: Reason
) -> None:
    spots, strikes = np.array([100.0, spot, 100.0]), np.array([100.0, strike, 100.0])
    sigma, reason = implied_volatility(8.0, spots, strikes, 1.0, 0.0, 0.0, True)
    assert reason.tolist() == [Reason.SOLVED, expected, Reason.SOLVED]
    assert np.isnan(sigma[1])
    assert sigma[0] == sigma[2]


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    strikes = np.linspace(40.0, 250.0, 200)
    prices = black_scholes.price(100.0, strikes, 0.5, 0.3, 0.02, 0.0, True)
    together, _ = implied_volatility(prices, 100.0, strikes, 0.5, 0.02, 0.0, True)
    pairs = zip(prices, strikes, strict=True)
    alone = [float(implied_volatility(p, 100.0, k, 0.5, 0.02, 0.0, True)[0]) for p, k in pairs]
    np.testing.assert_array_equal(together, alone)


def test_forward_form_solves_at_the_money_exactly() -> None:
    sigma, reason = implied_from_forward(7.965567455405804, 100.0, 100.0, 1.0, [True, False])
    assert reason.tolist() == [0, 0]
    np.testing.assert_allclose(sigma, 0.2, rtol=1e-14)


@pytest.mark.parametrize(
    ("moneyness", "s"),
    [(4.181767855601244, 1.7678941019327836), (77.0, 2.1), (1e-12, 1e-6), (0.0, 5.0)],
)
def test_corners_of_the_start_are_solved(moneyness: float, s: float) -> None:
    # The first once met a singular interpolant, the second is close to the least float64.
    forward, strike = np.exp(-0.5 * moneyness), np.exp(0.5 * moneyness)
    price = black_scholes.price(forward, strike, 1.0, s, 0.0, 0.0, True)
    sigma, reason = implied_from_forward(price, forward, strike, 1.0, True)
    assert int(reason) == Reason.SOLVED
    np.testing.assert_allclose(sigma, s, rtol=1e-12)


def test_least_price_has_a_volatility() -> None:
    sigma, reason = implied_from_forward(5e-324, 1.0, [3.0, 1.0 + 1e-9], 1.0, True)
    assert reason.tolist() == [Reason.SOLVED, Reason.SOLVED]
    assert np.all(np.isfinite(sigma))


def test_price_that_underflows_in_its_own_unit_is_refused() -> None:
    sigma, reason = implied_from_forward(5e-324, 1.0, np.exp(400.0), 1.0, True)
    assert int(reason) == Reason.NOT_CONVERGED
    assert np.isnan(sigma)


def test_deep_prices_beyond_normal_range_are_solved() -> None:
    forwards = np.exp(-np.array([1.0, 5.0, 20.0, 100.0]))
    prices = black_scholes.price(forwards, 1.0, 1.0, 3.0, 0.0, 0.0, True)
    sigma, _ = implied_from_forward(prices, forwards, 1.0, 1.0, True)
    np.testing.assert_allclose(sigma, 3.0, rtol=1e-13)
