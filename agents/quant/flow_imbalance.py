"""Order-flow imbalance: what was added to one side of the touch and taken from the other.

The imbalance of one change of the touch is e = [b >= b'] q_b - [b <= b'] q_b' - [a <= a'] q_a +
[a >= a'] q_a', with bid b and ask a, their displayed quantities q, and the values before primed
(Cont, Kukanov, Stoikov 2014, "The Price Impact of Order Book Events", eq. 4). There it explains the
move of the same interval; what it says of the next one is measured here, and only that is traded.
"""

import math
from typing import ClassVar, Final, Literal, assert_never

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
    TimerFired,
)

Direction = Literal["up", "down", "flat"]
_FADE: Final = 0.999  # Of the regression, an interval: it looks back over some 1,000 of them.
_LEAST_INTERVALS: Final = 60


class FlowImbalanceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How long an interval is, and how sure the regression must be.

    A view is given where its predicted move is `entry` standard errors of the slope from 0.
    """

    instruments: tuple[str, ...]
    interval_ns: int = 10_000_000_000
    entry: float = 2.0


class Regression(msgspec.Struct):
    """Through the origin: the next interval's move, in ticks, on this one's imbalance, in lots."""

    count: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    yy: float = 0.0

    def learn(self, imbalance: float, moved: float) -> None:
        """Take one pair in; older ones fade."""
        self.count = self.count * _FADE + 1.0
        self.xx = self.xx * _FADE + imbalance * imbalance
        self.xy = self.xy * _FADE + imbalance * moved
        self.yy = self.yy * _FADE + moved * moved

    def slope(self) -> tuple[float, float]:
        """Return the slope, ticks a lot, and its standard error; infinite while little is known."""
        if self.count < _LEAST_INTERVALS or self.xx <= 0.0:
            return 0.0, math.inf
        slope = self.xy / self.xx
        left = max(self.yy - slope * self.xy, 0.0)
        return slope, math.sqrt(left / (self.count - 1.0) / self.xx)


class Flow(msgspec.Struct):
    """One instrument's running imbalance, and what the regression knows of it."""

    view: InstrumentView
    imbalance: float = 0.0
    last_imbalance: float | None = None
    twice_mid: int | None = None  # At the start of this interval.
    regression: Regression = msgspec.field(default_factory=Regression)
    direction: Direction = "flat"


class FlowImbalanceState(msgspec.Struct):
    """All that changes in the agent."""

    flows: dict[str, Flow]


ToFlowImbalance = (
    Resumed | QuoteUpdate | PhaseChanged | BandsChanged | AuctionIndication | TimerFired
)


class FlowImbalance(Actor[ToFlowImbalance]):
    """Adds the imbalance up over each interval, and says what the next one will bring if it knows.

    It hears every change of the touch. The interval after a halt, an auction or a silent book is
    not learnt from.
    """

    KIND: ClassVar[str] = "flow_imbalance"

    def __init__(self, coordinator: ActorRef[Signal], settings: FlowImbalanceSettings) -> None:
        self._coordinator = coordinator
        self._settings = settings
        flows = {symbol: Flow(view=InstrumentView()) for symbol in settings.instruments}
        self.state: FlowImbalanceState = FlowImbalanceState(flows=flows)

    def receive(self, ctx: ActorContext, message: ToFlowImbalance) -> None:
        """Handle one message."""
        match message:
            case QuoteUpdate(instrument=symbol):
                flow = self.state.flows[symbol]
                flow.imbalance += imbalance_of(flow.view, message)
                flow.view.hear(message, ctx.now_ns())
            case PhaseChanged(instrument=symbol):
                flow = self.state.flows[symbol]
                flow.view.hear(message, ctx.now_ns())
                flow.twice_mid = flow.last_imbalance = None
                flow.imbalance = 0.0
            case TimerFired():
                ctx.after(self._settings.interval_ns, "interval")
                for symbol, flow in self.state.flows.items():
                    self._end_interval(ctx, symbol, flow)
            case BandsChanged() | AuctionIndication():
                pass
            case Resumed():
                for symbol in self._settings.instruments:
                    ctx.subscribe(quotes_topic(symbol))
                    ctx.subscribe(status_topic(symbol))
                ctx.after(self._settings.interval_ns, "interval")
            case never:
                assert_never(never)

    def _end_interval(self, ctx: ActorContext, symbol: str, flow: Flow) -> None:
        twice_mid = flow.view.twice_mid
        if twice_mid is None or not flow.view.is_continuous:
            flow.twice_mid = flow.last_imbalance = None
            flow.imbalance = 0.0
            return
        if flow.twice_mid is not None and flow.last_imbalance is not None:
            flow.regression.learn(flow.last_imbalance, (twice_mid - flow.twice_mid) / 2.0)
        flow.last_imbalance, flow.imbalance, flow.twice_mid = flow.imbalance, 0.0, twice_mid
        self._speak(ctx, symbol, flow, flow.last_imbalance, twice_mid)

    def _speak(
        self, ctx: ActorContext, symbol: str, flow: Flow, imbalance: float, twice_mid: int
    ) -> None:
        slope, error = flow.regression.slope()
        predicted = slope * imbalance
        direction: Direction = "flat"
        if abs(slope) >= self._settings.entry * error and predicted:
            direction = "up" if predicted > 0.0 else "down"
        if direction == "flat" and flow.direction == "flat":
            return
        flow.direction = direction
        # The move is normal around what is predicted, as wide as intervals have been.
        spread = math.sqrt(flow.regression.yy / flow.regression.count)
        sure = 0.5 * (1.0 + math.erf(abs(predicted) / spread / math.sqrt(2.0))) if spread else 0.5
        ctx.send(
            self._coordinator,
            Signal(
                instrument=symbol,
                direction=direction,
                probability=sure,
                horizon_ns=self._settings.interval_ns,
                expected_return=0.0 if direction == "flat" else 2.0 * predicted / twice_mid,
                reasons=(
                    f"imbalance {imbalance:+.0f} lots at {slope:.2e} +- {error:.1e} ticks a lot",
                ),
            ),
        )


def imbalance_of(before: InstrumentView, now: QuoteUpdate) -> float:
    """Return the imbalance, in lots, of one change of the touch; an empty side adds nothing."""
    change = 0
    if before.bid_price is not None and now.bid_price is not None:
        change += now.bid_quantity if now.bid_price >= before.bid_price else 0
        change -= before.bid_quantity if now.bid_price <= before.bid_price else 0
    if before.ask_price is not None and now.ask_price is not None:
        change -= now.ask_quantity if now.ask_price <= before.ask_price else 0
        change += before.ask_quantity if now.ask_price >= before.ask_price else 0
    return float(change)
