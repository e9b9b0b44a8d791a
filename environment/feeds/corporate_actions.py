"""Splits and dividends by date, read from factor files.

A factor file tells by what raw prices must be multiplied to compare with today's. Each row holds up
to its date; where the next row's factors differ, something happened on the next trading day.
"""

import io
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Final

import polars as pl

from environment.feeds.files import FeedError, read_bytes
from environment.instruments import MICROS
from environment.market.calendar import TradingCalendar
from environment.market.corporate_actions import CorporateAction, Dividend, Split

_COLUMNS: Final = ("symbol", "date", "price_factor", "split_factor", "reference_price")
_FACTOR_ERROR: Final = 0.6e-7  # Price factors are printed with seven decimals.
_RATIO_ERROR: Final = 2e-4  # Split factors of a long past have four digits left.
_SIMPLE_DENOMINATOR: Final = 100
_MARGIN: Final = timedelta(days=21)  # Longer than any holiday.
_EARLIEST: Final = date(1900, 1, 1)


def _split_ratio(ratio: float) -> Fraction:
    """Return the simplest ratio that the printed factors allow."""
    simple = Fraction(ratio).limit_denominator(_SIMPLE_DENOMINATOR)
    if simple > 0 and abs(float(simple) / ratio - 1.0) <= _RATIO_ERROR:
        return simple
    return Fraction(round(ratio * 1_000_000), 1_000_000)


def _dividend_micros(before: float, after: float, reference: float) -> int:
    """Return the dividend on the coarsest decimal grid that the printed factors allow.

    A cash dividend d at a raw close p multiplies earlier prices by (p - d) / p.
    """
    amount = reference * (1.0 - before / after)
    error = reference * (_FACTOR_ERROR / before + _FACTOR_ERROR / after)
    for decimals in (2, 3, 4, 5):
        if abs(amount - round(amount, decimals)) <= error:
            return round(round(amount, decimals) * MICROS)
    return round(amount * MICROS)


def _table(path: Path) -> pl.DataFrame:
    schema = {
        "symbol": pl.String, "date": pl.Date, "price_factor": pl.Float64,
        "split_factor": pl.Float64, "reference_price": pl.Float64,
    }  # fmt: skip
    try:
        frame = pl.read_csv(io.BytesIO(read_bytes(path)), schema_overrides=schema)
        frame = frame.select(_COLUMNS)
    except pl.exceptions.PolarsError as error:
        found = f"not a table of factors ({str(error).splitlines()[0][:80]})"
        raise FeedError(path, found, f"give columns {', '.join(_COLUMNS)}") from error
    if frame.null_count().sum_horizontal().item():
        raise FeedError(path, "there is an empty cell", "give a complete table")
    if not frame.select((pl.col("price_factor", "split_factor") > 0).all()).row(0) == (True, True):
        raise FeedError(path, "a factor is not positive", "give a complete table")
    return frame


def _actions_of(
    symbol: str, rows: pl.DataFrame, calendar: TradingCalendar, first: date, last: date
) -> list[CorporateAction]:
    actions: list[CorporateAction] = []
    for now, after in zip(rows.iter_rows(named=True), rows[1:].iter_rows(named=True), strict=False):
        ratio = after["split_factor"] / now["split_factor"]
        pays = after["price_factor"] != now["price_factor"]
        splits = abs(ratio - 1.0) > _RATIO_ERROR
        if not pays and not splits:
            continue
        if not first - _MARGIN <= now["date"] < last:
            continue  # What is far outside needs no calendar.
        ex_date = calendar.following(now["date"])
        if not first <= ex_date <= last:
            continue
        if splits:
            told = _split_ratio(ratio)
            actions.append(
                Split(symbol=symbol, ex_date=ex_date, numerator=told.numerator,
                      denominator=told.denominator)
            )  # fmt: skip
        if pays:
            micros = _dividend_micros(
                now["price_factor"], after["price_factor"], now["reference_price"]
            )
            actions.append(Dividend(symbol=symbol, ex_date=ex_date, micros_per_share=micros))
    return actions


def read_corporate_actions(
    path: Path, symbols: tuple[str, ...], *, first: date | None = None, last: date | None = None,
    calendar: TradingCalendar | None = None,
) -> tuple[CorporateAction, ...]:  # fmt: skip
    """Return the splits and dividends of some symbols, by ex-date; bounds are included.

    Raises
    ------
    FeedError
        If the file is damaged, not a factor table, or lacks a symbol.
    """
    trading_days = calendar or TradingCalendar("XNYS")
    frame = _table(path)
    actions: list[CorporateAction] = []
    for symbol in symbols:
        rows = frame.filter(pl.col("symbol") == symbol)
        if rows.is_empty():
            raise FeedError(path, f"symbol '{symbol}' is not in it", "check the spelling")
        if not rows["date"].is_sorted():
            raise FeedError(path, f"the dates of {symbol} go back", "sort the table by date")
        actions += _actions_of(symbol, rows, trading_days, first or _EARLIEST, last or date.max)
    return tuple(sorted(actions, key=lambda action: (action.ex_date, action.symbol)))
