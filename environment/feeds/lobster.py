"""Order-level recordings in LOBSTER's format: message and order book files, read and written.

A message row is time (seconds after midnight of the exchange's zone), type, order id, size, price
(ten-thousandths of the currency) and direction; a book row holds ask price, ask size, bid price and
bid size per level, after the message of the same row. Neither file has a header.
"""

import io
import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from environment.feeds.files import FeedError, read_bytes, read_member, write_bytes
from environment.market.recording import EMPTY_ASK, EMPTY_BID, MESSAGE_WORDS

_SECOND_NS: Final = 1_000_000_000
_COLUMNS: Final = ("time", "kind", "order_id", "size", "price", "direction")
_NAME: Final = re.compile(r"(?P<symbol>[A-Z.]+)_(?P<date>\d{4}-\d{2}-\d{2})_")
_KINDS: Final = (1, 7)


@dataclass(frozen=True, slots=True, eq=False)
class LobsterDay:
    """One recording.

    Attributes
    ----------
    messages : int64 array of shape (n, 6)
        Time in nanoseconds since 1970 UTC, type 1 to 7, order id, size, price in ten-thousandths,
        direction (1 buy order, -1 sell order).
    books : int64 array of shape (n, 4 * levels), or None
        Ask price, ask size, bid price, bid size per level, best first.
    """

    symbol: str
    date: date
    messages: NDArray[np.int64]
    books: NDArray[np.int64] | None

    @property
    def levels(self) -> int:
        """Return how many levels a side the book file publishes; 0 without one."""
        return 0 if self.books is None else self.books.shape[1] // 4


def _midnight_ns(day: date, zone: str) -> int:
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return int(start.timestamp()) * _SECOND_NS


def _parse_messages(content: bytes, path: Path, midnight_ns: int) -> NDArray[np.int64]:
    schema = {name: pl.String if name == "time" else pl.Int64 for name in _COLUMNS}
    try:
        frame = pl.read_csv(io.BytesIO(content), has_header=False, schema=schema)
        # Seconds as text: a binary float of a time of day is off by up to 4 ps, but written
        # files carry up to twelve digits of such noise, so the tenth digit rounds.
        parts = frame["time"].str.split_exact(".", 1).struct.unnest()
        digits = parts["field_1"].fill_null("").str.pad_end(10, "0").str.slice(0, 10)
        time_ns = parts["field_0"].cast(pl.Int64) * _SECOND_NS + (digits.cast(pl.Int64) + 5) // 10
    except pl.exceptions.PolarsError as error:
        found = f"a message row is not six numbers ({str(error).splitlines()[0][:80]})"
        raise FeedError(path, found, "give a LOBSTER message file") from error
    frame = frame.with_columns(time=time_ns + midnight_ns)
    if frame.is_empty():
        raise FeedError(path, "there are no messages", "give a complete recording")
    if frame.null_count().sum_horizontal().item():
        raise FeedError(path, "a message row has an empty cell", "give a complete recording")
    rows = np.ascontiguousarray(frame.to_numpy(), dtype=np.int64)
    _check_messages(rows, path)
    return rows


def _check_messages(rows: NDArray[np.int64], path: Path) -> None:
    back = np.flatnonzero(np.diff(rows[:, 0]) < 0)
    if back.size:
        raise FeedError(path, f"row {back[0] + 2}: time goes back", "sort the recording by time")
    odd = np.flatnonzero((rows[:, 1] < _KINDS[0]) | (rows[:, 1] > _KINDS[1]))
    if odd.size:
        found = f"row {odd[0] + 1}: message type {rows[odd[0], 1]}"
        raise FeedError(path, found, "types run from 1 to 7")
    sized = rows[:, 1] < 6
    bad = np.flatnonzero(sized & ((rows[:, 3] <= 0) | (np.abs(rows[:, 5]) != 1)))
    if bad.size:
        found = f"row {bad[0] + 1}: size {rows[bad[0], 3]}, direction {rows[bad[0], 5]}"
        raise FeedError(path, found, "sizes are positive and directions 1 or -1")


def _parse_books(content: bytes, path: Path, rows: int) -> NDArray[np.int64]:
    try:
        frame = pl.read_csv(io.BytesIO(content), has_header=False, infer_schema_length=0)
        frame = frame.select(pl.all().cast(pl.Int64))
    except pl.exceptions.PolarsError as error:
        found = f"a book row is not whole numbers ({str(error).splitlines()[0][:80]})"
        raise FeedError(path, found, "give a LOBSTER order book file") from error
    if frame.width % 4:
        raise FeedError(path, f"book rows have {frame.width} columns", "four per level are needed")
    if frame.height != rows:
        found = f"{rows} messages but {frame.height} book rows"
        raise FeedError(path, found, "both files of a recording have equal length")
    if frame.null_count().sum_horizontal().item():
        raise FeedError(path, "a book row has an empty cell", "give a complete recording")
    return np.ascontiguousarray(frame.to_numpy(), dtype=np.int64)


def read_lobster(
    path: Path,
    *,
    books: Path | None = None,
    symbol: str | None = None,
    day: date | None = None,
    zone: str = "America/New_York",
) -> LobsterDay:
    """Return a recording from a zip of both files, or from a message file (and a book file).

    Symbol and date come from the file's name where it is LOBSTER's own (`SYMBOL_YYYY-MM-DD_...`).

    Raises
    ------
    FeedError
        If a file is missing, damaged or not in the format, or if the name does not tell the date
        and none is given.
    """
    named = _NAME.search(path.name)
    if day is None:
        if named is None:
            found = "the name tells no date"
            raise FeedError(path, found, "name it SYMBOL_YYYY-MM-DD_... or give the date")
        day = date.fromisoformat(named["date"])
    if path.suffix == ".zip":
        message_bytes, book_bytes = read_member(path, "message"), read_member(path, "orderbook")
        if message_bytes is None:
            raise FeedError(path, "no member is named 'message'", "give a LOBSTER archive")
    else:
        message_bytes = read_bytes(path)
        book_bytes = None if books is None else read_bytes(books)
    messages = _parse_messages(message_bytes, path, _midnight_ns(day, zone))
    book_rows = None
    if book_bytes is not None:
        book_rows = _parse_books(book_bytes, books or path, len(messages))
    return LobsterDay(symbol or (named["symbol"] if named else ""), day, messages, book_rows)


def _message_text(messages: NDArray[np.int64], midnight_ns: int) -> bytes:
    since_ns = messages[:, 0] - midnight_ns
    frame = pl.DataFrame(messages[:, 1:], schema=list(_COLUMNS[1:]))
    seconds = pl.Series("seconds", since_ns // _SECOND_NS).cast(pl.String)
    fraction = pl.Series("fraction", since_ns % _SECOND_NS).cast(pl.String).str.zfill(9)
    frame.insert_column(0, (seconds + "." + fraction).alias("time"))
    return frame.write_csv(include_header=False).encode()


def write_lobster(recording: LobsterDay, folder: Path, *, zone: str = "America/New_York") -> Path:
    """Write the message file and, where there is one, the book file; return the message file.

    Both are gzip files named as LOBSTER names its own, so `read_lobster` needs no further word.
    """
    if recording.messages.shape[1] != MESSAGE_WORDS:
        raise ValueError(
            f"messages have {recording.messages.shape[1]} columns, not {MESSAGE_WORDS}"
        )
    midnight_ns = _midnight_ns(recording.date, zone)
    first_ms, last_ms = ((recording.messages[[0, -1], 0] - midnight_ns) // 1_000_000).tolist()
    stem = f"{recording.symbol}_{recording.date.isoformat()}_{first_ms}_{last_ms}"
    folder.mkdir(parents=True, exist_ok=True)
    if recording.books is not None:
        text = pl.DataFrame(recording.books).write_csv(include_header=False).encode()
        write_bytes(folder / f"{stem}_orderbook_{recording.levels}.csv.gz", text)
    target = folder / f"{stem}_message_{recording.levels}.csv.gz"
    write_bytes(target, _message_text(recording.messages, midnight_ns))
    return target


def book_file_of(messages: Path) -> Path | None:
    """Return the book file that stands beside a message file, or None without one."""
    beside = messages.with_name(messages.name.replace("_message_", "_orderbook_"))
    return beside if beside != messages and beside.exists() else None


__all__ = [
    "EMPTY_ASK", "EMPTY_BID", "LobsterDay", "book_file_of", "read_lobster", "write_lobster",
]  # fmt: skip
