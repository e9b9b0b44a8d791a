"""SVI slices: the published counter-example, and fits that obey the conditions."""

import numpy as np
import pytest
from numpy.typing import NDArray

from environment.options import svi

VOGT = np.array([-0.0410, 0.1331, 0.3060, 0.3586, 0.4153])
K = np.linspace(-1.5, 1.5, 31)
SOUND = np.array([0.02, 0.1, -0.5, 0.02, 0.15])


def test_published_example_has_negative_density_on_the_right() -> None:
    g = svi.density_sign(K, VOGT)
    assert g.min() < 0.0
    assert 0.5 < K[np.argmin(g)] < 1.3


def test_fit_recovers_parameters_of_a_sound_slice() -> None:
    found = svi.calibrate(K, np.sqrt(svi.total_variance(K, SOUND)), 1.0)
    np.testing.assert_allclose(found.parameters, SOUND, rtol=1e-5)
    assert found.penalty == 0.0


def test_fit_of_the_published_example_is_mended() -> None:
    found = svi.calibrate(K, np.sqrt(svi.total_variance(K, VOGT)), 1.0)
    assert found.is_free_of_arbitrage
    assert svi.density_sign(svi.check_grid(K), found.parameters).min() >= 0.0
    assert found.volatility_rmse < 0.01


def test_fit_stays_above_the_expiry_before() -> None:
    grid = svi.check_grid(K)
    floor = svi.total_variance(grid, SOUND) * 1.05
    found = svi.calibrate(K, np.sqrt(svi.total_variance(K, SOUND)), 1.0, floor=floor, grid=grid)
    assert np.all(svi.total_variance(grid, found.parameters) >= floor)


def test_fit_never_has_wings_steeper_than_two() -> None:
    sigma = np.sqrt(0.05 + 3.0 * np.abs(K))
    found = svi.calibrate(K, sigma, 1.0)
    assert found.b * (1.0 + abs(found.rho)) <= 2.0 + 1e-12


def test_fit_weighs_quotes() -> None:
    sigma = np.sqrt(svi.total_variance(K, SOUND))
    sigma[3] += 0.1
    weight = np.where(np.arange(K.size) == 3, 1e-6, 1.0)
    found = svi.calibrate(K, sigma, 1.0, weight)
    np.testing.assert_allclose(found.parameters, SOUND, rtol=1e-3)


@pytest.mark.parametrize("sigma", [np.full(4, 0.2), np.full(31, -0.2), np.full(31, np.nan)])
def test_fit_refuses_too_few_or_bad_quotes(sigma: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="five or more quotes"):
        svi.calibrate(K[: sigma.size], sigma, 1.0)
