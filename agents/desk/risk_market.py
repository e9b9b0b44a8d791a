"""What the risk desk hears of the market, and what it does about it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from agents.desk.frozen import RENEW_NS
from agents.desk.limits import Rulebook
from agents.desk.market_view import DeskView
from agents.desk.risk_cards import CardDesk, nights_until
from agents.desk.risk_case import CaseMaker, legs_of
from agents.desk.risk_guard import Guard
from agents.desk.risk_night import take_listing
from agents.desk.risk_resting import Resting
from agents.desk.risk_state import RiskSettings, RiskState, Ticket, Waiting
from agents.desk.risk_voice import Voice
from agents.desk.states import scope_name
from agents.desk.working_order import ParentWithheld
from agents.instrument_view import quotes_topic, status_topic
from agents.listing import touch_of
from environment.actors import ActorContext
from environment.control_messages import LowerDesk
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    DepthUpdate,
    OrderFilled,
    OrderRequest,
    PhaseChanged,
    QuoteUpdate,
    Resumed,
)
from environment.option_messages import ChainUpdate, SeriesListed

RENEW: Final = "renew figures"
_SECOND: Final = 1_000_000_000
_QUIET: Final = 15 * _SECOND  # Between looks at options that nobody has asked to trade.
_TRADES = frozenset({"pre_open", "opening_auction", "continuous", "reopening_auction"})
_ENDS = frozenset({"closing_auction", "post_close", "closed"})
_WINDOW: Final = 60 * _SECOND  # Of a collar over a window, where its limit says none.
Heard = (
    BandsChanged | AuctionIndication | PhaseChanged | QuoteUpdate | DepthUpdate | Resumed
    | ChainUpdate | SeriesListed | ParentWithheld
)  # fmt: skip


class MarketHearing:
    """Keeps marks and views, and acts on what they mean for waiting and working orders."""

    def __init__(
        self, maker: CaseMaker, guard: Guard, cards: CardDesk, voice: Voice, settings: RiskSettings
    ) -> None:
        self._maker = maker
        self._guard = guard
        self._cards = cards
        self._voice = voice
        self._resting = Resting(maker, cards, voice, settings)

    def hear(self, ctx: ActorContext, state: RiskState, message: Heard) -> None:
        """Take one fact of the market in."""
        match message:
            case QuoteUpdate(instrument=symbol):
                self._on_quote(ctx, state, message)
            case DepthUpdate(instrument=symbol):
                self._view(state, symbol).hear_depth(message)
            case BandsChanged(instrument=symbol, reference=reference):
                if self._view(state, symbol).twice_mid is None:
                    self._mark(ctx, state, symbol, reference)
            case AuctionIndication(instrument=symbol, price=price):
                self._view(state, symbol).heard_ns = ctx.now_ns()
                if price is not None:
                    self._mark(ctx, state, symbol, price)
            case PhaseChanged():
                self._on_phase(ctx, state, message)
            case ChainUpdate():
                self._on_chain(ctx, state, message)
            case SeriesListed():
                take_listing(state, self._maker, message)
            case Resumed():
                state.renew_timer = 0  # It ended with the incarnation before.
                self.renew_later(ctx, state)
                self._listen(ctx, state)
                self._resting.resume(ctx, state)
            case ParentWithheld():
                self._resting.withheld(ctx, state, message)

    def _listen(self, ctx: ActorContext, state: RiskState) -> None:
        """Hear every stock closely, its options by their chain, and those held closely too."""
        self._maker.learn(state)
        chains: dict[str, None] = {}
        for symbol, instrument in self._maker.instruments.items():
            if instrument.kind == "option":
                chains[instrument.underlying or ""] = None
                if symbol in state.book.account:
                    ctx.subscribe(quotes_topic(symbol), _SECOND)
            else:
                ctx.subscribe(status_topic(symbol))
                ctx.subscribe(quotes_topic(symbol), _SECOND)
        for underlying in chains:
            ctx.subscribe(f"market/{underlying}/chain", _QUIET)

    def follow_closely(self, ctx: ActorContext, state: RiskState, request: OrderRequest) -> None:
        """Look each second at an option that somebody wants to trade."""
        for leg in legs_of(request):
            symbol = leg.instrument
            is_option = self._maker.instruments[symbol].kind == "option"
            if is_option and symbol not in state.book.account:
                ctx.subscribe(quotes_topic(symbol), _SECOND)

    def on_fill(
        self, ctx: ActorContext, state: RiskState, ticket: Ticket | None, event: OrderFilled
    ) -> None:
        """Take a fill in as money, and as the last price where no quote says one."""
        instrument = self._maker.instruments[event.instrument]
        paid = instrument.notional_micros(event.price, event.quantity, half_tick=event.half_tick)
        state.cash_micros -= (paid if event.side == "buy" else -paid) + event.fee_micros
        if self._view(state, event.instrument).twice_mid is None:
            state.marks[event.instrument] = event.price
        scopes = (scope_name("desk"),) if ticket is None else ticket.scopes
        self._guard.on_fill(ctx, state, scopes, event)
        self._guard.on_mark(ctx, state, event.instrument)

    def after_lowering(self, ctx: ActorContext, state: RiskState, order: LowerDesk) -> None:
        """Let nothing wait through a halt, and take working orders that open risk out."""
        if order.scope == "desk":
            if order.to == "halted":
                self._cards.end_all(ctx, state, "halted", order.reason)
            if state.flattens_for:
                self._resting.take_out(ctx, state, lambda *_: True, for_good=True)
            self._take_out(ctx, state, lambda _: True, keep_reducing=order.to == "reducing")
            return
        key = scope_name(order.scope, order.name)

        def is_inside(waiting: Waiting) -> bool:
            return key in self._maker.scopes_of(waiting.card.order)

        self._cards.end_all(ctx, state, "halted", f"{key}: {order.reason}", is_inside)
        self._take_out(
            ctx, state, lambda ticket: key in ticket.scopes, keep_reducing=order.to == "reducing"
        )

    def renew(self, ctx: ActorContext, state: RiskState) -> None:
        """Reckon beside what takes longer than an order should wait; once a minute."""
        state.renew_timer = 0
        self._maker.renew(state)
        self.renew_later(ctx, state)

    def renew_later(self, ctx: ActorContext, state: RiskState) -> None:
        """Come again in a minute, if anything is to be reckoned beside."""
        if self._maker.needs_frozen(state) and not state.renew_timer:
            state.renew_timer = ctx.after(RENEW_NS, RENEW)

    # --- parts ---------------------------------------------------------------------------------

    def _on_quote(self, ctx: ActorContext, state: RiskState, quote: QuoteUpdate) -> None:
        symbol = quote.instrument
        instrument = self._maker.instruments[symbol]
        view = self._view(state, symbol)
        spot = 0
        if instrument.underlying is not None:
            underlying = self._maker.instruments.get(instrument.underlying)
            if underlying is not None:
                spot = state.marks.get(instrument.underlying, 0) * underlying.tick_micros
        view.keep_window(_span_of(state.rules, is_option=instrument.kind == "option"))
        view.hear_quote(quote, ctx.now_ns(), spot)
        if view.twice_mid is not None:
            self._mark(ctx, state, symbol, (view.twice_mid + 1) // 2)

    def _on_chain(self, ctx: ActorContext, state: RiskState, chain: ChainUpdate) -> None:
        """Take every series' touch in; what is held or waits is looked at anew."""
        now_ns = ctx.now_ns()
        underlying = self._maker.instruments.get(chain.underlying)
        spot = 0
        if underlying is not None:
            spot = state.marks.get(chain.underlying, 0) * underlying.tick_micros
        watched = {leg.instrument for w in state.waiting.values() for leg in legs_of(w.card.order)}
        span_ns = _span_of(state.rules, is_option=True)
        for row in chain.rows:
            symbol = row.instrument
            if symbol not in self._maker.instruments:
                continue
            view = self._view(state, symbol)
            view.keep_window(span_ns)
            view.hear_quote(touch_of(row, chain.exchange_ns), now_ns, spot)
            if view.twice_mid is None:
                continue
            state.marks[symbol] = (view.twice_mid + 1) // 2
            if symbol in watched or symbol in state.book.account:
                self._mark(ctx, state, symbol, state.marks[symbol])

    def _mark(self, ctx: ActorContext, state: RiskState, symbol: str, ticks: int) -> None:
        state.marks[symbol] = ticks
        if self._maker.instruments[symbol].kind != "option" and self._maker.needs_frozen(state):
            state.frozen.hear(symbol, ticks, ctx.now_ns())
        self._guard.on_mark(ctx, state, symbol)
        self._cards.look_for_drift(ctx, state, symbol)
        if state.resting:
            self._resting.ask_again(ctx, state, symbol)

    def _on_phase(self, ctx: ActorContext, state: RiskState, phase: PhaseChanged) -> None:
        symbol = phase.instrument
        self._view(state, symbol).phase = phase.phase
        if phase.phase in _ENDS:
            state.is_night = True
            self._cards.end_all(
                ctx, state, "market_closed", f"{symbol} is in {phase.phase}",
                lambda waiting: self._trades(waiting, symbol),
            )  # fmt: skip
        elif phase.phase in _TRADES and self._is_new_day(ctx, state):
            state.is_night = False
            for view in state.views.values():
                view.window = None  # What a night did to a price is nobody's walk.
            state.frozen.end_day(state.marks, self._maker.stocks)
            state.ledger.start_day(state.marks, dict(self._maker.instruments))
            state.nights = nights_until(state, ctx.now_ns())
            first = state.opened_day or self._maker.first_day
            state.today = first + timedelta(days=state.nights)
        if phase.phase in _TRADES and not state.opened_ns:
            state.opened_ns, state.opened_day = ctx.now_ns(), self._maker.first_day
        if phase.phase in {"halted", "post_close", "closed"}:
            # What people approved was approved for a market that trades.
            self._take_out(
                ctx, state,
                lambda ticket: ticket.decision is not None and self._ticket_trades(ticket, symbol),
                keep_reducing=False, until_reopening=True,
            )  # fmt: skip

    def _is_new_day(self, ctx: ActorContext, state: RiskState) -> bool:
        """Return whether trading begins: after an evening that was heard, or one that was not."""
        return state.is_night or nights_until(state, ctx.now_ns()) > state.nights

    def _trades(self, waiting: Waiting, symbol: str) -> bool:
        return self._touches(waiting.card.order, symbol)

    def _ticket_trades(self, ticket: Ticket, symbol: str) -> bool:
        return self._touches(ticket.request, symbol)

    def _touches(self, request: OrderRequest, symbol: str) -> bool:
        """Return whether an order trades an instrument, or options that open and halt with it."""
        named = self._maker.instruments
        return any(
            symbol in {leg.instrument, named[leg.instrument].underlying} for leg in legs_of(request)
        )

    def _take_out(
        self, ctx: ActorContext, state: RiskState, which: Callable[[Ticket], bool], *,
        keep_reducing: bool, until_reopening: bool = False,
    ) -> None:  # fmt: skip
        def goes(order_id: str, ticket: Ticket) -> bool:
            return which(ticket) and not (keep_reducing and self._reduces(state, ticket, order_id))

        self._resting.take_out(ctx, state, goes, until_reopening=until_reopening)

    def _reduces(self, state: RiskState, ticket: Ticket, order_id: str) -> bool:
        order = state.book.orders[order_id]
        case = self._maker.case(state, ticket.request, 0, known=order)
        return case.is_reducing

    def _view(self, state: RiskState, symbol: str) -> DeskView:
        view = state.views.get(symbol)
        if view is None:
            view = state.views[symbol] = DeskView()
        return view


def _span_of(rules: Rulebook, *, is_option: bool) -> int:
    """Return how long prices are kept for a collar over a window; 0 where none is set."""
    limit = rules.limits.get("option_window_collar" if is_option else "window_collar")
    return 0 if limit is None else limit.within_ns or _WINDOW
