"""Imports run one way: scenarios, then agents, brokers and llm, then environment."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.tidy.sources import PACKAGES, ROOT, name, package_files, tree

ALLOWED: Final = {
    "environment": set[str](),
    "llm": {"environment"},
    "brokers": {"environment"},
    "agents": {"environment", "llm"},
    "scenarios": {"environment", "llm", "brokers", "agents"},
}


def imported_packages(file: Path) -> Iterator[tuple[int, str]]:
    """Yield line and top package of each import of a file."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, (node.module or "").split(".")[0]


def test_imports_run_one_way() -> None:
    against = [
        f"{name(file)}:{line} imports {target}"
        for package in PACKAGES
        for file in package_files(package)
        for line, target in imported_packages(file)
        if target in {*PACKAGES, "tests", "benchmarks"} - ALLOWED[package] - {package}
    ]
    assert against == []


def test_imports_inside_the_repository_are_absolute() -> None:
    relative = [
        f"{name(file)}:{node.lineno}"
        for file in package_files(*PACKAGES)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_mesa_is_imported_by_the_world_only() -> None:
    places = {
        name(file)
        for file in package_files(*PACKAGES)
        for _, target in imported_packages(file)
        if target == "mesa"
    }
    assert places <= {"scenarios/world.py"}


def test_packages_are_all_there() -> None:
    assert [p for p in PACKAGES if not (ROOT / p / "py.typed").is_file()] == []
