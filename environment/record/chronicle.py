"""Reads any record of ours, a run's journal or a live process's segments, as one stream of entries.

Records are taken as plain MessagePack, not as today's classes: what an older version wrote can
always be shown, though it is never run again.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgpack
import msgspec

from environment.errors import ConfigError, CorruptRecord, OperatingError

RUN_JOURNAL: Final = "journal.msgpack"
_CHUNK: Final = 1 << 20


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: an envelope, a step's input, a failure, or a file's own record."""

    kind: str  # Sent, Step, Input, Failed, Block, End, Header, Batch.
    at_ns: int = 0
    id: int = 0
    sender: str = ""
    recipient: str = ""
    cause: int = 0
    chain: int = 0
    evidence: tuple[int, ...] = ()
    actor: str = ""  # Whose step, or who failed.
    number: int = 0  # Of the step.
    message: dict[str, Any] = {}

    @property
    def message_class(self) -> str:
        """The class of the message, by its tag."""
        return str(self.message.get("type", ""))

    def is_about(self, address: str) -> bool:
        """Return whether an actor sent, was sent, or handled it."""
        return address in (self.sender, self.recipient, self.actor)


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are wanted; all that is given must hold."""

    actor: str = ""
    message_class: str = ""
    from_ns: int = 0
    until_ns: int = 1 << 63
    chain: int = 0
    pattern: str = ""

    def apply(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield the entries that are wanted, in their order."""
        sought = re.compile(self.pattern) if self.pattern else None
        for entry in entries:
            if entry.kind in {"Header", "Batch", "Block", "End"}:
                continue
            if (
                (not self.actor or entry.is_about(self.actor))
                and (not self.message_class or entry.message_class == self.message_class)
                and (not self.chain or entry.chain == self.chain)
                and self.from_ns <= entry.at_ns <= self.until_ns
                and (sought is None or sought.search(text_of(entry)))
            ):
                yield entry


class Chronicle:
    """The files of one record, oldest first. After reading, `notices` says what was not whole."""

    def __init__(self, path: Path) -> None:
        self.files = _files_of(path)
        self.notices: list[str] = []

    def __iter__(self) -> Iterator[Entry]:
        self.notices = []
        for file in self.files:
            yield from self._read(file)

    def chain_of(self, number: int) -> int:
        """Return the chain of an envelope, or the number itself where it names a chain.

        Raises
        ------
        ConfigError
            If no envelope and no chain has this number.
        """
        for entry in self:
            if number in (entry.chain, entry.id):
                return entry.chain
        raise ConfigError(f"no envelope or chain has the number {number}; see outcry journal show")

    def _read(self, file: Path) -> Iterator[Entry]:
        unpacker = msgpack.Unpacker(max_buffer_size=0, strict_map_key=False)
        has_ended, size, at = False, 0, 0
        try:
            with file.open("rb") as source:
                while chunk := source.read(_CHUNK):
                    size += len(chunk)
                    unpacker.feed(chunk)
                    for record in unpacker:
                        at = unpacker.tell()
                        for entry in _entries(record):
                            has_ended = entry.kind == "End"
                            yield entry
        except OSError as error:
            cause = (error.strerror or "cannot be read").lower()
            raise OperatingError(f"{file}: {cause}; give the folder of a run or a desk") from error
        except (ValueError, msgpack.UnpackException, TypeError, IndexError, KeyError) as error:
            raise CorruptRecord(f"{file}: byte {at} begins no record") from error
        if at < size:
            self.notices.append(f"{file.name}: the last write did not end, at byte {at}")
        elif not has_ended:
            self.notices.append(f"{file.name}: no End; its process goes on, or was killed")


def text_of(entry: Entry) -> str:
    """Return an entry as one line, without its time."""
    number = f" step {entry.number}" if entry.kind == "Step" else ""
    fields = " ".join(f"{name}={_short(value)}" for name, value in entry.message.items()
                      if name != "type")  # fmt: skip
    to = f"{entry.sender} > {entry.recipient}"
    if entry.actor and entry.actor != entry.recipient:
        to += f" at {entry.actor}"
    links = f"chain {entry.chain}" + (f" after {entry.cause}" if entry.cause else "")
    return f"{entry.kind}{number} {entry.id} {to}: {entry.message_class} {fields} ({links})"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _files_of(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    for folder in (path, path / "journal"):
        if (folder / RUN_JOURNAL).is_file():
            return [folder / RUN_JOURNAL]
        segments = sorted(folder.glob("*.steps")) if folder.is_dir() else []
        if segments:
            return segments
    raise OperatingError(f"{path}: no journal is there; give the folder of a run or a desk's state")


def _entries(record: Any) -> Iterator[Entry]:  # noqa: ANN401  whatever MessagePack holds
    if isinstance(record, dict):
        yield Entry(kind="Header", at_ns=record.get("began_ns", 0), message=record)
        return
    kind, *fields = record
    if kind == "Sent":
        yield _envelope("Sent", record)
    elif kind == "Input":
        yield _envelope("Input", fields[0])
    elif kind == "Step":
        number, now_ns, given, outbox, *more = fields
        actor = more[1] if len(more) > 1 else given[3]
        yield msgspec.structs.replace(
            _envelope("Step", given), at_ns=now_ns, actor=actor, number=number
        )
        for sent in outbox:
            yield _envelope("Sent", sent)
    elif kind == "Failed":
        now_ns, address, _, envelope_id, error = fields
        message = {"type": "Failed", "error": error}
        yield Entry(kind=kind, at_ns=now_ns, id=envelope_id, actor=address, message=message)
    else:
        yield Entry(kind=kind, message={"type": kind, "fields": fields})


def _envelope(kind: str, fields: list[Any]) -> Entry:
    _, number, sender, recipient, _, delivered_ns, cause, chain, message, evidence, *_ = fields
    return Entry(
        kind=kind, at_ns=delivered_ns, id=number, sender=sender, recipient=recipient, cause=cause,
        chain=chain, evidence=tuple(evidence), message=message,
    )  # fmt: skip
