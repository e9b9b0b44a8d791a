"""What must hold of a daemon after anything has happened to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import msgspec

from brokers.venue_log import LOG, Taken
from environment.messages import ApprovedOrder
from environment.record.step_reader import SegmentReader
from environment.record.steps import DurableStep
from scenarios.live.record import RECORD
from scenarios.protocol import PROTOCOL
from tests.process.daemon import Processes


def assert_sound(daemon: Processes) -> dict[str, Any]:
    """No order twice, none lost unseen, none unowned, positions the venue's, a whole journal.

    Returns the standing in which desk and venue agree.
    """
    found = daemon.wait_agreed()
    working = [order["client_order_id"] for order in found["account"]["orders"]]
    assert len(working) == len(set(working)), f"an order stands twice: {working}"
    assert all(order["owner"] for order in found["swarm"]["orders"])
    taken = list(taken_in(daemon.folder / LOG))
    assert len(taken) == len(set(taken)), "an order was taken twice"
    sent = set(sent_in(daemon.folder / RECORD))
    assert set(taken) <= sent, f"nobody's orders were taken: {set(taken) - sent}"
    return found


def taken_in(log: Path) -> Iterator[str]:
    """Yield the names of the orders that the venue has taken since its start."""
    unpacker = msgpack.Unpacker(max_buffer_size=0, strict_map_key=False)
    data = log.read_bytes()
    unpacker.feed(data)
    start = 0
    try:
        while True:
            unpacker.skip()
            end = unpacker.tell()
            if data[start + 1 : start + 7] == b"\xa5Taken":
                yield msgspec.msgpack.decode(data[start:end], type=Taken).order.client_order_id
            start = end
    except msgpack.OutOfData:
        return


def sent_in(folder: Path) -> Iterator[str]:
    """Yield the names under which orders left, as all segments tell; checks every checksum."""
    segments = sorted(folder.glob("*.steps"))
    for segment in segments:
        # Each start ends the segment of a killed one by a cut, so any may be the torn last.
        reader = SegmentReader(segment.name, segment.read_bytes(), PROTOCOL, is_last=True)
        for record in reader:
            if isinstance(record, DurableStep) and record.actor == "desk/custodian":
                for sent in record.outbox:
                    message = sent.message
                    if sent.recipient == "venue" and isinstance(message, ApprovedOrder):
                        yield message.client_order_id or message.order.order_id
