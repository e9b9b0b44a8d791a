"""Laws of option prices that hold for every market."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from environment.options import american, bachelier, black76, black_scholes
from environment.options.implied_volatility import Reason, implied_from_forward, implied_volatility

SPOTS = st.floats(1.0, 1000.0)
MONEYNESS = st.floats(-1.5, 1.5)
YEARS = st.floats(0.01, 5.0)
SIGMAS = st.floats(0.03, 1.5)
RATES = st.floats(-0.05, 0.15)
Market = tuple[float, float, float, float, float, float]
# Spot, strike, years, volatility, rate and dividend yield.
MARKETS = st.tuples(SPOTS, MONEYNESS, YEARS, SIGMAS, RATES, RATES).map(
    lambda m: (m[0], m[0] * float(np.exp(m[1])), m[2], m[3], m[4], m[5])
)
BUMPS = {"delta": 0, "vega_per_unit_vol": 3, "rho_per_unit_rate": 4}


def present_values(market: Market) -> tuple[float, float]:
    spot, strike, years, _, rate, dividend = market
    return spot * np.exp(-dividend * years), strike * np.exp(-rate * years)


@given(MARKETS)
def test_call_less_put_is_the_forward(market: Market) -> None:
    asset, bond = present_values(market)
    call, put = black_scholes.price(*market, [True, False])
    assert call - put == pytest.approx(asset - bond, abs=1e-14 * (asset + bond))


@given(MARKETS, st.booleans())
def test_price_lies_between_its_bounds(market: Market, is_call: bool) -> None:
    asset, bond = present_values(market)
    low = max(asset - bond if is_call else bond - asset, 0.0)
    got = float(black_scholes.price(*market, is_call))
    slack = 1e-14 * (asset + bond)
    assert low - slack <= got <= (asset if is_call else bond) + slack


@given(MARKETS, st.booleans())
def test_price_rises_with_volatility(market: Market, is_call: bool) -> None:
    sigmas = market[3] * np.array([1.0, 1.01, 1.1])
    prices = black_scholes.price(*market[:3], sigmas, *market[4:], is_call)
    assert np.all(np.diff(prices) >= -1e-15 * sum(market[:2]))


@given(MARKETS, st.booleans())
def test_price_is_convex_in_the_strike(market: Market, is_call: bool) -> None:
    strikes = market[1] * np.linspace(0.7, 1.3, 13)
    prices = black_scholes.price(market[0], strikes, *market[2:], is_call)
    assert np.all(np.diff(prices, 2) >= -1e-14 * sum(present_values(market)))


@given(MARKETS, st.booleans(), st.sampled_from(sorted(BUMPS)))
def test_greek_is_the_slope_of_the_price(market: Market, is_call: bool, name: str) -> None:
    step = {0: 1e-3 * market[3] * market[2] ** 0.5 * market[0], 3: 1e-3 * market[3], 4: 1e-4}
    position = BUMPS[name]
    ladder = np.tile(np.array(market), (4, 1))
    ladder[:, position] += np.array([-2, -1, 1, 2]) * step[position]
    spot, strike, years, sigma, rate, dividend = ladder.T
    values = black_scholes.price(spot, strike, years, sigma, rate, dividend, is_call)
    slope = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step[position])
    got = float(getattr(black_scholes.price_and_greeks(*market, is_call), name))
    noise = 1e-14 * sum(present_values(market)) / step[position]
    assert got == pytest.approx(slope, rel=1e-6, abs=10 * noise)


@given(MARKETS, st.booleans())
def test_greeks_obey_the_pricing_equation(market: Market, is_call: bool) -> None:
    spot, _, _, sigma, rate, dividend = market
    g = black_scholes.price_and_greeks(*market, is_call)
    drift = (rate - dividend) * spot * g.delta
    diffusion = 0.5 * sigma**2 * spot**2 * g.gamma
    terms = np.array([g.theta_per_year, drift, diffusion, -rate * g.price])
    assert abs(terms.sum()) <= 1e-12 * np.abs(terms).sum() + 1e-14 * spot


@given(MARKETS)
def test_units_do_not_matter(market: Market) -> None:
    scaled = (8.0 * market[0], 8.0 * market[1], *market[2:])
    one, eight = (black_scholes.price_and_greeks(*m, True) for m in (market, scaled))
    assert float(eight.price) == pytest.approx(8.0 * float(one.price), rel=1e-13)
    assert float(eight.delta) == pytest.approx(float(one.delta), rel=1e-13)
    assert float(eight.gamma) == pytest.approx(float(one.gamma) / 8.0, rel=1e-13)


@given(MARKETS, st.booleans())
def test_implied_volatility_reproduces_the_price(market: Market, is_call: bool) -> None:
    price = black_scholes.price(*market, is_call)
    sigma, reason = implied_volatility(price, *market[:3], *market[4:], is_call)
    if reason == Reason.SOLVED and sigma > 0.0:
        again = black_scholes.price(*market[:3], sigma, *market[4:], is_call)
        assert float(again) == pytest.approx(float(price), rel=1e-11, abs=1e-14 * market[0])
    else:  # Rounding alone takes such a price to its bounds.
        asset, bond = present_values(market)
        edges = np.array([0.0, abs(asset - bond), asset if is_call else bond])
        assert np.min(np.abs(price - edges)) <= 1e-14 * (asset + bond)


@given(st.floats(-30.0, 0.0), st.floats(1e-4, 30.0))
def test_out_of_the_money_volatility_comes_back_to_the_last_digits(x: float, s: float) -> None:
    price = float(black76.price(np.exp(x), 1.0, 1.0, s, True))
    if 1e-290 < price < 0.9 * np.exp(x):
        sigma, _ = implied_from_forward(price, np.exp(x), 1.0, 1.0, True)
        assert float(sigma) == pytest.approx(s, rel=5e-14)


@given(st.floats(-30.0, 30.0), st.floats(1e-3, 1e3), YEARS)
def test_bachelier_volatility_comes_back(money: float, sigma: float, years: float) -> None:
    price = bachelier.price(money, 0.0, years, sigma, money < 0.0)
    if price > 1e-290:
        found, _ = bachelier.implied_volatility(price, money, 0.0, years, money < 0.0)
        assert float(found) == pytest.approx(sigma, rel=1e-13)


def has_one_boundary(market: Market, is_call: bool) -> bool:
    rate, dividend = (market[5], market[4]) if is_call else market[4:]
    return rate > 0.0 or dividend >= rate


@given(MARKETS, st.booleans())
def test_american_lies_between_its_bounds(market: Market, is_call: bool) -> None:
    if has_one_boundary(market, is_call):
        spot, strike = market[:2]
        got = float(american.price(*market, is_call))
        low = max(spot - strike if is_call else strike - spot, 0.0)
        european = float(black_scholes.price(*market, is_call))
        slack = 1e-6 * max(spot, strike)
        assert got >= max(low, european - slack)
        asset, bond = present_values(market)
        most = max(spot, asset) if is_call else max(strike, bond)
        assert got <= most + slack


@given(MARKETS)
def test_american_call_is_the_put_with_sides_exchanged(market: Market) -> None:
    spot, strike, years, sigma, rate, dividend = market
    call = american.price(*market, True)
    put = american.price(strike, spot, years, sigma, dividend, rate, False)
    assert float(call) == pytest.approx(float(put), rel=1e-12)


@given(MARKETS, st.booleans())
def test_american_is_monotone_and_convex_in_the_spot(market: Market, is_call: bool) -> None:
    if has_one_boundary(market, is_call):
        boundary = american.solve_boundary(*market[2:], is_call)
        prices = american.reprice(boundary, market[1] * np.linspace(0.6, 1.4, 17), market[1])
        steps = np.diff(prices) * (1.0 if is_call else -1.0)
        slack = 1e-6 * market[1]
        assert np.all(steps >= -slack)
        assert np.all(np.diff(prices, 2) >= -slack)
