"""A venue's own record of one account: its orders, what it reported, and what is held."""

from typing import Final

import msgspec

from environment.errors import Defect
from environment.messages import (
    Leg,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    ReplaceRequest,
    TimeInForce,
)
from environment.structures import units_done
from environment.venue_messages import (
    AccountEvent,
    LegsFilled,
    OrderAtVenue,
    PositionMoved,
    Reportable,
    ReportedEvent,
    ReportsGone,
    VenueOrderState,
    VenueReport,
)

_KEPT: Final = 1_000  # Ended orders and reports that can still be asked for.


class BookedOrder(msgspec.Struct):
    """One order: its terms, what has traded, and how it ended.

    One with `legs` counts in units of the structure; of each leg `leg_lots` and `leg_ticks` (price
    times lots) have traded.
    """

    client_order_id: str
    instrument: str
    side: str
    quantity: int
    price: int | None
    filled: int = 0
    paid_ticks: int = 0  # Sum of price times lots.
    state: VenueOrderState = "working"
    reason: str = ""
    asked: list[tuple[int, int | None]] = []  # Quantity and price of replaces under way.

    is_accepted: bool = False
    ended_at: int | None = None  # Lots that will have traded in all.
    legs: tuple[Leg, ...] = ()
    leg_lots: dict[str, int] = {}
    leg_ticks: dict[str, int] = {}
    time_in_force: TimeInForce = "day"

    @property
    def is_over(self) -> bool:
        """Return whether it has left the market and all its fills were heard."""
        return self.ended_at is not None and self.filled >= self.ended_at

    def follow(self, event: ReportedEvent) -> None:
        """Take an event in; a cancel may come before the fill that it left over."""
        match event:
            case OrderAccepted(price=price):
                self.is_accepted = True
                self.price = self.price if price is None else price
            case OrderFilled() if self.legs:
                self._fill_leg(event)
            case OrderFilled(quantity=quantity, price=price, leaves=leaves):
                self.is_accepted = True
                self.filled += quantity
                self.paid_ticks += price * quantity
                if leaves == 0:
                    self.state, self.ended_at = "filled", self.filled
            case OrderCancelled(quantity=left, reason=reason):
                self.state, self.reason = "cancelled", reason
                self.ended_at = max(self.quantity - left, self.filled)
            case OrderRefused(reason=reason):
                if self.is_accepted or reason.startswith("unknown_order"):
                    del self.asked[:1]
                else:
                    self.state, self.reason, self.ended_at = "refused", reason, self.filled
            case OrderReplaced(price=price):
                self._replace(price)
            case OrderTriggered():
                self.is_accepted = True

    def _fill_leg(self, fill: OrderFilled) -> None:
        """Take a leg's fill in; a unit has traded once all its legs have."""
        self.is_accepted = True
        symbol = fill.instrument
        self.leg_lots[symbol] = self.leg_lots.get(symbol, 0) + fill.quantity
        self.leg_ticks[symbol] = self.leg_ticks.get(symbol, 0) + fill.quantity * fill.price
        self.filled = units_done(self.legs, self.leg_lots)
        is_even = all(
            self.leg_lots.get(leg.instrument, 0) == self.filled * leg.ratio for leg in self.legs
        )
        if fill.leaves == 0 and is_even:
            self.state, self.ended_at = "filled", self.filled

    def _replace(self, price: int | None) -> None:
        """Take the terms that were asked for; without such, the market moved the price itself."""
        self.price = price
        for index, (quantity, asked) in enumerate(self.asked):
            if asked in {None, price}:
                self.quantity = quantity
                del self.asked[: index + 1]
                return

    def shown(self) -> OrderAtVenue:
        """Return it as the venue tells it."""
        return OrderAtVenue(
            client_order_id=self.client_order_id,
            instrument=self.instrument,
            side="buy" if self.side == "buy" else "sell",
            quantity=self.quantity,
            filled=self.filled,
            price=self.price,
            state=self.state,
            reason=self.reason,
            average_ticks=round(self.paid_ticks / self.filled) if self.filled else 0,
            legs=self.legs,
            leg_lots=dict(self.leg_lots),
            leg_average_ticks={
                symbol: round(ticks / self.leg_lots[symbol])
                for symbol, ticks in self.leg_ticks.items()
            },
        )


class VenueBook(msgspec.Struct):
    """All that a venue must not forget of an account."""

    working: dict[str, BookedOrder] = {}
    ended: dict[str, BookedOrder] = {}  # The last ones, oldest first.
    reports: list[VenueReport] = []  # The last ones, oldest first.
    sequence: int = 0
    positions: dict[str, int] = {}
    unexplained: int = 0  # Events of orders that this book does not hold.

    def knows(self, client_order_id: str) -> bool:
        """Return whether an order of this id was taken before."""
        return client_order_id in self.working or client_order_id in self.ended

    def find(self, client_order_id: str) -> BookedOrder | None:
        """Return an order that is working or has ended lately."""
        return self.working.get(client_order_id) or self.ended.get(client_order_id)

    def take(self, order: BookedOrder) -> None:
        """Hold a new order."""
        if self.knows(order.client_order_id):
            raise Defect(f"{order.client_order_id} was taken before.")
        self.working[order.client_order_id] = order

    def ask(self, client_order_id: str, replace: ReplaceRequest) -> None:
        """Note the terms that a replace asks for; its answer names the price alone."""
        order = self.working.get(client_order_id)
        if order is not None:
            order.asked.append((replace.quantity, replace.price))

    def report(self, event: Reportable | AccountEvent) -> VenueReport:
        """Take an event in, and return it with its number."""
        self.sequence += 1
        report = VenueReport(sequence=self.sequence, event=event)
        self.take_report(report)
        return report

    def take_report(self, report: VenueReport) -> None:
        """Take in what was reported, here or before a restart."""
        self.sequence = report.sequence
        self.reports.append(report)
        if len(self.reports) >= 2 * _KEPT:
            del self.reports[:_KEPT]
        self._follow(report.event)

    def reports_after(self, sequence: int) -> list[VenueReport | ReportsGone]:
        """Return what was reported after a number, and first what of it is kept no more."""
        kept_from = self.reports[0].sequence if self.reports else self.sequence + 1
        answer: list[VenueReport | ReportsGone] = []
        if sequence < kept_from - 1:
            answer.append(ReportsGone(through=kept_from - 1))
        answer += [report for report in self.reports if report.sequence > sequence]
        return answer

    def _follow(self, event: Reportable | AccountEvent) -> None:
        if isinstance(event, LegsFilled):
            for fill in event.fills:
                self._follow(fill)
            return
        if isinstance(event, PositionMoved):
            for symbol, change in (
                (event.instrument, event.change),
                (event.into, event.into_change),
            ):
                if change:
                    self.positions[symbol] = self.positions.get(symbol, 0) + change
        if isinstance(event, AccountEvent):
            return
        if isinstance(event, OrderFilled):
            signed = event.quantity if event.side == "buy" else -event.quantity
            held = self.positions.get(event.instrument, 0) + signed
            self.positions[event.instrument] = held
        order = self.working.get(event.order_id)
        if order is None:
            self.unexplained += not isinstance(event, OrderRefused)  # A late cancel's refusal.
            return
        order.follow(event)
        if order.is_over:
            self._end(order)

    def _end(self, order: BookedOrder) -> None:
        order.asked.clear()
        del self.working[order.client_order_id]
        self.ended[order.client_order_id] = order
        if len(self.ended) >= 2 * _KEPT:
            for old in list(self.ended)[:_KEPT]:
                del self.ended[old]
