"""What an instrument is worth, second by second: processes, real days, shocks, nights.

A path is an array of float ticks on a grid of one second. Nobody in the market reads it but through
noisy, timed observations.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import polars as pl

from environment.draws import draw_normal, stream_key
from environment.market import paths
from environment.market.paths import Floats

SECOND_NS: Final = 1_000_000_000
SECONDS_PER_YEAR: Final = 252 * 23_400  # Trading seconds: volatilities are those of open markets.


def _check_not_negative(struct: msgspec.Struct, *names: str) -> None:
    for name in names:
        if not getattr(struct, name) >= 0.0:
            raise ValueError(f"{name} must not be negative: {getattr(struct, name)}")


class MeanReverting(msgspec.Struct, frozen=True, kw_only=True, tag="mean_reverting"):
    """Ornstein-Uhlenbeck value with Poisson jumps, in ticks.

    Attributes
    ----------
    center_ticks : float
        Where the value returns to, and where it starts.
    reversion_per_second, jumps_per_second : float
    sigma_ticks : float
        Standard deviation per square-root second.
    jump_mean_ticks, jump_variance : float
        Size of a jump (its sign is fair), and its variance in ticks squared.
    """

    center_ticks: float
    reversion_per_second: float = 1.67e-7
    sigma_ticks: float = 1.5811388300841898
    jumps_per_second: float = 2.77778e-9
    jump_mean_ticks: float = 1_000.0
    jump_variance: float = 50_000.0

    def __post_init__(self) -> None:
        _check_not_negative(self, "reversion_per_second", "sigma_ticks", "jumps_per_second",
                            "jump_variance")  # fmt: skip
        if self.center_ticks < paths.SMALLEST:
            raise ValueError(f"center_ticks must be at least one tick, not {self.center_ticks}")


class Heston(msgspec.Struct, frozen=True, kw_only=True, tag="heston"):
    """Stochastic variance, annual: dv = reversion (center - v) dt + volatility sqrt(v) dW."""

    start_ticks: float
    variance: float = 0.04
    center: float = 0.04
    reversion: float = 3.0
    volatility: float = 0.4
    correlation: float = -0.6
    drift: float = 0.0

    def __post_init__(self) -> None:
        _check_not_negative(self, "variance", "center", "reversion", "volatility")
        if not -1.0 <= self.correlation <= 1.0:
            raise ValueError(f"correlation must lie in [-1, 1], not {self.correlation}")
        if self.start_ticks < paths.SMALLEST:
            raise ValueError(f"start_ticks must be at least one tick, not {self.start_ticks}")


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """A common source of log returns, per year."""

    volatility_annual: float
    drift_annual: float = 0.0

    def __post_init__(self) -> None:
        _check_not_negative(self, "volatility_annual")


class FactorLoadings(msgspec.Struct, frozen=True, kw_only=True, tag="factors"):
    """One stock of many: how it moves with each factor, and the volatility of its own part."""

    loadings: dict[str, float]
    own_annual: float

    def __post_init__(self) -> None:
        _check_not_negative(self, "own_annual")

    def total_annual(self, factors: Mapping[str, Factor]) -> float:
        """Return the volatility of the whole, per square-root year."""
        parts = [load * factors[name].volatility_annual for name, load in self.loadings.items()]
        return math.hypot(self.own_annual, *parts)


class Jump(msgspec.Struct, frozen=True, kw_only=True, tag="fundamental_jump"):
    """From a second on, the value is 1 + `size` times what it would have been."""

    second: int
    size: float

    def __post_init__(self) -> None:
        if self.size <= -1.0:
            raise ValueError(f"a jump cannot take all value away: size {self.size}")


class VolatilityLevel(msgspec.Struct, frozen=True, kw_only=True, tag="volatility_level"):
    """From one second to before another, steps are `level` times as large."""

    second: int
    level: float
    until_second: int | None = None

    def __post_init__(self) -> None:
        _check_not_negative(self, "level")


Shock = Jump | VolatilityLevel

# The community's reference configuration: prices of about 1,000.00 in ticks of one cent.
RMSC04: Final = MeanReverting(
    center_ticks=100_000.0,
    reversion_per_second=1.67e-16 * SECOND_NS,
    sigma_ticks=5e-5 * math.sqrt(SECOND_NS),
    jumps_per_second=2.77778e-18 * SECOND_NS,
)


def _key(seed: int, symbol: str, part: str, day: str) -> int:
    return stream_key(seed, f"fundamental/{symbol}/{part}/{day}")


def mean_reverting(
    spec: MeanReverting, seconds: int, *, seed: int, symbol: str, day: str,
    start_ticks: float | None = None,
) -> Floats:  # fmt: skip
    """Return a path of `seconds` + 1 points; `day` (any text, say a date) names its streams."""
    out = np.empty(seconds + 1, np.float64)
    paths.mean_reverting_path(
        out, spec.center_ticks if start_ticks is None else start_ticks, spec.center_ticks,
        spec.reversion_per_second, spec.sigma_ticks, spec.jumps_per_second, spec.jump_mean_ticks,
        math.sqrt(spec.jump_variance), _key(seed, symbol, "diffusion", day),
        _key(seed, symbol, "jump-times", day), _key(seed, symbol, "jump-sizes", day),
    )  # fmt: skip
    return out


def heston(
    spec: Heston, seconds: int, *, seed: int, symbol: str, day: str,
    start_ticks: float | None = None, variance: float | None = None,
) -> tuple[Floats, float]:  # fmt: skip
    """Return a path of `seconds` + 1 points and the variance at its end, for the next day."""
    out = np.empty(seconds + 1, np.float64)
    last = paths.heston_path(
        out, spec.start_ticks if start_ticks is None else start_ticks, spec.drift,
        spec.variance if variance is None else variance, spec.reversion, spec.center,
        spec.volatility, spec.correlation, 1.0 / SECONDS_PER_YEAR,
        _key(seed, symbol, "price", day), _key(seed, symbol, "variance", day),
    )  # fmt: skip
    return out, max(last, 0.0)


def correlated(
    starts_ticks: Mapping[str, float], loadings: Mapping[str, FactorLoadings],
    factors: Mapping[str, Factor], seconds: int, *, seed: int, day: str,
) -> dict[str, Floats]:  # fmt: skip
    """Return one path per stock, of `seconds` + 1 points; stocks share the factors' streams.

    Raises
    ------
    ValueError
        If a stock loads on a factor that is not there.
    """
    root = math.sqrt(1.0 / SECONDS_PER_YEAR)
    found: dict[str, Floats] = {}
    for symbol, start in starts_ticks.items():
        weights, keys = _weights_and_keys(symbol, loadings[symbol], factors, seed, day)
        drift = _drift_annual(loadings[symbol], factors) / SECONDS_PER_YEAR
        out = np.empty(seconds + 1, np.float64)
        paths.factor_path(out, start, drift, np.array(weights) * root, np.array(keys, np.int64))
        found[symbol] = out
    return found


def _weights_and_keys(
    symbol: str, load: FactorLoadings, factors: Mapping[str, Factor], seed: int, day: str
) -> tuple[list[float], list[int]]:
    """Return annual deviations and stream keys: the factors by name, then the stock's own."""
    weights, keys = [], []
    for name in sorted(load.loadings):
        if name not in factors:
            raise ValueError(f"{symbol} loads on factor '{name}', which is not among the factors")
        weights.append(load.loadings[name] * factors[name].volatility_annual)
        keys.append(stream_key(seed, f"fundamental-factor/{name}/{day}"))
    return [*weights, load.own_annual], [*keys, _key(seed, symbol, "own", day)]


def _drift_annual(load: FactorLoadings, factors: Mapping[str, Factor]) -> float:
    names = sorted(load.loadings)
    return math.fsum(load.loadings[name] * factors[name].drift_annual for name in names)


def bar_rows(frame: pl.DataFrame, *, start_ns: int, tick: float) -> Floats:
    """Return bars as rows of (seconds from the grid's start, open, high, low, close in ticks)."""
    seconds = (frame["time_ns"] - start_ns) // SECOND_NS
    # A price over its tick is a whole number up to noise; rounding makes closes exact.
    prices = [(frame[name] / tick).round(6) for name in ("open", "high", "low", "close")]
    return np.ascontiguousarray(pl.DataFrame([seconds, *prices]).to_numpy(), dtype=np.float64)


def from_bars(
    bars: Floats, seconds: int, *, seed: int, symbol: str, day: str, bar_seconds: int = 60
) -> Floats:
    """Return a path through real bars: each passes its open, extremes and close.

    Raises
    ------
    ValueError
        If no bar lies on the grid.
    """
    out = np.full(seconds + 1, np.nan, np.float64)
    paths.bar_path(out, bars, bar_seconds, _key(seed, symbol, "bridge", day),
                   _key(seed, symbol, "bar-order", day))  # fmt: skip
    if math.isnan(float(out[0])):
        raise ValueError(f"{symbol}: no bar lies within the {seconds} seconds of the day {day}")
    return out


def shocked(values: Floats, shocks: Sequence[Shock]) -> Floats:
    """Return a path with jumps and volatility levels laid over it; levels that overlap multiply."""
    if not shocks:
        return values
    jumps, levels = np.zeros(len(values)), np.ones(len(values))
    for shock in shocks:
        if not 0 <= shock.second < len(values):
            raise ValueError(f"a shock at second {shock.second} is outside the day")
        match shock:
            case Jump(second=second, size=size):
                jumps[second] = (1.0 + jumps[second]) * (1.0 + size) - 1.0
            case VolatilityLevel(second=second, level=level, until_second=until):
                levels[second : len(values) if until is None else until] *= level
    out = values.copy()
    paths.apply_shocks(out, jumps, levels)
    return out


def overnight(
    close_ticks: Mapping[str, float], loadings: Mapping[str, FactorLoadings],
    factors: Mapping[str, Factor], *, seed: int, day: str, share: float = 0.3,
) -> dict[str, float]:  # fmt: skip
    """Return each stock's value at the next open, after a correlated lognormal move.

    Parameters
    ----------
    share : float
        Variance of a night as a share of a trading day's.
    """
    if share < 0.0:
        raise ValueError(f"share must not be negative: {share}")
    root = math.sqrt(share / 252.0)
    opened: dict[str, float] = {}
    for symbol, value in close_ticks.items():
        load = loadings[symbol]
        weights, keys = _weights_and_keys(symbol, load, factors, seed, f"night/{day}")
        draws = (draw_normal(key, 0) for key in keys)
        move = math.fsum(weight * draw for weight, draw in zip(weights, draws, strict=True))
        drift = 0.5 * (load.total_annual(factors) * root) ** 2
        opened[symbol] = max(value * math.exp(root * move - drift), paths.SMALLEST)
    return opened


def fit_loadings(
    closes: Mapping[str, Sequence[float]], sectors: Mapping[str, str], *, days_per_year: int = 252
) -> tuple[dict[str, Factor], dict[str, FactorLoadings]]:
    """Return factors and loadings estimated from daily closes on the same days.

    The factor `market` is the mean return of all stocks, a sector's the mean of its stocks'
    residuals; loadings are least-squares slopes. A sector of one stock has no factor.

    Raises
    ------
    ValueError
        If the series differ in length or hold fewer than three returns.
    """
    returns = {symbol: _log_returns(series) for symbol, series in closes.items()}
    if len({len(series) for series in returns.values()}) != 1:
        raise ValueError("every stock needs closes on the same days")
    days = len(next(iter(returns.values())))
    if days < 3:
        raise ValueError(f"{days} returns are too few to fit loadings")
    market = [_mean([series[day] for series in returns.values()]) for day in range(days)]
    betas = {symbol: _slope(market, series) for symbol, series in returns.items()}
    residuals = {
        symbol: [r - betas[symbol] * m for r, m in zip(series, market, strict=True)]
        for symbol, series in returns.items()
    }
    year = math.sqrt(days_per_year)
    factors = {"market": Factor(volatility_annual=_deviation(market) * year)}
    means: dict[str, list[float]] = {}
    for sector in sorted({sectors[symbol] for symbol in closes}):
        peers = [residuals[symbol] for symbol in closes if sectors[symbol] == sector]
        if len(peers) > 1:
            means[sector] = [_mean([peer[day] for peer in peers]) for day in range(days)]
            factors[sector] = Factor(volatility_annual=_deviation(means[sector]) * year)
    fitted: dict[str, FactorLoadings] = {}
    for symbol, rest in residuals.items():
        loads, own = {"market": betas[symbol]}, rest
        common = means.get(sectors[symbol])
        if common is not None:
            slope = _slope(common, rest)
            loads[sectors[symbol]] = slope
            own = [r - slope * c for r, c in zip(rest, common, strict=True)]
        fitted[symbol] = FactorLoadings(loadings=loads, own_annual=_deviation(own) * year)
    return factors, fitted


# `math.fsum` is exact, so that fitted loadings, and with them orders, are the same on any machine.
def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _slope(cause: Sequence[float], effect: Sequence[float]) -> float:
    cause_mean, effect_mean = _mean(cause), _mean(effect)
    spread = math.fsum((c - cause_mean) ** 2 for c in cause)
    joint = math.fsum(
        (c - cause_mean) * (e - effect_mean) for c, e in zip(cause, effect, strict=True)
    )
    return joint / spread if spread > 0.0 else 0.0


def _log_returns(closes: Sequence[float]) -> list[float]:
    return [math.log(now / before) for before, now in itertools.pairwise(closes)]
