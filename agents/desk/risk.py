"""The risk desk: the only road from an agent to the venue."""

from typing import ClassVar, Final, assert_never

from agents.desk import risk_state
from agents.desk.cancelling import Cancelling
from agents.desk.case import Case
from agents.desk.controls import Breach
from agents.desk.exposure import owner_of
from agents.desk.flatten import Flattening
from agents.desk.order_form import (
    Fault,
    find_request_fault,
)
from agents.desk.reload import AllowLooser, RulesRead, allow_looser, read_again
from agents.desk.replacing import Replacing
from agents.desk.resizing import Resizing
from agents.desk.risk_cards import REFRESH, CardDesk, ToApprovals
from agents.desk.risk_case import CaseMaker, tracked
from agents.desk.risk_guard import Guard
from agents.desk.risk_market import RENEW, Heard, MarketHearing
from agents.desk.risk_night import take_night
from agents.desk.risk_parents import ParentDesk
from agents.desk.risk_state import (
    VERDICTS,
    RiskSettings,
    RiskState,
    RiskStatistics,
    Ticket,
    Verdict,
    first_state,
    statistics_of,
)
from agents.desk.risk_voice import Passed, ToExecution, ToVenue, Voice
from agents.desk.ruling import Ruling, rule_on
from agents.desk.stale import bounded
from agents.desk.working_order import ParentOver
from environment.actors import Actor, ActorContext, ActorRef, Directory
from environment.approval_messages import Decision, MakeSmaller
from environment.authority import Keys, VerdictKey
from environment.control_messages import (
    AUDIT_TOPIC,
    Audited,
    AuthorityRefused,
    FlattenDesk,
    LowerDesk,
    OutcomeUnknown,
    RaiseDesk,
    RaiseRefused,
    ShowDesk,
)
from environment.messages import (
    CancelRequest,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    OrderTriggered,
    ReplaceRequest,
    Resumed,
    TimerFired,
)
from environment.venue_messages import PositionBooked, PositionMoved

ToRisk = (
    Heard | OrderRequest | ReplaceRequest | CancelRequest | OrderAccepted | OrderRefused
    | OrderFilled | OrderCancelled | OrderReplaced | OrderTriggered | TimerFired | Decision
    | MakeSmaller
    | LowerDesk | RaiseDesk | FlattenDesk | OutcomeUnknown | AuthorityRefused | PositionBooked
    | PositionMoved
    | ParentOver | RulesRead | AllowLooser | ShowDesk
)  # fmt: skip


class Risk(Actor[ToRisk]):
    """Passes an order, makes it smaller, asks people, or refuses it.

    An approved order counts in full until it is over. Whose an order is stands in its id,
    `ADDRESS/NUMBER`, and must be the sender; numbers rise, so a used one is known without keeping
    them all.
    """

    KIND: ClassVar[str] = "risk"
    DURABLE: ClassVar[bool] = True

    def __init__(
        self, venue: ActorRef[ToVenue], approvals: ActorRef[ToApprovals],
        owners: Directory[OrderEvent], settings: RiskSettings, keys: Keys,
        execution: ActorRef[ToExecution] | None = None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._maker = CaseMaker(settings)
        self._voice = Voice(venue, owners, settings, VerdictKey(keys.verdict), execution)
        self._cards = CardDesk(approvals, self._maker, self._voice, keys.gate(), settings)
        self._replacing = Replacing(self._maker, self._cards, self._voice)
        self._cancelling = Cancelling(self._cards, self._voice, settings)
        self._guard = Guard(settings, self._maker.instruments)
        self._resizing = Resizing(self._maker)
        self._parents = ParentDesk(self._maker, self._voice)
        self._hearing = MarketHearing(self._maker, self._guard, self._cards, self._voice, settings)
        self._guard.on_lower = self._hearing.after_lowering
        self._flattening = Flattening(self._maker, self._resizing, self._guard, self._close)
        self._owners: tuple[object, set[str]] = None, set()  # Of these mandates.
        self.state: RiskState = first_state(settings)

    def receive(self, ctx: ActorContext, message: ToRisk) -> None:
        """Handle one message."""
        if isinstance(message, OrderRequest):
            self._on_order(ctx, message)
            return
        if isinstance(message, Heard):
            self._hearing.hear(ctx, self.state, message)
            return
        match message:
            case ReplaceRequest():
                self._replacing.on_replace(ctx, self.state, message)
            case CancelRequest():
                fault = self._cancelling.on_cancel(ctx, self.state, message)
                if fault is not None:
                    self._refuse(ctx, message.order_id, fault)
            case (
                OrderAccepted() | OrderRefused() | OrderFilled() | OrderCancelled()
                | OrderReplaced() | OrderTriggered()
            ):  # fmt: skip
                self._on_event(ctx, message)
            case Decision() | MakeSmaller():
                self._on_people(ctx, message)
            case TimerFired(name=name):
                if name == REFRESH:
                    self._cards.refresh(ctx, self.state)
                elif name == RENEW:
                    self._hearing.renew(ctx, self.state)
            case PositionBooked() | PositionMoved() | ParentOver():
                self._on_correction(ctx, message)
            case RulesRead() | AllowLooser():
                self._on_rules(ctx, message)
            case (
                LowerDesk() | RaiseDesk() | FlattenDesk() | OutcomeUnknown() | AuthorityRefused()
                | ShowDesk()
            ):  # fmt: skip
                self._on_control(ctx, message)
            case never:
                assert_never(never)

    def resumed(self, address: str) -> Resumed:
        """Return what an agent has in the market: what the kernel's hook tells a restarted one."""
        return self.state.book.resumed(address)

    def statistics(self) -> RiskStatistics:
        """Return counts for summaries."""
        return statistics_of(self.state)

    # --- requests ------------------------------------------------------------------------------

    def _on_order(self, ctx: ActorContext, request: OrderRequest) -> None:
        mandates = self.state.rules.mandates
        if mandates is not self._owners[0]:
            self._owners = mandates, mandates.keys() | self._settings.executors
        # From here on its id is used, whatever the verdict.
        fault = find_request_fault(
            request, ctx.sender(), self._maker.instruments, self._owners[1], self.state.numbers
        )
        if fault is not None:
            self._refuse(ctx, request.order_id, fault)
            return
        state, now_ns = self.state, ctx.now_ns()
        if request.parent or ctx.sender() in self._settings.executors:
            self._parents.on_child(ctx, state, request)
            return
        activity = state.activity.ask(owner_of(request.order_id), request, now_ns)
        lacking = self._maker.lacks_price(state, request)
        if lacking:
            text = f"no price of {lacking} to value it by"
            self._refuse(ctx, request.order_id, Fault(rule="no_price", found=text), request)
            return
        self._hearing.follow_closely(ctx, state, request)
        case = self._maker.case(state, request, now_ns, activity=activity)
        case = self._resizing.capped(state, case, activity)
        ruling = rule_on(case, state.rules)
        if ruling.hard is not None:
            least = request.least_quantity
            smaller = self._resizing.smaller(state, case, activity, least)
            if smaller is None:
                self._refuse_breach(ctx, case.request, ruling.hard)
                return
            breach, case = ruling.hard, smaller
            ruling = rule_on(case, state.rules)
            self._carry_out(ctx, case, ruling, request.quantity, breach)
            return
        self._carry_out(ctx, case, ruling, request.quantity, None)

    def _carry_out(
        self, ctx: ActorContext, case: Case, ruling: Ruling, asked_for: int,
        breach: Breach | None,
    ) -> None:  # fmt: skip
        """Do what was ruled: send, ask, or refuse."""
        state, request = self.state, case.request
        if ruling.tier in {"one", "two"}:
            self._cards.ask(ctx, state, case, ruling)
            return
        if ruling.tier == "refuse":
            found = f"rule {ruling.rule!r} refuses it"
            fault = Fault(rule="approval_rules", found=found)
            self._refuse(ctx, request.order_id, fault, request)
            return
        request = bounded(case, state.rules)
        if ruling.tier == "notify":
            ctx.publish(AUDIT_TOPIC, Audited(
                kind="notify", subject=request.order_id, text=ruling.rule,
                figures={"notional_micros": str(case.notional_micros)},
            ))  # fmt: skip
        # Booked before sending: a crash in between leaves the desk over-cautious.
        state.book.reserve(tracked(request))
        state.tickets[request.order_id] = Ticket(
            request, case.scopes, is_parent=self._voice.is_worked(request),
            reduces=case.is_reducing,
        )  # fmt: skip
        kept = asked_for - request.quantity
        if kept:
            self._voice.kept(ctx, request, kept, "reduced", None)
        passed = Passed(
            tier=ruling.tier, rule=ruling.rule, reduced_from=asked_for if kept else 0, breach=breach
        )
        self._voice.pass_order(ctx, state, request, passed)

    # --- events and control --------------------------------------------------------------------

    def _on_event(self, ctx: ActorContext, event: OrderEvent) -> None:
        """Take an event in; the custodian tells the owner."""
        state = self.state
        if ctx.sender() not in self._settings.reports:
            state.unbelieved += 1  # A fill that somebody made up is no fill.
            return
        parent_id = state.child_of.get(event.order_id)
        of_order = self._parents.follow(state, event)
        if of_order is not None:
            self._book(ctx, of_order)
        if parent_id is not None:
            self._cards.go_on(ctx, state, parent_id)

    def _on_correction(
        self, ctx: ActorContext, message: PositionBooked | PositionMoved | ParentOver
    ) -> None:
        settings, state = self._settings, self.state
        if isinstance(message, ParentOver):
            is_told = ctx.sender() in settings.executors
            ended = self._parents.over(state, message.order_id) if is_told else None
            if ended is not None:
                self._book(ctx, ended)
        elif ctx.sender() not in settings.reports:
            state.unbelieved += 1
        else:
            if isinstance(message, PositionMoved):
                take_night(state, self._maker, message)
            else:
                state.book.account_in(message.instrument).position += message.change
            self._cards.keep_to_position(ctx, state)

    def _on_rules(self, ctx: ActorContext, message: RulesRead | AllowLooser) -> None:
        if ctx.sender() not in self._settings.raisers:
            self.state.unbelieved += 1
        elif isinstance(message, RulesRead):
            read_again(ctx, self.state, message)
        else:
            allow_looser(ctx, self.state, message)
        self._hearing.renew_later(ctx, self.state)

    def _book(self, ctx: ActorContext, event: OrderEvent) -> None:
        """Take an order's own event, or its children's as its own, into the book."""
        state = self.state
        state.book.follow(event)
        ticket = state.tickets.get(event.order_id)
        if isinstance(event, OrderFilled):
            self._hearing.on_fill(ctx, state, ticket, event)
            if ticket is None:
                self._cards.keep_to_position(ctx, state)
        if ticket is not None:
            if ticket.code:
                self._cards.progress(ctx, state, event.order_id)
            if event.order_id not in state.book.orders:
                self._cards.drop_change(ctx, state, event.order_id)
                del state.tickets[event.order_id]
                self._flattening.go_on(ctx, state)

    def _on_people(self, ctx: ActorContext, message: Decision | MakeSmaller) -> None:
        """Take what people said; whoever else speaks for them is stopped."""
        state = self.state
        if not self._cards.is_approvals(ctx.sender()):
            state.unbelieved += 1
            reason = f"{type(message).__name__}: not from the approval agent"
            self._guard.suspend(ctx, state, AuthorityRefused(
                sender=ctx.sender(), order_id=message.code, reason=reason
            ))  # fmt: skip
        elif isinstance(message, Decision):
            self._cards.on_decision(ctx, state, message)
        else:
            self._cards.on_smaller(ctx, state, message)

    def _on_control(
        self, ctx: ActorContext,
        message: LowerDesk | RaiseDesk | FlattenDesk | OutcomeUnknown | AuthorityRefused | ShowDesk,
    ) -> None:  # fmt: skip
        state, settings = self.state, self._settings
        match message:
            case LowerDesk():
                if self._guard.may_lower(ctx):
                    self._guard.lower(ctx, state, message)
                else:
                    state.unbelieved += 1
            case RaiseDesk():
                reason = self._guard.lift(ctx, state, message)
                if reason:
                    ctx.publish(AUDIT_TOPIC, Audited(
                        kind="resume_refused", person=message.person, subject=ctx.sender(),
                        text=f"{message.reason}: refused, {reason}",
                    ))  # fmt: skip
                if reason and ctx.sender() in settings.raisers:
                    ctx.send(
                        ActorRef(ctx.sender()), RaiseRefused(person=message.person, reason=reason)
                    )
                state.unbelieved += ctx.sender() not in settings.raisers
            case FlattenDesk():
                if ctx.sender() in settings.raisers and message.person:
                    self._flattening.begin(ctx, state, message)
                else:
                    state.unbelieved += 1
            case OutcomeUnknown(unknown=unknown, breaks=breaks):
                if ctx.sender() in settings.reports:
                    state.unknown, state.breaks = unknown, breaks
            case AuthorityRefused():
                if ctx.sender() in settings.reports or self._cards.is_approvals(ctx.sender()):
                    self._guard.suspend(ctx, state, message)
            case ShowDesk():
                self._guard.show(ctx, state)

    def _close(self, ctx: ActorContext, case: Case, ruling: Ruling) -> None:
        """Send an order of a flatten, or refuse it by the rule that is against it."""
        if ruling.hard is not None:
            self._refuse_breach(ctx, case.request, ruling.hard)
        else:
            self._carry_out(ctx, case, ruling, case.quantity, None)

    def _refuse(
        self, ctx: ActorContext, order_id: object, fault: Fault, about: OrderRequest | None = None
    ) -> None:
        self._voice.refuse(ctx, self.state, order_id, fault, about=about)

    def _refuse_breach(self, ctx: ActorContext, request: OrderRequest, breach: Breach) -> None:
        fault = Fault(rule=breach.control.name, found=breach.text)
        self._voice.refuse(ctx, self.state, request.order_id, fault, breach, about=request)
        view = self.state.views.get(request.instrument)
        mid = None if view is None else view.twice_mid
        self._voice.kept(ctx, request, request.quantity, breach.control.name, mid)


PROTOCOL: Final = risk_state.PROTOCOL

__all__ = ["PROTOCOL", "VERDICTS", "Risk", "RiskSettings", "RiskState", "Verdict"]
