"""Any smile is fitted by a slice without arbitrage."""

import numpy as np
from hypothesis import given, strategies as st

from environment.options import svi

K = np.linspace(-0.4, 0.3, 15)


@given(st.lists(st.floats(0.1, 0.6), min_size=15, max_size=15), st.floats(0.02, 2.0))
def test_slice_fitted_to_any_quotes_has_no_negative_density(
    sigma: list[float], years: float
) -> None:
    found = svi.calibrate(K, sigma, years)
    g = svi.density_sign(svi.check_grid(K), found.parameters)
    assert found.is_free_of_arbitrage == bool(g.min() >= 0.0)
    assert found.is_free_of_arbitrage
    assert svi.total_variance(svi.check_grid(K), found.parameters).min() > 0.0
