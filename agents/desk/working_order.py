"""A parent order as execution works it: what it may do, what its children did, what it cost."""

import msgspec

from agents.desk.schedule import Window
from agents.orders import TrackedOrder
from environment.messages import Leg, Message, MoneyMessage, OrderFilled, OrderRequest, Side
from environment.structures import units_done

EXECUTIONS = "desk/executions"  # The topic of every ExecutionReport.


class WorkingOrder(msgspec.Struct):
    """One parent: its terms, its one child in the market, and its running cost.

    `paid_half_ticks` sums price times lots of all fills, in half ticks, so that midpoint prints
    stay whole. Of a structure lots are units, prices net, and `weights` is what the price of each
    leg counts in a unit's; `premium_ticks` is what its legs came to at the start, sides apart, and
    `slice` the last part of its time in which it was tried.
    """

    request: OrderRequest
    owner: str
    window: Window
    twice_arrival: int  # Twice the mid when it began; 0 where there was none.
    volume_at_start: int
    child: TrackedOrder | None = None
    child_is_passive: bool = False
    children: int = 0
    filled: int = 0
    paid_half_ticks: int = 0
    fees_micros: int = 0
    is_ending: bool = False
    ending_reason: str = ""
    ended_ns: int = 0
    unit_micros: int = 0  # What a tick of a lot or unit is worth.
    weights: dict[str, float] = {}
    leg_lots: dict[str, int] = {}
    premium_ticks: float = 0.0
    slice: int = -1
    rests: bool = False  # People approved it for longer than a day: one child a day, and no slices.
    is_withheld: bool = False  # No child leaves before it is approved again.

    @property
    def has_arrival(self) -> bool:
        """Whether there was a market when it began; a structure's net price may be 0."""
        return bool(self.twice_arrival or self.premium_ticks)

    @property
    def order_id(self) -> str:
        """The parent's id."""
        return self.request.order_id

    @property
    def side(self) -> Side:
        """The parent's side."""
        return self.request.side

    @property
    def leaves(self) -> int:
        """Lots that have not traded."""
        return self.request.quantity - self.filled

    def book(self, fill: OrderFilled) -> OrderFilled:
        """Take a child's fill in, and return it as the parent's own."""
        self.fees_micros += fill.fee_micros
        legs = self.request.legs
        if legs:
            symbol = fill.instrument
            done = self.leg_lots[symbol] = self.leg_lots.get(symbol, 0) + fill.quantity
            ratio = next(leg.ratio for leg in legs if leg.instrument == symbol)
            self.filled = units_done(legs, self.leg_lots)
            self.paid_half_ticks += round(
                2.0 * self.weights[symbol] / ratio * fill.quantity * fill.price
            )
            left = self.request.quantity * ratio - done
            return msgspec.structs.replace(fill, order_id=self.order_id, leaves=left)
        self.filled += fill.quantity
        self.paid_half_ticks += fill.quantity * (2 * fill.price + (1 if fill.half_tick else 0))
        return msgspec.structs.replace(fill, order_id=self.order_id, leaves=self.leaves)

    def report(self, now_ns: int, volume: int) -> "ExecutionReport":
        """Return what it came to."""
        sign = 1 if self.side == "buy" else -1
        slippage = cost = 0.0
        if self.filled and self.has_arrival:
            average = self.paid_half_ticks / self.filled
            worse = sign * (average - self.twice_arrival)
            slippage = worse / (2.0 * self.premium_ticks or self.twice_arrival) * 1e4
            cost = worse * self.filled * self.unit_micros / 2.0
        traded = max(volume - self.volume_at_start, 0)
        return ExecutionReport(
            order_id=self.order_id, owner=self.owner, instrument=self.request.instrument,
            side=self.side, style=self.request.style, quantity=self.request.quantity,
            filled=self.filled, children=self.children, twice_arrival=self.twice_arrival,
            average_half_ticks=self.paid_half_ticks / self.filled if self.filled else 0.0,
            slippage_basis_points=slippage, fees_micros=self.fees_micros,
            took_ns=now_ns - self.window.begin_ns,
            participation=self.filled / traded if traded else 0.0,
            reason=self.ending_reason, slippage_micros=round(cost), legs=self.request.legs,
            strategy=self.request.strategy,
        )  # fmt: skip


class ExecutionReport(Message, frozen=True, kw_only=True):
    """Fact: a parent order is over, and what it cost against the mid at its start.

    Positive slippage is a cost, in basis points of that mid and in money; `average_half_ticks` is
    the mean price of the fills in half ticks; `participation` is its share of the volume meanwhile.
    Of a structure prices are net, quantities units, basis points of what all its legs came to.
    """

    order_id: str
    owner: str
    instrument: str
    side: Side
    style: str
    quantity: int
    filled: int
    children: int
    twice_arrival: int
    average_half_ticks: float
    slippage_basis_points: float
    fees_micros: int
    took_ns: int
    participation: float
    reason: str
    slippage_micros: int = 0
    legs: tuple[Leg, ...] = ()
    strategy: str = ""


class ParentOver(MoneyMessage, frozen=True, kw_only=True):
    """Fact to risk: no further child of this parent will be asked for; its reservation ends."""

    order_id: str


class WithholdParent(MoneyMessage, frozen=True, kw_only=True):
    """Risk to execution: take an order that rests out of the market, until it is approved again."""

    order_id: str


class EndParent(MoneyMessage, frozen=True, kw_only=True):
    """Risk to execution: an order that rests is over; its owner is told the reason."""

    order_id: str
    reason: str


class ParentWithheld(MoneyMessage, frozen=True, kw_only=True):
    """Fact to risk: nothing of an order that rests works any more, and nothing will unasked."""

    order_id: str


PROTOCOL = (ExecutionReport, ParentOver, WithholdParent, EndParent, ParentWithheld)
