"""The same run in separate processes, whatever they hash by and however warm their cache is."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scenarios.builders.warm_up import compile_all

OUTCRY = Path(sys.executable).with_name("outcry")
SHORT = ("--set", "session.closes=09:35")


def run(folder: Path, *arguments: str, **environment: str) -> dict[str, Any]:
    """Run a scenario in a process of its own and return its summary."""
    command = [str(OUTCRY), "run", *arguments, "--out", str(folder), "--json"]
    done = subprocess.run(
        command, cwd=folder.parent, env={**os.environ, **environment}, capture_output=True,
        text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("arguments", [("opening_bell",), ("rmsc04", "--set", "crowd=actors")])
def test_hash_seed_of_the_process_changes_nothing(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    compile_all()
    found = {
        run(tmp_path / seed, *arguments, *SHORT, PYTHONHASHSEED=seed)["journal_sha256"]
        for seed in ("0", "4242")
    }
    assert len(found) == 1


def test_a_run_says_how_long_each_of_its_phases_took(tmp_path: Path) -> None:
    phases = run(tmp_path, "rmsc04", *SHORT)["phases"]
    assert set(phases) == {"import", "compile", "build", "loop", "write"}
    assert all(seconds > 0 for seconds in phases.values())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_cold_compilation_cache_changes_nothing(tmp_path: Path) -> None:
    compile_all()
    warm = run(tmp_path / "warm", "opening_bell", *SHORT)
    cold = run(tmp_path / "cold", "opening_bell", *SHORT, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert cold["journal_sha256"] == warm["journal_sha256"]
    assert cold["phases"]["compile"] > warm["phases"]["compile"]
