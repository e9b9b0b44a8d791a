"""The report of a comparison: each arm's figures over its seeds, with intervals, side by side."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from scipy import stats

from environment.record.market_day import of_tape
from environment.record.realism import BASIS_POINTS, passes
from scenarios.report.page import PALETTE, Figure, Raw, card, figure, number, packed, page, table
from scenarios.run.result import RunResult

CONFIDENCE = 0.95
Figures = Mapping[str, float]


def headline_figures(result: RunResult) -> dict[str, float]:
    """Return what is compared between arms: one number per name, NaN where a run has none."""
    day, code = result.day, result.main_instrument
    session, realism = of_tape(day, code), result.realism
    mids = session.minute_mid
    touch = _mean_touch(result)
    own = result.accounts.filter(result.accounts["turnover"] > 0)
    foreground = {a.name for a in day.facts.accounts if not (a.background or a.contra)}
    found = {
        "return, bps": float(BASIS_POINTS * math.log(mids[-1] / mids[0]))
        if len(mids)
        else math.nan,
        "lowest point, bps": float(BASIS_POINTS * math.log(mids.min() / mids[0]))
        if len(mids)
        else math.nan,
        "median spread, bps": realism["spread"]["median_bps"],
        "depth at the touch, lots": touch,
        "1-minute volatility, bps": realism["volatility"]["minute_bps"],
        "largest minute, bps": float(BASIS_POINTS * np.abs(np.diff(np.log(mids))).max())
        if len(mids) > 1
        else math.nan,
        "volume, lots": float(day.trades.lots[day.trades.instrument == code].sum()),
        "trades": float((day.trades.instrument == code).sum()),
        "cancels per order": realism["cancel_to_order"]["cancels_per_order"],
        "realism marks passed": float(sum(passes(given) for given in result.marks.values())),
    }
    for row in own.filter(own["account"].is_in(foreground)).iter_rows(named=True):
        found[f"profit of {row['account']}"] = float(row["pnl"])
    return found


def _mean_touch(result: RunResult) -> float:
    """Return the mean quantity at bid and ask together of the main instrument, in lots."""
    symbol = result.day.facts.instruments[result.main_instrument].symbol
    quotes = result.quotes.filter(pl.col("instrument").cast(pl.String) == symbol)
    sides = [quotes[name].mean() for name in ("bid_quantity", "ask_quantity")]
    return sum(float(side) if isinstance(side, int | float) else math.nan for side in sides)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and half width of its 95 % interval (Student); NaN half width for one value."""
    known = np.array([value for value in values if math.isfinite(value)])
    if not len(known):
        return math.nan, math.nan
    if len(known) == 1:
        return float(known[0]), math.nan
    error = known.std(ddof=1) / math.sqrt(len(known))
    return float(known.mean()), float(stats.t.ppf((1 + CONFIDENCE) / 2, len(known) - 1) * error)


def compare_report(title: str, arms: Mapping[str, Sequence[RunResult]], *, about: str = "") -> str:
    """Return the page of a comparison: arms by name, each with its runs, one per seed."""
    figures = {arm: [headline_figures(run) for run in runs] for arm, runs in arms.items()}
    paths = {arm: [_path(run) for run in runs] for arm, runs in arms.items()}
    return comparison_page(title, figures, paths, about=about)


def comparison_page(
    title: str,
    figures: Mapping[str, Sequence[Figures]],
    paths: Mapping[str, Sequence[Sequence[float]]],
    *,
    about: str = "",
) -> str:
    """Return the page from figures and minute price paths alone, as parallel runs hand them over.

    Parameters
    ----------
    figures : mapping of arm to one mapping of figures per seed
        As `headline_figures` gives them.
    paths : mapping of arm to one path per seed
        The mid at each minute, in basis points from the open.
    """
    names = list(dict.fromkeys(name for runs in figures.values() for run in runs for name in run))
    runs = max((len(each) for each in figures.values()), default=0)
    body = [
        card("Arms", _arms_table(figures, names), note=_note(runs, about)),
        card("Differences", _dots(figures, names)),
        *(
            card(f"Prices: {arm}", figure(f"path-{place}", "Mid by minute, bps from the open; "
                 "one line per seed", _paths_figure(each, place, _reach(paths)), height=240),
                 wide=False)
            for place, (arm, each) in enumerate(paths.items())
        ),
    ]  # fmt: skip
    return page(
        title,
        [f"{len(figures)} arms", "1 seed" if runs == 1 else f"{runs} seeds"],
        body,
        navigation=False,
    )


def _note(runs: int, about: str) -> str:
    said = f"Mean over seeds, and the half width of its {CONFIDENCE:.0%} interval (Student)."
    said += " Below it, where both were run: the difference from the first arm, seed by seed."
    if runs < 2:
        said += " With one seed there is no interval."
    return f"{about} {said}".strip()


def _arms_table(figures: Mapping[str, Sequence[Figures]], names: Sequence[str]) -> str:
    rows = []
    first = next(iter(figures.values()), ())
    for name in names:
        row: list[object] = [name]
        for runs in figures.values():
            mean, half = interval([run.get(name, math.nan) for run in runs])
            width = f" <small>± {number(half)}</small>" if math.isfinite(half) else ""
            apart = "" if runs is first else _apart(runs, first, name)
            row.append(Raw(number(mean) + width + apart))
        rows.append(row)
    return table(("figure", *figures), rows)


def _apart(runs: Sequence[Figures], first: Sequence[Figures], name: str) -> str:
    """Return the mean difference from the first arm's runs of the same seeds, as small print."""
    if len(runs) != len(first):
        return ""
    pairs = zip(runs, first, strict=True)
    mean, half = interval([a.get(name, math.nan) - b.get(name, math.nan) for a, b in pairs])
    if not math.isfinite(mean):
        return ""
    width = f" ± {number(half)}" if math.isfinite(half) else ""
    return f"<br><small>{'+' if mean >= 0 else ''}{number(mean)}{width}</small>"


def _dots(figures: Mapping[str, Sequence[Figures]], names: Sequence[str]) -> str:
    inner = "".join(
        figure(f"dots-{place}", name, _dots_figure(figures, name), height=60 + 30 * len(figures))
        for place, name in enumerate(names)
    )
    return f'<div class="multiples">{inner}</div>'


def _dots_figure(figures: Mapping[str, Sequence[Figures]], name: str) -> Figure:
    data: list[dict[str, object]] = []
    for place, (arm, runs) in enumerate(figures.items()):
        values = [run.get(name, math.nan) for run in runs]
        known = [value for value in values if math.isfinite(value)]
        mean, half = interval(values)
        colour = f"@c{place % PALETTE + 1}"
        data.append(
            {"type": "scatter", "mode": "markers", "x": known, "y": [arm] * len(known),
             "marker": {"color": colour, "opacity": 0.4, "size": 7}, "hoverinfo": "x"}
        )  # fmt: skip
        if known:
            bars = {"type": "data", "array": [half], "color": colour, "thickness": 2}
            data.append(
                {"type": "scatter", "mode": "markers", "x": [mean], "y": [arm], "hoverinfo": "x",
                 "marker": {"color": colour, "size": 12, "symbol": "diamond"},
                 **({"error_x": bars} if math.isfinite(half) else {})}
            )  # fmt: skip
    layout = {"showlegend": False, "hovermode": "closest", "yaxis": {"autorange": "reversed"}}
    return {"data": data, "layout": layout}


def _path(run: RunResult) -> list[float]:
    mids = of_tape(run.day, run.main_instrument).minute_mid
    return [round(float(v), 2) for v in BASIS_POINTS * np.log(mids / mids[0])] if len(mids) else []


def _reach(paths: Mapping[str, Sequence[Sequence[float]]]) -> list[float]:
    values = [value for runs in paths.values() for path in runs for value in path] or [0.0]
    return [min(values), max(values)]


def _paths_figure(runs: Sequence[Sequence[float]], place: int, reach: list[float]) -> Figure:
    data = [
        {"type": "scatter", "mode": "lines", "y": packed(np.array(path), "f4"),
         "line": {"width": 1, "color": f"@c{place % PALETTE + 1}"}, "opacity": 0.7}
        for path in runs
    ]  # fmt: skip
    # One scale for all arms, so that a glance compares them.
    layout = {"showlegend": False, "yaxis": {"range": reach}, "hovermode": False,
              "xaxis": {"title": {"text": "minute"}}}  # fmt: skip
    return {"data": data, "layout": layout}
