"""A trader of options as an actor: what it hears, what it keeps in mind, and how it speaks.

Its seat has one of `agents.crowd.seat` inside, for the stock. As there, a trader acts on what it
sees alone, and sends in the order in which its compiled twin does, `Sleep` last.
"""

from typing import Final, Literal, get_args

import msgspec

from agents.crowd.option_traders.chain import Chain
from agents.crowd.option_traders.surface import RIGHT, Beliefs
from agents.crowd.seat import Said, Seat, TraderState
from environment.actors import ActorContext, ActorRef
from environment.draws import Stream
from environment.messages import (
    CancelAll,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    PricesRescaled,
    Side,
    SubmitOrder,
)
from environment.option_messages import (
    ChainView,
    DealerReport,
    DealerView,
    MassQuote,
    Purge,
    QuoteFilled,
    QuotesPulled,
    QuotesRefused,
    QuoteWithdrawn,
    ReArm,
    ReArmed,
    SeriesQuote,
    SeriesTouch,
)

HeardOfOptions = (
    ChainView
    | DealerView
    | OrderAccepted
    | OrderFilled
    | OrderCancelled
    | OrderRefused
    | OrderReplaced
    | OrderTriggered
    | PricesRescaled
    | QuoteFilled
    | QuoteWithdrawn
    | QuotesRefused
    | QuotesPulled
    | ReArmed
)
ONLY_HEARD: Final = frozenset(get_args(HeardOfOptions)) - {ChainView, DealerView}
SaidOfOptions = Said | MassQuote | Purge | ReArm | DealerReport


class OptionState(TraderState):
    """What every trader of options keeps: the touches that it has seen last, by place."""

    seen: dict[int, SeriesTouch] = msgspec.field(default_factory=dict)

    def look(self, view: ChainView) -> None:
        """Take in what has changed since the last wake-up."""
        for touch in view.series:
            self.seen[touch.place] = touch


class OptionSeat:
    """One trader's account, its stock's seat, the series that it knows, and its verbs.

    `weights` are cumulative, by which an end user picks a series; `beliefs` say how wrong its own
    curves are, where it is no dealer (of a dealer its traits say so).
    """

    __slots__ = ("_exchange", "beliefs", "chain", "stock", "weights")

    def __init__(
        self, stock: Seat, chain: Chain, exchange: ActorRef[SaidOfOptions],
        weights: "memoryview[float] | None" = None, beliefs: Beliefs = RIGHT,
    ) -> None:  # fmt: skip
        self.stock, self.chain, self._exchange = stock, chain, exchange
        self.weights, self.beliefs = weights, beliefs

    def contracts(self, draws: Stream) -> int:
        """Return an order's contracts, uniform in the population's range."""
        low, high = self.stock.population.size
        return draws.integer(max(low, 1), max(high, low, 1) + 1)

    def order(
        self, ctx: ActorContext, state: TraderState, series: int | None, side: Side, price: int,
        quantity: int, *, time_in_force: Literal["day", "ioc"],
    ) -> None:  # fmt: skip
        """Send a limit order in a series, or (None) in the stock."""
        stock = self.stock
        state.orders += 1
        order = SubmitOrder(
            order_id=f"{stock.account}/{state.orders}", account=stock.account,
            instrument=stock.instrument if series is None else self.chain.symbol(series),
            side=side, quantity=quantity, price=max(price, 1), order_type="limit",
            time_in_force=time_in_force,
        )  # fmt: skip
        ctx.send(self._exchange, order)

    def cancel_everything(self, ctx: ActorContext) -> None:
        """Ask for all own orders to be cancelled, in the series and in the stock."""
        ctx.send(self._exchange, CancelAll(account=self.stock.account))

    def quote(self, ctx: ActorContext, quotes: tuple[SeriesQuote, ...]) -> None:
        """Send a mass quote."""
        ctx.send(self._exchange, MassQuote(account=self.stock.account, quotes=quotes))

    def withdraw(self, ctx: ActorContext) -> None:
        """Take every quote out of the books."""
        ctx.send(self._exchange, Purge(account=self.stock.account))

    def re_arm(self, ctx: ActorContext) -> None:
        """Have quotes taken again, after protection has pulled them."""
        ctx.send(self._exchange, ReArm(account=self.stock.account))

    def report(self, ctx: ActorContext, delta: float, gamma: float, vega: float) -> None:
        """Tell the survey what the options held come to."""
        report = DealerReport(account=self.stock.account, delta=delta, gamma=gamma, vega=vega)
        ctx.send(self._exchange, report)
