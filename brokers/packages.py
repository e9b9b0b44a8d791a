"""Structures at a simulated venue: from an order with legs to the exchange's package and back.

Everybody behind the venue sees one order of one name. It is withdrawn and replaced as any order is:
the exchange carries out a package's replace in one event.
"""

from typing import Final

from brokers.venue_book import BookedOrder
from environment.messages import (
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderReplaced,
    OrderRequest,
)
from environment.option_messages import (
    LegFilled,
    PackageAccepted,
    PackageCancelled,
    PackageFilled,
    PackageReplaced,
    SubmitPackage,
)
from environment.venue_messages import ReportedEvent

LEGS_MOST: Final = 6
PackageEvent = PackageAccepted | LegFilled | PackageFilled | PackageCancelled | PackageReplaced


def fault_of(order: OrderRequest) -> str:
    """Return why an order with legs cannot be entered as a package, or ""."""
    if not 2 <= len(order.legs) <= LEGS_MOST:
        return f"legs: {len(order.legs)}, a package has 2 to {LEGS_MOST}"
    if order.order_type != "limit" or order.price is None:
        return "order_type: a package needs a net limit"
    if order.side != "buy":
        return "side: a package is bought, whichever way its legs go"
    if order.time_in_force not in {"day", "ioc", "gtc"}:
        return f"time_in_force: {order.time_in_force!r}, a package is day, ioc or gtc"
    return ""


def package_of(name: str, account: str, order: OrderRequest) -> SubmitPackage:
    """Return a structure as the package that the exchange takes."""
    assert order.price is not None, f"{name}: a package without a net limit"
    tif = order.time_in_force
    return SubmitPackage(
        order_id=name, account=account, side="buy", quantity=order.quantity, price=order.price,
        legs=order.legs,
        time_in_force="ioc" if tif == "ioc" else "gtc" if tif == "gtc" else "day",
    )  # fmt: skip


def report_of(order: BookedOrder, event: PackageEvent) -> ReportedEvent | None:
    """Return what an event of the exchange is called to those who know one order."""
    name, symbol, at_ns = order.client_order_id, order.instrument, event.exchange_ns
    match event:
        case LegFilled():
            return _leg_fill(order, event)
        case PackageFilled():
            return None  # Its legs have told it.
        case PackageAccepted():
            return OrderAccepted(
                order_id=name, instrument=symbol, exchange_ns=at_ns, price=order.price
            )
        case PackageReplaced(price=price, leaves=leaves):
            return OrderReplaced(
                order_id=name, instrument=symbol, exchange_ns=at_ns, price=price, leaves=leaves
            )
        case PackageCancelled(quantity=left, reason=reason):
            return OrderCancelled(
                order_id=name, instrument=symbol, quantity=left, reason=reason, exchange_ns=at_ns
            )


def _leg_fill(order: BookedOrder, event: LegFilled) -> OrderFilled:
    ratio = next((leg.ratio for leg in order.legs if leg.instrument == event.instrument), 0)
    done = order.leg_lots.get(event.instrument, 0) + event.quantity
    return OrderFilled(
        order_id=order.client_order_id, instrument=event.instrument, side=event.side,
        price=event.price, quantity=event.quantity, leaves=max(order.quantity * ratio - done, 0),
        liquidity=event.liquidity, fee_micros=event.fee_micros, exchange_ns=event.exchange_ns,
        trade_id=event.trade_id,
    )  # fmt: skip
