"""Daily closes of several stocks: what each day before a day moved them by."""

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
    try:
        table = pl.read_csv(io.BytesIO(read_bytes(path)), infer_schema_length=None).select(
            pl.col("date").cast(pl.String).str.to_date(),
            pl.col("symbol").cast(pl.String),
            pl.col("close").cast(pl.Float64),
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0][:80]
        mend = "give date, symbol and close"
        raise FeedError(path, f"not a table of daily bars ({reason})", mend) from error
    chosen = table.filter(pl.col("symbol").is_in(sorted(symbols)), pl.col("date") < before)
    if not (chosen["close"] > 0).fill_null(value=False).all():
        raise FeedError(path, "a close is missing or not above 0", "take its row out")
    found: dict[str, tuple[float, ...]] = {}
    for symbol in sorted(symbols):
        closes = chosen.filter(pl.col("symbol") == symbol).sort("date")["close"].to_list()
        if len(closes) > 1:
            found[symbol] = tuple(
                later / earlier - 1.0 for earlier, later in itertools.pairwise(closes)
            )
    return found
