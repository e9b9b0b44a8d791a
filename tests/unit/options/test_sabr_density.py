"""Where a SABR density turns negative, and the smile mended there."""

import numpy as np
import pytest

from environment.options import sabr, sabr_density
from tests.unit.options.surface_cases import rows_of

ROWS = rows_of("sabr_negative_density.csv")
NEGATIVE = [row for row in ROWS if row["density_sign_change_strikes"] != "none"]


def fit_of(row: dict[str, str], formula: sabr.Formula = "hagan") -> sabr.SabrFit:
    alpha, beta, nu, rho = (float(row[name]) for name in ("alpha", "beta", "nu", "rho"))
    return sabr.SabrFit(
        alpha=alpha, beta=beta, nu=nu, rho=rho, shift=0.0, formula=formula,
        volatility_rmse=0.0, steps=0, has_converged=True,
    )  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_density_has_the_reference_minimum(row: dict[str, str]) -> None:
    strike, forward, years = (float(row[name]) for name in ("argmin_K", "F", "T"))
    found = sabr_density.density(fit_of(row), forward, strike, years)
    assert float(found) == pytest.approx(float(row["min_density_on_grid"]), rel=1e-6)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_density_changes_sign_at_the_reference_strike(row: dict[str, str]) -> None:
    changes = sabr_density.sign_changes(fit_of(row), float(row["F"]), float(row["T"]))
    if row in NEGATIVE:
        strike, is_negative_below = changes[-1]
        assert strike == pytest.approx(float(row["density_sign_change_strikes"].split(":")[0]))
        assert is_negative_below
    else:
        assert changes == []


@pytest.mark.parametrize("formula", ["hagan", "obloj"])
@pytest.mark.parametrize("row", NEGATIVE, ids=lambda row: row["case"])
def test_mended_prices_are_convex_everywhere(row: dict[str, str], formula: sabr.Formula) -> None:
    forward, years = float(row["F"]), float(row["T"])
    smile = sabr_density.mend(fit_of(row, formula), forward, years)
    strikes = forward * np.exp(np.linspace(-6.0, 1.0, 2000))
    slopes = np.diff(smile.price(strikes, False)) / np.diff(strikes)
    assert np.diff(slopes).min() > -1e-9
    assert slopes.min() >= 0.0
    assert slopes.max() <= 1.0


def test_mended_smile_keeps_quotes_above_the_cut() -> None:
    row = NEGATIVE[0]
    fit, forward, years = fit_of(row), float(row["F"]), float(row["T"])
    smile = sabr_density.mend(fit, forward, years)
    strikes = forward * np.array([0.8, 1.0, 1.5])
    plain = sabr.volatility(forward, strikes, years, fit.alpha, fit.beta, fit.nu, fit.rho)
    np.testing.assert_allclose(smile.volatility(strikes), plain, rtol=1e-9)
    assert smile.call_tail is None


def test_mended_smile_obeys_parity() -> None:
    row = NEGATIVE[1]
    smile = sabr_density.mend(fit_of(row), float(row["F"]), float(row["T"]))
    strikes = smile.forward * np.array([0.1, 0.5, 1.0, 3.0])
    gap = smile.price(strikes, True) - smile.price(strikes, False)
    np.testing.assert_allclose(gap, smile.forward - strikes, atol=1e-15)


def test_sound_smile_is_left_alone() -> None:
    row = next(row for row in ROWS if row not in NEGATIVE)
    smile = sabr_density.mend(fit_of(row), float(row["F"]), float(row["T"]))
    assert smile.put_tail is None
