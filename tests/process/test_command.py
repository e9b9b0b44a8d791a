"""The installed command, as a shell starts it."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scenarios import notebook
from scenarios.places import PROJECT_ROOT
from scenarios.run.replay import replay

OUTCRY = Path(sys.executable).with_name("outcry")


def outcry(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in some folder."""
    command = [str(OUTCRY), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_help_names_every_command_and_no_other(tmp_path: Path) -> None:
    done = outcry("--help", cwd=tmp_path)
    listed = done.stdout.partition("Commands:")[2].split("\n")
    assert done.returncode == 0
    assert [line.split()[0] for line in listed if line.strip()] == [
        "run", "replay", "scenarios", "doctor", "why", "approvals", "live", "status", "stop",
        "halt", "resume", "reconcile", "evaluate", "panel", "audit", "journal", "cassette",
        "models",
    ]  # fmt: skip


def test_help_loads_neither_compiler_nor_frames(tmp_path: Path) -> None:
    code = "import scenarios.cli.main, sys\n"
    code += "print(sorted({'numba', 'numpy', 'polars'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("folder", ["agents", "llm"])
def test_folder_of_the_same_name_where_the_user_stands_changes_nothing(
    tmp_path: Path, folder: str
) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "__init__.py").write_text("raise RuntimeError('the wrong package')\n")
    assert outcry("scenarios", cwd=tmp_path).returncode == 0


def test_shipped_scenarios_are_found_from_any_folder(tmp_path: Path) -> None:
    assert "rmsc04" in outcry("scenarios", cwd=tmp_path).stdout


def test_ctrl_c_while_modules_are_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    done = subprocess.run(
        [sys.executable, "-c", "from scenarios.cli.command import main; main()"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (130, "outcry: stopped\n")


def test_installed_command_begins_where_ctrl_c_is_heard() -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"]["outcry"] == "scenarios.cli.command:main"


def test_notebook_runs_and_replays() -> None:
    assert {"simulate", "replay"} <= set(notebook.__all__)
    assert notebook.replay is replay
