"""A parent order as execution works it: what it may do, what its children did, what it cost."""

import msgspec

from agents.desk.schedule import Window
from agents.orders import TrackedOrder
from environment.messages import Message, MoneyMessage, OrderFilled, OrderRequest, Side

EXECUTIONS = "desk/executions"  # The topic of every ExecutionReport.


class WorkingOrder(msgspec.Struct):
    """One parent: its terms, its one child in the market, and its running cost.

    `paid_half_ticks` sums price times lots of all fills, in half ticks, so that midpoint prints
    stay whole.
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
        self.filled += fill.quantity
        self.paid_half_ticks += fill.quantity * (2 * fill.price + (1 if fill.half_tick else 0))
        self.fees_micros += fill.fee_micros
        return msgspec.structs.replace(fill, order_id=self.order_id, leaves=self.leaves)

    def report(self, now_ns: int, volume: int) -> "ExecutionReport":
        """Return what it came to."""
        sign = 1 if self.side == "buy" else -1
        slippage = 0.0
        if self.filled and self.twice_arrival:
            average = self.paid_half_ticks / self.filled
            slippage = sign * (average / self.twice_arrival - 1.0) * 1e4
        traded = max(volume - self.volume_at_start, 0)
        return ExecutionReport(
            order_id=self.order_id, owner=self.owner, instrument=self.request.instrument,
            side=self.side, style=self.request.style, quantity=self.request.quantity,
            filled=self.filled, children=self.children, twice_arrival=self.twice_arrival,
            average_half_ticks=self.paid_half_ticks / self.filled if self.filled else 0.0,
            slippage_basis_points=slippage, fees_micros=self.fees_micros,
            took_ns=now_ns - self.window.begin_ns,
            participation=self.filled / traded if traded else 0.0,
            reason=self.ending_reason,
        )  # fmt: skip


class ExecutionReport(Message, frozen=True, kw_only=True):
    """Fact: a parent order is over, and what it cost against the mid at its start.

    Positive slippage is a cost, in basis points of that mid; `average_half_ticks` is the mean price
    of the fills in half ticks; `participation` is its share of the volume meanwhile.
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


class ParentOver(MoneyMessage, frozen=True, kw_only=True):
    """Fact to risk: no further child of this parent will be asked for; its reservation ends."""

    order_id: str


PROTOCOL = (ExecutionReport, ParentOver)
