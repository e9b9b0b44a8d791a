"""Computes `realism.toml` from real days (run as `python -m scenarios.realism_bands`).

Reads the shared data folder named by the environment variable OUTCRY_SHARED: the LOBSTER samples of
AAPL and GOOG (2012-06-21) and minute bars of US stocks. Only figures derived from them are written.

A band spans the figures of the source days and a margin on each side:

* figures that minute bars give (five source days: the two LOBSTER days and AAPL 2014-06-05 to
  06-09): one standard deviation between days, over all whole stock days in the minute file; of the
  logarithm for figures on a ratio scale;
* figures that need every order (one or two source days): a factor 2, or the ratio between the two
  days where that is larger.

A band never contradicts the claim that it stands for: "positive" is at least 0.
"""

import io
import math
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import polars as pl

from environment.record.files import write_whole
from environment.record.market_day import MINUTE_NS, MarketDay, of_lobster, of_minutes
from environment.record.realism import BASIS_POINTS, Figures, half_hour_volume, statistics
from scenarios.realism_reference import REALISM

SESSION_MINUTES = 390
LOBSTER = {
    "AAPL 2012-06-21 LOBSTER": "orderbook/LOBSTER_SampleFile_AAPL_2012-06-21_1.zip",
    "GOOG 2012-06-21 LOBSTER": "orderbook/LOBSTER_SampleFile_GOOG_2012-06-21_10.zip",
}
BARS = "equity_intraday/us_equity_minute_{}.csv.gz"
SOURCE_SYMBOL, SOURCE_YEAR, REFERENCE = "AAPL", "2014", "AAPL 2014-06-06"
# Figures on a ratio scale that bars give; the others are differences or correlations.
RATIO_SCALE = {
    "spread": ("median_bps", "p90_over_median"),
    "volatility": ("minute_bps", "day_bps"),
    "volume_u_shape": ("open_over_midday", "close_over_midday"),
}
ORDER_LEVEL = ("depth", "trade_sign_memory", "cancel_to_order", "impact", "resilience")
# What the claim itself allows, whatever the margin says; "near 0" has no lower bound.
NEAR_ZERO = "return_autocorrelation.mean_abs_lags_2_10"
CLAIMS = {
    "kurtosis.excess_1min": (0.0, math.inf),
    NEAR_ZERO: (0.0, 1.0),
    "absolute_autocorrelation.mean_lags_1_10": (0.0, 1.0),
    "absolute_autocorrelation.mean_lags_11_30": (0.0, 1.0),
    "volume_u_shape.open_over_midday": (1.0, math.inf),
    "volume_u_shape.close_over_midday": (1.0, math.inf),
    "trade_sign_memory.mean_lags_1_10": (0.0, 1.0),
    "trade_sign_memory.mean_lags_11_50": (0.0, 1.0),
    "cancel_to_order.cancels_per_order": (0.0, 1.0),
    "impact.exponent": (0.0, 1.0),
}
_HEADER = """\
# Bands of the realism marks, and the real day shown beside a simulated one.
# Computed by `python -m scenarios.realism_bands`; its text says how each width is chosen.
# Sources: LOBSTER sample files (figures only), and minute bars of QuantConnect/Lean (Apache-2.0).

"""


def lobster_day(path: Path, name: str) -> MarketDay:
    """Return the session in one LOBSTER sample archive."""
    with zipfile.ZipFile(path) as archive:
        parts = {
            kind: archive.read(next(n for n in archive.namelist() if f"_{kind}_" in n))
            for kind in ("message", "orderbook")
        }
    messages, book = (
        pl.read_csv(io.BytesIO(parts[kind]), has_header=False) for kind in ("message", "orderbook")
    )
    return of_lobster(messages.to_numpy().astype(np.float64), book.to_numpy(), name)


def bar_days(quotes: pl.DataFrame, trades: pl.DataFrame) -> dict[str, MarketDay]:
    """Return every stock day with all 390 minutes of the session, by "SYMBOL DATE"."""
    day = pl.col("symbol") + " " + pl.col("time").dt.date().cast(pl.String)
    minute = pl.col("time").dt.hour().cast(pl.Int32) * 60 + pl.col("time").dt.minute() - 570
    session = (
        quotes.join(trades.select("time", "symbol", "volume"), on=["time", "symbol"], how="left")
        .with_columns(minute.alias("minute"), pl.col("volume").fill_null(0.0))
        .filter(pl.col("minute").is_between(0, SESSION_MINUTES - 1))
        .with_columns(day.alias("day"))
        .sort("time")
    )
    days = {}
    for (name,), bars in session.group_by("day", maintain_order=True):
        if bars.height == SESSION_MINUTES:
            days[str(name)] = of_minutes(
                str(name), 0, bars["bid_close"].to_numpy(), bars["ask_close"].to_numpy(),
                (bars["bid_open"][0] + bars["ask_open"][0]) / 2.0,
                bars["volume"].cast(pl.Float64).to_numpy(),
            )  # fmt: skip
    return dict(sorted(days.items()))


def band(
    statistic: str, figure: str, sources: dict[str, float], others: list[float]
) -> tuple[float, float, str]:
    """Return low, high and the rule in words, for one figure.

    Parameters
    ----------
    sources : mapping of day to figure
        The days that the band spans.
    others : list of float
        The figure on all whole stock days: its spread is the margin where bars give the figure.
    """
    least, most = min(sources.values()), max(sources.values())
    if statistic in ORDER_LEVEL:
        factor = max(2.0, most / least)
        low, high = least / factor, most * factor
        rule = f"sources, and a factor {factor:.2f} on each side"
    elif figure in RATIO_SCALE.get(statistic, ()):
        factor = math.exp(np.log(others).std(ddof=1))
        low, high = least / factor, most * factor
        rule = f"sources, and a factor {factor:.2f} (one deviation over {len(others)} stock days)"
    else:
        margin = float(np.std(others, ddof=1))
        low, high = least - margin, most + margin
        days = f"one deviation over {len(others)} stock days"
        rule = f"sources, and {margin:.3f} on each side ({days})"
    if f"{statistic}.{figure}" == NEAR_ZERO:
        low = 0.0
    floor, ceiling = CLAIMS.get(f"{statistic}.{figure}", (-math.inf, math.inf))
    if low < floor or high > ceiling:
        rule += f"; cut to [{floor:g}, {ceiling:g}], which is the claim"
    return max(low, floor), min(high, ceiling), rule


def realism_toml(shared: Path) -> str:
    """Return the text of `realism.toml` for the data in a shared folder."""
    quotes, trades = (
        pl.read_csv(shared / BARS.format(kind), try_parse_dates=True) for kind in ("quote", "trade")
    )
    bars = bar_days(quotes, trades)
    lobster = {name: lobster_day(shared / path, name) for name, path in LOBSTER.items()}
    figures = {name: statistics(day) for name, day in (lobster | bars).items()}
    chosen = [*lobster, *(n for n in bars if n.startswith(f"{SOURCE_SYMBOL} {SOURCE_YEAR}"))]
    parts = [_HEADER, _reference(bars[REFERENCE])]
    for statistic, named in figures[chosen[0]].items():
        for figure in named:
            sources = _known(figures, chosen, statistic, figure)
            others = list(_known(figures, [*bars], statistic, figure).values())
            low, high, rule = band(statistic, figure, sources, others)
            parts += [
                f"\n[bands.{statistic}.{figure}]\n",
                f'low = {low:.4f}\nhigh = {high:.4f}\nwidth = "{rule}"\n',
                f"[bands.{statistic}.{figure}.sources]\n",
                *(f'"{name}" = {value:.4f}\n' for name, value in sources.items()),
            ]
    return "".join(parts)


def _known(
    figures: dict[str, dict[str, Figures]], days: list[str], statistic: str, figure: str
) -> dict[str, float]:
    found = {name: figures[name][statistic][figure] for name in days}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _reference(day: MarketDay) -> str:
    returns = ", ".join(f"{value:.2f}" for value in day.returns(1) * BASIS_POINTS)
    shares = ", ".join(f"{value:.4f}" for value in half_hour_volume(day))
    minutes = (day.close_ns - day.open_ns) // MINUTE_NS
    return (
        f'[reference]\nname = "{day.name}"\n'
        f'source = "minute bars, {minutes} minutes, QuantConnect/Lean, Apache-2.0"\n'
        f"minute_returns_bps = [{returns}]\nhalf_hour_volume = [{shares}]\n"
    )


def main() -> int:
    """Write `realism.toml` beside this file."""
    folder = os.environ.get("OUTCRY_SHARED")
    if not folder or not Path(folder).is_dir():
        sys.stderr.write("OUTCRY_SHARED names no folder; set it to the shared data's parent\n")
        return 2
    write_whole(REALISM, realism_toml(Path(folder) / "data").encode())
    sys.stdout.write(f"wrote {REALISM.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
