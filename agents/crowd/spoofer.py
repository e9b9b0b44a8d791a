"""The spoofer as an actor; `flow.decide_spoofer` is the same trader compiled."""

from typing import assert_never

from agents.crowd import flow, reference as ref
from agents.crowd.seat import ONLY_HEARD, SIDES, Heard, Seat, TraderState, is_two_sided, poisson_gap
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


class SpooferState(TraderState):
    """Whether its layers stand in the book."""

    is_layered: bool = False


class Spoofer(Actor[Heard]):
    """Rest a small order on one side, layer large ones on the other, and soon cancel them."""

    KIND = "spoofer"
    COSTLESS = ONLY_HEARD

    def __init__(self, seat: Seat) -> None:
        integers = seat.population.integers
        self._seat = seat
        self._mean_gap_ns = seat.population.floats[ref.F_RATE]
        self._layers = integers.get(flow.U_LAYERS, 0)
        self._layer_size = integers.get(flow.U_LAYER_SIZE, 0)
        self._distance = integers.get(flow.U_DISTANCE, 0)
        self._hold_ns = max(integers.get(flow.U_HOLD, 0), 1)
        self.state: SpooferState = SpooferState()

    def receive(self, ctx: ActorContext, message: Heard) -> None:
        """Act on a view; hear what became of an order."""
        match message:
            case OrderAccepted() | OrderCancelled() | OrderFilled():
                pass
            case MarketView():
                self._seat.sleep(ctx, message, self._decide(ctx, message))
            case OrderRefused() | OrderReplaced() | OrderTriggered() | PricesRescaled():
                pass
            case never:
                assert_never(never)

    def _decide(self, ctx: ActorContext, view: MarketView) -> int:
        """Act, and return how long to wait."""
        seat, state, draws = self._seat, self.state, ctx.rng
        if state.is_layered:
            seat.cancel_all(ctx)
            state.is_layered = False
            return poisson_gap(draws, self._mean_gap_ns)
        if not is_two_sided(view):
            return poisson_gap(draws, self._mean_gap_ns)
        bid, ask = view.bid_price, view.ask_price
        side = draws.integer(0, 2)
        seat.limit(ctx, state, SIDES[side], ask if side else bid, seat.size(draws))
        for layer in range(self._layers):
            away = self._distance + layer
            price = bid - away if side else ask + away
            seat.limit(ctx, state, SIDES[1 - side], price, self._layer_size)
        state.is_layered = True
        return self._hold_ns
