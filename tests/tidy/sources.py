"""The files of the repository, read once for all house rules."""

import ast
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("environment", "agents", "brokers", "llm", "scenarios")


@cache
def repository_files() -> tuple[Path, ...]:
    """Return every file that is, or is about to be, part of the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(ROOT / line for line in listed.splitlines() if (ROOT / line).is_file())


@cache
def python_files() -> tuple[Path, ...]:
    """Return every Python file of the repository."""
    return tuple(file for file in repository_files() if file.suffix == ".py")


def package_files(*packages: str) -> tuple[Path, ...]:
    """Return the Python files of some of our packages."""
    return tuple(file for file in python_files() if file.relative_to(ROOT).parts[0] in packages)


@cache
def tree(file: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(file.read_text(), str(file))


def name(file: Path) -> str:
    """Return a file's place in the repository."""
    return file.relative_to(ROOT).as_posix()
