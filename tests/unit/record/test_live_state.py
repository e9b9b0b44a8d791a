"""A live kernel on a real folder: steps are durable, a start recovers, mail waits for a sync."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from environment.actors import LiveKernel, LiveRun, LiveSettings, Ports, Settings
from environment.actors.live_settings import Durability
from environment.record.disk import FolderDisk
from environment.record.durable_state import DurableState
from environment.record.faulty_disk import FaultyDisk, Loss
from environment.record.step_reader import SegmentReader
from environment.record.steps import DurableStep
from environment.record.syncer import SyncEach, ThreadSyncer
from tests.conformance.actors.cast import Note, Player
from tests.conformance.actors.live_stage import DrivenKernel
from tests.unit.record.durable import REGISTRY, Counter, Second

WORDS = [str(number) for number in range(50)]


class LiveDesk:
    """One start of the durable floor in real time."""

    def __init__(self, folder: Path, durability: Durability = "write") -> None:
        syncer = ThreadSyncer(patience_ns=0)
        self.state = DurableState(FolderDisk(folder, 0o600), REGISTRY, syncer, run="desk", code="a")
        live = LiveSettings(durability=durability)
        ports = Ports(recorder=self.state.journal, protocol=REGISTRY)
        self.kernel = LiveKernel(None, ports, live, epoch=self.state.epoch)
        syncer.on_synced = self.kernel.rouse
        self.passed: list[str] = []
        self.actors: dict[str, Any] = {}
        self.put("first", Counter)
        self.put("second", Second)
        self.kernel.spawn("door", lambda: Player(self.hear))
        self.recovered = self.state.recover(self.kernel, ("door",))
        self.state.begin(self.kernel)

    def put(self, address: str, make: Any) -> None:
        """Keep the present incarnation of each actor."""

        def factory() -> Any:
            self.actors[address] = make()
            return self.actors[address]

        self.kernel.spawn(address, factory)

    def hear(self, ctx: Any, message: Any, player: Player) -> None:
        """Stop at the first word that came out."""
        if isinstance(message, Note):
            self.passed.append(message.text)
            self.kernel.stop("test")

    def run(self, *words: str) -> "LiveDesk":
        """Let words in, run until `out` came out, and stop in order or not at all."""
        for word in (*words, "out"):
            self.kernel.admit("test", "first", Note(text=word))

        async def bounded() -> None:
            async with asyncio.timeout(20):
                await LiveRun(self.kernel).run()

        asyncio.run(bounded())
        return self


def test_start_after_a_kill_recovers_what_was_written(tmp_path: Path) -> None:
    before = LiveDesk(tmp_path).run(*WORDS)
    after = LiveDesk(tmp_path)  # The first was never closed.
    assert after.recovered.difference is None
    assert after.actors["first"].state == before.actors["first"].state
    assert (before.state.epoch, after.state.epoch) == (1, 2)


@pytest.mark.parametrize("durability", ["write", "sync"])
def test_mail_leaves_once_it_may(tmp_path: Path, durability: Durability) -> None:
    desk = LiveDesk(tmp_path, durability).run(*WORDS)
    assert desk.passed == ["1"]
    written = desk.state.journal.statistics()
    assert written.steps == 2 + len(WORDS) + 1
    desk.state.close(desk.kernel)
    assert desk.state.journal.statistics().lag_bytes == 0
    assert desk.state.journal.statistics().to_durable.writes > 0


def test_state_stopped_in_order_begins_without_steps(tmp_path: Path) -> None:
    desk = LiveDesk(tmp_path).run("1")
    desk.state.close(desk.kernel)
    assert LiveDesk(tmp_path).recovered.steps == 0


def driven(
    disk: FaultyDisk, syncer: SyncEach | None = None
) -> tuple[DurableState, DrivenKernel, list[Any]]:
    """Return a start on a simulated disk that syncs only when it is told to, and its actors."""
    state = DurableState(disk, REGISTRY, syncer or SyncEach(1 << 40), run="desk", code="a")
    ports = Ports(recorder=state.journal, protocol=REGISTRY)
    kernel = DrivenKernel(Settings(), ports, LiveSettings(durability="sync"))
    actors = [Counter(), Second()]
    kernel.spawn("first", lambda: actors[0])
    kernel.spawn("second", lambda: actors[1])
    state.recover(kernel)
    state.begin(kernel)
    return state, kernel, actors


@pytest.mark.parametrize(("is_synced", "loss"), [(True, "power"), (True, "kill"), (False, "kill")])
def test_mail_that_waits_for_a_sync_survives_a_rotation(is_synced: bool, loss: Loss) -> None:
    disk, syncer = FaultyDisk(), SyncEach(1 << 40)
    state, kernel, actors = driven(disk, syncer)
    kernel.admit("test", "first", Note(text="publish"))
    kernel.run()
    assert not any("told" in row for row in actors[1].state.heard)
    assert state.journal.rotated is not None
    state.journal.rotated()
    if is_synced:
        syncer.finish()
    assert ("00000002.snapshot" in disk.files) == is_synced
    _, after, actors = driven(disk.crash(loss))
    after.run()
    heard = [row.split("@")[0] for row in actors[1].state.heard]
    assert heard == ["Resumed", "Resumed", "told"]


def words_of(disk: FaultyDisk) -> list[str]:
    """Return what a start on a disk knows that it has heard, as it was let in."""
    _, after, actors = driven(disk)
    after.run()
    return [row.split("@")[0] for row in actors[0].state.heard if "Resumed" not in row]


def test_start_before_the_snapshot_of_a_rotation_runs_both_segments() -> None:
    disk = FaultyDisk()
    state, kernel, _ = driven(disk)
    kernel.admit("test", "first", Note(text="1"))
    kernel.run()
    assert state.journal.rotated is not None
    state.journal.rotated()
    kernel.admit("test", "first", Note(text="2"))
    kernel.run()
    state.journal.flush()  # As before a sleep.
    assert "00000002.snapshot" not in disk.files
    assert words_of(disk.crash("kill")) == ["1", "2"]


def test_segment_that_follows_a_torn_one_is_as_if_never_written() -> None:
    disk = FaultyDisk()
    state, kernel, _ = driven(disk)
    kernel.admit("test", "first", Note(text="1"))
    kernel.run()
    assert state.journal.rotated is not None
    state.journal.rotated()
    kernel.admit("test", "first", Note(text="2"))
    kernel.run()
    state.journal.flush()
    del disk.files["00000001.steps"].data[-40:]  # The power took what was not synced.
    left = disk.crash("kill")
    assert words_of(left) in ([], ["1"])
    assert left.files["00000002.steps"].data.count(b"desk") == 1  # This start's own header.
    assert "2" not in words_of(left.crash("kill"))


def test_mail_between_durable_actors_waits_for_no_sync_and_all_other_does() -> None:
    state, kernel, actors = driven(FaultyDisk())
    kernel.admit("test", "first", Note(text="publish"))
    kernel.admit("test", "first", Note(text="pass"))
    kernel.run()
    assert [row.split("@")[0] for row in actors[1].state.heard] == ["Resumed", "passed"]
    state.journal.close_segment()
    kernel.let_go_synced()
    kernel.run()
    assert actors[1].state.heard[-1].startswith("told@")


def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    desk = LiveDesk(tmp_path).run("1")
    desk.state.close(desk.kernel)
    assert {oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {"0o600"}


def test_any_reader_takes_a_segment_apart(tmp_path: Path) -> None:
    import msgpack

    desk = LiveDesk(tmp_path).run(*WORDS)
    data = (tmp_path / "00000001.steps").read_bytes()
    plain = list(msgpack.Unpacker(iter_of(data), strict_map_key=False))
    reader = SegmentReader("s", data, REGISTRY, is_last=True)
    steps = [record for record in reader if isinstance(record, DurableStep)]
    assert len(steps) == desk.state.journal.statistics().steps
    assert sum(record[0] == "Step" for record in plain[1:]) == len(steps)


def iter_of(data: bytes) -> Any:
    """Return bytes as a file."""
    from io import BytesIO

    return BytesIO(data)
