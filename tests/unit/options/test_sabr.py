"""SABR volatilities against 50-digit values, and their calibration."""

import numpy as np
import pytest

from environment.options import bachelier, black76, sabr
from tests.unit.options.surface_cases import column, rows_of

STRIKES = 100.0 * np.exp(np.linspace(-0.4, 0.3, 10))


def test_hagan_volatility_matches_every_reference_row() -> None:
    rows = rows_of("sabr_hagan_vol.csv")
    names = ("F", "K", "T", "alpha", "beta", "nu", "rho")
    found = sabr.volatility(*(column(rows, name) for name in names))
    np.testing.assert_allclose(found, column(rows, "sigma_hagan_mp18"), rtol=4e-15)


@pytest.mark.parametrize("formula", ["hagan", "obloj", "normal"])
@pytest.mark.parametrize("beta", [0.0, 0.05, 0.5, 1.0])
def test_volatility_is_smooth_through_the_money(formula: sabr.Formula, beta: float) -> None:
    strikes = 100.0 * (1.0 + np.array([-1e-4, -1e-9, 0.0, 1e-9, 1e-4]))
    alpha = 0.3 * 100.0 ** (1.0 - beta)
    found = sabr.volatility(100.0, strikes, 1.0, alpha, beta, 0.5, -0.4, formula=formula)
    np.testing.assert_allclose(found / found[2], 1.0, atol=1e-4)
    np.testing.assert_allclose(found[1:4] / found[2], 1.0, atol=1e-9)


def test_obloj_equals_hagan_at_beta_one() -> None:
    first, second = (
        sabr.volatility(100.0, STRIKES, 1.0, 0.3, 1.0, 0.5, -0.4, formula=formula)
        for formula in ("hagan", "obloj")
    )  # fmt: skip
    np.testing.assert_allclose(first, second, rtol=1e-13)


def test_obloj_is_the_closer_at_low_strikes_of_normal_sabr() -> None:
    forward, strike, alpha, nu = 0.03, 0.003, 0.006, 0.4
    exact = bachelier.price(
        forward, strike, 0.1,
        sabr.volatility(forward, strike, 0.1, alpha, 0.0, nu, -0.2, formula="normal"), False,
    )  # fmt: skip
    error = {
        formula: abs(
            black76.price(
                forward, strike, 0.1,
                sabr.volatility(forward, strike, 0.1, alpha, 0.0, nu, -0.2, formula=formula), False,
            ) - exact
        )
        for formula in ("hagan", "obloj")
    }  # fmt: skip
    assert error["obloj"] < error["hagan"]


def test_normal_volatility_takes_negative_rates_at_beta_zero() -> None:
    found = sabr.volatility(-0.005, [-0.01, 0.0, 0.01], 1.0, 0.006, 0.0, 0.3, 0.1, formula="normal")
    assert np.all(found > 0.0)


def test_shift_moves_forward_and_strike() -> None:
    shifted = sabr.volatility(-0.005, 0.001, 1.0, 0.02, 0.5, 0.3, 0.1, shift=0.02)
    assert shifted == pytest.approx(sabr.volatility(0.015, 0.021, 1.0, 0.02, 0.5, 0.3, 0.1))


def test_negative_forward_is_refused_without_shift() -> None:
    with pytest.raises(ValueError, match="larger shift"):
        sabr.volatility(-0.005, 0.01, 1.0, 0.02, 0.5, 0.3, 0.1)


@pytest.mark.parametrize("formula", ["hagan", "obloj", "normal"])
@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_calibration_recovers_the_truth(formula: sabr.Formula, beta: float) -> None:
    alpha = 0.25 * 100.0 ** (1.0 - beta)
    quotes = sabr.volatility(100.0, STRIKES, 0.7, alpha, beta, 0.8, -0.45, formula=formula)
    found = sabr.calibrate(100.0, STRIKES, 0.7, quotes, beta, formula=formula)
    assert (found.alpha, found.nu, found.rho) == pytest.approx((alpha, 0.8, -0.45), rel=1e-7)
    assert found.has_converged


def test_calibration_of_noisy_quotes_is_a_least_squares_optimum() -> None:
    rng = np.random.default_rng(2)
    quotes = sabr.volatility(100.0, STRIKES, 0.7, 0.25, 1.0, 0.8, -0.45)
    quotes += 0.002 * rng.standard_normal(10)
    found = sabr.calibrate(100.0, STRIKES, 0.7, quotes, 1.0)
    best = found.volatility_rmse
    for bump in np.vstack([np.eye(3), -np.eye(3)]) * 1e-4:
        point = np.array([found.alpha, found.nu, found.rho]) + bump
        vol = sabr.volatility(100.0, STRIKES, 0.7, point[0], 1.0, point[1], point[2])
        assert np.sqrt(np.mean((vol - quotes) ** 2)) >= best


def test_calibration_refuses_two_strikes() -> None:
    with pytest.raises(ValueError, match="three or more"):
        sabr.calibrate(100.0, [90.0, 100.0], 1.0, [0.2, 0.2], 1.0)
