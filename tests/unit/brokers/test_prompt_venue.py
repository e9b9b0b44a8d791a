"""A venue that hands its events over as they are read, and the gateway that hears them so."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from brokers.venue import PromptVenue, Published, VenueClosed, VenueEvent
from brokers.venue_gateway import VenueGateway
from environment.actors import Side
from environment.messages import PhaseChanged
from environment.telemetry.stages import NoClock
from environment.venue_messages import AccountReport, VenueSession
from tests.unit.desk.factories import quote


class Line:
    """A venue whose events the test says."""

    restriction = ""

    def __init__(self) -> None:
        self.waiting: deque[VenueEvent] = deque()
        self.on_event: Callable[[VenueEvent], None] | None = None
        self.after_read: Callable[[], None] = lambda: None

    async def open(self, run: str, epoch: int) -> VenueSession:
        """Let everybody in."""
        return VenueSession(run=run, epoch=epoch, session=1, sequence=0)

    async def close(self) -> None:
        """End nothing."""

    async def next_event(self) -> VenueEvent:
        """Never be asked: events are handed over."""
        raise AssertionError("the gateway was told that events are handed over")

    def listen(self, topic: str) -> None:
        """Publish nothing."""

    def hand_over(
        self, on_event: Callable[[VenueEvent], None] | None,
        after_read: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """Take note of who hears."""
        self.on_event, self.after_read = on_event, after_read
        while on_event is not None and self.waiting:
            on_event(self.waiting.popleft())

    def say(self, *events: VenueEvent) -> None:
        """Say what one read brought."""
        for event in events:
            if self.on_event is None:
                self.waiting.append(event)
            else:
                self.on_event(event)
        self.after_read()


class Entry:
    """What was let in, and how often it was to be handled at once."""

    def __init__(self) -> None:
        self.admitted: list[Any] = []
        self.handled: list[int] = []  # How much had been let in each time.
        self.is_broken = False
        self.is_full = False

    def admit(
        self, sender: str, recipient: str, message: Any, cause: Any = None, answers: int = 0
    ) -> None:
        if self.is_broken:
            raise ValueError("broken")
        self.admitted.append(message)

    def admit_topic(self, sender: str, topic: str, message: Any) -> None:
        self.admitted.append(message)

    def is_pressed(self) -> bool:
        return self.is_full

    def handle_now(self) -> None:
        self.handled.append(len(self.admitted))

    def now_ns(self) -> int:
        return 7


def report(number: int) -> AccountReport:
    return AccountReport(sequence=number, orders=(), positions={})


def serve(line: Line, entry: Entry, test: Callable[[], None]) -> None:
    """Serve until the test has run; what the gateway's side raises is raised here."""

    async def body() -> None:
        gateway = VenueGateway(
            line,  # type: ignore[arg-type]  # Only what a session needs.
            "run", 1, list, lambda _: None, NoClock(),
        )  # fmt: skip
        task = asyncio.create_task(gateway.serve(Side("venue", entry)))
        await asyncio.sleep(0.01)
        test()
        await asyncio.sleep(0.01)
        if not task.done():
            task.cancel()
        await asyncio.gather(task)

    assert isinstance(line, PromptVenue)
    asyncio.run(body())


def test_what_waits_comes_first_and_each_read_is_handled_once() -> None:
    line, entry = Line(), Entry()
    line.say(report(1))

    def test() -> None:
        line.say(report(2), report(3))
        line.say(report(4))

    with pytest.raises(asyncio.CancelledError):
        serve(line, entry, test)
    reports = [one for one in entry.admitted if isinstance(one, AccountReport)]
    assert [one.sequence for one in reports] == [1, 2, 3, 4]
    assert entry.handled == [len(entry.admitted) - 1, len(entry.admitted)]
    assert line.on_event is None


def test_what_the_gateway_raises_is_its_own_end() -> None:
    line, entry = Line(), Entry()

    def test() -> None:
        entry.is_broken = True
        line.say(report(2))  # Whoever reads goes on.
        line.say(report(3))

    with pytest.raises(ValueError, match="broken"):
        serve(line, entry, test)


def test_session_ends_with_the_last_event_and_is_begun_again() -> None:
    line, entry = Line(), Entry()

    def test() -> None:
        line.say(VenueClosed(reason="cut"), report(2))

    with pytest.raises(asyncio.CancelledError):
        serve(line, entry, test)
    names = [type(message).__name__ for message in entry.admitted]
    assert names == ["VenueSession", "VenueLost", "VenueSession"]


def test_market_data_waits_where_there_is_no_room_and_a_phase_does_not() -> None:
    line, entry = Line(), Entry()
    entry.is_full = True
    phase = PhaseChanged(
        instrument="AAPL", phase="closing_auction", reason="", exchange_ns=0, sequence=0
    )

    def test() -> None:
        topic = "market/AAPL/status"
        line.say(Published(topic=topic, message=quote()), Published(topic=topic, message=phase))

    with pytest.raises(asyncio.CancelledError):
        serve(line, entry, test)
    assert entry.admitted[1:] == [phase]  # After the session.
