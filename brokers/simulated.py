"""The venue of a simulation: the only door of the swarm's gated account into the exchange."""

from typing import ClassVar, assert_never

import msgspec

from environment.actors import Actor, ActorContext, ActorRef
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    CancelOrder,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    ReplaceOrder,
    SubmitOrder,
)


class VenueState(msgspec.Struct):
    """All that changes in the venue."""

    last_verdict: int = 0
    submitted: int = 0
    repeated: int = 0  # Verdicts that came a second time, and were used once.
    refused: int = 0


ToExchange = SubmitOrder | ReplaceOrder | CancelOrder
ToVenue = (
    ApprovedOrder | ApprovedReplace | CancelOrder | OrderAccepted | OrderRefused | OrderFilled
    | OrderCancelled | OrderReplaced | OrderTriggered
)  # fmt: skip


class SimulatedVenue(Actor[ToVenue]):
    """Enters what risk approved, once for each verdict, and hands every event back to risk.

    Verdicts carry rising numbers on one connection, so that one which came before is known. An
    order that nobody approved has no class here: sending one is a type error.
    """

    KIND: ClassVar[str] = "venue"
    DURABLE: ClassVar[bool] = True

    def __init__(
        self, exchange: ActorRef[ToExchange], risk: ActorRef[OrderEvent], account: str
    ) -> None:
        self._exchange = exchange
        self._risk = risk
        self._account = account
        self.state: VenueState = VenueState()

    def receive(self, ctx: ActorContext, message: ToVenue) -> None:
        """Handle one message."""
        match message:
            case ApprovedOrder():
                self._on_order(ctx, message)
            case ApprovedReplace(order=order, verdict_id=verdict_id):
                if self._is_new(verdict_id):
                    replace = ReplaceOrder(
                        order_id=order.order_id, quantity=order.quantity, price=order.price
                    )
                    ctx.send(self._exchange, replace)
            case CancelOrder():
                ctx.send(self._exchange, message)
            case (
                OrderAccepted() | OrderRefused() | OrderFilled() | OrderCancelled()
                | OrderReplaced() | OrderTriggered()
            ):  # fmt: skip
                ctx.send(self._risk, message)
            case never:
                assert_never(never)

    def _on_order(self, ctx: ActorContext, approved: ApprovedOrder) -> None:
        if not self._is_new(approved.verdict_id):
            return
        order = approved.order
        if approved.account != self._account:
            self.state.refused += 1
            reason = f"account: {approved.account!r} is not traded here, only {self._account!r}"
            ctx.send(self._risk, OrderRefused(order_id=order.order_id, reason=reason))
            return
        self.state.submitted += 1
        submit = SubmitOrder(
            order_id=order.order_id,
            account=self._account,
            instrument=order.instrument,
            side=order.side,
            quantity=order.quantity,
            order_type=order.order_type,
            price=order.price,
            stop_price=order.stop_price,
            time_in_force=order.time_in_force,
            hidden=order.hidden,
            post_only=order.post_only,
        )
        ctx.send(self._exchange, submit)

    def _is_new(self, verdict_id: int) -> bool:
        """Use a verdict up; return whether it was not used before."""
        if verdict_id <= self.state.last_verdict:
            self.state.repeated += 1
            return False
        self.state.last_verdict = verdict_id
        return True
