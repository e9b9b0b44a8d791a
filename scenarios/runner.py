"""One run from configuration to folder: build, loop day by day, clear between days, write."""

import hashlib
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from environment.market import layout as at
from environment.market.clearing import Clearing, ClearingTerms
from environment.market.clearing_ledger import MarketLedger
from environment.market.calendar import TradingCalendar
from environment.record.disk import FolderDisk
from environment.record.files import RunFolder
from environment.record.journal import Header, Journal
from environment.record.manifest import encode, file_sha256, make_manifest, versions
from environment.record.output import write_table, write_tables
from environment.record.tape import TapeWriter
from scenarios.build_paths import SECOND_NS
from scenarios.builder import World, build
from scenarios.config import Config
from scenarios.inputs import data_files
from scenarios.progress import Progress, Silent
from scenarios.protocol import PROTOCOL
from scenarios.report import write_report
from scenarios.result import FUNDAMENTAL, REPORT, RunResult
from scenarios.summary import summary_of

JOURNAL = "journal.msgpack"
_SLICE_NS = 30 * SECOND_NS


class Clocked:
    """Seconds of each phase of a run, told to whoever watches."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress, self._name, self._since = progress, "", time.perf_counter()

    def begin(self, name: Any, detail: str = "") -> None:
        """End the phase before and begin another."""
        self.end()
        self._name, self._since = name, time.perf_counter()
        self._progress.phase(name, detail)

    def end(self) -> None:
        """End the present phase."""
        if self._name:
            past = time.perf_counter() - self._since
            self.seconds[self._name] = self.seconds.get(self._name, 0.0) + past
        self._name = ""


class Recording:
    """The journal and the tape of a run, and how the market's blocks reach both."""

    def __init__(self, config: Config, folder: RunFolder, files: dict[str, Path]) -> None:
        digests = {name: file_sha256(path) for name, path in sorted(files.items())}
        header = Header(
            seed=config.scenario.seed,
            configuration=msgspec.json.decode(config.canonical()),
            versions=versions(),
            data_sha256=digests,
        )
        self.journal = Journal(FolderDisk(folder.path), JOURNAL, header)
        self.rows: list[NDArray[np.int64]] = []

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Take one block of the tape: its digest now, its Parquet after the loop."""
        exact = np.ascontiguousarray(rows, dtype="<i8")
        self.journal.block(len(exact), hashlib.sha256(exact.data).hexdigest())
        self.rows.append(exact)


def run_scenario(config: Config, folder: Path, progress: Progress | None = None) -> RunResult:
    """Run one scenario and write everything into `folder`.

    Raises
    ------
    ConfigError
        If the configuration cannot run.
    OperatingError
        If the folder cannot be written.
    """
    watched = progress if progress is not None else Silent()
    clock = Clocked(watched)
    output = RunFolder(folder)
    files = data_files(config)
    clock.begin("compile", "the market core, once on a machine")
    _compile()
    clock.begin("build")
    recording = Recording(config, output, files)
    world = build(config, recording.journal, recording.keep, PROTOCOL)
    clock.begin("loop")
    began = time.perf_counter()
    complete = _loop(world, watched)
    digest = _close(world, recording)
    wall = time.perf_counter() - began
    clock.begin("write")
    _write(world, output, recording)
    clock.end()
    summary = summary_of(
        world, world.kernel.statistics(), digest, wall, clock.seconds, RunResult(output.path, {})
    )
    return _finish(world, output, summary, files, digest, complete)


def _compile() -> None:
    from scenarios.warm_up import compile_all  # noqa: PLC0415  # Only here, and shown as a step.

    compile_all()


def _loop(world: World, progress: Progress) -> bool:
    """Run every day; returns False where the watcher asked to stop."""
    sessions = world.sessions
    progress.span(sessions[0].start_ns, sessions[-1].end_ns, sessions[0].zone)
    calendar = TradingCalendar(sessions[0].calendar)
    clearing = Clearing(world.instruments, calendar)
    for number, session in enumerate(sessions):
        world.start_day(number)
        until = session.end_ns
        now = session.start_ns - 1
        while now < until:
            now = min(now + _SLICE_NS, until)
            world.kernel.run_until(now)
            arena = world.market.arena
            if world.kernel.stop_reason:
                raise RuntimeError(world.kernel.stop_reason)
            if not progress.tick(now, int(arena[at.H_EVENTS]), 0):
                return False
        _clear(world, clearing, number)
    return True


def _clear(world: World, clearing: Clearing, number: int) -> None:
    """Run the clearing cycle of a day; its events go into the journal as the tape's do."""
    market = world.market
    rows = market.section(at.S_INSTRUMENT)
    marks = {
        instrument.symbol: int(rows[n, at.I_CLOSE_PRICE] or rows[n, at.I_LAST] or rows[n, at.I_LAST_CLOSE])
        for n, instrument in enumerate(world.instruments)
    }
    events = clearing.run(
        MarketLedger(market), world.sessions[number].date, marks, ClearingTerms()
    )
    world.clearing_events.extend(events)


def _close(world: World, recording: Recording) -> str:
    world.market.flush_tape()
    return recording.journal.close()


def _write(world: World, output: RunFolder, recording: Recording) -> None:
    with TapeWriter(output / "orders.parquet", world.facts) as tape:
        for rows in recording.rows:
            tape.write(rows)
    fees = world.market.section(at.S_ACCOUNT)[:, at.A_FEES_PAID].copy()
    write_tables(output.path, fees_paid=fees)
    write_table(output / FUNDAMENTAL, _fundamental(world))


def _fundamental(world: World) -> pl.DataFrame:
    frames = [
        pl.DataFrame({
            "time": np.arange(len(path), dtype=np.int64) * SECOND_NS + session.open_ns,
            "instrument": [instrument.symbol] * len(path),
            "value": path * (instrument.tick_value_micros / instrument.lot_units / 1e6),
        }).with_columns(
            pl.col("time").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(session.zone)
        )
        for session, paths in zip(world.sessions, world.paths, strict=False)
        for instrument in world.instruments
        if (path := paths.get(instrument.symbol)) is not None
    ]  # fmt: skip
    schema = {"time": pl.Datetime("ns", world.sessions[0].zone), "instrument": pl.String,
              "value": pl.Float64}  # fmt: skip
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)


def _finish(
    world: World, output: RunFolder, summary: dict[str, Any], files: dict[str, Path], digest: str,
    complete: bool,
) -> RunResult:  # fmt: skip
    manifest = make_manifest(
        scenario=world.config.scenario.name, seed=world.config.scenario.seed,
        configuration=world.config.canonical(), data_files=files, journal_sha256=digest,
        partial=not complete,
    )  # fmt: skip
    output.write("summary.json", msgspec.json.format(msgspec.json.encode(summary), indent=2))
    write_report(RunResult(output.path, summary, manifest))
    output.finish(encode(manifest))
    return RunResult(output.path, summary, manifest)


__all__ = ["JOURNAL", "REPORT", "run_scenario"]
