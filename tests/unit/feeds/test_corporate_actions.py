"""Factor files: what changed between two rows."""

from datetime import date
from pathlib import Path

import pytest

from environment.feeds.corporate_actions import read_corporate_actions
from environment.feeds.files import FeedError
from environment.market.corporate_actions import Dividend, Split

HEADER = "symbol,date,price_factor,split_factor,reference_price\n"
TAIL = "A,2050-12-31,1,1,0\n"


def factors(folder: Path, text: str) -> Path:
    file = folder / "factors.csv"
    file.write_text(HEADER + text)
    return file


def test_dividend_is_the_cash_that_explains_the_price_factor(tmp_path: Path) -> None:
    file = factors(tmp_path, "A,2014-06-06,0.9900000,1,100\n" + TAIL)
    assert read_corporate_actions(file, ("A",)) == (
        Dividend(symbol="A", ex_date=date(2014, 6, 9), micros_per_share=1_000_000),
    )


def test_reverse_split_has_more_old_shares_than_new(tmp_path: Path) -> None:
    file = factors(tmp_path, "A,2014-06-06,1,20,100\n" + TAIL)
    assert read_corporate_actions(file, ("A",)) == (
        Split(symbol="A", ex_date=date(2014, 6, 9), numerator=1, denominator=20),
    )


def test_bounds_are_ex_dates_and_included(tmp_path: Path) -> None:
    file = factors(tmp_path, "A,2014-06-06,0.99,1,100\n" + TAIL)
    day = date(2014, 6, 9)
    assert len(read_corporate_actions(file, ("A",), first=day, last=day)) == 1
    assert read_corporate_actions(file, ("A",), first=date(2014, 6, 10)) == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (TAIL.replace("A,", "B,"), "symbol 'A' is not in it"),
        ("A,2014-06-06,0,1,100\n" + TAIL, "not positive"),
        (TAIL + "A,2014-06-06,1,1,100\n", "dates of A go back"),
        ("A,2014-06-06,,1,100\n", "empty cell"),
        ("A,soon,1,1,100\n", "not a table of factors"),
    ],
)
def test_file_is_refused_with_one_line(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(FeedError, match=line):
        read_corporate_actions(factors(tmp_path, text), ("A",))
