"""Heston calibration recovers the truth it was shown."""

import numpy as np
import pytest
from numpy.typing import NDArray

from environment.options import heston, heston_calibration, implied_volatility

Column = NDArray[np.float64]
STRIKES = np.linspace(80.0, 120.0, 10)
YEARS = np.linspace(30 / 365, 3.0, 10)[:, None]
TRUTH = np.array([0.04, 1.5, 0.06, 0.5, -0.6])


def quoted(parameters: NDArray[np.float64]) -> tuple[Column, Column, Column, Column]:
    """Return forward, strike, years and volatility of the rows that have a volatility."""
    v0, kappa, theta, sigma, rho = parameters
    is_call = STRIKES >= 100.0
    price = heston.price(
        100.0, STRIKES, YEARS, 0.0, 0.0, is_call,
        v0=v0, kappa=kappa, theta=theta, sigma=sigma, rho=rho,
    )  # fmt: skip
    vol, _ = implied_volatility.implied_from_forward(price, 100.0, STRIKES, YEARS, is_call)
    is_good = np.isfinite(vol) & (price > 1e-9)
    strike, years = (np.broadcast_to(x, vol.shape)[is_good] for x in (STRIKES, YEARS))
    return np.full(strike.size, 100.0), strike, years, vol[is_good]


def test_calibration_recovers_the_truth_from_its_own_start() -> None:
    found = heston_calibration.calibrate(*quoted(TRUTH))
    np.testing.assert_allclose(found.parameters, TRUTH, rtol=1e-5)
    assert found.status == "converged"


@pytest.mark.slow
def test_calibration_recovers_98_of_100_random_truths_from_perturbed_starts() -> None:
    rng = np.random.default_rng(7)
    hits = 0
    for _ in range(100):
        truth = rng.uniform([0.01, 0.5, 0.01, 0.1, -0.9], [0.15, 5.0, 0.15, 1.0, 0.3])
        start = truth * np.exp(rng.uniform(-0.4, 0.4, 5))
        start[4] = np.clip(truth[4] + rng.uniform(-0.3, 0.3), -0.95, 0.95)
        found = heston_calibration.calibrate(*quoted(truth), start=start)
        hits += bool(np.abs(found.parameters / truth - 1.0).max() < 1e-4)
    assert hits >= 98


def test_calibration_reports_feller_and_does_not_force_it() -> None:
    truth = np.array([0.04, 0.5, 0.04, 1.0, -0.8])
    found = heston_calibration.calibrate(*quoted(truth))
    assert found.feller_ratio == pytest.approx(0.04, rel=1e-3)
    assert not found.is_feller


def test_calibration_stays_in_its_bounds_on_nonsense() -> None:
    vol = np.linspace(2.9, 0.1, 10)
    found = heston_calibration.calibrate(100.0, STRIKES, 0.5, vol)
    lower, upper = heston_calibration.LOWER - 1e-12, heston_calibration.UPPER + 1e-12
    assert np.all((found.parameters >= lower) & (found.parameters <= upper))


def test_calibration_ignores_quotes_of_no_weight() -> None:
    forward, strike, years, vol = quoted(TRUTH)
    vol[0] += 0.5
    found = heston_calibration.calibrate(
        forward, strike, years, vol, np.where(np.arange(vol.size) == 0, 0.0, 1.0)
    )
    np.testing.assert_allclose(found.parameters, TRUTH, rtol=1e-4)


def test_calibration_refuses_four_quotes() -> None:
    with pytest.raises(ValueError, match="at least 5 quotes"):
        heston_calibration.calibrate(100.0, STRIKES[:4], 1.0, 0.2)
