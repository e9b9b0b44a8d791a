"""Examines an installation: versions, names, folders, data, and what only tests need."""

import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from agents.desk.controls import CONTROLS
from environment.errors import ConfigError
from scenarios.cli.doctor_models import cassette_findings, model_findings
from scenarios.cli.finding import Finding
from scenarios.cli.shadows import PACKAGES, shadowed_packages
from scenarios.config.load import Config, load_config, load_swarm, shipped_names
from scenarios.places import PROJECT_ROOT

_OLDEST: Final = (3, 11)
_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)")


def examine(config: Config | None = None) -> list[Finding]:
    """Return what was found, in an order a person reads; of a scenario too, where one is given."""
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _libraries,
        _names,
        _compiled_code,
        _results_folder,
        _scenarios,
        partial(_models, config),
        _controls,
        _browser,
        _shared_data,
    )
    return [finding for look in looks for finding in look()]


def _python() -> Iterator[Finding]:
    """Look at the interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _OLDEST:
        yield Finding("fault", "python", version, "use Python 3.11 or later")
    else:
        yield Finding("ok", "python", version)


def _libraries() -> Iterator[Finding]:
    """Look at the libraries that the default install needs."""
    try:
        requirements = importlib.metadata.requires("outcry") or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding("fault", "outcry", "is not installed", "run make install")
        return
    yield Finding("ok", "outcry", importlib.metadata.version("outcry"))
    versions: list[str] = []
    for requirement in requirements:
        found = _REQUIREMENT.match(requirement)
        if found is None or "extra ==" in requirement:
            continue
        try:
            versions.append(f"{found[1]} {importlib.metadata.version(found[1])}")
        except importlib.metadata.PackageNotFoundError:
            yield Finding("fault", "libraries", f"{found[1]} is missing", "run make install")
    yield Finding("ok", "libraries", ", ".join(versions))


def _names() -> Iterator[Finding]:
    """Look for other distributions that use the names of our packages."""
    mend = "install outcry into a virtual environment of its own"
    shadowed = shadowed_packages()
    for name, place in shadowed.items():
        yield Finding("fault", "package names", f"{name} is found at {place}", mend)
    owners = importlib.metadata.packages_distributions()
    for name in PACKAGES:
        others = sorted(set(owners.get(name, [])) - {"outcry"})
        if others and name not in shadowed:
            text = f"{', '.join(others)} also installs {name}; ours is found first"
            yield Finding("note", "package names", text, mend)
    if not shadowed:
        yield Finding("ok", "package names", "all five lead to this project")


def _compiled_code() -> Iterator[Finding]:
    """Look at the folder that keeps compiled code between runs."""
    from environment.compiled import cache_root  # loads the compiler

    folder = cache_root()
    fault = _write_fault(folder)
    if fault is not None:
        mend = "make it writable, or set XDG_CACHE_HOME; until then every start compiles anew"
        yield Finding("fault", "compiled code", f"{folder}: {fault}", mend)
        return
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    yield Finding("ok", "compiled code", f"{folder}, {size / 1e6:.1f} MB")


def _results_folder() -> Iterator[Finding]:
    """Look at the folder that results go to."""
    folder = Path("runs").resolve()
    fault = _write_fault(folder)
    if fault is not None:
        yield Finding("fault", "results", f"{folder}: {fault}", "make it writable, or give --out")
        return
    free = shutil.disk_usage(_existing(folder)).free
    yield Finding("ok", "results", f"{folder}, {free / 1e9:.1f} GB free")


def _scenarios() -> Iterator[Finding]:
    """Look at the scenarios that ship, and at the data files that they name."""
    sound: list[str] = []
    for name in shipped_names():
        try:
            load_config(name)
        except ConfigError as error:
            yield Finding("fault", "scenarios", str(error), "restore the file from the repository")
        else:
            sound.append(name)
    yield Finding("ok", "scenarios", ", ".join(sound) or "none")


def _models(config: Config | None) -> Iterator[Finding]:
    """Look at the models of the scenario's swarm, or of the swarm file that is here."""
    if config is not None:
        from_cassette = tuple(cassette_findings(config))
        if config.swarm is not None and not from_cassette:
            yield from model_findings(config.swarm)
        yield from from_cassette
        return
    file = Path("agents.toml")
    if not file.is_file():
        file = PROJECT_ROOT / "agents.toml"
    try:
        swarm = load_swarm(file)
    except ConfigError as error:
        yield Finding("fault", "models", str(error), "mend that file")
        return
    yield from model_findings(swarm)


def _controls() -> Iterator[Finding]:
    """Name the controls that the risk desk keeps."""
    for control in CONTROLS:
        kind = "hard, always in force" if control.fixed else "soft and hard"
        text = f"{control.name} ({control.unit}, {kind}): {control.about}"
        yield Finding("ok", "risk control", text)


def _browser() -> Iterator[Finding]:
    """Look for the browser that tests of pages use."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        place = shutil.which(name)
        if place is not None:
            yield Finding("ok", "browser", place)
            return
    yield Finding("note", "browser", "no Chromium; only browser tests need it",
                  "install your system's chromium package")  # fmt: skip


def _shared_data() -> Iterator[Finding]:
    """Look at the folder of test data, where it is named."""
    named = os.environ.get("OUTCRY_SHARED")
    if named is None:
        yield Finding("note", "OUTCRY_SHARED", "not set; tests look beside the repository")
    elif Path(named).is_dir():
        yield Finding("ok", "OUTCRY_SHARED", named)
    else:
        yield Finding("fault", "OUTCRY_SHARED", f"there is no folder {named}", "set it anew")


def _write_fault(folder: Path) -> str | None:
    """Return why nothing can be written below a folder that may not exist yet, or None."""
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)):
            return None
    except OSError as error:
        return error.strerror or "cannot be written"


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())
