"""From a raw chain to a checked surface, and what the surface does then."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from environment.options import black76, surface_fit, svi
from environment.options.chain import ChainRefusedError, make_chain
from environment.options.surface import Smile, Surface, check, density_sign_of, plot
from tests.unit.options.surface_cases import (
    DIVIDEND,
    RATE,
    SPOT,
    YEARS,
    make_quotes,
    true_parameters,
    true_volatility,
)

Slice = tuple[NDArray[np.float64], NDArray[np.float64], float]


def fitted(style: surface_fit.Style = "european", **changes: object) -> surface_fit.ChainSurface:
    rate = RATE if style == "american" else None
    return surface_fit.surface_from_chain(make_quotes(style), SPOT, style, rate, **changes)  # type: ignore[arg-type]  # changes are the keyword ones


def largest_error(found: surface_fit.ChainSurface) -> float:
    truth = [true_volatility(k, t) for k, t in zip(found.strike, found.years, strict=True)]
    return float(np.abs(found.sigma_annual - np.array(truth)).max())


def test_european_chain_gives_forward_rate_and_volatilities() -> None:
    found = fitted()
    forward = SPOT * np.exp((RATE - DIVIDEND) * YEARS)
    np.testing.assert_allclose(found.forwards.forward, forward, rtol=1e-9)
    np.testing.assert_allclose(found.forwards.rate, RATE, atol=1e-9)
    assert largest_error(found) < 1e-9


def test_american_chain_is_stripped_to_the_same_volatilities() -> None:
    found = fitted("american")
    forward = SPOT * np.exp((RATE - DIVIDEND) * YEARS)
    np.testing.assert_allclose(found.forwards.forward, forward, rtol=1e-5)
    assert found.is_stripped.any()
    assert largest_error(found) < 5e-4


def test_premium_far_below_the_spread_is_left_in() -> None:
    quotes = make_quotes("american", half_spread=0.2)
    found = surface_fit.surface_from_chain(quotes, SPOT, "american", RATE)
    assert found.is_stripped.sum() < fitted("american").is_stripped.sum()


def test_american_rate_can_be_implied() -> None:
    found = surface_fit.surface_from_chain(make_quotes("american"), SPOT, "american")
    np.testing.assert_allclose(found.forwards.rate, RATE, atol=1e-3)


@pytest.mark.parametrize("smile", ["svi", "sabr"])
def test_surface_of_sound_quotes_breaks_no_condition(smile: str) -> None:
    found = fitted(smile=smile)
    assert found.breaches == []
    assert found.volatility_rmse.max() < 2e-3


def test_surface_reads_back_its_quotes() -> None:
    found = fitted()
    error = found.surface.volatility(found.strike, found.years) - found.sigma_annual
    assert np.abs(error).max() < 2e-3


def test_counts_add_up_to_the_chain() -> None:
    found = fitted()
    assert found.strike.size + sum(found.dropped.values()) == make_quotes().size


def test_total_variance_is_linear_between_expiries() -> None:
    surface = fitted().surface
    low, middle, high = (float(surface.total_variance(0.05, t)) for t in (0.5, 0.75, 1.0))
    assert middle == pytest.approx(0.5 * (low + high), rel=1e-12)


def test_volatility_is_flat_beyond_the_ends() -> None:
    surface = fitted().surface
    k = 0.01
    for inside, outside in ((YEARS[0], 0.01), (YEARS[-1], 3.0)):
        w = surface.total_variance(k, np.array([inside, outside]))
        assert w[0] / inside == pytest.approx(w[1] / outside, rel=1e-12)


def test_sticky_strike_keeps_volatility_at_a_strike() -> None:
    surface = fitted().surface
    moved = surface.sticky_strike(103.0)
    strikes, years = np.array([90.0, 100.0, 110.0]), np.array([[0.25], [0.7]])
    np.testing.assert_allclose(
        moved.volatility(strikes, years), surface.volatility(strikes, years), rtol=1e-12
    )
    assert moved.forward[0] == pytest.approx(surface.forward[0] * 1.03)


@pytest.mark.parametrize("smile", ["svi", "sabr"])
def test_sticky_delta_keeps_volatility_at_a_moneyness(smile: str) -> None:
    surface = fitted(smile=smile, beta=0.6).surface
    moved = surface.sticky_delta(103.0)
    np.testing.assert_allclose(
        moved.volatility(103.0, YEARS), surface.volatility(100.0, YEARS), rtol=1e-12
    )


def test_surface_prices_obey_parity() -> None:
    surface = fitted().surface
    call, put = surface.price(95.0, 0.6, True), surface.price(95.0, 0.6, False)
    forward, discount = surface.forward_at(0.6), surface.discount_at(0.6)
    assert call - put == pytest.approx(discount * (forward - 95.0), abs=1e-12)


def surface_of(*slices: NDArray[np.float64]) -> Surface:
    n = len(slices)
    ones = np.ones(n)
    return Surface(
        spot=1.0, years=np.arange(1.0, n + 1.0), forward=ones, discount=ones,
        moneyness_low=-ones, moneyness_high=ones, svi_parameters=np.array(slices), sabr_fits=(),
    )  # fmt: skip


def test_check_names_butterfly() -> None:
    vogt = np.array([-0.0410, 0.1331, 0.3060, 0.3586, 0.4153])
    assert [breach.condition for breach in check(surface_of(vogt))] == ["butterfly"]


def test_check_names_calendar() -> None:
    slices = [true_parameters(t) for t in (1.0, 0.5)]
    assert [breach.condition for breach in check(surface_of(*slices))] == ["calendar"]


def test_check_names_wing_slope() -> None:
    steep = np.array([0.5, 1.6, 0.5, 0.0, 1.0])
    assert "wing_slope" in {breach.condition for breach in check(surface_of(steep))}


def test_check_looks_where_it_is_told() -> None:
    vogt = np.array([-0.0410, 0.1331, 0.3060, 0.3586, 0.4153])
    assert check(surface_of(vogt), np.linspace(-1.0, 0.0, 21)) == []


def test_crossing_expiries_are_fitted_without_crossing() -> None:
    k = np.linspace(-0.3, 0.3, 21)
    parts = []
    for years, level in ((0.5, 0.30), (1.0, 0.2), (1.5, 0.22)):
        sigma = np.sqrt(level**2 + 0.02 * k * k)
        parts.append((k, sigma, years))
    total = [svi.total_variance(0.0, p) for p in fit_levels(parts)]
    assert total == sorted(total)


def fit_levels(parts: Sequence[Slice]) -> list[NDArray[np.float64]]:
    strikes, years, sides, mids = [], [], [], []
    for k, sigma, time in parts:
        for is_call in (False, True):
            strikes += list(np.exp(k) * 100.0)
            years += [time] * k.size
            sides += [is_call] * k.size
            mids += list(black76.price(100.0, np.exp(k) * 100.0, time, sigma, is_call))
    mid = np.array(mids)
    chain = make_chain(strikes, years, sides, mid - 0.001, mid + 0.001)
    found = surface_fit.surface_from_chain(chain, 100.0, "european", 0.0)
    assert [b for b in found.breaches if b.condition == "calendar"] == []
    return list(found.surface.svi_parameters)


def test_plot_holds_the_surface() -> None:
    figure = plot(fitted().surface, n_strikes=5, n_years=4)
    assert np.shape(figure.data[0].z) == (4, 5)


def test_chain_without_pairs_is_refused_in_one_line() -> None:
    quotes = make_quotes()
    calls = quotes.take(quotes.is_call)
    with pytest.raises(ChainRefusedError, match="pairs of call and put") as error:
        surface_fit.surface_from_chain(calls, SPOT, "european")
    assert "\n" not in str(error.value)


def test_bad_spot_is_refused() -> None:
    with pytest.raises(ChainRefusedError, match="positive spot"):
        surface_fit.surface_from_chain(make_quotes(), float("nan"), "european")


@pytest.mark.parametrize("smile", ["svi", "sabr"])
@pytest.mark.parametrize("spot", [80.0, 125.0])
def test_density_after_a_move_is_that_of_the_prices(smile: Smile, spot: float) -> None:
    # The smile is read where the strikes were, the density belongs to the forward as it is now.
    surface = fitted(smile=smile).surface.sticky_strike(spot)
    forward, years = float(surface.forward[2]), float(surface.years[2])
    strikes = forward * np.exp(np.linspace(-0.2, 0.2, 9))

    def paid(level: NDArray[np.float64]) -> NDArray[np.float64]:
        sigma = surface.volatility(level, years)
        return np.asarray(black76.price(forward, level, years, sigma, True))

    step = 2e-3 * strikes
    density = (paid(strikes + step) - 2.0 * paid(strikes) + paid(strikes - step)) / step**2
    k = np.log(strikes / forward)
    w = surface.slice_variance(2, k)
    far = -k / np.sqrt(w) - 0.5 * np.sqrt(w)
    expected = density * strikes * np.sqrt(2.0 * np.pi * w) * np.exp(0.5 * far**2)
    np.testing.assert_allclose(density_sign_of(surface, 2, k), expected, rtol=2e-3)


def test_volatility_outside_of_time_and_strikes_is_nan() -> None:
    surface = fitted().surface
    with np.errstate(all="raise"):
        found = surface.volatility([100.0, 100.0, 0.0, -1.0, 100.0], [0.0, -0.1, 1.0, 1.0, 0.5])
    assert np.isnan(found).tolist() == [True, True, True, True, False]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"style": "bermudan"}, "european or american"),
        ({"smile": "spline"}, "svi or sabr"),
        ({"beta": 2.0}, "beta"),
        ({"rate": 5.0}, "0.05 is five per cent"),
        ({"rate": np.nan}, "0.05 is five per cent"),
        ({"rate": [0.01, 0.02]}, "4 expiries"),
        ({"spot": 10.0}, "spot near the forward"),
        ({"spot": "100"}, "positive spot"),
    ],
)
@pytest.mark.parametrize("style", ["european", "american"])
def test_argument_that_would_give_another_surface_is_refused(
    style: str, changes: dict[str, object], text: str
) -> None:
    arguments = {"chain": make_quotes(), "spot": SPOT, "style": style, **changes}
    with pytest.raises(ChainRefusedError, match=text) as refusal:
        surface_fit.surface_from_chain(**arguments)  # type: ignore[arg-type]  # wrong ones too
    assert "\n" not in str(refusal.value)


def test_price_before_a_split_is_refused() -> None:
    for spot in (SPOT / 7.0, 7.0 * SPOT):
        with pytest.raises(ChainRefusedError, match="spot"):
            surface_fit.surface_from_chain(make_quotes("american"), spot, "american", RATE)
