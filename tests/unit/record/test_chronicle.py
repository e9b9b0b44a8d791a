"""Any record as one stream of entries: filtered, followed, and honest about what is not whole."""

from pathlib import Path

import pytest

from environment.errors import ConfigError, CorruptRecord, OperatingError
from environment.record.chronicle import Chronicle, Filter, text_of
from environment.record.faulty_disk import FaultyDisk
from environment.record.steps import segment_name
from tests.unit.record.durable import Desk


@pytest.fixture(name="folder")
def state_folder(tmp_path: Path) -> Path:
    """Return a state folder of two starts, the first stopped in order."""
    disk = FaultyDisk()
    desk = Desk(disk).say("1", "pass", "out")
    desk.kernel.run_until(desk.kernel.now_ns() + 10)
    desk.state.close(desk.kernel)
    again = Desk(disk.crash("kill")).say("2")
    for name, file in again.disk.files.items():
        (tmp_path / name).write_bytes(file.data)
    return tmp_path


def test_steps_show_what_went_in_and_what_went_out(folder: Path) -> None:
    lines = [text_of(entry) for entry in Filter(actor="second").apply(Chronicle(folder))]
    sent = [line for line in lines if line.startswith("Sent") and "text=passed" in line]
    heard = [line for line in lines if line.startswith("Step") and "text=passed" in line]
    assert len(sent) == len(heard) == 1
    assert "first > second: Note" in sent[0]


def test_filters_are_joined(folder: Path) -> None:
    chronicle = Chronicle(folder)
    inputs = list(Filter(message_class="Note", actor="test").apply(chronicle))
    words = [entry.message["text"] for entry in inputs if entry.kind == "Input"]
    assert words == ["1", "pass", "out", "2"]
    last_ns = inputs[-1].at_ns
    assert {e.at_ns for e in Filter(from_ns=last_ns, actor="test").apply(chronicle)} == {last_ns}
    found = list(Filter(pattern="text=pa[s]{2}ed").apply(chronicle))
    assert {entry.message["text"] for entry in found} == {"passed"}


def test_chain_is_found_by_any_of_its_envelopes(folder: Path) -> None:
    chronicle = Chronicle(folder)
    (passed,) = [
        entry for entry in Filter(pattern="passed").apply(chronicle) if entry.kind == "Step"
    ]
    chain = chronicle.chain_of(passed.id)
    texts = [e.message["text"] for e in Filter(chain=chain).apply(chronicle)]
    assert texts == ["pass", "pass", "passed", "passed"]
    with pytest.raises(ConfigError, match="no envelope or chain has the number 12345"):
        chronicle.chain_of(12345)


def test_segment_without_end_and_torn_one_are_said(folder: Path) -> None:
    chronicle = Chronicle(folder)
    whole = sum(1 for _ in chronicle)
    assert chronicle.notices == [f"{segment_name(3)}: no End; its process goes on, or was killed"]
    file = folder / segment_name(3)
    file.write_bytes(file.read_bytes()[:-5])
    assert sum(1 for _ in chronicle) < whole
    assert "the last write did not end" in chronicle.notices[0]


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatingError, match="no journal is there"):
        Chronicle(tmp_path)
    (tmp_path / "x.steps").write_bytes(b"\xc1\xc1")
    with pytest.raises(CorruptRecord, match="begins no record"):
        list(Chronicle(tmp_path))
