"""Black-76 and Bachelier: known values, limits, parity, implied round trips."""

import numpy as np
import pytest

from environment.options import bachelier, black76, black_scholes
from environment.options.implied_volatility import Reason


def test_black76_equals_black_scholes_on_the_forward() -> None:
    forward = 100.0 * np.exp((0.05 - 0.02) * 0.5)
    undiscounted = black76.price(forward, 95.0, 0.5, 0.3, [True, False])
    spot_form = black_scholes.price(100.0, 95.0, 0.5, 0.3, 0.05, 0.02, [True, False])
    np.testing.assert_allclose(undiscounted * np.exp(-0.05 * 0.5), spot_form, rtol=1e-13)


def test_black76_rho_is_that_of_discounting_alone() -> None:
    greeks = black76.discounted_price_and_greeks(100.0, 105.0, 0.5, 0.2, 0.05, True)
    assert float(greeks.rho_per_unit_rate) == pytest.approx(-0.5 * float(greeks.price), rel=1e-12)


def test_bachelier_at_the_money_is_the_known_multiple() -> None:
    got = bachelier.price(-1.5, -1.5, 0.25, 2.0, [True, False])
    np.testing.assert_allclose(got, 2.0 * 0.5 / np.sqrt(2.0 * np.pi), rtol=1e-15)


@pytest.mark.parametrize("distance", [1e-6, 0.1, 1.0, 8.0, 30.0])
def test_bachelier_implied_returns_the_volatility(distance: float) -> None:
    price = bachelier.price(-distance, 0.0, 1.0, 1.0, True)
    sigma, reason = bachelier.implied_volatility(price, -distance, 0.0, 1.0, True)
    assert int(reason) == Reason.SOLVED
    assert float(sigma) == pytest.approx(1.0, rel=4e-15)


def test_bachelier_implied_says_why_not() -> None:
    prices = np.array([0.5, np.nan, 1.0, 1.0])
    sigma, reason = bachelier.implied_volatility(prices, 1.0, 0.0, [1.0, 1.0, 0.0, 1.0], True)
    expected = [Reason.BELOW_INTRINSIC, Reason.NOT_FINITE, Reason.NO_TIME, Reason.SOLVED]
    assert reason.tolist() == expected
    assert sigma[3] == 0.0


@pytest.mark.parametrize(
    ("name", "source", "argument", "sign"),
    [
        ("delta", "price", 0, 1.0),
        ("gamma", "delta", 0, 1.0),
        ("vega_per_unit_vol", "price", 3, 1.0),
        ("theta_per_year", "price", 2, -1.0),
        ("vanna_per_unit_vol", "delta", 3, 1.0),
        ("volga_per_unit_vol_squared", "vega_per_unit_vol", 3, 1.0),
        ("charm_per_year", "delta", 2, -1.0),
    ],
)
def test_bachelier_greek_equals_a_difference(
    name: str, source: str, argument: int, sign: float
) -> None:
    moved = np.tile([0.4, 0.9, 0.6, 0.8], (3, 1))
    moved[:, argument] += [-1e-4, 0.0, 1e-4]
    forward, strike, years, sigma = moved.T
    greeks = bachelier.price_and_greeks(forward, strike, years, sigma, False)
    values = getattr(greeks, source)
    difference = sign * float(values[2] - values[0]) / 2e-4
    got = getattr(greeks, name)[1]
    assert float(got) == pytest.approx(difference, rel=1e-6, abs=1e-9)
