"""Structures at a simulated venue: from an order with legs to the exchange's package and back.

Everybody behind the venue sees one order of one name. It is withdrawn and replaced as any order is:
the exchange carries out a package's replace in one event. All legs of a trade are one report, so
that neither a killed venue nor a desk that comes back ever holds a part of a unit.
"""

from collections.abc import Sequence
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
from environment.venue_messages import LegsFilled, ReportedEvent

LEGS_MOST: Final = 6
PackageEvent = PackageAccepted | LegFilled | PackageFilled | PackageCancelled | PackageReplaced
_Told = PackageAccepted | PackageCancelled | PackageReplaced


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


def report_of(order: BookedOrder, event: _Told) -> ReportedEvent:
    """Return what an event of the exchange is called to those who know one order."""
    name, symbol, at_ns = order.client_order_id, order.instrument, event.exchange_ns
    match event:
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


def legs_filled(order: BookedOrder, legs: Sequence[LegFilled]) -> LegsFilled:
    """Return one trade of a structure as one fact: every print of every leg."""
    ratios = {leg.instrument: leg.ratio for leg in order.legs}
    left = {
        symbol: order.quantity * ratio - order.leg_lots.get(symbol, 0)
        for symbol, ratio in ratios.items()
    }
    fills: list[OrderFilled] = []
    for leg in legs:
        left[leg.instrument] = left.get(leg.instrument, 0) - leg.quantity
        fills.append(OrderFilled(
            order_id=order.client_order_id, instrument=leg.instrument, side=leg.side,
            price=leg.price, quantity=leg.quantity, leaves=max(left[leg.instrument], 0),
            liquidity=leg.liquidity, fee_micros=leg.fee_micros, exchange_ns=leg.exchange_ns,
            trade_id=leg.trade_id,
        ))  # fmt: skip
    return LegsFilled(order_id=order.client_order_id, fills=tuple(fills))
