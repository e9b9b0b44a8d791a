"""Two journals record by record: how far they are equal, and what led to the first difference."""

import datetime
import hashlib
import zoneinfo
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, Protocol

import msgspec
import numpy as np

from environment.actors import Envelope
from environment.record.journal import Block, End, Failed, Input, JournalReader, Record, Step
from environment.record.spool import RowList, RowSpool
from scenarios.protocol import PROTOCOL

_LONGEST_CHAIN: Final = 20
_LONGEST_TEXT: Final = 300


class RecordedJournal(Protocol):
    """The older of the two journals."""

    @property
    def reader(self) -> JournalReader:
        """Its records."""

    @property
    def is_partial(self) -> bool:
        """Whether its run ended early, so that only as much as there is must be equal."""


class Comparison:
    """A recorded journal against the one that the same inputs made now.

    Parameters
    ----------
    rows
        The tape of the run made now: a recorded run that was interrupted ends with a block that is
        a part of one here.
    """

    def __init__(
        self, recorded: RecordedJournal, made: bytes, rows: RowSpool | RowList, zone: str
    ) -> None:
        self._recorded, self._made = recorded, JournalReader(made, PROTOCOL)
        self._rows = rows
        self._zone = zoneinfo.ZoneInfo(zone)

    def run(self) -> tuple[str | None, int]:
        """Return the first difference as text (None: there is none), and how many were equal."""
        old, new = iter(self._recorded.reader), iter(self._made)
        equal = tape_rows = 0
        now: Record | None = None
        for was in old:
            if isinstance(was, End) and self._recorded.is_partial:
                return None, equal + 1
            now = next(new, None)
            if isinstance(was, Block):
                if was != now and not (self._is_last(old) and self._is_part(was, tape_rows)):
                    return self._tell(equal, was, now), equal
                if was != now:
                    return None, equal + 1
                tape_rows += was.rows
            elif not _are_equal(was, now):
                return self._tell(equal, was, now), equal
            equal += 1
        left = next(new, None)
        if left is not None and not self._recorded.is_partial:
            return self._tell(equal, None, left), equal
        return None, equal

    def _is_last(self, old: Iterator[Record]) -> bool:
        """Return whether nothing but the end follows in the journal of an interrupted run."""
        return self._recorded.is_partial and isinstance(next(old, None), End | None)

    def _is_part(self, block: Block, first: int) -> bool:
        """Return whether the tape made now holds the rows of a block that was cut short."""
        digest, passed, last = hashlib.sha256(), 0, first + block.rows
        for made in self._rows.blocks():
            part = made[max(first - passed, 0) : max(last - passed, 0)]
            digest.update(np.ascontiguousarray(part, dtype="<i8").data)
            passed += len(made)
        return passed >= last and digest.hexdigest() == block.sha256

    # --- telling -------------------------------------------------------------------------------

    def _tell(self, number: int, was: Record | None, now: Record | None) -> str:
        lines = [
            f"record {number + 1:,} is the first that differs",
            f"  recorded  {self._line(was)}",
            f"  now       {self._line(now)}",
        ]
        cause = _cause_of(was if was is not None else now)
        chain, unknown = self._chain(cause, number)
        if chain or unknown:
            lines.append("  led to by, newest first:")
            lines += [f"    {self._line(envelope)}" for envelope in chain]
        if unknown:
            lines.append(f"    #{unknown}: market data, which no journal holds")
        return "\n".join(lines)

    def _chain(self, cause: int, number: int) -> tuple[list[Envelope[Any]], int]:
        """Return the envelopes that led to a record, and the first cause that none of them is."""
        known: dict[int, Envelope[Any]] = {}
        for record in islice(iter(self._made), number):
            envelope = _envelope_of(record)
            if envelope is not None:
                known[envelope.id] = envelope
            if isinstance(record, Step):
                known.update((sent.id, sent) for sent in record.outbox)
        chain: list[Envelope[Any]] = []
        while cause in known and len(chain) < _LONGEST_CHAIN:
            chain.append(known[cause])
            cause = known[cause].cause
        return chain, cause

    def _line(self, record: Record | None) -> str:
        match record:
            case None:
                return "nothing: the journal is over"
            case Block(rows=rows, sha256=digest):
                return f"block of {rows:,} rows of the tape, SHA-256 {digest[:16]}"
            case Step(input=received, outbox=outbox):
                said = "; ".join(f"> {sent.recipient}: {sent.message}" for sent in outbox)
                return f"{self._line(received)}\n            and sent {_short(said) or 'nothing'}"
            case Failed(now_ns=now_ns, address=address, envelope_id=number, error=error):
                return f"{self._time(now_ns)}  {address} failed on message {number}: {error}"
            case End(counts=counts):
                return f"end, after {', '.join(f'{n:,} {kind}' for kind, n in counts.items() if n)}"
            case _:
                envelope = _envelope_of(record)
                assert envelope is not None, f"a {type(record).__name__} holds an envelope"
                return (
                    f"{self._time(envelope.sent_ns)}  #{envelope.id} "
                    f"{envelope.sender} > {envelope.recipient}: {_short(str(envelope.message))}"
                )

    def _time(self, ns: int) -> str:
        moment = datetime.datetime.fromtimestamp(ns // 1_000_000_000, self._zone)
        return f"{moment:%Y-%m-%d %H:%M:%S}.{ns % 1_000_000_000:09d}"


def _short(said: str) -> str:
    return said if len(said) <= _LONGEST_TEXT else f"{said[:_LONGEST_TEXT]}…"


def _are_equal(was: Record, now: Record | None) -> bool:
    return type(was) is type(now) and (
        was == now or msgspec.msgpack.encode(was) == msgspec.msgpack.encode(now)
    )


def _envelope_of(record: Record | None) -> Envelope[Any] | None:
    match record:
        case Envelope():
            return record
        case Input(envelope=envelope) | Step(input=envelope):
            return envelope
        case _:
            return None


def _cause_of(record: Record | None) -> int:
    if isinstance(record, Failed):
        return record.envelope_id
    envelope = _envelope_of(record)
    return envelope.cause if envelope is not None else 0
