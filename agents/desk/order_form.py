"""Whether a request can be an order at all; what cannot is refused by a rule's name."""

from typing import Final

import msgspec

from environment.instruments import Instrument
from environment.messages import Message, OrderRequest, OrderType

_PRICED: Final[frozenset[OrderType]] = frozenset({"limit", "stop_limit"})
_UNPRICED: Final[frozenset[OrderType]] = frozenset({"market", "stop", "trailing_stop"})
_TRIGGERED: Final[frozenset[OrderType]] = frozenset({"stop", "stop_limit", "trailing_stop"})


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that a request breaks, and what was found."""

    rule: str
    found: str


def find_malformed(request: Message) -> Fault | None:
    """Return what makes a request undecodable: constructing a message checks no types."""
    try:
        msgspec.convert(msgspec.to_builtins(request), type(request))
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        return Fault(rule="malformed", found=str(error))
    return None


def find_fault(request: OrderRequest, instrument: Instrument) -> Fault | None:
    """Return why a well-typed request can be no order in its instrument, or None."""
    return (
        find_quantity_fault(request.quantity, instrument)
        or _price_presence_fault(request)
        or find_price_fault(request.price, instrument)
        or _stop_fault(request, instrument)
        or _duration_fault(request)
    )


def find_quantity_fault(quantity_lots: int, instrument: Instrument) -> Fault | None:
    """Return why a quantity cannot be ordered, or None."""
    if 0 < quantity_lots <= instrument.quantity_lots_max:
        return None
    return Fault(
        rule="quantity", found=f"{quantity_lots}, expected 1 to {instrument.quantity_lots_max} lots"
    )


def find_price_fault(price_ticks: int | None, instrument: Instrument) -> Fault | None:
    """Return why a price cannot be quoted, or None."""
    if price_ticks is None or (price_ticks > 0 and instrument.is_legal_price(price_ticks)):
        return None
    step = instrument.increment(price_ticks)
    return Fault(
        rule="price_increment", found=f"{price_ticks} ticks, expected a multiple of {step}"
    )


def _price_presence_fault(request: OrderRequest) -> Fault | None:
    if request.order_type in _PRICED and request.price is None:
        return Fault(rule="price", found=f"none, a {request.order_type} order needs one")
    if request.order_type in _UNPRICED and request.price is not None:
        return Fault(rule="price", found=f"{request.price}, a {request.order_type} order has none")
    return None


def _stop_fault(request: OrderRequest, instrument: Instrument) -> Fault | None:
    stop = request.stop_price
    if request.order_type not in _TRIGGERED:
        return None if stop is None else Fault(rule="stop_price", found=f"{stop}, expected none")
    if stop is None or not 0 < stop <= instrument.price_ticks_max:
        return Fault(rule="stop_price", found=f"{stop}, expected a number of ticks above 0")
    return None


def _duration_fault(request: OrderRequest) -> Fault | None:
    if request.time_in_force == "gtd":
        return Fault(rule="time_in_force", found="gtd, but a request carries no time of expiry")
    return None
