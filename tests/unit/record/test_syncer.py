"""From written to durable: shared syncs, measured, and failures that stop."""

import threading

import pytest

from environment.actors import Envelope
from environment.errors import OperatingError
from environment.messages import Resumed
from environment.record.faulty_disk import FaultyDisk
from environment.record.steps import StateHeader, StepJournal
from environment.record.syncer import Durations, ThreadSyncer


class SlowFile:
    """A file whose syncs a test lets end."""

    def __init__(self) -> None:
        self.syncs = 0
        self.began, self.may_end = threading.Event(), threading.Event()

    def write(self, data: bytes | memoryview) -> None:
        """Nothing is kept."""

    def sync(self) -> None:
        self.syncs += 1
        self.began.set()
        assert self.may_end.wait(10)

    def close(self) -> None:
        """Nothing is open."""


def test_writes_during_a_sync_share_the_next_one() -> None:
    file, synced = SlowFile(), threading.Event()
    syncer = ThreadSyncer(patience_ns=0, on_synced=synced.set)
    syncer.open(file, 0)
    syncer.written(10)
    assert file.began.wait(10)
    for position in (20, 30, 40):
        syncer.written(position)
    assert syncer.synced() == 0
    file.may_end.set()
    assert synced.wait(10)
    syncer.finish()
    assert (syncer.synced(), file.syncs) == (40, 2)
    assert syncer.statistics().writes == 4


def test_switch_waits_for_no_disk_and_keeps_the_order() -> None:
    before, after, done = SlowFile(), SlowFile(), threading.Event()
    syncer, heard = ThreadSyncer(patience_ns=0, on_synced=done.set), list[tuple[int, int]]()
    syncer.open(before, 0)
    syncer.written(10)
    syncer.switch(after, 10, lambda: heard.append((before.syncs, after.syncs)))
    syncer.written(20)
    assert syncer.is_switching()
    assert heard == []  # The file before is not durable yet, and whoever writes went on.
    before.may_end.set()
    assert after.began.wait(10)
    assert heard == [(1, 0)]
    assert (syncer.synced(), syncer.is_switching()) == (10, False)
    after.may_end.set()
    syncer.finish()
    assert (syncer.synced(), after.syncs, before.syncs) == (20, 1, 1)


def test_work_of_a_switch_that_fails_stops_all() -> None:
    def fail() -> None:
        raise OperatingError("the disk is full")

    syncer = ThreadSyncer(patience_ns=0)
    syncer.open(FaultyDisk().create("before"), 0)
    syncer.written(10)
    syncer.switch(FaultyDisk().create("after"), 10, fail)
    syncer.written(20)
    with pytest.raises(OperatingError, match="the disk is full"):
        syncer.finish()


def test_sync_that_fails_is_said_and_not_tried_again() -> None:
    disk = FaultyDisk()
    file = disk.create("f")
    disk.syncs_left = 0
    syncer = ThreadSyncer(patience_ns=0)
    syncer.open(file, 0)
    syncer.written(10)
    with pytest.raises(OperatingError, match="cannot sync"):
        syncer.finish()
    with pytest.raises(OperatingError, match="cannot sync"):
        syncer.synced()


def test_journal_writes_no_more_once_a_sync_has_failed() -> None:
    disk, ended = FaultyDisk(), threading.Event()
    journal = StepJournal(disk, ThreadSyncer(patience_ns=0, on_synced=ended.set))
    journal.open(StateHeader(run="r", epoch=1, segment=1, began_ns=0, code="a"))
    assert ended.wait(10)
    ended.clear()
    disk.syncs_left = 0
    journal.input(Envelope(1, "a", "b", 1, 1, 0, 1, Resumed()))
    journal.flush()
    assert ended.wait(10)
    journal.input(Envelope(2, "a", "b", 1, 1, 0, 2, Resumed()))
    with pytest.raises(OperatingError, match="cannot sync"):
        journal.flush()


def test_quantiles_are_right_within_an_eighth() -> None:
    durations = Durations()
    for duration_ns in range(1, 100_001):
        durations.add(duration_ns)
    for share in (0.01, 0.5, 0.9, 0.99):
        found = durations.quantile_ns(share)
        assert share * 100_000 * 7 / 8 <= found <= share * 100_000 + 1
    assert durations.summary().longest_ns == 100_000
