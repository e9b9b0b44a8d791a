"""Par yields of government bonds, day by day, and the zero curve of a day."""

import io
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from environment.feeds.files import FeedError, read_bytes
from environment.options.curves import ZeroCurve, bootstrap

_TENORS: Final = {
    "1m": 1 / 12, "1.5m": 1.5 / 12, "2m": 2 / 12, "3m": 3 / 12, "4m": 4 / 12, "6m": 0.5, "1y": 1.0,
    "2y": 2.0, "3y": 3.0, "5y": 5.0, "7y": 7.0, "10y": 10.0, "20y": 20.0, "30y": 30.0,
}  # fmt: skip
_PERCENT: Final = 100.0


def read_par_yields(path: Path) -> pl.DataFrame:
    """Return par yields by date, one column a tenor, percent per year; null where not published.

    Raises
    ------
    FeedError
        If the file is damaged or no table of yields.
    """
    try:
        frame = pl.read_csv(io.BytesIO(read_bytes(path)), infer_schema_length=None)
        tenors = [name for name in _TENORS if name in frame.columns]
        days = pl.col("date").cast(pl.String).str.to_date()
        found = frame.select(days, *(pl.col(name).cast(pl.Float64) for name in tenors))
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0][:80]
        raise FeedError(
            path, f"not a table of yields ({reason})", "give date, 1m, 3m ..."
        ) from error
    if not tenors or found.is_empty():
        raise FeedError(path, "there is no yield in it", "give date and tenors such as 3m, 10y")
    return found.sort("date")


def zero_curve_on(path: Path, day: date) -> ZeroCurve:
    """Return the zero curve of the last day with yields up to `day`, bootstrapped from par yields.

    Raises
    ------
    FeedError
        If the file is damaged, or begins after that day.
    """
    rows = read_par_yields(path).filter(pl.col("date") <= day)
    if rows.is_empty():
        raise FeedError(path, f"there are no yields of {day} or before", "give an earlier file")
    last = rows.row(-1, named=True)
    told = {name: last[name] for name in _TENORS if last.get(name) is not None}
    years = np.array([_TENORS[name] for name in told])
    return bootstrap(years, np.array(list(told.values())) / _PERCENT)
