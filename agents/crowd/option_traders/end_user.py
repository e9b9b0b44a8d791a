"""The end user of options as an actor; `option_user.use` is the same trader compiled."""

from bisect import bisect_right
from typing import Final, NamedTuple, assert_never

from agents.crowd import option_roles as roles, option_user as compiled, reference as ref
from agents.crowd.option_belief import believed_ticks
from agents.crowd.option_traders.seat import ONLY_HEARD, HeardOfOptions, OptionSeat, OptionState
from agents.crowd.option_traders.surface import RIGHT
from agents.crowd.seat import poisson_gap
from environment.actors import Actor, ActorContext
from environment.draws import Stream
from environment.market import layout as at
from environment.messages import (
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    PricesRescaled,
    Side,
)
from environment.option_messages import (
    ChainView,
    QuoteFilled,
    QuotesPulled,
    QuotesRefused,
    QuoteWithdrawn,
    ReArmed,
)


class Habit(NamedTuple):
    """What a role does when it opens: on which side, and whether in both rights at once."""

    opens: Side
    trades_pair: bool = False


HABITS: Final = {
    "overwriter": Habit("sell"),
    "protective": Habit("buy"),
    "lottery": Habit("buy"),
    "same_day": Habit("buy"),
    "volatility_seller": Habit("sell", trades_pair=True),
}
_OTHER: Final[dict[Side, Side]] = {"buy": "sell", "sell": "buy"}
_CODES: Final[dict[Side, int]] = {"buy": at.BUY, "sell": at.SELL}


class EndUser(Actor[HeardOfOptions]):
    """Pick a series as the role has it, and open in it, or now and then close.

    What it picks from are the role's weights; it takes the far touch, or rests between. Where its
    own curves make less of a series than the market does, it does not take.
    """

    KIND = "option_user"
    COSTLESS = ONLY_HEARD

    def __init__(self, seat: OptionSeat) -> None:
        population = seat.stock.population
        floats = population.floats
        self.seat = seat
        self._habit = HABITS[roles.ROLES[population.integers[roles.U_ROLE]]]
        self._mean_gap_ns = floats[ref.F_RATE]
        self._aggressive = floats[roles.O_AGGRESSIVE]
        self._opening = floats[roles.O_OPENING]
        self.state: OptionState = OptionState()

    def receive(self, ctx: ActorContext, message: HeardOfOptions) -> None:
        """Act on a view; hear what became of an order."""
        match message:
            case ChainView():
                gap_ns = poisson_gap(ctx.rng, self._mean_gap_ns)
                self.state.look(message)
                self.act(ctx, message)
                self.seat.stock.sleep(ctx, message, gap_ns)
            case OrderAccepted() | OrderCancelled() | OrderFilled() | OrderRefused():
                pass
            case OrderReplaced() | OrderTriggered() | PricesRescaled():
                pass
            case QuoteFilled() | QuoteWithdrawn() | QuotesRefused() | QuotesPulled() | ReArmed():
                pass
            case never:
                assert_never(never)

    def act(self, ctx: ActorContext, view: ChainView) -> None:
        """Do what it came for."""
        # What rested since the last time is stale by now.
        self.seat.cancel_everything(ctx)
        series = self.pick(ctx.rng)
        if series is None or not self.seat.chain.is_alive(series):
            return
        side = self._habit.opens
        if ctx.rng.uniform() >= self._opening:
            side = _OTHER[side]
        quantity = self.seat.contracts(ctx.rng)
        self.trade(ctx, view, series, side, quantity)
        pair = self.seat.chain.pair(series) if self._habit.trades_pair else None
        if pair is not None:
            self.trade(ctx, view, pair, side, quantity)

    def pick(self, draws: Stream) -> int | None:
        """Return the place of a series drawn by the role's weights, or None if none has any."""
        weights = self.seat.weights
        if weights is None or weights[-1] <= 0.0:
            return None
        return min(bisect_right(weights, weights[-1] * draws.uniform()), len(weights) - 1)

    def trade(
        self, ctx: ActorContext, view: ChainView, series: int, side: Side, quantity: int
    ) -> None:
        """Take the far touch of a series, or rest inside, as the population's habit is drawn."""
        is_aggressive = ctx.rng.uniform() < self._aggressive
        touch = self.state.seen.get(series)
        if touch is None or touch.bid_quantity <= 0 or touch.ask_quantity <= 0:
            return
        bid, ask = touch.bid_price, touch.ask_price
        if bid >= ask:
            return
        seat, state, code = self.seat, self.state, _CODES[side]
        believed = self.believed(view, series, bid)
        if is_aggressive and compiled.may_take(code, believed):
            far = ask if side == "buy" else bid
            seat.order(ctx, state, series, side, far, quantity, time_in_force="ioc")
            return
        step = seat.chain.increment(series, float(bid))
        price = compiled.resting_price(code, bid, ask, step, believed)
        if price > 0:
            seat.order(ctx, state, series, side, price, quantity, time_in_force="day")

    def believed(self, view: ChainView, series: int, bid: int) -> int:
        """Return what its own curves make of a series beyond its middle, in ticks."""
        chain, beliefs = self.seat.chain, self.seat.beliefs
        if beliefs == RIGHT or view.bid_quantity <= 0 or view.ask_quantity <= 0:
            return 0
        spot = 0.5 * (view.bid_price + view.ask_price) * chain.tick(0)
        seconds = (view.now_ns - view.opens_ns) * 1e-9
        return believed_ticks(chain.table, 0, chain.count, series, spot, seconds, bid, *beliefs)
