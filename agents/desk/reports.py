"""How the custodian takes the venue's reports in, each once and in turn, and hands them on."""

import msgspec

from agents.desk.custodian_state import CustodianState
from environment.actors import ActorContext, ActorRef, Directory
from environment.clearing_messages import MarginCallMetNotice, MarginCallNotice
from environment.control_messages import LowerDesk, OutcomeUnknown
from environment.instruments import format_money
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    OrderAccepted,
    OrderEvent,
    OrderFilled,
)
from environment.venue_messages import (
    BREAKS_TOPIC,
    MOVES_TOPIC,
    AccountEvent,
    BreakFound,
    LegsFilled,
    PositionBooked,
    PositionMoved,
    Reportable,
    VenueReport,
)

ToRisk = OrderEvent | PositionBooked | PositionMoved | LowerDesk | OutcomeUnknown
Watched = OrderEvent | ApprovedOrder | ApprovedReplace | OutcomeUnknown


class Reports:
    """Takes reports in by their numbers; tells risk, the owners, and whoever only looks on."""

    def __init__(
        self, risk: ActorRef[ToRisk], owners: Directory[OrderEvent],
        watcher: ActorRef[Watched] | None = None,
    ) -> None:  # fmt: skip
        self.risk = risk
        self._owners = owners
        self._watcher = watcher

    def hear(self, ctx: ActorContext, state: CustodianState, report: VenueReport) -> None:
        """Take a report in; one that came too early waits for those before it."""
        if report.sequence <= state.sequence or report.sequence in state.ahead:
            state.doubled += 1
            return
        state.ahead[report.sequence] = report
        self.take_ready(ctx, state)

    def take_ready(self, ctx: ActorContext, state: CustodianState) -> None:
        """Take in what follows on what was taken in."""
        while (ready := state.ahead.pop(state.sequence + 1, None)) is not None:
            state.sequence += 1
            self.take(ctx, state, ready.event)
        if state.told != (0, 0):  # A report only ever settles something.
            self.tell_outcomes(ctx, state)

    def take(
        self, ctx: ActorContext, state: CustodianState, event: Reportable | AccountEvent
    ) -> None:
        """Take one event in, and hand it on under the name that its owner knows."""
        table = state.table
        if isinstance(event, LegsFilled):  # In one step: a unit is never held in part.
            for fill in event.fills:
                self.take(ctx, state, fill)
            return
        if isinstance(event, AccountEvent):
            self._on_night(ctx, state, event)
            return
        held = table.orders.get(event.order_id)
        if held is not None:
            table.follow(held, event)
            own = event
            if held.tracked.order_id != event.order_id:
                own = msgspec.structs.replace(own, order_id=held.tracked.order_id)
            if isinstance(own, OrderAccepted):  # Its owner may have asked for more.
                own = msgspec.structs.replace(own, quantity=held.tracked.terms.quantity)
            self.forward(ctx, state, held.owner, own)
        elif isinstance(event, OrderFilled):
            table.fill_unowned(event)
            ctx.send(self.risk, event)
            signed = event.quantity if event.side == "buy" else -event.quantity
            text = f"{event.order_id}: a fill of an order that is not in the table; counted"
            found = BreakFound(
                kind="foreign_fill", subject=event.instrument, ours=0, venues=signed,
                is_booked=True, text=text,
            )  # fmt: skip
            ctx.publish(BREAKS_TOPIC, found)
            self.lower(ctx, "a fill of an order that nobody here owns", text)

    def _on_night(self, ctx: ActorContext, state: CustodianState, event: AccountEvent) -> None:
        """Take in what the night changed, and let everybody know who holds something."""
        match event:
            case PositionMoved():
                state.table.move(event)
                ctx.send(self.risk, event)
                ctx.publish(MOVES_TOPIC, event)
                if event.reason == "closed":
                    self._on_closed(ctx, event)
            case MarginCallNotice(call_micros=call):
                self.lower(ctx, "margin call", f"{format_money(call)} due")
            case MarginCallMetNotice():
                pass  # A person moves the desk up, not the broker.

    def _on_closed(self, ctx: ActorContext, event: PositionMoved) -> None:
        """Stop opening: whoever lacks margin, or shares to give back, takes on nothing more."""
        verb = "bought" if event.change > 0 else "sold"
        why = str(event.why).replace("_", " ")
        lacks = f", {format_money(event.shortfall_micros)} were lacking"
        self.lower(
            ctx,
            f"{event.by} closes positions: {why}",
            f"{event.order_id}: {verb} {abs(event.change)} {event.instrument}"
            + (lacks if event.shortfall_micros else ""),
        )

    def forward(
        self, ctx: ActorContext, state: CustodianState, owner: str, event: OrderEvent
    ) -> None:
        """Tell risk and the owner."""
        ctx.send(self.risk, event)
        self.show(ctx, event)
        if owner in self._owners:
            ctx.send(self._owners[owner], event)
        else:
            state.undelivered += 1

    def show(self, ctx: ActorContext, told: Watched) -> None:
        """Tell the panel, where there is one, what it may show."""
        if self._watcher is not None:
            ctx.send(self._watcher, told)

    def lower(self, ctx: ActorContext, reason: str, figures: str) -> None:
        """Have the desk stop opening."""
        ctx.send(self.risk, LowerDesk(to="reducing", reason=reason, figures=figures))

    def tell_outcomes(self, ctx: ActorContext, state: CustodianState) -> None:
        """Tell risk how much is unknown whenever that changes: nothing may be, to go up."""
        found = (state.table.unknown(), len(state.breaks))
        if found != state.told:
            state.told = found
            outcomes = OutcomeUnknown(unknown=found[0], breaks=found[1])
            ctx.send(self.risk, outcomes)
            self.show(ctx, outcomes)
