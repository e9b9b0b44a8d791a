"""Sizes and names: a file has one subject, a function fits a screen, a name says something."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.tidy.sources import PACKAGES, name, package_files, python_files, tree

REFUSED_NAMES: Final = {"utils", "helpers", "common", "misc", "manager", "base", "core"}
FILE_LINES, TEST_LINES, KERNEL_LINES = 400, 500, 1000
FUNCTION_LINES, ARGUMENTS = 60, 7  # Six and self; what is named in the call may be more.
# Hands the compiled entry its scalars in its order: names would cost a third of the call.
BY_POSITION: Final = {"environment/market/market.py:post_order"}
COMPILERS: Final = {"njit", "inner", "inlined", "intrinsic"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_compiled(function: Function) -> bool:
    """Return whether a function is compiled: a call would cost it what a split gains."""
    return any(ast.unparse(decorator) in COMPILERS for decorator in function.decorator_list)


def functions(file: Path) -> Iterator[Function]:
    """Yield every function of a file."""
    for node in ast.walk(tree(file)):
        if isinstance(node, Function):
            yield node


def length(function: Function) -> int:
    """Return a function's lines without its docstring."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def most_lines(file: Path) -> int:
    """Return how long a file may be."""
    if name(file).startswith(("tests/", "benchmarks/")):
        return TEST_LINES
    return KERNEL_LINES if any(map(is_compiled, functions(file))) else FILE_LINES


def test_files_have_one_subject() -> None:
    sizes = {
        name(file): (file.read_text().count("\n"), most_lines(file)) for file in python_files()
    }
    assert {file: lines for file, (lines, most) in sizes.items() if lines > most} == {}


def test_functions_fit_a_screen() -> None:
    long = {
        f"{name(file)}:{function.name}": length(function)
        for file in python_files()
        for function in functions(file)
        if length(function) > FUNCTION_LINES and not is_compiled(function)
    }
    assert long == {}


def test_functions_take_few_arguments_by_position() -> None:
    many = [
        f"{name(file)}:{function.name}"
        for file in package_files(*PACKAGES)
        for function in functions(file)
        if len(function.args.args) > ARGUMENTS and not is_compiled(function)
    ]
    assert set(many) == BY_POSITION


def test_file_names_say_something() -> None:
    assert [name(file) for file in python_files() if file.stem in REFUSED_NAMES] == []


def test_modules_say_what_they_are_for() -> None:
    silent = [
        name(file)
        for file in package_files(*PACKAGES)
        if file.read_text().strip() and ast.get_docstring(tree(file)) is None
    ]
    assert silent == []
