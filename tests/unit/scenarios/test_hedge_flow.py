"""The dealers' hedge flow beside the price."""

import numpy as np
import pytest

from scenarios.run.hedge_flow import hedge_flow

MINUTES = np.arange(40) * 60_000_000_000


def test_flow_that_moves_the_price_correlates_with_it() -> None:
    flow = np.random.default_rng(1).normal(0.0, 1_000.0, 40)
    found = hedge_flow(MINUTES, np.cumsum(flow), 100.0 + np.cumsum(flow) * 2e-5)
    assert found["correlation"] == pytest.approx(1.0)
    assert found["per_100_000_shares"] == pytest.approx(2.0)
    assert found["bought"] == pytest.approx(flow[1:].sum(), abs=1.0)


def test_nights_and_empty_books_are_left_out() -> None:
    flow = np.random.default_rng(2).normal(0.0, 1_000.0, 40)
    spot = 100.0 + np.cumsum(flow) * 2e-5
    spot[5], moments = np.nan, MINUTES.copy()
    moments[20:] += 10**15
    spot[20:] += 50.0
    found = hedge_flow(moments, np.cumsum(flow), spot)
    assert found["minutes"] == 36
    assert found["correlation"] == pytest.approx(1.0)


def test_too_little_flow_has_no_correlation() -> None:
    shares = np.zeros(40)
    shares[20:] = 100.0
    found = hedge_flow(MINUTES, shares, 100.0 + np.arange(40.0))
    assert found["correlation"] is None
    assert found["turned_over"] == 100
