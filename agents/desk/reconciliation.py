"""Where the desk's table and the venue's account differ, as data; nothing is decided here."""

from collections.abc import Iterator

from agents.desk.order_table import OrderTable
from agents.orders import TrackedOrder
from environment.messages import OrderAccepted, OrderCancelled, OrderFilled, OrderRefused
from environment.venue_messages import (
    AccountReport,
    BreakFound,
    OrderAtVenue,
    ReportedEvent,
)


def find_breaks(
    table: OrderTable, report: AccountReport, own_prefix: str, *, is_patchy: bool = False
) -> list[BreakFound]:
    """Return every difference of a table to an account, both as of the same report.

    Orders whose outcome is unknown are not differences yet, unless reports are gone (`is_patchy`):
    their end may have been in those. `own_prefix` begins the client order ids of this desk's
    earlier starts: such an order is ours although nobody here owns it.
    """
    return [
        *_unheld_orders(table, report, own_prefix),
        *_missing_orders(table, report, is_patchy),
        *_positions(table, report),
    ]


def missed_events(
    tracked: TrackedOrder, order: OrderAtVenue, now_ns: int
) -> Iterator[ReportedEvent]:
    """Yield the events that would bring an order to where the venue has it.

    Fills whose reports are gone come as one, at their mean price, with trade id 0 and no fee: what
    is known of them.
    """
    name, symbol, filled = order.client_order_id, order.instrument, tracked.filled
    missed = order.filled - filled
    if order.state == "refused":
        if not tracked.is_accepted:
            yield OrderRefused(order_id=name, reason=order.reason, exchange_ns=now_ns)
        return
    if not tracked.is_accepted:
        yield OrderAccepted(order_id=name, instrument=symbol, exchange_ns=now_ns, price=order.price)
    if order.legs:
        yield from _missed_legs(tracked, order, now_ns)
    elif missed > 0:
        yield OrderFilled(
            order_id=name, instrument=symbol, side=order.side, price=order.average_ticks,
            quantity=missed, leaves=order.quantity - order.filled, liquidity="maker",
            fee_micros=0, exchange_ns=now_ns, trade_id=0,
        )  # fmt: skip
    if order.state == "cancelled" and tracked.ended_at is None:
        yield OrderCancelled(
            order_id=name, instrument=symbol, quantity=order.quantity - order.filled,
            reason=order.reason or "reconciled", exchange_ns=now_ns,
        )  # fmt: skip


def _missed_legs(
    tracked: TrackedOrder, order: OrderAtVenue, now_ns: int
) -> Iterator[ReportedEvent]:
    for leg in order.legs:
        done, had = order.leg_lots.get(leg.instrument, 0), tracked.leg_lots.get(leg.instrument, 0)
        if done > had:
            yield OrderFilled(
                order_id=order.client_order_id, instrument=leg.instrument, side=leg.side,
                price=order.leg_average_ticks[leg.instrument], quantity=done - had,
                leaves=order.quantity * leg.ratio - done, liquidity="maker", fee_micros=0,
                exchange_ns=now_ns, trade_id=0,
            )  # fmt: skip


def _unheld_orders(
    table: OrderTable, report: AccountReport, own_prefix: str
) -> Iterator[BreakFound]:
    for order in report.orders:
        name = order.client_order_id
        if name in table.orders:
            continue
        is_ours = name in table.ended or (len(own_prefix) > 1 and name.startswith(own_prefix))
        yield BreakFound(
            kind="unowned_order" if is_ours else "foreign_order", subject=name, ours=0,
            venues=order.leaves, is_booked=False,
            text=f"{name}: {order.side} {order.leaves} {order.instrument} works at the venue, "
            + ("and nobody here owns it; cancelled" if is_ours else "placed by someone else"),
        )  # fmt: skip


def _missing_orders(
    table: OrderTable,
    report: AccountReport,
    is_patchy: bool,  # noqa: FBT001  private
) -> Iterator[BreakFound]:
    working = {order.client_order_id for order in report.orders}
    for name, held in table.orders.items():
        is_sure = not held.is_asking and held.tracked.ended_at is None
        if name in working or not (is_sure or is_patchy):
            continue
        yield BreakFound(
            kind="missed_end", subject=name, ours=held.leaves, venues=0, is_booked=False,
            text=f"{name}: works here, and not at the venue",
        )  # fmt: skip


def _positions(table: OrderTable, report: AccountReport) -> Iterator[BreakFound]:
    for symbol in sorted(table.positions.keys() | report.positions.keys()):
        ours, venues = table.positions.get(symbol, 0), report.positions.get(symbol, 0)
        if ours != venues:
            yield BreakFound(
                kind="position", subject=symbol, ours=ours, venues=venues, is_booked=False,
                text=f"{symbol}: {ours} lots here, {venues} at the venue",
            )  # fmt: skip
