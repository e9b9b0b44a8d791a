"""The adaptive market maker as an actor; `reference_maker.decide_maker` is the same compiled."""

import math
from typing import assert_never

from agents.crowd import reference as ref
from agents.crowd.seat import ONLY_HEARD, Heard, Seat, TraderState, poisson_gap
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


class MakerState(TraderState, kw_only=True):
    """The running spread in ticks, and the volume when it last looked."""

    spread: float
    volume: int = 0


class AdaptiveMaker(Actor[Heard]):
    """Cancel the ladder and quote a new one around the mid, sized by the volume since last time."""

    KIND = "adaptive_maker"
    COSTLESS = ONLY_HEARD

    def __init__(self, seat: Seat) -> None:
        integers, floats = seat.population.integers, seat.population.floats
        self._seat = seat
        self._mean_gap_ns = floats[ref.F_RATE]
        self._share = floats.get(ref.F_SHARE, 0.0)
        self._spread_weight = floats.get(ref.F_SPREAD_WEIGHT, 0.0)
        self._skew = floats.get(ref.F_SKEW, 0.0)
        self._levels = integers.get(ref.U_LEVELS, 0)
        self._spacing = integers.get(ref.U_SPACING, 0)
        self._spacing_ticks = integers.get(ref.U_SPACING_TICKS, 0)
        self._minimum = integers.get(ref.U_MINIMUM, 0)
        self._backstop = integers.get(ref.U_BACKSTOP, 0)
        self.state: MakerState = MakerState(spread=floats.get(ref.F_BAR, ref.FIRST_SPREAD))

    def receive(self, ctx: ActorContext, message: Heard) -> None:
        """Act on a view; hear what became of an order."""
        match message:
            case OrderAccepted() | OrderCancelled() | OrderFilled():
                pass
            case MarketView():
                gap = poisson_gap(ctx.rng, self._mean_gap_ns)
                self._renew(ctx, message)
                self._seat.sleep(ctx, message, gap)
            case OrderRefused() | OrderReplaced() | OrderTriggered():
                pass
            case PricesRescaled():
                self._rescale(message.factor)
            case never:
                assert_never(never)

    def _rescale(self, factor: float) -> None:
        self.state.spread *= factor

    def _renew(self, ctx: ActorContext, view: MarketView) -> None:
        state = self.state
        if state.orders > 0:
            self._seat.cancel_all(ctx)
        if not view.is_open:
            return
        traded = max(view.volume - state.volume, 0)
        state.volume = view.volume
        middle = self._middle(view)
        if middle <= 0:
            return
        if self._skew > 0.0:
            middle -= round(self._skew * view.inventory)
        self._quote(ctx, middle, max(round(self._share * traded), self._minimum))

    def _middle(self, view: MarketView) -> int:
        """Return the mid in ticks, and take the touch's width into the running spread."""
        state, bid, ask = self.state, view.bid_price, view.ask_price
        if view.bid_quantity > 0 and view.ask_quantity > 0:
            weight = self._spread_weight
            state.spread = weight * (ask - bid) + (1.0 - weight) * state.spread
            return (bid + ask) // 2
        if view.bid_quantity > 0:
            return bid + int(state.spread * 0.5)
        if view.ask_quantity > 0:
            return ask - int(state.spread * 0.5)
        return view.last_price

    def _quote(self, ctx: ActorContext, middle: int, size: int) -> None:
        seat, state = self._seat, self.state
        window = max(round(state.spread), 1)
        gap = self._spacing_ticks or max(math.ceil(state.spread * self._spacing), 1)
        best_bid = middle - window // 2
        best_ask = max(middle + (window + 1) // 2, best_bid + 1)
        last = self._levels - 1
        for k in range(self._levels):
            quantity = max(size, self._backstop) if k == last else size
            seat.limit(ctx, state, "buy", best_bid - k * gap, quantity)
            seat.limit(ctx, state, "sell", best_ask + k * gap, quantity)
