"""Laws that Heston prices obey for any parameters."""

import numpy as np
from hypothesis import given, strategies as st

from environment.options import heston

MODELS = st.fixed_dictionaries(
    {
        "v0": st.floats(0.002, 0.6),
        "kappa": st.floats(0.05, 8.0),
        "theta": st.floats(0.002, 0.6),
        "sigma": st.floats(0.0, 2.5),
        "rho": st.floats(-0.98, 0.98),
    }
)
YEARS = st.floats(0.005, 20.0)
STRIKES = np.linspace(50.0, 180.0, 27)


@given(MODELS, YEARS, st.floats(-0.05, 0.15), st.floats(-0.05, 0.1))
def test_call_minus_put_is_the_discounted_forward(
    model: dict[str, float], years: float, rate: float, dividend: float
) -> None:
    call, put = (
        heston.price(100.0, STRIKES, years, rate, dividend, side, **model)
        for side in (True, False)
    )  # fmt: skip
    carried = 100.0 * np.exp(-dividend * years) - STRIKES * np.exp(-rate * years)
    np.testing.assert_allclose(call - put, carried, atol=2e-9 * np.exp(0.1 * years))


@given(MODELS, YEARS)
def test_calls_fall_and_are_convex_in_the_strike(model: dict[str, float], years: float) -> None:
    slopes = np.diff(heston.price(100.0, STRIKES, years, 0.0, 0.0, True, **model)) / 5.0
    assert slopes.max() <= 1e-10
    assert slopes.min() >= -1.0 - 1e-10
    assert np.diff(slopes).min() >= -1e-10


@given(MODELS, st.floats(0.02, 5.0))
def test_longer_options_cost_more_without_carry(model: dict[str, float], years: float) -> None:
    times = years * np.array([[1.0], [1.5], [2.5]])
    price = heston.price(100.0, STRIKES, times, 0.0, 0.0, True, **model)
    assert np.diff(price, axis=0).min() >= -1e-10


@given(MODELS, YEARS, st.floats(0.1, 50.0))
def test_price_scales_with_the_currency(
    model: dict[str, float], years: float, factor: float
) -> None:
    plain = heston.price(100.0, STRIKES, years, 0.02, 0.01, False, **model)
    scaled = heston.price(100.0 * factor, STRIKES * factor, years, 0.02, 0.01, False, **model)
    np.testing.assert_allclose(scaled, factor * plain, atol=1e-10 * max(factor, 1.0))


@given(MODELS, YEARS)
def test_tighter_tolerance_agrees_with_the_default(model: dict[str, float], years: float) -> None:
    found = heston.price(100.0, STRIKES, years, 0.0, 0.0, True, **model)
    exact = heston.price(100.0, STRIKES, years, 0.0, 0.0, True, tolerance=1e-16, **model)
    np.testing.assert_allclose(found, exact, atol=1e-10)
