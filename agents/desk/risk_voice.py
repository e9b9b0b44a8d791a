"""How the risk desk speaks: verdicts under its seal to the venue, refusals to owners, facts to all.

Everything that risk lets out of its hands passes here, booked before it is sent.
"""

import msgspec

from agents.desk.controls import Breach
from agents.desk.exposure import owner_of
from agents.desk.order_form import Fault
from agents.desk.risk_state import (
    GATE,
    VERDICTS,
    PaperOrder,
    RiskSettings,
    RiskState,
    Ticket,
    Verdict,
)
from agents.desk.working_order import EndParent, WithholdParent
from environment.actors import ActorContext, ActorRef, Directory
from environment.approval_messages import Tier
from environment.authority import VerdictKey, order_hash
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    CancelOrder,
    OrderEvent,
    OrderRefused,
    OrderRequest,
    ReplaceRequest,
)
from environment.signed import SignedDecision, SignedVerdict

ToVenue = ApprovedOrder | ApprovedReplace | CancelOrder
ToExecution = ApprovedOrder | CancelOrder | WithholdParent | EndParent


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """What goes with an order that is let through."""

    tier: Tier = "auto"
    rule: str = ""
    decision: SignedDecision | None = None
    reduced_from: int = 0  # The quantity that was asked for, where it was more.
    breach: Breach | None = None  # What made it smaller.


class Voice:
    """Speaks for the desk. Holds references and the seal; all that changes is risk's state."""

    def __init__(
        self, venue: ActorRef[ToVenue], owners: Directory[OrderEvent], settings: RiskSettings,
        seal: VerdictKey, execution: ActorRef[ToExecution] | None,
    ) -> None:  # fmt: skip
        self._venue = venue
        self._execution = execution
        self._owners = owners
        self._settings = settings
        self._seal = seal

    def pass_order(
        self, ctx: ActorContext, state: RiskState, request: OrderRequest, passed: Passed
    ) -> None:
        """Send an order that was booked to the venue, sealed."""
        owner = owner_of(request.order_id)
        verdict = self._verdict(ctx, state, owner, request, passed)
        approved = ApprovedOrder(
            order=request, owner=owner, account=self._settings.account,
            verdict_id=verdict.verdict_id, verdict=verdict, decision=passed.decision,
        )  # fmt: skip
        ticket = state.tickets.get(request.order_id)
        if ticket is not None and ticket.is_parent and self._execution is not None:
            ctx.send(self._execution, approved)
        else:
            ctx.send(self._venue, approved)

    def is_worked(self, request: OrderRequest) -> bool:
        """Return whether execution works an order, in children."""
        return self._execution is not None and request.style != "direct"

    def outlives_day(self, request: OrderRequest) -> bool:
        """Return whether an order rests over nights, in the hands of execution."""
        lasts = request.time_in_force in {"gtc", "gtd"} and request.style == "direct"
        return self._execution is not None and lasts

    def withhold(self, ctx: ActorContext, state: RiskState, order_id: str) -> None:
        """Have an order taken out of the market that may come back when it was asked again."""
        if self._execution is None:
            return
        ctx.send(self._execution, WithholdParent(order_id=order_id))
        self._cancel_children(ctx, state.tickets[order_id])

    def end_parent(self, ctx: ActorContext, order_id: str, reason: str) -> None:
        """Have execution end an order that is out of the market, and tell its owner why."""
        if self._execution is not None:
            ctx.send(self._execution, EndParent(order_id=order_id, reason=reason))

    def pass_replace(
        self, ctx: ActorContext, state: RiskState, request: ReplaceRequest, passed: Passed
    ) -> None:
        """Send a replacement that was booked to the venue, sealed."""
        owner = owner_of(request.order_id)
        verdict = self._verdict(ctx, state, owner, request, passed)
        ctx.send(self._venue, ApprovedReplace(
            order=request, owner=owner, verdict_id=verdict.verdict_id,
            verdict=verdict, decision=passed.decision,
        ))  # fmt: skip

    def cancel(self, ctx: ActorContext, state: RiskState, order_id: str) -> None:
        """Have the venue cancel; this needs no verdict, in any state.

        A parent's children are cancelled here too: execution may hang.
        """
        ticket = state.tickets.get(order_id)
        if ticket is None or not ticket.is_parent or self._execution is None:
            ctx.send(self._venue, CancelOrder(order_id=order_id))
            return
        ctx.send(self._execution, CancelOrder(order_id=order_id))
        self._cancel_children(ctx, ticket)

    def _cancel_children(self, ctx: ActorContext, ticket: Ticket) -> None:
        for child in ticket.children.values():
            if not child.is_cancelling:
                child.asked.append(None)
                ctx.send(self._venue, CancelOrder(order_id=child.order_id))

    def refuse(
        self, ctx: ActorContext, state: RiskState, order_id: object, fault: Fault,
        breach: Breach | None = None, *, about: OrderRequest | None = None,
        tells_owner: bool = True,
    ) -> None:  # fmt: skip
        """Tell the owner, if the id names one, and publish why; `about` is what is well formed."""
        named = order_id if isinstance(order_id, str) else repr(order_id)
        state.verdicts += 1
        state.refused[fault.rule] = state.refused.get(fault.rule, 0) + 1
        ctx.publish(VERDICTS, Verdict(
            verdict_id=state.verdicts, order_id=named, owner=owner_of(named), is_passed=False,
            rule=fault.rule, detail=fault.found, became="refused",
            figure=None if breach is None else breach.figure,
            limit=None if breach is None else breach.limit,
            unit="" if breach is None else breach.control.unit,
            limits_version=state.rules.version,
            quantity=0 if about is None else about.quantity,
            instrument="" if about is None else about.instrument,
            side="" if about is None else about.side,
            price=None if about is None else about.price,
            legs=() if about is None else about.legs,
        ))  # fmt: skip
        if tells_owner:
            refusal = OrderRefused(order_id=named, reason=f"{fault.rule}: {fault.found}")
            self.tell_owner(ctx, state, refusal)

    def asked(
        self, ctx: ActorContext, state: RiskState, request: OrderRequest, *, tier: Tier, rule: str,
        score: float,
    ) -> None:  # fmt: skip
        """Publish that an order waits for people."""
        state.verdicts += 1
        state.asked += 1
        ctx.publish(VERDICTS, Verdict(
            verdict_id=state.verdicts, order_id=request.order_id, owner=owner_of(request.order_id),
            is_passed=False, rule=rule, became="asked", tier=tier, score=score,
            quantity=request.quantity, limits_version=state.rules.version,
            instrument=request.instrument, side=request.side, price=request.price,
            legs=request.legs,
        ))  # fmt: skip

    def kept(
        self, ctx: ActorContext, request: OrderRequest, quantity: int, because: str,
        twice_mid: int | None,
    ) -> None:  # fmt: skip
        """Publish what the gate kept from the market, for its ledger."""
        if quantity > 0:
            ctx.publish(GATE, PaperOrder(
                order_id=request.order_id, instrument=request.instrument, side=request.side,
                quantity=quantity, price=request.price, twice_mid=twice_mid, because=because,
                legs=request.legs,
            ))  # fmt: skip

    def tell_owner(self, ctx: ActorContext, state: RiskState, event: OrderEvent) -> None:
        """Hand an event to the order's owner, where there is one."""
        owner = owner_of(event.order_id)
        known = owner in state.rules.mandates or owner in self._settings.executors
        if known and owner in self._owners:
            ctx.send(self._owners[owner], event)
        else:
            state.undelivered += 1

    def _verdict(
        self, ctx: ActorContext, state: RiskState, owner: str,
        request: OrderRequest | ReplaceRequest, passed: Passed,
    ) -> SignedVerdict:  # fmt: skip
        state.verdicts += 1
        decision, breach, now_ns = passed.decision, passed.breach, ctx.now_ns()
        about = request
        if isinstance(about, ReplaceRequest):
            about = state.tickets[about.order_id].request
        state.reduced += bool(passed.reduced_from)
        ctx.publish(VERDICTS, Verdict(
            verdict_id=state.verdicts, order_id=request.order_id, owner=owner,
            is_passed=True, became="reduced" if passed.reduced_from else "passed",
            rule=passed.rule if breach is None else breach.control.name,
            detail="" if not passed.reduced_from
            else f"{request.quantity} of {passed.reduced_from}",
            figure=None if breach is None else breach.figure,
            limit=None if breach is None else breach.limit,
            unit="" if breach is None else breach.control.unit,
            tier=passed.tier, quantity=request.quantity, limits_version=state.rules.version,
            people=() if decision is None else decision.people,
            instrument=about.instrument, side=about.side, price=request.price, legs=about.legs,
        ))  # fmt: skip
        expires_ns = now_ns + self._settings.verdict_ns
        if decision is not None:
            expires_ns = min(expires_ns, decision.send_until_ns)
        return self._seal.seal(SignedVerdict(
            order_hash=order_hash(request), verdict_id=state.verdicts,
            limits_version=state.rules.version, issued_ns=now_ns, expires_ns=expires_ns,
            needs_decision=decision is not None, parent="" if decision is None else decision.parent,
        ))  # fmt: skip
