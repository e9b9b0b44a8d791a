"""Value paths: moments, exactness, repeatability."""

import math
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from environment.market.fundamentals import (
    RMSC04,
    SECONDS_PER_YEAR,
    Factor,
    FactorLoadings,
    Heston,
    Jump,
    MeanReverting,
    VolatilityLevel,
    bar_rows,
    correlated,
    fit_loadings,
    from_bars,
    heston,
    mean_reverting,
    overnight,
    shocked,
)
from environment.market.paths import Floats

DAY = 23_400
FACTORS = {
    "market": Factor(volatility_annual=0.15),
    "tech": Factor(volatility_annual=0.1),
    "bank": Factor(volatility_annual=0.1),
}
TECH = FactorLoadings(loadings={"market": 1.0, "tech": 1.0}, own_annual=0.2)
BANK = FactorLoadings(loadings={"market": 4 / 3, "bank": 1.0}, own_annual=0.1)
TECH_ANNUAL, BANK_ANNUAL = TECH.total_annual(FACTORS), BANK.total_annual(FACTORS)


def calm(*, reversion: float = 0.0, sigma: float = 0.0, jumps: float = 0.0) -> MeanReverting:
    return MeanReverting(
        center_ticks=100_000, reversion_per_second=reversion, sigma_ticks=sigma,
        jumps_per_second=jumps, jump_variance=0.0,
    )  # fmt: skip


def path(
    spec: MeanReverting, seconds: int = DAY, *, seed: int = 1, start: float | None = None
) -> Floats:
    return mean_reverting(spec, seconds, seed=seed, symbol="A", day="1", start_ticks=start)


def steps(values: Floats) -> Floats:
    return np.diff(np.log(values))


def test_reference_parameters_are_per_second() -> None:
    assert RMSC04.sigma_ticks == pytest.approx(math.sqrt(2.5), rel=1e-12)
    assert RMSC04.reversion_per_second == pytest.approx(1.67e-7)


def test_reference_day_moves_as_much_as_its_volatility_says() -> None:
    ends = [path(RMSC04, seed=seed)[-1] - 100_000 for seed in range(400)]
    expected = RMSC04.sigma_ticks * math.sqrt(DAY)
    assert np.std(ends) == pytest.approx(expected, rel=0.1)
    assert abs(np.mean(ends)) < 4 * expected / 20


def test_mean_reverting_path_has_the_stationary_deviation() -> None:
    values = path(calm(reversion=0.01, sigma=10.0), 200_000)
    assert np.std(values) == pytest.approx(10.0 / math.sqrt(0.02), rel=0.05)


def test_mean_reverting_path_returns_exponentially_without_noise() -> None:
    values = path(calm(reversion=0.001), 1_000, start=101_000)
    assert values[-1] == pytest.approx(100_000 + 1_000 * math.exp(-1.0), rel=1e-12)


def test_jumps_come_at_their_rate_with_either_sign() -> None:
    moves = np.diff(path(calm(jumps=0.01), 100_000))
    assert abs(np.count_nonzero(moves) - 1_000) < 150
    assert set(np.unique(np.abs(moves.round(6)))) <= {0.0, 1_000.0, 2_000.0, 3_000.0}
    assert abs(np.count_nonzero(moves > 0) - np.count_nonzero(moves < 0)) < 150


def test_value_never_falls_below_one_tick() -> None:
    assert path(calm(sigma=50_000.0), 1_000).min() == 1.0


def test_heston_path_has_its_variance_and_leverage() -> None:
    spec = Heston(start_ticks=50_000, reversion=50.0, volatility=1.0)
    values, last = heston(spec, 20 * DAY, seed=1, symbol="A", day="1")
    realised = float(np.var(steps(values))) * SECONDS_PER_YEAR
    assert realised == pytest.approx(0.04, rel=0.25)
    assert last >= 0.0


def test_heston_path_is_lognormal_when_variance_stands_still() -> None:
    spec = Heston(start_ticks=50_000, volatility=0.0, drift=0.1)
    values, last = heston(spec, 10 * DAY, seed=1, symbol="A", day="1")
    assert last == pytest.approx(0.04)
    assert np.std(steps(values)) * math.sqrt(SECONDS_PER_YEAR) == pytest.approx(0.2, rel=0.01)


def test_correlated_paths_share_market_and_sector() -> None:
    loads = {"A": TECH, "B": TECH, "C": BANK}
    paths = correlated(dict.fromkeys(loads, 50_000.0), loads, FACTORS, 4 * DAY, seed=1, day="1")
    moves = np.corrcoef([steps(values) for values in paths.values()])
    same = (0.15**2 + 0.1**2) / TECH_ANNUAL**2
    other = 0.15 * 0.2 / (TECH_ANNUAL * BANK_ANNUAL)
    assert moves[0, 1] == pytest.approx(same, abs=0.02)
    assert moves[0, 2] == pytest.approx(other, abs=0.02)


def test_another_stock_changes_nobodys_path() -> None:
    loads = {"A": TECH, "B": TECH}
    alone = correlated({"A": 50_000.0}, loads, FACTORS, 100, seed=1, day="1")
    together = correlated({"B": 9_000.0, "A": 50_000.0}, loads, FACTORS, 100, seed=1, day="1")
    assert (alone["A"] == together["A"]).all()


def test_longer_day_begins_like_the_shorter() -> None:
    assert (path(RMSC04, 200)[:101] == path(RMSC04, 100)).all()


@pytest.mark.parametrize("changed", [{"seed": 2}, {"symbol": "B"}, {"day": "2"}])
def test_seed_symbol_and_day_each_name_another_path(changed: dict[str, object]) -> None:
    names: dict[str, object] = {"seed": 1, "symbol": "A", "day": "1"}
    one = mean_reverting(RMSC04, 100, **names)  # type: ignore[arg-type]  # the tests' own keywords
    other = mean_reverting(RMSC04, 100, **(names | changed))  # type: ignore[arg-type]  # as above
    assert (one != other).any()


BARS = np.array([[0, 100, 110, 95, 105], [60, 105, 105, 90, 91], [180, 91, 120, 91, 120]], float)


def later(seconds: int) -> Floats:
    """The same bars, some seconds later."""
    bars = BARS.copy()
    bars[:, 0] += seconds
    return bars


def test_path_through_bars_keeps_open_extremes_and_close() -> None:
    values = from_bars(BARS, 300, seed=1, symbol="A", day="1")
    for start, *bar in BARS.tolist():
        part = values[int(start) : int(start) + 60]
        assert [part[0], part.max(), part.min(), part[-1]] == bar


def test_path_runs_straight_between_bars_and_stands_outside() -> None:
    values = from_bars(later(30), 400, seed=1, symbol="A", day="1")
    assert (values[:30] == 100).all()
    assert (values[150:210] == 91).all()
    assert (values[269:] == 120).all()


def test_bars_without_range_make_a_flat_path() -> None:
    values = from_bars(np.array([[0, 7, 7, 7, 7]], float), 120, seed=1, symbol="A", day="1")
    assert (values == 7).all()


def test_day_without_a_bar_is_refused() -> None:
    with pytest.raises(ValueError, match="no bar lies"):
        from_bars(later(900), 300, seed=1, symbol="A", day="1")


def test_rising_bar_passes_its_low_first() -> None:
    bar = np.array([[0, 100, 120, 99, 120]], float)
    lows = [int(from_bars(bar, 59, seed=s, symbol="A", day="1").argmin()) for s in range(50)]
    assert np.mean(lows) < 30


def test_bar_rows_are_exact_ticks() -> None:
    frame = pl.DataFrame({"time_ns": [60_000_000_000], "open": [645.57], "high": [645.6],
                          "low": [645.5], "close": [645.55]})  # fmt: skip
    assert bar_rows(frame, start_ns=0, tick=0.01).tolist() == [[60, 64557, 64560, 64550, 64555]]


def test_jump_scales_everything_after_it() -> None:
    values = path(RMSC04, 100)
    after = shocked(values, [Jump(second=40, size=-0.02)])
    np.testing.assert_allclose(after[:40], values[:40])
    np.testing.assert_allclose(after[40:], 0.98 * values[40:])


def test_volatility_level_scales_steps_while_it_lasts() -> None:
    values = path(RMSC04, 100)
    after = shocked(values, [VolatilityLevel(second=10, until_second=20, level=3.0)])
    ratio = steps(after) / steps(values)
    np.testing.assert_allclose(ratio[9:19], 3.0)
    np.testing.assert_allclose(np.delete(ratio, range(9, 19)), 1.0)


def test_path_without_shocks_is_the_path_itself() -> None:
    values = path(RMSC04, 10)
    assert shocked(values, []) is values


def test_shock_outside_the_day_is_refused() -> None:
    with pytest.raises(ValueError, match="outside the day"):
        shocked(path(RMSC04, 10), [Jump(second=11, size=0.1)])


def test_nights_move_stocks_together() -> None:
    loads = {"A": TECH, "B": TECH}
    closes = dict.fromkeys(loads, 50_000.0)
    nights = [overnight(closes, loads, FACTORS, seed=1, day=str(day)) for day in range(2_000)]
    moves = np.log(np.array([[n["A"], n["B"]] for n in nights], np.float64) / 50_000)
    assert np.std(moves[:, 0]) == pytest.approx(TECH_ANNUAL * math.sqrt(0.3 / 252), rel=0.05)
    assert np.corrcoef(moves.T)[0, 1] == pytest.approx(0.0325 / TECH_ANNUAL**2, abs=0.05)


def test_fitted_loadings_give_back_what_made_the_data() -> None:
    loads = {f"{sector}{n}": load for load, sector in ((TECH, "T"), (BANK, "B")) for n in range(10)}
    closes: dict[str, list[float]] = {symbol: [50_000.0] for symbol in loads}
    for day in range(1_500):
        now = {symbol: series[-1] for symbol, series in closes.items()}
        for symbol, value in overnight(
            now, loads, FACTORS, seed=3, day=str(day), share=1.0
        ).items():
            closes[symbol].append(value)
    sectors = {symbol: "tech" if symbol[0] == "T" else "bank" for symbol in loads}
    factors, fitted = fit_loadings(closes, sectors)
    for symbol, load in loads.items():
        expected = pytest.approx(load.total_annual(FACTORS), rel=0.1)
        assert fitted[symbol].total_annual(factors) == expected
        assert fitted[symbol].own_annual == pytest.approx(load.own_annual, rel=0.1)


def test_drift_of_a_factor_reaches_its_stocks() -> None:
    factors = {"market": Factor(volatility_annual=0.0, drift_annual=0.5)}
    load = {"A": FactorLoadings(loadings={"market": 2.0}, own_annual=0.0)}
    end = correlated({"A": 50_000.0}, load, factors, DAY, seed=1, day="1")["A"][-1]
    assert end == pytest.approx(50_000 * math.exp(1 / 252), rel=1e-9)


def test_factor_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="loads on factor 'tech'"):
        correlated({"A": 1.0}, {"A": TECH}, {"market": FACTORS["market"]}, 9, seed=1, day="1")


@pytest.mark.parametrize(
    "make",
    [
        lambda: MeanReverting(center_ticks=0.0),
        lambda: MeanReverting(center_ticks=10.0, sigma_ticks=-1.0),
        lambda: Heston(start_ticks=10.0, correlation=1.5),
        lambda: Heston(start_ticks=10.0, variance=math.nan),
        lambda: Jump(second=1, size=-1.0),
        lambda: fit_loadings({"A": [1.0, 2.0]}, {"A": "x"}),
        lambda: fit_loadings({"A": [1.0, 2.0], "B": [1.0]}, {"A": "x", "B": "x"}),
    ],
)
def test_impossible_parameters_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must|take all|closes|too few"):
        make()
