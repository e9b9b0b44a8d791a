"""Black-Scholes against 18-digit values, differences and limits."""

import numpy as np
import pytest

from environment.options import black_scholes
from tests.unit.options.tables import column, words

TABLE = "greeks_200.csv"
FIELDS = {
    "price": "price",
    "delta": "delta",
    "gamma": "gamma",
    "vega_per_unit_vol": "vega_per_1.00_vol",
    "theta_per_year": "theta_per_year",
    "rho_per_unit_rate": "rho_per_1.00_rate",
    "vanna_per_unit_vol": "vanna_dDelta_dSigma",
    "volga_per_unit_vol_squared": "volga_dVega_dSigma",
    "charm_per_year": "charm_dDelta_dt_per_year",
}
MARKET = (104.0, 100.0, 0.7, 0.3, 0.04, 0.015)


def reference_arguments() -> tuple[np.ndarray, ...]:
    numbers = [column(TABLE, field) for field in ("S", "K", "T", "sigma", "r", "q")]
    return (*numbers, words(TABLE, "flag") == "C")


@pytest.mark.parametrize("name", FIELDS)
def test_greeks_equal_the_reference(name: str) -> None:
    got = getattr(black_scholes.price_and_greeks(*reference_arguments()), name)
    np.testing.assert_allclose(got, column(TABLE, FIELDS[name]), rtol=4e-13)


def test_price_equals_the_price_among_the_greeks() -> None:
    arguments = reference_arguments()
    expected = black_scholes.price_and_greeks(*arguments).price
    np.testing.assert_array_equal(black_scholes.price(*arguments), expected)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize(
    ("name", "source", "argument", "sign"),
    [
        ("dividend_rho_per_unit_yield", "price", 5, 1.0),
        ("veta_per_year", "vega_per_unit_vol", 2, -1.0),
        ("speed", "gamma", 0, 1.0),
        ("colour_per_year", "gamma", 2, -1.0),
        ("vanna_per_unit_vol", "vega_per_unit_vol", 0, 1.0),
    ],
)
def test_full_greek_equals_a_difference(
    name: str, source: str, argument: int, sign: float, is_call: bool
) -> None:
    step = 1e-3 * max(MARKET[argument], 0.1)
    moved = np.tile(MARKET, (5, 1))
    moved[:, argument] += step * np.arange(-2, 3)
    spot, strike, years, sigma, rate, dividend = moved.T
    greeks = black_scholes.all_greeks(spot, strike, years, sigma, rate, dividend, is_call)
    values = getattr(greeks, source)
    difference = (values[0] - 8.0 * values[1] + 8.0 * values[3] - values[4]) / (12.0 * step)
    got = getattr(greeks, name)[2]
    assert float(got) == pytest.approx(sign * float(difference), rel=1e-7)


def test_price_is_discounted_intrinsic_when_time_or_volatility_is_zero() -> None:
    spot = np.array([90.0, 100.0, 110.0])
    np.testing.assert_allclose(
        black_scholes.price(spot, 100.0, 0.0, 0.2, 0.05, 0.0, True), [0.0, 0.0, 10.0]
    )
    sure = black_scholes.price(spot, 100.0, 1.0, 0.0, 0.05, 0.0, True)
    np.testing.assert_allclose(sure, np.maximum(spot - 100.0 * np.exp(-0.05), 0.0), rtol=1e-14)


@pytest.mark.parametrize(
    ("position", "wrong"), [(0, 0.0), (1, -1.0), (2, -0.1), (3, -0.2), (0, np.nan), (5, np.nan)]
)
def test_bad_row_is_nan_and_alone(position: int, wrong: float) -> None:
    rows = np.tile(MARKET, (3, 1))
    rows[1, position] = wrong
    spot, strike, years, sigma, rate, dividend = rows.T
    greeks = black_scholes.all_greeks(spot, strike, years, sigma, rate, dividend, True)
    assert all(np.isnan(row[1]) for row in greeks)
    assert all(np.isfinite(row[[0, 2]]).all() for row in greeks)


def test_results_have_the_broadcast_shape() -> None:
    strikes, years = np.array([[90.0], [110.0]]), np.array([0.1, 0.5, 1.0])
    assert black_scholes.price(100.0, strikes, years, 0.2, 0.0, 0.0, False).shape == (2, 3)
    assert black_scholes.price(100.0, 90.0, 1.0, 0.2, 0.0, 0.0, False).shape == ()
    assert black_scholes.price([], 90.0, 1.0, 0.2, 0.0, 0.0, False).shape == (0,)


def test_arguments_stay_as_they_were() -> None:
    spot = np.array([0.0, 90.0, 100.0])
    kept = spot.copy()
    black_scholes.price_and_greeks(spot, 100.0, 0.0, 0.0, 0.0, 0.0, True)
    np.testing.assert_array_equal(spot, kept)


def test_a_row_does_not_depend_on_its_place_in_the_batch() -> None:
    spots = np.linspace(50.0, 150.0, 333)
    whole = black_scholes.price(spots, 100.0, 0.5, 0.25, 0.03, 0.01, True)
    alone = [float(black_scholes.price(s, 100.0, 0.5, 0.25, 0.03, 0.01, True)) for s in spots[::37]]
    np.testing.assert_array_equal(whole[::37], alone)
