"""The venue of a simulated market: the only door of the swarm's gated account into the exchange."""

from typing import ClassVar, Final, assert_never

import msgspec

from brokers.evening import ClearingNotice, closed_by_broker, reports_of
from brokers.packages import PackageEvent, fault_of, legs_filled, package_of, report_of
from brokers.venue_book import BookedOrder, VenueBook
from environment.actors import Actor, ActorContext, ActorRef
from environment.authority import VenueGate
from environment.clearing_messages import (
    AdjustmentNotice,
    AssignmentNotice,
    BrokerFill,
    EveningStatement,
    ExerciseNotice,
    ExpiryNotice,
    MarginCallMetNotice,
    MarginCallNotice,
)
from environment.control_messages import AuthorityRefused
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    CancelAll,
    CancelOrder,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    OrderTriggered,
    ReplaceOrder,
    Resumed,
    SubmitOrder,
)
from environment.option_messages import (
    LegFilled,
    PackageAccepted,
    PackageCancelled,
    PackageFilled,
    PackageReplaced,
    SubmitPackage,
)
from environment.parent_draws import ParentDraws
from environment.venue_messages import (
    AccountEvent,
    AccountReport,
    OrderReport,
    QueryAccount,
    QueryOrder,
    RenewSession,
    Reportable,
    ReportedEvent,
    ReportsGone,
    ResendReports,
    VenueReport,
    VenueSession,
)

VENUE_ADDRESS: Final = "venue"
CLEARING: Final = "clearing"  # Who tells of nights, on `clearing/ACCOUNT`.
_VERDICTS_KEPT: Final = 1_000
DESK: Final = frozenset({"desk/risk", "desk/custodian"})  # Who hands the venue its orders.


class VenueState(msgspec.Struct):
    """All that changes in the venue."""

    book: VenueBook
    verdicts: dict[int, None] = {}  # The last replaces' verdicts, each of which is used once.
    session: int = 0
    submitted: int = 0
    repeated: int = 0  # Orders and replaces that came a second time, and were used once.
    dead: int = 0  # Those that were sent in a session that is over.
    refused: int = 0
    unfounded: int = 0  # Reports that did not come from the exchange.
    draws: ParentDraws = msgspec.field(default_factory=ParentDraws)
    legs: dict[str, list[LegFilled]] = {}  # Of a trade that the exchange is telling.


ToExchange = SubmitOrder | SubmitPackage | ReplaceOrder | CancelOrder | CancelAll
ToCustodian = VenueReport | VenueSession | OrderReport | AccountReport | ReportsGone
ToVenue = (
    ApprovedOrder | ApprovedReplace | CancelOrder | CancelAll | QueryOrder | QueryAccount
    | ResendReports | RenewSession | OrderAccepted | OrderRefused | OrderFilled | OrderCancelled
    | OrderReplaced | OrderTriggered | PackageAccepted | LegFilled | PackageFilled
    | PackageCancelled | PackageReplaced | Resumed | ClearingNotice
    | BrokerFill
)  # fmt: skip


class SimulatedVenue(Actor[ToVenue]):
    """Enters what risk approved, once, and hands every event back, numbered, to the custodian.

    An order that nobody approved has no class here: sending one is a type error. One made by hand
    does not pass the gate: it is refused, and `warned` is told who sent it. What was sent in an
    earlier session than the present one is dead, so that an order which the venue once called not
    found can never appear.
    """

    KIND: ClassVar[str] = "venue"
    DURABLE: ClassVar[bool] = True

    def __init__(
        self, exchange: ActorRef[ToExchange], custodian: ActorRef[ToCustodian], account: str,
        gate: VenueGate, warned: ActorRef[AuthorityRefused], state: VenueState | None = None,
    ) -> None:  # fmt: skip
        self._exchange = exchange
        self._custodian = custodian
        self._account = account
        self._gate = gate
        self._warned = warned
        self.state: VenueState = VenueState(book=VenueBook()) if state is None else state

    def receive(self, ctx: ActorContext, message: ToVenue) -> None:
        """Handle one message."""
        match message:
            case ApprovedOrder():
                self._on_order(ctx, message)
            case ApprovedReplace():
                self._on_replace(ctx, message)
            case CancelOrder() | CancelAll():
                self._on_cancel(ctx, message)
            case (
                OrderAccepted() | OrderRefused() | OrderFilled() | OrderCancelled()
                | OrderReplaced() | OrderTriggered() | PackageAccepted() | LegFilled()
                | PackageFilled() | PackageCancelled() | PackageReplaced()
            ):  # fmt: skip
                self._on_event(ctx, message)
            case QueryOrder() | QueryAccount() | ResendReports() | RenewSession():
                self._answer(ctx, message)
            case Resumed():
                ctx.subscribe(f"{CLEARING}/{self._account}")
            case (
                ExerciseNotice() | AssignmentNotice() | ExpiryNotice() | AdjustmentNotice()
                | MarginCallNotice() | MarginCallMetNotice() | EveningStatement()
            ):  # fmt: skip
                self._on_night(ctx, message)
            case BrokerFill():
                self._on_broker(ctx, message)
            case never:
                assert_never(never)

    def _on_cancel(self, ctx: ActorContext, cancel: CancelOrder | CancelAll) -> None:
        if isinstance(cancel, CancelOrder):
            ctx.send(self._exchange, cancel)
            return
        ctx.send(self._exchange, CancelAll(account=self._account, instrument=cancel.instrument))
        # A structure stands in no book of one instrument.
        for name, order in self.state.book.working.items():
            if order.legs and cancel.instrument == order.instrument:
                ctx.send(self._exchange, CancelOrder(order_id=name))

    def _on_event(self, ctx: ActorContext, event: ReportedEvent | PackageEvent) -> None:
        state = self.state
        if ctx.sender() != self._exchange.address:
            state.unfounded += 1  # A fill that somebody made up is no fill.
            self._warn(ctx, event.order_id, "report: not from the exchange")
        elif isinstance(event, PackageEvent):
            order = state.book.find(event.order_id)
            if order is not None:
                self._on_package(ctx, order, event)
        else:
            self._follow(ctx, event)

    def _on_night(self, ctx: ActorContext, notice: ClearingNotice) -> None:
        if ctx.sender() != CLEARING:
            self.state.unfounded += 1  # Nobody else moves what an account holds.
            self._warn(ctx, "", "notice: not from the clearing house")
            return
        for event in reports_of(notice, self.state.book):
            self._report(ctx, event)

    def _on_broker(self, ctx: ActorContext, fill: BrokerFill) -> None:
        if ctx.sender() != self._exchange.address:
            self.state.unfounded += 1
            self._warn(ctx, fill.order_id, "report: not from the exchange")
            return
        self._report(ctx, closed_by_broker(fill, self.state.book))

    def _on_package(self, ctx: ActorContext, order: BookedOrder, event: PackageEvent) -> None:
        """Report what happened to a structure; its legs once the exchange has told them all."""
        legs = self.state.legs
        match event:
            case LegFilled():
                legs.setdefault(event.order_id, []).append(event)
            case PackageFilled():
                told = legs_filled(order, legs.pop(event.order_id, []))
                for fill in told.fills:
                    self.state.draws.follow(fill)
                self._report(ctx, told)
            case _:
                self._follow(ctx, report_of(order, event))

    def _follow(self, ctx: ActorContext, event: ReportedEvent) -> None:
        self.state.draws.follow(event)
        self._report(ctx, event)

    def _on_order(self, ctx: ActorContext, approved: ApprovedOrder) -> None:
        order, state = approved.order, self.state
        if self._is_strangers(ctx, approved):
            return
        name = approved.client_order_id or order.order_id
        if approved.session < state.session:
            state.dead += 1
            return
        if state.book.knows(name):
            state.repeated += 1
            return
        state.book.take(booked_order(name, order))
        reason = fault_of(order) if order.legs else ""
        reason = reason or self._fault(ctx, approved, name)
        if not reason and approved.account != self._account:
            reason = f"account: {approved.account!r} is not traded here, only {self._account!r}"
        if reason:
            state.refused += 1
            self._report(ctx, OrderRefused(order_id=name, reason=reason))
            return
        state.submitted += 1
        if order.legs:
            ctx.send(self._exchange, package_of(name, self._account, order))
            return
        submit = SubmitOrder(
            order_id=name,
            account=self._account,
            instrument=order.instrument,
            side=order.side,
            quantity=order.quantity,
            order_type=order.order_type,
            price=order.price,
            stop_price=order.stop_price,
            time_in_force=order.time_in_force,
            expire_ns=order.expire_ns,
            hidden=order.hidden,
            post_only=order.post_only,
        )
        ctx.send(self._exchange, submit)

    def _on_replace(self, ctx: ActorContext, approved: ApprovedReplace) -> None:
        order, state = approved.order, self.state
        if self._is_strangers(ctx, approved):
            return
        name = approved.client_order_id or order.order_id
        if approved.session < state.session:
            state.dead += 1
            return
        if approved.verdict_id in state.verdicts:
            state.repeated += 1
            return
        state.verdicts[approved.verdict_id] = None
        if len(state.verdicts) >= 2 * _VERDICTS_KEPT:
            for old in list(state.verdicts)[:_VERDICTS_KEPT]:
                del state.verdicts[old]
        reason = self._fault(ctx, approved, name)
        if reason:
            state.refused += 1
            self._report(ctx, OrderRefused(order_id=name, reason=reason))
            return
        state.book.ask(name, order)
        replace = ReplaceOrder(order_id=name, quantity=order.quantity, price=order.price)
        ctx.send(self._exchange, replace)

    def _is_strangers(self, ctx: ActorContext, approved: ApprovedOrder | ApprovedReplace) -> bool:
        """Return whether somebody else than the desk sent it; then nothing of it is kept."""
        if ctx.sender() in DESK:
            return False
        self.state.refused += 1
        self._warn(ctx, approved.order.order_id, "sender: not the desk")
        return True

    def _fault(
        self, ctx: ActorContext, approved: ApprovedOrder | ApprovedReplace, name: str
    ) -> str:
        """Return "" if risk, and people where it asks for them, let it through, else why not."""
        reason = self._gate.check(approved, ctx.now_ns())
        decision = approved.decision
        if reason:
            self._warn(ctx, approved.order.order_id, reason)
        elif decision is not None:
            legs = approved.order.legs if isinstance(approved, ApprovedOrder) else ()
            reason = self.state.draws.claim(
                name, decision.parent, approved.order.quantity, decision.quantity, legs
            )
        return reason

    def _warn(self, ctx: ActorContext, order_id: str, reason: str) -> None:
        refused = AuthorityRefused(sender=ctx.sender(), order_id=order_id, reason=reason)
        ctx.send(self._warned, refused)

    def _report(self, ctx: ActorContext, event: Reportable | AccountEvent) -> None:
        ctx.send(self._custodian, self.state.book.report(event))

    def _answer(
        self, ctx: ActorContext, question: QueryOrder | QueryAccount | ResendReports | RenewSession
    ) -> None:
        state, book = self.state, self.state.book
        match question:
            case QueryOrder(client_order_id=name):
                order = book.find(name)
                report = OrderReport(
                    client_order_id=name, order=None if order is None else order.shown(),
                    sequence=book.sequence,
                )  # fmt: skip
                ctx.send(self._custodian, report)
            case QueryAccount():
                ctx.send(self._custodian, account_report(book))
            case ResendReports(after=after):
                for kept in book.reports_after(after):
                    ctx.send(self._custodian, kept)
            case RenewSession(above=above):
                state.session = max(state.session, above + 1)
                session = VenueSession(session=state.session, sequence=book.sequence)
                ctx.send(self._custodian, session)


def booked_order(name: str, order: OrderRequest) -> BookedOrder:
    """Return an order as the venue's own record begins it."""
    return BookedOrder(
        name, order.instrument, order.side, order.quantity, order.price, legs=order.legs,
        time_in_force=order.time_in_force,
    )  # fmt: skip


def account_report(book: VenueBook, cash_micros: int | None = None) -> AccountReport:
    """Return what works and is held, as a venue tells it."""
    return AccountReport(
        sequence=book.sequence,
        orders=tuple(order.shown() for order in book.working.values()),
        positions={symbol: held for symbol, held in book.positions.items() if held},
        cash_micros=cash_micros,
    )
