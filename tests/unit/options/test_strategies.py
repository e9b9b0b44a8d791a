"""Named structures: pay-off, break-evens, extremes and margin worked out by hand."""

import numpy as np
import pytest

from environment.options import black_scholes, strategies, structures
from environment.options.strategies import Structure
from environment.options.strategy_margin import reg_t_requirement
from environment.options.structures import Option


def call(strike: float, price: float = 1.0, years: float = 0.25) -> Option:
    return Option(kind="call", strike=strike, years=years, price=price, sigma_annual=0.3)


def put(strike: float, price: float = 1.0, years: float = 0.25) -> Option:
    return Option(kind="put", strike=strike, years=years, price=price, sigma_annual=0.3)


CASES: dict[str, tuple[Structure, tuple[float, ...], float, float, float]] = {
    # Structure; break-evens; worst and best profit; requirement with the stock at 100.
    "covered call": (
        structures.covered_call(call(105, 2.0), 100.0),
        (98.0,),
        -9800.0,
        700.0,
        5000.0,
    ),
    "protective put": (
        structures.protective_put(put(95, 2.0), 100.0),
        (102.0,),
        -700.0,
        np.inf,
        5000.0,
    ),
    "collar": (
        structures.collar(put(95, 2.0), call(105, 2.0), 100.0),
        (100.0,),
        -500.0,
        500.0,
        5000.0,
    ),
    "conversion": (
        structures.conversion(put(100, 4.0), call(100, 4.5), 100.0),
        (),
        50.0,
        50.0,
        1000.0,
    ),
    "reversal": (structures.reversal(put(100, 4.0), call(100, 3.5), 100.0), (), 50.0, 50.0, 1000.0),
    "debit vertical": (
        structures.vertical(call(100, 4.0), call(110, 1.0)),
        (103.0,),
        -300.0,
        700.0,
        0.0,
    ),
    "credit vertical": (
        structures.vertical(call(110, 1.0), call(100, 4.0)),
        (103.0,),
        -700.0,
        300.0,
        1000.0,
    ),
    "long straddle": (
        structures.straddle(put(100, 3.0), call(100, 4.0)),
        (93.0, 107.0),
        -700.0,
        np.inf,
        0.0,
    ),
    "short straddle": (
        structures.straddle(put(100, 3.0), call(100, 4.0), -100.0),
        (93.0, 107.0),
        -np.inf,
        700.0,
        2700.0,
    ),
    "short strangle": (
        structures.strangle(put(90, 1.0), call(115, 2.0), -100.0),
        (87.0, 118.0),
        -np.inf,
        300.0,
        1300.0,
    ),
    "butterfly": (
        structures.butterfly(call(95, 7.0), call(100, 4.0), call(105, 2.0)),
        (96.0, 104.0),
        -100.0,
        400.0,
        0.0,
    ),
    "condor": (
        structures.condor(call(90, 11.0), call(95, 7.0), call(105, 2.0), call(110, 1.0)),
        (93.0, 107.0),
        -300.0,
        200.0,
        0.0,
    ),
    "iron condor": (
        structures.iron_condor(put(90, 1.0), put(95, 2.0), call(105, 2.0), call(110, 1.0)),
        (93.0, 107.0),
        -300.0,
        200.0,
        500.0,
    ),
    "long box": (
        structures.box(call(95, 7.0), put(95, 2.0), call(105, 2.0), put(105, 6.9)),
        (),
        10.0,
        10.0,
        0.0,
    ),
    "short box": (
        structures.box(call(95, 7.0), put(95, 2.0), call(105, 2.0), put(105, 6.9), -100.0),
        (),
        -10.0,
        -10.0,
        1000.0,
    ),
    "ratio": (
        structures.ratio(call(100, 4.0), call(110, 1.0), 2.0),
        (102.0, 118.0),
        -np.inf,
        800.0,
        1100.0,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_break_evens_are_where_the_profit_turns(name: str) -> None:
    structure, expected, *_ = CASES[name]
    assert strategies.break_evens(structure) == pytest.approx(expected)


@pytest.mark.parametrize("name", CASES)
def test_extremes_are_those_of_the_corners(name: str) -> None:
    structure, _, worst, best, _ = CASES[name]
    found = strategies.extremes(structure)
    assert found.worst == pytest.approx(worst)
    assert found.best == pytest.approx(best)


@pytest.mark.parametrize("name", CASES)
def test_requirement_follows_the_rule(name: str) -> None:
    structure, *_, requirement = CASES[name]
    assert reg_t_requirement(structure, 100.0) == pytest.approx(requirement)


def test_requirement_of_a_naked_put_counts_ten_percent_of_the_strike() -> None:
    naked = Structure(name="short put", legs=(put(60, 0.2).leg(-100.0),))
    assert reg_t_requirement(naked, 100.0) == pytest.approx(100.0 * (0.2 + 6.0))


def test_requirement_is_lower_for_a_broad_index() -> None:
    naked = Structure(name="short call", legs=(call(100, 3.0).leg(-100.0),))
    assert reg_t_requirement(naked, 100.0) == pytest.approx(2300.0)
    assert reg_t_requirement(naked, 100.0, is_broad_index=True) == pytest.approx(1800.0)


def test_calendar_is_covered_only_when_the_bought_leg_lives_longer() -> None:
    assert reg_t_requirement(structures.calendar(call(100, 3.0), call(100, 5.0, 0.5)), 100.0) == 0.0
    legs = (call(100, 3.0).leg(100.0), call(100, 5.0, 0.5).leg(-100.0))
    assert reg_t_requirement(Structure(name="reverse", legs=legs), 100.0) == pytest.approx(2500.0)


def test_calendar_values_the_far_leg_at_the_near_expiry() -> None:
    calendar = structures.calendar(call(100, 3.0), call(100, 5.0, 0.5))
    got = strategies.pay_off(calendar, np.array([100.0]))
    expected = 100.0 * black_scholes.price(100.0, 100.0, 0.25, 0.3, 0.0, 0.0, True)
    np.testing.assert_allclose(got, expected)
    low, high = strategies.break_evens(calendar)
    np.testing.assert_allclose(strategies.profit(calendar, [low, high]), 0.0, atol=1e-8)
    assert strategies.extremes(calendar).worst == pytest.approx(-200.0, abs=1e-6)


def test_greeks_add_up_over_the_legs() -> None:
    structure = structures.covered_call(call(105, 2.0), 100.0)
    single = black_scholes.price_and_greeks(100.0, 105.0, 0.25, 0.3, 0.02, 0.0, True)
    got = strategies.greeks(structure, 100.0, strategies.Market(rate=0.02))
    assert float(got.delta) == pytest.approx(100.0 * (1.0 - float(single.delta)))
    assert float(got.theta_per_year) == pytest.approx(-100.0 * float(single.theta_per_year))
    assert float(got.value) == pytest.approx(10000.0 - 100.0 * float(single.price))


@pytest.mark.parametrize(
    "build",
    [
        lambda: structures.vertical(call(100), put(110)),
        lambda: structures.vertical(call(100), call(110, years=0.5)),
        lambda: structures.strangle(put(110), call(100)),
        lambda: structures.butterfly(call(95), call(100), call(106)),
        lambda: structures.calendar(call(100, years=0.5), call(100)),
        lambda: structures.conversion(put(100), call(105), 100.0),
    ],
)
def test_misfit_legs_are_refused(build: object) -> None:
    with pytest.raises(ValueError, match=":"):
        build()  # type: ignore[operator]  # a builder


def test_break_even_at_the_end_of_the_search_is_found() -> None:
    # Four times the strike is where the straight line beyond begins.
    short = Structure(name="short call", legs=(call(25.0, 75.0).leg(-100.0),))
    assert strategies.break_evens(short) == (100.0,)


def test_profit_of_nothing_everywhere_has_no_break_even() -> None:
    assert strategies.break_evens(structures.conversion(put(100, 4.9), call(100, 5.1), 100.2)) == ()
    prices = (call(100, 5.1), put(100, 4.9), call(110, 1.3), put(110, 11.1))
    assert strategies.break_evens(structures.box(*prices)) == ()  # A thousand for a thousand.
    assert strategies.break_evens(structures.vertical(call(100, 0.0), call(110, 0.0))) == ()


def test_stretch_of_no_profit_between_loss_and_gain_has_two_ends() -> None:
    legs = (put(90).leg(-100.0), call(110).leg(100.0))
    assert strategies.break_evens(Structure(name="risk reversal", legs=legs)) == (90.0, 110.0)


def test_yield_the_far_call_does_not_earn_has_no_bound() -> None:
    calendar = structures.calendar(call(100, 4.0), call(100, 6.0, 0.5))
    market = strategies.Market(rate=0.03, dividend_yield=0.05)
    assert strategies.extremes(calendar, market).worst == -np.inf
    assert float(strategies.profit(calendar, 1e6, market)) < -1e5
    assert strategies.extremes(calendar).worst == pytest.approx(-200.0, abs=1e-6)


@pytest.mark.parametrize(("price", "sigma"), [(float("nan"), 0.2), (1.0, -0.2)])
def test_leg_without_a_price_or_of_negative_volatility_is_refused(
    price: float, sigma: float
) -> None:
    with pytest.raises(ValueError, match="finite entry price"):
        Option(kind="call", strike=100.0, years=1.0, price=price, sigma_annual=sigma).leg(1.0)
