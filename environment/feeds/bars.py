"""Minute, hourly and daily bars from CSV files, checked row by row.

A bad row is either counted by its first reason and left out, or it refuses the file with one line.
Rows out of order always refuse it: nothing says which of two orders is the true one.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Literal

import polars as pl

from environment.feeds.files import FeedError, read_bytes

BadRows = Literal["count", "refuse"]
_TIME_NAMES: Final = ("time", "timestamp", "date", "DATE")
_SYMBOL_NAMES: Final = ("symbol", "Name", "ticker")
_PRICES: Final = ("open", "high", "low", "close")
_QUOTE_PRICES: Final = tuple(f"{side}_{price}" for side in ("bid", "ask") for price in _PRICES)
_ROW: Final = "row"


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Bars of one file, ordered by symbol and time.

    Attributes
    ----------
    frame : polars.DataFrame
        `symbol`; `time_ns` (start of the bar, UTC) or `date`; then prices in currency, and `volume`
        or, for quotes, `bid_size` and `ask_size`.
    dropped : dict of str to int
        Rows left out, by reason.
    """

    frame: pl.DataFrame
    dropped: dict[str, int]

    def of(self, symbol: str) -> pl.DataFrame:
        """Return the bars of one symbol, in order of time."""
        return self.frame.filter(pl.col("symbol") == symbol)


def _first_name(frame: pl.DataFrame, names: Sequence[str]) -> str | None:
    return next((name for name in names if name in frame.columns), None)


def _load(path: Path, columns: Sequence[str], symbol: str | None) -> pl.DataFrame:
    """Return the file as text columns: row (1 is the header), when, symbol, then `columns`."""
    try:
        frame = pl.read_csv(io.BytesIO(read_bytes(path)), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        found = f"not a table ({str(error).splitlines()[0][:80]})"
        raise FeedError(path, found, "give a CSV file") from error
    frame = frame.rename({name: name.lower() for name in frame.columns if name.lower() in columns})
    time_name = _first_name(frame, _TIME_NAMES)
    symbol_name = _first_name(frame, _SYMBOL_NAMES)
    missing = [name for name in columns if name not in frame.columns]
    if time_name is None:
        missing.insert(0, "time or date")
    if symbol_name is None and symbol is None:
        missing.insert(0, "symbol")
    if missing or time_name is None:
        raise FeedError(path, f"columns are missing: {', '.join(missing)}", "give a file of bars")
    named = pl.lit(symbol) if symbol_name is None else pl.col(symbol_name)
    told = frame.with_row_index(_ROW, offset=2).select(
        pl.col(_ROW).cast(pl.Int64),
        pl.col(time_name).alias("when"),
        named.alias("symbol"),
        *columns,
    )
    return told if symbol is None else told.filter(pl.col("symbol") == symbol)


def _timed(path: Path, frame: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Return the frame with `when` parsed: as `date` if no row has a time of day, or `time_ns`."""
    if frame.is_empty():
        raise FeedError(path, "there are no bars of what was asked for", "check symbol and file")
    text = frame["when"]
    daily = bool((text.str.len_chars() <= 10).all())
    if daily:
        parsed = text.str.to_date("%Y-%m-%d", strict=False).alias("date")
    else:
        local = text.str.to_datetime(
            time_unit="ns", time_zone=zone, strict=False, ambiguous="earliest"
        )
        parsed = local.dt.epoch("ns").alias("time_ns")
    if parsed.null_count():
        row = frame.filter(parsed.is_null())[_ROW][0]
        raise FeedError(path, f"row {row}: its time cannot be read", "write times as ISO 8601")
    return frame.with_columns(parsed).drop("when")


def _numbers(path: Path, frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    text = frame.select(pl.col(columns).str.strip_chars().replace("", None))
    numbers = text.select(pl.all().cast(pl.Float64, strict=False))
    for name in columns:
        wrong = numbers[name].is_null() & text[name].is_not_null()
        if wrong.any():
            row = frame.filter(wrong)[_ROW][0]
            raise FeedError(path, f"row {row}: column '{name}' is no number", "mend the row")
    return frame.with_columns(numbers)


def _ordered(path: Path, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame by symbol and time; refuse rows of a symbol that go back or repeat."""
    when = "date" if "date" in frame.columns else "time_ns"
    by_symbol = frame.sort("symbol", _ROW)
    back = by_symbol.filter(pl.col(when) <= pl.col(when).shift(1).over("symbol"))
    if not back.is_empty():
        row, symbol = back.sort(_ROW).select(_ROW, "symbol").row(0)
        raise FeedError(
            path, f"row {row}: time of {symbol} does not go on", "sort the file by time"
        )
    return by_symbol.select("symbol", when, pl.exclude("symbol", when))


def _sieve(path: Path, frame: pl.DataFrame, reasons: dict[str, pl.Expr], bad_rows: BadRows) -> Bars:
    """Drop and count rows by their first reason, or refuse the first one."""
    reason = pl.lit(None, pl.String)
    for name, expression in reversed(reasons.items()):
        reason = pl.when(expression).then(pl.lit(name)).otherwise(reason)
    judged = frame.with_columns(reason.alias("reason"))
    bad = judged.filter(pl.col("reason").is_not_null()).sort(_ROW)
    if bad_rows == "refuse" and not bad.is_empty():
        found = f"row {bad[_ROW][0]}: {bad['reason'][0].replace('_', ' ')}"
        raise FeedError(path, found, "mend the row, or let bad rows be counted")
    counted = bad.group_by("reason").len().sort("reason")
    dropped = {str(name): int(count) for name, count in counted.iter_rows()}
    good = judged.filter(pl.col("reason").is_null()).drop("reason", _ROW)
    if good.is_empty():
        raise FeedError(path, "no row is left after the checks", "give a file of bars")
    return Bars(good, dropped)


def _bar_reasons(prefix: str = "") -> dict[str, pl.Expr]:
    first, high, low, last = (pl.col(prefix + name) for name in _PRICES)
    prices = [first, high, low, last]
    return {
        f"{prefix}missing_cell": pl.any_horizontal(price.is_null() for price in prices),
        f"{prefix}price_not_positive": pl.any_horizontal(
            ~(price.is_finite() & (price > 0)) for price in prices
        ),
        f"{prefix}high_below_low": high < low,
        f"{prefix}open_or_close_outside_range": (pl.max_horizontal(first, last) > high)
        | (pl.min_horizontal(first, last) < low),
    }


def _within(frame: pl.DataFrame, first: date | None, last: date | None, zone: str) -> pl.DataFrame:
    if "date" in frame.columns:
        day = pl.col("date")
    else:
        day = pl.from_epoch("time_ns", time_unit="ns").dt.replace_time_zone("UTC")
        day = day.dt.convert_time_zone(zone).dt.date()
    if first is not None:
        frame = frame.filter(day >= first)
    return frame if last is None else frame.filter(day <= last)


def read_bars(
    path: Path, *, symbol: str | None = None, first: date | None = None, last: date | None = None,
    zone: str = "America/New_York", bad_rows: BadRows = "count",
) -> Bars:  # fmt: skip
    """Return bars of trades: open, high, low, close and volume, intraday or daily by the file.

    Parameters
    ----------
    symbol : str, optional
        Read this one alone; needed where the file has no column of symbols.
    first, last : date, optional
        Keep these days of the zone, both included.
    zone : str
        Time zone of a file's times of day.
    bad_rows : "count" or "refuse"
        What an empty cell or an impossible price does.

    Raises
    ------
    FeedError
        If the file cannot be used; one line names file, row and mend.
    """
    columns = (*_PRICES, "volume")
    frame = _numbers(path, _timed(path, _load(path, columns, symbol), zone), columns)
    reasons = _bar_reasons()
    reasons["missing_cell"] |= pl.col("volume").is_null()
    reasons["negative_volume"] = pl.col("volume") < 0
    return _sieve(path, _within(_ordered(path, frame), first, last, zone), reasons, bad_rows)


def read_quote_bars(
    path: Path, *, symbol: str | None = None, first: date | None = None, last: date | None = None,
    zone: str = "America/New_York", bad_rows: BadRows = "count",
) -> Bars:  # fmt: skip
    """Return bars of quotes: open, high, low and close of bid and ask, and the last sizes.

    Arguments and errors are those of `read_bars`. A bid above the ask at the close of a bar is a
    reason of its own, `crossed`; at the same price it is locked, which happens and is kept.
    """
    columns = (*_QUOTE_PRICES, "bid_size", "ask_size")
    frame = _numbers(path, _timed(path, _load(path, columns, symbol), zone), columns)
    reasons = _bar_reasons("bid_") | _bar_reasons("ask_")
    reasons["crossed"] = pl.col("bid_close") > pl.col("ask_close")
    reasons["negative_size"] = pl.min_horizontal("bid_size", "ask_size") < 0
    return _sieve(path, _within(_ordered(path, frame), first, last, zone), reasons, bad_rows)
