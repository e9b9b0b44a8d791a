"""A recorded run, run again: the same, or the first difference with what led to it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import polars as pl
import pytest

from environment.actors import Envelope
from environment.actors.ports import MemoryDisk
from environment.errors import ConfigError, OperatingError
from environment.messages import OrderFilled
from environment.record.journal import Block, Header, Input, Journal, JournalReader, Step
from environment.record.manifest import versions
from scenarios.notebook import RunResult, simulate
from scenarios.protocol import PROTOCOL
from scenarios.run.journal_facts import message_facts
from scenarios.run.replay import replay
from scenarios.run.replay_mute import mute
from scenarios.run.session_loop import JOURNAL
from tests.conformance.scenarios.runs import SHORT, Idle


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """A few minutes of opening_bell on disk."""
    return simulate("opening_bell", settings=SHORT, out=tmp_path_factory.mktemp("run"))


@pytest.fixture
def copy(run: RunResult, tmp_path: Path) -> Path:
    """That run in a folder of the test's own."""
    return Path(shutil.copytree(run.folder, tmp_path / "run"))


def rewrite(
    folder: Path,
    change: Callable[[Envelope[object]], Envelope[object]],
    header: Callable[[Header], Header] = lambda told: told,
) -> None:
    """Write a journal anew, its envelopes and header changed."""
    reader = JournalReader((folder / JOURNAL).read_bytes(), PROTOCOL)
    disk = MemoryDisk()
    journal = Journal(disk, JOURNAL, header(reader.header))
    for record in reader:
        if isinstance(record, Envelope):
            journal.sent(change(record))
        elif isinstance(record, Step):
            journal.step(record.number, record.now_ns, record.input, record.outbox)
        elif isinstance(record, Input):
            journal.input(record.envelope)
        elif isinstance(record, Block):
            journal.block(record.rows, record.sha256)
    journal.close()
    (folder / JOURNAL).write_bytes(disk.read(JOURNAL))


def test_replay_is_the_same(run: RunResult) -> None:
    result = replay(run.folder)
    assert result.same, result.difference
    reader = JournalReader((run.folder / JOURNAL).read_bytes(), PROTOCOL)
    assert result.records == sum(1 for _ in reader)
    assert not result.partial
    assert result.journal_sha256 == run.summary["journal_sha256"]
    assert result.conditions == ()


def test_first_difference_is_told_with_what_led_to_it(copy: Path) -> None:
    changed: list[int] = []

    def enlarge(envelope: Envelope[object]) -> Envelope[object]:
        message = envelope.message
        if changed or not isinstance(message, OrderFilled) or not envelope.cause:
            return envelope
        changed.append(envelope.id)
        larger = msgspec.structs.replace(message, quantity=message.quantity + 1)
        return msgspec.structs.replace(envelope, message=larger)

    rewrite(copy, enlarge)
    result = replay(copy)
    assert not result.same
    assert result.difference is not None
    assert f"#{changed[0]} " in result.difference
    assert "led to by" in result.difference
    assert result.difference.count("OrderFilled") == 2
    causes = result.difference.partition("led to by")[2]
    assert all(name in causes for name in ("SubmitOrder", "ApprovedOrder", "OrderRequest"))


def test_another_version_is_named(copy: Path) -> None:
    (copy / "manifest.json").unlink()

    def older(header: Header) -> Header:
        versions = header.versions | {"numba": "0.1"}
        return msgspec.structs.replace(header, versions=versions)

    rewrite(copy, lambda envelope: envelope, older)
    assert replay(copy).conditions == (
        f"version of numba: recorded with 0.1, now {versions()['numba']}",
    )


def test_folder_without_a_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatingError, match=r"journal\.msgpack: no such file"):
        replay(tmp_path)


def test_agents_made_in_python_are_asked_for(tmp_path: Path) -> None:
    agents = {"mine/idle": lambda _: Idle()}
    run = simulate("opening_bell", agents, settings=SHORT, out=tmp_path / "run")
    with pytest.raises(ConfigError, match="mine/idle was made in Python"):
        replay(run.folder)
    assert replay(run.folder, agents).same


def test_muted_agent_changes_figures_of_the_swarm(run: RunResult) -> None:
    result = mute(run.folder, "practice/metronome")
    before, after = result.figures["trades"]
    assert before == run.trades.height
    assert after != before
    assert "profit of swarm" in result.figures


def test_unknown_agent_cannot_be_muted(run: RunResult) -> None:
    with pytest.raises(ConfigError, match=r'did you mean "quant/trend"'):
        mute(run.folder, "quant/trent")


def test_tables_are_frames_by_name(run: RunResult) -> None:
    assert {"trades", "quotes", "orders", "accounts", "tca", "decisions"} <= set(run.tables)
    assert isinstance(run.tables["trades"], pl.DataFrame)
    with pytest.raises(KeyError, match="there are trades"):
        run.tables["traces"]


def test_temporary_folder_goes_with_its_result() -> None:
    run = simulate("rmsc04", settings=SHORT)
    folder = run.folder
    assert folder.is_dir()
    del run
    assert not folder.exists()


def test_journal_tells_messages_and_latencies(run: RunResult) -> None:
    kinds = {"venue": "venue", "desk/risk": "risk"}
    facts = message_facts(run.folder / JOURNAL, kinds)
    link = next(row for row in facts.latencies if row.link == "venue > exchange")
    assert 0 < link.median_ns <= link.p99_ns <= link.max_ns
    assert facts.messages["risk", "OrderRequest"] > 0
    kernel = run.statistics
    assert kernel["latencies"]
    assert all(row["wall_ns"] > 0 and row["handled"] > 0 for row in kernel["handlers"])
