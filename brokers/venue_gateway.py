"""The venue as the floor's actors see it in real time: a gateway over any `brokers.venue.Venue`."""

import asyncio
from collections.abc import Callable, Iterable
from typing import ClassVar, Final

import msgspec

from brokers.venue import PromptVenue, Published, Venue, VenueClock, VenueClosed, VenueEvent
from environment.actors import ActorContext, Gateway, Side
from environment.actors.ports import AnyEnvelope
from environment.control_messages import AuthorityRefused, LowerDesk
from environment.errors import OperatingError
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    CancelOrder,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    PhaseChanged,
)
from environment.telemetry.stages import NoClock, StageClock
from environment.venue_messages import (
    AccountEvent,
    NotSent,
    QueryAccount,
    QueryOrder,
    RenewSession,
    ResendReports,
    VenueLost,
    VenueReport,
)

CUSTODIAN: Final = "desk/custodian"
RISK: Final = "desk/risk"
_AGAIN_S: Final = 0.5  # Between two tries to reach the venue.
_TOPICS_S: Final = 0.5  # Between two looks at what is listened to.

ToGateway = (
    ApprovedOrder | ApprovedReplace | CancelOrder | QueryOrder | QueryAccount | ResendReports
    | RenewSession
)  # fmt: skip


class GatewayStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What passed the gateway."""

    is_connected: bool
    sessions: int
    orders_sent: int
    reports: int
    published: int
    held_back: int  # Market data that came while an inbox was full.
    last_loss: str


class VenueGateway(Gateway[ToGateway]):
    """Keeps a session with the venue, and carries commands out and reports in.

    A session that is lost is begun again by itself, and nothing is sent a second time. `topics`
    returns what the floor listens to now; `on_clock` takes the venue's clock.
    """

    KIND: ClassVar[str] = "venue_gateway"

    def __init__(
        self, venue: Venue, run: str, epoch: int, topics: Callable[[], Iterable[str]],
        on_clock: Callable[[VenueClock], None], stages: StageClock | NoClock,
    ) -> None:  # fmt: skip
        super().__init__()
        self._venue = venue
        self._run, self._epoch = run, epoch
        self._topics, self._on_clock, self._stages = topics, on_clock, stages
        self._session = 0
        self._is_open = False
        self._listened: set[str] = set()
        self._orders: dict[str, AnyEnvelope] = {}  # Those under way, for their reports' chains.
        self._is_renewing = False
        self._counts = [0, 0, 0, 0, 0]
        self._last_loss = ""

    def statistics(self) -> GatewayStatistics:
        """Return counts."""
        sessions, orders, reports, published, held_back = self._counts
        return GatewayStatistics(
            is_connected=self._is_open, sessions=sessions, orders_sent=orders, reports=reports,
            published=published, held_back=held_back, last_loss=self._last_loss,
        )  # fmt: skip

    async def serve(self, side: Side[ToGateway]) -> None:
        """Carry commands out and reports in, for as long as the floor stands."""
        out = asyncio.create_task(self._renew(side))
        listen = asyncio.create_task(self._keep_listening())
        try:
            while not side.is_closing:
                await self._one_session(side)
        finally:
            out.cancel()
            listen.cancel()
            await self._venue.close()

    # --- in --------------------------------------------------------------------------------------

    async def _one_session(self, side: Side[ToGateway]) -> None:
        try:
            session = await self._venue.open(self._run, self._epoch)
        except OperatingError as error:
            if str(error) != self._last_loss:  # Said once, however often it is tried.
                self._last_loss = str(error)
                side.admit(CUSTODIAN, VenueLost(reason=str(error)))
            await asyncio.sleep(_AGAIN_S)
            return
        self._session, self._is_open, self._last_loss = session.session, True, ""
        self._counts[0] += 1
        self._listened.clear()
        self._is_renewing = False
        self._listen()
        side.admit(CUSTODIAN, session)
        if self._venue.restriction:
            reason = f"revoked at the venue: {self._venue.restriction}"
            side.admit(RISK, LowerDesk(to="halted", reason=reason))
        try:
            reason = await self._take_events(side)
        finally:
            self._is_open = False
        if reason:
            self._last_loss = reason
            side.admit(CUSTODIAN, VenueLost(reason=reason))

    async def _take_events(self, side: Side[ToGateway]) -> str:
        """Hand on what the venue says until the session ends; "" where it is to be renewed."""
        if isinstance(self._venue, PromptVenue):
            reason = await self._hear(self._venue, side)
            return "" if self._is_renewing else reason
        while True:
            event = await self._venue.next_event()
            if isinstance(event, VenueClosed):
                return "" if self._is_renewing else event.reason
            self._hand_on(side, event)

    async def _hear(self, venue: PromptVenue, side: Side[ToGateway]) -> str:
        """Hand on what the venue says as it is read, and have it handled before the loop goes on.

        Two rounds of the event loop lie between a tick and its order otherwise.
        """
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def take(event: VenueEvent) -> None:
            if ended.done():
                return
            try:
                if isinstance(event, VenueClosed):
                    ended.set_result(event.reason)
                else:
                    self._hand_on(side, event)
            # What it raises is this actor's end, not that of the connection which reads.
            except Exception as error:  # noqa: BLE001
                ended.set_exception(error)

        venue.hand_over(take, side.handle_now)
        try:
            return await ended
        finally:
            venue.hand_over(None)

    def _hand_on(self, side: Side[ToGateway], event: VenueEvent) -> None:
        match event:
            case Published(topic=topic, message=message):
                # A phase is told once: it is the one fact of the market that nothing makes good.
                if side.is_pressed() and not isinstance(message, PhaseChanged):
                    self._counts[4] += 1
                    return
                self._counts[3] += 1
                self._stages.published()
                side.publish(topic, message)
            case VenueClock():
                self._on_clock(event)
            case VenueReport(event=of_account) if isinstance(of_account, AccountEvent):
                self._counts[2] += 1
                side.admit(CUSTODIAN, event)
            case VenueReport(event=of_order):
                assert not isinstance(of_order, AccountEvent), "as above"
                self._counts[2] += 1
                side.admit(CUSTODIAN, event, self._orders.get(of_order.order_id))
                is_over = isinstance(of_order, OrderCancelled | OrderRefused)
                if is_over or (isinstance(of_order, OrderFilled) and not of_order.leaves):
                    self._orders.pop(of_order.order_id, None)
            case AuthorityRefused():
                side.admit(RISK, event)
            case VenueClosed():
                raise AssertionError("the end of a session is not handed on")
            case _:
                side.admit(CUSTODIAN, event)

    async def _keep_listening(self) -> None:
        while True:
            await asyncio.sleep(_TOPICS_S)
            self._listen()

    def _listen(self) -> None:
        """Ask for every topic of the market that somebody hears."""
        if self._is_open:
            for topic in self._topics():
                if topic.startswith("market/") and topic not in self._listened:
                    self._listened.add(topic)
                    self._venue.listen(topic)

    # --- out -------------------------------------------------------------------------------------

    def receive(self, ctx: ActorContext, message: ToGateway) -> None:
        """Carry a command out at once: sending is a write into a socket, and never waits.

        What waited for the asynchronous side instead would leave a round of the event loop later.
        """
        envelope, side = ctx.envelope(), self._side
        if isinstance(message, RenewSession):
            self.hand_over(ctx)
        elif envelope is not None and side is not None:
            self._carry(side, envelope, message)

    async def _renew(self, side: Side[ToGateway]) -> None:
        """End a session that the custodian wants another of."""
        while True:
            message = (await side.next()).message
            if self._is_open and self._session <= message.above:
                self._is_renewing = True
                await self._venue.close()

    def _carry(
        self, side: Side[ToGateway], envelope: AnyEnvelope,
        message: ApprovedOrder | ApprovedReplace | CancelOrder | QueryOrder | QueryAccount
        | ResendReports,
    ) -> None:  # fmt: skip
        venue = self._venue
        match message:
            case ApprovedOrder() | ApprovedReplace():
                self._carry_order(side, envelope, message)
            case CancelOrder(order_id=name):
                venue.cancel(name)  # Lost with a session, it is asked for again.
            case QueryOrder(client_order_id=name):
                venue.ask_order(name)
            case QueryAccount():
                venue.ask_account()
            case ResendReports(after=after):
                venue.ask_reports(after)

    def _carry_order(
        self, side: Side[ToGateway], envelope: AnyEnvelope,
        approved: ApprovedOrder | ApprovedReplace,
    ) -> None:  # fmt: skip
        name = approved.client_order_id or approved.order.order_id
        if not self._is_open or approved.session != self._session:
            reason = "venue_down: the session was over before it left"
            side.admit(CUSTODIAN, NotSent(client_order_id=name, reason=reason), envelope)
            return
        self._orders[name] = envelope
        if isinstance(approved, ApprovedOrder):
            self._venue.submit(approved)
        else:
            self._venue.replace(approved)
        self._counts[1] += 1
        self._stages.sent(envelope)
