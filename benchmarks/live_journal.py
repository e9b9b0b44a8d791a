"""The durable journal: steps written and synced, replayed with handlers, and a start after a crash.

Prints tables and writes them as JSON; run with `python -m benchmarks.live_journal`.
"""

import argparse
import gc
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from benchmarks.figures import report
from environment.actors import (
    Actor,
    ActorContext,
    ActorRef,
    Envelope,
    LiveKernel,
    LiveSettings,
    Ports,
    Protocol,
)
from environment.messages import Message, Resumed
from environment.record.disk import FolderDisk
from environment.record.durable_state import DurableState
from environment.record.syncer import ThreadSyncer

STEPS_PER_WRITE = 64
ONE_WRITE = 6_000  # Bytes: about what the steps of one order take.
Ahead = Literal["grows", "allocated", "filled with zeros"]


class Count(Message, frozen=True, kw_only=True):
    """Something to count, as large as an order's report."""

    number: int
    instrument: str = "AAPL"
    order_id: str = "quant/maker/1000000001"


REGISTRY = Protocol((Count,))


class LedgerState(msgspec.Struct):
    """Sums by instrument."""

    sums: dict[str, int] = {}


class Ledger(Actor[Resumed | Count]):
    """Durable: counts, and tells the next in line."""

    DURABLE = True

    def __init__(self, to: ActorRef[Count]) -> None:
        self.state: LedgerState = LedgerState()
        self._to = to

    def receive(self, ctx: ActorContext, message: Resumed | Count) -> None:
        """Count, and tell."""
        if isinstance(message, Count):
            sums = self.state.sums
            sums[message.instrument] = sums.get(message.instrument, 0) + message.number
            ctx.send(self._to, message)


class Sink(Actor[Count]):
    """Hears and forgets."""

    def receive(self, ctx: ActorContext, message: Count) -> None:
        """Nothing to do."""


class Desk:
    """One start of a ledger on a folder."""

    def __init__(self, folder: Path, segment_bytes: int = 1 << 40) -> None:
        self.syncer = ThreadSyncer()
        self.state = DurableState(
            FolderDisk(folder, 0o600), REGISTRY, self.syncer, run="bench", code="bench",
            segment_bytes=segment_bytes,
        )  # fmt: skip
        live = LiveSettings(steps_per_write=STEPS_PER_WRITE)
        self.kernel = LiveKernel(None, Ports(recorder=self.state.journal), live)
        sink = self.kernel.spawn("sink", Sink)
        self.kernel.spawn("ledger", lambda: Ledger(sink))
        self.recovered = self.state.recover(self.kernel)
        self.state.begin(self.kernel)


def records_rate(folder: Path, count: int) -> dict[str, Any]:
    """Return step records per second of the journal alone: encoded, checked, written, synced."""
    desk = Desk(folder)
    journal = desk.state.journal
    envelopes = [Envelope(n, "a", "ledger", n, n, 0, n, Count(number=n)) for n in range(1, 1_025)]
    started, cpu = time.perf_counter(), time.process_time()
    for number in range(count):
        envelope = envelopes[number & 1_023]
        journal.step(number + 1, number, envelope, [envelope], (), "ledger")
        if number % STEPS_PER_WRITE == 0:
            journal.flush()
    journal.flush()
    wall, busy = time.perf_counter() - started, time.process_time() - cpu
    desk.syncer.finish()
    durable = desk.syncer.statistics()
    return {
        "what": "step records alone", "records": count, "wall k/s": count / wall / 1e3,
        "cpu k/s": count / busy / 1e3, "durable p50 ms": durable.p50_ns / 1e6,
        "durable p99 ms": durable.p99_ns / 1e6,
    }  # fmt: skip


def kernel_rate(folder: Path, count: int) -> dict[str, Any]:
    """Return durable messages per second through the live kernel, each a written step."""
    desk = Desk(folder)
    kernel = desk.kernel
    while kernel.turn():
        pass
    started, cpu, sent = time.perf_counter(), time.process_time(), 0
    while sent < count or not kernel.is_quiet():
        # A feed reads no more while an inbox is above its mark.
        more = 0 if kernel.is_pressed() else min(512, count - sent)
        for _ in range(more):
            kernel.admit("feed", "ledger", Count(number=1))
        sent += more
        kernel.turn()
    wall, busy = time.perf_counter() - started, time.process_time() - cpu
    desk.state.journal.flush()
    desk.syncer.finish()
    durable = desk.syncer.statistics()
    return {
        "what": "admitted, handled, written, let go", "records": count,
        "wall k/s": count / wall / 1e3, "cpu k/s": count / busy / 1e3,
        "durable p50 ms": durable.p50_ns / 1e6, "durable p99 ms": durable.p99_ns / 1e6,
    }  # fmt: skip


def replay(folder: Path) -> dict[str, Any]:
    """Return how long a start takes that runs all recorded steps again."""
    gc.collect()
    started, cpu = time.perf_counter(), time.process_time()
    desk = Desk(folder)
    wall, busy = time.perf_counter() - started, time.process_time() - cpu
    assert desk.recovered.difference is None, str(desk.recovered.difference)
    return {
        "what": "start, steps run again", "steps": desk.recovered.steps, "wall s": wall,
        "cpu s": busy, "us a step": busy * 1e6 / max(1, desk.recovered.steps),
    }  # fmt: skip


def syncs(folder: Path, ahead: Ahead, count: int = 300) -> dict[str, Any]:
    """Return how long a write of one order's steps takes to be synced, by how the file was made."""
    descriptor = os.open(folder / ahead.replace(" ", "_"), os.O_WRONLY | os.O_CREAT)
    if ahead == "allocated":
        os.posix_fallocate(descriptor, 0, count * ONE_WRITE)
    elif ahead == "filled with zeros":
        os.write(descriptor, bytes(count * ONE_WRITE))
        os.lseek(descriptor, 0, os.SEEK_SET)
    os.fsync(descriptor)
    durations = []
    for _ in range(count):
        os.write(descriptor, bytes(ONE_WRITE))
        started = time.perf_counter_ns()
        os.fdatasync(descriptor)
        durations.append(time.perf_counter_ns() - started)
        time.sleep(0.002)
    os.close(descriptor)
    durations.sort()
    row = {"file": ahead, "syncs": count, "p50 ms": durations[count // 2] / 1e6}
    return row | {"p99 ms": durations[count * 99 // 100] / 1e6}


def main() -> None:
    """Measure all and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="outcry-bench-"))
    try:
        rows = []
        for name, measure in (("alone", records_rate), ("kernel", kernel_rate)):
            (root / name).mkdir()
            rows.append(measure(root / name, given.records))
        report("live_journal", rows)
        starts = [replay(root / "kernel"), replay(root / "kernel")]
        starts[1]["what"] = "start from a snapshot"
        report("live_start", starts)
        report("live_sync", [syncs(root, ahead) for ahead in get_args(Ahead)])
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
