"""The command line: exit codes, one line for a mistake, one object for a script."""

import errno
import json
import os
import signal
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from environment.errors import CorruptRecord
from scenarios.cli import shadows
from scenarios.cli.main import first_sentence, run_command
from scenarios.config.load import Config
from scenarios.run.outcomes import FinishedRun, ReplayResult
from scenarios.run.progress import Progress
from tests.unit.scenarios.example_files import write_example

SUMMARY = {
    "scenario": "small", "seed": 1, "simulated_seconds": 23_400.0, "wall_seconds": 0.5,
    "messages": 10, "book_events": 20, "trades": 3, "journal_sha256": "ab" * 32,
}  # fmt: skip


@dataclass(frozen=True)
class Finished:
    """A run that left nothing on disk."""

    folder: Path
    summary: dict[str, Any]
    complete: bool = True
    report: Path | None = None


Runner = Callable[[Config, Path, Progress], FinishedRun]


def quick_run(_config: Config, folder: Path, progress: Progress) -> FinishedRun:
    """Report every phase and a full loop, and record nothing."""
    progress.phase("build")
    progress.span(0, 1_000_000_000, "America/New_York")
    progress.phase("loop")
    complete = progress.tick(500_000_000, 10, 5)
    progress.phase("write")
    return Finished(folder=folder, summary=dict(SUMMARY), complete=complete)


def put_runner(monkeypatch: pytest.MonkeyPatch, runner: Runner) -> None:
    """Let the command line find this function as the runner."""
    module = types.ModuleType("scenarios.run.runner")
    module.__dict__["run_scenario"] = lambda config, folder, progress, **_: runner(
        config, folder, progress
    )
    monkeypatch.setitem(sys.modules, "scenarios.run.runner", module)


def put_replay(monkeypatch: pytest.MonkeyPatch, result: ReplayResult) -> None:
    """Let the command line find a replay that ends like this."""
    module = types.ModuleType("scenarios.run.replay")
    module.__dict__["replay"] = lambda _folder, progress: result
    monkeypatch.setitem(sys.modules, "scenarios.run.replay", module)


@pytest.mark.parametrize("arguments", [[], ["cassette"], ["panel", "user"]])
def test_group_without_a_command_shows_its_help_in_lines(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(arguments) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("Usage: ")
    assert "\nCommands:\n" in printed.err


def test_swarm_named_on_the_command_line_is_the_one_that_lies_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Config] = []

    def note(config: Config, folder: Path, progress: Progress) -> FinishedRun:
        seen.append(config)
        return quick_run(config, folder, progress)

    put_runner(monkeypatch, note)
    here = tmp_path / "here"
    here.mkdir()
    file = write_example(tmp_path)
    (here / "agents.toml").write_text(
        (tmp_path / "agents.toml").read_text().replace("[limits]", "[limits]\nposition.hard = 7")
    )
    (here / "posts.jsonl").write_text("{}\n")
    monkeypatch.chdir(here)
    run_command(["run", file, "--json", "--out", str(tmp_path / "out")])
    run_command(["run", file, "--set", "swarm=agents.toml", "--json", "--out", str(tmp_path / "o")])
    assert [config.swarm_file for config in seen] == [
        tmp_path / "agents.toml", here / "agents.toml",
    ]  # fmt: skip


def test_run_says_what_came_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_runner(monkeypatch, quick_run)
    assert run_command(["run", write_example(tmp_path), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    assert "3 trades" in printed.out
    assert "building the market" in printed.err


def test_run_prints_one_object_when_a_script_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_runner(monkeypatch, quick_run)
    assert run_command(["run", write_example(tmp_path), "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == SUMMARY
    assert printed.err == ""


def test_run_hands_seed_and_settings_to_the_runner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Config] = []

    def note(config: Config, folder: Path, progress: Progress) -> FinishedRun:
        seen.append(config)
        return quick_run(config, folder, progress)

    put_runner(monkeypatch, note)
    run_command(["run", write_example(tmp_path), "--seed", "7", "--set", "crowd=actors", "--json"])
    assert (seen[0].scenario.seed, seen[0].scenario.crowd) == (7, "actors")


def test_first_interrupt_ends_the_loop_and_keeps_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(config: Config, folder: Path, progress: Progress) -> FinishedRun:
        progress.phase("loop")
        os.kill(os.getpid(), signal.SIGINT)
        return quick_run(config, folder, progress)

    put_runner(monkeypatch, interrupted)
    assert run_command(["run", write_example(tmp_path)]) == 130
    assert "ended early" in capsys.readouterr().out


def test_interrupt_before_the_loop_stops_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(config: Config, folder: Path, progress: Progress) -> FinishedRun:
        progress.phase("compile")
        os.kill(os.getpid(), signal.SIGINT)
        return quick_run(config, folder, progress)

    put_runner(monkeypatch, interrupted)
    handler = signal.getsignal(signal.SIGINT)
    assert run_command(["run", write_example(tmp_path)]) == 130
    assert capsys.readouterr().err.endswith("outcry: stopped\n")
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/x"), "runs/x: No space left"),
        (PermissionError(errno.EACCES, "Permission denied", "runs/x"), "runs/x: Permission denied"),
        (CorruptRecord("tape.parquet: row 5\nis torn"), "tape.parquet: row 5 is torn"),
    ],
)
def test_trouble_outside_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    words: str,
) -> None:
    def fail(_config: Config, _folder: Path, _progress: Progress) -> FinishedRun:
        raise error

    put_runner(monkeypatch, fail)
    assert run_command(["run", write_example(tmp_path), "--json"]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"outcry: {words}")
    assert (printed.err.count("\n"), printed.out) == (1, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "no_such_scenario"],
        ["run", "no/such/file.toml"],
        ["run", "rmsc04", "--set", "x=1"],
        ["run", "rmsc04", "--seed", "-1"],
        ["run", "rmsc04", "--seed", "x"],
        ["run"],
        ["rum"],
        ["run", "rmsc04", "--sed", "3"],
    ],
)
def test_mistake_is_one_line_and_exit_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert run_command(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("outcry: ")
    assert printed.err.count("\n") == 1


def test_replay_that_is_the_same_exits_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    put_replay(monkeypatch, ReplayResult(same=True, records=1_234, journal_sha256="ab"))
    assert run_command(["replay", str(tmp_path)]) == 0
    assert "the same: all 1,234 records" in capsys.readouterr().out


def test_replay_that_differs_exits_1_and_says_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    result = ReplayResult(same=False, records=5, journal_sha256="ab", difference="record 6: …")
    put_replay(monkeypatch, result)
    assert run_command(["replay", str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["difference"] == "record 6: …"


def test_scenarios_are_listed_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["scenarios"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = {line.split()[0] for line in lines}
    assert {"opening_bell", "rmsc04", "flash_crash", "replay_day", "correlated"} <= names


def test_doctor_finds_python_and_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["doctor", "--json"]) in {0, 2}
    findings = json.loads(capsys.readouterr().out)["findings"]
    states = {finding["subject"]: finding["state"] for finding in findings}
    assert states["python"] == states["libraries"] == "ok"


def test_shadowed_package_is_refused_before_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_runner(monkeypatch, quick_run)
    monkeypatch.setattr(shadows, "PROJECT_ROOT", tmp_path)
    assert run_command(["run", write_example(tmp_path)]) == 2
    assert "the package environment is found at" in capsys.readouterr().err


def test_first_sentence_ends_where_it_ends() -> None:
    assert first_sentence("One stock, 1.5 days. Then\nmore.") == "One stock, 1.5 days"
    assert first_sentence("No end") == "No end"
