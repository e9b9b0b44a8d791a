"""How the dealers' hedges went with the stock: measured from minute to minute."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MINUTE_NS: Final = 60_000_000_000
_LEAST: Final = 10  # Minutes in which something was hedged, for a correlation to be told.


def hedge_flow(moments_ns: NDArray[np.int64], shares: Floats, spot: Floats) -> dict[str, Any]:
    """Return how shares bought by all dealers in a minute went with the change of the price.

    Parameters
    ----------
    moments_ns : int64 array of shape (minutes,)
    shares : array of shape (minutes,)
        What the dealers together hold of the stock.
    spot : array of shape (minutes,)
        The stock's middle, currency; NaN where a side was empty.

    Returns
    -------
    dict
        `correlation` and `per_100_000_shares` (change of the price that goes with so many, by least
        squares) are None where too little was hedged; `bought` is net, `turned_over` gross.
    """
    together = np.diff(moments_ns) == _MINUTE_NS  # Not across a halt or a night.
    flow, moved = np.diff(shares), np.diff(spot)
    known = together & np.isfinite(moved)
    flow, moved = flow[known], moved[known]
    found: dict[str, Any] = {
        "minutes": len(flow), "bought": int(flow.sum()), "turned_over": int(np.abs(flow).sum()),
        "correlation": None, "per_100_000_shares": None,
    }  # fmt: skip
    if np.count_nonzero(flow) >= _LEAST and flow.std() > 0.0 and moved.std() > 0.0:
        found["correlation"] = round(float(np.corrcoef(flow, moved)[0, 1]), 3)
        slope = float(np.cov(flow, moved)[0, 1] / flow.var(ddof=1))
        found["per_100_000_shares"] = round(100_000.0 * slope, 3)
    return found
