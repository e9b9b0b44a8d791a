"""Series that are listed while a floor runs: adjusted ones, and new ones."""

from collections.abc import Mapping

import msgspec

from environment.instruments import MICROS, Instrument, make_option
from environment.option_messages import SeriesListed


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
