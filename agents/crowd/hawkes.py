"""A trader of self-exciting flow as an actor; `flow.decide_hawkes` is the same trader compiled."""

from typing import assert_never

from agents.crowd import flow, reference as ref
from agents.crowd.seat import ONLY_HEARD, SIDES, Heard, Seat, TraderState, is_two_sided, poisson_gap
from agents.crowd.shapes import decayed, power_depth, run_length
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
    Side,
)


class HawkesState(TraderState):
    """Excitation and bound per ns at the last wake-up, and the run of market orders of one sign."""

    excited: float = 0.0
    bound: float = 0.0
    last_ns: int = 0
    run_side: int = 0
    run_left: int = 0


class HawkesTrader(Actor[Heard]):
    """Self-exciting flow by thinning; market orders in runs of one sign."""

    KIND = "hawkes"
    COSTLESS = ONLY_HEARD

    def __init__(self, seat: Seat) -> None:
        floats = seat.population.floats
        self._seat = seat
        self._rate = floats[ref.F_RATE]
        self._decay = floats.get(ref.F_DECAY, 0.0)
        self._branching = floats.get(ref.F_BRANCHING, 0.0)
        self._market = floats.get(ref.F_MARKET, 0.0)
        self._cancels = floats.get(ref.F_SHARE, 0.0)
        self._inside = floats.get(ref.F_PASSIVE, 0.0)
        self._tail = floats.get(ref.F_DEPTH_TAIL, 0.0)
        self._scale = floats.get(ref.F_DEPTH_SCALE, 0.0)
        self._weight = floats.get(ref.F_U_WEIGHT, 0.0)
        self._longest = seat.population.integers.get(flow.U_LONGEST_DEPTH, 0)
        self.state: HawkesState = HawkesState()

    def receive(self, ctx: ActorContext, message: Heard) -> None:
        """Act on a view; hear what became of an order."""
        match message:
            case OrderAccepted() | OrderFilled() | OrderCancelled():
                pass
            case MarketView():
                self._decide(ctx, message)
            case OrderRefused() | OrderReplaced() | OrderTriggered() | PricesRescaled():
                pass
            case never:
                assert_never(never)

    def _decide(self, ctx: ActorContext, view: MarketView) -> None:
        state, now_ns = self.state, view.now_ns
        excited, bound = state.excited, state.bound
        if state.last_ns > 0:
            excited = decayed(excited, self._decay, now_ns - state.last_ns)
        rate = self._base_rate(view) + excited
        # The first wake-up of all has no bound yet, and only sets one.
        if bound > 0.0 and ctx.rng.uniform() * bound < rate:
            self._act(ctx, view)
            excited += self._branching * self._decay
        state.excited, state.last_ns = excited, now_ns
        # The base may rise towards the close: three times its mean bounds it all day.
        state.bound = self._rate * (1.0 + 2.0 * self._weight) + excited
        self._seat.sleep(ctx, view, poisson_gap(ctx.rng, 1.0 / state.bound))

    def _base_rate(self, view: MarketView) -> float:
        """Return the rate per ns without excitation, U-shaped over the day by its weight."""
        x = (view.now_ns - view.opens_ns) / (view.closes_ns - view.opens_ns)
        weight = self._weight
        return self._rate * (1.0 - weight + weight * 12.0 * (x - 0.5) * (x - 0.5))

    def _act(self, ctx: ActorContext, view: MarketView) -> None:
        if not is_two_sided(view):
            return
        seat, state, draws = self._seat, self.state, ctx.rng
        what = draws.uniform()
        if what < self._market:
            if state.run_left <= 0:
                state.run_side = draws.integer(0, 2)
                state.run_left = run_length(draws.uniform())
            state.run_left -= 1
            side: Side = SIDES[state.run_side]
            # Takes what stands at the touch, and no more: few real orders walk the book.
            far = view.ask_price if side == "buy" else view.bid_price
            seat.limit(ctx, state, side, far, seat.size(draws), "ioc")
        elif what < self._market + self._cancels:
            seat.cancel_all(ctx)
        else:
            self._post(ctx, view)

    def _post(self, ctx: ActorContext, view: MarketView) -> None:
        draws, bid, ask = ctx.rng, view.bid_price, view.ask_price
        side = SIDES[draws.integer(0, 2)]
        depth = power_depth(draws.uniform(), self._tail, self._scale, self._longest)
        inside = 0
        if ask - bid > 1 and draws.uniform() < self._inside:
            # Inside the spread, anywhere: this is what closes a wide one again.
            inside, depth = draws.integer(1, ask - bid), 0
        price = bid + inside - depth if side == "buy" else ask - inside + depth
        self._seat.limit(ctx, self.state, side, price, self._seat.size(draws))
