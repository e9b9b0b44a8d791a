"""The noise trader as an actor; `reference.decide_noise` is the same trader compiled."""

from typing import assert_never

from agents.crowd import reference as ref
from agents.crowd.seat import ONLY_HEARD, SIDES, Heard, Seat, TraderState
from agents.crowd.shapes import next_u_shaped, power_depth
from environment.actors import Actor, ActorContext
from environment.draws import Stream
from environment.messages import (
    MarketView,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    PricesRescaled,
    Side,
)


class NoiseState(TraderState):
    """How often it has acted."""

    wakes: int = 0


class NoiseTrader(Actor[Heard]):
    """Trade for no reason: at the far touch, or (a set share) passively at or behind the near."""

    KIND = "noise"
    COSTLESS = ONLY_HEARD

    def __init__(self, seat: Seat) -> None:
        integers, floats = seat.population.integers, seat.population.floats
        self._seat = seat
        self._refreshes = bool(integers.get(ref.U_REFRESH, 0))
        self._acts_once = bool(integers.get(ref.U_ONCE, 0))
        self._longest = integers.get(ref.U_LONGEST, 0)
        self._passive = floats.get(ref.F_PASSIVE, 0.0)
        self._opening = floats.get(ref.F_OPENING, 0.0)
        self._closing = floats.get(ref.F_SHARE, 0.0)
        self._tail = floats.get(ref.F_DEPTH_TAIL, 0.0)
        self._scale = floats.get(ref.F_DEPTH_SCALE, 0.0)
        self._wakes = floats.get(ref.F_WAKES, 0.0)
        self._is_u_shaped = floats.get(ref.F_U_WEIGHT, 0.0) > 0.0
        self.state: NoiseState = NoiseState()

    def receive(self, ctx: ActorContext, message: Heard) -> None:
        """Act on a view; hear what became of an order."""
        match message:
            case OrderAccepted() | OrderCancelled() | OrderFilled():
                pass
            case MarketView():
                self._decide(ctx, message)
            case OrderRefused() | OrderReplaced() | OrderTriggered() | PricesRescaled():
                pass
            case never:
                assert_never(never)

    def _decide(self, ctx: ActorContext, view: MarketView) -> None:
        seat, state, draws = self._seat, self.state, ctx.rng
        if self._refreshes and state.wakes > 0:
            seat.cancel_all(ctx)
        side = SIDES[draws.integer(0, 2)]
        quantity = seat.size(draws)
        state.wakes += 1
        if self._opening > 0.0 and seat.is_before_open(view):
            if draws.uniform() < self._opening:
                seat.to_auction(ctx, state, side, quantity, "on_open")
            else:
                self._post_passively(ctx, view, side, quantity)
        elif (self._closing > 0.0 and view.now_ns > view.closes_ns - ref.CLOSING_NS
                and draws.uniform() < self._closing):  # fmt: skip
            seat.to_auction(ctx, state, side, quantity, "on_close")
        elif self._passive > 0.0 and draws.uniform() < self._passive:
            self._post_passively(ctx, view, side, quantity)
        elif view.is_open:
            far, shown = (
                (view.ask_price, view.ask_quantity) if side == "buy"
                else (view.bid_price, view.bid_quantity)
            )  # fmt: skip
            if shown > 0:
                seat.limit(ctx, state, side, far, quantity, "ioc" if self._passive > 0.0 else "day")
        if not self._acts_once:
            seat.sleep(ctx, view, self._gap(view, draws))

    def _post_passively(
        self, ctx: ActorContext, view: MarketView, side: Side, quantity: int
    ) -> None:
        if not view.is_open:
            return
        depth = power_depth(ctx.rng.uniform(), self._tail, self._scale, self._longest)
        if view.bid_quantity == 0 or view.ask_quantity == 0:
            return
        improve = 1 if depth == 0 and view.ask_price - view.bid_price > 1 else 0
        if side == "buy":
            price = view.bid_price + improve - max(depth - 1, 0)
        else:
            price = view.ask_price - improve + max(depth - 1, 0)
        self._seat.limit(ctx, self.state, side, price, quantity)

    def _gap(self, view: MarketView, draws: Stream) -> int:
        """Return how long to sleep; past the close where it does not wake again today."""
        length = view.closes_ns - view.opens_ns
        x = (view.now_ns - view.opens_ns) / length
        gap = draws.exponential()
        if self._is_u_shaped:
            x = next_u_shaped(min(max(x, 0.0), 1.0), 1.0 / self._wakes, gap)
        else:
            x += gap / self._wakes
        if x >= 1.0:
            return length
        return max(view.opens_ns + int(x * length) - view.now_ns, 1)
