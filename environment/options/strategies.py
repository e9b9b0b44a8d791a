"""Named structures of options and stock: pay-off, break-evens, worst and best case, greeks.

A structure is a tuple of legs, signed in units of the underlying (shares): -100 is one contract
written on 100 shares. Prices are per share, amounts of money for the whole structure. The
pay-off is at the first expiry of the structure; a leg that lives longer is valued there by
Black-Scholes at its own volatility. The builders by name stand in `structures`, margin in
`strategy_margin`.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from environment.options import black_scholes
from environment.options.columns import FloatArray

Kind = Literal["call", "put", "stock"]
_SCAN_POINTS = 4001
_ROUNDING = 1e-12
_FROM_SINGLE = (0, 1, 2, 3, 4, 5)  # Price to rho, where `black_scholes.Greeks` has them.


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One position: `quantity` units of stock, or options on them, bought above 0, sold below."""

    kind: Kind
    quantity: float
    entry_price: float  # Paid or received per unit.
    strike: float = 0.0
    years: float = 0.0  # To expiry, from the moment the structure is looked at.
    sigma_annual: float = 0.0  # Its implied volatility, for greeks and for life after an expiry.

    def __post_init__(self) -> None:
        if self.kind not in ("call", "put", "stock"):
            raise ValueError(f"a leg is a call, a put or stock, found {self.kind!r}")
        if self.quantity == 0.0 or not np.isfinite(self.quantity):
            raise ValueError(f"a leg needs a finite quantity other than 0, found {self.quantity}")
        if self.kind != "stock" and not (self.strike > 0.0 and self.years >= 0.0):
            raise ValueError("an option leg needs a strike above 0 and a time of 0 or more")
        if self.sigma_annual < 0.0 or not np.isfinite(self.entry_price):  # NaN: not known.
            raise ValueError(
                "a leg needs a finite entry price and a volatility of 0 or more, found "
                f"{self.entry_price} and {self.sigma_annual}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """A name and its legs."""

    name: str
    legs: tuple[Leg, ...]

    def __post_init__(self) -> None:
        if not self.legs:
            raise ValueError("a structure needs a leg")

    @property
    def first_expiry_years(self) -> float:
        """Years to the first expiry among the options; 0 for stock alone."""
        return min((leg.years for leg in self.legs if leg.kind != "stock"), default=0.0)

    @property
    def cost(self) -> float:
        """Money paid to enter, negative for a credit."""
        return sum(leg.quantity * leg.entry_price for leg in self.legs)


class Market(NamedTuple):
    """What a value needs beside the spot."""

    rate: float = 0.0
    dividend_yield: float = 0.0


class StructureGreeks(NamedTuple):
    """Money greeks of the whole structure at each spot; units as in `black_scholes.Greeks`."""

    value: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega_per_unit_vol: FloatArray
    theta_per_year: FloatArray
    rho_per_unit_rate: FloatArray


class Extremes(NamedTuple):
    """Worst and best profit over all stock prices from 0 on, and where; infinite if unbounded."""

    worst: float
    worst_spot: float
    best: float
    best_spot: float


_FLAT = Market()


def value(
    structure: Structure, spot: ArrayLike, years_passed: float = 0.0, market: Market = _FLAT
) -> FloatArray:
    """Return the money value of all legs at each spot after `years_passed`."""
    level = np.asarray(spot, dtype=np.float64)
    total = np.zeros(level.shape)
    for leg in structure.legs:
        total += leg.quantity * _leg_value(leg, level, years_passed, market)
    return total


def _leg_value(leg: Leg, spot: FloatArray, years_passed: float, market: Market) -> FloatArray:
    if leg.kind == "stock":
        return spot
    left = leg.years - years_passed
    if left < -1e-12:
        raise ValueError(f"a leg expired {-left} years before the time asked for")
    is_call = leg.kind == "call"
    if left <= 1e-12:
        return np.maximum(spot - leg.strike if is_call else leg.strike - spot, 0.0)
    # A stock price of 0 stays there: the limit from above is close enough to the last bit.
    positive = np.maximum(spot, 1e-100)
    rate, dividend = market
    return black_scholes.price(
        positive, leg.strike, left, leg.sigma_annual, rate, dividend, is_call
    )


def pay_off(structure: Structure, spot: ArrayLike, market: Market = _FLAT) -> FloatArray:
    """Return the money value at the first expiry, at each stock price then."""
    return value(structure, spot, structure.first_expiry_years, market)


def profit(structure: Structure, spot: ArrayLike, market: Market = _FLAT) -> FloatArray:
    """Return pay-off less the money paid to enter, without interest, at each stock price."""
    return pay_off(structure, spot, market) - structure.cost


def greeks(structure: Structure, spot: ArrayLike, market: Market = _FLAT) -> StructureGreeks:
    """Return the money greeks of the structure now, at each spot above 0."""
    level = np.asarray(spot, dtype=np.float64)
    totals = [np.zeros(level.shape) for _ in StructureGreeks._fields]
    for leg in structure.legs:
        if leg.kind == "stock":
            totals[0] += leg.quantity * level
            totals[1] += leg.quantity
            continue
        single = black_scholes.price_and_greeks(
            level, leg.strike, leg.years, leg.sigma_annual, *market, leg.kind == "call"
        )
        for row, total in enumerate(totals):
            np.add(total, leg.quantity * single[_FROM_SINGLE[row]], out=total)
    return StructureGreeks(*totals)


def _is_piecewise_straight(structure: Structure) -> bool:
    first = structure.first_expiry_years
    return all(leg.kind == "stock" or leg.years <= first + 1e-12 for leg in structure.legs)


def _knots(structure: Structure) -> FloatArray:
    """Stock prices between which the profit is straight, or finely spaced where it is curved."""
    strikes = sorted({leg.strike for leg in structure.legs if leg.kind != "stock"})
    prices = [leg.entry_price for leg in structure.legs if leg.kind == "stock"]
    top = 4.0 * max([*strikes, *prices])
    knots = [0.0, *strikes, top]
    if _is_piecewise_straight(structure):
        return np.array(knots)
    return np.unique(np.concatenate([np.linspace(0.0, top, _SCAN_POINTS), strikes]))


def _slope_beyond(structure: Structure, market: Market) -> float:
    """Slope of the profit far above all strikes: calls and stock count, puts are worthless.

    A call that lives on then is worth the stock less the yield it does not earn.
    """
    first, slope = structure.first_expiry_years, 0.0
    for leg in structure.legs:
        left = leg.years - first if leg.kind == "call" else 0.0
        if leg.kind != "put":
            slope += leg.quantity * float(np.exp(-market.dividend_yield * left))
    size = sum(abs(leg.quantity) for leg in structure.legs)
    return slope if abs(slope) > _ROUNDING * size else 0.0


def break_evens(structure: Structure, market: Market = _FLAT) -> tuple[float, ...]:
    """Return the stock prices at the first expiry where the profit changes sign, rising.

    Where it is 0 between two prices, with a loss on one side and a gain on the other, both are
    returned; what is within rounding of 0 counts as 0.
    """
    knots = _knots(structure)
    gains = profit(structure, knots, market)
    size = sum(abs(leg.quantity) * max(leg.entry_price, leg.strike) for leg in structure.legs)
    signs = np.where(np.abs(gains) <= _ROUNDING * size, 0.0, np.sign(gains))
    found: list[float] = []
    there = np.flatnonzero(signs)  # Between two of these the profit is 0 at every knot, if any.
    for i, j in pairwise(there.tolist()):
        if signs[i] == signs[j]:
            continue
        if j == i + 1:
            found.append(_root(structure, float(knots[i]), float(knots[j]), market))
        else:
            found += sorted({float(knots[i + 1]), float(knots[j - 1])})
    slope = _slope_beyond(structure, market)
    last = float(signs[there[-1]]) if there.size else 0.0
    if slope * last < 0.0:
        # Beyond the last knot the profit is straight, or nearly so.
        found.append(float(knots[-1] - gains[-1] / slope))
    return tuple(found)


def _root(structure: Structure, low: float, high: float, market: Market) -> float:
    """Bisection with a straight-line start: exact at once where the profit is straight."""
    ends = profit(structure, np.array([low, high]), market)
    middle = low - ends[0] * (high - low) / (ends[1] - ends[0])
    for _ in range(200):
        here = float(profit(structure, middle, market))
        if here == 0.0 or high - low < 1e-13 * high:
            break
        if here * ends[0] > 0.0:
            low = middle
        else:
            high = middle
        if _is_piecewise_straight(structure):
            break
        middle = 0.5 * (low + high)
    return float(middle)


def extremes(structure: Structure, market: Market = _FLAT) -> Extremes:
    """Return worst and best profit at the first expiry over all stock prices from 0 on.

    Where a leg outlives the first expiry the search runs over a fine grid to four times the
    highest strike.
    """
    knots = _knots(structure)
    gains = profit(structure, knots, market)
    low, high = int(np.argmin(gains)), int(np.argmax(gains))
    slope = _slope_beyond(structure, market)
    worst = (float(gains[low]), float(knots[low])) if slope >= 0.0 else (-np.inf, np.inf)
    best = (float(gains[high]), float(knots[high])) if slope <= 0.0 else (np.inf, np.inf)
    return Extremes(*worst, *best)
