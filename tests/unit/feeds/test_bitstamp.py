"""Bitstamp's feed: exact integers, and one line for what cannot be used."""

from pathlib import Path

import pytest

from environment.feeds.bitstamp import read_bitstamp_log, read_bitstamp_orders
from environment.feeds.files import FeedError

ORDER = (
    '{"price": "236.4", "amount": "1.78855669", "datetime": "1430438404", "id": 7, "order_type": 1}'
)


def log(folder: Path, *lines: str) -> Path:
    file = folder / "day.log"
    file.write_text("\n".join(lines))
    return file


def test_event_becomes_cents_and_lots(tmp_path: Path) -> None:
    day = read_bitstamp_log(log(tmp_path, f"1430438404518 order_changed {ORDER}"))
    assert day.events.tolist() == [
        [1_430_438_404_518_000_000, 7, 1, 1, 23_640, 178_855_669, 1_430_438_404_000_000_000]
    ]


def test_snapshot_remembers_how_many_events_came_before(tmp_path: Path) -> None:
    book = '{"bids": [["236.47", "1.5"]], "asks": []}'
    day = read_bitstamp_log(log(tmp_path, f"1 order_created {ORDER}", f"2 order_book {book}"))
    assert day.snapshot_rows.tolist() == [[2_000_000, 1]]
    assert day.snapshots[0, :, 0].tolist() == [[23_647, 150_000_000], [0, 0]]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("x order_created {}", "line 1: invalid literal"),
        ("1 order_lost {}", "event 'order_lost' is not known"),
        ("1 order_created {}", "line 1"),
        (f"1 order_created {ORDER.replace('236.4', '236.404')}", "more than 2 decimals"),
        (f"1 order_created {ORDER.replace(': 1}', ': 3}')}", "neither 0 nor 1"),
        ("", "no order events"),
    ],
)
def test_log_is_refused_with_one_line(tmp_path: Path, line: str, found: str) -> None:
    with pytest.raises(FeedError, match=found) as refusal:
        read_bitstamp_log(log(tmp_path, line))
    assert "\n" not in str(refusal.value)


HEADER = "id,timestamp,exchange.timestamp,price,volume,action,direction\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (HEADER + "7,1,1,236.4,5,lost,bid\n", "unknown action"),
        (HEADER + "7,1,1,,5,created,bid\n", "price"),
        (HEADER, "no events"),
        (HEADER + "7,2,1,1,5,created,bid\n7,1,1,1,5,deleted,bid\n", "time goes back"),
    ],
)
def test_table_is_refused_with_one_line(tmp_path: Path, text: str, found: str) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(text)
    with pytest.raises(FeedError, match=found) as refusal:
        read_bitstamp_orders(file)
    assert "\n" not in str(refusal.value)
