"""The journal: a header, then records, as plain concatenated MessagePack; the last one is End.

Any MessagePack reader in any language can take it apart: the header is a map, every record an array
that begins with its name. Nothing in it comes from a wall clock, a host, a path or the speed of
the machine, so that equal runs give equal bytes.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_
from typing import Any, Final, Generic, TypeVar

import msgpack
import msgspec

from environment.actors.envelope import Envelope
from environment.actors.outbox import Asked
from environment.actors.ports import AnyEnvelope, Disk
from environment.actors.protocol import Protocol
from environment.errors import CorruptRecord, UnencodableMessage

FORMAT: Final = "outcry-journal/1"
_RECORDS_BUFFERED: Final = 4_096

M = TypeVar("M")


class Header(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the run was: enough to run it again, and to decode what follows."""

    format: str = FORMAT
    seed: int = 0
    configuration: Any = None
    versions: dict[str, str] = {}
    data_sha256: dict[str, str] = {}
    schemas: dict[str, Any] = {}


class Step(msgspec.Struct, Generic[M], frozen=True, array_like=True, tag=True):
    """A durable actor handled a message: all that went in, all that came out."""

    number: int
    now_ns: int
    input: Envelope[M]
    outbox: list[Envelope[M]]


class Input(msgspec.Struct, Generic[M], frozen=True, array_like=True, tag=True):
    """Something admitted from outside, stamped; or an effect's outcome."""

    envelope: Envelope[M]


class Failed(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """An actor raised on a message. The traceback names paths, so it stands in telemetry only."""

    now_ns: int
    address: str
    incarnation: int
    envelope_id: int
    error: str


class Block(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A full buffer of the market's tape, which is kept elsewhere."""

    rows: int
    sha256: str


class End(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The last record: how many of each came before, and the hash of all bytes before it."""

    counts: dict[str, int]
    sha256: str


Record = Envelope[Any] | Step[Any] | Input[Any] | Failed | Block | End


class Journal:
    """Writes a run's journal; records are encoded, hashed and written many at a time."""

    def __init__(self, disk: Disk, name: str, header: Header) -> None:
        self._encoder = msgspec.msgpack.Encoder(order="deterministic")
        self._file = disk.create(name)
        self._hash = hashlib.sha256()
        self._buffer: list[Any] = []  # Of Record; open, so that `append` serves as `sent`.
        self._counts = {"Sent": 0, "Step": 0, "Input": 0, "Failed": 0, "Block": 0}
        self._written = self._others = 0
        self._is_closed = False
        self._put(self._encoder.encode(header))
        # Called once per message: the list's own method costs a third of a method of this class.
        self.sent = self._buffer.append

    def input(self, envelope: AnyEnvelope) -> None:
        """Keep what came from outside."""
        self._keep("Input", Input(envelope))

    def step(
        self,
        number: int,
        now_ns: int,
        envelope: AnyEnvelope,
        outbox: list[AnyEnvelope],
        others: Sequence[Asked] = (),  # noqa: ARG002  a run's inputs decide these two
        actor: str = "",  # noqa: ARG002
    ) -> None:
        """Keep one handled message of a durable actor."""
        self._keep("Step", Step(number, now_ns, envelope, outbox))

    def dead_letter(
        self, now_ns: int, incarnation: int, envelope: AnyEnvelope, error: str,
        actor: str = "",  # noqa: ARG002  a run's journal names whom the envelope names
    ) -> None:  # fmt: skip
        """Keep that `error`, a class name, was raised on an envelope."""
        failed = Failed(now_ns, envelope.recipient, incarnation, envelope.id, error)
        self._keep("Failed", failed)

    def block(self, rows: int, sha256: str) -> None:
        """Keep the count and hash of a block of the market's tape."""
        self._keep("Block", Block(rows, sha256))

    def _keep(self, kind: str, record: Step[Any] | Input[Any] | Failed | Block) -> None:
        self._counts[kind] += 1
        self._others += 1
        self._buffer.append(record)

    def drain(self) -> None:
        """Write the buffer if it is full."""
        if len(self._buffer) >= _RECORDS_BUFFERED:
            self.flush()

    def flush(self) -> int:
        """Write all that is buffered; return how many records were written in all."""
        if self._buffer:
            self._put(self._encoded(self._buffer))
            self._written += len(self._buffer)
            self._buffer.clear()
        return self._written

    def synced(self) -> int:
        """Return how many records were written: nobody waits for a run's journal."""
        return self._written

    def _encoded(self, records: list[Any]) -> memoryview:
        """Return the records one after the other: an encoded list without its list header."""
        try:
            data = self._encoder.encode(records)
        except (TypeError, ValueError, OverflowError):
            self._find_unencodable(records)
            raise
        count = len(records)
        return memoryview(data)[1 if count < 16 else 3 if count < 65_536 else 5 :]

    def _find_unencodable(self, records: list[Any]) -> None:
        for record in records:
            try:
                self._encoder.encode(record)
            except (TypeError, ValueError, OverflowError) as error:
                raise UnencodableMessage(f"No journal can hold {record!r}: {error}") from error

    def _put(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self._file.write(data)

    def close(self) -> str:
        """Write what is left and End, and return the SHA-256 of the whole file."""
        if not self._is_closed:
            self._is_closed = True
            self.flush()
            self._put(self._encoder.encode(End(self.counts(), self._hash.hexdigest())))
            self._file.sync()
            self._file.close()
        return self._hash.hexdigest()

    def counts(self) -> dict[str, int]:
        """Return how many records of each kind there are, buffered ones included."""
        sent = self._written + len(self._buffer) - self._others
        return {**self._counts, "Sent": sent}


class JournalReader:
    """Reads a journal, whole or partial; says which, and cuts nothing silently.

    After a full iteration `end` is the End record or None, and `torn_bytes` how many bytes of an
    unfinished last record were left.
    """

    def __init__(self, data: bytes, protocol: Protocol) -> None:
        self._data = memoryview(data)
        shapes: tuple[Any, ...] = (Envelope, Step, Input)
        records = [shape[protocol.union] for shape in shapes] + [Failed, Block, End]
        self._decoder = msgspec.msgpack.Decoder(reduce(or_, records))
        self._start = self._next_length(0)
        if not self._start:
            raise CorruptRecord(f"Expected a journal header, found {len(data)} bytes of something.")
        self.header = self._decoded_header()
        self.end: End | None = None
        self.torn_bytes = 0

    @property
    def is_partial(self) -> bool:
        """Return whether End is missing: the run was killed, or is still running."""
        return self.end is None

    def _decoded_header(self) -> Header:
        try:
            header = msgspec.msgpack.decode(self._data[: self._start], type=Header)
        except msgspec.MsgspecError as error:
            raise CorruptRecord(f"Expected a journal header: {error}.") from error
        if header.format != FORMAT:
            raise CorruptRecord(f"Expected format {FORMAT!r}, found {header.format!r}.")
        return header

    def _boundaries(self) -> Iterator[tuple[int, int]]:
        unpacker = msgpack.Unpacker(max_buffer_size=0, strict_map_key=False)
        unpacker.feed(self._data)
        start = 0
        while start < len(self._data):
            try:
                unpacker.skip()
            except msgpack.OutOfData:
                return
            except (ValueError, msgpack.UnpackException) as error:
                raise CorruptRecord(f"Byte {start} begins no MessagePack record.") from error
            yield start, unpacker.tell()
            start = unpacker.tell()

    def _next_length(self, start: int) -> int:
        return next((end for _, end in self._boundaries()), start)

    def __iter__(self) -> Iterator[Record]:
        self.end, at = None, self._start
        for start, stop in self._boundaries():
            if start < self._start:
                continue
            if self.end is not None:
                raise CorruptRecord(f"Expected nothing after End, found a record at byte {start}.")
            record = self._decoded(start, stop)
            if isinstance(record, End):
                self._check(record, start)
                self.end = record
            at = stop
            yield record
        self.torn_bytes = len(self._data) - at

    def _decoded(self, start: int, stop: int) -> Record:
        try:
            record: Record = self._decoder.decode(self._data[start:stop])
        except msgspec.MsgspecError as error:
            raise CorruptRecord(
                f"The record at byte {start} cannot be decoded: {error}."
            ) from error
        return record

    def _check(self, end: End, start: int) -> None:
        found = hashlib.sha256(self._data[:start]).hexdigest()
        if found != end.sha256:
            raise CorruptRecord(
                f"Expected bytes of SHA-256 {end.sha256} before End, found {found}."
            )
