"""Structures that the gate kept back, filled on paper: whole, at all their legs' far touches."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from environment.record.day import DayTape
from environment.record.touches import Q_ASK, Q_ASK_LOTS, Q_BID, Q_BID_LOTS, Q_INSTRUMENT, Q_TIME

Floats = NDArray[np.float64]


def structure_gain(
    at_ns: int, order: dict[str, Any], day: DayTape, symbols: dict[str, int]
) -> float | None:
    """Return what a structure would have made by the close, in the currency; None: no market.

    It fills in full at the first moment at which what all its legs cost at their far touches is
    within its net price: at these where that is at once, else at its own price. At the close each
    leg is worth its last price, or its last middle where none traded.
    """
    codes = [symbols.get(leg["instrument"]) for leg in order["legs"]]
    if any(code is None for code in codes):
        return None
    quotes = day.touches.quotes
    of_leg = [quotes[quotes[:, Q_INSTRUMENT] == code] for code in codes]
    if any(not len(rows) or rows[0, Q_TIME] > at_ns for rows in of_leg):
        return None
    times = np.unique(np.concatenate([rows[:, Q_TIME] for rows in of_leg]))
    times = np.concatenate(([at_ns], times[times > at_ns]))
    cost, close = np.zeros(len(times)), 0.0
    money = [float(day.money_per_tick_lot[code]) for code in codes]
    for leg, code, rows, each in zip(order["legs"], codes, of_leg, money, strict=True):
        is_buy, ratio = leg["side"] == "buy", int(leg.get("ratio", 1))
        signed = ratio * each if is_buy else -ratio * each
        cost += signed * _far(rows, times, is_buy=is_buy)
        close += signed * _last(rows, float(day.closing_ticks[code]))
    if not np.isfinite(close):
        return None
    # A net price counts cents a share of the contract; so does the price of an option.
    limit = None if order.get("price") is None else float(order["price"]) * max(money)
    reached = np.isfinite(cost) if limit is None else cost <= limit
    if not reached.any():
        return 0.0
    first = int(np.argmax(reached))
    paid = cost[first] if limit is None or first == 0 else limit
    return float((close - paid) * int(order["quantity"]))


def _far(rows: NDArray[np.int64], times: Floats, *, is_buy: bool) -> Floats:
    """Return the far touch at each time; what nobody offers costs without bound."""
    price, lots = (Q_ASK, Q_ASK_LOTS) if is_buy else (Q_BID, Q_BID_LOTS)
    touch = rows[:, price].astype(np.float64)
    touch[rows[:, lots] == 0] = np.inf if is_buy else -np.inf
    return np.asarray(touch[np.searchsorted(rows[:, Q_TIME], times, side="right") - 1])


def _last(rows: NDArray[np.int64], closed: float) -> float:
    if np.isfinite(closed):
        return closed
    both = rows[(rows[:, Q_BID_LOTS] > 0) & (rows[:, Q_ASK_LOTS] > 0)]
    return float(both[-1, Q_BID] + both[-1, Q_ASK]) / 2.0 if len(both) else float("nan")
