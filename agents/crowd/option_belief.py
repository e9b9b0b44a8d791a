"""What a trader of options believes of rates, dividends and borrowing, against what is true.

A dealer prices by its own curves. An arbitrageur reckons with its own rate, dividends and cost of
borrowing. An end user has no price of its own but the market's: what its curves make of a series
more, or less, than everybody's do is what it adds to the middle that it sees.
"""

from agents.crowd.option_rows import (
    EXPIRY_FLOATS,
    K_EXPIRY,
    K_TICK,
    SERIES_FLOATS,
    X_SPOT,
    increment,
)
from agents.crowd.option_value import log_move, value_series
from agents.crowd.rows import Floats
from environment.compiled import njit

# An end user's own floats, from its TR_BELIEF on: errors, of which growth is rate less borrowing.
B_RATE, B_GROWTH, B_DIVIDEND = range(3)


@njit
def believed_ticks(
    floats: Floats, table: int, count: int, series: int, spot: float, seconds: float, bid: int,
    rate_error: float, growth_error: float, dividend_error: float,
) -> int:  # fmt: skip
    """Return what own curves make of a series beyond the market's middle, in whole increments.

    Parameters
    ----------
    table, count, series
        Where the table begins in `floats`, how many series it has, and which is meant.
    spot, seconds
        The stock's price now, and the time since the day's open.
    bid
        Of the series, in ticks: at it prices have the increment that is meant.
    rate_error, growth_error, dividend_error
        As `option_value.value_series` takes them.
    """
    row = table + series * SERIES_FLOATS
    expiry = table + count * SERIES_FLOATS + int(floats[row + K_EXPIRY]) * EXPIRY_FLOATS
    first_spot = floats[expiry + X_SPOT]
    moved = log_move(spot, first_spot)
    own = value_series(
        floats, row, expiry, spot, first_spot, moved, seconds, 0.0, 0.0, 0.0, 0.0, 0.0,
        rate_error, growth_error, dividend_error,
    )  # fmt: skip
    common = value_series(
        floats, row, expiry, spot, first_spot, moved, seconds, 0.0, 0.0, 0.0, 0.0, 0.0,
        0.0, 0.0, 0.0,
    )  # fmt: skip
    step = increment(floats, row, float(bid))
    return round((own[0] - common[0]) / floats[row + K_TICK] / step) * step
