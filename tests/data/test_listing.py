"""The real lists beside the rule by which lists go on here."""

from datetime import date, timedelta

import polars as pl
import pytest

from environment.feeds.listed import read_listed
from environment.feeds.listing import (
    choose_series,
    instrument_of,
    weekly_fridays,
)
from environment.feeds.listing_rule import (
    ListingRule,
    expiries_to_add,
    is_monthly,
    strikes_to_add,
)
from environment.instruments import MICROS
from environment.market.calendar import TradingCalendar
from tests.shared_data import shared

DAY = date(2015, 12, 24)
CALENDAR = TradingCalendar("XNYS")
DAILY = {
    "AAPL": "data/options/aapl_2014_option_chain_daily.csv.gz",
    "GOOG": "data/options/goog_2015_option_chain_daily.csv.gz",
}
# Before the split: AAPL's list of the days after it is the old one adjusted, and goes on no more.
LISTS = {
    "AAPL": ("data/options/aapl_2014-06_option_eod.csv.gz", date(2014, 6, 2), date(2014, 6, 5)),
    "GOOG": (DAILY["GOOG"], date(2015, 12, 23), date(2015, 12, 24)),
}


def test_the_goog_chain_of_2015_12_24_is_listed() -> None:
    listed = read_listed(shared(DAILY["GOOG"]), DAY)
    assert len(listed) == 2_192
    chosen, omitted = choose_series(listed, 748.0, DAY, 200)
    assert (len(chosen), len(omitted)) == (200, 1_992)
    assert {instrument_of(one).underlying for one in chosen} == {"GOOG"}
    assert any(one.expiry == DAY for one in chosen)


def expiries_by_day(symbol: str) -> dict[date, set[date]]:
    """Return the expiries of the real lists that had not ended, by day."""
    file, first, last = LISTS[symbol]
    frame = pl.read_csv(shared(file), columns=["date", "expiry"], try_parse_dates=True).unique()
    rows = frame.filter(pl.col("date").is_between(first, last)).rows()
    return {day: {e for d, e in rows if d == day and e >= day} for day, _ in sorted(rows)}


@pytest.mark.parametrize("symbol", ["AAPL", "GOOG"])
def test_weekly_expiries_of_the_real_lists_are_those_of_the_rule(symbol: str) -> None:
    for day, expiries in expiries_by_day(symbol).items():
        friday = day + timedelta(days=4 - day.weekday())
        wanted = {friday, *weekly_fridays(day, 5)}
        # A Friday without a session gives way to the Thursday.
        wanted = {f if CALENDAR.is_session(f) else f - timedelta(days=1) for f in wanted}
        assert {e for e in expiries if not is_monthly(e)} == wanted, day


@pytest.mark.parametrize("symbol", ["AAPL", "GOOG"])
def test_weekly_expiries_come_onto_the_real_lists_when_the_rule_adds_them(symbol: str) -> None:
    lists = expiries_by_day(symbol)
    added = dict[date, set[date]]()
    for (_, before), (day, after) in zip(lists.items(), list(lists.items())[1:], strict=False):
        weekly = expiries_to_add(day, before, ListingRule(monthlies=0), CALENDAR.is_session)
        assert {e for e in after - before if not is_monthly(e)} == set(weekly), day
        added |= {day: set(weekly)} if weekly else {}
    assert list(added.values()) == [
        {date(2014, 7, 25)} if symbol == "AAPL" else {date(2016, 2, 5)}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("symbol", "day", "spot", "opened"),
    [
        ("AAPL", date(2014, 6, 6), 645.57, date(2014, 7, 25)),
        ("GOOG", DAY, 748.4, date(2016, 2, 5)),
    ],
)
def test_strikes_of_the_rule_around_the_stock_stand_in_the_real_lists(
    symbol: str, day: date, spot: float, opened: date
) -> None:
    """Of the weekly expiry just opened, and of every monthly one of the next hundred days.

    A weekly list that is weeks old may lack some where the stock has moved to since.
    """
    listed = read_listed(shared(DAILY[symbol]), day)
    strikes = {one.expiry: set[int]() for one in listed}
    for one in listed:
        strikes[one.expiry].add(one.strike_micros)
    asked = [e for e in strikes if is_monthly(e) and (e - day).days < 100]
    assert len(asked) == 3
    for expiry in (opened, *asked):
        monthly = is_monthly(expiry)
        wanted = strikes_to_add((), round(spot * MICROS), ListingRule(), monthly=monthly)
        assert len(wanted) == 10
        assert set(wanted) <= strikes[expiry], expiry


@pytest.mark.parametrize(
    ("symbol", "day", "spot"), [("AAPL", date(2014, 6, 6), 645.57), ("GOOG", DAY, 748.4)]
)
def test_no_weekly_list_is_finer_than_the_rule_around_the_stock(
    symbol: str, day: date, spot: float
) -> None:
    listed = read_listed(shared(DAILY[symbol]), day)
    near = {
        one.strike_micros for one in listed
        if not is_monthly(one.expiry) and abs(one.strike_micros / MICROS - spot) < 25.0
    }  # fmt: skip
    assert near == {k for k in range(0, 10**9, 2_500_000) if abs(k / MICROS - spot) < 25.0}
