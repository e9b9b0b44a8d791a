"""The calendar against an independent list of closures and half days."""

from datetime import date, timedelta

import polars as pl
import pytest

from environment.market.calendar import TradingCalendar
from tests.shared_data import shared


@pytest.mark.parametrize("first", [2001, 2012, 2014, 2020])
def test_two_years_of_closures_and_half_days_agree_with_the_list(first: int) -> None:
    start, end = date(first, 1, 1), date(first + 1, 12, 31)
    listed = pl.read_csv(shared("data/reference/us_market_holidays.csv"), try_parse_dates=True)
    equity = listed.filter(pl.col("market") == "Equity", pl.col("date").is_between(start, end))
    closed = {d for d in equity.filter(pl.col("kind") == "closed")["date"] if d.weekday() < 5}
    early = set(equity.filter(pl.col("kind") == "early_close")["date"])
    sessions = TradingCalendar("XNYS").sessions(start, end)
    every = {start + timedelta(days=n) for n in range((end - start).days + 1)}
    weekdays = {day for day in every if day.weekday() < 5}
    assert weekdays - {session.date for session in sessions} == closed
    assert {session.date for session in sessions if session.is_half_day} == early
