"""Raw quoted option chain: what it holds, and which of its rows can be used."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

DROP_REASONS = (
    "bad_strike", "bad_time", "negative_time", "expired", "no_quote", "one_sided",
    "negative_price", "zero_bid", "crossed", "stale", "wide", "duplicate_strike",
)  # fmt: skip


class ChainRefusedError(ValueError):
    """A chain from which no surface can be made; the text says why in one line."""


@dataclass(frozen=True, kw_only=True)
class QuotedChain:
    """Quotes of one underlying at one moment, one row per series; arrays of shape (n_rows,).

    Prices are currency per unit of underlying; NaN means that the side is absent. `years` runs
    from the moment of the quotes to expiry. `age_seconds` is the time since each quote was set.
    """

    strike: Array
    years: Array
    is_call: Flags
    bid_price: Array
    ask_price: Array
    age_seconds: Array | None = None

    def __post_init__(self) -> None:
        """Refuse columns of unequal length."""
        columns = (self.strike, self.years, self.is_call, self.bid_price, self.ask_price)
        optional = () if self.age_seconds is None else (self.age_seconds,)
        lengths = {np.shape(column) for column in (*columns, *optional)}
        if len(lengths) != 1 or len(next(iter(lengths))) != 1:
            raise ChainRefusedError(
                f"expected columns of one equal length, found shapes {sorted(lengths)}; "
                "pass one value per series in each"
            )

    @property
    def size(self) -> int:
        """Return the number of rows."""
        return int(self.strike.shape[0])

    @property
    def mid_price(self) -> Array:
        """Return the mean of bid and ask."""
        return np.asarray(0.5 * (self.bid_price + self.ask_price))

    @property
    def spread(self) -> Array:
        """Return ask minus bid."""
        return np.asarray(self.ask_price - self.bid_price)

    def take(self, rows: NDArray[np.intp] | Flags) -> "QuotedChain":
        """Return the chain of some rows, in the order given."""
        return QuotedChain(
            strike=self.strike[rows], years=self.years[rows], is_call=self.is_call[rows],
            bid_price=self.bid_price[rows], ask_price=self.ask_price[rows],
            age_seconds=None if self.age_seconds is None else self.age_seconds[rows],
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class CleaningRules:
    """Where a quote stops being usable."""

    age_seconds_max: float = 900.0
    spread_share_max: float = 0.6  # Of the mid; a spread below the floor is never too wide.
    spread_floor_share: float = 0.0005  # Of the median strike.


@dataclass(frozen=True, kw_only=True)
class CleanChain:
    """Usable rows sorted by expiry, strike and side (puts first), and counts dropped by reason."""

    chain: QuotedChain
    rows: NDArray[np.intp]
    dropped: Mapping[str, int]


def make_chain(
    strike: ArrayLike, years: ArrayLike, is_call: ArrayLike, bid_price: ArrayLike,
    ask_price: ArrayLike, age_seconds: ArrayLike | None = None,
) -> QuotedChain:  # fmt: skip
    """Return a chain from anything numpy can read; see `QuotedChain` for units.

    Sides are booleans, or 1 for a call and 0 for a put.

    Raises
    ------
    ChainRefusedError
        If columns differ in length, or a side is neither (text would count as a call throughout).
    """
    sides = np.asarray(is_call)
    is_number = np.issubdtype(sides.dtype, np.number) or sides.size == 0
    if sides.dtype != np.bool_ and not (is_number and np.isin(sides, (0, 1)).all()):
        raise ChainRefusedError(
            f"expected sides as booleans, True for a call, found {sides.ravel()[:2].tolist()}; "
            'pass for instance right == "C"'
        )
    return QuotedChain(
        strike=np.asarray(strike, np.float64), years=np.asarray(years, np.float64),
        is_call=sides.astype(np.bool_), bid_price=np.asarray(bid_price, np.float64),
        ask_price=np.asarray(ask_price, np.float64),
        age_seconds=None if age_seconds is None else np.asarray(age_seconds, np.float64),
    )  # fmt: skip


def _faults(chain: QuotedChain, rules: CleaningRules) -> list[tuple[str, Flags]]:
    """Return each reason with the rows it holds for, most basic reason first."""
    bid, ask = chain.bid_price, chain.ask_price
    has_bid, has_ask = np.isfinite(bid), np.isfinite(ask)
    is_strike = np.isfinite(chain.strike) & (chain.strike > 0.0)
    middle = float(np.median(chain.strike[is_strike])) if is_strike.any() else 0.0
    none = np.zeros(chain.size, np.bool_)
    age = chain.age_seconds
    spread_max = np.maximum(
        rules.spread_share_max * chain.mid_price, rules.spread_floor_share * middle
    )
    return [
        ("bad_strike", ~is_strike),
        ("bad_time", ~np.isfinite(chain.years)),
        ("negative_time", chain.years < 0.0),
        ("expired", chain.years == 0.0),
        ("no_quote", ~has_bid & ~has_ask),
        ("one_sided", (~has_bid | ~has_ask) | (ask == 0.0)),
        ("negative_price", (bid < 0.0) | (ask < 0.0)),
        ("zero_bid", bid == 0.0),
        ("crossed", bid > ask),
        ("stale", none if age is None else ~(age <= rules.age_seconds_max)),
        ("wide", chain.spread > spread_max),
    ]


def clean_quotes(chain: QuotedChain, rules: CleaningRules | None = None) -> CleanChain:
    """Return the usable rows of a chain, and how many were dropped for which reason.

    A row with several faults counts once, under the first in the order of `DROP_REASONS`. Of rows
    with equal expiry, strike and side the one with the narrowest spread stays.

    Parameters
    ----------
    chain : QuotedChain
    rules : CleaningRules, optional

    Returns
    -------
    CleanChain

    Raises
    ------
    ChainRefusedError
        If no row is usable.
    """
    is_open = np.ones(chain.size, np.bool_)
    dropped = dict.fromkeys(DROP_REASONS, 0)
    for reason, fault in _faults(chain, rules or CleaningRules()):
        is_hit = fault & is_open
        dropped[reason] = int(is_hit.sum())
        is_open &= ~is_hit
    rows = np.flatnonzero(is_open)
    spread = chain.spread[rows]
    order = np.lexsort((spread, chain.is_call[rows], chain.strike[rows], chain.years[rows]))
    rows = rows[order]
    is_repeat = np.zeros(rows.size, np.bool_)
    is_repeat[1:] = (
        (np.diff(chain.years[rows]) == 0.0)
        & (np.diff(chain.strike[rows]) == 0.0)
        & (chain.is_call[rows][1:] == chain.is_call[rows][:-1])
    )
    dropped["duplicate_strike"] = int(is_repeat.sum())
    rows = rows[~is_repeat]
    if rows.size == 0:
        found = ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count)
        raise ChainRefusedError(
            f"expected at least one usable quote, found none of {chain.size} rows "
            f"({found or 'the chain is empty'}); check the file"
        )
    return CleanChain(chain=chain.take(rows), rows=rows, dropped=dropped)
