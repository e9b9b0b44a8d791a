"""What a scenario says of clearing: rates, borrowing, exercise and margin."""

from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta

from scenarios.config.market import Rate, Share, Symbol, Text

Yearly = Annotated[float, Meta(ge=-0.2, le=2.0)]
Years = Annotated[float, Meta(gt=0.0, le=100.0)]


class Curves(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The world's one truth about rates and borrowing; agents may believe in another.

    `rates` is a file of par yields by day, from which the zero curve of the first day is made;
    without one, `rate` holds for all times. `borrow` is the yearly cost of borrowing each stock:
    one for all times, or averages from the first day to each of some years ahead, which rise.
    """

    rates: Text | None = None
    rate: Yearly = 0.0
    borrow: dict[Symbol, Rate | tuple[tuple[Years, Rate], ...]] = {}

    def __post_init__(self) -> None:
        """Refuse costs of borrowing without times, or with times that do not rise."""
        for symbol, told in self.borrow.items():
            if isinstance(told, tuple):
                ends = [years for years, _ in told]
                if not ends or any(b <= a for a, b in pairwise(ends)):
                    raise ValueError(f"expected borrow of {symbol} at years that rise")


class Clearing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How accounts are cleared between days.

    `forget_share` of the background's holders overlook an early exercise. `volatility_shock` raises
    and lowers volatilities in portfolio margin, as a share of them. Cash earns `credit_rate` and
    owes `debit_rate` a year. With `liquidation` the broker closes what a margin call still lacks at
    the open, and on expiry day what could not be carried if it were assigned. With `initial_margin`
    it refuses the background's orders that open what lacks margin, where options are listed.
    """

    forget_share: Share = 0.0
    volatility_shock: Annotated[float, Meta(ge=0.0, lt=1.0)] = 0.0
    credit_rate: Share = 0.0
    debit_rate: Share = 0.0
    liquidation: bool = True
    initial_margin: bool = True
