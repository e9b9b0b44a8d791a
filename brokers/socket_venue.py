"""The simulated venue as its clients see it: a process of its own behind a local socket."""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from brokers.frames import Frames, connect
from brokers.venue import Capabilities, Hours, VenueClosed, VenueEvent
from brokers.wire import (
    WIRE_VERSION,
    Denied,
    Done,
    Hello,
    Listen,
    Role,
    Welcome,
    client_decoder,
)
from environment.errors import OperatingError
from environment.instruments import Instrument
from environment.message_roots import Message
from environment.messages import ApprovedOrder, ApprovedReplace, CancelOrder
from environment.venue_messages import QueryAccount, QueryOrder, ResendReports, VenueSession

_ANSWER_S: Final = 10.0


class SocketVenue:
    """A client of the venue's process: `brokers.venue.Venue` over its socket.

    As `control` it also carries Revoke, Restore and StopVenue, which are answered by Done.
    """

    def __init__(self, path: Path, role: Role = "swarm") -> None:
        self.path = path
        self._role = role
        self._frames: Frames | None = None
        self._events: deque[VenueEvent] = deque()
        self._arrived = asyncio.Event()
        self._on_event: Callable[[VenueEvent], None] | None = None
        self._after_read: Callable[[], None] = lambda: None
        self._answer: asyncio.Future[Any] | None = None
        self._welcome: Welcome | None = None

    # --- sessions --------------------------------------------------------------------------------

    @property
    def welcome(self) -> Welcome:
        """Return what the venue said when the session began."""
        if self._welcome is None:
            raise OperatingError(f"{self.path}: no session stands")
        return self._welcome

    @property
    def is_open(self) -> bool:
        """Return whether the session stands."""
        return self._frames is not None and self._frames.is_open

    @property
    def capabilities(self) -> Capabilities:
        """Return what this venue can do."""
        return self.welcome.capabilities

    @property
    def restriction(self) -> str:
        """Return why this session may only look and cancel."""
        return self.welcome.revoked

    async def open(self, run: str, epoch: int) -> VenueSession:
        """Begin a session."""
        await self.close()
        self._events.clear()
        decoder = client_decoder()
        self._frames = await connect(
            self.path, lambda: Frames(decoder, self._on_message, self._on_closed)
        )
        self._frames.after_read = self._read
        hello = Hello(version=WIRE_VERSION, role=self._role, run=run, epoch=epoch)
        answer = await self._ask(hello)
        if isinstance(answer, Denied):
            raise OperatingError(answer.reason)
        assert isinstance(answer, Welcome), "the venue answers a greeting by Welcome or Denied"
        self._welcome = answer
        session = VenueSession(
            run=run, epoch=epoch, session=answer.session, sequence=answer.sequence
        )
        self._put(answer.clock)
        return session

    async def close(self) -> None:
        """End the session."""
        if self._frames is not None:
            self._frames.close()
            self._frames = None
            self._put(VenueClosed(reason="closed here"))
            await asyncio.sleep(0)  # The loop closes the socket in its next round.

    async def control(self, message: Message) -> Done:
        """Carry one control request; returns once it is carried out."""
        answer = await self._ask(message)
        if not isinstance(answer, Done):
            raise OperatingError(getattr(answer, "reason", "the venue did not answer"))
        return answer

    async def _ask(self, message: Message) -> Message:
        self._answer = asyncio.get_running_loop().create_future()
        self._send(message)
        try:
            answer: Message = await asyncio.wait_for(self._answer, _ANSWER_S)
        except TimeoutError:
            raise OperatingError(f"{self.path}: no answer in {_ANSWER_S:.0f} s") from None
        finally:
            self._answer = None
        return answer

    # --- commands --------------------------------------------------------------------------------

    def submit(self, approved: ApprovedOrder) -> None:
        """Send an order."""
        self._send(approved)

    def replace(self, approved: ApprovedReplace) -> None:
        """Send other terms."""
        self._send(approved)

    def cancel(self, client_order_id: str) -> None:
        """Send a cancel."""
        self._send(CancelOrder(order_id=client_order_id))

    def ask_order(self, client_order_id: str) -> None:
        """Ask how an order stands."""
        self._send(QueryOrder(client_order_id=client_order_id))

    def ask_account(self) -> None:
        """Ask for the account."""
        self._send(QueryAccount())

    def ask_reports(self, after: int) -> None:
        """Ask for reports again."""
        self._send(ResendReports(after=after))

    def listen(self, topic: str) -> None:
        """Ask for market data."""
        self._send(Listen(topic=topic))

    def instruments(self) -> tuple[Instrument, ...]:
        """Return what can be traded."""
        return self.welcome.instruments

    def chain(self, underlying: str) -> tuple[Instrument, ...]:
        """Return the listed options of an underlying."""
        return tuple(
            instrument
            for instrument in self.welcome.instruments
            if instrument.kind == "option" and instrument.underlying == underlying
        )

    def hours(self) -> Hours:
        """Return the trading day in hand."""
        return self.welcome.hours

    # --- what the venue says ---------------------------------------------------------------------

    async def next_event(self) -> VenueEvent:
        """Return what the venue said next."""
        while not self._events:
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()

    def hand_over(
        self, on_event: Callable[[VenueEvent], None] | None,
        after_read: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """Hand over what waits and all that comes; after each read say that it was all."""
        self._on_event, self._after_read = on_event, after_read
        while on_event is not None and self._events:
            on_event(self._events.popleft())

    def take_events(self) -> list[VenueEvent]:
        """Return, without waiting, all that the venue has said."""
        taken = list(self._events)
        self._events.clear()
        return taken

    def _send(self, message: Message) -> None:
        # Into a connection that is over nothing goes: the outcome of a command is then unknown.
        if self._frames is not None:
            self._frames.send(message)

    def _put(self, event: VenueEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)
            return
        self._events.append(event)
        self._arrived.set()

    def _read(self) -> None:
        self._after_read()

    def _on_message(self, frames: Frames, message: Any) -> None:  # noqa: ANN401  decoded: ToClient
        if frames is not self._frames and self._frames is not None:
            return  # Of a session that is over.
        if isinstance(message, (Welcome, Denied, Done)):  # A union would be slower.
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(message)
            elif isinstance(message, Denied):
                self._put(VenueClosed(reason=message.reason))
        else:
            self._put(message)

    def _on_closed(self, frames: Frames, reason: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Denied(reason=f"{self.path}: {reason}"))
        if frames is self._frames:
            self._frames = None
            if not any(isinstance(event, VenueClosed) for event in self._events):
                self._put(VenueClosed(reason=reason))
