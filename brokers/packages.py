"""Structures at a simulated venue: from an order with legs to the exchange's packages and back.

The exchange knows packages, which cannot be replaced: the venue withdraws one and, once that is
certain, enters another for what is then left. In between nothing of it works, and its place is
lost. Everybody behind the venue sees one order of one name.
"""

from typing import Final

import msgspec

from brokers.venue_book import BookedOrder, VenueBook
from environment.messages import (
    CancelOrder,
    Leg,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    ReplaceRequest,
    TimeInForce,
)
from environment.option_messages import (
    LegFilled,
    PackageAccepted,
    PackageCancelled,
    PackageFilled,
    SubmitPackage,
)
from environment.venue_messages import ReportedEvent

LEGS_MOST: Final = 6
BELOW_FILLED: Final = "replaced_below_filled"
PackageEvent = PackageAccepted | LegFilled | PackageFilled | PackageCancelled | OrderRefused
ToExchange = SubmitPackage | CancelOrder


class Change(msgspec.Struct):
    """A replacement under way: the old package is being withdrawn, or the new one entered."""

    quantity: int  # Units in all.
    price: int | None
    is_entered: bool = False
    is_unwanted: bool = False  # A cancel came meanwhile: nothing more is entered.


class PackageState(msgspec.Struct):
    """Part of a venue's state: how the exchange calls each structure, and what is changing."""

    names: dict[str, str] = {}  # Ours, by the exchange's.
    entered: dict[str, str] = {}  # The exchange's present one, by ours.
    changes: dict[str, Change] = {}  # By our name.


class Told(msgspec.Struct, frozen=True):
    """What follows from an event: what is reported, and what the exchange is asked."""

    reports: tuple[ReportedEvent, ...] = ()
    asks: tuple[ToExchange, ...] = ()


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


class Packages:
    """Keeps the structures of one account between the desk and the exchange."""

    def __init__(self, account: str) -> None:
        self._account = account

    def enter(self, state: PackageState, name: str, order: OrderRequest) -> SubmitPackage:
        """Return a structure as a package, under its own name."""
        assert order.price is not None, f"{name}: a package without a net limit"
        state.names[name] = state.entered[name] = name
        return self._package(name, order.legs, order.quantity, order.price, order.time_in_force)

    def cancel(self, state: PackageState, name: str) -> tuple[ToExchange, ...]:
        """Return what to ask of the exchange to take a structure out."""
        change = state.changes.get(name)
        if change is not None:
            change.is_unwanted = True
            return ()
        return (CancelOrder(order_id=state.entered[name]),)

    def replace(self, state: PackageState, book: VenueBook, name: str, to: ReplaceRequest) -> Told:
        """Begin to give a structure other terms."""
        if name not in book.working:
            return Told((OrderRefused(order_id=name, reason="unknown_order: it is over"),))
        if name in state.changes:
            return Told((OrderRefused(order_id=name, reason="replace_under_way"),))
        book.ask(name, to)
        state.changes[name] = Change(to.quantity, to.price)
        return Told(asks=(CancelOrder(order_id=state.entered[name]),))

    def follow(self, state: PackageState, book: VenueBook, event: PackageEvent) -> Told:
        """Return what an event of the exchange means for the order that the desk knows."""
        name = state.names[event.order_id]
        order = book.find(name)
        if order is None:
            return Told()  # Of an order that ended too long ago to be held.
        match event:
            case LegFilled():
                return Told((_leg_fill(name, order, event),))
            case PackageFilled(leaves=leaves):
                if not leaves:
                    _forget(state, name)
                return Told()  # Its legs have told it.
            case PackageAccepted():
                return self._on_accepted(state, name, order, event)
            case PackageCancelled():
                return self._on_cancelled(state, name, order, event)
            case OrderRefused():
                return self._on_refused(state, name, order, event)

    # --- parts ---------------------------------------------------------------------------------

    def _on_accepted(
        self, state: PackageState, name: str, order: BookedOrder, event: PackageAccepted
    ) -> Told:
        change, at_ns = state.changes.get(name), event.exchange_ns
        if change is None:
            accepted = OrderAccepted(
                order_id=name, instrument=order.instrument, exchange_ns=at_ns, price=order.price
            )
            return Told((accepted,))
        del state.changes[name]
        replaced = OrderReplaced(
            order_id=name, instrument=order.instrument, exchange_ns=at_ns,
            price=order.price if change.price is None else change.price,
            leaves=change.quantity - order.filled,
        )  # fmt: skip
        asks = (CancelOrder(order_id=state.entered[name]),) if change.is_unwanted else ()
        return Told((replaced,), asks)

    def _on_cancelled(
        self, state: PackageState, name: str, order: BookedOrder, event: PackageCancelled
    ) -> Told:
        change, left = state.changes.get(name), event.quantity
        reason = event.reason
        if change is not None and not change.is_entered and not change.is_unwanted:
            still = change.quantity - order.filled
            if reason == "requested" and still > 0:
                return Told(asks=(self._again(state, name, order, change, still),))
            reason = BELOW_FILLED if reason == "requested" else reason
        _forget(state, name)
        cancelled = OrderCancelled(
            order_id=name, instrument=order.instrument, quantity=left, reason=reason,
            exchange_ns=event.exchange_ns,
        )  # fmt: skip
        return Told((cancelled,))

    def _again(
        self, state: PackageState, name: str, order: BookedOrder, change: Change, units: int
    ) -> SubmitPackage:
        """Enter what a replacement leaves, under a name that the exchange has not seen."""
        change.is_entered = True
        earlier = sum(1 for ours in state.names.values() if ours == name)
        entered = f"{name}~{earlier + 1}"
        state.names[entered] = name
        state.entered[name] = entered
        price = order.price if change.price is None else change.price
        assert price is not None, f"{name}: a package without a net limit"
        return self._package(entered, order.legs, units, price, order.time_in_force)

    def _on_refused(
        self, state: PackageState, name: str, order: BookedOrder, event: OrderRefused
    ) -> Told:
        change = state.changes.pop(name, None)
        if change is None:  # Of the order itself, or of a cancel that came too late.
            if not order.is_accepted:
                _forget(state, name)
            refused = OrderRefused(
                order_id=name, reason=event.reason, exchange_ns=event.exchange_ns
            )
            return Told((refused,))
        if change.is_entered:
            _forget(state, name)
            cancelled = OrderCancelled(
                order_id=name, instrument=order.instrument,
                quantity=order.quantity - order.filled, reason=f"replace: {event.reason}",
                exchange_ns=event.exchange_ns,
            )  # fmt: skip
            return Told((cancelled,))
        # It was over before it could be withdrawn: how is on the way.
        late = OrderRefused(
            order_id=name, reason=f"unknown_order: {event.reason}", exchange_ns=event.exchange_ns
        )
        return Told((late,) * (2 if change.is_unwanted else 1))

    def _package(
        self, entered: str, legs: tuple[Leg, ...], units: int, net_ticks: int, tif: TimeInForce
    ) -> SubmitPackage:
        return SubmitPackage(
            order_id=entered, account=self._account, side="buy", quantity=units, price=net_ticks,
            legs=legs,
            time_in_force="ioc" if tif == "ioc" else "gtc" if tif == "gtc" else "day",
        )  # fmt: skip


def _forget(state: PackageState, name: str) -> None:
    """Let go of a structure that is out of the market."""
    state.changes.pop(name, None)
    state.entered.pop(name, None)
    for entered in [one for one, ours in state.names.items() if ours == name]:
        del state.names[entered]


def _leg_fill(name: str, order: BookedOrder, event: LegFilled) -> OrderFilled:
    ratio = next((leg.ratio for leg in order.legs if leg.instrument == event.instrument), 0)
    done = order.leg_lots.get(event.instrument, 0) + event.quantity
    return OrderFilled(
        order_id=name, instrument=event.instrument, side=event.side, price=event.price,
        quantity=event.quantity, leaves=max(order.quantity * ratio - done, 0), liquidity="taker",
        fee_micros=event.fee_micros, exchange_ns=event.exchange_ns, trade_id=event.trade_id,
    )  # fmt: skip
