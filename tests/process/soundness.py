"""What must hold of a daemon after anything has happened to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brokers.venue_log import LOG
from environment.messages import ApprovedOrder
from environment.record.step_reader import SegmentReader, has_begun
from environment.record.steps import DurableStep
from scenarios.live.record import RECORD
from scenarios.protocol import PROTOCOL
from tests.process.daemon import Processes
from tests.process.venue_record import taken_in


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


def sent_in(folder: Path) -> Iterator[str]:
    """Yield the names under which orders left, as all segments tell; checks every checksum."""
    segments = sorted(folder.glob("*.steps"))
    for segment in segments:
        data = segment.read_bytes()
        if not has_begun(data):
            continue
        # Each start ends the segment of a killed one by a cut, so any may be the torn last.
        reader = SegmentReader(segment.name, data, PROTOCOL, is_last=True)
        for record in reader:
            if isinstance(record, DurableStep) and record.actor == "desk/custodian":
                for sent in record.outbox:
                    message = sent.message
                    if sent.recipient == "venue" and isinstance(message, ApprovedOrder):
                        yield message.client_order_id or message.order.order_id
