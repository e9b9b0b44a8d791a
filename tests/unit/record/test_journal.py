"""The journal: plain MessagePack, whole or honest about it."""

import hashlib
from typing import Any

import msgpack
import msgspec
import pytest

from environment.actors import Envelope, Protocol
from environment.actors.ports import MemoryDisk
from environment.errors import CorruptRecord, OperatingError, UnencodableMessage
from environment.messages import EffectDone, Resumed, TimerFired
from environment.record.journal import (
    Block,
    End,
    Failed,
    Header,
    Input,
    Journal,
    JournalReader,
    Step,
)

FIRED = TimerFired(timer_id=1, name="beat")


def envelope(number: int, message: Any = FIRED) -> Envelope[Any]:
    """Return an envelope."""
    return Envelope(number, "a", "b", 1, 2, 0, number, message)


def written(count: int = 3) -> tuple[MemoryDisk, str]:
    """Return a disk with a whole journal on it, and the journal's digest."""
    disk = MemoryDisk()
    journal = Journal(disk, "j", Header(seed=4, configuration={"a": 1}))
    for number in range(1, count + 1):
        journal.sent(envelope(number))
        journal.drain()
    journal.step(1, 2, envelope(90), [envelope(91)])
    journal.input(envelope(92, EffectDone(effect_id=1, result=msgspec.Raw(b"\x01"))))
    journal.dead_letter(3, 1, envelope(93), "ValueError")
    journal.block(10, "00ff")
    return disk, journal.close()


def test_journal_reads_back_what_was_written() -> None:
    disk, _ = written()
    reader = JournalReader(disk.read("j"), Protocol())
    records = list(reader)
    assert records[:3] == [envelope(number) for number in (1, 2, 3)]
    assert records[3] == Step(1, 2, envelope(90), [envelope(91)])
    assert isinstance(records[4], Input)
    assert records[5:7] == [Failed(3, "b", 1, 93, "ValueError"), Block(10, "00ff")]
    assert reader.header.configuration == {"a": 1}
    assert (reader.is_partial, reader.torn_bytes) == (False, 0)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 5_000, 70_000])
def test_any_reader_takes_the_journal_apart(count: int) -> None:
    disk, _ = written(count)
    unpacker = msgpack.Unpacker(max_buffer_size=0)
    unpacker.feed(disk.read("j"))
    objects = list(unpacker)
    assert objects[0]["type"] == "Header"
    assert [row[0] for row in objects[1 : count + 1]] == ["Sent"] * count
    assert objects[-1][0] == "End"
    assert objects[-1][1]["Sent"] == count


def test_digest_is_of_the_whole_file_and_repeats() -> None:
    disk, digest = written()
    assert hashlib.sha256(disk.read("j")).hexdigest() == digest == written()[1]


def test_journal_without_end_is_partial_and_loses_nothing_silently() -> None:
    disk, _ = written()
    whole = disk.read("j")
    for stop in range(len(whole) - 200, len(whole)):
        reader = JournalReader(whole[:stop], Protocol())
        records = list(reader)
        assert reader.is_partial
        assert not any(isinstance(record, End) for record in records)
        assert 0 <= reader.torn_bytes < 200


def test_changed_byte_is_found() -> None:
    disk, _ = written()
    data = disk.read("j").replace(b"beat", b"beet", 1)
    with pytest.raises(CorruptRecord, match="SHA-256"):
        list(JournalReader(data, Protocol()))


def test_bytes_after_end_are_refused() -> None:
    disk, _ = written()
    with pytest.raises(CorruptRecord, match="nothing after End"):
        list(JournalReader(disk.read("j") + b"\x01", Protocol()))


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x81\xa4type\xa5Other"])
def test_other_file_is_refused(data: bytes) -> None:
    with pytest.raises(CorruptRecord, match="header"):
        JournalReader(data, Protocol())


def test_unknown_message_is_named_by_its_byte() -> None:
    disk, _ = written()
    data = disk.read("j").replace(b"TimerFired", b"TimerFirez", 1)
    with pytest.raises(CorruptRecord, match="record at byte"):
        list(JournalReader(data, Protocol()))


def test_message_that_cannot_be_encoded_is_named() -> None:
    journal = Journal(MemoryDisk(), "j", Header())
    journal.sent(envelope(1))
    journal.sent(envelope(2, object()))
    with pytest.raises(UnencodableMessage, match="id=2"):
        journal.flush()


def test_torn_write_is_an_operating_error_and_the_rest_is_readable() -> None:
    disk = MemoryDisk(torn_at=200)
    journal = Journal(disk, "j", Header())
    for number in range(20):
        journal.sent(envelope(number))
    with pytest.raises(OperatingError, match="200 bytes"):
        journal.flush()
    reader = JournalReader(disk.read("j"), Protocol())
    assert list(reader)
    assert reader.is_partial


def test_header_keeps_the_schemas_of_all_messages() -> None:
    schemas = Protocol().schemas()
    assert "OrderFilled" in schemas
    assert Resumed.__name__ in schemas
