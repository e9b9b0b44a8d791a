"""What moves the desk: down at once for any cause, up one step when a person says so."""

from collections.abc import Callable
from typing import Final

import msgspec

from agents.desk.breakers import HeldScopes, in_words, tripped
from agents.desk.limits import Breaker
from agents.desk.risk_state import RiskSettings, RiskState
from agents.desk.states import scope_name
from environment.actors import ActorContext, ActorRef
from environment.control_messages import (
    AUDIT_TOPIC,
    BREAKERS_TOPIC,
    STATE_TOPIC,
    Audited,
    AuthorityRefused,
    BreakersHold,
    DeskState,
    DeskStateChanged,
    LowerDesk,
    OutcomeUnknown,
    RaiseDesk,
    Scope,
)
from environment.instruments import Instrument
from environment.messages import OrderFilled

_DESK: Final = scope_name("desk")
_HELD_NS: Final = 1_000_000_000  # Between two looks at what breakers hold down.


class Guard:
    """Keeps states and breakers. `lower` never asks and `lift` always does.

    `on_lower` takes out what may not wait or work any more, whatever the cause was.
    """

    def __init__(self, settings: RiskSettings, instruments: dict[str, Instrument]) -> None:
        self._settings = settings
        self._instruments = instruments
        self._held = HeldScopes(instruments)
        self.on_lower: Callable[[ActorContext, RiskState, LowerDesk], None] = lambda *_: None

    def lower(self, ctx: ActorContext, state: RiskState, order: LowerDesk) -> None:
        """Move a scope down, unless it is there already."""
        key = scope_name(order.scope, order.name)
        before = state.states.lower(key, order.to, order.reason)
        if before is not None:
            self._publish(ctx, before, order.to, order.reason, msgspec.structs.asdict(order))
            self.on_lower(ctx, state, order)
            self.tell_held(ctx, state, at_once=True)

    def may_lower(self, ctx: ActorContext) -> bool:
        """Return whether the sender may move the desk: any of the desk's own, or of people's."""
        sender, settings = ctx.sender(), self._settings
        return (
            sender in settings.raisers | settings.trusted | settings.reports
            or not sender
            or sender in {ctx.address, "kernel"}
        )

    def lift(self, ctx: ActorContext, state: RiskState, order: RaiseDesk) -> str:
        """Move a scope up one step for a person; return why not, or ""."""
        if ctx.sender() not in self._settings.raisers:
            return "only a person can, through the panel or the control socket"
        if not order.person or not order.reason.strip():
            return "a person and a typed reason are needed"
        if state.unknown or state.breaks:
            return f"{state.unknown} outcomes are unknown and {state.breaks} breaks are open"
        before = state.states.lift(scope_name(order.scope, order.name))
        if before is None:
            return "it is active already"
        if order.scope == "desk":
            state.flattens_for = ""
        after = state.states.of(scope_name(order.scope, order.name))
        self._publish(ctx, before, after, order.reason, msgspec.structs.asdict(order))
        self.tell_held(ctx, state, at_once=True)
        return ""

    def tell_held(self, ctx: ActorContext, state: RiskState, *, at_once: bool = False) -> None:
        """Tell which breakers would stop again what a person resumes, where that has changed."""
        now_ns, states = ctx.now_ns(), state.states
        if not states.found or (not at_once and now_ns - state.held_ns < _HELD_NS):
            return
        state.held_ns = now_ns
        held = self._held.find(
            state.rules.breakers, states, state.ledger, state.activity, state.marks, now_ns
        )
        if held != state.held:
            state.held = held
            ctx.publish(BREAKERS_TOPIC, BreakersHold(held=held))

    def show(self, ctx: ActorContext, state: RiskState) -> None:
        """Tell the sender how all stands: one that has just come has heard of no change."""
        asker = ActorRef[DeskStateChanged | OutcomeUnknown | BreakersHold](ctx.sender())
        for key, scope, name in state.states.down():
            now = state.states.of(key)
            ctx.send(asker, DeskStateChanged(
                before=now, after=now, reason=state.states.reasons.get(key, ""), scope=scope,
                name=name,
            ))  # fmt: skip
        ctx.send(asker, OutcomeUnknown(unknown=state.unknown, breaks=state.breaks))
        ctx.send(asker, BreakersHold(held=state.held))

    def say(self, ctx: ActorContext, state: RiskState, text: str, person: str) -> None:
        """Tell everybody something of the desk's state that did not change it."""
        now = state.states.of(_DESK)
        said = {"person": person, "scope": "desk", "name": ""}
        self._publish(ctx, now, now, text, said)

    def suspend(self, ctx: ActorContext, state: RiskState, found: AuthorityRefused) -> None:
        """Stop an agent that handed the venue what nobody approved; of the desk it is a defect."""
        audited = Audited(
            kind="forgery", subject=found.order_id, text=found.reason,
            figures={"sender": found.sender},
        )  # fmt: skip
        ctx.publish(AUDIT_TOPIC, audited)
        desk = self._settings.reports | self._settings.trusted | self._settings.raisers
        is_desk = found.sender in desk | {ctx.address, "exchange"}
        if is_desk:
            order = LowerDesk(to="reducing", reason=f"gate: {found.reason}", figures=found.order_id)
        else:
            order = LowerDesk(
                to="halted", reason=f"gate: {found.reason}", figures=found.order_id,
                scope="agent", name=found.sender,
            )  # fmt: skip
        self.lower(ctx, state, order)

    # --- breakers ------------------------------------------------------------------------------

    def on_fill(
        self, ctx: ActorContext, state: RiskState, scopes: tuple[str, ...], event: OrderFilled
    ) -> None:
        """Count a fill by scope, and look whether anybody executes too often."""
        instrument = self._instruments[event.instrument]
        state.ledger.fill(scopes, event, instrument)
        now_ns = ctx.now_ns()
        for breaker in state.rules.breakers:
            if breaker.measure != "repeated_execution":
                continue
            for key in scopes:
                if key.startswith(f"{breaker.scope}:"):
                    count = state.activity.execute(key, now_ns, breaker.within_ns)
                    self._trip(ctx, state, breaker, key, count)
        self.tell_held(ctx, state)

    def on_mark(self, ctx: ActorContext, state: RiskState, symbol: str) -> None:
        """Look at the day's losses of whoever holds an instrument whose mark has moved."""
        breakers = [b for b in state.rules.breakers if b.measure != "repeated_execution"]
        if not breakers:
            self.tell_held(ctx, state)  # Executions leave their window as time passes.
            return
        for key, loss, fall in state.ledger.mark(symbol, state.marks, self._instruments):
            for breaker in breakers:
                if key.startswith(f"{breaker.scope}:"):
                    figure = loss if breaker.measure == "daily_loss" else fall
                    self._trip(ctx, state, breaker, key, figure)
        self.tell_held(ctx, state)

    def _trip(
        self, ctx: ActorContext, state: RiskState, breaker: Breaker, key: str, figure: int
    ) -> None:
        scope, _, subject = key.partition(":")
        to = tripped(breaker, figure)
        if to is None:
            return
        self.lower(ctx, state, LowerDesk(
            to=to, reason=f"breaker {breaker.name}", figures=in_words(breaker.measure, figure),
            scope=_scope(scope), name=subject,
        ))  # fmt: skip

    def _publish(
        self, ctx: ActorContext, before: DeskState, after: DeskState, reason: str,
        said: dict[str, str],
    ) -> None:  # fmt: skip
        ctx.publish(STATE_TOPIC, DeskStateChanged(
            before=before, after=after, reason=reason, figures=said.get("figures", ""),
            person=said["person"], scope=_scope(said["scope"]), name=said["name"],
        ))  # fmt: skip


def _scope(text: str) -> Scope:
    found: dict[str, Scope] = {
        "desk": "desk", "agent": "agent", "strategy": "strategy", "underlying": "underlying",
    }  # fmt: skip
    return found[text]
