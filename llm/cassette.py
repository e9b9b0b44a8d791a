"""Cassettes: answers kept by what was asked, so that a run can be repeated without a network.

A cassette is a text file: one JSON object a line, a header first, then one entry for each question,
in order of its key, so that two recordings of the same questions differ only where answers do. The
key is a hash of all that the provider is told, and of nothing else: the same question of another
agent, or at another time of day, is the same entry. Credentials never come near it: providers hold
them, and a scrubber takes out what looks like one in the texts.
"""

import gzip
import math
import re
import threading
import zlib
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from environment.errors import ConfigError
from llm.providers.provider import Failure

Mode = Literal["record", "replay", "strict"]

FORMAT: Final = "outcry-cassette/1"
_PACKED: Final = ".gz"
_SECRET: Final = re.compile(
    r"(sk-[A-Za-z0-9_-]{8,}|xox[abp]-[A-Za-z0-9-]{8,}|gh[pousr]_[A-Za-z0-9]{16,}"
    r"|AKIA[0-9A-Z]{12,}|(?i:bearer)\s+[A-Za-z0-9._~+/-]{16,}=*)"
)
REDACTED: Final = "[redacted]"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One question and its answer: a text, or the way in which the provider failed."""

    key: str
    provider: str
    model: str
    prompt: str
    form: str
    sample: int
    temperature: float
    system: str
    user: str
    turns: tuple[tuple[str, str], ...] = ()
    text: str = ""
    failed: Failure | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    duration_ms: float = 0.0


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line; `note` says in words who answered, and when."""

    format: str = FORMAT
    entries: int = 0
    note: str = ""


class CassetteMiss(Exception):
    """Nothing on the cassette answers this question."""


class Cassette:
    """The answers of one file. Recording keeps them in memory until `save`."""

    def __init__(self, path: Path, mode: Mode) -> None:
        self.path, self.mode = path, mode
        self.misses = 0
        self._lock = threading.Lock()
        self._used: set[str] = set()
        self._is_changed = False
        is_new = mode == "record" and not path.exists()
        header, kept = (Header(), dict[str, Entry]()) if is_new else read_cassette(path)
        self.note = header.note
        self.entries: dict[str, Entry] = kept

    def find(self, key: str) -> Entry | None:
        """Return the entry of a question; raises CassetteMiss where it must be there."""
        entry = self.entries.get(key)
        if entry is None or (self.mode == "record" and entry.failed is not None):
            if self.mode == "record":
                return None
            with self._lock:
                self.misses += 1
            raise CassetteMiss(f"{self.path.name} has no answer to this question ({key[:12]})")
        with self._lock:
            self._used.add(key)
        return entry

    def keep(self, entry: Entry) -> None:
        """Record one answer."""
        if self.mode != "record":
            return
        with self._lock:
            self.entries[entry.key] = scrubbed(entry)
            self._used.add(entry.key)
            self._is_changed = True

    def unused(self) -> int:
        """Return how many entries nobody asked for."""
        return len(self.entries.keys() - self._used)

    def save(self) -> None:
        """Write what was recorded, whole or not at all."""
        if self._is_changed:
            write_entries(self.path, self.entries, self.note)
            self._is_changed = False


def scrubbed(entry: Entry) -> Entry:
    """Return an entry without anything that looks like a credential."""
    return msgspec.structs.replace(
        entry,
        system=_scrub(entry.system), user=_scrub(entry.user), text=_scrub(entry.text),
        turns=tuple((role, _scrub(text)) for role, text in entry.turns),
    )  # fmt: skip


def _scrub(text: str) -> str:
    return _SECRET.sub(REDACTED, text)


def redact(entries: dict[str, Entry], pattern: str) -> tuple[dict[str, Entry], int]:
    """Return entries in which every match of a pattern is gone, and how many there were.

    Keys stay: they are hashes of what was asked, so that the cassette still answers it.
    """
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"--pattern: {error}; give a regular expression") from error
    count = 0

    def clean(text: str) -> str:
        nonlocal count
        done, found = wanted.subn(REDACTED, text)
        count += found
        return done

    redacted = {
        key: msgspec.structs.replace(
            entry, system=clean(entry.system), user=clean(entry.user), text=clean(entry.text),
            turns=tuple((role, clean(text)) for role, text in entry.turns),
        )
        for key, entry in entries.items()
    }  # fmt: skip
    return redacted, count


def read_entries(path: Path) -> dict[str, Entry]:
    """Return the entries of a file by key; raises as `read_cassette` does."""
    return read_cassette(path)[1]


def read_cassette(path: Path) -> tuple[Header, dict[str, Entry]]:
    """Return the header of a file, and its entries by key. One that ends in .gz is unpacked.

    Raises
    ------
    ConfigError
        If there is no such file, or a line is not what a recording writes.
    """
    try:
        packed = path.read_bytes()
        content = gzip.decompress(packed) if path.suffix == _PACKED else packed
        lines = content.decode("utf-8").splitlines()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ConfigError(f'{path}: cannot be read; record it with mode = "record"') from error
    number = 1
    try:
        header = msgspec.json.decode(lines[0] if lines else "null", type=Header)
        if header.format != FORMAT:
            raise ConfigError(f"{path}: expected {FORMAT}, found {header.format}; record it anew")
        entries: dict[str, Entry] = {}
        for number, line in enumerate(lines[1:], 2):  # noqa: B007  # Read by the error below.
            entry = msgspec.json.decode(line, type=Entry)
            entries[entry.key] = entry
    except msgspec.MsgspecError as error:
        text = f"{path}: line {number} is no cassette entry ({error}); record it anew"
        raise ConfigError(text) from error
    if len(entries) != header.entries:
        raise ConfigError(
            f"{path}: expected {header.entries} entries, found {len(entries)}; it was cut short"
        )
    return header, entries


def write_entries(path: Path, entries: dict[str, Entry], note: str = "") -> None:
    """Write a cassette, whole or not at all; packed where its name ends in .gz."""
    rows: list[Any] = [Header(entries=len(entries), note=note)]
    rows += [entries[key] for key in sorted(entries)]
    text = b"\n".join(msgspec.json.encode(row) for row in rows) + b"\n"
    if path.suffix == _PACKED:
        text = gzip.compress(text, mtime=0)  # No time of day: equal entries are equal files.
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(text)
    partial.replace(path)


def fitted_delay(entries: dict[str, Entry]) -> dict[str, float] | None:
    """Return median (ms) and sigma of a lognormal fitted to how long answers took, or None.

    For `latency.effects`: simulated answers then take as long as the real ones did.
    """
    logs = [math.log(e.duration_ms) for e in entries.values() if e.duration_ms > 0 and not e.failed]
    if len(logs) < 2:
        return None
    ordered = sorted(logs)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    mean = sum(logs) / len(logs)
    sigma = math.sqrt(sum((value - mean) ** 2 for value in logs) / (len(logs) - 1))
    return {"median_ms": math.exp(middle), "sigma": sigma}


def difference(before: dict[str, Entry], after: dict[str, Entry]) -> list[str]:
    """Return a line for each question that only one cassette has, or that is answered otherwise."""
    lines = [f"- {_shown(before[key])}" for key in sorted(before.keys() - after.keys())]
    lines += [f"+ {_shown(after[key])}" for key in sorted(after.keys() - before.keys())]
    for key in sorted(before.keys() & after.keys()):
        old, new = before[key], after[key]
        if (old.text, old.failed) != (new.text, new.failed):
            lines.append(f"~ {_shown(old)}  ->  {_said(new)}")
    return lines


def _said(entry: Entry) -> str:
    return f"failed: {entry.failed}" if entry.failed else " ".join(entry.text.split())[:120]


def _shown(entry: Entry) -> str:
    return f"{entry.key[:12]} {entry.provider} {entry.model} {entry.prompt}: {_said(entry)}"
