"""Dated dividends: limits that have a closed form, parity, and the order of the models."""

import numpy as np
import pytest

from environment.options import american, black_scholes, dividends

SPOTS = np.array([80.0, 95.0, 105.0, 120.0])
RATE, YEARS, SIGMA = 0.05, 1.0, 0.25
DATES, CASH = np.array([0.25, 0.75]), np.array([2.0, 2.0])
WORTH = float(np.sum(CASH * np.exp(-RATE * DATES)))


NONE = (np.array([]), np.array([]))


def price(
    is_call: bool,
    schedule: tuple[np.ndarray, np.ndarray] = (DATES, CASH),
    *,
    model: dividends.Model = "cash",
    is_american: bool = False,
    space_steps: int = 400,
) -> np.ndarray:
    return dividends.price_and_slopes(
        SPOTS,
        100.0,
        YEARS,
        SIGMA,
        RATE,
        0.0,
        is_call,
        dividend_years=schedule[0],
        dividend_amounts=schedule[1],
        model=model,
        is_american=is_american,
        space_steps=space_steps,
        time_steps=space_steps // 2,
    ).price


@pytest.mark.parametrize("is_call", [True, False])
def test_without_dividends_it_is_black_scholes_and_american(is_call: bool) -> None:
    arguments = (SPOTS, 100.0, YEARS, SIGMA, RATE, 0.0, is_call)
    european = price(is_call, NONE)
    np.testing.assert_allclose(european, black_scholes.price(*arguments), atol=5e-4)
    early = price(is_call, NONE, is_american=True)
    np.testing.assert_allclose(early, american.price(*arguments), atol=2e-3)


def test_escrowed_european_is_black_scholes_less_the_present_value() -> None:
    expected = black_scholes.price(SPOTS - WORTH, 100.0, YEARS, SIGMA, RATE, 0.0, True)
    np.testing.assert_allclose(price(True, model="escrowed"), expected, atol=5e-4)


def test_proportional_european_is_black_scholes_on_the_reduced_stock() -> None:
    got = price(True, (DATES, np.array([0.02, 0.02])), model="proportional")
    expected = black_scholes.price(SPOTS * 0.98**2, 100.0, YEARS, SIGMA, RATE, 0.0, True)
    np.testing.assert_allclose(got, expected, atol=5e-4)


@pytest.mark.parametrize("model", ["cash", "escrowed"])
def test_european_parity_holds_with_cash_dividends(model: dividends.Model) -> None:
    forward = SPOTS - WORTH - 100.0 * np.exp(-RATE * YEARS)
    gap = price(True, model=model) - price(False, model=model) - forward
    np.testing.assert_allclose(gap, 0.0, atol=1e-4)


def test_american_is_worth_at_least_european_and_exercise() -> None:
    for is_call in (True, False):
        early = price(is_call, is_american=True)
        assert np.all(early >= price(is_call) - 1e-9)
        assert np.all(early >= np.maximum((SPOTS - 100.0) * (1.0 if is_call else -1.0), 0.0))


def test_deep_call_is_exercised_just_before_the_dividend() -> None:
    got = dividends.price_and_slopes(
        200.0, 100.0, 0.5, 0.1, 0.0, 0.0, True, dividend_years=[0.4], dividend_amounts=[10.0]
    )
    assert float(got.price) == pytest.approx(100.0, abs=1e-3)
    assert float(got.delta) == pytest.approx(1.0, abs=1e-3)


def test_dividends_after_expiry_are_ignored() -> None:
    late = price(True, (DATES + 1.5, CASH))
    none = price(True, NONE)
    np.testing.assert_array_equal(late, none)


def test_error_falls_as_the_grid_grows() -> None:
    exact = black_scholes.price(SPOTS, 100.0, YEARS, SIGMA, RATE, 0.0, False)
    coarse = np.max(np.abs(price(False, NONE, space_steps=200) - exact))
    fine = np.max(np.abs(price(False, NONE, space_steps=800) - exact))
    assert fine < coarse / 8.0


@pytest.mark.parametrize(
    ("model", "amount", "word"), [("other", 1.0, "model"), ("proportional", 1.0, "fraction")]
)
def test_invalid_schedule_is_refused(model: dividends.Model, amount: float, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        price(True, (np.array([0.5]), np.array([amount])), model=model)
