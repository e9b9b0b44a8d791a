"""Is it a market? Eleven statistics of one stock's day, and a pass mark for each against bands.

Each statistic is one function from a `MarketDay` to a few named figures; a figure that the data
cannot give is NaN. The bands come from real days (`scenarios/realism.toml`, with its sources).
"""

import math
from collections.abc import Callable, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from environment.record.market_day import MINUTE_NS, Floats, MarketDay

BASIS_POINTS = 1e4
Figures = dict[str, float]
_HALF_HOURS = 13
_HALF_HOUR_NS = 30 * MINUTE_NS
_RECOVERY_SECONDS = np.geomspace(0.001, 600.0, 150)
_MIDDAY = slice(4, 9)  # 11:30 to 14:00, in half hours from 09:30.
_IMPACT_BINS = 10
_IMPACT_WINDOW_NS = 10_000_000_000
_FEWEST = 30  # Events below which a mean says nothing.


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """The range that counts as realistic for one figure, and where it comes from."""

    low: float
    high: float
    sources: dict[str, float] = {}
    width: str = ""  # How the range was made from the sources.


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of one statistic against its band."""

    statistic: str
    figure: str
    value: float
    low: float
    high: float

    @property
    def passes(self) -> bool:
        """Say whether the figure is known and inside its band."""
        return self.low <= self.value <= self.high  # NaN is never inside.


def statistics(day: MarketDay) -> dict[str, Figures]:
    """Return all eleven statistics of one day."""
    return {name: measure(day) for name, measure in STATISTICS.items()}


def marks(
    found: Mapping[str, Figures], bands: Mapping[str, Mapping[str, Band]]
) -> dict[str, tuple[Mark, ...]]:
    """Return, by statistic, one mark per figure that has a band."""
    return {
        name: tuple(
            Mark(
                statistic=name, figure=figure, low=band.low, high=band.high,
                value=found.get(name, {}).get(figure, math.nan),
            )
            for figure, band in bands.get(name, {}).items()
        )
        for name in STATISTICS
    }  # fmt: skip


def passes(given: tuple[Mark, ...]) -> bool:
    """Say whether a statistic passes: it has marks, and each of its figures is in its band."""
    return bool(given) and all(mark.passes for mark in given)


def spread(day: MarketDay) -> Figures:
    """Return the median quoted spread and its 90th percentile over the median, time-weighted."""
    mid = (day.bid + day.ask) / 2.0
    width = (day.ask - day.bid) / mid * BASIS_POINTS
    weight = np.diff(day.quote_ns, append=max(day.close_ns, _last(day.quote_ns)))
    known = np.isfinite(width) & (weight > 0)
    median, high = _weighted_quantiles(width[known], weight[known].astype(float), (0.5, 0.9))
    return {"median_bps": median, "p90_over_median": _ratio(high, median)}


def depth(day: MarketDay) -> Figures:
    """Return how much deeper levels hold than the touch, as ratios of mean quantities."""
    levels = day.level_lots
    if len(levels) < 10:
        return {"levels_2_to_5_over_1": math.nan, "levels_6_to_10_over_1": math.nan}
    return {
        "levels_2_to_5_over_1": _ratio(float(levels[1:5].mean()), float(levels[0])),
        "levels_6_to_10_over_1": _ratio(float(levels[5:10].mean()), float(levels[0])),
    }


def volatility(day: MarketDay) -> Figures:
    """Return the deviation of 1-minute returns, and the day's from 10-minute returns, in bps."""
    minute, ten = day.returns(1), day.returns(10)
    return {
        "minute_bps": float(minute.std() * BASIS_POINTS) if len(minute) else math.nan,
        "day_bps": float(np.sqrt((ten**2).sum()) * BASIS_POINTS) if len(ten) else math.nan,
    }


def kurtosis(day: MarketDay) -> Figures:
    """Return the excess kurtosis of 1-minute and of (overlapping) 10-minute returns."""
    return {
        "excess_1min": _excess_kurtosis(day.returns(1)),
        "excess_10min": _excess_kurtosis(day.overlapping_returns(10)),
    }


def return_autocorrelation(day: MarketDay) -> Figures:
    """Return the mean absolute autocorrelation of 1-minute returns at lags 2 to 10."""
    found = autocorrelation(day.returns(1), 10)
    return {"mean_abs_lags_2_10": float(np.abs(found[1:]).mean())}


def absolute_autocorrelation(day: MarketDay) -> Figures:
    """Return the mean autocorrelation of absolute 1-minute returns, to 10 and to 30 minutes."""
    found = autocorrelation(np.abs(day.returns(1)), 30)
    return {"mean_lags_1_10": float(found[:10].mean()), "mean_lags_11_30": float(found[10:].mean())}


def volume_u_shape(day: MarketDay) -> Figures:
    """Return the first and the last half hour's volume over that of a midday half hour."""
    share = half_hour_volume(day)
    midday = float(share[_MIDDAY].mean())
    return {
        "open_over_midday": _ratio(float(share[0]), midday),
        "close_over_midday": _ratio(float(share[-1]), midday),
    }


def trade_sign_memory(day: MarketDay) -> Figures:
    """Return the mean autocorrelation of trade signs, near and far: lags 1 to 10 and 11 to 50.

    One aggressive order counts once, however many orders it met. Signs without long memory have
    nothing left beyond the first lags.
    """
    found = autocorrelation(day.market_orders.sign.astype(float), 50)
    return {
        "mean_lags_1_10": float(found[:10].mean()),
        "mean_lags_11_50": float(found[10:].mean()),
    }


def cancel_to_order(day: MarketDay) -> Figures:
    """Return deletions per order that rested."""
    return {"cancels_per_order": _ratio(day.cancels, day.orders_rested)}


def impact(day: MarketDay) -> Figures:
    """Return the exponent of the mid's move against net flow over 10 seconds; concave is below 1.

    Single orders are fitted to the quantity they find, which flattens their impact; net flow over a
    short window is not. Windows are grouped by absolute flow in ten equally filled bins, and the
    exponent is the slope between the logarithms of the bins' mean flow and mean signed move.
    """
    orders = day.market_orders
    grid = np.arange(day.open_ns, day.close_ns + 1, _IMPACT_WINDOW_NS)
    moves = np.diff(np.log(day.mid_at(grid)))
    place = np.searchsorted(grid, orders.time, side="right") - 1
    inside = (place >= 0) & (place < len(moves))
    flow = np.bincount(place[inside], (orders.sign * orders.lots)[inside], len(moves))
    known = (flow != 0) & np.isfinite(moves)
    if known.sum() < _IMPACT_BINS * _FEWEST:
        return {"exponent": math.nan}
    size, move = np.abs(flow[known]), np.sign(flow[known]) * moves[known]
    edges = np.unique(np.quantile(size, np.linspace(0, 1, _IMPACT_BINS + 1)))
    bins = np.clip(np.searchsorted(edges, size, side="right") - 1, 0, max(len(edges) - 2, 0))
    mean_size, mean_move = _group_means(size, bins), _group_means(move, bins)
    usable = (mean_move > 0) & (mean_size > 0)
    if usable.sum() < _IMPACT_BINS // 2:
        return {"exponent": math.nan}
    return {"exponent": _slope(np.log(mean_size[usable]), np.log(mean_move[usable]))}


def resilience(day: MarketDay) -> Figures:
    """Return the seconds after which half of a widened spread has closed again, on average.

    Counted are market orders that left a spread wider than before and than the median of its half
    hour; the excess is measured against that median.
    """
    orders = day.market_orders
    before = day.spread_at(orders.time, before=True)
    after = day.spread_at(orders.time, before=False)
    usual = _usual_spread(day, orders.time)
    chosen = (after > before) & (after > usual)
    if chosen.sum() < _FEWEST:
        return {"half_life_seconds": math.nan}
    time, usual = orders.time[chosen], usual[chosen]
    initial = float((after[chosen] - usual).mean())
    for seconds in _RECOVERY_SECONDS:
        later = day.spread_at(time + int(seconds * 1e9), before=False)
        if np.nanmean(later - usual) <= initial / 2.0:
            return {"half_life_seconds": float(seconds)}
    return {"half_life_seconds": math.inf}


def _usual_spread(day: MarketDay, time: NDArray[np.int64]) -> Floats:
    """Return the time-weighted median spread of the half hour that each time falls in."""
    width = day.ask - day.bid
    weight = np.diff(day.quote_ns, append=max(day.close_ns, _last(day.quote_ns))).astype(float)
    of_quote = np.clip((day.quote_ns - day.open_ns) // _HALF_HOUR_NS, 0, _HALF_HOURS - 1)
    medians = np.full(_HALF_HOURS, np.nan)
    for part in range(_HALF_HOURS):
        chosen = (of_quote == part) & np.isfinite(width) & (weight > 0)
        medians[part] = _weighted_quantiles(width[chosen], weight[chosen], (0.5,))[0]
    place = np.clip((time - day.open_ns) // _HALF_HOUR_NS, 0, _HALF_HOURS - 1)
    return medians[place]


STATISTICS: dict[str, Callable[[MarketDay], Figures]] = {
    "spread": spread,
    "depth": depth,
    "volatility": volatility,
    "kurtosis": kurtosis,
    "return_autocorrelation": return_autocorrelation,
    "absolute_autocorrelation": absolute_autocorrelation,
    "volume_u_shape": volume_u_shape,
    "trade_sign_memory": trade_sign_memory,
    "cancel_to_order": cancel_to_order,
    "impact": impact,
    "resilience": resilience,
}


def half_hour_volume(day: MarketDay) -> Floats:
    """Return the share of the day's volume in each of its thirteen half hours."""
    minutes = np.zeros(30 * _HALF_HOURS)
    count = min(len(minutes), len(day.minute_lots))
    minutes[:count] = day.minute_lots[:count]
    total = minutes.sum()
    share: Floats = minutes.reshape(_HALF_HOURS, 30).sum(axis=1) / (total or math.nan)
    return share


def autocorrelation(series: Floats, lags: int) -> Floats:
    """Return the sample autocorrelations at lags 1 to `lags`; NaN where the series is too short."""
    found = np.full(lags, math.nan)
    centred = series - series.mean() if len(series) else series
    variance = float(centred @ centred)
    if variance <= 0.0:
        return found
    for lag in range(1, min(lags, len(series) - 1) + 1):
        found[lag - 1] = float(centred[lag:] @ centred[:-lag]) / variance
    return found


def _excess_kurtosis(returns: Floats) -> float:
    if len(returns) < _FEWEST or returns.std() == 0.0:
        return math.nan
    scaled = (returns - returns.mean()) / returns.std()
    return float((scaled**4).mean() - 3.0)


def _weighted_quantiles(
    values: Floats, weights: Floats, quantiles: tuple[float, ...]
) -> list[float]:
    if not len(values):
        return [math.nan] * len(quantiles)
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weights[order]) / weights.sum()
    places = np.minimum(np.searchsorted(cumulated, quantiles), len(values) - 1)
    return [float(value) for value in values[order][places]]


def _group_means(values: Floats, groups: NDArray[np.int64]) -> Floats:
    counts = np.bincount(groups)
    means: Floats = np.bincount(groups, values) / np.maximum(counts, 1)
    return means


def _slope(x: Floats, y: Floats) -> float:
    centred = x - x.mean()
    return float(centred @ (y - y.mean()) / (centred @ centred))


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else math.nan


def _last(times: NDArray[np.int64]) -> int:
    return int(times[-1]) if len(times) else 0


__all__ = [
    "MINUTE_NS", "STATISTICS", "Band", "Figures", "Mark", "MarketDay", "absolute_autocorrelation",
    "autocorrelation", "cancel_to_order", "depth", "half_hour_volume", "impact", "kurtosis",
    "marks", "passes", "resilience", "return_autocorrelation", "spread", "statistics",
    "trade_sign_memory", "volatility", "volume_u_shape",
]  # fmt: skip
