"""Where the density of a normal SABR smile turns negative, and the smile mended there."""

import numpy as np
import pytest
from numpy.typing import NDArray

from environment.options import bachelier, sabr, sabr_normal_density

Array = NDArray[np.float64]

# Alpha, beta, nu, rho, shift, forward and years; the first two sound, the others negative far below
# the forward.
SOUND = [(0.006, 0.0, 0.5, -0.2, 0.0, -0.002, 2.0), (0.006, 0.0, 1.0, -0.4, 0.0, 0.01, 3.0)]
NEGATIVE = [
    (0.04, 0.5, 0.5, -0.3, 0.03, 0.02, 8.0),
    (2.0, 0.5, 0.8, -0.4, 0.0, 100.0, 5.0),
    (2.0, 0.5, 0.6, -0.4, 0.0, 100.0, 5.0),
]


def fit_of(case: tuple[float, ...], formula: sabr.Formula = "normal") -> sabr.SabrFit:
    alpha, beta, nu, rho, shift = case[:5]
    return sabr.SabrFit(
        alpha=alpha, beta=beta, nu=nu, rho=rho, shift=shift, formula=formula,
        volatility_rmse=0.0, steps=0, has_converged=True,
    )  # fmt: skip


def price_of(case: tuple[float, ...], strike: Array) -> Array:
    forward, years = case[5:]
    sigma = sabr.volatility(forward, strike, years, *case[:4], shift=case[4], formula="normal")
    return bachelier.price(forward, strike, years, sigma, False)


@pytest.mark.parametrize("case", SOUND + NEGATIVE)
def test_density_is_the_second_difference_of_prices(case: tuple[float, ...]) -> None:
    forward, years = case[5:]
    deviation = float(price_of(case, np.array([forward]))[0]) * 2.5
    strikes = forward + deviation * np.array([-0.9, -0.5, -0.1, 0.0, 0.3, 1.0])
    h = 1e-3 * deviation
    puts = [price_of(case, strikes + h * i) for i in (-1.0, 0.0, 1.0)]
    expected = (puts[0] - 2.0 * puts[1] + puts[2]) / h**2
    found = sabr_normal_density.density(fit_of(case), forward, strikes, years)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 / deviation)


@pytest.mark.parametrize("case", SOUND)
def test_sound_smile_is_left_alone(case: tuple[float, ...]) -> None:
    forward, years = case[5:]
    assert sabr_normal_density.sign_changes(fit_of(case), forward, years) == []
    smile = sabr_normal_density.mend(fit_of(case), forward, years)
    assert (smile.put_tail, smile.call_tail) == (None, None)
    strikes = np.linspace(forward - 0.02, forward + 0.02, 9)
    np.testing.assert_allclose(smile.price(strikes, False), price_of(case, strikes), rtol=1e-12)


@pytest.mark.parametrize("case", NEGATIVE)
def test_negative_density_is_found_and_mended(case: tuple[float, ...]) -> None:
    forward, years = case[5:]
    fit = fit_of(case)
    edge = max(
        k for k, is_below in sabr_normal_density.sign_changes(fit, forward, years) if is_below
    )
    beside = edge + (forward - edge) * np.array([-0.01, 0.01])
    below, above = sabr_normal_density.density(fit, forward, beside, years)
    assert below < 0.0 < above
    smile = sabr_normal_density.mend(fit, forward, years)
    assert smile.put_tail is not None
    strikes = np.linspace(-2.0 * forward, 4.0 * forward, 3001)
    puts = smile.price(strikes, False)
    slopes = np.diff(puts) / np.diff(strikes)
    assert np.all(puts > 0.0)
    assert np.all(np.diff(slopes) >= -1e-9)
    assert 0.0 < slopes[0] < slopes[-1] <= 1.0 + 1e-9
    np.testing.assert_allclose(smile.price(strikes, True) - puts, forward - strikes, atol=1e-9)
    kept = np.linspace(smile.put_tail.cut, 1.5 * forward, 20)
    np.testing.assert_allclose(smile.price(kept, False), price_of(case, kept), rtol=1e-9)
    sigma = sabr.volatility(forward, kept, years, *case[:4], shift=case[4], formula="normal")
    np.testing.assert_allclose(smile.volatility(kept), sigma, rtol=1e-9)


def test_smile_negative_at_the_forward_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer far strikes"):
        sabr_normal_density.mend(fit_of((0.006, 0.0, 3.0, 0.0, 0.0, 0.0)), 0.0, 10.0)


def test_black_fit_is_sent_to_the_other_page() -> None:
    with pytest.raises(ValueError, match="sabr_density"):
        sabr_normal_density.density(fit_of(NEGATIVE[1], "hagan"), 100.0, 90.0, 5.0)
