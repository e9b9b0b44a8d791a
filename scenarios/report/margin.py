"""Margin in the report: how much of it accounts used, who was called, and what was closed."""

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from scenarios.report.market import session_axis
from scenarios.report.page import Figure, card, figure, local_ms, number, packed, table, tiles
from scenarios.run.margin_results import CLOSINGS, MARGIN
from scenarios.run.result import RunResult

_COLOURS: Final = ("@c1", "@c2", "@c3", "@c4", "@c5", "@c6", "@c7", "@c8")
_MICROS: Final = 1_000_000
_HIGHEST: Final = 300.0  # Per cent: beyond it a chart shows nothing else.
_NOTE: Final = (
    "Of accounts that hold or have written options, every five minutes, at the middles of the "
    "books: what they must keep as a share of what they have, by a bound that is never too low. "
    "Above 100 % they lack margin; a call goes out at night and is due at the next open. Who has "
    "next to nothing is drawn at 300 %."
)


def margin_cards(result: RunResult) -> list[str]:
    """Return the card of margin; nothing for a run in which no account was watched."""
    if not (result.folder / MARGIN).is_file():
        return []
    use = pl.read_parquet(result.folder / MARGIN).sort("time")
    closed = pl.read_parquet(result.folder / CLOSINGS)
    kept_out = use.filter(pl.col("refused") > 0)
    parts = [
        tiles(_items(result, use, closed)),
        figure("margin-use", "Margin in use, by population", _use(result, use)),
        figure("margin-below", "Accounts that lack margin, and what the broker closes",
               _below(result, use, closed)),
        *([figure("margin-refused", "Orders that margin kept out", _refused(result, kept_out))]
          if kept_out.height else []),
        _nights(result.summary.get("clearing", [])),
        _closings(closed),
    ]  # fmt: skip
    return [card("Margin", *parts, note=_NOTE)]


def _items(
    result: RunResult, use: pl.DataFrame, closed: pl.DataFrame
) -> list[tuple[str, str, str]]:
    calls = _of(result.summary.get("clearing", []), "MarginCalled")
    lacking = sum(call["call_micros"] for call in calls) / _MICROS
    below = use.group_by("time").agg(pl.col("below").sum())["below"].max()
    contracts = int(closed["lots"].abs().sum())
    return [
        ("margin calls", number(len(calls)), f"for {number(lacking, 0)} in all"),
        ("most accounts below", number(int(str(below or 0))), "at one moment of a session"),
        (
            "orders kept out",
            number(int(use["refused"].sum())),
            "that would have opened without margin",
        ),
        ("orders that closed", number(closed.height), f"{number(contracts)} lots"),
    ]


def _x(result: RunResult, rows: pl.DataFrame) -> object:
    return packed(local_ms(rows["time"].cast(pl.Int64).to_numpy(), result.day.facts.zone))


def _use(result: RunResult, use: pl.DataFrame) -> Figure:
    """Return the requirement of each population as a share of its equity."""
    share = (100.0 * pl.col("required") / pl.col("equity")).clip(upper_bound=_HIGHEST)
    lacking = pl.when(pl.col("required") > 0.0).then(_HIGHEST).otherwise(0.0)
    shares = use.filter(pl.col("accounts") > 0).with_columns(
        pl.when(pl.col("equity") > 0.0).then(share).otherwise(lacking).alias("share")
    )
    return {
        "data": [
            {
                "type": "scatter", "mode": "lines", "name": name, "x": _x(result, rows),
                "y": packed(rows["share"].to_numpy(), "f4"),
                "line": {"width": 1.5, "color": _COLOURS[k % len(_COLOURS)]},
            }
            for k, name in enumerate(shares["population"].unique().sort().to_list())
            if (rows := shares.filter(pl.col("population") == name)).height
        ],
        "layout": {
            "xaxis": session_axis(result.day),
            "yaxis": {"ticksuffix": " %", "rangemode": "tozero"},
        },
    }  # fmt: skip


def _below(result: RunResult, use: pl.DataFrame, closed: pl.DataFrame) -> Figure:
    """Return how many accounts lacked margin, and contracts closed in each five minutes."""
    counted = use.group_by("time").agg(pl.col("below").sum()).sort("time")
    orders = (
        closed.with_columns(pl.col("time").dt.truncate("5m"))
        .group_by("time").agg(pl.col("lots").abs().sum()).sort("time")
    )  # fmt: skip
    return {
        "data": [
            {
                "type": "bar", "name": "lots closed in five minutes", "x": _x(result, orders),
                "y": packed(orders["lots"].to_numpy(), "f4"), "yaxis": "y2",
                "marker": {"color": "@c4"},
            },
            {
                "type": "scatter", "mode": "lines", "name": "accounts below",
                "x": _x(result, counted),
                "y": packed(counted["below"].to_numpy(), "f4"),
                "line": {"width": 1.8, "color": "@c1", "shape": "hv"},
            },
        ],
        "layout": {
            "xaxis": session_axis(result.day), "yaxis": {"rangemode": "tozero"},
            "yaxis2": {"overlaying": "y", "side": "right", "showgrid": False,
                       "rangemode": "tozero"},
        },
    }  # fmt: skip


def _refused(result: RunResult, kept_out: pl.DataFrame) -> Figure:
    """Return the orders that margin refused in each five minutes, by population."""
    return {
        "data": [
            {
                "type": "bar", "name": name, "x": _x(result, rows),
                "y": packed(rows["refused"].to_numpy(), "f4"),
                "marker": {"color": _COLOURS[k % len(_COLOURS)]},
            }
            for k, name in enumerate(kept_out["population"].unique().sort().to_list())
            for rows in (kept_out.filter(pl.col("population") == name),)
        ],
        "layout": {
            "xaxis": session_axis(result.day), "yaxis": {"rangemode": "tozero"},
            "barmode": "stack",
        },
    }  # fmt: skip


def _of(events: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event.get("type") == kind]


def _nights(events: Sequence[dict[str, Any]]) -> str:
    """Return what each night found: calls, what they lacked, and calls that were met."""
    called, met = _of(events, "MarginCalled"), _of(events, "MarginCallMet")
    rows = []
    for night in _of(events, "CycleDone"):
        mine = [call for call in called if call["session"] == night["session"]]
        rows.append([
            night["session"], len(mine), number(sum(c["call_micros"] for c in mine) / _MICROS, 0),
            sum(call["session"] == night["session"] for call in met),
        ])  # fmt: skip
    headings = ("night after", "accounts called", "lacking", "earlier calls met")
    return table(headings, rows, caption="Margin calls")


def _closings(closed: pl.DataFrame) -> str:
    """Return whom the office closed positions of, and why."""
    rows = closed.group_by("reason", "population").agg(
        pl.col("account").n_unique().alias("accounts"), pl.len().alias("orders"),
        pl.col("lots").filter(pl.col("lots") > 0).sum().alias("bought"),
        (-pl.col("lots").filter(pl.col("lots") < 0).sum()).alias("sold"),
    ).sort("reason", "orders", descending=[False, True])  # fmt: skip
    told = [
        [row["reason"].replace("_", " "), row["population"], row["accounts"], row["orders"],
         row["bought"], row["sold"]]
        for row in rows.to_dicts()
    ]  # fmt: skip
    headings = ("why", "population", "accounts", "orders", "lots bought", "lots sold")
    return table(
        headings, told, caption="What the broker closed", empty="the broker closed nothing"
    )
