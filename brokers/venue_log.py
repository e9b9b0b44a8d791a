"""What the simulated venue may not forget: its account's orders, reports, money and clock.

One file of MessagePack records, each written before what it says is told to anybody, so that a
killed venue comes back with all that it ever said. The market itself is not in it.
"""

import os
from pathlib import Path
from typing import Any, Final

import msgpack
import msgspec

from brokers.venue_book import BookedOrder, VenueBook
from environment.errors import CorruptRecord
from environment.instruments import Instrument
from environment.messages import ReplaceRequest
from environment.record.files import operating_errors, sync_folder
from environment.venue_messages import VenueReport

LOG: Final = "venue.log"


class Kept(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """All of it at one moment: how a log begins.

    `market_ns` is the latest time that the market has seen, `prices` each instrument's last one in
    ticks, `cash_micros` what the account has; None: as the configuration says. `series` are the
    terms of the options that it holds, as far as they were written down.
    """

    world: str
    book: VenueBook
    session: int = 0
    revoked: str = ""
    market_ns: int = 0
    prices: dict[str, int] = {}
    cash_micros: int | None = None
    series: tuple[Instrument, ...] = ()


class Taken(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """An order was taken, before anything was reported of it."""

    order: BookedOrder


class Asked(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Other terms of an order were asked for."""

    replace: ReplaceRequest


class Reported(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A report, and what the account has and the market's time then."""

    report: VenueReport
    cash_micros: int
    market_ns: int


class Began(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A session of the swarm began."""

    session: int


class Revoked(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The swarm is let in no more, for a reason; "": it is let in again."""

    reason: str
    market_ns: int = 0  # When, as in the reports: how soon the last order was gone can be told.


class Marked(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The market's time and prices, and the terms of the options held, now and then."""

    market_ns: int
    prices: dict[str, int]
    series: tuple[Instrument, ...] = ()


Record = Kept | Taken | Asked | Reported | Began | Revoked | Marked
_encoder = msgspec.msgpack.Encoder()


def read_log(path: Path) -> Kept | None:
    """Return what a log comes to, or None where there is none.

    A torn last record is passed over: it was told to nobody.

    Raises
    ------
    CorruptRecord
        If the file holds anything else than such records.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Record)
    kept: Kept | None = None
    unpacker, start = msgpack.Unpacker(max_buffer_size=0, strict_map_key=False), 0
    unpacker.feed(data)
    while start < len(data):
        try:
            unpacker.skip()
            record = decoder.decode(data[start : unpacker.tell()])
        except msgpack.OutOfData:
            break
        except (ValueError, msgpack.UnpackException, msgspec.MsgspecError) as error:
            raise CorruptRecord(f"{path}: byte {start} begins no record of a venue") from error
        start = unpacker.tell()
        kept = _follow(kept, record, path)
    return kept


def _follow(kept: Kept | None, record: Record, path: Path) -> Kept:
    if isinstance(record, Kept):
        return record
    if kept is None:
        raise CorruptRecord(f"{path}: expected a whole state first")
    change = msgspec.structs.replace
    match record:
        case Taken(order=order):
            if not kept.book.knows(order.client_order_id):  # It was sent twice.
                kept.book.take(order)
            return kept
        case Asked(replace=replace):
            kept.book.ask(replace.order_id, replace)
            return kept
        case Reported(report=report, cash_micros=cash, market_ns=market_ns):
            if report.sequence > kept.book.sequence:  # Else one that was asked for again.
                kept.book.take_report(report)
            return change(kept, cash_micros=cash, market_ns=market_ns)
        case Began(session=session):
            return change(kept, session=session)
        case Revoked(reason=reason):
            return change(kept, revoked=reason)
        case Marked(market_ns=market_ns, prices=prices, series=series):
            return change(kept, market_ns=market_ns, prices=prices, series=series)


class VenueLog:
    """The file, open for appending. A new one begins whole and replaces the old one."""

    def __init__(self, path: Path, kept: Kept) -> None:
        self._path = path
        part = path.with_name(f".{path.name}.part")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        with operating_errors(path):
            self._descriptor = os.open(part, flags, 0o600)
            self.write(kept)
            os.fsync(self._descriptor)
            part.replace(path)
            sync_folder(path.parent)

    def write(self, record: Record) -> None:
        """Append one record; it survives a killed process."""
        data = memoryview(_encoder.encode(record))
        with operating_errors(self._path):
            while data:
                data = data[os.write(self._descriptor, data) :]

    def sync(self) -> None:
        """Return when all that was written survives a power loss."""
        with operating_errors(self._path):
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Write it out, and give the file back."""
        self.sync()
        os.close(self._descriptor)


class NoLog:
    """Keeps nothing: the venue of a demo, which does not outlive its process."""

    def write(self, record: Record) -> None:
        """Drop it."""

    def sync(self) -> None:
        """Nothing was written."""

    def close(self) -> None:
        """Nothing is open."""
