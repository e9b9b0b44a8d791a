"""The momentum igniter as an actor; `flow.decide_ignition` is the same trader compiled."""

from typing import assert_never

from agents.crowd import flow, reference as ref
from agents.crowd.seat import ONLY_HEARD, SIDES, Heard, Seat, TraderState, poisson_gap
from environment.actors import Actor, ActorContext
from environment.messages import (
    MarketView,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    PricesRescaled,
)


class IgnitionState(TraderState):
    """The side of the push, and how many orders of push and unwinding are out."""

    side: int = 0
    sent: int = 0


class Igniter(Actor[Heard]):
    """Push the price with a burst of market orders, then sell into those who follow."""

    KIND = "ignition"
    COSTLESS = ONLY_HEARD

    def __init__(self, seat: Seat) -> None:
        integers = seat.population.integers
        self._seat = seat
        self._mean_gap_ns = seat.population.floats[ref.F_RATE]
        self._burst = integers.get(flow.U_BURST, 0)
        self._gap_ns = max(integers.get(flow.U_GAP, 0), 1)
        self._unwind_ns = max(integers.get(flow.U_UNWIND, 0), 1)
        self.state: IgnitionState = IgnitionState()

    def receive(self, ctx: ActorContext, message: Heard) -> None:
        """Act on a view; hear what became of an order."""
        match message:
            case OrderAccepted() | OrderFilled() | OrderCancelled():
                pass
            case MarketView():
                self._seat.sleep(ctx, message, self._decide(ctx))
            case OrderRefused() | OrderReplaced() | OrderTriggered() | PricesRescaled():
                pass
            case never:
                assert_never(never)

    def _decide(self, ctx: ActorContext) -> int:
        """Act, and return how long to wait."""
        seat, state, draws = self._seat, self.state, ctx.rng
        if state.sent == 0:
            state.side = draws.integer(0, 2)
        state.sent += 1
        quantity = seat.size(draws)
        if state.sent <= self._burst:
            seat.market(ctx, state, SIDES[state.side], quantity)
            return self._gap_ns if state.sent < self._burst else self._unwind_ns
        seat.market(ctx, state, SIDES[1 - state.side], quantity)
        if state.sent < 2 * self._burst:
            return self._gap_ns
        state.sent = 0
        return poisson_gap(draws, self._mean_gap_ns)
