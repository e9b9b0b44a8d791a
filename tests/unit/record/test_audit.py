"""A chain says what was done to it: a changed, missing, reordered or cut record."""

from pathlib import Path

import msgspec
import pytest

from environment.authority import keys_of_seed
from environment.control_messages import Audited
from environment.errors import OperatingError
from environment.record.audit import (
    AUDIT,
    HEADS,
    AuditHeader,
    AuditLog,
    HeadKey,
    SignedHead,
    encode_record,
    hash_of,
    start_of,
)
from environment.record.audit_check import AuditVerdict, read_chain, verify

KEY = HeadKey(keys_of_seed(1).audit)
COUNT = 30


def make_log(count: int = COUNT, *, close: bool = True) -> AuditLog:
    log = AuditLog(AuditHeader(subject="tested", public_key=KEY.public))
    before = start_of(log.header)
    for number in range(1, count + 1):
        fact = Audited(kind="view", person="ana", text=f"card {number}")
        record = encode_record(number, 10 * number, number, "human/approvals", fact, before)
        log.keep(number, record)
        before = hash_of(record)
        if number == count // 2:
            log.anchor(KEY.sign(SignedHead(number, 10 * number, before)))
    if close:
        log.close(KEY, 10 * count)
    return log


def check(log: AuditLog, folder: Path, head: str = "") -> AuditVerdict:
    (folder / AUDIT).write_bytes(log.chain())
    (folder / HEADS).write_bytes(log.anchors())
    return verify(read_chain(folder), head)


def test_chain_is_whole(tmp_path: Path) -> None:
    found = check(make_log(), tmp_path)
    assert (found.records, found.heads, found.fault) == (COUNT, 2, "")


def test_every_flipped_byte_of_a_record_is_found(tmp_path: Path) -> None:
    for place in (0, COUNT // 2, COUNT - 1):
        for at in range(0, 120, 7):
            log = make_log()
            changed = bytearray(log.records[place])
            changed[at % len(changed)] ^= 1
            log.records[place] = bytes(changed)
            assert check(log, tmp_path).fault, (place, at)


@pytest.mark.parametrize("place", [0, 7, COUNT - 1])
def test_dropped_record_is_found(tmp_path: Path, place: int) -> None:
    log = make_log()
    del log.records[place]
    assert check(log, tmp_path).fault


def test_swapped_records_are_found(tmp_path: Path) -> None:
    log = make_log()
    log.records[3], log.records[4] = log.records[4], log.records[3]
    assert "record 4 is missing or out of order" in check(log, tmp_path).fault


def test_cut_tail_is_found_by_the_last_head(tmp_path: Path) -> None:
    log = make_log()
    del log.records[-10:]
    assert "ends after record 20" in check(log, tmp_path).fault


def test_cut_tail_and_heads_are_found_by_a_head_kept_elsewhere(tmp_path: Path) -> None:
    log = make_log()
    kept = check(log, tmp_path).head
    del log.records[-10:]
    del log.heads[-1:]
    assert check(log, tmp_path).fault == ""  # Nothing here could tell.
    assert "is not in the chain" in check(log, tmp_path, kept).fault


def test_chain_written_anew_with_another_key_is_found_by_a_head_kept_elsewhere(
    tmp_path: Path,
) -> None:
    kept = check(make_log(), tmp_path).head
    other = HeadKey(keys_of_seed(2).audit)
    forged = AuditLog(AuditHeader(subject="tested", public_key=other.public))
    forged.close(other, 0)
    assert check(forged, tmp_path).fault == ""
    assert "is not in the chain" in check(forged, tmp_path, kept).fault


def test_head_of_another_key_is_found(tmp_path: Path) -> None:
    log = make_log(close=False)
    log.close(HeadKey(keys_of_seed(2).audit), 0)
    assert "not signed by the chain's key" in check(log, tmp_path).fault


def test_chain_without_a_head_says_so(tmp_path: Path) -> None:
    log = make_log(close=False)
    log.heads.clear()
    assert "no signed head" in check(log, tmp_path).fault


def test_torn_end_is_said(tmp_path: Path) -> None:
    check(make_log(), tmp_path)
    path = tmp_path / AUDIT
    path.write_bytes(path.read_bytes()[:-5])
    assert verify(read_chain(tmp_path)).fault


@pytest.mark.parametrize("content", [b"", b"\xc1", b"no chain", msgspec.msgpack.encode({"a": 1})])
def test_file_that_is_no_chain_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / AUDIT).write_bytes(content)
    with pytest.raises(OperatingError, match="is no audit chain"):
        read_chain(tmp_path)


def test_step_that_is_run_again_is_kept_once() -> None:
    log = make_log(3)
    log.keep(3, log.records[2])
    assert len(log.records) == 3
    with pytest.raises(AssertionError, match="was another"):
        log.keep(3, b"another")
