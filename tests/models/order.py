"""One order as the models see it."""

import math
from dataclasses import dataclass
from typing import Final

from environment.market import layout as at

BOOK, PEG, STOP, OPEN_LIST, CLOSE_LIST, NOWHERE = "book", "peg", "stop", "open", "close", "-"
SIGN: Final = {at.BUY: 1, at.SELL: -1}
STOPS: Final = {at.STOP, at.STOP_LIMIT, at.TRAILING_STOP}


@dataclass(slots=True)
class Order:
    """One order; `price` is None for one without a limit."""

    identity: int
    account: int
    side: int
    kind: int = at.LIMIT
    tif: int = at.DAY
    mode: int = at.ALLOW
    flags: int = 0
    price: int | None = None
    leaves: int = 1  # What it shows (all of it, but for an iceberg).
    display: int = 0
    stop: int = 0
    expire: int = 0
    reserve: int = 0
    filled: int = 0
    sequence: int = 0
    place: str = NOWHERE
    mark: int | None = None  # A trailing stop's best print since it entered.

    @property
    def hidden(self) -> bool:
        """Say whether nobody sees it."""
        return bool(self.flags & at.F_HIDDEN)

    @property
    def total_leaves(self) -> int:
        """Return what is left, shown and in reserve."""
        return self.leaves + self.reserve

    @property
    def trigger(self) -> float:
        """Return the print at which a stop goes off."""
        if self.kind != at.TRAILING_STOP:
            return self.stop
        if self.mark is None:
            return SIGN[self.side] * math.inf
        return self.mark + SIGN[self.side] * self.stop

    def allows(self, price: float) -> bool:
        """Say whether its limit lets it trade at a price."""
        return self.price is None or SIGN[self.side] * (self.price - price) >= 0


def limit_of(order: Order) -> float:
    """Return an order's limit; infinite where it has none."""
    return SIGN[order.side] * math.inf if order.price is None else order.price
