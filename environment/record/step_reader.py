"""Reads the segments of a durable journal: a torn last write is cut, damage elsewhere stops."""

import zlib
from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any, Final

import msgpack
import msgspec

from environment.actors.envelope import Envelope
from environment.actors.protocol import Protocol
from environment.errors import CorruptRecord
from environment.record.journal import End, Failed, Input
from environment.record.steps import (
    BATCH_LENGTH,
    BATCH_NAME,
    FORMAT,
    Batch,
    DurableStep,
    StateHeader,
    list_header,
)

_LONGEST: Final = 65_536  # A header with its digests is shorter.


class Brief(msgspec.Struct, frozen=True, array_like=True, tag="Sent"):
    """So much of an envelope as recovery asks of one that is no step: which one it followed."""

    id: int
    sender: str
    recipient: str
    sent_ns: int
    delivered_ns: int
    cause: int


class BriefInput(msgspec.Struct, frozen=True, array_like=True, tag="Input"):
    """An input without its message, which stands in the step that handled it."""

    envelope: Brief


Durable = Envelope[Any] | DurableStep[Any] | Input[Any] | Brief | BriefInput | Failed | End


class SegmentReader:
    """One segment. After a full iteration `end` and `torn_at` say how it ended."""

    def __init__(self, name: str, data: bytes, protocol: Protocol, *, is_last: bool) -> None:
        self._name, self._bytes, self._is_last = name, data, is_last
        self._data = memoryview(data)
        self._crc = self._first_crc = 0  # Of all batches so far, and of the header.
        shapes: tuple[Any, ...] = (Envelope, DurableStep, Input)
        whole = [shape[protocol.union] for shape in shapes]
        brief = [Brief, whole[1], BriefInput]
        self._whole, self._brief = (
            msgspec.msgpack.Decoder(list[reduce(or_, [*kinds, Failed, End])])  # type: ignore[misc]
            for kinds in (whole, brief)
        )
        self.end: End | None = None
        self.torn_at: int | None = None  # Where a last write that did not end begins.
        self.header, self._start = self._read_header()

    def _read_header(self) -> tuple[StateHeader, int]:
        length = _item_length(self._data, 0)
        if length is None:
            raise CorruptRecord(f"{self._name}: expected a header, found {len(self._data)} bytes.")
        try:
            header = msgspec.msgpack.decode(self._data[:length], type=StateHeader)
        except msgspec.MsgspecError as error:
            raise CorruptRecord(f"{self._name}: expected a header: {error}.") from error
        if header.format != FORMAT:
            raise CorruptRecord(
                f"{self._name}: expected format {FORMAT!r}, found {header.format!r}; "
                "use the version that wrote it."
            )
        seal = Batch.unpack(self._data, length)
        crc = zlib.crc32(self._data[:length])
        if seal is None or seal.length or seal.checked(b"", crc) != seal:
            raise CorruptRecord(f"{self._name}: damaged, its header has another checksum.")
        self._first_crc = seal.crc
        return header, length + BATCH_LENGTH

    def batches(self, *, brief: bool = False) -> Iterator[list[Durable]]:
        """Yield the records of each write; `brief`: only steps whole, which is quicker."""
        decoder = self._brief if brief else self._whole
        at, self._crc = self._start, self._first_crc
        while at < len(self._data):
            mark = self._mark(at)
            if mark is None:
                return
            body = at + BATCH_LENGTH
            records = self._records(decoder, mark, at, body)
            if records is None:
                self.torn_at = at
                return
            at = body + mark.length
            yield records

    def last_time(self) -> int:
        """Return the last time that the segment tells, without looking into its batches."""
        at, last_ns = self._start, self.header.began_ns
        while (mark := Batch.unpack(self._data, at)) is not None:
            last_ns = max(last_ns, mark.now_ns)
            at += BATCH_LENGTH + mark.length
        return last_ns

    def __iter__(self) -> Iterator[Durable]:
        for records in self.batches():
            yield from records

    def _mark(self, at: int) -> Batch | None:
        """Return the batch at a byte; None for End, and for a write that did not end."""
        batch = Batch.unpack(self._data, at)
        if batch is not None:
            return batch
        try:
            self.end = msgspec.msgpack.decode(self._data[at:], type=End)
        except msgspec.MsgspecError:
            if not self._is_torn(at, is_marked=False):
                self._refuse(at, "no batch begins there")
            self.torn_at = at
        return None

    def _is_torn(self, at: int, *, is_marked: bool) -> bool:
        """Return whether what begins at a byte may be the last write, which did not end.

        No other write follows it, and without a mark it is too short for one, or never reached the
        disk (zeros).
        """
        if not self._is_last or self._bytes.find(BATCH_NAME, at + 1) >= 0:
            return False
        rest = self._bytes[at:]
        return is_marked or len(rest) < BATCH_LENGTH or not rest.strip(b"\0")

    def _records(
        self,
        decoder: "msgspec.msgpack.Decoder[Any]",
        mark: Batch,
        at: int,
        body: int,
    ) -> list[Durable] | None:
        data = self._data[body : body + mark.length]
        if len(data) != mark.length or mark.checked(data, self._crc) != mark:
            # Only the very last write can be torn: a power loss, or a kill in the midst of it.
            if body + mark.length >= len(self._data) and self._is_torn(at, is_marked=True):
                return None
            self._refuse(at, f"its {mark.length} bytes have another checksum than was written")
        self._crc = mark.crc
        try:
            records: list[Durable] = decoder.decode(list_header(mark.records) + data)
        except msgspec.MsgspecError as error:
            raise CorruptRecord(
                f"{self._name}: the batch at byte {at} cannot be decoded: {error}; use the version "
                "that wrote it."
            ) from error
        return records

    def _refuse(self, at: int, why: str) -> None:
        raise CorruptRecord(
            f"{self._name}: damaged at byte {at}, {why}. Nothing is patched: put the file back "
            "from a copy, or begin a new state folder and reconcile."
        )


def has_begun(data: bytes) -> bool:
    """Return whether a segment has its header: it is durable before anything else happens."""
    length = _item_length(memoryview(data), 0)
    is_whole = length is not None and len(data) >= length + BATCH_LENGTH
    return is_whole or len(data) >= _LONGEST or data.count(BATCH_NAME) > 1


def _item_length(data: memoryview, at: int) -> int | None:
    """Return the length of the MessagePack item at a byte, or None if it does not end."""
    unpacker = msgpack.Unpacker(max_buffer_size=0, strict_map_key=False)
    unpacker.feed(data[at : at + _LONGEST])
    try:
        unpacker.skip()
    except (msgpack.UnpackException, ValueError):
        return None
    return int(unpacker.tell())
