"""Starts the swarm or the venue as its own command does, to be killed at a named step of an order.

`python -m tests.process.dying PART POINT NTH FILE`: the process kills itself with SIGKILL when an
order passes the point for the NTH time. Nothing of this is in the program: the functions that an
order passes are wrapped here, from outside, in this process alone. `swarm clock OFFSET_FILE FILE`
reads the machine's wall clock with an offset, in nanoseconds, that stands in a file.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from brokers.socket_venue import SocketVenue
from brokers.venue_log import Reported, Taken, VenueLog
from environment.messages import ApprovedOrder, OrderAccepted, OrderFilled
from environment.record.disk import FolderFile
from environment.record.steps import DurableStep, StepJournal
from environment.venue_messages import VenueReport

SWARM_POINTS = (
    "before_written", "within_write", "after_written", "after_send", "before_acknowledged",
    "after_acknowledged", "between_fills",
)  # fmt: skip
VENUE_POINTS = ("before_taken", "after_taken", "before_reported", "after_reported")


class Sword:
    """Falls when the count is full."""

    def __init__(self, nth: int) -> None:
        self._left = nth

    def is_due(self) -> bool:
        """Count one passage; return whether it is the last."""
        self._left -= 1
        return self._left == 0

    def fall(self) -> None:
        """End this process as the kernel's out-of-memory killer would."""
        os.kill(os.getpid(), signal.SIGKILL)


def custodian_heard(record: Any, what: Callable[[Any], bool]) -> bool:
    """Return whether a record is the custodian's step of a message that is so."""
    return (
        isinstance(record, DurableStep)
        and record.actor == "desk/custodian"
        and what(record.input.message)
    )


def is_order(message: Any) -> bool:
    return isinstance(message, ApprovedOrder)


def is_acknowledged(message: Any) -> bool:
    return isinstance(message, VenueReport) and isinstance(message.event, OrderAccepted)


def is_part(message: Any) -> bool:
    """A fill after which the order still works."""
    return (
        isinstance(message, VenueReport)
        and isinstance(message.event, OrderFilled)
        and message.event.leaves > 0
    )


STEPS = {
    "before_written": is_order, "within_write": is_order, "after_written": is_order,
    "after_acknowledged": is_acknowledged, "between_fills": is_part,
}  # fmt: skip


def arm_swarm(point: str, sword: Sword) -> None:
    """Wrap what an order passes in the swarm."""
    if point == "after_send":
        submit = SocketVenue.submit

        def send_and_die(venue: SocketVenue, approved: ApprovedOrder) -> None:
            submit(venue, approved)
            if sword.is_due():
                sword.fall()

        mock.patch.object(SocketVenue, "submit", send_and_die).start()
    elif point == "before_acknowledged":
        hear = SocketVenue._on_message

        def die_and_hear(venue: SocketVenue, frames: Any, message: Any) -> None:
            if is_acknowledged(message) and sword.is_due():
                sword.fall()
            hear(venue, frames, message)

        mock.patch.object(SocketVenue, "_on_message", die_and_hear).start()
    else:
        arm_journal(point, STEPS[point], sword)


def arm_journal(point: str, what: Callable[[Any], bool], sword: Sword) -> None:
    """Wrap the write that takes the step."""
    flush = StepJournal.flush

    def flush_and_die(journal: StepJournal) -> int:
        is_due = any(custodian_heard(r, what) and sword.is_due() for r in journal._buffer)
        if is_due and point == "before_written":
            sword.fall()
        if is_due and point == "within_write":
            tear_next_write(sword)
        position = flush(journal)
        if is_due:
            sword.fall()
        return position

    mock.patch.object(StepJournal, "flush", flush_and_die).start()


def tear_next_write(sword: Sword) -> None:
    """Have the next write to a journal end in the middle."""

    def half(file: FolderFile, data: bytes | memoryview) -> None:
        os.write(file._descriptor, memoryview(data)[: len(data) // 2])
        sword.fall()

    mock.patch.object(FolderFile, "write", half).start()


def arm_venue(point: str, sword: Sword) -> None:
    """Wrap the venue's own log, which an order and each report pass."""
    write, kind = VenueLog.write, Taken if point.endswith("taken") else Reported

    def write_and_die(log: VenueLog, record: Any) -> None:
        is_due = isinstance(record, kind) and sword.is_due()
        if is_due and point.startswith("before"):
            sword.fall()
        write(log, record)
        if is_due:
            sword.fall()

    mock.patch.object(VenueLog, "write", write_and_die).start()


def shifted(file: Path) -> int:
    """Return the wall clock as the harness wants it to be."""
    return time.time_ns() + int(file.read_text())


def main() -> int:
    """Start one part, armed."""
    part, point, more, file = sys.argv[1:5]
    sys.argv[1:] = [file]
    if part == "venue":
        from scenarios.live import venue_process

        arm_venue(point, Sword(int(more)))
        return venue_process.main()
    from scenarios.live import commands as live_commands, swarm as live_swarm
    from scenarios.run.market_time import MarketTime

    if point == "clock":
        wall = partial(shifted, Path(more))
        vars(live_swarm)["MarketTime"] = partial(MarketTime, wall=wall)
    else:
        arm_swarm(point, Sword(int(more)))
    return live_commands.start(Path(file), venue="process")


if __name__ == "__main__":
    sys.exit(main())
