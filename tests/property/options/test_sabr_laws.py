"""Laws of SABR volatilities and their calibration."""

import numpy as np
from hypothesis import assume, given, strategies as st

from environment.options import sabr

BETA = st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0])
NU, RHO = st.floats(0.1, 1.2), st.floats(-0.85, 0.7)
K = np.linspace(-0.35, 0.25, 10)


@given(st.floats(0.1, 0.6), BETA, NU, RHO, st.floats(0.05, 1.5))
def test_calibration_finds_the_parameters_behind_quotes(
    level: float, beta: float, nu: float, rho: float, years: float
) -> None:
    alpha = level * 100.0 ** (1.0 - beta)
    quotes = sabr.volatility(100.0, 100.0 * np.exp(K), years, alpha, beta, nu, rho)
    assume(quotes.min() > 0.01)
    found = sabr.calibrate(100.0, 100.0 * np.exp(K), years, quotes, beta)
    assert found.volatility_rmse < 1e-8


@given(BETA, NU, RHO, st.floats(0.1, 10.0))
def test_volatility_does_not_know_the_currency(
    beta: float, nu: float, rho: float, factor: float
) -> None:
    strikes = 100.0 * np.exp(K)
    plain = sabr.volatility(100.0, strikes, 1.0, 0.3 * 100.0 ** (1.0 - beta), beta, nu, rho)
    alpha = 0.3 * (100.0 * factor) ** (1.0 - beta)
    scaled = sabr.volatility(100.0 * factor, strikes * factor, 1.0, alpha, beta, nu, rho)
    np.testing.assert_allclose(scaled, plain, rtol=1e-12)


@given(NU, RHO)
def test_mirrored_correlation_mirrors_the_normal_smile(nu: float, rho: float) -> None:
    gaps = np.linspace(-0.02, 0.02, 9)
    left = sabr.volatility(0.0, gaps, 1.0, 0.006, 0.0, nu, rho, formula="normal")
    right = sabr.volatility(0.0, -gaps, 1.0, 0.006, 0.0, nu, -rho, formula="normal")
    np.testing.assert_allclose(left, right, rtol=1e-13)
