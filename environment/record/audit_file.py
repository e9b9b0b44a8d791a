"""The audit chain of a daemon: one file over all its starts, never ahead of what its desk recorded.

The auditor's steps stand in the journal too, and a start runs those again that the last snapshot
does not hold. So a record is written only once its step is synced: what a crash takes from this
file comes again by itself, and nothing stands in it that the desk does not know of.
"""

import os
import threading
from array import array
from collections import deque
from pathlib import Path
from typing import Final

import msgpack
import msgspec

from environment.errors import ConfigError, CorruptRecord
from environment.record.audit import (
    AUDIT,
    HEADS,
    AuditHeader,
    AuditRecord,
    HeadKey,
    SignedHead,
    hash_of,
    start_of,
)
from environment.record.files import operating_errors, sync_folder

_RECENT: Final = 1_024  # More than an incarnation runs again.

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


class AuditFile:
    """A sink that keeps records and heads in a folder.

    `keep` and `anchor` only take note; `seal` names how much of the journal must be durable before
    what was noted so far may be written, and `write` writes what may be.

    Raises
    ------
    ConfigError
        If the folder holds the chain of another desk.
    CorruptRecord
        If its last record cannot be read.
    """

    def __init__(self, folder: Path, header: AuditHeader) -> None:
        self.header = header
        self._path = folder / AUDIT
        self._noted: list[bytes] = []
        self._heads: list[SignedHead] = []
        self._sealed: deque[tuple[int, bytes, list[SignedHead]]] = deque()
        self._recent: deque[bytes] = deque(maxlen=_RECENT)  # Hashes of this process's records.
        self._starts = array("Q")  # Where each record found at the start begins.
        self._writing = threading.Lock()
        self.torn = ""  # Notice about a last record that was cut.
        with operating_errors(self._path):
            self._descriptor = _open(self._path)
            self._heads_descriptor = _open(folder / HEADS)
            self.count, self.last = self._read()
            self._headed = self._last_head(folder / HEADS)
            sync_folder(folder)
        self._found = self.count

    # --- what the auditor says -------------------------------------------------------------------

    def keep(self, number: int, record: bytes) -> None:
        """Take note of a record; one that the file holds must be the same.

        Raises
        ------
        CorruptRecord
            If it is another, or the ones before it are missing.
        """
        if number <= self.count:
            if not self._is_kept(number, record):
                raise CorruptRecord(f"{self._path}: record {number} is another than the desk's")
            return
        if number != self.count + 1:
            raise CorruptRecord(
                f"{self._path}: ends at record {self.count}, and the desk goes on with {number}; "
                "put the file back"
            )
        self.count, self.last = number, hash_of(record)
        self._recent.append(self.last)
        self._noted.append(record)

    def anchor(self, head: SignedHead) -> None:
        """Take note of a signed head, once: a step that is run again says it a second time."""
        if head.number > self._headed:
            self._headed = head.number
            self._heads.append(head)

    def check(self, number: int) -> None:
        """Raise ConfigError unless the file ends where the desk's own record does."""
        if number != self.count:
            raise ConfigError(
                f"{self._path}: ends at record {self.count}, the desk's own record at {number}; "
                "put file and journal of the same time back, or begin a new state folder"
            )

    # --- writing ---------------------------------------------------------------------------------

    def seal(self, position: int) -> None:
        """Let what was noted so far be written once the journal is durable up to `position`."""
        if self._noted or self._heads:
            self._sealed.append((position, b"".join(self._noted), self._heads))
            self._noted, self._heads = [], []

    def write(self, synced: int) -> list[SignedHead]:
        """Write what may be, the journal being durable so far; return the heads among it.

        May be called from another thread than `seal`: syncing heads takes a disk's time.
        """
        heads: list[SignedHead] = []
        with self._writing, operating_errors(self._path):
            while self._sealed and self._sealed[0][0] <= synced:
                _, records, with_heads = self._sealed.popleft()
                _write(self._descriptor, records)
                heads += with_heads
            if heads:
                os.fdatasync(self._descriptor)  # A head must not outlive what it names.
                _write(self._heads_descriptor, b"".join(map(_encode, heads)))
                os.fdatasync(self._heads_descriptor)
        return heads

    def write_durably(self, synced: int) -> None:
        """Write what may be, and sync it: a snapshot of the desk comes next, from any thread."""
        self.write(synced)
        with operating_errors(self._path):
            os.fdatasync(self._descriptor)

    def write_all(self) -> None:
        """Write all, durably: the journal is synced."""
        self.seal(0)
        self.write_durably(max((position for position, _, _ in self._sealed), default=0))

    def close(self, key: HeadKey, at_ns: int) -> SignedHead:
        """Sign where the chain ends, once the journal is closed and durable; return that head."""
        head = key.sign(SignedHead(self.count, at_ns, self.last))
        self.anchor(head)
        self.write_all()
        os.close(self._descriptor)
        os.close(self._heads_descriptor)
        return head

    # --- reading ---------------------------------------------------------------------------------

    def _read(self) -> tuple[int, bytes]:
        """Return the number and hash of the last whole record; what is torn after it is cut."""
        data = self._path.read_bytes()
        if not data:
            _write(self._descriptor, _encode(self.header))
            return 0, start_of(self.header)
        ends = array("Q", _ends(data))
        if not ends or not self._is_ours(data[: ends[0]]):
            raise ConfigError(
                f"{self._path}: is the audit chain of another desk or key; put the right one back, "
                "or begin a new state folder"
            )
        if ends[-1] < len(data):
            self.torn = f"{AUDIT}: the last record did not end; cut at {ends[-1]}."
            os.ftruncate(self._descriptor, ends[-1])
        self._starts = ends
        if len(ends) == 1:
            return 0, start_of(self.header)
        last = data[ends[-2] : ends[-1]]
        try:
            number = msgspec.msgpack.decode(last, type=AuditRecord).number
        except msgspec.MsgspecError as error:
            raise CorruptRecord(f"{self._path}: the last record cannot be read: {error}") from error
        if number != len(ends) - 1:
            raise CorruptRecord(f"{self._path}: {len(ends) - 1} records, the last is {number}")
        return number, hash_of(last)

    def _last_head(self, path: Path) -> int:
        """Return the record that the last whole head names, -1 without one; cut what is torn."""
        ends = [0, *_ends(data := path.read_bytes())]
        os.ftruncate(self._heads_descriptor, ends[-1])
        if len(ends) == 1:
            return -1
        return msgspec.msgpack.decode(data[ends[-2] : ends[-1]], type=SignedHead).number

    def _is_ours(self, found: bytes) -> bool:
        return found == _encode(self.header)

    def _is_kept(self, number: int, record: bytes) -> bool:
        """Return whether a record that is said again is the one that was kept."""
        if number > self._found:  # An incarnation of the auditor came back to where it was.
            place = number - 1 - (self.count - len(self._recent))
            return place < 0 or self._recent[place] == hash_of(record)
        with operating_errors(self._path):
            start, end = self._starts[number - 1], self._starts[number]
            return os.pread(self._descriptor, end - start, start) == record


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _ends(data: bytes) -> list[int]:
    """Return where each whole object ends."""
    unpacker = msgpack.Unpacker(max_buffer_size=0, strict_map_key=False, raw=True)
    unpacker.feed(data)
    ends: list[int] = []
    while True:
        try:
            unpacker.skip()
        except (msgpack.OutOfData, ValueError, msgpack.UnpackException):
            return ends
        ends.append(unpacker.tell())
