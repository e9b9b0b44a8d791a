"""Daily bars of several stocks: what each day before a day moved them by, and what it traded."""

import io
import itertools
from datetime import date
from pathlib import Path

import polars as pl

from environment.feeds.files import FeedError, read_bytes


def read_daily_returns(
    path: Path, symbols: frozenset[str], before: date
) -> dict[str, tuple[float, ...]]:
    """Return the returns of each symbol's days before a day, oldest first.

    The file is CSV, gzipped or not, with `date` (ISO), `symbol` and `close`, splits taken out. A
    symbol that it does not hold has none.

    Raises
    ------
    FeedError
        If the file is damaged, lacks a column, or holds a close that is not above 0.
    """
    chosen = _days(path, symbols, before)
    found: dict[str, tuple[float, ...]] = {}
    for symbol in sorted(symbols):
        closes = chosen.filter(pl.col("symbol") == symbol).sort("date")["close"].to_list()
        if len(closes) > 1:
            found[symbol] = tuple(
                later / earlier - 1.0 for earlier, later in itertools.pairwise(closes)
            )
    return found


def read_daily_value(
    path: Path, symbols: frozenset[str], before: date, days: int
) -> dict[str, float]:
    """Return what of each symbol a day trades, in money: its mean volume at its last close.

    The mean is of the last `days` days before a day, or of as many as there are. The file is as for
    returns, with `volume` in shares, splits taken out of it as of the closes: in money a split
    leaves it as it was. A symbol that lacks a volume on one of these days has none, nor has any of
    a file without volumes.

    Raises
    ------
    FeedError
        If the file is damaged, lacks a column, or holds a close that is not above 0.
    """
    chosen = _days(path, symbols, before, has_volume=True)
    if "volume" not in chosen.columns:
        return {}
    found: dict[str, float] = {}
    for symbol in sorted(symbols):
        bars = chosen.filter(pl.col("symbol") == symbol).sort("date").tail(days)
        volumes = bars["volume"].to_list()
        if volumes and all(volume is not None and volume >= 0 for volume in volumes):
            found[symbol] = sum(volumes) / len(volumes) * float(bars["close"][-1])
    return found


def _days(
    path: Path, symbols: frozenset[str], before: date, *, has_volume: bool = False
) -> pl.DataFrame:
    """Return the bars of some symbols before a day; with volumes, where there are any."""
    try:
        read = pl.read_csv(io.BytesIO(read_bytes(path)), infer_schema_length=None)
        names = ["volume"] if has_volume and "volume" in read.columns else []
        table = read.select(
            pl.col("date").cast(pl.String).str.to_date(),
            pl.col("symbol").cast(pl.String),
            pl.col("close").cast(pl.Float64),
            *[pl.col(name).cast(pl.Float64, strict=False) for name in names],
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0][:80]
        mend = "give date, symbol and close"
        raise FeedError(path, f"not a table of daily bars ({reason})", mend) from error
    chosen = table.filter(pl.col("symbol").is_in(sorted(symbols)), pl.col("date") < before)
    if not (chosen["close"] > 0).fill_null(value=False).all():
        raise FeedError(path, "a close is missing or not above 0", "take its row out")
    return chosen
