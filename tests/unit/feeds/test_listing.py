"""Which series are listed: chosen from real chains, and by rule."""

from datetime import date
from pathlib import Path

import pytest

from environment.feeds.listed import ListedSeries, read_listed
from environment.feeds.listing import (
    choose_series,
    expiries_by_rule,
    instrument_of,
    last_trading_day,
    list_by_rule,
    missing_strikes,
    strikes_around,
)
from environment.options.chain import ChainRefusedError
from tests.tidy.sources import ROOT

AAPL = ROOT / "scenarios/data/aapl_2014-06-06_chain.csv.gz"
DAY = date(2014, 6, 6)
SPOT = 645.0


@pytest.fixture(scope="module")
def listed() -> tuple[ListedSeries, ...]:
    return read_listed(AAPL, DAY)


def dollars(micros: tuple[int, ...]) -> list[float]:
    return [strike / 1e6 for strike in micros]


def test_a_chain_is_read_with_exact_strikes_and_open_interest(
    listed: tuple[ListedSeries, ...],
) -> None:
    assert len(listed) == 2_352
    assert sum(one.mid("open") is not None for one in listed) == 2_190  # Two-sided, 5 crossed.
    one = next(s for s in listed if instrument_of(s).symbol == "AAPL  140606C00492500")
    assert (one.strike_micros, one.bid_open, one.ask_open) == (492_500_000, 155050000, 157950000)


def test_every_expiry_gets_as_many_strikes_nearest_in_delta(
    listed: tuple[ListedSeries, ...],
) -> None:
    chosen, omitted = choose_series(listed, SPOT, DAY, 400)
    assert (len(chosen), len(omitted)) == (400, 1_952)
    counts = [sum(one.expiry == expiry for one in chosen) for expiry in {o.expiry for o in chosen}]
    assert sorted(counts) == [30] * 8 + [32] * 5
    today = sorted({one.strike_micros / 1e6 for one in chosen if one.expiry == DAY})
    assert min(today) < SPOT < max(today)


def test_a_choice_takes_calls_with_their_puts(listed: tuple[ListedSeries, ...]) -> None:
    chosen, _ = choose_series(listed, SPOT, DAY, 100)
    calls = {(one.expiry, one.strike_micros) for one in chosen if one.right == "call"}
    puts = {(one.expiry, one.strike_micros) for one in chosen if one.right == "put"}
    assert calls == puts


def test_a_choice_of_more_than_there_is_takes_all(listed: tuple[ListedSeries, ...]) -> None:
    chosen, omitted = choose_series(listed, SPOT, DAY, 10_000)
    assert chosen == listed
    assert omitted == ()


def test_a_bare_chain_is_ordered_by_its_strikes_alone() -> None:
    bare = [
        ListedSeries(underlying="X", expiry=DAY, right="call", strike_micros=k * 10**6)
        for k in (80, 90, 100, 110)
    ]
    chosen, _ = choose_series(bare, 101.0, DAY, 2)
    assert [one.strike_micros // 10**6 for one in chosen] == [100, 110]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("date,underlying\n2014-06-06,AAPL\n", "expected a chain file"),
        ("", "expected a chain file"),
    ],
)
def test_what_is_no_chain_is_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(text)
    with pytest.raises(ChainRefusedError, match=words):
        read_listed(path, DAY)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("2014-06-06,AAPL,2014-06-13,X,600", "expected expiry, right"),
        ("2014-06-06,AAPL,soon,C,600", "expected expiry, right"),
        ("2014-06-06,AAPL,2014-06-13,C,six", "expected expiry, right"),
        ("2014-06-09,AAPL,2014-06-13,C,600", "found days 2014-06-09"),
    ],
)
def test_a_bad_row_is_refused_in_one_line(tmp_path: Path, cells: str, words: str) -> None:
    path = tmp_path / "chain.csv"
    head = "date,underlying,expiry,right,strike,bid_open,bid_close,ask_open,ask_close,bid_size,"
    path.write_text(f"{head}ask_size,volume,open_interest\n{cells},,,,,,,,\n")
    with pytest.raises(ChainRefusedError, match=words):
        read_listed(path, DAY)


def test_a_series_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    head = "date,underlying,expiry,right,strike,bid_open,bid_close,ask_open,ask_close,bid_size,"
    row = "2014-06-06,AAPL,2014-06-13,C,600,,,,,,,,\n"
    path.write_text(f"{head}ask_size,volume,open_interest\n{row}{row}")
    with pytest.raises(ChainRefusedError, match="twice"):
        read_listed(path, DAY)


def test_expiries_are_weekly_then_monthly() -> None:
    holidays = {date(2014, 7, 4)}
    found = expiries_by_rule(DAY, is_session=lambda day: day not in holidays)
    assert [str(day) for day in found] == [
        "2014-06-06", "2014-06-13", "2014-06-20", "2014-06-27", "2014-07-03", "2014-07-11",
        "2014-07-18", "2014-07-25", "2014-08-15", "2014-09-19",
    ]  # fmt: skip


def test_a_saturday_expiry_trades_last_on_friday() -> None:
    assert last_trading_day(date(2014, 6, 21)) == date(2014, 6, 20)
    assert last_trading_day(DAY) == DAY


def test_strikes_stand_further_apart_at_higher_prices() -> None:
    assert dollars(strikes_around(26_000_000, 3)) == [20.0, 22.5, 25.0, 30.0, 35.0, 40.0]
    assert dollars(strikes_around(201_000_000, 3)) == [190.0, 195.0, 200.0, 205.0, 210.0, 215.0]
    assert dollars(strikes_around(100_000_000, 2)) == [90.0, 95.0, 100.0, 105.0]


def test_strikes_are_added_as_the_stock_moves() -> None:
    listed_strikes = strikes_around(100_000_000, 2)
    assert missing_strikes(listed_strikes, 101_000_000, 2) == (110_000_000,)
    assert missing_strikes(listed_strikes, 100_000_000, 2) == ()


def test_a_list_by_rule_leaves_out_what_is_listed() -> None:
    first = list_by_rule("XYZ", 100_000_000, (DAY,), 2)
    assert [one.symbol for one in first[:2]] == ["XYZ   140606C00090000", "XYZ   140606P00090000"]
    known = {one.symbol for one in first}
    more = list_by_rule("XYZ", 106_000_000, (DAY,), 2, listed=known, tick_rule="option_etf")
    assert [one.strike_micros for one in more] == [110_000_000, 110_000_000, 115_000_000,
                                                   115_000_000]  # fmt: skip
    assert {one.increment(500) for one in more} == {1}
