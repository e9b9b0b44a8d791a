"""Who did what: profit, inventory and flow by population, costs, conduct, and how orders ended."""

from collections.abc import Collection

import numpy as np
import polars as pl

from environment.record.populations import MINUTE_NS
from environment.record.realism import STATISTICS, Mark, passes
from environment.record.tca import HORIZONS_NS
from scenarios.realism_reference import load_realism
from scenarios.report.market import session_axis
from scenarios.report.page import (
    PALETTE,
    Figure,
    Raw,
    card,
    figure,
    frame_table,
    local_ms,
    number,
    packed,
    table,
)
from scenarios.run.result import RunResult

# What a figure of a statistic is called in the table, where its own name is too terse.
FIGURES = {
    "spread.median_bps": "median, bps",
    "spread.p90_over_median": "90th percentile over median",
    "depth.levels_2_to_5_over_1": "levels 2 to 5 over the touch",
    "depth.levels_6_to_10_over_1": "levels 6 to 10 over the touch",
    "volatility.minute_bps": "1 minute, bps",
    "volatility.day_bps": "day, bps",
    "kurtosis.excess_1min": "excess at 1 minute",
    "kurtosis.excess_10min": "excess at 10 minutes",
    "return_autocorrelation.mean_abs_lags_2_10": "mean size, lags 2 to 10 minutes",
    "absolute_autocorrelation.mean_lags_1_10": "mean, lags 1 to 10 minutes",
    "absolute_autocorrelation.mean_lags_11_30": "mean, lags 11 to 30 minutes",
    "volume_u_shape.open_over_midday": "first half hour over midday",
    "volume_u_shape.close_over_midday": "last half hour over midday",
    "trade_sign_memory.mean_lags_1_10": "mean correlation, lags 1 to 10",
    "trade_sign_memory.mean_lags_11_50": "mean correlation, lags 11 to 50",
    "resilience.half_life_seconds": "half-life of a wide spread, s",
}
LINES = PALETTE - 1
PARENTS = 15
CONSPICUOUS = 12
_FAR = 1.6  # Half widths of a band that its picture reaches to each side of the middle.


def realism_card(result: RunResult) -> str:
    """Return the eleven marks, each figure with its band drawn."""
    rows = []
    good = 0
    bands = load_realism().bands
    for statistic in STATISTICS:
        given = result.marks[statistic]
        good += passes(given)
        for place, mark in enumerate(given):
            sources = bands[statistic][mark.figure].sources.values()
            rows.append(
                (
                    Raw(_verdict(mark.passes)),
                    Raw(f"<strong>{_words(statistic)}</strong>" if place == 0 else ""),
                    FIGURES.get(f"{statistic}.{mark.figure}", _words(mark.figure)),
                    mark.value,
                    Raw(band_picture(mark)),
                    f"{number(mark.low)} to {number(mark.high)}",
                    _span(sources),
                )
            )
    headings = ("mark", "statistic", "figure", "here", "", "band", "real days")
    note = (
        f"{good} of {len(STATISTICS)} statistics are inside their bands. Bands come from real days "
        "and are no fit to this market; <code>scenarios/realism.toml</code> names each source and "
        "how each width was chosen."
    )
    return card("Realism", table(headings, rows), note=note)


def band_picture(mark: Mark) -> str:
    """Return a small drawing: the band, and where the value lies beside it."""
    middle, half = (mark.low + mark.high) / 2, max((mark.high - mark.low) / 2, 1e-12)

    def place(value: float) -> float:
        return 50.0 + 50.0 * min(max((value - middle) / (half * _FAR), -1.0), 1.0)

    low, high = place(mark.low), place(mark.high)
    needle = f'<b style="left:{place(mark.value):.1f}%"></b>' if np.isfinite(mark.value) else ""
    return (
        f'<span class="band"><i style="left:{low:.1f}%;width:{high - low:.1f}%"></i>{needle}</span>'
    )


def population_cards(result: RunResult) -> list[str]:
    """Return profit, inventory and flow over the day, and the table of populations."""
    minutes = result.population_minutes
    symbol = result.day.facts.symbols[result.main_instrument]
    money = minutes.group_by("population", "time").agg(pl.col("pnl").sum()).sort("time")
    lots = minutes.filter(pl.col("instrument") == symbol)
    flow = (
        lots.with_columns(pl.col("time").dt.truncate("10m"))
        .group_by("population", "time")
        .agg(pl.col("flow").sum())
        .sort("time")
    )
    several = len(result.day.facts.instruments) > 1
    of = f" of {symbol}" if several else ""
    pictures = (
        figure("pnl", "Profit, marked to the mid, currency", _lines(result, money, "pnl")),
        figure("inventory", f"Inventory{of}, lots", _lines(result, lots, "inventory")),
        figure(
            "flow", f"Net flow{of} in 10 minutes, lots", _lines(result, flow, "flow", bars=True)
        ),
    )
    return [card("Populations over the day", *pictures), card("Populations", _populations(result))]


def _populations(result: RunResult) -> str:
    columns = {
        "population": "population", "accounts": "accounts", "orders": "orders", "trades": "trades",
        "turnover": "turnover", "maker_share": "maker share", "position": "position, lots",
        "pnl": "profit", "pnl_spread": "from spread", "pnl_inventory": "from inventory",
        "pnl_nights": "from nights", "fees": "fees", "pnl_mean": "profit per account",
    }  # fmt: skip
    note = (
        '<p class="note">Profit is spread (price against the mid at the trade) plus inventory '
        "(that mid to the last close) and cash of the nights between days (dividends, borrow, "
        "interest, exercise) less fees; stock brought into the run is not in it.</p>"
    )
    money = pl.col("turnover", "pnl", "pnl_spread", "pnl_inventory", "pnl_nights", "fees",
                   "pnl_mean").round(2)  # fmt: skip
    return note + frame_table(
        result.populations.with_columns(money, pl.col("maker_share").round(3)), columns
    )


def _lines(result: RunResult, frame: pl.DataFrame, value: str, *, bars: bool = False) -> Figure:
    ranked = result.populations.sort("turnover", descending=True)["population"].cast(pl.String)
    data = []
    for place, name in enumerate(ranked[:LINES].to_list()):
        own = frame.filter(pl.col("population") == name)
        x = packed(local_ms(own["time"].cast(pl.Int64).to_numpy(), result.day.facts.zone))
        trace = {"name": name, "x": x, "y": packed(own[value].to_numpy(), "f4")}
        colour = f"@c{place + 1}"
        shape = (
            {"type": "bar", "marker": {"color": colour}}
            if bars
            else {"type": "scatter", "mode": "lines", "line": {"width": 1.4, "color": colour}}
        )
        data.append(trace | shape)
    layout = {"xaxis": session_axis(result.day), "barmode": "relative", "bargap": 0.1}
    return {"data": data, "layout": layout}


def cost_cards(result: RunResult) -> list[str]:
    """Return transaction costs: parents, mark-outs by population, resting orders."""
    columns = {
        "account": "account", "instrument": "instrument", "side": "side", "quantity": "quantity",
        "filled": "filled", "arrival_slippage": "to arrival, bps", "vwap_slippage": "to VWAP, bps",
        "shortfall_cost": "shortfall", "delay_cost": "delay", "impact_cost": "impact",
        "spread_cost": "spread", "fees_cost": "fees", "opportunity_cost": "opportunity",
        "participation": "participation",
    }  # fmt: skip
    parents = result.tca_of("parent", *columns)
    columns = {name: text for name, text in columns.items() if name in parents.columns}
    parts = []
    if parents.height:
        largest = parents.sort("filled", descending=True).head(PARENTS)
        decimals = pl.col(pl.Float64).round(2)
        parts.append(
            frame_table(
                largest.with_columns(decimals),
                columns,
                caption=f"largest {largest.height} of {parents.height} parent orders; "
                "shortfall = delay + impact + spread + fees, in currency, positive: a cost",
            )
        )
    title = "Mark-out of resting orders by population, bps; positive: good for the one who rested"
    parts.append(figure("markouts", title, _markouts(result), height=300))
    parts.append(_resting(result))
    return [card("Transaction costs", *parts)]


def _markouts(result: RunResult) -> Figure:
    marks = [f"earned_markout_{name}" for name in HORIZONS_NS]
    views = result.tca_of("population", "population", "earned_effective_spread", *marks)
    data: list[dict[str, object]] = []
    for place, row in enumerate(views.iter_rows(named=True)):
        found = [row.get(f"earned_markout_{name}") for name in HORIZONS_NS]
        if any(value is not None for value in found) and len(data) < LINES:
            line = [row.get("earned_effective_spread"), *found]
            # At the trade half the effective spread is earned; later the mid has moved.
            y = [line[0] / 2 if line[0] is not None else None]
            y += [None if value is None else -value for value in found]
            data.append(
                {
                    "type": "scatter", "mode": "lines+markers", "name": str(row["population"]),
                    "x": ["at trade", *HORIZONS_NS], "y": y,
                    "line": {"color": f"@c{place % PALETTE + 1}"},
                }
            )  # fmt: skip
    return {"data": data, "layout": {"yaxis": {"title": {"text": "bps"}}}}


def _resting(result: RunResult) -> str:
    wanted = ("queue_ahead", "time_to_fill_seconds", "adverse_selection")
    resting = result.tca_of("resting", "population", "filled", *wanted)
    missing = [pl.lit(None, pl.Float64).alias(name) for name in wanted if name not in resting]
    if not resting.height:
        return table((), (), empty="no order ever rested")
    found = (
        resting.with_columns(missing)
        .group_by("population")
        .agg(
            pl.len().alias("orders"),
            (pl.col("filled") > 0).mean().round(3).alias("filled"),
            pl.col("queue_ahead").median().alias("ahead"),
            pl.col("time_to_fill_seconds").median().round(2).alias("wait"),
            pl.col("adverse_selection").mean().round(3).alias("adverse"),
        )
        .sort("orders", descending=True)
    )
    columns = {
        "population": "population", "orders": "orders rested", "filled": "share filled",
        "ahead": "queue ahead, median", "wait": "seconds to fill, median",
        "adverse": "adverse selection in 10 s, bps",
    }  # fmt: skip
    return frame_table(found, columns, caption="resting orders")


def conduct_card(result: RunResult) -> str:
    """Return the surveillance tables, by population and for the most conspicuous accounts."""
    columns = {
        "orders": "orders", "trades": "trades", "order_to_trade": "orders per trade",
        "cancels": "cancels", "cancel_share": "cancel share", "fast_cancels": "within 100 ms",
        "fast_cancel_share": "share within 100 ms", "wash_attempts": "wash attempts",
    }  # fmt: skip
    rounded = pl.col(pl.Float64).round(3)
    by_population = result.surveillance("population").with_columns(rounded)
    by_account = result.surveillance().with_columns(rounded).head(CONSPICUOUS)
    return card(
        "Surveillance",
        frame_table(by_population, {"population": "population", **columns}),
        frame_table(
            by_account,
            {"account": "account", **columns},
            caption=f"the {by_account.height} accounts with most fast cancels",
        ),
    )


def orders_card(result: RunResult) -> str:
    """Return orders by final state, and why cancelled and refused ones ended."""
    lives = result.order_lives
    states = lives.group_by("state").agg(pl.len().alias("orders")).sort("orders", descending=True)
    total = max(lives.height, 1)
    rows = [(_words(str(s)), n, f"{100 * n / total:.1f} %") for s, n in states.iter_rows()]
    reasons = (
        lives.filter(pl.col("reason").is_not_null())
        .group_by("state", "reason")
        .agg(pl.len().alias("orders"))
        .sort("orders", descending=True)
    )
    because = [(_words(str(s)), _words(str(r)), n) for s, r, n in reasons.iter_rows()]
    return card(
        "Orders by final state",
        table(("state", "orders", "share"), rows),
        table(("state", "reason", "orders"), because, empty="no order was cancelled or refused"),
        wide=False,
    )


def decisions_card(result: RunResult) -> str:
    """Return how verdicts and people decided; nothing where nobody was asked."""
    decisions = result.decisions
    if not decisions.height:
        return ""
    counts = (
        decisions.group_by("kind", "agent", "answer", "control")
        .agg(pl.len().alias("count"))
        .sort("kind", "count", "agent", descending=[False, True, False])
    )
    columns = {name: name for name in ("kind", "agent", "answer", "control", "count")}
    return card("Decisions", frame_table(counts, columns), wide=False)


def minutes_of(result: RunResult) -> int:
    """Return the length of the session in minutes."""
    facts = result.day.facts
    return max((facts.close_ns - facts.open_ns) // MINUTE_NS, 0)


def _verdict(good: bool) -> str:  # noqa: FBT001  # a private word for a flag
    return '<span class="pass">● inside</span>' if good else '<span class="fail">○ outside</span>'


def _span(values: Collection[float]) -> str:
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{low} to {high}"


def _words(name: str) -> str:
    return name.replace("_", " ")
