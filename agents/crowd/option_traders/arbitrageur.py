"""The arbitrageur in options as an actor; `option_arbitrage.seek` is the same trader compiled."""

from typing import assert_never

from agents.crowd import option_arbitrage as compiled, option_roles as roles, reference as ref
from agents.crowd.option_traders.searches import SEARCHES, Sight, Trade
from agents.crowd.option_traders.seat import ONLY_HEARD, HeardOfOptions, OptionSeat, OptionState
from agents.crowd.seat import poisson_gap
from environment.actors import Actor, ActorContext
from environment.messages import (
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    PricesRescaled,
)
from environment.option_messages import (
    ChainView,
    QuoteFilled,
    QuotesPulled,
    QuotesRefused,
    QuoteWithdrawn,
    ReArmed,
)


class ArbitrageurState(OptionState, kw_only=True):
    """What an arbitrageur keeps: the series that it looks at next, by place; None at first."""

    place: int | None = None


class Arbitrageur(Actor[HeardOfOptions]):
    """Look at some series for prices that cannot all be right, and trade the first found."""

    KIND = "option_user"
    COSTLESS = ONLY_HEARD

    def __init__(self, seat: OptionSeat) -> None:
        population = seat.stock.population
        self.seat = seat
        self._search = SEARCHES[roles.ROLES[population.integers[roles.U_ROLE]]]
        self._mean_gap_ns = population.floats[ref.F_RATE]
        self._fee = population.floats[roles.O_FEE]
        self._most = population.size[1]
        self.state: ArbitrageurState = ArbitrageurState()

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
        """Search on from where the last search ended, and send the orders that it finds."""
        chain, state = self.seat.chain, self.state
        sight = Sight(chain, state.seen, view, self._fee, self._most, self.seat.beliefs)
        place = state.place
        if place is None:
            place = int(ctx.rng.uniform() * chain.count)
        state.place = (place + compiled.LOOKS) % chain.count
        for look in range(compiled.LOOKS):
            series = (place + look) % chain.count
            trades = self.search(sight, series) if chain.is_alive(series) else ()
            for trade in trades:
                self.seat.order(ctx, self.state, *trade, time_in_force="ioc")
            if trades:
                state.place = series  # It may not have been all of it.
                return

    def search(self, sight: Sight, series: int) -> tuple[Trade, ...]:
        """Return the trades that one series gives rise to, by the role's search."""
        return self._search(sight, series)
