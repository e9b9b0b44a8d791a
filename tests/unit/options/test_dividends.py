"""Dated dividends: limits that have a closed form, parity, and the order of the models."""

import numpy as np
import pytest

from environment.options import american, black_scholes, dividends

SPOTS = np.array([80.0, 95.0, 105.0, 120.0])
RATE, YEARS, SIGMA = 0.05, 1.0, 0.25
DATES, CASH = np.array([0.25, 0.75]), np.array([2.0, 2.0])
WORTH = float(np.sum(CASH * np.exp(-RATE * DATES)))


def price(
    is_call: bool,
    *,
    model: dividends.Model = "cash",
    american_style: bool = False,
    **schedule: object,
) -> np.ndarray:
    asked = {"dividend_years": DATES, "dividend_amounts": CASH} | schedule
    return dividends.price_and_slopes(
        SPOTS, 100.0, YEARS, SIGMA, RATE, 0.0, is_call,
        model=model, is_american=american_style, **asked,
    ).price  # fmt: skip


@pytest.mark.parametrize("is_call", [True, False])
def test_without_dividends_it_is_black_scholes_and_american(is_call: bool) -> None:
    arguments = (SPOTS, 100.0, YEARS, SIGMA, RATE, 0.0, is_call)
    none = {"dividend_years": [], "dividend_amounts": []}
    european = price(is_call, **none)
    np.testing.assert_allclose(european, black_scholes.price(*arguments), atol=5e-4)
    early = price(is_call, american_style=True, **none)
    np.testing.assert_allclose(early, american.price(*arguments), atol=2e-3)


def test_escrowed_european_is_black_scholes_less_the_present_value() -> None:
    expected = black_scholes.price(SPOTS - WORTH, 100.0, YEARS, SIGMA, RATE, 0.0, True)
    np.testing.assert_allclose(price(True, model="escrowed"), expected, atol=5e-4)


def test_proportional_european_is_black_scholes_on_the_reduced_stock() -> None:
    got = price(True, model="proportional", dividend_amounts=[0.02, 0.02])
    expected = black_scholes.price(SPOTS * 0.98**2, 100.0, YEARS, SIGMA, RATE, 0.0, True)
    np.testing.assert_allclose(got, expected, atol=5e-4)


@pytest.mark.parametrize("model", ["cash", "escrowed"])
def test_european_parity_holds_with_cash_dividends(model: dividends.Model) -> None:
    forward = SPOTS - WORTH - 100.0 * np.exp(-RATE * YEARS)
    gap = price(True, model=model) - price(False, model=model) - forward
    np.testing.assert_allclose(gap, 0.0, atol=1e-4)


def test_american_is_worth_at_least_european_and_exercise() -> None:
    for is_call in (True, False):
        early = price(is_call, american_style=True)
        assert np.all(early >= price(is_call) - 1e-9)
        assert np.all(early >= np.maximum((SPOTS - 100.0) * (1.0 if is_call else -1.0), 0.0))


def test_deep_call_is_exercised_just_before_the_dividend() -> None:
    got = dividends.price_and_slopes(
        200.0, 100.0, 0.5, 0.1, 0.0, 0.0, True, dividend_years=[0.4], dividend_amounts=[10.0]
    )
    assert float(got.price) == pytest.approx(100.0, abs=1e-3)
    assert float(got.delta) == pytest.approx(1.0, abs=1e-3)


def test_dividends_after_expiry_are_ignored() -> None:
    late = price(True, dividend_years=[1.5, 2.0])
    none = price(True, dividend_years=[], dividend_amounts=[])
    np.testing.assert_array_equal(late, none)


def test_error_falls_as_the_grid_grows() -> None:
    exact = black_scholes.price(SPOTS, 100.0, YEARS, SIGMA, RATE, 0.0, False)
    none = {"dividend_years": [], "dividend_amounts": []}
    coarse = np.max(np.abs(price(False, **none, space_steps=200, time_steps=100) - exact))
    fine = np.max(np.abs(price(False, **none, space_steps=800, time_steps=400) - exact))
    assert fine < coarse / 8.0


@pytest.mark.parametrize(
    ("model", "amount", "word"), [("other", 1.0, "model"), ("proportional", 1.0, "fraction")]
)
def test_invalid_schedule_is_refused(model: dividends.Model, amount: float, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        price(True, model=model, dividend_years=[0.5], dividend_amounts=[amount])
