"""A series' terms in its row, and series that are listed while the market runs."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from environment.instruments import Instrument
from environment.market import layout as at

if TYPE_CHECKING:
    from environment.market.market import Market


def write_terms(
    row: NDArray[np.int64], instrument: Instrument, last_trading_ns: int, last_close: int
) -> None:
    """Write what a series is into its row, and centre its ladders on its last close, in ticks."""
    assert instrument.expiry is not None, "an option has an expiry"
    bands, levels = instrument.tick_bands(), int(row[at.I_WIDTH])
    row[at.I_STEP_LOW], row[at.I_STEP_HIGH] = bands[0].increment, bands[-1].increment
    row[at.I_THRESHOLD] = bands[-1].from_ticks
    row[at.I_VALUE] = instrument.tick_value_micros
    row[at.I_TICKS_PER_UNIT] = 1_000_000 // instrument.tick_micros
    row[at.I_MULTIPLIER], row[at.I_STRIKE] = instrument.multiplier, instrument.strike_micros or 0
    row[at.I_RIGHT] = at.RIGHTS.index(instrument.right or "call")
    row[at.I_STYLE] = at.STYLES.index(instrument.style or "american")
    row[at.I_SETTLEMENT] = at.SETTLEMENTS.index(instrument.settlement or "physical")
    row[at.I_EXPIRY_DAY], row[at.I_LAST_TRADING_NS] = instrument.expiry.toordinal(), last_trading_ns
    row[at.I_LAST_CLOSE] = last_close
    centre = max(last_close, levels)
    row[at.I_BASE] = centre + (levels >> 2) - levels
    row[at.I_BASE_ASK] = centre - (levels >> 2)


def list_series(
    market: "Market", number: int, instrument: Instrument, *, at_ns: int, last_trading_ns: int = 0,
    last_close: int = 0,
) -> None:  # fmt: skip
    """List a series in a row that was kept for one: it opens at once if its stock trades.

    Such a row is `add_series`'s, retired before anybody traded in it.

    Raises
    ------
    ValueError
        If the row's series has been listed before.
    """
    row = market.section(at.S_INSTRUMENT)[number]
    if row[at.I_LISTED_NS] or not row[at.I_RETIRED]:
        raise ValueError(f"{instrument.symbol}: row {number} has been listed before")
    write_terms(row, instrument, last_trading_ns, last_close)
    row[at.I_RETIRED], row[at.I_LISTED_NS] = 0, at_ns
    market.post_event(at_ns, at.E_PHASE, number, at.CONTINUOUS)
