"""Mean reversion: a mid far from its own average, measured in its own deviations, comes back."""

import math
from typing import ClassVar, Literal, assert_never

import msgspec

from agents.instrument_view import InstrumentView, quotes_topic, status_topic
from environment.actors import Actor, ActorContext, ActorRef
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    PhaseChanged,
    QuoteUpdate,
    Resumed,
    Signal,
)

Direction = Literal["up", "down", "flat"]


class MeanReversionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How long the average looks back, and how far from it a mid must be.

    A view begins at `entry` deviations from the average and ends within `leave` of it. Its horizon
    is half the look-back. `probability` is what a signal claims: an assumption, not a measurement.
    """

    instruments: tuple[str, ...]
    length_ns: int
    entry: float = 2.0
    leave: float = 0.5
    probability: float = 0.55
    quotes_every_ns: int = 1_000_000_000


class Band(msgspec.Struct):
    """Average and variance of one instrument's mid, in ticks, and the view drawn from them."""

    view: InstrumentView
    first_ns: int = -1
    at_ns: int = -1
    average_ticks: float = 0.0
    variance: float = 0.0  # Squared ticks.
    direction: Direction = "flat"


class MeanReversionState(msgspec.Struct):
    """All that changes in the agent."""

    bands: dict[str, Band]


ToMeanReversion = Resumed | QuoteUpdate | PhaseChanged | BandsChanged | AuctionIndication


class MeanReversion(Actor[ToMeanReversion]):
    """Sends a Signal towards the average when the mid has left its band, and flat when it is back.

    Average and variance are exponential in time: an observation that held for d weighs
    1 - exp(-2 d / length). Nothing is said before a full look-back has been heard.
    """

    KIND: ClassVar[str] = "mean_reversion"

    def __init__(self, coordinator: ActorRef[Signal], settings: MeanReversionSettings) -> None:
        self._coordinator = coordinator
        self._settings = settings
        bands = {symbol: Band(view=InstrumentView()) for symbol in settings.instruments}
        self.state: MeanReversionState = MeanReversionState(bands=bands)

    def receive(self, ctx: ActorContext, message: ToMeanReversion) -> None:
        """Handle one message."""
        match message:
            case QuoteUpdate(instrument=symbol):
                self._on_quote(ctx, symbol, message)
            case PhaseChanged(instrument=symbol):
                band = self.state.bands[symbol]
                band.view.hear(message, ctx.now_ns())
                band.at_ns = -1  # What happened while nothing traded is a jump, not a band.
            case BandsChanged() | AuctionIndication():
                pass
            case Resumed():
                for symbol in self._settings.instruments:
                    ctx.subscribe(quotes_topic(symbol), self._settings.quotes_every_ns)
                    ctx.subscribe(status_topic(symbol))
            case never:
                assert_never(never)

    def _on_quote(self, ctx: ActorContext, symbol: str, quote: QuoteUpdate) -> None:
        band, now_ns = self.state.bands[symbol], ctx.now_ns()
        band.view.hear(quote, now_ns)
        twice_mid = band.view.twice_mid
        if twice_mid is None or not band.view.is_continuous:
            return
        score = self._score(band, twice_mid / 2.0, now_ns)
        if now_ns - band.first_ns < self._settings.length_ns:
            return
        direction = self._direction(band.direction, score)
        if direction != band.direction:
            band.direction = direction
            ctx.send(self._coordinator, self._signal(symbol, band, score, twice_mid / 2.0))

    def _score(self, band: Band, mid_ticks: float, now_ns: int) -> float:
        """Return how many deviations the mid is above the average as it stood; then update both."""
        if band.first_ns < 0:
            band.first_ns, band.average_ticks = now_ns, mid_ticks
        gap = mid_ticks - band.average_ticks
        deviation = math.sqrt(band.variance)
        if band.at_ns >= 0:
            weight = 1.0 - math.exp(-2.0 * (now_ns - band.at_ns) / self._settings.length_ns)
            band.average_ticks += weight * gap
            band.variance = (1.0 - weight) * (band.variance + weight * gap * gap)
        band.at_ns = now_ns
        return gap / deviation if deviation > 0.0 else 0.0

    def _direction(self, held: Direction, score: float) -> Direction:
        if abs(score) >= self._settings.entry:
            return "down" if score > 0.0 else "up"
        leave = self._settings.leave
        is_back = score <= leave if held == "down" else score >= -leave
        return "flat" if is_back else held

    def _signal(self, symbol: str, band: Band, score: float, mid_ticks: float) -> Signal:
        back = band.average_ticks / mid_ticks - 1.0
        return Signal(
            instrument=symbol,
            direction=band.direction,
            probability=self._settings.probability,
            horizon_ns=self._settings.length_ns // 2,
            expected_return=0.0 if band.direction == "flat" else back,
            reasons=(f"{score:+.1f} deviations from its average of {back * 1e4:+.1f} bp away",),
        )
