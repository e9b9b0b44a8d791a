"""Real order flow, every row: the mirrored book against what the recordings publish."""

from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from environment.feeds.bitstamp import BitstampDay, read_bitstamp_log, read_bitstamp_orders
from environment.feeds.lobster import LobsterDay, read_lobster, write_lobster
from environment.market import layout as at
from environment.market.mirror import Mirror, mirror
from environment.market.mirror_states import StatesMirror, mirror_states
from environment.market.recording import tape_to_lobster
from tests.shared_data import shared

GOOG = "data/orderbook/LOBSTER_SampleFile_GOOG_2012-06-21_10.zip"
AAPL = "data/orderbook/LOBSTER_SampleFile_AAPL_2012-06-21_1.zip"
AAPL_50 = "data/orderbook/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz"
BITSTAMP = "data/orderbook/bitstamp_btcusd_2015-05-01.log.xz"
BITSTAMP_TABLE = "data/orderbook/bitstamp_btcusd_2015-05-01_orders.csv.xz"


@cache
def recording(path: str) -> LobsterDay:
    return read_lobster(shared(path))


@cache
def mirrored(path: str) -> Mirror:
    day = recording(path)
    return mirror(day.messages, day.books)


@cache
def bitstamp() -> BitstampDay:
    return read_bitstamp_log(shared(BITSTAMP))


def mirrored_bitstamp(*, adopt_unknown: bool) -> StatesMirror:
    day = bitstamp()
    return mirror_states(
        day.events, day.trades, day.snapshots, day.snapshot_rows, adopt_unknown=adopt_unknown
    )


@pytest.mark.parametrize(
    ("path", "rows", "compared", "seeded", "anonymous", "known", "front"),
    [
        (GOOG, 147_916, 2_913_849, 44_471, 7_120, 6_949, 6_944),
        (AAPL, 118_497, 206_921, 30_073, 21_339, 10_938, 10_913),
    ],
)
def test_mirror_agrees_with_every_published_level(
    path: str, rows: int, compared: int, seeded: int, anonymous: int, known: int, front: int
) -> None:
    counts = mirrored(path).counts
    assert (counts.rows, counts.compared, counts.seeded) == (rows, compared, seeded)
    assert (counts.different, counts.unexplained, counts.repeated_ids) == (0, 0, 0)
    assert counts.anonymous_events == anonymous
    assert (counts.executed_known, counts.executed_front) == (known, front)


@pytest.mark.parametrize("path", [GOOG, AAPL])
def test_hidden_executions_are_prints_at_their_own_price(path: str) -> None:
    messages, tape = recording(path).messages, mirrored(path).tape
    hidden = messages[messages[:, 1] == 5]
    prints = tape[tape[:, at.T_KIND] == at.K_PRINT]
    columns = [at.T_TIME, at.T_ORDER, at.T_QUANTITY, at.T_PRICE]
    assert (prints[:, columns] == hidden[:, [0, 2, 3, 4]]).all()
    assert (prints[:, at.T_PRICE] % 100 != 0).any()


@pytest.mark.parametrize("path", [GOOG, AAPL])
def test_tape_of_a_mirror_gives_the_recording_back(path: str) -> None:
    day, tape = recording(path), mirrored(path).tape
    messages, books = tape_to_lobster(
        tape, instrument=0, start_ns=0, end_ns=1 << 62, levels=day.levels, price_unit=1
    )
    # The first message only seeds. The end of an order that the mirror does not know is, for its
    # level's anonymous order, a partial cancel.
    expected = day.messages[1:]
    known_kind = np.where(expected[:, 1] == 3, 2, expected[:, 1])
    assert (messages[:, [0, 3, 4, 5]] == expected[:, [0, 3, 4, 5]]).all()
    assert (np.where(messages[:, 1] == 3, 2, messages[:, 1]) == known_kind).all()
    assert day.books is not None
    assert (books == day.books[1:]).all()


def rebuilt_windows(tape: np.ndarray, depth: int) -> dict[int, list[tuple[int, int]]]:
    """Return side -> best levels from the tape alone: one dictionary of resting orders."""
    resting: dict[int, tuple[int, int, int]] = {}
    for row in tape.tolist():
        kind, order = row[at.T_KIND], row[at.T_ORDER]
        if kind == at.K_REST:
            resting[order] = (row[at.T_SIDE], row[at.T_PRICE], row[at.T_LEAVES])
        elif kind in {at.K_FILL, at.K_CANCEL, at.K_REDUCE} and row[at.T_LEAVES] == 0:
            del resting[order]
        elif kind in {at.K_FILL, at.K_REDUCE}:
            resting[order] = (*resting[order][:2], row[at.T_LEAVES])
    levels: dict[int, dict[int, int]] = {0: {}, 1: {}}
    for side, price, leaves in resting.values():
        levels[side][price] = levels[side].get(price, 0) + leaves
    return {
        side: sorted(found.items(), reverse=side == at.BUY)[:depth]
        for side, found in levels.items()
    }


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_book_can_be_rebuilt_from_the_tape_alone(share: float) -> None:
    day, whole = recording(GOOG), mirrored(GOOG)
    row = int(share * len(day.messages)) - 1
    assert day.books is not None
    part = mirror(day.messages[: row + 1], day.books[: row + 1])
    assert (whole.tape[: len(part.tape)] == part.tape).all()
    windows = rebuilt_windows(part.tape, day.levels)
    published = day.books[row].reshape(-1, 4)
    assert windows[at.SELL] == [tuple(level) for level in published[:, :2].tolist()]
    assert windows[at.BUY] == [tuple(level) for level in published[:, 2:].tolist()]


def test_deep_recording_without_books_has_time_priority() -> None:
    day = read_lobster(shared(AAPL_50))
    assert (day.symbol, day.date, day.books) == ("AAPL", date(2012, 6, 21), None)
    counts = mirror(day.messages, None).counts
    assert (counts.rows, counts.compared) == (91_997, 0)
    # Orders beyond the 50th level vanish unseen, so the share at the front is below one.
    assert counts.executed_front >= 0.97 * counts.executed_known > 0


def test_recording_survives_writing_and_reading(tmp_path: Path) -> None:
    day = recording(GOOG)
    assert day.books is not None
    part = LobsterDay("GOOG", day.date, day.messages[:5_000], day.books[:5_000])
    file = write_lobster(part, tmp_path)
    books = tmp_path / file.name.replace("message", "orderbook")
    again = read_lobster(file, books=books)
    assert (again.symbol, again.date) == ("GOOG", date(2012, 6, 21))
    assert (again.messages == part.messages).all()
    assert again.books is not None
    assert part.books is not None
    assert (again.books == part.books).all()


def test_bitstamp_touch_agrees_with_the_snapshots_when_strangers_are_ignored() -> None:
    counts = mirrored_bitstamp(adopt_unknown=False).counts
    assert (counts.snapshots_equal, counts.snapshots) == (4_951, 5_011)
    assert (counts.snapshots_late_equal, counts.snapshots_late) == (3_953, 3_956)
    assert (counts.crossed, counts.states) == (920, 50_197)


def test_bitstamp_touch_agrees_more_often_when_strangers_are_adopted() -> None:
    counts = mirrored_bitstamp(adopt_unknown=True).counts
    assert (counts.snapshots_equal, counts.snapshots_late_equal) == (4_954, 3_953)
    assert (counts.crossed, counts.states) == (922, 50_204)


def test_bitstamp_oddities_are_counted_by_kind() -> None:
    counts = mirrored_bitstamp(adopt_unknown=True).counts
    assert (counts.marketable_creates, counts.missing_creates) == (348, 3)
    assert (counts.unknown_deletes, counts.repeated_deletes) == (184, 21)
    assert (counts.events_after_delete, counts.repeated_creates) == (6, 0)


def test_bitstamp_trades_are_prints_on_the_tape() -> None:
    tape = mirrored_bitstamp(adopt_unknown=True).tape
    prints = tape[tape[:, at.T_KIND] == at.K_PRINT]
    assert len(prints) == 575
    assert (prints[:, at.T_PRICE] == bitstamp().trades[:, 1]).all()


def test_bitstamp_table_is_the_log_to_one_lot() -> None:
    log, table = bitstamp().events, read_bitstamp_orders(shared(BITSTAMP_TABLE)).events
    others = [0, 1, 2, 3, 4, 6]
    assert (log[:, others] == table[:, others]).all()
    # The table's amounts were cut from binary floats: up to one lot is missing.
    assert set(np.unique(log[:, 5] - table[:, 5]).tolist()) == {0, 1}
