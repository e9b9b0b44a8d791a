"""The portfolio: makes of what the desk thinks how much it wants to hold, and asks risk for it."""

from typing import ClassVar, assert_never

from agents.desk import portfolio_state
from agents.desk.allocation import allocated, weights_of
from agents.desk.greek_profit import share_out
from agents.desk.portfolio_state import (
    SIZINGS,
    Line,
    PortfolioSettings,
    PortfolioState,
    PortfolioStatistics,
    Sizing,
    StrategyProfit,
)
from agents.desk.proposal import PROPOSALS, Proposal
from agents.desk.sizing import Opportunity, Size, size_of, step_of
from agents.desk.structure_desk import StructureDesk, heaviest
from agents.instrument_view import InstrumentView, quotes_topic, status_topic
from agents.listing import series_of
from agents.orders import OrderNumbers, Terms, TrackedOrder
from environment.actors import Actor, ActorContext, ActorRef
from environment.instruments import Instrument
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    CancelRequest,
    ExecutionStyle,
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
from environment.option_messages import ChainUpdate, SeriesListed
from environment.venue_messages import MOVES_TOPIC, PositionMoved

ToPortfolio = (
    Resumed | Proposal | QuoteUpdate | PhaseChanged | BandsChanged | AuctionIndication | TimerFired
    | OrderAccepted | OrderRefused | OrderFilled | OrderCancelled | OrderReplaced | OrderTriggered
    | ChainUpdate | SeriesListed | PositionMoved
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
        self._instruments = {i.symbol: i for i in settings.instruments + settings.series}
        self._structures = StructureDesk(risk, settings.structures, self._instruments)
        lines = {i.symbol: Line(view=InstrumentView()) for i in settings.instruments}
        self.state: PortfolioState = PortfolioState(lines=lines, numbers=OrderNumbers())

    def receive(self, ctx: ActorContext, message: ToPortfolio) -> None:
        """Handle one message."""
        match message:
            case Proposal():
                self._on_proposal(ctx, message)
            case QuoteUpdate() | PhaseChanged() | ChainUpdate():
                self._on_market(ctx, message)
            case BandsChanged() | AuctionIndication():
                pass
            case SeriesListed():
                self._learn(series_of(message, self._instruments))
            case PositionMoved():
                self._on_night(ctx, message)
            case TimerFired(timer_id=timer_id, name=name):
                self._on_timer(ctx, name, timer_id)
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
            greeks=dict(self.state.greeks.profits),
            units={key: line.units for key, line in self.state.structures.items() if line.units},
        )

    def _begin(self, ctx: ActorContext, resumed: Resumed) -> None:
        """Listen; what an earlier incarnation still has in the market is cancelled."""
        ctx.subscribe(PROPOSALS)
        ctx.subscribe(MOVES_TOPIC)
        for instrument in self.state.listed.values():
            self._instruments[instrument.symbol] = instrument
        for symbol, line in self.state.lines.items():
            line.position = resumed.positions.get(symbol, 0)
            line.order = None
            ctx.subscribe(quotes_topic(symbol), self._settings.quotes_every_ns)
            ctx.subscribe(status_topic(symbol))
        self._structures.resume(ctx, self.state, resumed.open_orders)
        for still_open in resumed.open_orders:
            if still_open.legs:
                continue
            line = self.state.lines[still_open.instrument]
            line.order = TrackedOrder(
                still_open.order_id, still_open.instrument, still_open.side,
                Terms(still_open.leaves, still_open.price), is_accepted=True, is_adopted=True,
            )  # fmt: skip
            self._cancel(ctx, line.order)

    def _on_market(
        self, ctx: ActorContext, message: QuoteUpdate | PhaseChanged | ChainUpdate
    ) -> None:
        """Take the market in, and act where it is now possible."""
        state, now_ns = self.state, ctx.now_ns()
        if not isinstance(message, PhaseChanged):
            state.quotes.hear(message, now_ns)
        if isinstance(message, ChainUpdate):
            self._mark(message, now_ns)
            self._act_on_structures(ctx, message.underlying)
            return
        line = state.lines.get(message.instrument)
        if line is None:
            return  # A leg: its chain comes every few seconds, and then there is time to act.
        line.view.hear(message, now_ns)
        if isinstance(message, QuoteUpdate):
            self._mark(message, now_ns)
        if line.view.twice_mid is not None and line.view.is_continuous:
            line.volatility.hear(line.view.twice_mid, now_ns)
        if line.is_unsized and line.proposal is not None:
            self._resize(ctx, line.proposal, line)
        self._act(ctx, message.instrument, line)

    def _learn(self, instrument: Instrument) -> None:
        """Take the terms of a series in that was not listed at the start."""
        if instrument.symbol not in self._instruments:
            self.state.listed[instrument.symbol] = instrument
            self._instruments[instrument.symbol] = instrument

    def _on_night(self, ctx: ActorContext, event: PositionMoved) -> None:
        """Follow what a night changed; shares that came by delivery are to be closed."""
        for instrument in event.listed:
            self._learn(instrument)
        self.state.ledger.move(event)
        self.state.adjusted.hear(event, self.state.quotes.marks(), self._instruments)
        lots, profit = self.state.ledger.traded(event.instrument, 0)
        self.state.greeks.rest(event.instrument, lots, profit)
        came = self._structures.move(ctx, self.state, event)
        line = self.state.lines.get(event.into if came else event.instrument)
        if line is None:
            return
        before = line.position
        own = allocated(event.change, weights_of(event, {event.instrument: before}))
        line.position += sum(came.values()) if came else own.get(event.instrument, 0)
        if event.reason == "closed":  # What the broker takes is not bought back by itself.
            line.target = line.position
        elif before and line.target and not came:  # A split: as much is wanted as before.
            line.target = line.target * line.position // before
        if came:
            line.strategy = max(came, key=lambda strategy: abs(came[strategy]))
            line.target = 0 if line.target is None else line.target

    def _mark(self, message: QuoteUpdate | ChainUpdate, now_ns: int) -> None:
        named = self.state.ledger.symbols()
        if isinstance(message, QuoteUpdate):
            named &= {message.instrument}
        if named:
            ledger, marks = self.state.ledger, self._marks()
            share_out(self.state.greeks, ledger.traded, self._instruments, marks, named, now_ns)

    def _act_on_structures(self, ctx: ActorContext, underlying: str) -> None:
        line = self.state.lines.get(underlying)
        if line is None or not line.view.is_continuous:
            return
        for held in self.state.structures.values():
            if held.underlying == underlying:
                if held.is_unsized:
                    self._structures.resize(ctx, self.state, held, self._equity_micros())
                self._structures.act(ctx, self.state, held)

    def _on_timer(self, ctx: ActorContext, name: str, timer_id: int) -> None:
        held = self.state.structures.get(name)
        if held is not None:
            self._structures.on_timer(ctx, held, timer_id)
            return
        line = self.state.lines[name]
        if line.order is not None and line.timer == timer_id:
            self._cancel(ctx, line.order)

    # --- how much ------------------------------------------------------------------------------

    def _on_proposal(self, ctx: ActorContext, proposal: Proposal) -> None:
        line = self.state.lines.get(proposal.instrument)
        is_known = not proposal.structure or self._structures.trades(proposal)
        if line is None or not is_known:
            self.state.ignored += 1
            return
        if proposal.structure:
            self._on_structure(ctx, proposal)
            return
        line.proposal, line.evidence = proposal, ctx.envelope_id()
        self._resize(ctx, proposal, line)
        self._act(ctx, proposal.instrument, line)

    def _on_structure(self, ctx: ActorContext, proposal: Proposal) -> None:
        equity = self._equity_micros()
        held, size = self._structures.propose(ctx, self.state, proposal, equity)
        if size is not None:
            ctx.publish(SIZINGS, Sizing(
                instrument=proposal.instrument, lots=size.lots, bound=size.bound,
                kelly_share=size.kelly_share, equity_micros=equity,
                volatility=proposal.expected_volatility or 0.0, structure=proposal.structure,
            ))  # fmt: skip
        if self.state.lines[proposal.instrument].view.is_continuous:
            self._structures.act(ctx, self.state, held)

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
        } | {
            symbol: twice_mid * self._instruments[symbol].tick_value_micros // 2
            for symbol, twice_mid in self.state.quotes.marks().items()
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
            line.strategy = heaviest(proposal)
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
        if self._structures.on_event(ctx, self.state, event):
            return
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


PROTOCOL = portfolio_state.PROTOCOL

__all__ = [
    "PROTOCOL", "SIZINGS", "Line", "Portfolio", "PortfolioSettings", "PortfolioState",
    "PortfolioStatistics", "Sizing", "StrategyProfit",
]  # fmt: skip
