"""The portfolio: makes of what the desk thinks how much it wants to hold, and asks risk for it."""

from typing import ClassVar, assert_never

import msgspec

from agents.desk.profit import Ledger
from agents.desk.proposal import PROPOSALS, Proposal
from agents.desk.sizing import Binding, Opportunity, Size, SizingSettings, size_of, step_of
from agents.desk.volatility_estimate import VolatilityEstimate
from agents.instrument_view import InstrumentView, quotes_topic, status_topic
from agents.orders import OrderNumbers, Terms, TrackedOrder
from environment.actors import Actor, ActorContext, ActorRef
from environment.instruments import Instrument
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    CancelRequest,
    ExecutionStyle,
    Message,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    OrderTriggered,
    PhaseChanged,
    QuoteUpdate,
    Resumed,
    Side,
    TimerFired,
)

SIZINGS = "desk/sizings"  # The topic of every Sizing.
_OWN = "desk/portfolio"  # The strategy of what no source proposed: closing what was adopted.


class Sizing(Message, frozen=True, kw_only=True):
    """Fact: how much of a proposal the portfolio wants to hold, and which bound decided."""

    instrument: str
    lots: int  # Signed.
    bound: Binding
    kelly_share: float  # Of equity.
    equity_micros: int
    volatility: float  # Per year, as a fraction.


class PortfolioSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What it may hold of what, and how it goes about it.

    An order that rests longer than `patience_ns` is cancelled; after one that ended short of its
    quantity, or was refused, nothing is asked for `pause_ns`. A position is left alone that is
    within `tolerance` of the wanted one, as a share of that. `style` is how the desk's execution
    works what is larger than the touch.
    """

    instruments: tuple[Instrument, ...]
    cash_micros: int
    sizing: SizingSettings = SizingSettings()
    style: ExecutionStyle = "direct"
    tolerance: float = 0.2
    patience_ns: int = 10_000_000_000
    pause_ns: int = 1_000_000_000
    quotes_every_ns: int = 1_000_000_000


class Line(msgspec.Struct):
    """What is wanted, held and on its way in one instrument."""

    view: InstrumentView
    volatility: VolatilityEstimate = msgspec.field(default_factory=VolatilityEstimate)
    proposal: Proposal | None = None
    evidence: int = 0  # Envelope of the proposal.
    is_unsized: bool = False  # The proposal came before a market to size it by.
    target: int | None = None  # None: no view, or one that was refused.
    position: int = 0
    order: TrackedOrder | None = None
    strategy: str = _OWN
    timer: int = 0
    rests_until_ns: int = 0


class PortfolioState(msgspec.Struct):
    """All that changes in the portfolio."""

    lines: dict[str, Line]
    numbers: OrderNumbers
    ledger: Ledger = msgspec.field(default_factory=Ledger)
    ignored: int = 0  # Proposals on what the desk does not trade.


class StrategyProfit(msgspec.Struct, frozen=True, kw_only=True):
    """What one source's ideas earned, in micros."""

    realised_micros: int
    unrealised_micros: int


class PortfolioStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Positions in lots by instrument, and profit by strategy."""

    positions: dict[str, int]
    profits: dict[str, StrategyProfit]
    ignored: int


ToPortfolio = (
    Resumed | Proposal | QuoteUpdate | PhaseChanged | BandsChanged | AuctionIndication | TimerFired
    | OrderAccepted | OrderRefused | OrderFilled | OrderCancelled | OrderReplaced | OrderTriggered
)  # fmt: skip


class Portfolio(Actor[ToPortfolio]):
    """Holds of each instrument what its proposal is worth, one working order at a time.

    It sizes anew with each proposal, takes at the touch with a limit, and gives a target up that
    the desk refuses: the next proposal is the next attempt. What is opened is booked to the source
    that weighed most in it, and so is its closing. A position is closed before one on the other
    side is opened: the closing lowers risk, and waits for nobody.
    """

    KIND: ClassVar[str] = "portfolio"
    DURABLE: ClassVar[bool] = True

    def __init__(
        self, risk: ActorRef[OrderRequest | CancelRequest], settings: PortfolioSettings
    ) -> None:
        self._risk = risk
        self._settings = settings
        self._instruments = {i.symbol: i for i in settings.instruments}
        lines = {i.symbol: Line(view=InstrumentView()) for i in settings.instruments}
        self.state: PortfolioState = PortfolioState(lines=lines, numbers=OrderNumbers())

    def receive(self, ctx: ActorContext, message: ToPortfolio) -> None:
        """Handle one message."""
        match message:
            case Proposal():
                self._on_proposal(ctx, message)
            case QuoteUpdate(instrument=symbol) | PhaseChanged(instrument=symbol):
                line = self.state.lines[symbol]
                line.view.hear(message, ctx.now_ns())
                if line.view.twice_mid is not None and line.view.is_continuous:
                    line.volatility.hear(line.view.twice_mid, ctx.now_ns())
                if line.is_unsized and line.proposal is not None:
                    self._resize(ctx, line.proposal, line)
                self._act(ctx, symbol, line)
            case BandsChanged() | AuctionIndication():
                pass
            case TimerFired(timer_id=timer_id, name=symbol):
                line = self.state.lines[symbol]
                if line.order is not None and line.timer == timer_id:
                    self._cancel(ctx, line.order)
            case (
                OrderAccepted() | OrderRefused() | OrderFilled() | OrderCancelled()
                | OrderReplaced() | OrderTriggered()
            ):  # fmt: skip
                self._on_event(ctx, message)
            case Resumed():
                self._begin(ctx, message)
            case never:
                assert_never(never)

    def statistics(self) -> PortfolioStatistics:
        """Return positions and profit, for reports and the panel."""
        marks = self._marks()
        ledger = self.state.ledger
        profits = {s: ledger.strategy_micros(s, marks) for s in ledger.holdings}
        return PortfolioStatistics(
            positions={s: line.position for s, line in self.state.lines.items() if line.position},
            profits={
                strategy: StrategyProfit(realised_micros=realised, unrealised_micros=unrealised)
                for strategy, (realised, unrealised) in profits.items()
            },
            ignored=self.state.ignored,
        )

    def _begin(self, ctx: ActorContext, resumed: Resumed) -> None:
        """Listen; what an earlier incarnation still has in the market is cancelled."""
        ctx.subscribe(PROPOSALS)
        for symbol, line in self.state.lines.items():
            line.position = resumed.positions.get(symbol, 0)
            line.order = None
            ctx.subscribe(quotes_topic(symbol), self._settings.quotes_every_ns)
            ctx.subscribe(status_topic(symbol))
        for still_open in resumed.open_orders:
            line = self.state.lines[still_open.instrument]
            line.order = TrackedOrder(
                still_open.order_id, still_open.instrument, still_open.side,
                Terms(still_open.leaves, still_open.price), is_accepted=True, is_adopted=True,
            )  # fmt: skip
            self._cancel(ctx, line.order)

    # --- how much ------------------------------------------------------------------------------

    def _on_proposal(self, ctx: ActorContext, proposal: Proposal) -> None:
        line = self.state.lines.get(proposal.instrument)
        if line is None or proposal.structure:
            self.state.ignored += 1
            return
        line.proposal, line.evidence = proposal, ctx.envelope_id()
        self._resize(ctx, proposal, line)
        self._act(ctx, proposal.instrument, line)

    def _resize(self, ctx: ActorContext, proposal: Proposal, line: Line) -> None:
        size = self._size(proposal, line)
        line.is_unsized = size is None
        if size is not None:
            self._aim(ctx, proposal, line, size)

    def _size(self, proposal: Proposal, line: Line) -> Size | None:
        """Return the lots to hold, or None where the instrument has no two-sided market."""
        if proposal.direction == "flat":
            return Size(lots=0, bound="no_edge")
        view, twice_mid = line.view, line.view.twice_mid
        if twice_mid is None or view.ask_price is None or view.bid_price is None:
            return None
        instrument = self._instruments[proposal.instrument]
        is_up = proposal.direction == "up"
        said = proposal.expected_volatility
        return size_of(
            Opportunity(
                probability=proposal.probability, edge_error=proposal.edge_error,
                expected_return=proposal.expected_return, conviction=proposal.conviction,
                holding_ns=proposal.holding_ns,
                volatility=line.volatility.annual() if said is None else said,
                equity_micros=self._equity_micros(),
                lot_value_micros=twice_mid * instrument.tick_value_micros // 2,
                half_spread=(view.ask_price - view.bid_price) / twice_mid,
                displayed_lots=view.ask_quantity if is_up else view.bid_quantity,
            ),
            self._settings.sizing,
        )  # fmt: skip

    def _aim(self, ctx: ActorContext, proposal: Proposal, line: Line, size: Size) -> None:
        """Want what was sized, unless that is close to what is wanted already."""
        lots = -size.lots if proposal.direction == "down" else size.lots
        # What was bought for its edge is kept while that only no longer pays for more of it.
        if (
            size.bound == "cost"
            and line.target
            and (line.target > 0) == (proposal.direction == "up")
        ):
            lots = line.target
        near = self._settings.tolerance * abs(lots)
        if line.target is not None and lots and abs(lots - line.target) <= near:
            return
        if line.order is not None and lots != line.target:
            self._cancel(ctx, line.order)
        line.target = lots
        ctx.publish(
            SIZINGS,
            Sizing(
                instrument=proposal.instrument, lots=lots, bound=size.bound,
                kelly_share=size.kelly_share, equity_micros=self._equity_micros(),
                volatility=line.volatility.annual(),
            ),
        )  # fmt: skip

    def _equity_micros(self) -> int:
        return self._settings.cash_micros + self.state.ledger.total_micros(self._marks())

    def _marks(self) -> dict[str, int]:
        """Return what a lot is worth at the mid, in micros, of all that has one."""
        return {
            symbol: line.view.twice_mid * self._instruments[symbol].tick_value_micros // 2
            for symbol, line in self.state.lines.items()
            if line.view.twice_mid is not None
        }

    # --- orders --------------------------------------------------------------------------------

    def _act(self, ctx: ActorContext, symbol: str, line: Line) -> None:
        """Order what is missing, if the market is open and nothing is on its way."""
        if line.target is None or line.order is not None or not line.view.is_continuous:
            return
        missing = line.target - line.position
        side: Side = "buy" if missing > 0 else "sell"
        price = line.view.ask_price if missing > 0 else line.view.bid_price
        if not missing or price is None or ctx.now_ns() < line.rests_until_ns:
            return
        if missing * line.position < 0:
            missing = max(min(missing, abs(line.position)), -abs(line.position))
        displayed = line.view.ask_quantity if missing > 0 else line.view.bid_quantity
        quantity = step_of(abs(missing), displayed, self._settings.sizing)
        style: ExecutionStyle = "direct"
        if self._settings.style != "direct" and quantity < abs(missing):
            style, quantity = self._settings.style, abs(missing)
        terms = Terms(quantity, price)
        self._order(ctx, line, symbol, side, terms, style)

    def _order(
        self, ctx: ActorContext, line: Line, symbol: str, side: Side, terms: Terms,
        style: ExecutionStyle,
    ) -> None:  # fmt: skip
        order_id = self.state.numbers.next_id(ctx.address, ctx.now_ns())
        line.order = TrackedOrder(order_id, symbol, side, terms)
        proposal = line.proposal
        within_ns = 0
        if proposal is not None and line.position == 0:
            line.strategy = _heaviest(proposal)
        if proposal is not None and style != "direct":
            within_ns = proposal.holding_ns // 4
        line.timer = ctx.after(max(self._settings.patience_ns, within_ns), symbol)
        request = OrderRequest(
            order_id=order_id, instrument=symbol, side=side, quantity=terms.quantity,
            price=terms.price, style=style, within_ns=within_ns, strategy=line.strategy,
            evidence=() if proposal is None else proposal.evidence,
            dispersion=0.0 if proposal is None else proposal.dispersion,
        )  # fmt: skip
        ctx.send(self._risk, request, (line.evidence,) if line.evidence else ())

    def _cancel(self, ctx: ActorContext, order: TrackedOrder) -> None:
        if not order.is_cancelling:
            order.asked.append(None)
            ctx.send(self._risk, CancelRequest(order_id=order.order_id))

    def _on_event(self, ctx: ActorContext, event: OrderEvent) -> None:
        found = self._find(event.order_id)
        if found is None:
            return  # Of an order that is over: a cancel that came too late was refused.
        symbol, line, order = found
        filled = order.follow(event)
        signed = filled if order.side == "buy" else -filled
        line.position += signed
        if filled and isinstance(event, OrderFilled):
            self.state.ledger.fill(
                line.strategy, self._instruments[symbol], signed, event.price, event.fee_micros,
                half_tick=event.half_tick,
            )  # fmt: skip
        if not order.is_over:
            return
        line.order = None
        ctx.cancel_timer(line.timer)
        if isinstance(event, OrderRefused):
            line.target = None
        if order.filled < order.terms.quantity:
            # A touch that was gone, or our own order on the other side, is not asked for at once.
            line.rests_until_ns = ctx.now_ns() + self._settings.pause_ns
        self._act(ctx, symbol, line)

    def _find(self, order_id: str) -> tuple[str, Line, TrackedOrder] | None:
        for symbol, line in self.state.lines.items():
            if line.order is not None and line.order.order_id == order_id:
                return symbol, line, line.order
        return None


def _heaviest(proposal: Proposal) -> str:
    """Return the source that weighed most in the direction that was proposed."""
    agreeing = [voice for voice in proposal.voices if voice.direction == proposal.direction]
    if not agreeing:
        return _OWN
    return min(agreeing, key=lambda voice: (-voice.weight, voice.source)).source


PROTOCOL = (Sizing,)
