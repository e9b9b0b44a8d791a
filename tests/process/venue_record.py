"""What the venue itself wrote down: orders in the order in which it took them, halts, reports."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgpack
import msgspec

from brokers.venue_log import LOG, Record, Reported, Revoked, Taken
from tests.process.daemon import Processes

HALTED_WITHIN_NS: Final = 2_000_000_000  # DESK section 5.


def records_in(log: Path) -> Iterator[Any]:
    """Yield the records of a venue's log since its start; one that is torn ends it."""
    decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Record)
    unpacker = msgpack.Unpacker(max_buffer_size=0, strict_map_key=False)
    data, start = log.read_bytes(), 0
    unpacker.feed(data)
    try:
        while True:
            unpacker.skip()
            yield decoder.decode(data[start : unpacker.tell()])
            start = unpacker.tell()
    except msgpack.OutOfData:
        return


def taken_in(log: Path) -> Iterator[str]:
    """Yield the names of the orders that the venue has taken since its start."""
    return (record.order.client_order_id for record in records_in(log) if isinstance(record, Taken))


def since_halt(records: list[Any]) -> tuple[Revoked, list[Any]]:
    """Return the halt that holds, and all that the venue wrote down after it.

    Where the watchdog was first, missing heartbeats before a slow command came, that is the one.
    """
    began: int | None = None
    for place, record in enumerate(records):
        if isinstance(record, Revoked):
            began = None if not record.reason else place if began is None else began
    assert began is not None, "the venue carried out no halt"
    halt: Revoked = records[began]
    return halt, records[began + 1 :]


def assert_halted(daemon: Processes) -> float:
    """The venue's own record: every order was gone within 2 s of the halt, and none came after.

    By the venue's clock, which runs with wall time here: so a loaded machine that is slow to start
    a command changes nothing. Returns how long it took, s.
    """
    halt, after = since_halt(list(records_in(daemon.folder / LOG)))
    came = [record for record in after if isinstance(record, Taken)]
    assert came == [], f"orders were taken after the halt: {came}"
    gone = [record for record in after if isinstance(record, Reported)]
    assert gone, "no order worked when the halt came, so that it shows nothing"
    took_ns = max(record.market_ns for record in gone) - halt.market_ns
    assert 0 <= took_ns <= HALTED_WITHIN_NS, f"the last order was gone after {took_ns / 1e9:.2f} s"
    account = daemon.status()["account"]
    assert account is not None, "the venue answers"
    assert account["orders"] == []
    return took_ns / 1e9
