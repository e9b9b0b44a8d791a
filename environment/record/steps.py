"""The durable journal of a live process: what its durable actors handled, and all that came in.

A segment is plain concatenated MessagePack like a run's journal: a header, then batches. A batch is
what one write took: a `Batch` record with the length, count and checksum of the records that follow
it. So a torn last write is known from damage elsewhere, and a batch decodes in one call.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from environment.actors.envelope import Envelope
from environment.actors.outbox import Asked
from environment.actors.ports import AnyEnvelope, DiskFile
from environment.errors import UnencodableMessage
from environment.record.disk import StateDisk
from environment.record.journal import End, Failed, Input
from environment.record.syncer import Syncer, TimeToDurable

FORMAT: Final = "outcry-steps/1"
_BUFFERED: Final = 1_024  # Records that may wait in memory when no step is among them.

M = TypeVar("M")


class StateHeader(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first record of a segment: whose it is, and which process wrote it."""

    format: str = FORMAT
    run: str  # Which desk: made once with the state folder.
    epoch: int  # Rises by one with each start of the process.
    segment: int  # Rises by one with each file.
    began_ns: int
    code: str  # Digest of the source that ran; other code is never made to run these steps again.
    version: str = ""
    starts_process: bool = True  # Else the process that wrote the segment before went on.


class Batch(NamedTuple):
    """What one write took: so many bytes and records follow, with this CRC-32.

    The checksum goes on from that of the batch before, so that none can be missing in between.

    On disk ["Batch", length, count, crc, now_ns], each number in MessagePack's widest form, so that
    every batch begins with as many bytes.
    """

    length: int
    records: int
    crc: int
    now_ns: int  # The time of its last step; 0 where it has none.

    def pack(self) -> bytes:
        """Return the record."""
        return _BATCH.pack(
            BATCH_NAME, self.length, b"\xce", self.records, b"\xce", self.crc, b"\xcf", self.now_ns
        )

    def checked(self, data: bytes | memoryview, crc: int) -> "Batch":
        """Return it with the checksum of itself and its records, going on from `crc`."""
        length, records, _, now_ns = self
        plain = _BATCH.pack(BATCH_NAME, length, b"\xce", records, b"\xce", 0, b"\xcf", now_ns)
        return Batch(length, records, zlib.crc32(data, zlib.crc32(plain, crc)), now_ns)

    @classmethod
    def unpack(cls, data: memoryview, at: int) -> "Batch | None":
        """Return the batch that begins at a byte, or None if none does."""
        if len(data) - at < BATCH_LENGTH or bytes(data[at : at + 8]) != BATCH_NAME:
            return None
        batch = cls(*_BATCH.unpack_from(data, at)[1::2])
        return batch if data[at : at + BATCH_LENGTH] == batch.pack() else None


BATCH_NAME: Final = b"\x95\xa5Batch\xce"
_BATCH: Final = struct.Struct(">8sIcIcIcQ")
BATCH_LENGTH: Final = _BATCH.size
_CRC, _CRC_AT = struct.Struct(">I"), 18  # Where a batch's checksum stands.


class DurableStep(msgspec.Struct, Generic[M], frozen=True, array_like=True, tag="Step"):
    """A durable actor handled a message: what went in, what went out, what else it asked for."""

    number: int
    now_ns: int
    input: Envelope[M]
    outbox: list[Envelope[M]]
    others: list[tuple[int, str, Any, Any]] = []  # Timers, effects, subscriptions, as asked.
    actor: str = ""  # Whose step it is: a publication's recipient is its topic.


class StepStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """How much was written, and how soon it was durable."""

    segment: int
    steps: int
    records: int
    written_bytes: int
    synced_bytes: int
    lag_bytes: int
    to_durable: TimeToDurable


class StepJournal:
    """The recorder of a live process. `flush` is one write; a syncer makes it durable.

    Nothing is open before `open`: recovery reads the old segments first. `rotated` is told between
    messages that the segment is long: it takes a snapshot, and calls `go_on`.
    """

    def __init__(
        self, disk: StateDisk, syncer: Syncer, *, segment_bytes: int = 64 << 20,
        write_each_step: bool = False,
    ) -> None:  # fmt: skip
        self._disk = disk
        self._syncer = syncer
        self._segment_bytes = segment_bytes
        self._write_each_step = write_each_step
        self._encoder = msgspec.msgpack.Encoder(order="deterministic")
        self._file: DiskFile | None = None
        self._buffer: list[Any] = []
        self._out = bytearray(BATCH_LENGTH)
        self._header = StateHeader(run="", epoch=0, segment=0, began_ns=0, code="")
        self._position = self._began_at = self._crc = 0
        self._step_ns = self._steps = self._records = 0
        self.rotated: Callable[[], None] | None = None
        self.sent = self._buffer.append  # Called once per message, so the list's own method.

    # --- files -----------------------------------------------------------------------------------

    def open(self, header: StateHeader) -> None:
        """Begin a process's first segment; its header is durable when this returns."""
        assert self._file is None, "the segment before is closed first"
        self._file = self._disk.create(segment_name(header.segment))
        self._syncer.open(self._file, self._position)
        self._put_header(header)
        self._file.sync()
        self._disk.sync_names()

    def _put_header(self, header: StateHeader) -> None:
        self._header, self._began_at = header, self._position
        head = self._encoder.encode(header)
        # An empty batch seals the header: the checksums of all others go on from it.
        seal = Batch(0, 0, 0, header.began_ns).checked(b"", zlib.crc32(head))
        self._crc = seal.crc
        self._put(head + seal.pack())

    def go_on(self, now_ns: int, work: Callable[[], None]) -> None:
        """End the segment between two messages and begin the next, waiting for no disk.

        `work` is done once the ended segment is durable, and before anything in the new one counts
        as durable: it puts the snapshot there with which the new one begins. Until then a start
        begins with the snapshot before, and runs both segments.
        """
        self._end_segment()
        file = self._disk.create(segment_name(self._header.segment + 1))
        self._syncer.switch(file, self._position, work)
        self._file = file
        header = msgspec.structs.replace(self._header, began_ns=now_ns, starts_process=False)
        self._put_header(msgspec.structs.replace(header, segment=header.segment + 1))

    def _end_segment(self) -> None:
        self.flush()
        self._put(self._encoder.encode(End({"Step": self._steps}, "")))

    def close_segment(self) -> None:
        """Write what is left and End, durably."""
        if self._file is not None:
            self._end_segment()
            self._syncer.finish()
            self._file = None

    # --- recording -------------------------------------------------------------------------------

    def input(self, envelope: AnyEnvelope) -> None:
        """Keep what came from outside: an admitted message or an effect's outcome."""
        self._buffer.append(Input(envelope))

    def step(
        self, number: int, now_ns: int, envelope: AnyEnvelope, outbox: list[AnyEnvelope],
        others: Sequence[Asked] = (), actor: str = "",
    ) -> None:  # fmt: skip
        """Keep one handled message of a durable actor with all it sent, and what else it asked."""
        self._buffer.append(DurableStep(number, now_ns, envelope, outbox, list(others), actor))
        self._step_ns = now_ns
        self._steps += 1
        if self._write_each_step:
            self.flush()

    def dead_letter(
        self, now_ns: int, incarnation: int, envelope: AnyEnvelope, error: str, actor: str = ""
    ) -> None:
        """Keep that an actor failed on this envelope."""
        address = actor or envelope.recipient
        failed = Failed(now_ns, address, incarnation, envelope.id, error)
        self._buffer.append(failed)

    def drain(self) -> None:
        """Write a long buffer, and rotate a long segment; called between messages."""
        if len(self._buffer) >= _BUFFERED:
            self.flush()
        is_long = self._position - self._began_at > self._segment_bytes
        if is_long and self.rotated is not None and not self._syncer.is_switching():
            self.rotated()

    def flush(self) -> int:
        """Write all that is buffered, in one write; return how much was written in all."""
        buffer = self._buffer
        if buffer:
            self._records += len(buffer)
            data = self._batch(buffer)
            # Cleared first: what could not be written must not be written later by a retry.
            buffer.clear()
            with memoryview(data) as whole:  # Given back before the next batch is encoded.
                self._put(whole)
        return self._position

    def _put(self, data: bytes | memoryview) -> None:
        assert self._file is not None, "a segment is opened before anything is written"
        self._syncer.synced()  # Raises where a sync has failed: nothing may go on then.
        self._file.write(data)
        self._position += len(data)
        self._syncer.written(self._position)

    def _batch(self, records: list[Any]) -> bytearray:
        """Return the batch of some records, in memory that the next one takes again.

        Records stand one after the other: the batch's own header takes the place of the list's.
        """
        out, count = self._out, len(records)
        try:
            self._encoder.encode_into(records, out, BATCH_LENGTH - list_header_length(count))
        except (TypeError, ValueError, OverflowError) as error:
            self._out = bytearray(BATCH_LENGTH)
            raise UnencodableMessage(f"No journal can hold a message: {error}") from error
        length = len(out) - BATCH_LENGTH
        _BATCH.pack_into(
            out, 0, BATCH_NAME, length, b"\xce", count, b"\xce", 0, b"\xcf", self._step_ns
        )
        # As in `Batch.checked`: over the header without a checksum, and all records.
        self._crc, self._step_ns = zlib.crc32(out, self._crc), 0
        _CRC.pack_into(out, _CRC_AT, self._crc)
        return out

    def synced(self) -> int:
        """Return how much of what was written survives a power loss."""
        return self._syncer.synced()

    def statistics(self) -> StepStatistics:
        """Return how much was written, and how soon it was durable."""
        synced = self._syncer.synced()
        return StepStatistics(
            segment=self._header.segment,
            steps=self._steps,
            records=self._records,
            written_bytes=self._position,
            synced_bytes=synced,
            lag_bytes=self._position - synced,
            to_durable=self._syncer.statistics(),
        )


def list_header_length(count: int) -> int:
    """Return how many bytes MessagePack puts before a list of so many items."""
    return 1 if count < 16 else 3 if count < 65_536 else 5


def list_header(count: int) -> bytes:
    """Return what MessagePack puts before a list of so many items."""
    if count < 16:
        return bytes([0x90 | count])
    if count < 65_536:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")


def segment_name(number: int) -> str:
    """Return the file name of a segment."""
    return f"{number:08}.steps"


def snapshot_name(number: int) -> str:
    """Return the file name of the snapshot with which a segment begins."""
    return f"{number:08}.snapshot"
