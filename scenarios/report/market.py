"""The market's own figures: price and phases, spread, depth, volume, returns beside a real day."""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from environment.market import layout as at
from environment.record.day import DayTape
from environment.record.market_day import MINUTE_NS, MarketDay, of_tape
from environment.record.realism import BASIS_POINTS, autocorrelation, half_hour_volume
from environment.record.tape import PHASE_COLUMN, Rows
from scenarios.realism_reference import RealDay
from scenarios.report.page import Figure, local_ms, packed, thinned
from scenarios.run.result import RunResult

Floats = NDArray[np.float64]
TRADES = 1_200  # Shown as points; above it the largest of each part of the day are kept.
PARTS = 60  # A busy opening would otherwise take all the points.
LAGS = 30
_SHADED = {
    at.PRE_OPEN: "@c8/0.10", at.OPENING_AUCTION: "@c3/0.22", at.CLOSING_AUCTION: "@c3/0.22",
    at.HALTED: "@bad/0.20", at.REOPENING_AUCTION: "@c2/0.25",
}  # fmt: skip
_TRADED = (
    at.OPENING_AUCTION, at.CONTINUOUS, at.CLOSING_AUCTION, at.HALTED, at.REOPENING_AUCTION,
)  # fmt: skip
_MARGIN_NS = 300_000_000_000
_LONGEST_PAUSE_NS = 7_200_000_000_000
_DEPTHS = (("touch", slice(0, 1)), ("levels 2 to 5", slice(1, 5)), ("levels 6 to 10", slice(5, 10)))


def phases(day: DayTape, instrument: int) -> list[tuple[int, int, int]]:
    """Return (from, to, phase) of one instrument's day, in order."""
    rows = day.rows
    chosen = rows[(rows[:, at.T_KIND] == at.K_PHASE) & (rows[:, at.T_INSTRUMENT] == instrument)]
    ends = [*chosen[1:, at.T_TIME].tolist(), day.last_ns]
    return [
        (int(row[at.T_TIME]), int(end), int(row[PHASE_COLUMN]))
        for row, end in zip(chosen, ends, strict=True)
    ]  # fmt: skip


def shades(day: DayTape, instrument: int) -> list[dict[str, object]]:
    """Return a background for each phase that is not continuous trading."""
    found: list[dict[str, object]] = []
    for start, end, phase in phases(day, instrument):
        if phase in _SHADED and end > start:
            left, right = local_ms(np.array([start, end], np.int64), day.facts.zone).tolist()
            found.append(
                {
                    "type": "rect",
                    "xref": "x",
                    "yref": "paper",
                    "x0": left,
                    "x1": right,
                    "y0": 0,
                    "y1": 1,
                    "line": {"width": 0},
                    "layer": "below",
                    "fillcolor": _SHADED[phase],
                }
            )
    return found


def session_axis(day: DayTape) -> dict[str, object]:
    """Return a time axis over the sessions, with a little before and after; nights are left out."""
    facts = day.facts
    if not facts.close_ns:
        return {"type": "date"}
    edges = np.array([facts.open_ns - _MARGIN_NS, facts.close_ns + _MARGIN_NS], np.int64)
    axis: dict[str, object] = {"type": "date", "range": local_ms(edges, facts.zone).tolist()}
    breaks = [{"bounds": _texts(night, facts.zone)} for night in nights(day)]
    return axis | {"rangebreaks": breaks} if breaks else axis


def nights(day: DayTape) -> list[tuple[int, int]]:
    """Return from when to when nothing trades between two days, in ns, margins left out."""
    spans = [(start, end) for start, end, phase in phases(day, 0) if phase in _TRADED]
    return [
        (before[1] + _MARGIN_NS, after[0] - _MARGIN_NS)
        for before, after in pairwise(spans) if after[0] - before[1] > _LONGEST_PAUSE_NS
    ]  # fmt: skip


def _texts(moments: tuple[int, int], zone: str) -> list[str]:
    """Return times as a date axis writes them."""
    local = local_ms(np.array(moments, np.int64), zone)
    return [str(moment).replace("T", " ") for moment in local.astype("datetime64[ms]")]


def price_figure(result: RunResult) -> Figure:
    """Return mid, fundamental, bands, trades and auctions of the main instrument."""
    day, code = result.day, result.main_instrument
    zone = day.facts.zone
    time, mid = thinned(*day.touches.mid_ticks(code))
    data: list[dict[str, object]] = [
        *_trades(day, code),  # First, so that the lines lie above them.
        {
            "type": "scatter", "mode": "lines", "name": "mid", "x": packed(local_ms(time, zone)),
            "y": packed(day.price(mid, code), "f8"), "line": {"width": 1.4, "color": "@c1"},
        },
        *_fundamental(result, code),
        *_bands(day, code),
        *_auctions(day, code),
    ]  # fmt: skip
    layout = {
        "xaxis": session_axis(day),
        "yaxis": {"title": {"text": "price"}},
        "shapes": shades(day, code),
        "hovermode": "closest",
    }
    return {"data": data, "layout": layout}


def _fundamental(result: RunResult, code: int) -> list[dict[str, object]]:
    frame, facts = result.fundamental, result.day.facts
    if frame is None:
        return []
    own = frame.filter(frame["instrument"].cast(str) == facts.symbols[code])
    stamps = own["time"].cast(int).to_numpy()
    time, value = thinned(stamps, own["value"].to_numpy().astype(np.float64))
    return [
        {
            "type": "scatter", "mode": "lines", "name": "fundamental",
            "x": packed(local_ms(time, facts.zone)), "y": packed(value),
            "line": {"width": 1.2, "dash": "dot", "color": "@c2"},
        }
    ]  # fmt: skip


def _bands(day: DayTape, code: int) -> list[dict[str, object]]:
    rows = _rows(day, at.K_BANDS, code)
    if not len(rows):
        return []
    end = np.append(rows[1:, at.T_TIME], day.facts.close_ns or rows[-1, at.T_TIME])
    x = local_ms(np.stack((rows[:, at.T_TIME], end), axis=1).ravel(), day.facts.zone)
    lower, width = rows[:, at.T_LEAVES], rows[:, at.T_QUANTITY]
    return [
        {
            "type": "scatter", "mode": "lines", "name": name, "x": packed(x), "hoverinfo": "skip",
            "y": packed(np.repeat(day.price(level, code), 2)), "visible": "legendonly",
            "line": {"width": 1, "color": "@c8", "shape": "hv"},
        }
        for name, level in (("upper band", lower + width), ("lower band", lower))
    ]  # fmt: skip


def largest_of_parts(
    times: NDArray[np.int64], lots: NDArray[np.int64], shown: int
) -> NDArray[np.intp]:
    """Return the positions, in order, of the largest trades in each of `PARTS` equal times.

    `times` in nanoseconds, ascending; at most `shown` positions, as many from each part.
    """
    span_ns = int(times[-1] - times[0]) + 1
    part = (times - times[0]) // -(-span_ns // PARTS)
    order = np.lexsort((-lots, part))
    rank = np.arange(len(order)) - np.searchsorted(part[order], part[order])
    return np.sort(order[rank < shown // PARTS])


def _trades(day: DayTape, code: int) -> list[dict[str, object]]:
    trades = day.trades
    shown: list[dict[str, object]] = []
    for who, sign, colour in (("buyer came", 1, "@c5"), ("seller came", -1, "@c4")):
        name = who
        chosen = np.flatnonzero((trades.instrument == code) & (trades.aggressor == sign))
        if len(chosen) > TRADES // 2:
            chosen = chosen[largest_of_parts(trades.time[chosen], trades.lots[chosen], TRADES // 2)]
            name = f"{who} (the largest of each {PARTS}th of the day)"
        size = 2.5 + 8.0 * np.sqrt(trades.lots[chosen] / max(trades.lots.max(initial=1), 1))
        shown.append(
            {
                "type": "scatter", "mode": "markers", "name": name,
                "x": packed(local_ms(trades.time[chosen], day.facts.zone)),
                "y": packed(day.price(trades.price_ticks[chosen], code)),
                "marker": {"size": packed(size, "f4"), "color": colour, "opacity": 0.4,
                           "line": {"width": 0}},
            }
        )  # fmt: skip
    return shown


def _auctions(day: DayTape, code: int) -> list[dict[str, object]]:
    rows = _rows(day, at.K_AUCTION, code)
    rows = rows[rows[:, at.T_QUANTITY] > 0]
    if not len(rows):
        return []
    found: list[dict[str, object]] = [
        {
            "type": "scatter", "mode": "markers", "name": "auction",
            "x": packed(local_ms(rows[:, at.T_TIME], day.facts.zone)),
            "y": packed(day.price(rows[:, at.T_PRICE], code)),
            "text": [f"{lots:,} lots crossed" for lots in rows[:, at.T_QUANTITY].tolist()],
            "marker": {"symbol": "diamond", "size": 12, "color": "@c3",
                       "line": {"width": 1.5, "color": "@card"}},
        }
    ]  # fmt: skip
    return found


def spread_figure(result: RunResult) -> Figure:
    """Return the spread by minute: time-weighted mean, in basis points of the mid."""
    day, code = result.day, result.main_instrument
    market = of_tape(day, code)
    minutes, mean = spread_by_minute(market)
    line = {
        "type": "scatter", "mode": "lines", "name": "spread",
        "line": {"color": "@c1", "width": 1.4},
        "x": packed(local_ms(minutes, day.facts.zone)), "y": packed(mean, "f4"),
    }  # fmt: skip
    layout = {
        "xaxis": session_axis(day), "yaxis": {"title": {"text": "bps"}, "rangemode": "tozero"},
        "shapes": shades(day, code), "showlegend": False,
    }  # fmt: skip
    return {"data": [line], "layout": layout}


def spread_by_minute(market: MarketDay) -> tuple[Rows, Floats]:
    """Return each minute's start and time-weighted mean spread in basis points."""
    edges = np.arange(market.open_ns, market.close_ns + 1, MINUTE_NS)
    if len(edges) < 2 or not len(market.quote_ns):
        return np.empty(0, np.int64), np.empty(0)
    width = (market.ask - market.bid) / (market.ask + market.bid) * 2 * BASIS_POINTS
    grid = np.union1d(edges, market.quote_ns[market.quote_ns < edges[-1]])
    place = np.searchsorted(market.quote_ns, grid, side="right") - 1
    value = np.where(place >= 0, width[np.maximum(place, 0)], np.nan)[:-1]
    length, minute = np.diff(grid), (grid[:-1] - market.open_ns) // MINUTE_NS
    known = np.isfinite(value) & (minute >= 0)
    total = np.bincount(minute[known], (value * length)[known], len(edges) - 1)
    time = np.bincount(minute[known], length[known], len(edges) - 1)
    return edges[:-1], np.where(time > 0, total / np.maximum(time, 1), np.nan)


def depth_figure(result: RunResult) -> Figure:
    """Return the shown quantity by minute: bids below zero, asks above, nearer levels darker."""
    day, code = result.day, result.main_instrument
    depth, time = day.touches.depth[:, code], day.touches.depth_ns
    step = max(len(time) // 390, 1)
    depth, x = depth[::step], packed(local_ms(time[::step], day.facts.zone))
    data = []
    for side, column, sign, colour in (("bid", 1, -1, "c5"), ("ask", 3, 1, "c4")):
        for rank, (name, levels) in enumerate(_DEPTHS):
            lots = sign * depth[:, levels, column].sum(axis=1)
            data.append(
                {
                    "type": "scatter", "mode": "none", "name": f"{side}: {name}", "x": x,
                    "y": packed(lots, "i4"), "stackgroup": side,
                    "fillcolor": f"@{colour}/{0.75 - 0.25 * rank}",
                }
            )  # fmt: skip
    layout = {"xaxis": session_axis(day), "yaxis": {"title": {"text": "lots"}},
              "shapes": shades(day, code)}  # fmt: skip
    return {"data": data, "layout": layout}


def volume_figure(result: RunResult, real: RealDay) -> Figure:
    """Return the volume by minute, and by half hour as a share of the day beside the real day."""
    day = result.day
    market = of_tape(day, result.main_instrument)
    minutes = market.open_ns + MINUTE_NS * np.arange(len(market.minute_lots))
    share = half_hour_volume(market) * 100
    middle = market.open_ns + 30 * MINUTE_NS * np.arange(len(share)) + 15 * MINUTE_NS
    x = packed(local_ms(middle, day.facts.zone))
    data = [
        {"type": "bar", "name": "lots by minute", "x": packed(local_ms(minutes, day.facts.zone)),
         "y": packed(market.minute_lots, "f4"), "marker": {"color": "@c1", "opacity": 0.5}},
        {"type": "scatter", "mode": "lines+markers", "name": "share by half hour, %", "x": x,
         "y": packed(share, "f4"), "yaxis": "y2", "line": {"color": "@c1"}},
        {"type": "scatter", "mode": "lines+markers", "name": real.name, "x": x, "yaxis": "y2",
         "y": packed(np.array(real.half_hour_volume) * 100, "f4"),
         "line": {"color": "@c2", "dash": "dot"}},
    ]  # fmt: skip
    layout = {
        "xaxis": session_axis(day), "yaxis": {"title": {"text": "lots"}}, "bargap": 0.05,
        "yaxis2": {"overlaying": "y", "side": "right", "rangemode": "tozero", "showgrid": False,
                   "tickmode": "auto", "ticksuffix": " %"},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def returns_figure(result: RunResult, real: RealDay) -> Figure:
    """Return the distribution of 1-minute returns beside the real day's."""
    simulated = of_tape(result.day, result.main_instrument).returns(1) * BASIS_POINTS
    actual = np.array(real.minute_returns_bps)
    reach = float(np.quantile(np.abs(np.r_[simulated, actual]), 0.995)) or 1.0
    bins = {"start": -reach, "end": reach, "size": reach / 20}
    data = [
        {"type": "histogram", "histnorm": "percent", "name": name, "x": packed(values, "f4"),
         "xbins": bins, "autobinx": False, "opacity": 0.6, "marker": {"color": colour}}
        for name, values, colour in (("simulated", simulated, "@c1"), (real.name, actual, "@c2"))
    ]  # fmt: skip
    layout = {
        "barmode": "overlay", "xaxis": {"title": {"text": "1-minute return, bps"}},
        "yaxis": {"ticksuffix": " %"},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def autocorrelation_figure(result: RunResult, real: RealDay, *, absolute: bool) -> Figure:
    """Return the autocorrelations of (absolute) 1-minute returns beside the real day's."""
    simulated = of_tape(result.day, result.main_instrument).returns(1)
    actual = np.array(real.minute_returns_bps)
    lags = np.arange(1, LAGS + 1)
    if absolute:
        simulated, actual = np.abs(simulated), np.abs(actual)
    noise = 1.96 / math.sqrt(max(len(simulated), 1))
    data = [
        {"type": "bar", "name": "simulated", "x": packed(lags, "i4"),
         "y": packed(autocorrelation(simulated, LAGS), "f4"), "marker": {"color": "@c1"}},
        {"type": "scatter", "mode": "markers", "name": real.name, "x": packed(lags, "i4"),
         "y": packed(autocorrelation(actual, LAGS), "f4"), "marker": {"color": "@c2", "size": 7}},
    ]  # fmt: skip
    shape = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": -noise, "y1": noise,
             "line": {"width": 0}, "fillcolor": "@c8/0.18", "layer": "below"}  # fmt: skip
    layout = {"xaxis": {"title": {"text": "lag, minutes"}}, "shapes": [shape]}
    return {"data": data, "layout": layout}


def index_figure(result: RunResult) -> Figure:
    """Return all stocks of the run, each indexed to 100 at its first quote."""
    day = result.day
    data: list[dict[str, object]] = []
    for code, one in enumerate(day.facts.instruments):
        if one.kind == "stock":
            time, mid = day.touches.mid_ticks(code)
            known = np.isfinite(mid)
            if known.any():
                x, y = thinned(time[known], mid[known] / mid[known][0] * 100, 600)
                data.append(
                    {"type": "scatter", "mode": "lines", "name": one.symbol, "y": packed(y, "f4"),
                     "x": packed(local_ms(x, day.facts.zone)), "line": {"width": 1.2,
                     "color": f"@c{len(data) % 8 + 1}"}}
                )  # fmt: skip
    return {"data": data, "layout": {"xaxis": session_axis(day)}}


def _rows(day: DayTape, kind: int, code: int) -> Rows:
    chosen = (day.rows[:, at.T_KIND] == kind) & (day.rows[:, at.T_INSTRUMENT] == code)
    found: Rows = day.rows[chosen]
    return found
