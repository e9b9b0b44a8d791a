"""Bars: what is counted, what is refused."""

from datetime import date
from pathlib import Path

import pytest

from environment.feeds.bars import Bars, read_bars, read_quote_bars
from environment.feeds.files import FeedError

HEADER = "time,symbol,open,high,low,close,volume\n"
GOOD = "2014-06-06T09:30:00,AAPL,10,12,9,11,100\n"
NINE_THIRTY_NS = 1_402_061_400_000_000_000


def bars(folder: Path, text: str, **wanted: object) -> Bars:
    file = folder / "bars.csv"
    file.write_text(text)
    return read_bars(file, **wanted)  # type: ignore[arg-type]  # the tests' own keywords


def test_time_of_day_is_read_in_the_exchanges_zone(tmp_path: Path) -> None:
    assert bars(tmp_path, HEADER + GOOD).frame["time_ns"].to_list() == [NINE_THIRTY_NS]


def test_daily_bars_have_a_date(tmp_path: Path) -> None:
    daily = bars(tmp_path, "date,open,high,low,close,volume,Name\n2014-06-06,1,2,1,2,5,A\n")
    assert daily.frame.row(0) == ("A", date(2014, 6, 6), 1.0, 2.0, 1.0, 2.0, 5.0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2014-06-06T09:31:00,AAPL,,12,9,11,100\n", "missing_cell"),
        ("2014-06-06T09:31:00,AAPL,10,12,9,11,\n", "missing_cell"),
        ("2014-06-06T09:31:00,AAPL,10,8,9,9,100\n", "high_below_low"),
        ("2014-06-06T09:31:00,AAPL,10,12,9,13,100\n", "open_or_close_outside_range"),
        ("2014-06-06T09:31:00,AAPL,0,12,0,11,100\n", "price_not_positive"),
        ("2014-06-06T09:31:00,AAPL,10,12,9,11,-1\n", "negative_volume"),
    ],
)
def test_bad_row_is_counted_or_refuses_the_file(tmp_path: Path, row: str, reason: str) -> None:
    told = bars(tmp_path, HEADER + GOOD + row)
    assert (told.dropped, len(told.frame)) == ({reason: 1}, 1)
    with pytest.raises(FeedError, match=f"row 3: {reason.replace('_', ' ')}"):
        bars(tmp_path, HEADER + GOOD + row, bad_rows="refuse")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (HEADER + GOOD + GOOD, "row 3: time of AAPL does not go on"),
        (HEADER, "no bars"),
        ("time,open\n1,2\n", "columns are missing: symbol, high, low, close, volume"),
        (HEADER + GOOD.replace("12", "twelve"), "row 2: column 'high' is no number"),
        (HEADER + GOOD.replace("2014-06-06T", "6 June "), "row 2: its time cannot be read"),
        (HEADER + GOOD.replace("10,12", "0,0"), "no row is left"),
    ],
)
def test_file_is_refused_with_one_line(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(FeedError, match=line) as refusal:
        bars(tmp_path, text)
    assert "\n" not in str(refusal.value)


def test_days_and_symbols_are_chosen(tmp_path: Path) -> None:
    rows = GOOD + GOOD.replace("06-06", "06-09") + GOOD.replace("AAPL", "GOOG")
    told = bars(tmp_path, HEADER + rows, symbol="AAPL", first=date(2014, 6, 7))
    assert len(told.of("AAPL")) == 1
    assert told.of("GOOG").is_empty()


def test_symbol_stands_in_for_a_missing_column(tmp_path: Path) -> None:
    text = "timestamp,open,high,low,close,volume\n2022-01-01 00:01:00.000000,1,2,1,2,5.5\n"
    told = bars(tmp_path, text, symbol="BTC", zone="UTC")
    assert told.frame["symbol"].to_list() == ["BTC"]


def test_crossed_quotes_are_counted_and_locked_ones_kept(tmp_path: Path) -> None:
    sides = "".join(f",{s}_open,{s}_high,{s}_low,{s}_close,{s}_size" for s in ("bid", "ask"))
    rows = "".join(
        f"2014-06-06T09:3{minute}:00,AAPL,{bid},{bid},{bid},{bid},100,10,10,10,10,100\n"
        for minute, bid in enumerate((9, 10, 11))
    )
    file = tmp_path / "quotes.csv"
    file.write_text(f"time,symbol{sides}\n{rows}")
    told = read_quote_bars(file)
    assert (told.dropped, len(told.frame)) == ({"crossed": 1}, 2)
