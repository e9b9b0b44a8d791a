"""Whether an audit chain is what was written: nothing changed, missing, reordered or cut off."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import msgspec

from environment.errors import OperatingError
from environment.record.audit import (
    AUDIT,
    FORMAT,
    HEADS,
    AuditHeader,
    AuditRecord,
    SignedHead,
    hash_of,
    is_signed,
    start_of,
)
from environment.record.chronicle import RUN_JOURNAL


class AuditVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What checking found; `fault` is "" for a chain that is whole."""

    records: int
    head: str  # Hash of the last sound record, 64 hexadecimal digits.
    heads: int  # Signed heads that agree.
    fault: str = ""


class AuditChain(msgspec.Struct, frozen=True):
    """A chain as read: header, encoded records, and how far the file could be read at all."""

    header: AuditHeader
    records: list[bytes]
    heads: list[SignedHead]
    unreadable: str = ""


def read_chain(folder: Path) -> AuditChain:
    """Return the chain of a run's or daemon's folder.

    Raises
    ------
    OperatingError
        If there is none, or it is no audit chain.
    """
    path = folder / AUDIT if folder.is_dir() else folder
    try:
        data = path.read_bytes()
    except OSError as error:
        if (folder / RUN_JOURNAL).exists():
            raise OperatingError(
                f"{path}: no chain is there; a run without a swarm keeps none, that of a run with "
                "one was taken away"
            ) from error
        raise OperatingError(f"{path}: {error.strerror}; name a folder that holds a run") from error
    spans, unreadable = _spans(data)
    try:
        header = msgspec.msgpack.decode(spans[0] if spans else b"", type=AuditHeader)
    except msgspec.MsgspecError as error:
        raise OperatingError(f"{path} is no audit chain: {error}") from error
    if header.format != FORMAT:
        raise OperatingError(f"{path} has the format {header.format!r}, expected {FORMAT!r}")
    heads_path = path.with_name(HEADS)
    heads_data = heads_path.read_bytes() if heads_path.is_file() else b""
    heads = [msgspec.msgpack.decode(span, type=SignedHead) for span in _spans(heads_data)[0]]
    return AuditChain(header, spans[1:], heads, unreadable)


def verify(chain: AuditChain, kept_head: str = "") -> AuditVerdict:
    """Return whether a chain is whole up to its last signed head, and to one kept elsewhere.

    Parameters
    ----------
    kept_head : 64 hexadecimal digits, or "".
    """
    before, hashes, fault = start_of(chain.header), [start_of(chain.header).hex()], ""
    for place, data in enumerate(chain.records, 1):
        fault = _record_fault(data, place, before)
        if fault:
            break
        before = hash_of(data)
        hashes.append(before.hex())
    sound = len(hashes) - 1
    agreeing = 0
    for head in chain.heads:
        found = _head_fault(head, chain, hashes)
        agreeing += not found
        fault = fault or found
    fault = fault or chain.unreadable
    if not chain.heads:
        fault = fault or "no signed head: the end of the chain cannot be known"
    elif sound > chain.heads[-1].number:
        pass  # Written after the last head: found by the next one.
    if kept_head and kept_head not in hashes:
        fault = fault or f"the head {kept_head[:16]}... is not in the chain: it was cut or changed"
    return AuditVerdict(records=sound, head=hashes[-1], heads=agreeing, fault=fault)


def messages_of(chain: AuditChain) -> Iterator[tuple[AuditRecord, dict[str, Any]]]:
    """Yield every record with its message as plain values."""
    for data in chain.records:
        record = msgspec.msgpack.decode(data, type=AuditRecord)
        yield record, msgspec.msgpack.decode(record.message)


def _record_fault(data: bytes, place: int, before: bytes) -> str:
    try:
        record = msgspec.msgpack.decode(data, type=AuditRecord)
    except msgspec.MsgspecError as error:
        return f"record {place} cannot be read: {error}"
    if record.number != place:
        return f"record {place} is missing or out of order: number {record.number} stands there"
    if record.before != before:
        return f"record {place - 1} was changed: record {place} names another one before it"
    return ""


def _head_fault(head: SignedHead, chain: AuditChain, hashes: list[str]) -> str:
    if not is_signed(head, chain.header.public_key):
        return f"the head of record {head.number} is not signed by the chain's key"
    if head.number >= len(hashes):
        return (
            f"the chain ends after record {len(hashes) - 1}; a signed head names record"
            f" {head.number}: it was cut or changed"
        )
    if hashes[head.number] != head.hash.hex():
        return f"record {head.number} was changed: its signed head is another"
    return ""


def _spans(data: bytes) -> tuple[list[bytes], str]:
    """Return each object of concatenated MessagePack as its bytes, and what could not be read."""
    unpacker = msgpack.Unpacker(max_buffer_size=0, strict_map_key=False, raw=True)
    unpacker.feed(data)
    spans, start = list[bytes](), 0
    while True:
        try:
            unpacker.skip()
        except msgpack.OutOfData:
            break
        except (ValueError, msgpack.UnpackException) as error:
            return spans, f"byte {start}: {error or 'no MessagePack'}"
        end = unpacker.tell()
        spans.append(data[start:end])
        start = end
    return spans, "" if start == len(data) else f"byte {start}: a torn record at the end"
