"""Calls that would make two runs differ: wall clock, global randomness, hashes of names."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.tidy.sources import name, package_files, tree

CLOCKS: Final = {
    ("time", "time"), ("time", "time_ns"), ("time", "monotonic"), ("time", "monotonic_ns"),
    ("time", "perf_counter"), ("time", "perf_counter_ns"), ("datetime", "now"),
    ("datetime", "utcnow"), ("datetime", "today"), ("date", "today"),
}  # fmt: skip
RANDOM: Final = {("uuid", "uuid1"), ("uuid", "uuid4"), ("os", "urandom")}
# Files whose subject is wall time, each with the reason why no outcome depends on it.
MAY_READ_CLOCKS: Final = {
    "environment/telemetry/stages.py": "how long an order took; no actor sees it",
    "environment/actors/ports.py": "the clock that pacing waits by, plugged in from outside",
    "environment/actors/live_clock.py": "the clock of a live process, which is wall time",
}
# The door itself, and functions that are inlined into callers and so never cached on their own.
MAY_COMPILE: Final = {
    "environment/compiled.py",
    "environment/inlining.py",
    "environment/options/normal.py",
}


def banned(file: Path) -> Iterator[str]:
    """Yield each banned call or import of a file."""
    for node in ast.walk(tree(file)):
        where = f"{name(file)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = (
                [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
            )
            if {"random", "secrets"} & set(modules):
                yield f"{where} imports {modules}"
        elif isinstance(node, ast.Attribute):
            owner = node.value
            last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if (last, node.attr) in CLOCKS and name(file) not in MAY_READ_CLOCKS:
                yield f"{where} reads a clock: {last}.{node.attr}"
            if (last, node.attr) in RANDOM or last == "random":
                yield f"{where} draws from outside: {last}.{node.attr}"
            if last in {"np", "numpy"} and node.attr == "random":
                yield f"{where} draws from numpy"


def hashes(file: Path) -> Iterator[str]:
    """Yield each use of `hash()` outside a `__hash__`, whose value no order may depend on."""
    own = {
        id(inner)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.FunctionDef) and node.name == "__hash__"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree(file)):
        is_hash = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "hash"
        if is_hash and id(node) not in own:
            yield f"{name(file)}:{getattr(node, 'lineno', 0)} calls hash()"


def test_environment_and_agents_draw_nothing_from_outside() -> None:
    found = [line for file in package_files("environment", "agents") for line in banned(file)]
    assert found == []


def test_environment_and_agents_never_hash_names() -> None:
    found = [line for file in package_files("environment", "agents") for line in hashes(file)]
    assert found == []


def test_compiled_functions_go_through_one_door() -> None:
    found = [
        f"{name(file)}:{node.lineno}"
        for file in package_files("environment", "agents", "scenarios")
        if name(file) not in MAY_COMPILE
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute)
        and getattr(node.value, "id", "") in {"numba", "nb"}
        and node.attr in {"njit", "jit", "vectorize", "guvectorize", "jitclass"}
    ]
    assert found == []
