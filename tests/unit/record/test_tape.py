"""The tape on disk: readable names for people, the same integers for machines."""

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, strategies as st

from environment.errors import OperatingError
from environment.market import layout as at
from environment.record.tape import (
    Rows,
    TapeWriter,
    block_of,
    read_blocks,
    read_facts,
    read_tape,
)
from tests.unit.record.tiny_market import make_facts, simulate_day

ANY_INT64 = st.integers(-(2**63), 2**63 - 1)


def write(path: Path, *blocks: Rows) -> None:
    with TapeWriter(path, make_facts()) as tape:
        for block in blocks:
            tape.write(block)


def write_and_stop(tape: TapeWriter, rows: Rows) -> None:
    tape.write(rows)
    raise KeyboardInterrupt


@given(st.lists(st.lists(ANY_INT64, min_size=16, max_size=16), max_size=5))
def test_any_rows_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, values: list[list[int]]
) -> None:
    path = tmp_path_factory.mktemp("tape") / "orders.parquet"
    rows = np.array(values, np.int64).reshape(-1, 16)
    write(path, rows)
    assert (read_tape(path) == rows).all()


def test_each_block_can_be_checked_against_the_journal(tmp_path: Path) -> None:
    rows = simulate_day(1, events=200).array()
    blocks = np.array_split(rows, 3)
    with TapeWriter(tmp_path / "orders.parquet", make_facts()) as tape:
        known = [tape.write(block) for block in blocks]
    assert [block_of(b) for b in read_blocks(tmp_path / "orders.parquet")] == known
    assert known[0].sha256 == hashlib.sha256(blocks[0].astype("<i8").tobytes()).hexdigest()
    assert sum(block.rows for block in known) == len(rows)


def test_a_fill_reads_in_words(tmp_path: Path) -> None:
    rows = simulate_day(1, events=200).array()
    write(tmp_path / "orders.parquet", rows)
    place = int(np.flatnonzero(rows[:, at.T_KIND] == at.K_FILL)[-1])
    row = pl.read_parquet(tmp_path / "orders.parquet").row(place, named=True)
    assert row["kind"] == "fill"
    assert row["instrument"] == "AAPL"
    assert row["liquidity"] == "maker_displayed"
    assert row["side"] == ("buy" if rows[place, at.T_SIDE] == at.BUY else "sell")
    assert row["price"] == pytest.approx(rows[place, at.T_PRICE] / 100)
    assert row["time"].tzinfo.key == "America/New_York"


def test_a_half_tick_is_in_the_price(tmp_path: Path) -> None:
    rows = simulate_day(1, events=200).array()
    place = int(np.flatnonzero(rows[:, at.T_KIND] == at.K_FILL)[-1])
    rows[place, at.T_LIQUIDITY] = at.LIQ_MIDPOINT + at.HALF_TICK
    write(tmp_path / "orders.parquet", rows)
    row = pl.read_parquet(tmp_path / "orders.parquet").row(place, named=True)
    assert row["price"] == pytest.approx((rows[place, at.T_PRICE] + 0.5) / 100)
    assert row["liquidity"] == "midpoint"


def test_a_cancel_names_its_reason_and_a_market_order_no_price(tmp_path: Path) -> None:
    rows = simulate_day(1, events=400).array()
    write(tmp_path / "orders.parquet", rows)
    frame = pl.read_parquet(tmp_path / "orders.parquet")
    cancels = frame.filter(pl.col("kind") == "cancel")
    assert cancels["reason"].null_count() == 0
    assert "day_end" in cancels["reason"].cast(pl.String).to_list()
    markets = frame.filter((pl.col("kind") == "enter") & (pl.col("time_in_force") == "ioc"))
    assert markets["price"].null_count() == markets.height > 0


def test_the_file_names_what_its_codes_stand_for(tmp_path: Path) -> None:
    write(tmp_path / "orders.parquet", simulate_day(1, events=50).array())
    assert read_facts(tmp_path / "orders.parquet") == make_facts()


def test_nothing_stands_under_the_name_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    tape = TapeWriter(path, make_facts())
    tape.write(simulate_day(1, events=50).array())
    assert not path.exists()
    tape.close()
    assert path.exists()


def test_an_error_leaves_no_tape_unless_a_partial_one_is_wanted(tmp_path: Path) -> None:
    rows = simulate_day(1, events=50).array()
    for keep, left in ((False, 0), (True, 1)):
        folder = tmp_path / str(keep)
        folder.mkdir()
        with (
            pytest.raises(KeyboardInterrupt),
            TapeWriter(folder / "t.parquet", make_facts(), keep_partial=keep) as tape,
        ):
            write_and_stop(tape, rows)
        assert len(list(folder.iterdir())) == left


def test_an_unwritable_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatingError, match=r"cannot write .*file/orders.parquet: not a dir"):
        TapeWriter(tmp_path / "file" / "orders.parquet", make_facts())
