"""One run from configuration to folder: build, loop, write."""

import gc
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from environment.authority import keys_of_seed
from environment.errors import ConfigError, OperatingError
from environment.market import layout as at
from environment.record.audit import AUDIT, HEADS, HeadKey, SignedHead
from environment.record.day import DayTape
from environment.record.disk import FolderDisk
from environment.record.files import RunFolder
from environment.record.manifest import Manifest, encode, make_manifest
from environment.record.output import read_day, write_table, write_tables
from environment.record.tape import TapeWriter
from scenarios.builders.desk import who_answers
from scenarios.builders.facts import with_listed
from scenarios.builders.floor import SWARM_ACCOUNT, Factory
from scenarios.builders.models import check_cassette, models_summary
from scenarios.builders.paths import SECOND_NS
from scenarios.builders.replay import REPLAY, divergence
from scenarios.builders.warm_up import compile_all, compile_replay, compiling
from scenarios.builders.world import World
from scenarios.config.load import Config
from scenarios.report.write import write_report
from scenarios.run.decisions import (
    account_moves,
    approval_counts,
    decision_rows,
    facts_of,
    gate_ledger,
)
from scenarios.run.desk_results import desk_summary
from scenarios.run.inputs import data_files
from scenarios.run.margin_results import write_margin_tables
from scenarios.run.option_results import write_option_tables
from scenarios.run.progress import Phase, Progress, Silent
from scenarios.run.result import FUNDAMENTAL, REPORT, SUMMARY, RunResult
from scenarios.run.session_loop import JOURNAL, SPOOL, SessionLoop
from scenarios.run.summary import summary_of

Seat = Callable[[SessionLoop], AbstractContextManager[None]]


def nobody_sits(loop: SessionLoop) -> AbstractContextManager[None]:  # noqa: ARG001  a seat's signature
    """Return a seat in which nobody sits: the run takes the time that it needs."""
    return nullcontext()


class Clocked:
    """Seconds of each phase of a run, told to whoever watches."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress, self._since = progress, time.perf_counter()
        self._name: Phase | None = None

    def begin(self, name: Phase, detail: str = "") -> None:
        """End the phase before and begin another."""
        self.end()
        self._name, self._since = name, time.perf_counter()
        self._progress.phase(name, detail)

    def end(self) -> None:
        """End the present phase."""
        if self._name is not None:
            past = time.perf_counter() - self._since
            self.seconds[self._name] = self.seconds.get(self._name, 0.0) + past
        self._name = None


def run_scenario(
    config: Config, folder: Path, progress: Progress | None = None,
    agents: dict[str, Factory] | None = None, seat: Seat = nobody_sits, import_s: float = 0.0,
) -> RunResult:  # fmt: skip
    """Run one scenario and write everything into `folder`.

    Parameters
    ----------
    agents : mapping of address to factory, optional
        Agents made in Python, beside those of the swarm file.
    seat
        What is held open around the loop: a panel, where a person answers.
    import_s
        What importing has taken before, told among the phases.

    Raises
    ------
    ConfigError
        If the configuration cannot run.
    OperatingError
        If the folder cannot be written.
    """
    watched = progress if progress is not None else Silent()
    clock = Clocked(watched)
    clock.seconds["import"] = import_s
    output = RunFolder(folder)
    for name in (SUMMARY, REPORT):
        (output / name).unlink(missing_ok=True)  # An older run's would pass for this one's.
    clock.begin("compile", compiling())
    compile_all()
    if config.scenario.recording is not None:
        compile_replay()
    clock.begin("build")
    result = _played(config, output, watched, clock, agents, seat)
    gc.collect()  # The world is over, and is a ring; what tells of it needs the room.
    return _finish(output, result)


def _played(
    config: Config, output: RunFolder, watched: Progress, clock: Clocked,
    agents: dict[str, Factory] | None, seat: Seat,
) -> RunResult:  # fmt: skip
    """Run the world, write its tables, and return all that a report tells of it."""
    try:
        disk = FolderDisk(output.path)
        loop = SessionLoop.build(config, disk, agents=agents, spool=output / SPOOL)
    except ConfigError:
        (output / JOURNAL).unlink(missing_ok=True)  # Of a run that never began.
        raise
    clock.begin("loop")
    began = time.perf_counter()
    try:
        with seat(loop):
            complete = run_loop(loop, watched)
    except OperatingError:
        loop.recording.drop_rows()
        raise  # The disk itself: nothing more can be kept.
    except BaseException:
        loop.abandon()
        raise
    digest = loop.finish()
    check_cassette(loop.models)
    wall = time.perf_counter() - began
    clock.begin("write")
    day = write_tape(loop, output)
    head = write_audit(loop, output)
    clock.end()
    summary = summary_of(
        loop.world, loop.world.kernel.statistics(), digest, wall, clock.seconds,
        RunResult(output.path, {}, tape=day),
    )  # fmt: skip
    log = loop.world.floor.audit
    # Read anew for each: as objects a chain takes many times what it takes in bytes.
    counts = approval_counts(facts_of(log))
    summary["approvals"] = counts | {"answered_by": who_answers(config)}
    if moves := account_moves(facts_of(log)):
        summary["account_moves"] = moves
    if head is not None:
        summary["gate"] = gate_ledger(facts_of(log), day)
        summary["audit"] = {"records": head.number, "head": head.hash.hex()}
    summary |= models_summary(loop.models) | desk_summary(loop.world.floor)
    manifest = manifest_of(config, digest, partial=not complete)
    return RunResult(output.path, summary, manifest, tape=day)


def run_loop(loop: SessionLoop, progress: Progress) -> bool:
    """Run every day; returns False where the watcher asked to stop."""
    progress.span(loop.start_ns, loop.end_ns, loop.world.sessions[0].zone)
    loop.start()
    now_ns = min(loop.start_ns - 1 + loop.slice_ns, loop.end_ns)
    while loop.advance_to(now_ns):
        if not progress.tick(now_ns, loop.events, 0):
            return False
        now_ns = min(now_ns + loop.slice_ns, loop.end_ns)
    return loop.is_over


def write_tape(loop: SessionLoop, output: RunFolder) -> DayTape:
    """Write the tape and every table that comes from it, and return what they came from."""
    kept = loop.recording.rows
    assert kept is not None, "a run with a folder keeps its tape"
    facts = with_listed(loop.world.facts, loop.world.options.reserve, loop.world.series)
    with TapeWriter(output / "orders.parquet", facts) as tape:
        for block in kept.blocks():
            tape.write(block)
    kept.remove()
    fees = loop.world.market.section(at.S_ACCOUNT)[:, at.A_FEES_PAID].copy()
    decisions = decision_rows(facts_of(loop.world.floor.audit), facts, SWARM_ACCOUNT)
    day = write_tables(output.path, fees_paid=fees, decisions=decisions)
    write_table(output / FUNDAMENTAL, _fundamental(loop.world))
    write_option_tables(loop.world, output.path)
    write_margin_tables(loop.margin_log, output.path, loop.world.sessions[0].zone)
    if loop.world.recorded is not None:
        write_table(output / REPLAY, divergence(loop.world.recorded, read_day(output.path)))
    return day


def write_audit(loop: SessionLoop, output: RunFolder) -> SignedHead | None:
    """Write the chain of what the desk and people decided, and return its last head."""
    for name in (AUDIT, HEADS):
        (output / name).unlink(missing_ok=True)
    log = loop.world.floor.audit
    if log is None:
        return None
    key = HeadKey(keys_of_seed(loop.world.config.scenario.seed).audit)
    head = log.close(key, loop.world.kernel.now_ns())
    output.write(AUDIT, log.chain())
    output.write(HEADS, log.anchors())
    return head


def _fundamental(world: World) -> pl.DataFrame:
    frames = [
        pl.DataFrame({
            "time": np.arange(len(path), dtype=np.int64) * SECOND_NS + session.open_ns,
            "instrument": [instrument.symbol] * len(path),
            "value": path * (instrument.tick_micros / 1e6),
        }).with_columns(
            pl.col("time").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(session.zone)
        )
        for session, paths in zip(world.sessions, world.paths, strict=False)
        for instrument in world.instruments
        if (path := paths.get(instrument.symbol)) is not None
    ]  # fmt: skip
    schema = pl.Schema({
        "time": pl.Datetime("ns", world.sessions[0].zone), "instrument": pl.String(),
        "value": pl.Float64(),
    })  # fmt: skip
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)


def _finish(output: RunFolder, result: RunResult) -> RunResult:
    write_report(result)
    # Late, as it is what makes a folder look like a run; the manifest makes it whole.
    output.write(SUMMARY, msgspec.json.format(msgspec.json.encode(result.summary), indent=2))
    assert result.manifest is not None, "a run that ended has a manifest"
    output.finish(encode(result.manifest))
    return replace(result, tape=None)


def manifest_of(config: Config, digest: str, *, partial: bool) -> Manifest:
    """Return the conditions of a run of this configuration, here and now."""
    return make_manifest(
        scenario=config.scenario.name, seed=config.scenario.seed,
        configuration=config.canonical(), data_files=data_files(config), journal_sha256=digest,
        partial=partial,
    )  # fmt: skip


__all__ = ["JOURNAL", "REPORT", "manifest_of", "run_loop", "run_scenario", "write_tape"]
