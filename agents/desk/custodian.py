"""The custodian: the last actor before the venue, and the first to hear what the venue says."""

from typing import ClassVar, Final, assert_never

import msgspec

from agents.desk.custodian_state import (
    CustodianSettings,
    CustodianState,
    CustodianStatistics,
    client_order_id,
)
from agents.desk.order_table import HeldOrder, OrderTable
from agents.desk.reports import Reports, ToRisk, Watched
from agents.desk.settling import SWEEP, Question, Settling
from agents.orders import Terms, TrackedOrder
from environment.actors import CLOCK_TOPIC, Actor, ActorContext, ActorRef, Directory
from environment.control_messages import LowerDesk
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    CancelOrder,
    ClockStepped,
    OrderEvent,
    OrderRefused,
    Resumed,
    TimerFired,
)
from environment.venue_messages import (
    AccountReport,
    NotSent,
    OrderReport,
    OwnerDown,
    ReconcileNow,
    ReportsGone,
    ResendReports,
    VenueLost,
    VenueReport,
    VenueSession,
)

ADDRESS: Final = "desk/custodian"
CLOCK_BEHIND: Final = "clock_behind: not sent, the clock is behind the record's last time"
_RECONCILE: Final = "reconcile"

ToVenue = ApprovedOrder | ApprovedReplace | Question
ToCustodian = (
    Resumed | TimerFired | ApprovedOrder | ApprovedReplace | CancelOrder | VenueReport
    | VenueSession | VenueLost | NotSent | OrderReport | AccountReport | ReportsGone | OwnerDown
    | ReconcileNow | ClockStepped
)  # fmt: skip


class Custodian(Actor[ToCustodian]):
    """Holds every order from before it leaves until it is over, and never sends one twice.

    A command is definitive or unknown. Unknown is settled by asking the venue alone; its "not
    found" counts only once nothing of the old session can arrive any more and some time has passed.
    """

    KIND: ClassVar[str] = "custodian"
    DURABLE: ClassVar[bool] = True

    def __init__(
        self, venue: ActorRef[ToVenue], risk: ActorRef[ToRisk], owners: Directory[OrderEvent],
        settings: CustodianSettings, watcher: ActorRef[Watched] | None = None,
    ) -> None:  # fmt: skip
        self._venue = venue
        self._reports = Reports(risk, owners, watcher)
        self._settling = Settling(venue, self._reports, settings)
        self._settings = settings
        self.state: CustodianState = CustodianState(
            table=OrderTable(), is_connected=not settings.needs_session
        )

    def receive(self, ctx: ActorContext, message: ToCustodian) -> None:
        """Handle one message."""
        match message:
            case ApprovedOrder():
                self._on_order(ctx, message)
            case ApprovedReplace():
                self._on_replace(ctx, message)
            case CancelOrder(order_id=order_id):
                self._on_cancel(ctx, order_id)
            case VenueReport():
                self._reports.hear(ctx, self.state, message)
                if self.state.ahead:
                    self._settling.watch(ctx, self.state)
            case OrderReport():
                self._settling.on_order(ctx, self.state, message)
            case AccountReport():
                self._settling.on_account(ctx, self.state, message)
            case VenueSession() | VenueLost() | ReportsGone() | NotSent():
                self._on_link(ctx, message)
            case OwnerDown(address=address):
                self._on_owner_down(ctx, address)
            case ReconcileNow(person=person):
                self.state.person = person
                self._settling.ask_account(ctx, self.state)
            case ClockStepped(behind_ns=behind_ns):
                self.state.is_clock_behind = behind_ns > 0
            case TimerFired() | Resumed():
                self._on_time(ctx, message)
            case never:
                assert_never(never)

    def resumed(self, address: str) -> Resumed:
        """Return what an agent has in the market: what the kernel's hook tells a restarted one."""
        return self.state.table.resumed(address)

    def statistics(self) -> CustodianStatistics:
        """Return counts."""
        state = self.state
        return CustodianStatistics(
            open_orders=len(state.table.orders),
            unknown=state.table.unknown(),
            breaks=len(state.breaks),
            doubled=state.doubled,
            resent=state.resent,
            undelivered=state.undelivered,
        )

    # --- commands ------------------------------------------------------------------------------

    def _on_order(self, ctx: ActorContext, approved: ApprovedOrder) -> None:
        order, state = approved.order, self.state
        if state.table.by_own_id(order.order_id) is not None:
            state.doubled += 1
            return
        if not state.is_connected or state.is_clock_behind:
            reason = "venue_down: not sent" if not state.is_connected else CLOCK_BEHIND
            refusal = OrderRefused(order_id=order.order_id, reason=reason)
            self._reports.forward(ctx, state, approved.owner, refusal)
            return
        tracked = TrackedOrder(
            order.order_id, order.instrument, order.side, Terms(order.quantity, order.price),
            legs=order.legs,
        )  # fmt: skip
        name = client_order_id(state.run, state.epoch, order.order_id)
        held = HeldOrder(name, approved.owner, tracked, ctx.now_ns(), state.session)
        # In the table before it leaves: a crash in between leaves an unknown, never a stray.
        state.table.take(held)
        self._send(ctx, held, approved)

    def _on_replace(self, ctx: ActorContext, approved: ApprovedReplace) -> None:
        order, state = approved.order, self.state
        held = state.table.by_own_id(order.order_id)
        if held is None or not state.is_connected or state.is_clock_behind:
            reason = "venue_down: not sent" if not state.is_connected else CLOCK_BEHIND
            reason = reason if held else f"unknown_order: {order.order_id!r}"
            refusal = OrderRefused(order_id=order.order_id, reason=reason)
            self._reports.forward(ctx, state, approved.owner, refusal)
            return
        held.tracked.asked.append(Terms(order.quantity, order.price))
        self._send(ctx, held, approved)

    def _send(
        self, ctx: ActorContext, held: HeldOrder, approved: ApprovedOrder | ApprovedReplace
    ) -> None:
        state = self.state
        held.sent_ns, held.session = ctx.now_ns(), state.session
        # A name that the owner's own id already is stands in the message once.
        name = "" if held.client_id == held.tracked.order_id else held.client_id
        stamped = msgspec.structs.replace(approved, client_order_id=name, session=state.session)
        ctx.send(self._venue, stamped)
        self._reports.show(ctx, approved)
        self._settling.watch(ctx, state)

    def _on_cancel(self, ctx: ActorContext, order_id: str) -> None:
        """Pass it on, also where the order is not held: the venue may know it."""
        held = self.state.table.by_own_id(order_id)
        if held is None:
            ctx.send(self._venue, CancelOrder(order_id=order_id))
        else:
            self._cancel(ctx, held)

    def _cancel(self, ctx: ActorContext, held: HeldOrder) -> None:
        """Ask for a cancel; while the venue is lost, as soon as its session stands again."""
        held.tracked.asked.append(None)
        held.sent_ns = ctx.now_ns()
        if self.state.is_connected:
            ctx.send(self._venue, CancelOrder(order_id=held.client_id))
        self._settling.watch(ctx, self.state)

    def _on_owner_down(self, ctx: ActorContext, owner: str) -> None:
        """Cancel what an owner has working, except what only reduces."""
        table = self.state.table
        for held in [held for held in table.of_owner(owner) if not table.only_reduces(held)]:
            self._cancel(ctx, held)

    # --- sessions and time ---------------------------------------------------------------------

    def _on_link(
        self, ctx: ActorContext, message: VenueSession | VenueLost | ReportsGone | NotSent
    ) -> None:
        match message:
            case VenueSession():
                self._on_session(ctx, message)
            case VenueLost(reason=reason):
                self._on_lost(ctx, reason)
            case ReportsGone(through=through):
                self._on_gone(ctx, through)
            case NotSent(client_order_id=name, reason=reason):
                refusal = OrderRefused(order_id=name, reason=reason)
                self._reports.take(ctx, self.state, refusal)

    def _on_session(self, ctx: ActorContext, session: VenueSession) -> None:
        """Begin anew: ask again for what was reported meanwhile, then for all that is open."""
        state = self.state
        is_same = (session.run, session.epoch) == (state.run, state.epoch)
        if is_same and session.session <= state.session and state.is_connected:
            return  # A doubled answer.
        state.run, state.epoch = session.run, session.epoch
        state.session, state.session_ns = session.session, ctx.now_ns()
        state.is_connected = True
        if session.sequence < state.sequence:
            figures = f"{session.sequence} reports, expected {state.sequence}"
            self._reports.lower(ctx, "the venue's record is shorter than ours", figures)
            state.sequence, state.is_patchy = session.sequence, True
            state.ahead.clear()
        self._doubt_all()
        ctx.send(self._venue, ResendReports(after=state.sequence))
        self._settling.ask_account(ctx, state)
        self._settling.sweep(ctx, state, at_once=True)

    def _on_lost(self, ctx: ActorContext, reason: str) -> None:
        state = self.state
        state.is_connected = False
        self._doubt_all()
        if reason.startswith("revoked"):
            ctx.send(self._reports.risk, LowerDesk(to="halted", reason=reason))
        elif state.table.unknown():
            self._reports.lower(ctx, f"the venue is lost: {reason}", "orders without an answer")
        self._reports.tell_outcomes(ctx, state)

    def _on_gone(self, ctx: ActorContext, through: int) -> None:
        state = self.state
        if through <= state.sequence:
            return
        state.sequence, state.is_patchy = through, True
        state.ahead = {number: one for number, one in state.ahead.items() if number > through}
        self._reports.take_ready(ctx, state)
        self._settling.ask_account(ctx, state)

    def _doubt_all(self) -> None:
        for held in self.state.table.orders.values():
            held.is_unknown = held.is_asking

    def _on_time(self, ctx: ActorContext, message: TimerFired | Resumed) -> None:
        state, every_ns = self.state, self._settings.reconcile_every_ns
        if isinstance(message, Resumed):
            state.sweep_timer = 0
            if self._settings.needs_session:  # A live process: its clock may be set.
                ctx.subscribe(CLOCK_TOPIC)
        elif message.name == SWEEP:
            if message.timer_id != state.sweep_timer:
                return  # Of an earlier incarnation.
            state.sweep_timer = 0
            self._settling.sweep(ctx, state)
        else:
            self._settling.ask_account(ctx, state)
        if every_ns and (isinstance(message, Resumed) or message.name == _RECONCILE):
            ctx.after(every_ns, _RECONCILE)
        self._settling.watch(ctx, state)
