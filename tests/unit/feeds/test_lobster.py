"""LOBSTER files: exact times, and one line for what cannot be used."""

import gzip
from datetime import date
from pathlib import Path

import pytest

from environment.feeds.files import FeedError
from environment.feeds.lobster import book_file_of, read_lobster

MIDNIGHT_NS = 1_340_251_200_000_000_000  # 2012-06-21 in New York.


def recording(folder: Path, text: str, books: str | None = None) -> Path:
    file = folder / "X_2012-06-21_34200000_57600000_message_1.csv"
    file.write_text(text)
    if books is not None:
        (folder / file.name.replace("message", "orderbook")).write_text(books)
    return file


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [("34200", 0), ("34200.5", 500_000_000), ("34200.017459617", 17_459_617),
     ("34200.017459616999", 17_459_617)],
)  # fmt: skip
def test_time_is_exact_to_the_nanosecond(tmp_path: Path, text: str, nanoseconds: int) -> None:
    day = read_lobster(recording(tmp_path, f"{text},1,7,100,5853300,1\n"))
    assert day.messages[0, 0] == MIDNIGHT_NS + 34_200 * 10**9 + nanoseconds


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "no messages|six numbers"),
        ("34200.1,1,7,100,5853300,1\n34200.0,1,8,100,5853300,1\n", "row 2: time goes back"),
        ("34200.1,9,7,100,5853300,1\n", "row 1: message type 9"),
        ("34200.1,1,7,0,5853300,1\n", "row 1: size 0"),
        ("34200.1,1,7,100,58x,1\n", "six numbers"),
        ("34200.1,1,7,100,,1\n", "empty cell"),
    ],
)
def test_message_file_is_refused_with_one_line(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(FeedError, match=line) as refusal:
        read_lobster(recording(tmp_path, text))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("books", "line"), [("1,2,3\n", "3 columns"), ("1,2,3,4\n1,2,3,4\n", "1 messages but 2")]
)
def test_book_file_is_refused_when_it_does_not_fit(tmp_path: Path, books: str, line: str) -> None:
    file = recording(tmp_path, "34200.1,1,7,100,5853300,1\n", books)
    with pytest.raises(FeedError, match=line):
        read_lobster(file, books=book_file_of(file))


def test_truncated_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "X_2012-06-21_message_1.csv.gz"
    file.write_bytes(gzip.compress(b"34200.1,1,7,100,5853300,1\n" * 50)[:-9])
    with pytest.raises(FeedError, match="cut short"):
        read_lobster(file)


def test_name_without_a_date_needs_one(tmp_path: Path) -> None:
    file = tmp_path / "tape.csv"
    file.write_text("34200.1,1,7,100,5853300,1\n")
    with pytest.raises(FeedError, match="no date"):
        read_lobster(file)
    assert read_lobster(file, day=date(2012, 6, 21), symbol="X").symbol == "X"


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="cannot be read"):
        read_lobster(tmp_path / "X_2012-06-21_message_1.csv")


def test_archive_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "X_2012-06-21_1.zip"
    file.write_bytes(b"not a zip")
    with pytest.raises(FeedError, match="zip archive is damaged"):
        read_lobster(file)
