"""A trend follower: a fast average of the mid against a slow one."""

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


class TrendSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Lengths of the averages, and how far apart they must be to mean something.

    `threshold` is the gap of the averages as a fraction of the slow one; a direction ends when the
    gap is back at zero. `probability` is what a signal claims: an assumption, not a measurement.
    """

    instruments: tuple[str, ...]
    fast_ns: int
    slow_ns: int
    threshold: float = 2e-4
    probability: float = 0.55
    quotes_every_ns: int = 100_000_000


class Averages(msgspec.Struct):
    """Both averages of one instrument's mid, in ticks, and the view drawn from them."""

    view: InstrumentView
    mid_ticks: float = 0.0  # The mid that holds since `since_ns`.
    since_ns: int = -1
    first_ns: int = -1
    fast_ticks: float = 0.0
    slow_ticks: float = 0.0
    direction: Direction = "flat"


class TrendState(msgspec.Struct):
    """All that changes in a trend follower."""

    averages: dict[str, Averages]


ToTrend = Resumed | QuoteUpdate | PhaseChanged | BandsChanged | AuctionIndication


class Trend(Actor[ToTrend]):
    """Sends a Signal when the direction of the gap between the averages changes.

    The averages are exponential and exact for a mid that jumps at quote updates; their time
    constants are half the configured lengths, so that they look back as far, on the mean, as plain
    averages of those lengths. They run in continuous trading only.
    """

    KIND: ClassVar[str] = "trend"

    def __init__(self, portfolio: ActorRef[Signal], settings: TrendSettings) -> None:
        self._portfolio = portfolio
        self._settings = settings
        averages = {symbol: Averages(view=InstrumentView()) for symbol in settings.instruments}
        self.state: TrendState = TrendState(averages=averages)

    def receive(self, ctx: ActorContext, message: ToTrend) -> None:
        """Handle one message."""
        match message:
            case QuoteUpdate(instrument=symbol):
                self._on_quote(ctx, symbol, message)
            case PhaseChanged(instrument=symbol):
                averages = self.state.averages[symbol]
                averages.view.hear(message, ctx.now_ns())
                averages.since_ns = -1  # Time without trading is not a trend.
            case BandsChanged() | AuctionIndication():
                pass
            case Resumed():
                for symbol in self._settings.instruments:
                    ctx.subscribe(quotes_topic(symbol), self._settings.quotes_every_ns)
                    ctx.subscribe(status_topic(symbol))
            case never:
                assert_never(never)

    def _on_quote(self, ctx: ActorContext, symbol: str, quote: QuoteUpdate) -> None:
        averages, now_ns = self.state.averages[symbol], ctx.now_ns()
        averages.view.hear(quote, now_ns)
        twice_mid = averages.view.twice_mid
        if twice_mid is None or not averages.view.is_continuous:
            return
        self._extend(averages, twice_mid / 2, now_ns)
        if now_ns - averages.first_ns < self._settings.slow_ns:
            return
        direction = self._direction(averages)
        if direction != averages.direction:
            averages.direction = direction
            ctx.send(self._portfolio, self._signal(symbol, averages))

    def _extend(self, averages: Averages, mid_ticks: float, now_ns: int) -> None:
        """Let the mid that held until now enter the averages, and hold the new one."""
        if averages.first_ns < 0:
            averages.first_ns = now_ns
            averages.fast_ticks = averages.slow_ticks = mid_ticks
        elif averages.since_ns >= 0:
            held_ns, old = now_ns - averages.since_ns, averages.mid_ticks
            averages.fast_ticks = _approach(
                averages.fast_ticks, old, held_ns, self._settings.fast_ns
            )
            averages.slow_ticks = _approach(
                averages.slow_ticks, old, held_ns, self._settings.slow_ns
            )
        averages.mid_ticks, averages.since_ns = mid_ticks, now_ns

    def _direction(self, averages: Averages) -> Direction:
        gap = averages.fast_ticks - averages.slow_ticks
        if abs(gap) >= self._settings.threshold * averages.slow_ticks:
            return "up" if gap > 0 else "down"
        is_over = gap <= 0 if averages.direction == "up" else gap >= 0
        return "flat" if is_over else averages.direction

    def _signal(self, symbol: str, averages: Averages) -> Signal:
        gap = averages.fast_ticks / averages.slow_ticks - 1.0
        return Signal(
            instrument=symbol,
            direction=averages.direction,
            probability=self._settings.probability,
            horizon_ns=self._settings.fast_ns,
            expected_return=0.0 if averages.direction == "flat" else gap,
            reasons=(f"fast average {gap * 1e4:+.1f} bp from the slow one",),
        )


def _approach(average: float, value: float, held_ns: int, length_ns: int) -> float:
    """Return an exponential average after `value` held for `held_ns`; half the length decays it."""
    return value + (average - value) * math.exp(-2.0 * held_ns / length_ns)
