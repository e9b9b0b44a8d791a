"""At the edges of what a model is defined for: a right number, NaN with a reason, or a refusal."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from environment.options import (
    american,
    bachelier,
    black_scholes,
    curves,
    dividends,
    heston,
    heston_calibration,
    heston_simulation,
    lattice,
    sabr,
    svi,
)
from environment.options.implied_volatility import Reason, implied_from_forward, implied_volatility

NAN, INF = float("nan"), float("inf")
OPTION = (100.0, 100.0, 1.0, 0.2, 0.02, 0.01)
HESTON = {"v0": 0.04, "kappa": 2.0, "theta": 0.05, "sigma": 0.6, "rho": -0.7}


@pytest.mark.parametrize("years", [1e4, 1e5, 1e7])
@pytest.mark.parametrize(("rate", "yields"), [(-10.0, 0.0), (0.0, -10.0), (-10.0, -10.0)])
@pytest.mark.parametrize("is_call", [True, False])
def test_discount_factor_beyond_float64_has_a_reason(
    years: float, rate: float, yields: float, is_call: bool
) -> None:
    sigma, reason = implied_volatility(
        [1e-5, 50.0, 99.0, 150.0], 100.0, 100.0, years, rate, yields, is_call
    )
    assert np.isnan(sigma).all()
    assert (reason == Reason.OUTSIDE_DOMAIN).all()


@pytest.mark.parametrize("size", [1e-200, 1e-170, 1e160, 1e200, 1e300])
def test_volatility_does_not_depend_on_the_unit_of_money(size: float) -> None:
    price = black_scholes.price(size, 1.1 * size, 1.0, 0.2, 0.01, 0.0, True)
    sigma, reason = implied_volatility(price, size, 1.1 * size, 1.0, 0.01, 0.0, True)
    assert reason == Reason.SOLVED
    assert sigma == pytest.approx(0.2, rel=1e-14)


@pytest.mark.parametrize(("spot", "strike"), [(1e-300, 1e300), (1e200, 1e-200), (5e-324, 100.0)])
def test_quotient_beyond_float64_is_nan(spot: float, strike: float) -> None:
    assert np.isnan(black_scholes.price(spot, strike, 1.0, 50.0, 0.0, 0.0, True))
    assert np.isnan(american.price(spot, strike, 1.0, 0.5, 0.05, 0.0, False))
    sigma, reason = implied_from_forward(4e-303, spot, strike, 1.0, spot < strike)
    assert np.isnan(sigma)
    assert int(reason) in {Reason.OUTSIDE_DOMAIN, Reason.ABOVE_BOUND}


@pytest.mark.parametrize("side", [-1.0, 2.0, NAN])
def test_side_that_is_neither_is_nan_in_its_own_row(side: float) -> None:
    sides = np.array([1.0, side, 0.0])
    fixed = (100.0, 101.0, 1.0)
    gridded = dividends.price_and_slopes(
        *OPTION, sides, dividend_years=[0.5], dividend_amounts=[1.0]
    )
    found = [
        black_scholes.price(*OPTION, sides),
        black_scholes.all_greeks(*OPTION, sides).vega_per_unit_vol,
        american.price(*OPTION, sides),
        american.price_and_greeks(*OPTION, sides).delta,
        lattice.price(*OPTION, sides, steps=16),
        gridded.price,
        bachelier.price(*fixed, 10.0, sides),
        implied_volatility(8.0, 100.0, 100.0, 1.0, 0.02, 0.01, sides)[0],
        bachelier.implied_volatility(8.0, *fixed, sides)[0],
    ]
    for row in found:
        assert np.isnan(row).tolist() == [False, True, False]


def test_infinite_price_has_no_normal_volatility() -> None:
    sigma, reason = bachelier.implied_volatility(1e308, 100.0, 101.0, 1.0, True)
    assert np.isnan(sigma)
    assert reason == Reason.NOT_CONVERGED


@pytest.mark.parametrize("sigma", [1e-9, 1e-12, 1e-100, 5e-324])
@pytest.mark.parametrize(("rate", "yields"), [(0.05, 0.01), (0.0, 0.05), (-0.01, -0.05)])
def test_american_option_on_a_nearly_certain_stock(
    sigma: float, rate: float, yields: float
) -> None:
    spots = np.array([95.0, 105.0])
    for is_call in (True, False):
        certain = american.price(spots, 100.0, 1.0, 0.0, rate, yields, is_call)
        nearly = american.price_and_greeks(spots, 100.0, 1.0, sigma, rate, yields, is_call)
        np.testing.assert_allclose(nearly.price, certain, atol=1e-6)
        assert all(np.isfinite(greek).all() for greek in nearly)
    assert np.isfinite(american.price_and_greeks(100.0, 95.0, 1.0, 0.0, 0.05, 0.01, True)).all()


def test_two_boundaries_at_expiry_have_slopes() -> None:
    found = american.price_and_greeks([90.0, 110.0], 100.0, 0.0, 0.2, -0.01, -0.05, False)
    assert found.delta.tolist() == [-1.0, 0.0]
    assert found.gamma.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("is_call", [False, True])
@pytest.mark.parametrize("rate", [0.0, 5e-5, 9e-5])
def test_rho_beside_the_rate_where_a_second_boundary_begins(is_call: bool, rate: float) -> None:
    # The tree on the other side of 0 is right to 1e-5 of the strike: over a step of 1e-4 its error
    # alone was 1 % of a rho.
    def rho_at(earned: float) -> float:
        r, q = (-0.03, earned) if is_call else (earned, -0.03)
        found = american.price_and_greeks(100.0, 100.0, 3.0, 0.4, r, q, is_call)
        chosen = found.dividend_rho_per_unit_yield if is_call else found.rho_per_unit_rate
        return float(chosen)

    assert rho_at(rate) == pytest.approx(rho_at(2e-4), rel=4e-3)


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("bad", [NAN, INF, -INF, 1e308])
def test_bad_row_of_a_grid_is_nan(place: int, bad: float) -> None:
    # Without a finite grid the strike's node was written beyond the array's end.
    arguments = [np.array([value, value]) for value in OPTION]
    arguments[place][1] = bad
    found = dividends.price_and_slopes(
        *arguments,  # type: ignore[misc]  # six of them
        True,
        dividend_years=[0.5],
        dividend_amounts=[1.0],
    )
    alone = dividends.price_and_slopes(*OPTION, True, dividend_years=[0.5], dividend_amounts=[1.0])
    assert found.price[0] == alone.price
    assert not found.price[1] > 0.0


def test_grid_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="8 steps or more"):
        dividends.price_and_slopes(
            *OPTION, True, dividend_years=[0.5], dividend_amounts=[1.0], space_steps=2
        )


def test_boundary_of_another_shape_is_refused_in_words() -> None:
    boundary = american.solve_boundary([[0.1], [1.0]], 0.2, [0.05, 0.02, 0.01], 0.0, False)
    with pytest.raises(ValueError, match=r"shapes ending in \(2, 3\).*found \(2,\)"):
        american.reprice(boundary, [100.0, 101.0], 100.0)


def _differences(parameters: NDArray[np.float64], strikes: NDArray[np.float64]) -> list[float]:
    """Largest error of each derivative against a fourth-order difference, per size of it."""
    names = ("v0", "kappa", "theta", "sigma", "rho")
    market = (100.0, strikes, 30.0, 0.02, 0.01, strikes > 100.0)

    def at(which: int, step: float) -> NDArray[np.float64]:
        moved = parameters.copy()
        moved[which] += step
        return heston.price(*market, **dict(zip(names, moved, strict=True)))

    gradient = heston.price_and_gradient(*market, parameters)[1]
    errors = []
    for i in range(5):
        h = 1e-3 * abs(parameters[i]) if i < 4 else 2e-4
        rise = (8.0 * (at(i, h) - at(i, -h)) - at(i, 2.0 * h) + at(i, -2.0 * h)) / (12.0 * h)
        errors.append(float(np.max(np.abs(rise - gradient[i])) / np.max(np.abs(rise))))
    return errors


def test_heston_gradient_where_the_transform_decays_slowly() -> None:
    # Thirty years, hardly any reversion, correlation near 1: 512 nodes were not enough.
    parameters = np.array([1e-4, 0.01, 0.04, 0.5, 0.999])
    strikes = np.array([60.0, 95.0, 130.0])
    assert max(_differences(parameters, strikes)) < 1e-5
    price, _ = heston.price_and_gradient(
        100.0, strikes, 30.0, 0.02, 0.01, strikes > 100.0, parameters
    )
    names = ("v0", "kappa", "theta", "sigma", "rho")
    sharp = heston.price(
        100.0, strikes, 30.0, 0.02, 0.01, strikes > 100.0,
        **dict(zip(names, parameters, strict=True)),
    )  # fmt: skip
    np.testing.assert_allclose(price, sharp, atol=1e-8)


@pytest.mark.parametrize(
    "change", [{"rho": 1.5}, {"v0": -1.0}, {"v0": NAN}, {"theta": -1.0}, {"kappa": NAN}]
)
def test_paths_outside_the_model_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        heston_simulation.simulate_terminal(
            np.random.default_rng(1),
            10,
            2,
            1.0,
            **{**HESTON, **change},  # type: ignore[arg-type]  # five numbers
        )


def test_unknown_backend_is_refused() -> None:
    with pytest.raises(ValueError, match="compiled, numpy, torch"):
        heston_simulation.simulate_terminal(
            np.random.default_rng(1),
            10,
            2,
            1.0,
            **HESTON,
            backend="cuda",  # type: ignore[arg-type]
        )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"alpha": -0.1}, "alpha"),
        ({"alpha": 0.0}, "alpha"),
        ({"nu": -1.0}, "nu"),
        ({"rho": 1.0}, "rho"),
        ({"rho": -1.5}, "rho"),
        ({"beta": 1.5}, "beta"),
        ({"years": -1.0}, "years"),
        ({"formula": "hagen"}, "hagan, obloj, normal"),
        ({"forward": INF}, "forward"),
    ],
)
def test_sabr_outside_the_model_is_refused(change: dict[str, object], text: str) -> None:
    values = {"forward": 100.0, "strike": 90.0, "years": 1.0, "alpha": 2.0, "beta": 0.5}
    with pytest.raises(ValueError, match=text):
        sabr.volatility(**{**values, "nu": 0.4, "rho": -0.3, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"forward": -1.0},
        {"strike": [-5.0, 90.0, 100.0, 110.0]},
        {"strike": [NAN, 90.0, 100.0, 110.0]},
        {"strike": [100.0] * 4},
        {"strike": [90.0, 100.0, 110.0]},
        {"years": 0.0},
        {"years": NAN},
        {"beta": 2.0},
        {"weight": [NAN] * 4},
        {"weight": [0.0] * 4},
        {"formula": "hagen"},
    ],
)
def test_sabr_fit_of_nonsense_is_refused(change: dict[str, object]) -> None:
    values = {"forward": 100.0, "strike": [80.0, 90.0, 100.0, 110.0], "years": 1.0, "beta": 0.5}
    with pytest.raises(ValueError, match="expected"):
        sabr.calibrate(volatility_quotes=[0.3, 0.26, 0.23, 0.22], **{**values, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "start", [[0.04, 1.0, 0.04], [NAN] * 5, [0.04, 1.0, 0.04, 0.5, -1.0], [[0.04] * 5]]
)
def test_start_of_a_fit_that_is_not_five_numbers_is_refused(start: list[float]) -> None:
    # A shorter one was read, and written, beyond its end.
    with pytest.raises(ValueError, match="five finite numbers"):
        heston_calibration.calibrate(100.0, [80.0, 90.0, 100.0, 110.0, 120.0], 1.0, 0.2, 1.0, start)


@pytest.mark.parametrize(
    "change", [{"weight": [1.0] * 3}, {"floor": [0.01] * 3}, {"k": np.zeros((5, 1))}]
)
def test_columns_of_a_slice_that_do_not_fit_are_refused(change: dict[str, Any]) -> None:
    values = {"k": np.linspace(-0.2, 0.2, 5), "sigma_annual": np.full(5, 0.2), "years": 0.5}
    with pytest.raises(ValueError, match="for each k"):
        svi.calibrate(**{**values, **change})


def test_curve_or_schedule_with_a_hole_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        curves.ZeroCurve(years=np.array([1.0, NAN]), log_discounts=np.array([-0.01, -0.02]))
    with pytest.raises(ValueError, match="finite"):
        curves.flat_curve(NAN)
    with pytest.raises(ValueError, match="finite"):
        curves.DividendSchedule(years=np.array([0.5]), amounts=np.array([NAN]))
