"""A few series on AAPL near 100.00, and what is said of them."""

from datetime import date
from typing import Any

from environment.instruments import make_option
from environment.messages import Leg, OrderFilled, QuoteUpdate, Side
from environment.option_messages import ChainRow, ChainUpdate
from tests.unit.desk.factories import filled, quote

EXPIRY = date(2014, 7, 3)
PUTS = tuple(make_option("AAPL", EXPIRY, "put", strike) for strike in ("90", "95"))
CALLS = tuple(make_option("AAPL", EXPIRY, "call", strike) for strike in ("105", "110"))
SERIES = PUTS + CALLS
P90, P95, C105, C110 = (series.symbol for series in SERIES)
CONDOR = (
    Leg(instrument=P90, side="buy"), Leg(instrument=P95, side="sell"),
    Leg(instrument=C105, side="sell"), Leg(instrument=C110, side="buy"),
)  # fmt: skip
VERTICAL = CONDOR[:2]
# Bid and ask of each in cents: a condor costs -80 at once, -100 with patience.
TOUCHES = {P90: (20, 25), P95: (65, 70), C105: (60, 65), C110: (15, 20)}


def chain(touches: dict[str, tuple[int, int]] | None = None, size: int = 10) -> ChainUpdate:
    """Return a snapshot of all series at these touches."""
    shown = TOUCHES if touches is None else touches
    return ChainUpdate(
        underlying="AAPL", bid_price=9_999, ask_price=10_001, exchange_ns=0,
        rows=tuple(ChainRow(s, bid, size, ask, size, 0, 0, 0) for s, (bid, ask) in shown.items()),
        first_sequence=1, last_sequence=1,
    )  # fmt: skip


def option_quote(symbol: str, bid: int, ask: int) -> QuoteUpdate:
    return quote(bid, ask, instrument=symbol)


def leg_fill(
    order_id: str, symbol: str, side: Side, price: int, lots: int, leaves: int = 0, **given: Any
) -> OrderFilled:
    return filled(order_id, lots, leaves, instrument=symbol, side=side, price=price, **given)


def structure_fills(
    order_id: str, legs: tuple[Leg, ...], units: int, leaves: int = 0
) -> list[OrderFilled]:
    """Return the fills of so many units at what trades at once, leg by leg."""
    return [
        leg_fill(order_id, leg.instrument, leg.side, TOUCHES[leg.instrument][leg.side == "buy"],
                 units * leg.ratio, leaves * leg.ratio)
        for leg in legs
    ]  # fmt: skip
