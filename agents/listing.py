"""Listed series: new ones while a floor runs, and what a chain tells of each."""

from collections.abc import Mapping
from typing import Final

import msgspec

from environment.instruments import MICROS, Instrument, make_option
from environment.messages import QuoteUpdate
from environment.option_messages import ChainRow, SeriesListed

_NO_SEQUENCE: Final = -1  # Of a touch that a chain told.


def series_of(listed: SeriesListed, known: Mapping[str, Instrument]) -> Instrument:
    """Return a listed series as an instrument; increments are those of its underlying's others."""
    like = next(
        (one for one in known.values()
         if one.kind == "option" and one.underlying == listed.underlying), None,
    )  # fmt: skip
    made = make_option(
        listed.underlying, listed.expiry, listed.right, str(listed.strike_micros / MICROS),
        multiplier=listed.multiplier, style=listed.style, settlement=listed.settlement,
    )  # fmt: skip
    made = msgspec.structs.replace(
        made, symbol=listed.instrument, strike_micros=listed.strike_micros
    )
    return made if like is None else msgspec.structs.replace(made, tick_rule=like.tick_rule)


def touch_of(row: ChainRow, exchange_ns: int) -> QuoteUpdate:
    """Return a series' touch in a chain as its own feed would tell it."""
    return QuoteUpdate(
        instrument=row.instrument, bid_price=row.bid_price if row.bid_quantity else None,
        bid_quantity=row.bid_quantity, ask_price=row.ask_price if row.ask_quantity else None,
        ask_quantity=row.ask_quantity, last_price=row.last_price or None, volume=row.volume,
        exchange_ns=exchange_ns, first_sequence=_NO_SEQUENCE, last_sequence=_NO_SEQUENCE,
    )  # fmt: skip
