"""What a structure costs now: its legs' touches as last heard, and what they come to together."""

from collections.abc import Mapping
from itertools import pairwise

import msgspec

from agents.instrument_view import InstrumentView, quotes_topic
from environment.actors import ActorContext
from environment.instruments import Instrument
from environment.messages import Leg, QuoteUpdate
from environment.option_messages import ChainUpdate
from environment.structures import multiplier_of, net_of, weight_of

CHAIN_NS = 5_000_000_000  # Between two looks at a whole chain.


def chain_topic(underlying: str) -> str:
    """Return the topic on which a stock's whole chain is published."""
    return f"market/{underlying}/chain"


class StructureTouch(msgspec.Struct, frozen=True, kw_only=True):
    """What one unit costs its buyer, in ticks net; below 0 it brings money.

    At `far` it trades at once, for as many as `units`; `near` is the price of the patient.
    """

    near: int
    far: int
    units: int

    @property
    def twice_mid(self) -> int:
        """Twice the mean of both."""
        return self.near + self.far


class LegQuotes(msgspec.Struct):
    """Touches of all the legs that anybody asked about; part of its actor's state."""

    views: dict[str, InstrumentView] = {}
    chains: list[str] = []  # Underlyings whose chain is heard.
    twice_mids: dict[str, int] = {}  # The last of each leg: at the close all quotes are pulled.

    def listen(
        self, ctx: ActorContext, underlying: str, legs: tuple[Leg, ...], every_ns: int
    ) -> None:
        """Hear each leg of a structure, and at first what its chain says of it."""
        if underlying not in self.chains:
            self.chains.append(underlying)
            ctx.subscribe(chain_topic(underlying), CHAIN_NS)
        for leg in legs:
            if leg.instrument not in self.views:
                self.views[leg.instrument] = InstrumentView()
                ctx.subscribe(quotes_topic(leg.instrument), every_ns)

    def resume(self, ctx: ActorContext, every_ns: int) -> None:
        """Hear again what an earlier incarnation heard."""
        for underlying in self.chains:
            ctx.subscribe(chain_topic(underlying), CHAIN_NS)
        for symbol in self.views:
            ctx.subscribe(quotes_topic(symbol), every_ns)

    def hear(self, message: QuoteUpdate | ChainUpdate, now_ns: int) -> None:
        """Take one touch, or those of a whole chain, in."""
        if isinstance(message, QuoteUpdate):
            view = self.views.get(message.instrument)
            if view is not None:
                view.hear(message, now_ns)
                self._keep(message.instrument, view)
            return
        for row in message.rows:
            view = self.views.get(row.instrument)
            if view is not None:
                view.bid_price = row.bid_price if row.bid_quantity else None
                view.ask_price = row.ask_price if row.ask_quantity else None
                view.bid_quantity, view.ask_quantity = row.bid_quantity, row.ask_quantity
                view.volume, view.heard_ns = row.volume, now_ns
                self._keep(row.instrument, view)

    def _keep(self, symbol: str, view: InstrumentView) -> None:
        if view.twice_mid is not None:
            self.twice_mids[symbol] = view.twice_mid

    def touch(
        self, legs: tuple[Leg, ...], instruments: Mapping[str, Instrument]
    ) -> StructureTouch | None:
        """Return what a unit costs, or None while a leg has no two-sided market."""
        far: dict[str, float] = {}
        near: dict[str, float] = {}
        units = 1 << 40
        for leg in legs:
            view = self.views.get(leg.instrument)
            if view is None or view.bid_price is None or view.ask_price is None:
                return None
            is_buy = leg.side == "buy"
            far[leg.instrument] = view.ask_price if is_buy else view.bid_price
            near[leg.instrument] = view.bid_price if is_buy else view.ask_price
            shown = view.ask_quantity if is_buy else view.bid_quantity
            units = min(units, shown // leg.ratio)
        at_once, patient = net_of(legs, instruments, far), net_of(legs, instruments, near)
        if at_once is None or patient is None:
            return None
        return StructureTouch(near=round(patient), far=round(at_once), units=units)

    def marks(self) -> dict[str, int]:
        """Return twice the last mid of every leg that had one, in ticks."""
        return self.twice_mids


def opposite(legs: tuple[Leg, ...]) -> tuple[Leg, ...]:
    """Return the legs that close a structure."""
    return tuple(
        msgspec.structs.replace(leg, side="sell" if leg.side == "buy" else "buy") for leg in legs
    )


def unit_micros(legs: tuple[Leg, ...], instruments: Mapping[str, Instrument]) -> int:
    """Return what a tick of a unit's net price is worth, micros."""
    tick = max(instruments[leg.instrument].tick_micros for leg in legs)
    return tick * multiplier_of(legs, instruments)


def worst_loss_ticks(
    legs: tuple[Leg, ...], instruments: Mapping[str, Instrument], net_ticks: float
) -> float | None:
    """Return what a unit bought at a net price can lose at the end, in ticks; None: no bound.

    Every option counts as worth what it then is in the money: one that lives longer is worth that
    at least.
    """
    multiplier = multiplier_of(legs, instruments)
    terms = [(instruments[leg.instrument], weight_of(leg, instruments[leg.instrument], multiplier))
             for leg in legs]  # fmt: skip
    strikes = sorted({(one.strike_micros or 0) / one.tick_micros for one, _ in terms})
    knots = [0.0, *strikes, 2.0 * strikes[-1] + 1.0]
    worth = [sum(weight * _pay_off(one, spot) for one, weight in terms) for spot in knots]
    if worth[-1] < worth[-2] and _slope(knots, worth) < 0.0:
        return None
    return max(net_ticks - min(worth), 0.0)


def _slope(knots: list[float], worth: list[float]) -> float:
    (low, high), (left, right) = list(pairwise(knots))[-1], list(pairwise(worth))[-1]
    return (right - left) / (high - low)


def _pay_off(instrument: Instrument, spot_ticks: float) -> float:
    if instrument.strike_micros is None:
        return spot_ticks
    inside = spot_ticks - instrument.strike_micros / instrument.tick_micros
    return max(inside if instrument.right == "call" else -inside, 0.0)
