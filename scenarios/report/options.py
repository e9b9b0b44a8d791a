"""The options market of a run: its surface, spreads beside the real chain, dealers, arbitrage."""

from itertools import pairwise
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scenarios.report.market import session_axis
from scenarios.report.page import Figure, card, figure, local_ms, number, packed, table, tiles
from scenarios.run.option_results import ARBITRAGE, CHAIN, DEALERS, DELTA_BUCKETS
from scenarios.run.real_minutes import REAL_MINUTES
from scenarios.run.result import RunResult

_COLOURS: Final = ("@c1", "@c2", "@c3", "@c4", "@c5", "@c6", "@c7", "@c8")
_EXPIRIES_SHOWN: Final = 7
_SURFACE_NOTE = (
    "Volatilities are those at which Black and Scholes give the middle of the quotes. Real quotes "
    "are the chain's at its open and its close: the simulated day began from the former."
)
_DEALER_NOTE = (
    "What the dealers together hold, as they know it. Delta is of their options alone; shares held "
    "are its hedge. Where gamma is negative they buy into a rise and sell into a fall."
)
_ARBITRAGE_NOTE = (
    "Each second every series is held against its neighbours: prices that lock in more than two "
    "cents a share after fees at displayed quotes. Halts and limit states are left out."
)


def option_cards(result: RunResult) -> list[str]:
    """Return the cards of an options market; nothing for a run without one."""
    counts = result.summary.get("options")
    if counts is None or not (result.folder / CHAIN).is_file():
        return []
    chain = pl.read_parquet(result.folder / CHAIN)
    dealers = pl.read_parquet(result.folder / DEALERS)
    found = pl.read_parquet(result.folder / ARBITRAGE)
    surface = (
        figure("option-level", "Volatility at the money, by expiry", _level(result, chain)),
        *_real_minutes(result),
        figure("option-smile", "Smile of one expiry: simulated and real", _smile(result, chain)),
        _spread_table(chain),
    )
    held = (
        figure("dealer-greeks", "Dealers' gamma and vega", _greeks(result, dealers)),
        figure("dealer-hedge", "Delta, hedge and the stock", _hedges(result, dealers)),
    )
    return [
        card("Options", tiles(_items(counts)), *surface, note=_SURFACE_NOTE),
        card("Dealers", tiles(_flow(counts["hedging"])), *held, _days(counts), note=_DEALER_NOTE),
        card("Arbitrage", _arbitrage_table(counts, found), note=_ARBITRAGE_NOTE),
    ]


def _items(counts: dict[str, Any]) -> list[tuple[str, str, str]]:
    days, later = counts["days"], counts.get("listed_later", 0)
    of_days = [day["obligations_met"] for day in days]
    # Of each dealer its worst day: a good average is no excuse.
    met = [min(of_dealer) for of_dealer in zip(*of_days, strict=True)]
    added = f", {number(later)} of them listed on the way" if later else ""
    return [
        ("series", number(counts["series"]), f"of {counts['expiries']} expiries{added}"),
        ("quote updates", number(counts["quote_updates"]),
         f"in {number(counts['mass_quotes'])} mass quotes"),
        ("two-sided", f"{number(100 * counts['two_sided_share'], 1)} %", "of series-minutes"),
        ("option trades", number(counts["trades"]), f"{number(counts['contracts'])} contracts"),
        ("obligations met", " · ".join(f"{100 * m:.0f}" for m in met),
         "% of series, by dealer" + (", on its worst day" if len(days) > 1 else "")),
        ("protection", number(counts["protection_trips"]), "times a dealer was pulled"),
    ]  # fmt: skip


def _flow(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return what the dealers' hedges had to do with the price, minute by minute."""
    correlation, slope = told["correlation"], told["per_100_000_shares"]
    return [
        ("hedges and price", "none" if correlation is None else f"{correlation:.2f}",
         "correlation of shares bought and price change in a minute"),
        ("100,000 shares hedged", "none" if slope is None else f"{slope:+.2f}",
         "go with so much of a change"),
        ("hedges", number(told["turned_over"]), f"shares, {number(told['bought'])} bought net"),
    ]  # fmt: skip


def _days(counts: dict[str, Any]) -> str:
    """Return how dealers kept their duty and hedged, day by day; nothing of a single day."""
    days = counts["days"]
    if len(days) < 2:
        return ""
    rows = [
        [day["session"], " · ".join(f"{100 * met:.0f}" for met in day["obligations_met"]),
         number(day["hedging"]["bought"]), day["hedging"]["correlation"], day["violations"],
         f"{day['life_p99_seconds']:.0f} s"]
        for day in days
    ]  # fmt: skip
    headings = ("day", "% of series with duty done, by dealer", "shares bought in hedges",
                "with the price", "arbitrage", "99 % ended within")  # fmt: skip
    return table(headings, rows, caption="Day by day")


def _minutes(rows: pl.DataFrame) -> NDArray[np.int64]:
    return rows["time"].cast(pl.Int64).to_numpy()


def _line(result: RunResult, rows: pl.DataFrame, name: str, column: str, colour: str,
          **more: object) -> dict[str, object]:  # fmt: skip
    x = packed(local_ms(_minutes(rows), result.day.facts.zone))
    return {
        "type": "scatter", "mode": "lines", "name": name, "x": x,
        "y": packed(rows[column].to_numpy(), "f4"), "line": {"width": 1.5, "color": colour},
    } | more  # fmt: skip


def _level(result: RunResult, chain: pl.DataFrame) -> Figure:
    """Return the volatility nearest the money through the day, a line for each of some expiries."""
    # In its last half hour an option is all intrinsic value and ticks: that is no volatility.
    of_day = pl.col("time").dt.date()
    is_ending = (pl.col("expiry") == of_day) & (
        pl.col("time") > pl.col("time").max().over(of_day) - pl.duration(minutes=30)
    )
    near = (
        chain.filter(pl.col("sigma").is_finite() & pl.col("is_two_sided") & ~is_ending)
        .with_columns((pl.col("strike") / pl.col("spot")).log().abs().alias("distance"))
        .sort("distance").group_by("time", "expiry").head(4)
        .group_by("time", "expiry").agg((pl.col("sigma").mean() * 100).alias("sigma"))
        .sort("expiry", "time")
    )  # fmt: skip
    expiries = near["expiry"].unique().sort().to_list()
    chosen = expiries[:: max(len(expiries) // _EXPIRIES_SHOWN, 1)][:_EXPIRIES_SHOWN]
    data = [
        _line(result, near.filter(pl.col("expiry") == expiry), f"{expiry:%d %b %Y}", "sigma",
              _COLOURS[k % len(_COLOURS)])
        for k, expiry in enumerate(chosen)
    ]  # fmt: skip
    return {
        "data": data,
        "layout": {"xaxis": session_axis(result.day), "yaxis": {"ticksuffix": " %"}},
    }


def _real_minutes(result: RunResult) -> list[str]:
    """Return how far simulated volatilities lay from a real day's, where its minutes are known."""
    if not (result.folder / REAL_MINUTES).is_file():
        return []
    gaps = pl.read_parquet(result.folder / REAL_MINUTES).filter(pl.col("compared") > 0)
    points = gaps.with_columns(pl.col("gap") * 100, pl.col("distance") * 100)
    data = [
        _line(result, points, "simulated less real, median", "gap", "@c1"),
        _line(result, points, "distance, median", "distance", "@c2"),
    ]
    layout = {"xaxis": session_axis(result.day), "yaxis": {"ticksuffix": " points"}}
    title = "Volatility near the money beside the real day's, minute by minute"
    drawn = figure("option-minutes", title, {"data": data, "layout": layout})
    return [drawn, f'<p class="note">{_dropped(gaps)}</p>']


def _dropped(gaps: pl.DataFrame) -> str:
    """Return in words which of the real quotes were left out."""
    found = {
        name.removeprefix("dropped_").replace("_", " "): int(gaps[name].sum())
        for name in gaps.columns if name.startswith("dropped_")
    }  # fmt: skip
    told = ", ".join(f"{number(count)} {reason}" for reason, count in found.items() if count)
    return f"Real quotes left out, over all minutes: {told or 'none'}."


def _smile(result: RunResult, chain: pl.DataFrame) -> Figure:
    """Return one expiry's mid prices out of the money at the open and the close, and the real.

    They need no model, so that the real chain can stand beside: at the close only if the stock went
    the real day's way.
    """
    stocks = result.summary.get("configuration", {}).get("scenario", {}).get("instruments", [])
    is_real_day = any(told.get("price", {}).get("kind") == "bars" for told in stocks)
    expiries = chain["expiry"].unique().sort().to_list()
    expiry = expiries[min(len(expiries) // 3, len(expiries) - 1)]
    mine = chain.filter((pl.col("expiry") == expiry) & pl.col("is_two_sided"))
    times = mine["time"].unique().sort()
    data: list[dict[str, object]] = []
    moments = []  # None in a run so short that nothing was quoted at a full minute.
    if len(times):
        moments = [("open", times[min(5, len(times) - 1)], "@c1"), ("close", times[-1], "@c2")]
    for name, moment, colour in moments:
        rows = mine.filter(pl.col("time") == moment).sort("strike")
        spot = float(rows["spot"][0])
        middle = (rows["bid"] + rows["ask"]).to_numpy() / 2
        real = (rows[f"real_bid_{name}"] + rows[f"real_ask_{name}"]).to_numpy() / 2
        lines = [("simulated", middle, "solid")]
        if name == "open" or is_real_day:
            lines.append(("real", real, "dot"))
        for label, price, dash in lines:
            data.append(
                {
                    "type": "scatter", "mode": "lines", "name": f"{label}, {name}",
                    **_out_of_the_money(rows, price, spot),
                    "line": {"width": 1.5, "color": colour, "dash": dash},
                }
            )  # fmt: skip
    return {
        "data": data,
        "layout": {
            "xaxis": {"title": {"text": f"strike, expiry {expiry:%d %b %Y}"}},
            "yaxis": {"title": {"text": "price out of the money"}},
        },
    }


def _out_of_the_money(
    rows: pl.DataFrame, price: NDArray[np.float64], spot: float
) -> dict[str, object]:
    """Return strikes and prices of puts below the stock and calls above it."""
    strike, is_call = rows["strike"].to_numpy(), (rows["right"] == "call").to_numpy()
    chosen = np.where(strike < spot, ~is_call, is_call) & np.isfinite(price)
    return {"x": packed(strike[chosen], "f4"), "y": packed(price[chosen], "f4")}


def _spread_table(chain: pl.DataFrame) -> str:
    """Return median spreads by delta, simulated and real."""
    edges, rows = DELTA_BUCKETS, []
    for low, high in pairwise(edges):
        part = chain.filter(pl.col("delta").abs().is_between(low, high, closed="left"))
        two_sided = part.filter(pl.col("is_two_sided"))
        simulated = (two_sided["ask"] - two_sided["bid"]).median()
        first = part.unique("series")
        real = [(first[f"real_ask_{m}"] - first[f"real_bid_{m}"]).median() for m in
                ("open", "close")]  # fmt: skip
        rows.append(
            [f"{low:.2f} to {high:.2f}", first.height, _money(simulated), *map(_money, real)]
        )
    headings = ("delta", "series", "simulated", "real, at the open", "real, at the close")
    return table(headings, rows, caption="Median quoted spread")


def _money(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else "none"


def _together(dealers: pl.DataFrame) -> pl.DataFrame:
    sums = [pl.col(name).sum() for name in ("delta", "gamma", "vega", "shares")]
    return dealers.group_by("time").agg(*sums, pl.col("spot").first()).sort("time")


def _greeks(result: RunResult, dealers: pl.DataFrame) -> Figure:
    rows = _together(dealers)
    data = [
        _line(result, rows, "gamma, shares per 1.00", "gamma", "@c1"),
        _line(result, rows, "vega, per point", "vega", "@c2", yaxis="y2"),
    ]
    layout = {
        "xaxis": session_axis(result.day),
        "yaxis2": {"overlaying": "y", "side": "right", "showgrid": False},
    }
    return {"data": data, "layout": layout}


def _hedges(result: RunResult, dealers: pl.DataFrame) -> Figure:
    rows = _together(dealers)
    data = [
        _line(result, rows, "delta of options", "delta", "@c1"),
        _line(result, rows, "shares held", "shares", "@c2"),
        _line(result, rows, "stock", "spot", "@c4", yaxis="y2"),
    ]
    layout = {
        "xaxis": session_axis(result.day), "yaxis": {"title": {"text": "shares"}},
        "yaxis2": {"overlaying": "y", "side": "right", "showgrid": False},
    }  # fmt: skip
    return {"data": data, "layout": layout}


def _arbitrage_table(counts: dict[str, Any], found: pl.DataFrame) -> str:
    """Return how many violations of each kind there were, how long they lived, what they paid."""
    lives = found.group_by("cause").agg(
        pl.len().alias("found"),
        pl.col("lasted_seconds").median().alias("median"),
        pl.col("lasted_seconds").quantile(0.99).alias("late"),
        pl.col("gain_per_share").max().alias("gain"),
    )
    rows = [
        [row["cause"], row["found"], f"{row['median']:.0f} s", f"{row['late']:.0f} s",
         f"{row['gain']:.2f}"]
        for row in lives.sort("found", descending=True).to_dicts()
    ]  # fmt: skip
    headings = ("cause", "found", "median life", "99 % ended within", "largest gain per share")
    told = counts["arbitrage"]
    caption = (
        f"Violations in {number(told['seconds_watched'])} seconds; 99 % of all ended within "
        f"{number(told['life_p99_seconds'], 1)} s; twice the longest beat of the slowest dealer "
        f"is {number(told['aim_seconds'], 1)} s"
    )
    return table(headings, rows, caption=caption, empty="none was ever executable")
