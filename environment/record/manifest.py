"""What a run was made of: enough to make it again, or to name what has changed since."""

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
from llvmlite import binding

_PACKAGES = ("numba", "llvmlite", "numpy", "msgspec", "polars", "pyarrow")
_SOURCE_ROOT = Path(__file__).resolve().parent.parent.parent
_SOURCE_FOLDERS = ("environment", "agents", "brokers", "llm", "scenarios")
FORMAT = 1


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions of one run. Two runs with equal manifests have equal journals."""

    format: int = FORMAT
    scenario: str
    seed: int
    configuration_sha256: str
    source_sha256: str  # Of our own code, as it lay on disk.
    data_sha256: dict[str, str] = {}  # File, as the configuration names it, to digest.
    versions: dict[str, str] = {}
    cpu: str = ""
    cpu_target: str = ""  # What the compiler generates code for.
    journal_sha256: str = ""
    partial: bool = False  # The run was ended early: what is here is readable, not complete.


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that two manifests do not share. None: absent on that side."""

    name: str
    recorded: str | None
    present: str | None

    def __str__(self) -> str:
        recorded = "absent" if self.recorded is None else self.recorded
        present = "absent" if self.present is None else self.present
        return f"{self.name}: recorded with {recorded}, now {present}"


def make_manifest(
    *,
    scenario: str,
    seed: int,
    configuration: bytes,
    data_files: Mapping[str, Path] | None = None,
    journal_sha256: str = "",
    partial: bool = False,
) -> Manifest:
    """Return the manifest of a run on this machine.

    Parameters
    ----------
    configuration : bytes
        The resolved configuration as the journal's header holds it.
    data_files : mapping of str to Path
        Every data file that the run read, under the name that the configuration gives it.
    """
    return Manifest(
        scenario=scenario,
        seed=seed,
        configuration_sha256=hashlib.sha256(configuration).hexdigest(),
        source_sha256=source_sha256(),
        data_sha256={name: file_sha256(path) for name, path in sorted((data_files or {}).items())},
        versions=versions(),
        cpu=cpu_model(),
        cpu_target=binding.get_host_cpu_name(),
        journal_sha256=journal_sha256,
        partial=partial,
    )


def versions() -> dict[str, str]:
    """Return the versions of everything that can change a run's numbers."""
    found = {"python": platform.python_version(), "outcry": _installed("outcry")}
    return found | {name: _installed(name) for name in _PACKAGES}


def cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's own name, as the operating system gives it."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source_sha256(root: Path = _SOURCE_ROOT) -> str:
    """Return one digest over the source files of our packages, names included."""
    digest = hashlib.sha256()
    for folder in _SOURCE_FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def compare(recorded: Manifest, present: Manifest) -> tuple[Difference, ...]:
    """Return every condition that differs, in a fixed order; the journal's hash is no condition."""
    before, after = _conditions(recorded), _conditions(present)
    names = [*before, *(name for name in after if name not in before)]
    return tuple(
        Difference(name=name, recorded=before.get(name), present=after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    )


def encode(manifest: Manifest) -> bytes:
    """Return the manifest as readable JSON."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode(content: bytes) -> Manifest:
    """Return the manifest that `encode` wrote; unknown and mistyped entries are refused."""
    return msgspec.json.decode(content, type=Manifest)


def _conditions(manifest: Manifest) -> dict[str, str]:
    flat: dict[str, str] = {
        "scenario": manifest.scenario,
        "seed": str(manifest.seed),
        "configuration": manifest.configuration_sha256,
        "source code": manifest.source_sha256,
        "processor": manifest.cpu,
        "compiler target": manifest.cpu_target,
    }
    flat |= {f"version of {name}": found for name, found in manifest.versions.items()}
    return flat | {f"data file {name}": digest for name, digest in manifest.data_sha256.items()}


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
