"""A run's configuration: the scenario file and the swarm file it names, read once and strictly."""

import hashlib
import json
from collections.abc import Iterable
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from environment.errors import ConfigError
from scenarios.config.check import (
    check_agents_prices,
    check_scenario_files,
    check_swarm_files,
    find_fault,
)
from scenarios.config.errors import Problem, did_you_mean, locate, make_error
from scenarios.config.read import (
    Override,
    Table,
    apply_override,
    displace,
    parse_key_path,
    parse_override,
    read_toml,
)
from scenarios.config.scenario import Scenario
from scenarios.config.swarm import Swarm
from scenarios.config.types import read_scalar, write_scalar
from scenarios.places import PROJECT_ROOT, SHIPPED, find_file, shown_path

_CANONICAL: Final = msgspec.json.Encoder(
    decimal_format="number", order="deterministic", enc_hook=write_scalar
)
S = TypeVar("S", Scenario, Swarm)


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is made from: the resolved files, and where they were found."""

    scenario: Scenario
    swarm: Swarm | None = None
    scenario_file: Path | None = None
    swarm_file: Path | None = None

    def canonical(self) -> bytes:
        """Return the resolved configuration as JSON: same meaning, same bytes; no path in it."""
        return _CANONICAL.encode({"scenario": self.scenario, "swarm": self.swarm})

    def digest(self) -> str:
        """Return the SHA-256 of the canonical form."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def refusal(self, path: tuple[str, ...], text: str) -> ConfigError:
        """Return the error of what only building can find wrong with a key of the scenario."""
        where = "scenario" if self.scenario_file is None else shown_path(self.scenario_file)
        return make_error(where, path, text)

    def find(self, path: str) -> Path:
        """Return the file that a scenario's `path` means: beside the scenario, then at the root."""
        return find_file(path, self.scenario_file)

    def find_for_swarm(self, path: str) -> Path:
        """Return the file that a swarm's `path` means: beside the swarm file, then at the root."""
        return find_file(path, self.swarm_file)


def load_config(scenario: str, overrides: Iterable[str] = (), seed: int | None = None) -> Config:
    """Return the configuration of a shipped name or a path, with `--set` overrides applied.

    Raises
    ------
    ConfigError
        For anything a user can get wrong; its one line names file, key and mend.
    """
    file = scenario_file(scenario)
    settings = [parse_override(text) for text in overrides]
    if seed is not None:
        settings.append(Override(("seed",), seed, "--seed"))
    config = _load(file, settings)
    _check_arms(file, settings, config)
    check_scenario_files(config.scenario, config.find, shown_path(file))
    if config.swarm is not None and config.swarm_file is not None:
        where = shown_path(config.swarm_file)
        check_swarm_files(config.swarm, config.find_for_swarm, where)
        check_agents_prices(config.scenario, config.swarm, where)
    return config


def scenario_file(scenario: str) -> Path:
    """Return the file of a shipped scenario's name, or of a path."""
    if scenario.endswith(".toml") or "/" in scenario:
        return Path(scenario)
    file = SHIPPED / f"{scenario}.toml"
    names = shipped_names()
    if scenario not in names:
        mend = did_you_mean(scenario, names)
        raise ConfigError(f'no scenario is called "{scenario}"; {mend}; or give a path to a .toml')
    return file


def shipped_names() -> list[str]:
    """Return the names of the scenarios that ship, sorted."""
    files = sorted(SHIPPED.glob("*.toml"))
    return [file.stem for file in files if "instruments" in read_toml(file, shown_path(file))]


def shipped_scenarios() -> list[Scenario]:
    """Return the scenarios that ship, as their files say, sorted by name."""
    files = [SHIPPED / f"{name}.toml" for name in shipped_names()]
    return [_convert(read_toml(file, shown_path(file)), Scenario, file, []) for file in files]


def load_swarm(file: Path, overrides: Iterable[Override] = ()) -> Swarm:
    """Return one swarm file with overrides applied."""
    return _convert(read_toml(file, shown_path(file)), Swarm, file, list(overrides))


def from_canonical(data: bytes) -> Config:
    """Return the configuration of a journal's header; files are then sought from the root."""
    raw = json.loads(data, parse_float=Decimal)
    scenario = msgspec.convert(raw["scenario"], Scenario, dec_hook=read_scalar)
    swarm = msgspec.convert(raw["swarm"], Swarm | None, dec_hook=read_scalar)
    return Config(scenario=scenario, swarm=swarm)


def _load(file: Path, settings: list[Override]) -> Config:
    """Read both files with the overrides sorted to the file that knows their first key."""
    where = shown_path(file)
    known_scenario, known_swarm = _keys(Scenario), _keys(Swarm)
    for setting in settings:
        if setting.path[0] not in known_scenario | known_swarm:
            mend = did_you_mean(setting.path[0], sorted(known_scenario | known_swarm))
            raise make_error(setting.where, setting.path[:1], f"is not a key; {mend}")
    own = [setting for setting in settings if setting.path[0] in known_scenario]
    scenario = _convert(read_toml(file, where), Scenario, file, own)
    others = [setting for setting in settings if setting.path[0] not in known_scenario]
    if scenario.swarm is None:
        for setting in others:
            text = f"is a key of the swarm file, and {where} names none; add swarm = "
            raise make_error(setting.where, setting.path, f'{text}"agents.toml"')
        return Config(scenario=scenario, scenario_file=file)
    swarm_file = find_file(scenario.swarm, file)
    # What is named on the command line is named from where it is typed.
    here = Path.cwd() / scenario.swarm
    if any(setting.path == ("swarm",) for setting in own) and here.is_file():
        swarm_file = here
    if not swarm_file.is_file():
        text = f'"{scenario.swarm}" is neither beside this file nor at {shown_path(PROJECT_ROOT)}'
        raise make_error(where, ("swarm",), f"{text}; name a file that exists")
    swarm = load_swarm(swarm_file, others)
    return Config(scenario=scenario, swarm=swarm, scenario_file=file, swarm_file=swarm_file)


def _check_arms(file: Path, settings: list[Override], config: Config) -> None:
    """Raise ConfigError, now and not after an hour, for an arm that cannot be run."""
    if config.scenario.compare is None:
        return
    for name in config.scenario.compare.arms:
        _load_arm(file, settings, config, name)


def load_arm(scenario: str, overrides: Iterable[str], arm: str, seed: int) -> Config:
    """Return what one arm of a comparison runs with one seed."""
    file = scenario_file(scenario)
    settings = [parse_override(text) for text in overrides]
    settings.append(Override(("seed",), seed, "--seed"))
    found = _load_arm(file, settings, _load(file, settings), arm)
    alone = msgspec.structs.replace(found.scenario, compare=None)
    return msgspec.structs.replace(found, scenario=alone)


def _load_arm(file: Path, settings: list[Override], config: Config, name: str) -> Config:
    assert config.scenario.compare is not None, f"{file} compares nothing"
    where = f"{shown_path(file)}: compare.arms.{name}"
    added = [
        Override(parse_key_path(key, where), setting.value, where)
        for key, setting in config.scenario.compare.arms[name].items()
    ]
    return _load(file, [*settings, *added])


def _convert(tables: Table, kind: type[S], file: Path, settings: list[Override]) -> S:
    """Return the tables as frozen structs, or raise the ConfigError that names the key."""
    where = shown_path(file)
    tables = deepcopy(tables)
    displace(tables, settings)
    for setting in settings:
        apply_override(tables, setting)
    try:
        converted = msgspec.convert(tables, kind, dec_hook=read_scalar)
        problem = find_fault(converted)
    except msgspec.ValidationError as error:
        problem = locate(tables, kind) or Problem((), str(error))
    if problem is None:
        return converted
    for setting in settings:
        shorter = min(len(setting.path), len(problem.path))
        if problem.path and problem.path[:shorter] == setting.path[:shorter]:
            where = setting.where
    raise make_error(where, *problem)


def _keys(kind: type[Any]) -> set[str]:
    """Return the keys at the top of a file."""
    return {field.encode_name for field in msgspec.structs.fields(kind)}
