"""What a stock account must have: initial and maintenance margin, in integers."""

from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from environment.instruments import Instrument, half_even, to_micros

Ints = NDArray[np.int64]

_PERCENT: Final = 100
INITIAL_PERCENT: Final = 50  # Regulation T, of the market value of either side.
LONG_PERCENT: Final = 25
SHORT_PERCENT: Final = 30
CHEAP_SHARE: Final = to_micros(5)  # Below it, short stock is margined whole.
_CHEAP_FLOOR: Final = to_micros("2.50")
_SHORT_FLOOR: Final = to_micros(5)

# First trade date of each settlement cycle in the United States, and its length in sessions.
_CYCLES: Final = ((date(2024, 5, 28), 1), (date(2017, 9, 5), 2), (date.min, 3))


def settlement_sessions(traded: date) -> int:
    """Return how many sessions after its trade date a stock trade settles."""
    return next(sessions for first, sessions in _CYCLES if traded >= first)


def initial_micros(value_micros: int) -> int:
    """Return the margin for opening a position of this market value, long or short."""
    return half_even(abs(value_micros) * INITIAL_PERCENT, _PERCENT)


def maintenance_per_lot(instrument: Instrument, mark_ticks: int, *, short: bool) -> int:
    """Return the margin that one lot must keep: micros.

    Long: 25 % of market value. Short: 30 %, and at least $5.00 a share; below $5.00 a share, its
    whole value and at least $2.50 a share.

    References
    ----------
    FINRA Rule 4210(c).
    """
    value = instrument.notional_micros(mark_ticks, 1)
    if not short:
        return half_even(value * LONG_PERCENT, _PERCENT)
    shares = instrument.lot_units * instrument.multiplier
    price = half_even(value * instrument.unit_scale, shares)
    if price < CHEAP_SHARE:
        return max(value, half_even(_CHEAP_FLOOR * shares, instrument.unit_scale))
    floor = half_even(_SHORT_FLOOR * shares, instrument.unit_scale)
    return max(half_even(value * SHORT_PERCENT, _PERCENT), floor)


def equity_and_requirement(
    cash: Ints, position: Ints, instruments: tuple[Instrument, ...], marks: tuple[int, ...]
) -> tuple[Ints, Ints]:
    """Return (equity, maintenance requirement) per account, micros.

    Parameters
    ----------
    cash : int64 array of shape (accounts,)
    position : int64 array of shape (accounts, instruments)
        Lots, negative for shorts.

    Raises
    ------
    OverflowError
        If a position's value does not fit an int64.
    """
    equity, required = cash.copy(), np.zeros_like(cash)
    for column, (instrument, mark) in enumerate(zip(instruments, marks, strict=True)):
        lots = position[:, column]
        long_margin = maintenance_per_lot(instrument, mark, short=False)
        short_margin = maintenance_per_lot(instrument, mark, short=True)
        value = instrument.notional_micros(mark, 1)
        largest = int(np.abs(lots).max(initial=0)) * max(value, short_margin)
        if largest >= 1 << 62:
            raise OverflowError(f"a position in {instrument.symbol} is worth {largest} micros")
        equity += lots * value
        required += np.where(lots >= 0, lots * long_margin, -lots * short_margin)
    return equity, required
