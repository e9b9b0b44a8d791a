"""The value trader as an actor; `reference.decide_value` is the same trader compiled."""

from typing import assert_never

from agents.crowd import reference as ref
from agents.crowd.seat import (
    ONLY_HEARD,
    SIDES,
    AuctionLimit,
    Heard,
    Seat,
    TraderState,
    is_two_sided,
    poisson_gap,
)
from agents.crowd.shapes import follow, update_belief
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
)


class ValueState(TraderState, kw_only=True):
    """The belief: an estimate in ticks, its variance, and when it was last renewed (0: never).

    `mean` and `noise` are what the price reverts to and the variance of a look, in today's ticks.
    `wakes` counts what it has decided.
    """

    estimate: float
    mean: float
    noise: float
    variance: float = 0.0
    last_look_ns: int = 0
    wakes: int = 0


class ValueTrader(Actor[Heard]):
    """Cancel, update the belief with a noisy look at the fundamental, and trade towards it."""

    KIND = "value"
    COSTLESS = ONLY_HEARD

    def __init__(self, seat: Seat) -> None:
        floats = seat.population.floats
        self._seat = seat
        self._mean_gap_ns = 1.0 / floats[ref.F_RATE]
        self._reversion = floats.get(ref.F_REVERSION, 0.0)
        self._shock = floats.get(ref.F_SHOCK, ref.SHOCK_VARIANCE)
        self._closing = floats.get(ref.F_SHARE, 0.0)
        self._aggressive = floats.get(ref.F_AGGRESSIVE, 0.0)
        self._passive = floats.get(ref.F_PASSIVE, 0.0)
        self._wander = floats.get(ref.F_WANDER, 0.0)
        self._edge = seat.population.integers.get(ref.U_EDGE, 0)
        self._most = max(seat.population.integers.get(ref.U_CONVICTION, 0), 1)
        self._depth = seat.population.integers.get(ref.U_DEPTH, 0)
        mean = floats.get(ref.F_BAR, 0.0)
        self.state: ValueState = ValueState(
            estimate=mean, mean=mean, noise=floats.get(ref.F_VARIANCE, 0.0)
        )

    def receive(self, ctx: ActorContext, message: Heard) -> None:
        """Act on a view; hear what became of an order."""
        match message:
            case OrderAccepted() | OrderCancelled() | OrderFilled():
                pass
            case MarketView():
                self._decide(ctx, message)
            case OrderRefused() | OrderReplaced() | OrderTriggered():
                pass
            case PricesRescaled():
                self._rescale(message.factor)
            case never:
                assert_never(never)

    def _rescale(self, factor: float) -> None:
        state = self.state
        state.estimate *= factor
        state.variance *= factor**2
        state.mean *= factor
        state.noise *= factor**2

    def _decide(self, ctx: ActorContext, view: MarketView) -> None:
        seat, state, draws = self._seat, self.state, ctx.rng
        gap = poisson_gap(draws, self._mean_gap_ns)
        if state.wakes > 0:
            seat.cancel_all(ctx)
        value = self._renew_belief(view)
        # A crossed touch is a book before its auction: nothing to lean on but the own estimate.
        bid, ask = view.bid_price, view.ask_price
        is_tradable = is_two_sided(view) and bid < ask
        if self._edge > 0 and view.is_open and not seat.is_before_open(view):
            order_type: AuctionLimit | None = None if view.is_trading else "limit"
            if order_type is None and self._is_for_close(view, draws):
                order_type = "on_close"
            if order_type is not None:
                self._leave_for_auction(ctx, view, value, order_type)
                seat.sleep(ctx, view, gap)
                return
            if is_tradable:
                self._trade_on_edge(ctx, view, value)
                seat.sleep(ctx, view, gap)
                return
        if is_tradable and self._edge == 0:
            adjust = 0
            if draws.uniform() >= self._aggressive:
                adjust = draws.integer(0, max(self._depth * (ask - bid), 1))
            sells = value < (bid + ask) // 2
            price = bid + adjust if sells else ask - adjust
        else:
            sells = draws.integer(0, 2) == 1
            price = value
        state.wakes += 1
        seat.limit(ctx, state, SIDES[sells], price, seat.size(draws))
        seat.sleep(ctx, view, gap)

    def _trade_on_edge(self, ctx: ActorContext, view: MarketView, value: int) -> None:
        """Take a touch that is wrong by the edge; else, at times, rest that far from the value."""
        seat, state, edge = self._seat, self.state, self._edge
        bid, ask, quantity = view.bid_price, view.ask_price, seat.size(ctx.rng)
        state.wakes += 1
        if value >= ask + edge:
            times = self._conviction(value - ask)
            price = ask if times == 1 else value - edge
            seat.limit(ctx, state, "buy", price, times * quantity, "ioc")
        elif value <= bid - edge:
            times = self._conviction(bid - value)
            price = bid if times == 1 else value + edge
            seat.limit(ctx, state, "sell", price, times * quantity, "ioc")
        elif ctx.rng.uniform() >= self._passive:
            return
        elif 2 * value < bid + ask:
            seat.limit(ctx, state, "sell", max(value + edge, bid + 1), quantity)
        else:
            seat.limit(ctx, state, "buy", min(value - edge, ask - 1), quantity)

    def _conviction(self, gap: int) -> int:
        """Return how many times its size it orders: by how many edges the price is wrong."""
        return min(max(gap // self._edge, 1), self._most)

    def _is_for_close(self, view: MarketView, draws: Stream) -> bool:
        late = view.now_ns > view.closes_ns - ref.CLOSING_NS
        return self._closing > 0.0 and late and draws.uniform() < self._closing

    def _leave_for_auction(
        self, ctx: ActorContext, view: MarketView, value: int, order_type: AuctionLimit
    ) -> None:
        """Leave a limit for an auction, on the side of the price's fault, that keeps the edge."""
        seat, edge = self._seat, self._edge
        self.state.wakes += 1
        quantity = self._most * seat.size(ctx.rng)
        if value >= view.last_price:
            seat.auction_limit(ctx, self.state, "buy", value - edge, quantity, order_type)
        else:
            seat.auction_limit(ctx, self.state, "sell", value + edge, quantity, order_type)

    def _renew_belief(self, view: MarketView) -> int:
        """Return the estimate of the closing value in ticks after one more observation."""
        state, now_ns = self.state, view.now_ns
        since_ns = now_ns - (state.last_look_ns or min(view.opens_ns, now_ns))
        is_first = state.last_look_ns == 0
        state.last_look_ns = now_ns
        if self._wander > 0.0:
            seen = float(view.observed)
            if is_first:
                state.estimate, state.variance = seen, state.noise
            else:
                state.estimate, state.variance = follow(
                    state.estimate, state.variance, since_ns, self._wander, state.noise,
                    view.observed,
                )  # fmt: skip
            return round(state.estimate)
        if self._reversion <= 0.0:
            # Nothing to revert to: the newest look, softened by the last.
            seen = float(view.observed)
            state.estimate = seen if is_first else 0.5 * (state.estimate + seen)
            return round(state.estimate)
        state.estimate, state.variance, closing = update_belief(
            state.estimate, state.variance, since_ns, view.closes_ns - now_ns, self._reversion,
            state.mean, state.noise, self._shock, view.observed,
        )  # fmt: skip
        return closing
