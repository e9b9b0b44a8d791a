"""A daemon's audit chain on disk: behind the journal, one over all starts, and never patched."""

import json
from pathlib import Path

import pytest

from environment.authority import keys_of_seed
from environment.control_messages import Audited
from environment.errors import ConfigError, CorruptRecord, OperatingError
from environment.record.audit import (
    AUDIT,
    HEADS,
    AuditHeader,
    HeadKey,
    SignedHead,
    encode_record,
    hash_of,
)
from environment.record.audit_check import AuditVerdict, read_chain, verify
from environment.record.audit_file import AuditFile
from scenarios.cli.main import run_command

KEY = HeadKey(keys_of_seed(1).audit)
HEADER = AuditHeader(subject="floor", public_key=KEY.public)


class Desk:
    """An auditor of one start, and where its chain ends."""

    def __init__(self, folder: Path, number: int = 0) -> None:
        self.file = AuditFile(folder, HEADER)
        self.number, self.before = number, self.file.last
        self.records: list[bytes] = []

    def say(self, count: int) -> "Desk":
        """Keep so many more records."""
        for _ in range(count):
            self.number += 1
            fact = Audited(kind="view", person="ana", text=f"card {self.number}")
            record = encode_record(self.number, self.number, self.number, "a", fact, self.before)
            self.before = hash_of(record)
            self.records.append(record)
            self.file.keep(self.number, record)
        return self


def records_in(folder: Path) -> int:
    return len(read_chain(folder).records)


def test_nothing_is_written_before_the_journal_holds_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path).say(3)
    desk.file.seal(100)
    desk.say(2)
    desk.file.seal(200)
    found = []
    for synced in (99, 100, 199, 200):
        desk.file.write(synced)
        found.append(records_in(tmp_path))
    assert found == [0, 3, 3, 5]


def test_chain_goes_on_over_starts_and_is_whole(tmp_path: Path) -> None:
    desk = Desk(tmp_path).say(3)
    desk.file.close(KEY, 1)
    later = Desk(tmp_path, 3).say(2)
    head = later.file.close(KEY, 2)
    found = verify(read_chain(tmp_path), head.hash.hex())
    assert (found.records, found.heads, found.fault) == (5, 2, "")


@pytest.mark.parametrize("written", [0, 2, 5])
def test_what_a_crash_took_comes_again_from_the_steps(tmp_path: Path, written: int) -> None:
    desk = Desk(tmp_path).say(written)
    desk.file.seal(1)
    desk.file.write(1)
    desk.say(5 - written)  # Never written: the process was killed.
    after = AuditFile(tmp_path, HEADER)
    for number, record in enumerate(desk.records, 1):
        after.keep(number, record)
    after.check(5)
    after.close(KEY, 3)
    assert verify(read_chain(tmp_path)).records == 5


@pytest.mark.parametrize("cut", [1, 40])
def test_torn_record_is_cut_with_a_notice(tmp_path: Path, cut: int) -> None:
    Desk(tmp_path).say(4).file.write_all()
    whole = (tmp_path / AUDIT).read_bytes()
    (tmp_path / AUDIT).write_bytes(whole[:-cut])
    after = AuditFile(tmp_path, HEADER)
    assert after.count == 3
    assert "did not end" in after.torn
    assert whole.startswith((tmp_path / AUDIT).read_bytes())


def test_head_is_kept_once_and_a_torn_one_is_cut(tmp_path: Path) -> None:
    desk = Desk(tmp_path).say(2)
    head = KEY.sign(SignedHead(2, 9, desk.before))
    desk.file.anchor(head)
    desk.file.write_all()
    with (tmp_path / HEADS).open("ab") as heads:
        heads.write(b"\x95\xa4He")
    after = AuditFile(tmp_path, HEADER)
    after.anchor(head)
    after.close(KEY, 10)
    assert verify(read_chain(tmp_path)) == AuditVerdict(
        records=2, head=desk.before.hex(), heads=1, fault=""
    )


def test_record_that_differs_from_the_desks_is_refused(tmp_path: Path) -> None:
    desk = Desk(tmp_path).say(2)
    desk.file.write_all()
    after = AuditFile(tmp_path, HEADER)
    with pytest.raises(CorruptRecord, match="record 2 is another"):
        after.keep(2, desk.records[0])


def test_incarnation_that_says_a_record_again_keeps_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path).say(3)
    desk.file.keep(2, desk.records[1])
    with pytest.raises(CorruptRecord, match="record 2 is another"):
        desk.file.keep(2, desk.records[0])
    desk.file.write_all()
    assert records_in(tmp_path) == 3


def test_file_of_another_time_than_the_journal_is_refused(tmp_path: Path) -> None:
    Desk(tmp_path).say(3).file.write_all()
    after = AuditFile(tmp_path, HEADER)
    with pytest.raises(ConfigError, match="ends at record 3, the desk's own record at 7"):
        after.check(7)


def test_chain_of_another_desk_is_refused(tmp_path: Path) -> None:
    Desk(tmp_path).say(1).file.write_all()
    with pytest.raises(ConfigError, match="another desk or key"):
        AuditFile(tmp_path, AuditHeader(subject="other", public_key=KEY.public))


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    Desk(tmp_path).say(1).file.close(KEY, 1)
    assert {oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {"0o600"}


def test_folder_of_a_run_without_a_chain_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(OperatingError, match="name a folder that holds a run"):
        read_chain(tmp_path)
    (tmp_path / "journal.msgpack").write_bytes(b"")
    with pytest.raises(OperatingError, match=r"without a swarm keeps none.* was taken away"):
        read_chain(tmp_path)


def test_approvals_of_a_chain_cut_short_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Desk(tmp_path).say(3).file.close(KEY, 1)
    assert run_command(["approvals", str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""
    whole = (tmp_path / AUDIT).read_bytes()
    (tmp_path / AUDIT).write_bytes(whole[:-40])
    assert run_command(["approvals", str(tmp_path)]) == 1
    assert "orders may be missing" in capsys.readouterr().err
    assert run_command(["approvals", str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["fault"]
