import numpy as np
import pytest

from agents.crowd import option_rows as rows
from agents.crowd.option_arbitrage import conversion_gap
from agents.crowd.option_value import black_scholes
from agents.crowd.rows import Floats
from environment.compiled import njit
from environment.options import black_scholes as library


@njit
def value(
    spot: float, strike: float, years: float, sigma: float, carry: float, rate: float, is_call: bool
) -> tuple[float, float, float, float]:
    return black_scholes(spot, strike, years, sigma, carry, rate, is_call)


@njit
def premium_at(floats: Floats, moved: float) -> tuple[float, float]:
    return rows.early_exercise(floats, 0, moved)


@njit
def gaps(
    strike: float, rate: float, years: float, dividends: float, prices: Floats
) -> tuple[float, float]:
    return conversion_gap(strike, rate, years, dividends, prices[0], prices[1], prices[2],
                          prices[3], prices[4], prices[5])  # fmt: skip


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("strike", [80.0, 100.0, 130.0])
@pytest.mark.parametrize("years", [1 / 365, 0.5, 2.0])
def test_value_and_greeks_are_the_librarys(is_call: bool, strike: float, years: float) -> None:
    rate, dividend, sigma = 0.03, 0.01, 0.35
    found = value(101.0, strike, years, sigma, (rate - dividend) * years, rate, is_call)
    known = library.price_and_greeks(101.0, strike, years, sigma, rate, dividend, is_call)
    names = ("price", "delta", "gamma", "vega_per_unit_vol")
    expected = [float(getattr(known, name)) for name in names]
    assert list(found) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_early_exercise_is_read_between_its_points_and_held_beyond() -> None:
    floats = np.zeros(rows.SERIES_FLOATS)
    floats[rows.K_PREMIUM : rows.K_PREMIUM + rows.PREMIUM_POINTS] = np.arange(9.0)
    assert premium_at(floats, 0.0)[0] == pytest.approx(4.0)
    assert premium_at(floats, 0.5 * rows.PREMIUM_STEP) == pytest.approx((4.5, 40.0))
    assert premium_at(floats, -1.0) == (0.0, 0.0)
    assert premium_at(floats, 1.0) == (8.0, 0.0)


def test_fair_prices_leave_nothing_to_convert() -> None:
    call = float(library.price(100.0, 100.0, 0.5, 0.3, 0.05, 0.0, True))
    put = float(library.price(100.0, 100.0, 0.5, 0.3, 0.05, 0.0, False))
    conversion, reversal = gaps(
        100.0, 0.05, 0.5, 0.0, np.array([call, call, put, put, 100.0, 100.0])
    )
    assert conversion == pytest.approx(0.0, abs=1e-12)
    assert reversal < 0.0


def test_dear_call_pays_a_conversion_and_dear_put_a_reversal() -> None:
    dear_call = np.array([8.0, 8.1, 5.0, 5.1, 100.0, 100.1])
    assert gaps(100.0, 0.0, 0.5, 0.0, dear_call)[0] == pytest.approx(2.8)
    dear_put = np.array([5.0, 5.1, 8.0, 8.1, 100.0, 100.1])
    assert gaps(100.0, 0.0, 0.5, 1.0, dear_put)[1] == pytest.approx(1.9)
