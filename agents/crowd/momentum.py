"""The momentum trader as an actor; `reference_maker.decide_momentum` is the same compiled."""

from typing import assert_never

import msgspec

from agents.crowd import reference as ref
from agents.crowd.seat import ONLY_HEARD, Heard, Seat, TraderState, is_two_sided, poisson_gap
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


class MomentumState(TraderState):
    """The newest touches seen, each as bid plus ask in ticks (twice a mid), the newest last."""

    twice_mids: list[int] = msgspec.field(default_factory=list)


class MomentumTrader(Actor[Heard]):
    """Buy at the ask while the fast average of seen mids is at or above the slow one, else sell."""

    KIND = "momentum"
    COSTLESS = ONLY_HEARD

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._mean_gap_ns = seat.population.floats[ref.F_RATE]
        self._fast = seat.population.integers[ref.U_FAST]
        self._slow = seat.population.integers[ref.U_SLOW]
        self.state: MomentumState = MomentumState()

    def receive(self, ctx: ActorContext, message: Heard) -> None:
        """Act on a view; hear what became of an order."""
        match message:
            case OrderAccepted() | OrderFilled() | OrderCancelled():
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
        self.state.twice_mids = [round(seen * factor) for seen in self.state.twice_mids]

    def _decide(self, ctx: ActorContext, view: MarketView) -> None:
        gap = poisson_gap(ctx.rng, self._mean_gap_ns)
        if is_two_sided(view):
            self._follow(ctx, view)
        self._seat.sleep(ctx, view, gap)

    def _follow(self, ctx: ActorContext, view: MarketView) -> None:
        seen = self.state.twice_mids
        seen.append(view.bid_price + view.ask_price)
        if len(seen) < self._slow:
            return
        slow, fast = sum(seen), sum(seen[-self._fast :])
        del seen[0]
        quantity = self._seat.size(ctx.rng)
        if fast * self._slow >= slow * self._fast:
            self._seat.limit(ctx, self.state, "buy", view.ask_price, quantity)
        else:
            self._seat.limit(ctx, self.state, "sell", view.bid_price, quantity)
