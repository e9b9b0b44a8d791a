"""Whatever is done to a configuration file, the answer is a configuration or one clear line."""

import copy
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from environment.errors import ConfigError
from scenarios.builders.plan import make_plan
from scenarios.config import load as config
from scenarios.config.built import check_built
from scenarios.config.load import Config, load_config
from scenarios.config.read import read_toml, refuse_odd_numbers
from scenarios.places import PROJECT_ROOT, SHIPPED
from tests.unit.scenarios.example_files import SCENARIO, SWARM, write_example

ODD_VALUES: Final = st.one_of(
    st.sampled_from(
        ["", "0s", "-1s", "25:00", "cash", "noise", "agents.toml", [], {}, True, 0, -1]
    ),
    st.integers(-(2**70), 2**70),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.text(max_size=8),
    st.dates(),
    st.lists(st.integers(-2, 2), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers(-2, 2), max_size=2),
)


def places(tables: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything inside some tables."""
    items = tables.items() if isinstance(tables, dict) else enumerate(tables)
    for key, item in items:
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))


def shipped(name: str) -> dict[str, Any]:
    """Return the tables of one of the files that ship."""
    file = PROJECT_ROOT / name if name == "agents.toml" else SHIPPED / f"{name}.toml"
    return tomllib.loads(file.read_text(), parse_float=Decimal)


EXAMPLES: Final = {
    "scenario": tomllib.loads(SCENARIO, parse_float=Decimal),
    "swarm": tomllib.loads(SWARM, parse_float=Decimal),
    "agents.toml": shipped("agents.toml"),
    **{name: shipped(name) for name in config.shipped_names()},
}


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, dict[str, Any], str]:
    """Draw one file with one value changed, one key renamed, or one key removed."""
    name = draw(st.sampled_from(sorted(EXAMPLES)))
    tables = copy.deepcopy(EXAMPLES[name])
    path = draw(st.sampled_from(list(places(tables))))
    place: Any = tables
    for part in path[:-1]:
        place = place[part]
    deed = draw(st.sampled_from(["change", "rename", "remove"]))
    old = place[path[-1]]
    if deed == "change" or isinstance(place, list):
        place[path[-1]] = draw(ODD_VALUES)
    else:
        del place[path[-1]]
        if deed == "rename":
            place[draw(st.text(max_size=6))] = old
    return name, tables, str(path[0])


def load_tables(name: str, tables: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Config:
    """Load a scenario as if its file held these tables; no TOML writer stands in between."""
    folder = Path(tempfile.mkdtemp())
    try:
        scenario = write_example(folder)
        is_swarm = "agents" in EXAMPLES[name]
        changed = folder / ("agents.toml" if is_swarm else "small.toml")

        def read_changed(file: Path, where: object) -> Any:
            found = tables if file == changed else read_toml(file, where)
            refuse_odd_numbers(found, where)
            return found

        monkeypatch.setattr("scenarios.config.load.read_toml", read_changed)
        loaded = load_config(scenario)
        check_built(loaded)
        # Chains of options take a second each, and have tests of their own.
        if all(told.options is None for told in loaded.scenario.instruments):
            make_plan(loaded, {})
        return loaded
    finally:
        shutil.rmtree(folder)


@given(mutations())
def test_mutated_file_loads_or_is_refused_in_one_line(
    mutation: tuple[str, dict[str, Any], str],
) -> None:
    name, tables, _ = mutation
    with pytest.MonkeyPatch.context() as monkeypatch:
        try:
            loaded = load_tables(name, tables, monkeypatch)
        except ConfigError as error:
            line = str(error)
            assert "\n" not in line
            assert ": " in line
            assert "Traceback" not in line
        else:
            again = config.from_canonical(loaded.canonical())
            assert again.canonical() == loaded.canonical()


@given(mutations(), st.integers(2, 5))
def test_wrong_type_names_its_key(mutation: tuple[str, dict[str, Any], str], depth: int) -> None:
    name, _, top = mutation
    tables = copy.deepcopy(EXAMPLES[name])
    nested: Any = {"odd key": depth}
    for _ in range(depth):
        nested = {"odd key": nested}
    tables[top] = nested
    with pytest.MonkeyPatch.context() as monkeypatch, pytest.raises(ConfigError) as error:
        load_tables(name, tables, monkeypatch)
    assert f": {top}" in str(error.value)


@given(st.text(max_size=40))
def test_any_override_loads_or_is_refused_in_one_line(text: str) -> None:
    folder, said = Path(tempfile.mkdtemp()), ""
    try:
        load_config(write_example(folder), [text])
    except ConfigError as error:
        said = str(error)
    finally:
        shutil.rmtree(folder)
    assert "\n" not in said


@given(st.binary(max_size=60))
def test_any_bytes_load_or_are_refused_in_one_line(content: bytes) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "x.toml").write_bytes(content)
        with pytest.raises(ConfigError, match=r"x\.toml: "):
            load_config(str(folder / "x.toml"))
    finally:
        shutil.rmtree(folder)
