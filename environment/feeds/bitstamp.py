"""Bitstamp's recorded order feed: the raw log of events and snapshots, and its table of events.

Prices become integer ticks of one cent and amounts integer lots of 1e-8 coin, both exactly.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from environment.feeds.files import FeedError, read_bytes

CREATED, CHANGED, DELETED = range(3)
ACTIONS: Final = ("created", "changed", "deleted")
(V_RECEIVED_NS, V_ORDER, V_ACTION, V_SIDE, V_PRICE, V_AMOUNT, V_EXCHANGE_NS) = range(7)
_MS_NS: Final = 1_000_000
_PRICE_DIGITS: Final = 2
_AMOUNT_DIGITS: Final = 8
_SNAPSHOT_LEVELS: Final = 20

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class BitstampDay:
    """One recording, in order of receipt.

    Attributes
    ----------
    events : int64 array of shape (n, 7)
        Received (ns since 1970 UTC), order id, action (0 created, 1 changed, 2 deleted), side
        (0 buy, 1 sell), price (cents), amount left (1e-8 coin), exchange's time (ns).
    trades : int64 array of shape (n, 5)
        Received (ns), price, amount, trade id, number of events received before it.
    snapshots : int64 array of shape (n, 2, 20, 2)
        Price and amount per side (bids first) and level, best first; absent levels are 0.
    snapshot_rows : int64 array of shape (n, 2)
        Received (ns) and number of events received before the snapshot.
    """

    events: Ints
    trades: Ints
    snapshots: Ints
    snapshot_rows: Ints


class _Order(msgspec.Struct):
    """Body of the three order events."""

    price: str
    amount: str
    datetime: str
    id: int
    order_type: int


class _Trade(msgspec.Struct):
    """Body of a trade; its numbers are binary floats printed with their noise."""

    price: float
    amount: float
    id: int


class _Book(msgspec.Struct):
    """Body of a snapshot."""

    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


_ORDER: Final = msgspec.json.Decoder(_Order)
_TRADE: Final = msgspec.json.Decoder(_Trade)
_BOOK: Final = msgspec.json.Decoder(_Book)


def _scaled(text: str, digits: int) -> int:
    """Return a decimal number as an integer of its last allowed digit; never rounded."""
    whole, _, fraction = text.partition(".")
    if not (whole + fraction).isdecimal():
        raise ValueError(f"'{text}' is no positive decimal number")
    if len(fraction) > digits and fraction[digits:].strip("0"):
        raise ValueError(f"'{text}' has more than {digits} decimals")
    return int(whole + fraction[:digits].ljust(digits, "0"))


def _order_row(received_ns: int, action: int, body: _Order) -> tuple[int, ...]:
    if body.order_type not in (0, 1):
        raise ValueError(f"order_type {body.order_type} is neither 0 nor 1")
    price = _scaled(body.price, _PRICE_DIGITS)
    amount = _scaled(body.amount, _AMOUNT_DIGITS)
    return (received_ns, body.id, action, body.order_type, price, amount,
            int(body.datetime) * 1_000_000_000)  # fmt: skip


def _not_known(kind: str) -> ValueError:
    return ValueError(f"event '{kind[:20]}' is not known")


def _fill_snapshot(side: Ints, levels: list[tuple[str, str]]) -> None:
    for row, (price, amount) in enumerate(levels[:_SNAPSHOT_LEVELS]):
        side[row] = _scaled(price, _PRICE_DIGITS), _scaled(amount, _AMOUNT_DIGITS)


def read_bitstamp_log(path: Path) -> BitstampDay:
    """Return a raw log: lines of receive time in milliseconds, event name and JSON body.

    Raises
    ------
    FeedError
        If the file is damaged or a line is not in the format; the line is named.
    """
    events: list[tuple[int, ...]] = []
    trades: list[tuple[int, ...]] = []
    books: list[Ints] = []
    book_rows: list[tuple[int, int]] = []
    for number, line in enumerate(read_bytes(path).splitlines(), 1):
        try:
            received, name, body = line.split(b" ", 2)
            now_ns = int(received) * _MS_NS
            kind = name.decode()
            if kind.startswith("order_") and kind[6:] in ACTIONS:
                events.append(_order_row(now_ns, ACTIONS.index(kind[6:]), _ORDER.decode(body)))
            elif kind == "trade":
                trades.append((now_ns, *_trade_numbers(body), len(events)))
            elif kind == "order_book":
                decoded = _BOOK.decode(body)
                book = np.zeros((2, _SNAPSHOT_LEVELS, 2), np.int64)
                _fill_snapshot(book[0], decoded.bids)
                _fill_snapshot(book[1], decoded.asks)
                books.append(book)
                book_rows.append((now_ns, len(events)))
            else:
                raise _not_known(kind)
        except (ValueError, msgspec.DecodeError) as error:
            raise FeedError(path, f"line {number}: {error}", "give a Bitstamp event log") from error
    if not events:
        raise FeedError(path, "there are no order events", "give a Bitstamp event log")
    table = np.array(events, np.int64)
    _check_time(table, path)
    snapshots = np.array(books, np.int64).reshape(-1, 2, _SNAPSHOT_LEVELS, 2)
    return BitstampDay(
        table, np.array(trades, np.int64).reshape(-1, 5), snapshots,
        np.array(book_rows, np.int64).reshape(-1, 2),
    )  # fmt: skip


def _trade_numbers(body: bytes) -> tuple[int, int, int]:
    trade = _TRADE.decode(body)
    amount = round(trade.amount * 10**_AMOUNT_DIGITS)
    return round(trade.price * 10**_PRICE_DIGITS), amount, trade.id


def _check_time(events: Ints, path: Path) -> None:
    back = np.flatnonzero(np.diff(events[:, V_RECEIVED_NS]) < 0)
    if back.size:
        raise FeedError(path, f"event {back[0] + 2}: time goes back", "sort the recording by time")


def read_bitstamp_orders(path: Path) -> BitstampDay:
    """Return the table of order events; trades and snapshots come out empty.

    Columns: id, timestamp, exchange.timestamp, price, volume, action, direction.

    Raises
    ------
    FeedError
        If the file is damaged, lacks a column, or has an empty or unknown value.
    """
    schema: dict[str, Any] = {
        "id": pl.Int64, "timestamp": pl.Int64, "exchange.timestamp": pl.Int64, "price": pl.String,
        "volume": pl.Int64, "action": pl.String, "direction": pl.String,
    }  # fmt: skip
    try:
        frame = pl.read_csv(io.BytesIO(read_bytes(path)), schema=schema)
    except pl.exceptions.PolarsError as error:
        found = f"not the table of order events ({str(error).splitlines()[0][:80]})"
        raise FeedError(path, found, f"give columns {', '.join(schema)}") from error
    actions = frame["action"].replace_strict(
        list(ACTIONS), [CREATED, CHANGED, DELETED], default=None, return_dtype=pl.Int64
    )
    sides = frame["direction"].replace_strict(
        ["bid", "ask"], [0, 1], default=None, return_dtype=pl.Int64
    )
    try:
        prices = [_scaled(text or "", _PRICE_DIGITS) for text in frame["price"]]
    except ValueError as error:
        raise FeedError(path, f"column 'price': {error}", "prices are in cents") from error
    table = frame.select(
        pl.col("timestamp") * _MS_NS, "id", actions, sides, pl.Series("price", prices, pl.Int64),
        "volume", pl.col("exchange.timestamp") * _MS_NS,
    )  # fmt: skip
    if table.is_empty() or table.null_count().sum_horizontal().item():
        found = "no events" if table.is_empty() else "an empty cell, or an unknown action or side"
        raise FeedError(path, found, "give a complete recording")
    events = np.ascontiguousarray(table.to_numpy(), dtype=np.int64)
    _check_time(events, path)
    none = np.zeros((0, 5), np.int64)
    return BitstampDay(
        events, none, np.zeros((0, 2, _SNAPSHOT_LEVELS, 2), np.int64), np.zeros((0, 2), np.int64)
    )
