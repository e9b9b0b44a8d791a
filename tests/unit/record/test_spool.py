"""The tape's blocks on disk while a run goes on: exact, unseen by readers, gone when it is over."""

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from environment.errors import OperatingError
from environment.market import layout as at
from environment.record.day import DayTape, TapeFile
from environment.record.facts import InstrumentFacts
from environment.record.spool import RowList, RowSpool
from environment.record.tape import TapeWriter, read_facts, read_tape
from tests.unit.record.test_series_quotes import some_day
from tests.unit.record.tiny_market import make_facts, simulate_day


def blocks() -> list[np.ndarray]:
    rows = simulate_day(2, events=200).array()
    return [rows[:7], rows[7:7], rows[7:300], rows[300:]]


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_blocks_come_back_as_they_were_written(tmp_path: Path, kind: str) -> None:
    spool = RowSpool(tmp_path / "orders.rows") if kind == "disk" else RowList()
    for block in blocks():
        spool.write(block)
    for _ in range(2):  # As often as one wants.
        again = list(spool.blocks())
        assert [len(block) for block in again] == [len(block) for block in blocks()]
        assert all((a == b).all() for a, b in zip(again, blocks(), strict=True))
    spool.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_spool_has_no_name_so_that_nothing_stays_of_a_killed_run(tmp_path: Path) -> None:
    spool = RowSpool(tmp_path / "orders.rows")
    spool.write(blocks()[0])
    assert list(tmp_path.iterdir()) == []
    assert len(next(spool.blocks())) == 7


def test_a_spool_that_was_cut_short_is_no_tape(tmp_path: Path) -> None:
    spool = RowSpool(tmp_path / "orders.rows")
    spool.write(blocks()[2])
    os.ftruncate(spool._file, 1_000)
    with pytest.raises(OperatingError, match="shorter than what was written"):
        list(spool.blocks())


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OperatingError, match=r"cannot write .*orders\.rows"):
        RowSpool(tmp_path / "missing" / "orders.rows")


def test_a_day_read_from_disk_holds_no_quotes_of_dealers_and_tells_the_same(tmp_path: Path) -> None:
    series = [InstrumentFacts(symbol=f"S{k}", tick_micros=10_000, kind="option") for k in range(3)]
    told = make_facts()
    facts = msgspec.structs.replace(told, instruments=(*told.instruments, *series))
    rows = some_day(1)
    with TapeWriter(tmp_path / "orders.parquet", facts) as tape:
        for first in range(0, len(rows), 90):
            tape.write(rows[first : first + 90])
    assert (read_tape(tape.path) == rows).all()
    read = TapeFile(tape.path)
    found, whole = DayTape(read.rows(), read_facts(tape.path), read), DayTape(rows, facts)
    assert (found.count, found.first_ns, found.last_ns) == (
        len(rows), rows[0, at.T_TIME], rows[-1, at.T_TIME],
    )  # fmt: skip
    assert 0 < len(found.rows) < len(rows)
    assert not (found.rows[:, at.T_KIND] == at.K_QUOTE).any()
    assert found.touches.quotes.tolist() == whole.touches.quotes.tolist()
    assert found.trades.lots.tolist() == whole.trades.lots.tolist()
    assert found.trades.mid_ticks.tolist() == whole.trades.mid_ticks.tolist()
    assert found.orders.state.tolist() == whole.orders.state.tolist()
    assert len(whole.trades.lots) > 20
