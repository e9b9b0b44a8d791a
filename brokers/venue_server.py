"""The simulated venue's process: its socket, who is let in, and what must not be forgotten."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final

from brokers.frames import Frames, serve
from brokers.paced_kernel import PacedKernel
from brokers.simulated import VENUE_ADDRESS, SimulatedVenue, booked_order
from brokers.venue import Published, VenueClock
from brokers.venue_log import Asked, Began, Kept, NoLog, Reported, Revoked, Taken, VenueLog
from brokers.wire import (
    WIRE_VERSION,
    Denied,
    Done,
    Hello,
    Listen,
    Restore,
    Revoke,
    StopVenue,
    Welcome,
    server_decoder,
)
from environment.actors import Actor, ActorContext
from environment.control_messages import AuthorityRefused
from environment.message_roots import Message
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    AuctionIndication,
    BandsChanged,
    CancelAll,
    CancelOrder,
    DepthUpdate,
    OrderRequest,
    PhaseChanged,
    QuoteUpdate,
    ReplaceRequest,
    Resumed,
    TradePrint,
)
from environment.option_messages import ChainUpdate, SeriesListed
from environment.venue_messages import (
    AccountReport,
    NotSent,
    OrderReport,
    QueryAccount,
    QueryOrder,
    RenewSession,
    ReportsGone,
    ResendReports,
    VenueReport,
    VenueSession,
)

DOOR: Final = "venue/door"
CUSTODIAN: Final = "desk/custodian"  # For whom a swarm's connection speaks.
_ORDERS = (ApprovedOrder, ApprovedReplace)
_QUESTIONS = (CancelOrder, QueryOrder, QueryAccount, ResendReports)

ToDoor = (
    Resumed | Listen | VenueReport | VenueSession | OrderReport | AccountReport | ReportsGone
    | AuthorityRefused | QuoteUpdate | TradePrint | DepthUpdate | PhaseChanged | BandsChanged
    | AuctionIndication | ChainUpdate | SeriesListed
)  # fmt: skip


class Door(Actor[ToDoor]):
    """Stands where the desk's custodian would: hands all that the venue says to the socket.

    A phase is told once, when it begins. Who comes later, or comes back, is told the one that is.
    """

    KIND: ClassVar[str] = "venue_door"

    def __init__(self, outlet: Callable[[str, Any], None], symbols: tuple[str, ...] = ()) -> None:
        self._outlet = outlet
        self._statuses = tuple(f"market/{symbol}/status" for symbol in symbols)
        self._phases: dict[str, PhaseChanged] = {}  # The last one, by topic.
        self._listened: set[str] = set()

    def receive(self, ctx: ActorContext, message: ToDoor) -> None:
        """Handle one message."""
        if isinstance(message, Resumed):
            for topic in self._statuses:
                ctx.subscribe(topic)
            return
        if isinstance(message, Listen):
            self._listen(ctx, message.topic)
            return
        envelope = ctx.envelope()
        address = envelope.recipient if envelope is not None else DOOR
        if isinstance(message, PhaseChanged):
            self._phases[address] = message
        if address not in self._statuses or address in self._listened:
            self._outlet(address, message)

    def _listen(self, ctx: ActorContext, topic: str) -> None:
        self._listened.add(topic)
        ctx.subscribe(topic)
        if topic in self._phases:
            self._outlet(topic, self._phases[topic])


class VenueServer:
    """Clients on one side, the paced market on the other.

    One swarm at a time: a new one ends the session of the one before. While it is revoked a swarm
    may look and cancel, and no order of it is taken. `welcome` says what the market is now; `log`
    gets every report before it is sent.
    """

    def __init__(
        self, venue: SimulatedVenue, paced: PacedKernel, log: VenueLog | NoLog, kept: Kept,
        welcome: Callable[[int, int], Welcome],
    ) -> None:  # fmt: skip
        self._venue = venue
        self._paced = paced
        self._log = log
        self._welcome = welcome
        self._decoder = server_decoder()
        self._clients: dict[Frames, str] = {}
        self._swarm: Frames | None = None
        self._greeted: Frames | None = None  # A swarm whose session is being made.
        self._asked: list[Frames] = []  # Control clients that wait for the account.
        self._waiting: list[tuple[Frames, str]] = []  # ... and for all orders to be cancelled.
        self._logged = kept.book.sequence  # Number of the last report in the log.
        self.session = kept.session
        self.revoked = kept.revoked
        self.cash_micros: Callable[[], int] = lambda: 0
        self.on_stop: Callable[[str], None] = lambda _: None

    async def serve(self, path: Path) -> Any:  # noqa: ANN401  the loop's own class
        """Serve clients on a socket; returns the server."""
        return await serve(path, lambda: Frames(self._decoder, self._on_message, self._on_closed))

    def publish_clock(self, clock: VenueClock) -> None:
        """Tell everybody that the market's time runs anew from here."""
        for client in self._clients:
            client.send(clock)

    def close(self, reason: str) -> None:
        """Send everybody away."""
        for client in list(self._clients):
            client.close(reason)
        self._log.close()

    # --- from clients ----------------------------------------------------------------------------

    def _on_message(self, client: Frames, message: Any) -> None:  # noqa: ANN401  decoded: ToServer
        role = self._clients.get(client)
        if role is None:
            self._greet(client, message)
        elif isinstance(message, _QUESTIONS):
            if role == "control" and isinstance(message, QueryAccount):
                self._asked.append(client)
            self._admit(message)
        elif isinstance(message, _ORDERS) and role == "swarm":
            self._on_order(client, message)
        elif isinstance(message, Listen):
            self._paced.admit(DOOR, DOOR, message)
        elif role == "control":
            self._control(client, message)
        else:
            self._deny(client, f"a {role} may not send a {type(message).__name__}")

    def _greet(self, client: Frames, message: Any) -> None:  # noqa: ANN401  decoded: ToServer
        if not isinstance(message, Hello):
            self._deny(client, "expected a greeting first")
        elif message.version != WIRE_VERSION:
            self._deny(client, f"version {message.version} of the wire, expected {WIRE_VERSION}")
        elif message.role == "control":
            self._clients[client] = "control"
            client.send(self._welcome(self.session, self._venue.state.book.sequence))
        else:
            self._end_session("another swarm has come")
            self._clients[client] = "swarm"
            self._greeted = client
            self._renew()

    def _renew(self) -> None:
        """Begin another session: all that was sent in the one before is dead."""
        self.session += 1
        self._log.write(Began(self.session))
        self._admit(RenewSession(above=self.session - 1))

    def _control(self, client: Frames, message: Any) -> None:  # noqa: ANN401  decoded: ToServer
        match message:
            case Revoke(reason=reason):
                self.revoke(reason)
                self._waiting.append((client, "revoked"))
                self._tell_waiting()
            case Restore(person=person):
                self.revoked = ""
                self._log.write(Revoked("", self._paced.market_now()))
                self._log.sync()
                client.send(Done(text=f"restored by {person}"))
            case StopVenue(reason=reason):
                client.send(Done(text="stopping", working=len(self._venue.state.book.working)))
                self.on_stop(reason)
            case _:
                self._deny(client, f"a {type(message).__name__} is not for the venue")

    def revoke(self, reason: str) -> None:
        """Cut the swarm off, and cancel all that it has working."""
        self.revoked = reason
        self._log.write(Revoked(reason, self._paced.market_now()))
        self._log.sync()
        self._end_session(f"revoked: {reason}")
        # What is on its way inside dies with its session; then all that works is cancelled.
        self._renew()
        self._admit(CancelAll(account=""))
        self._paced.step(self._paced.market_now())

    def _end_session(self, reason: str) -> None:
        for swarm in (self._swarm, self._greeted):
            if swarm is not None and swarm.is_open:
                self._deny(swarm, reason)
        self._swarm = self._greeted = None

    def _deny(self, client: Frames, reason: str) -> None:
        client.send(Denied(reason=reason))
        client.close(reason)

    def _on_closed(self, client: Frames, reason: str) -> None:  # noqa: ARG002  the callback's shape
        self._clients.pop(client, None)
        self._asked = [asked for asked in self._asked if asked is not client]
        self._waiting = [told for told in self._waiting if told[0] is not client]
        if client is self._swarm:
            self._swarm = None
        if client is self._greeted:
            self._greeted = None

    def _on_order(self, client: Frames, approved: ApprovedOrder | ApprovedReplace) -> None:
        if client is not self._swarm:
            return  # Of a session that is over, or does not stand yet: as if it never came.
        if self.revoked:
            name = approved.client_order_id or approved.order.order_id
            client.send(NotSent(client_order_id=name, reason=f"revoked: {self.revoked}"))
            return
        self._keep(approved)
        self._admit(approved)

    def _keep(self, approved: ApprovedOrder | ApprovedReplace) -> None:
        """Write down what is about to be taken."""
        order = approved.order
        name = approved.client_order_id or order.order_id
        if isinstance(order, OrderRequest):
            self._log.write(Taken(booked_order(name, order)))
        else:
            asked = ReplaceRequest(order_id=name, quantity=order.quantity, price=order.price)
            self._log.write(Asked(asked))

    def _admit(self, message: Message) -> None:
        self._paced.admit(CUSTODIAN, VENUE_ADDRESS, message)

    # --- from the venue --------------------------------------------------------------------------

    def hear(self, address: str, message: Any) -> None:  # noqa: ANN401  ToDoor
        """Send on what the venue says: the door's outlet."""
        match message:
            case VenueReport():
                if message.sequence > self._logged:  # Else the swarm asked for it again.
                    self._logged = message.sequence
                    now_ns = self._paced.market_now()
                    self._log.write(Reported(message, self.cash_micros(), now_ns))
                self._tell_swarm(message)
                self._tell_waiting()
            case VenueSession(session=session, sequence=sequence):
                if self._greeted is not None and session == self.session:
                    self._swarm, self._greeted = self._greeted, None
                    self._swarm.send(self._welcome(session, sequence))
            case AccountReport():
                whole = AccountReport(
                    sequence=message.sequence, orders=message.orders,
                    positions=message.positions, cash_micros=self.cash_micros(),
                )  # fmt: skip
                asked, self._asked = self._asked, []
                for client in asked:
                    client.send(whole)
                self._tell_swarm(whole)
            case OrderReport() | ReportsGone() | AuthorityRefused():
                self._tell_swarm(message)
            case _:
                self._tell_swarm(Published(topic=address, message=message))

    def _tell_swarm(self, message: Message) -> None:
        if self._swarm is not None:
            self._swarm.send(message)

    def _tell_waiting(self) -> None:
        """Answer those who wait for an empty book."""
        working = len(self._venue.state.book.working)
        if self._waiting and not working:
            for client, text in self._waiting:
                client.send(Done(text=text, working=0))
            self._waiting.clear()
