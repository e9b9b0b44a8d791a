"""The live view beside the cards: price, book, positions, P&L, and what the agents last said."""

from collections import deque
from collections.abc import Iterable
from typing import Any, Final, assert_never

import msgspec

from agents.desk.greek_profit import GreekBook
from agents.desk.proposal import Voice
from agents.desk.volatility_estimate import VolatilityEstimate
from agents.human.panel_books import Books
from agents.human.panel_greeks import AccountGreeks
from agents.human.panel_text import grouped, money, shown
from agents.listing import touch_of
from environment.control_messages import DeskState, DeskStateChanged, HeldDown, Scope
from environment.instruments import Instrument
from environment.messages import DepthUpdate, Phase, PhaseChanged, QuoteUpdate, Signal
from environment.option_messages import ChainUpdate
from environment.text_messages import Consulted, Evidence

_POINTS: Final = 300
_POINT_NS: Final = 1_000_000_000  # Market time between two points of the price line.
_LEVELS: Final = 8

View = dict[str, Any]


class Watched(msgspec.Struct):
    """One instrument as last heard of. Prices are ticks, the line holds (ns, twice the mid)."""

    bid_price: int | None = None
    ask_price: int | None = None
    bid_quantity: int = 0
    ask_quantity: int = 0
    last_price: int | None = None
    volume: int = 0
    phase: Phase | None = None
    heard_ns: int = 0
    bids: tuple[tuple[int, int], ...] = ()
    asks: tuple[tuple[int, int], ...] = ()
    volatility: VolatilityEstimate = msgspec.field(default_factory=VolatilityEstimate)
    line: deque[tuple[int, int]] = msgspec.field(default_factory=lambda: deque(maxlen=_POINTS))

    @property
    def twice_mid(self) -> int | None:
        """Return twice the mid in ticks, or None without both sides."""
        if self.bid_price is None or self.ask_price is None:
            return None
        return self.bid_price + self.ask_price


class AgentSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent said last."""

    at_ns: int
    text: str
    words: str = ""
    instrument: str = ""
    direction: str = ""


class LiveView:
    """All that the live view shows."""

    def __init__(self, instruments: Iterable[Instrument], books: Books) -> None:
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.books = books
        self.watched: dict[str, Watched] = {}
        self.agents: dict[str, AgentSaid] = {}
        self.readers: set[str] = set()  # Who asked a model: what it read can be looked at.
        self.greeks = GreekBook()
        self.account = AccountGreeks(self.instruments)
        self.wanted: set[str] = set()  # Options of cards; those held are followed besides.
        self.now_ns = 0
        self.state: DeskState = "active"
        self.state_reason = ""
        self.state_person = ""
        self.stopped: dict[tuple[Scope, str], DeskStateChanged] = {}  # Parts of the desk.
        self.held: tuple[HeldDown, ...] = ()  # What breakers would stop again at once.
        self.unknown = 0  # Commands of unknown outcome, and breaks against the venue.
        self.breaks = 0

    def hear_market(
        self, told: QuoteUpdate | DepthUpdate | PhaseChanged | ChainUpdate, now_ns: int
    ) -> None:
        """Take a touch, the best levels, a phase, or the touches of a chain in."""
        if isinstance(told, ChainUpdate):
            self._hear_chain(told, now_ns)
            return
        seen = self.watched.setdefault(told.instrument, Watched())
        match told:
            case QuoteUpdate():
                self._hear_quote(seen, told, now_ns)
            case DepthUpdate(bids=bids, asks=asks):
                seen.bids, seen.asks = bids[:_LEVELS], asks[:_LEVELS]
            case PhaseChanged(phase=phase):
                seen.phase = phase
            case never:
                assert_never(never)

    def _hear_chain(self, chain: ChainUpdate, now_ns: int) -> None:
        """Take in the touches of options that are held, or asked about."""
        for row in chain.rows:
            if row.instrument in self.books.holdings or row.instrument in self.wanted:
                self._hear_quote(
                    self.watched.setdefault(row.instrument, Watched()),
                    touch_of(row, chain.exchange_ns), now_ns,
                )  # fmt: skip

    def _hear_quote(self, seen: Watched, quote: QuoteUpdate, now_ns: int) -> None:
        seen.bid_price, seen.bid_quantity = quote.bid_price, quote.bid_quantity
        seen.ask_price, seen.ask_quantity = quote.ask_price, quote.ask_quantity
        seen.last_price, seen.volume, seen.heard_ns = quote.last_price, quote.volume, now_ns
        self.now_ns = now_ns
        mid = seen.twice_mid
        if mid:
            seen.volatility.hear(mid, now_ns)
            self._share_out(quote.instrument, now_ns)
        if mid is not None and (not seen.line or now_ns - seen.line[-1][0] >= _POINT_NS):
            seen.line.append((now_ns, mid))

    def hear_state(self, change: DeskStateChanged) -> None:
        """Take the state of the desk in, or that of one agent, strategy or underlying."""
        if change.scope != "desk":
            self.stopped.pop((change.scope, change.name), None)
            if change.after != "active":
                self.stopped[change.scope, change.name] = change
        if change.scope == "desk":
            reason = shown(change.reason, 300)
            if change.before == change.after and reason not in self.state_reason:
                # Something more of why it stands so.
                reason = f"{self.state_reason}; {reason}".removeprefix("; ")
            self.state, self.state_reason = change.after, reason
            self.state_person = shown(change.person, 40)

    def hear_signal(self, agent: str, signal: Signal, now_ns: int) -> None:
        """Take an agent's view in."""
        if signal.abstains:
            text = f"abstains on {signal.instrument}"
        else:
            text = f"{signal.instrument} {signal.direction}, {100 * signal.probability:.0f} %"
        self.agents[agent] = AgentSaid(
            at_ns=now_ns,
            text=shown(text, 120),
            words=shown("; ".join(signal.reasons), 300),
            instrument=signal.instrument,
            direction="" if signal.abstains else signal.direction,
        )

    def hear_voice(self, instrument: str, voice: Voice, now_ns: int) -> None:
        """Take in what a source said, as the coordinator weighed it."""
        weight = f"weighs {100 * voice.weight:.0f} %, right {100 * voice.hit_rate:.0f} %"
        text = f"{instrument} {voice.direction}, {100 * voice.probability:.0f} % ({weight})"
        self.agents[voice.source] = AgentSaid(
            at_ns=now_ns, text=shown(text, 160), words=shown("; ".join(voice.reasons), 300),
            instrument=instrument, direction=voice.direction,
        )  # fmt: skip

    def hear_reading(self, told: Consulted, view: Evidence | None, now_ns: int) -> None:
        """Take in what came of an analyst's question to its model."""
        self.readers.add(told.agent)
        side = view.direction if view is not None and view.about == "direction" else ""
        self.agents[told.agent] = AgentSaid(
            at_ns=now_ns, text=shown(f"{told.instrument} {told.outcome}", 200),
            words="" if view is None else shown(view.words, 300), instrument=told.instrument,
            direction="" if side == "flat" else side,
        )  # fmt: skip

    def hear_order(self, agent: str, text: str, now_ns: int) -> None:
        """Take in that an agent asked for an order, and what risk said to it."""
        self.agents[agent] = AgentSaid(at_ns=now_ns, text=shown(text, 160))

    # --- as the page draws it ------------------------------------------------------------------

    def view(self) -> View:
        """Return everything, as JSON."""
        return {
            "state": {
                "name": self.state,
                "reason": self.state_reason,
                "person": self.state_person,
                "unknown": self.unknown,
                "breaks": self.breaks,
                "held": self._held("desk", ""),
            },
            "stopped": [
                {"scope": scope, "name": name, "shown": shown(name, 80), "state": told.after,
                 "reason": shown(told.reason, 300), "figures": shown(told.figures, 200),
                 "held": self._held(scope, name)}
                for (scope, name), told in sorted(self.stopped.items())
            ],
            "instruments": [
                self._instrument(one) for one in sorted(self.watched) if self._is_stock(one)
            ],
            "positions": self.positions(),
            "totals": self.totals(),
            "greeks": self.by_greek(),
            "exposures": self.exposures(),
            "orders": self.orders(),
            "agents": [
                {"name": shown(name, 60), "said": said.text, "words": said.words,
                 "at_ns": said.at_ns, "has_read": name in self.readers}
                for name, said in sorted(self.agents.items())
            ],
        }  # fmt: skip

    def _held(self, scope: Scope, name: str) -> list[str]:
        """Return what a person should know before resuming a scope."""
        return [shown(one.text, 400) for one in self.held if (one.scope, one.name) == (scope, name)]

    def price(self, symbol: str, ticks: int | None) -> str:
        """Return a price as money, a dash for none."""
        instrument = self.instruments.get(symbol)
        if ticks is None or instrument is None:
            return "–"  # noqa: RUF001  an en dash is meant
        return money(ticks * instrument.tick_micros)

    def _instrument(self, symbol: str) -> View:
        seen = self.watched[symbol]
        mid, instrument = seen.twice_mid, self.instruments.get(symbol)
        tick = (instrument.tick_micros if instrument else 0) / 1e6
        return {
            "symbol": shown(symbol, 40),
            "bid": self.price(symbol, seen.bid_price),
            "ask": self.price(symbol, seen.ask_price),
            "bid_quantity": grouped(seen.bid_quantity),
            "ask_quantity": grouped(seen.ask_quantity),
            "last": self.price(symbol, seen.last_price),
            "mid": "" if mid is None else f"{mid * tick / 2:,.3f}",
            "volume": grouped(seen.volume),
            "phase": (seen.phase or "").replace("_", " "),
            "bids": [[self.price(symbol, price), quantity] for price, quantity in seen.bids],
            "asks": [[self.price(symbol, price), quantity] for price, quantity in seen.asks],
            "line": [
                [at_ns // 1_000_000, round(twice * tick / 2, 4)] for at_ns, twice in seen.line
            ],
        }

    def _mark(self, symbol: str) -> int | None:
        seen = self.watched.get(symbol)
        if seen is None:
            return None
        return seen.twice_mid if seen.twice_mid is not None else (
            None if seen.last_price is None else 2 * seen.last_price
        )  # fmt: skip

    def _value(self, symbol: str, lots: int) -> int | None:
        mark, instrument = self._mark(symbol), self.instruments.get(symbol)
        if mark is None or instrument is None:
            return None
        return mark * lots * instrument.tick_value_micros // 2

    def positions(self) -> list[View]:
        """Return a row for each instrument that was traded or is held."""
        rows = []
        for symbol, holding in sorted(self.books.holdings.items()):
            value = self._value(symbol, holding.lots)
            open_micros = None if value is None else value - holding.cost_micros
            rows.append(
                {
                    "symbol": shown(symbol, 40),
                    "lots": grouped(holding.lots),
                    "value": "unknown" if value is None else money(value, decimals=0),
                    "open": "unknown" if open_micros is None else money(open_micros),
                    "realised": money(holding.realised_micros),
                }
            )
        return rows

    def totals(self) -> list[View]:
        """Return P&L of the account since the panel listens, named."""
        holdings = self.books.holdings
        values = {symbol: self._value(symbol, held.lots) for symbol, held in holdings.items()}
        known = [
            value - holdings[symbol].cost_micros
            for symbol, value in values.items()
            if value is not None
        ]
        realised = sum(held.realised_micros for held in holdings.values())
        fees = sum(held.fees_micros for held in holdings.values())
        return [
            {"name": "Open P&L", "value": money(sum(known)), "is_gain": True},
            {"name": "Realised", "value": money(realised), "is_gain": True},
            {"name": "Fees", "value": money(fees), "is_gain": False},
            {"name": "Net", "value": money(sum(known) + realised - fees), "is_gain": True},
        ]

    def exposures(self) -> list[View]:
        """Return delta, gamma, vega and theta of what is held, by underlying."""
        lots = {symbol: held.lots for symbol, held in self.books.holdings.items()}
        marks = {symbol: self._mark(symbol) for symbol in self.watched}
        known = {symbol: (twice + 1) // 2 for symbol, twice in marks.items() if twice is not None}
        return self.account.rows(lots, known, self.now_ns)

    def _is_stock(self, symbol: str) -> bool:
        instrument = self.instruments.get(symbol)
        return instrument is None or instrument.kind != "option"

    def by_greek(self) -> list[View]:
        """Return profit of each underlying by what made it, where anything was traded."""
        shown_rows = []
        for name, told in sorted(self.greeks.profits.items()):
            parts = (told.delta, told.gamma, told.vega, told.theta, told.rest, told.trading)
            shown_rows.append({"name": shown(name, 40), "parts": [money(part) for part in parts]})
        return shown_rows

    def _share_out(self, symbol: str, now_ns: int) -> None:
        """Share out what an instrument has gained since it was last marked."""
        holding, instrument = self.books.holdings.get(symbol), self.instruments.get(symbol)
        mark = self._value(symbol, 1)
        if holding is None or instrument is None or mark is None:
            return
        stock = self.instruments.get(instrument.underlying or symbol)
        spot = None if stock is None else self._value(stock.symbol, 1)
        if stock is None or spot is None:
            return
        value = self._value(symbol, holding.lots) or 0
        made = value - holding.cost_micros + holding.realised_micros - holding.fees_micros
        self.greeks.mark(
            instrument, lots=holding.lots, profit_micros=made, mark_micros=mark,
            spot_micros=spot // (stock.lot_units * stock.multiplier), now_ns=now_ns,
        )  # fmt: skip

    def orders(self) -> list[View]:
        """Return the working orders."""
        return [
            {
                "order_id": shown(order.order_id, 120),
                "side": order.side,
                "symbol": shown(order.instrument, 40),
                "filled": f"{grouped(order.filled)} of {grouped(order.terms.quantity)}",
                "price": "market"
                if order.terms.price is None
                else self.price(order.instrument, order.terms.price),
            }
            for order in self.books.working()[-50:]
        ]
