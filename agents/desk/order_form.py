"""Whether a request can be an order at all; what cannot is refused by a rule's name."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from math import gcd
from typing import Final

import msgspec

from agents.orders import Terms, TrackedOrder, split_order_id
from environment.instruments import Instrument
from environment.messages import Message, OrderRequest, OrderType, ReplaceRequest

_encode: Final = msgspec.msgpack.Encoder().encode

LEGS_MOST: Final = 6
UNITS_MOST: Final = 1_000_000
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
        _decoder(type(request)).decode(_encode(request))
    except OverflowError as error:  # No record could hold it.
        return Fault(rule="malformed", found=str(error))
    except (msgspec.ValidationError, TypeError, ValueError):
        return _told_malformed(request)
    return None


def _told_malformed(request: Message) -> Fault | None:
    """Return it in the words that people read; this is slower, and says `null` for None."""
    try:
        msgspec.convert(msgspec.to_builtins(request), type(request))
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        return Fault(rule="malformed", found=str(error))
    return None


@lru_cache(maxsize=64)
def _decoder(of: type[Message]) -> "msgspec.msgpack.Decoder[Message]":
    return msgspec.msgpack.Decoder(of)


def find_request_fault(
    request: OrderRequest, sender: str, instruments: Mapping[str, Instrument],
    owners: Collection[str], numbers: dict[str, int],
) -> Fault | None:  # fmt: skip
    """Return why a request is no order; from here on its id is used, whatever the verdict.

    `numbers` is the last number of each owner, and is moved on.
    """
    malformed = find_malformed(request)
    if malformed is not None:
        return malformed
    named = split_order_id(request.order_id)
    if named is None or named[0] not in owners:
        return Fault(rule="order_id", found=f"{request.order_id!r}, expected ADDRESS/NUMBER")
    owner, number = named
    if owner != sender:
        return Fault(rule="not_its_own", found=f"{owner!r}, sent by {sender!r}")
    last = numbers.get(owner, -1)
    if number <= last:
        return Fault(rule="duplicate_order_id", found=f"{number}, expected one above {last}")
    numbers[owner] = number
    if not request.legs:
        instrument = instruments.get(request.instrument)
        if instrument is None:
            return Fault(rule="unknown_instrument", found=repr(request.instrument))
        return find_fault(request, instrument)
    for leg in request.legs:
        if leg.instrument not in instruments:
            return Fault(rule="unknown_instrument", found=repr(leg.instrument))
    return _structure_fault(request)


def find_replace_fault(
    request: ReplaceRequest, order: TrackedOrder, instrument: Instrument, sender: str
) -> Fault | None:
    """Return why a replacement of a known order can be none, or None."""
    stranger = find_stranger(request.order_id, sender)
    if stranger is not None:
        return stranger
    wanted = order.wanted()
    price = wanted.price if request.price is None else request.price
    if order.legs:  # A net price may be below nothing; units have no lot of an instrument.
        is_few = 0 < request.quantity <= UNITS_MOST
        fault = None if is_few else Fault(rule="quantity", found=f"{request.quantity} units")
    else:
        fault = find_quantity_fault(request.quantity, instrument) or find_price_fault(
            price, instrument
        )
    if fault is None and Terms(request.quantity, price) == wanted:
        # The exchange says nothing to a replace that changes nothing.
        return Fault(rule="no_change", found=f"{request.quantity} lots at {price}")
    return fault


def find_stranger(order_id: str, sender: str) -> Fault | None:
    """Return a fault where an order is not its sender's own: the kernel says who sent it."""
    named = split_order_id(order_id)
    if named is not None and named[0] == sender:
        return None
    return Fault(rule="not_its_own", found=f"{order_id!r}, sent by {sender!r}")


def _structure_fault(request: OrderRequest) -> Fault | None:
    """Return why a structure can be no order: it needs a net price, and legs of their own."""
    symbols = [leg.instrument for leg in request.legs]
    if len(symbols) < 2 or len(set(symbols)) < len(symbols):
        return Fault(rule="legs", found=f"{symbols}, expected two or more, each once")
    if len(symbols) > LEGS_MOST:
        return Fault(rule="legs", found=f"{len(symbols)}, at most {LEGS_MOST} trade together")
    if any(leg.ratio < 1 for leg in request.legs):
        return Fault(rule="legs", found="a ratio below 1")
    if gcd(*(leg.ratio for leg in request.legs)) > 1:
        return Fault(rule="legs", found="ratios that are not in lowest terms")
    if request.side != "buy":
        return Fault(rule="side", found="a structure is bought, whichever way its legs go")
    if request.order_type != "limit" or request.price is None:
        return Fault(rule="price", found="a structure needs a net limit price")
    if not 0 < request.quantity <= UNITS_MOST:
        return Fault(rule="quantity", found=f"{request.quantity}, expected 1 to 1,000,000")
    return _duration_fault(request)


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
    expires = request.expire_ns
    if request.time_in_force != "gtd":
        if expires is None:
            return None
        found = f"{request.time_in_force}, which has no time of expiry"
        return Fault(rule="time_in_force", found=found)
    if expires is None or expires <= 0:
        return Fault(rule="time_in_force", found="gtd, but no time of expiry")
    return None
