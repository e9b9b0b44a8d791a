"""Documents say what is: every key of the files is described, every block of the README runs."""

import os
import re
import shlex
import subprocess
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from scenarios.config.scenario import Scenario
from scenarios.config.swarm import Swarm
from tests.tidy.sources import ROOT

README: Final = (ROOT / "README.md").read_text()
BIN: Final = Path(sys.executable).parent


def blocks(language: str) -> list[str]:
    """Return the code blocks of the README in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def commands(program: str) -> list[list[str]]:
    """Return the arguments of each line in the README's shell blocks that runs a program."""
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    return [line[1:] for line in words if line and line[0].endswith(program)]


def structs(annotation: Any, seen: set[Any]) -> Iterator[type[msgspec.Struct]]:
    """Yield every struct that a type can hold."""
    for part in typing.get_args(annotation):
        yield from structs(part, seen)
    is_struct = isinstance(annotation, type) and issubclass(annotation, msgspec.Struct)
    if not is_struct or annotation in seen:
        return
    seen.add(annotation)
    yield annotation
    for field in msgspec.structs.fields(annotation):
        yield from structs(field.type, seen)


@pytest.mark.parametrize("root", [Scenario, Swarm])
def test_every_key_of_a_file_is_described(root: type[msgspec.Struct]) -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    missing = [
        f"{struct.__name__}.{field.encode_name}"
        for struct in structs(root, set())
        for field in msgspec.structs.fields(struct)
        if f"| `{field.encode_name}` |" not in page
    ]
    assert missing == []


@pytest.mark.parametrize("root", [Scenario, Swarm])
def test_every_kind_is_described(root: type[msgspec.Struct]) -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    tags = {str(struct.__struct_config__.tag) for struct in structs(root, set())} - {"None"}
    assert {tag for tag in tags if f'"{tag}"' not in page} == set()


def test_readme_names_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = {word for line in commands("make") for word in line}
    defined = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert {"demo", "test"} <= targets <= defined


def test_readme_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("arguments", commands("outcry"), ids=" ".join)
def test_readme_command_runs(arguments: list[str], tmp_path: Path) -> None:
    if arguments[0] == "replay":  # It needs the run that the line above it made.
        made = [str(BIN / "outcry"), "run", "rmsc04", "--out", arguments[1], "--json"]
        subprocess.run(made, cwd=tmp_path, check=True, capture_output=True, timeout=240)
    command = [str(BIN / "outcry"), *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_readme_program_runs_and_is_short(number: int, tmp_path: Path) -> None:
    program = blocks("python")[number]
    assert len([line for line in program.splitlines() if line.strip()]) <= 30
    (tmp_path / "first_agent.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "first_agent.py"],
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
