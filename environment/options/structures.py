"""Builders of the named structures: each returns a `Structure` from its options.

An `Option` is one listed series with its price and volatility; `shares` is how many shares the
structure is written on. Bought is positive; each docstring says what is bought and sold.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from environment.options.strategies import Leg, Structure


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One series: its right, strike, years to expiry, price per share and implied volatility."""

    kind: Literal["call", "put"]
    strike: float
    years: float
    price: float
    sigma_annual: float = 0.0

    def leg(self, quantity: float) -> Leg:
        """Return a position of `quantity` shares' worth of this option."""
        return Leg(
            kind=self.kind,
            quantity=quantity,
            entry_price=self.price,
            strike=self.strike,
            years=self.years,
            sigma_annual=self.sigma_annual,
        )


def _stock(price: float, shares: float) -> Leg:
    return Leg(kind="stock", quantity=shares, entry_price=price)


def _demand(is_met: bool, name: str, rule: str) -> None:  # noqa: FBT001  # a condition, not a switch
    if not is_met:
        raise ValueError(f"{name}: {rule}")


def _same(name: str, *options: Option, right: str | None = None) -> None:
    _demand(len({option.years for option in options}) == 1, name, "one expiry for all legs")
    if right is not None:
        _demand(all(option.kind == right for option in options), name, f"every leg a {right}")


def _rising(name: str, *options: Option) -> None:
    strikes = [option.strike for option in options]
    _demand(all(a < b for a, b in pairwise(strikes)), name, "strikes rise")


def covered_call(call: Option, stock_price: float, shares: float = 100.0) -> Structure:
    """Stock bought, call sold."""
    _same("covered call", call, right="call")
    return Structure(name="covered call", legs=(_stock(stock_price, shares), call.leg(-shares)))


def protective_put(put: Option, stock_price: float, shares: float = 100.0) -> Structure:
    """Stock bought, put bought."""
    _same("protective put", put, right="put")
    return Structure(name="protective put", legs=(_stock(stock_price, shares), put.leg(shares)))


def collar(put: Option, call: Option, stock_price: float, shares: float = 100.0) -> Structure:
    """Stock and put bought, call of a higher strike sold."""
    _demand(put.kind == "put" and call.kind == "call", "collar", "a put below a call")
    _rising("collar", put, call)
    legs = (_stock(stock_price, shares), put.leg(shares), call.leg(-shares))
    return Structure(name="collar", legs=legs)


def conversion(put: Option, call: Option, stock_price: float, shares: float = 100.0) -> Structure:
    """Stock and put bought, call of the same strike and expiry sold."""
    _same("conversion", put, call)
    _demand(put.kind == "put" and call.kind == "call", "conversion", "a put and a call")
    _demand(put.strike == call.strike, "conversion", "one strike")
    legs = (_stock(stock_price, shares), put.leg(shares), call.leg(-shares))
    return Structure(name="conversion", legs=legs)


def reversal(put: Option, call: Option, stock_price: float, shares: float = 100.0) -> Structure:
    """The conversion with all signs turned: stock and put sold, call bought."""
    turned = conversion(put, call, stock_price, -shares)
    return Structure(name="reversal", legs=turned.legs)


def vertical(bought: Option, sold: Option, shares: float = 100.0) -> Structure:
    """One option bought, another of the same right and expiry sold."""
    _same("vertical", bought, sold, right=bought.kind)
    _demand(bought.strike != sold.strike, "vertical", "two strikes")
    return Structure(name="vertical", legs=(bought.leg(shares), sold.leg(-shares)))


def calendar(near: Option, far: Option, shares: float = 100.0) -> Structure:
    """Far option bought, near one of the same right sold; strikes may differ (a diagonal)."""
    _demand(near.kind == far.kind, "calendar", "one right")
    _demand(near.years < far.years, "calendar", "the bought leg expires later")
    name = "calendar" if near.strike == far.strike else "diagonal"
    return Structure(name=name, legs=(far.leg(shares), near.leg(-shares)))


def straddle(put: Option, call: Option, shares: float = 100.0) -> Structure:
    """Put and call of one strike and expiry, both bought (`shares` below 0: both sold)."""
    _same("straddle", put, call)
    _demand(put.kind == "put" and call.kind == "call", "straddle", "a put and a call")
    _demand(put.strike == call.strike, "straddle", "one strike")
    return Structure(name="straddle", legs=(put.leg(shares), call.leg(shares)))


def strangle(put: Option, call: Option, shares: float = 100.0) -> Structure:
    """Put and call of a higher strike, both bought (`shares` below 0: both sold)."""
    _same("strangle", put, call)
    _demand(put.kind == "put" and call.kind == "call", "strangle", "a put below a call")
    _rising("strangle", put, call)
    return Structure(name="strangle", legs=(put.leg(shares), call.leg(shares)))


def butterfly(low: Option, middle: Option, high: Option, shares: float = 100.0) -> Structure:
    """One of each wing bought, two of the middle sold; strikes evenly spaced."""
    _same("butterfly", low, middle, high, right=low.kind)
    _rising("butterfly", low, middle, high)
    is_even = abs(low.strike + high.strike - 2.0 * middle.strike) < 1e-9 * middle.strike
    _demand(is_even, "butterfly", "strikes evenly spaced")
    return Structure(
        name="butterfly", legs=(low.leg(shares), middle.leg(-2.0 * shares), high.leg(shares))
    )


def condor(
    lowest: Option, low: Option, high: Option, highest: Option, shares: float = 100.0
) -> Structure:
    """Both wings bought, both inner options sold, all of one right."""
    _same("condor", lowest, low, high, highest, right=lowest.kind)
    _rising("condor", lowest, low, high, highest)
    legs = (lowest.leg(shares), low.leg(-shares), high.leg(-shares), highest.leg(shares))
    return Structure(name="condor", legs=legs)


def iron_condor(
    long_put: Option,
    short_put: Option,
    short_call: Option,
    long_call: Option,
    shares: float = 100.0,
) -> Structure:
    """Put vertical and call vertical, both for a credit; an iron butterfly where they meet."""
    options = (long_put, short_put, short_call, long_call)
    _same("iron condor", *options)
    kinds = [option.kind for option in options]
    _demand(kinds == ["put", "put", "call", "call"], "iron condor", "two puts, then two calls")
    _rising("iron condor", long_put, short_put)
    _rising("iron condor", short_call, long_call)
    _demand(short_put.strike <= short_call.strike, "iron condor", "the sold put below the call")
    name = "iron butterfly" if short_put.strike == short_call.strike else "iron condor"
    legs = (
        long_put.leg(shares),
        short_put.leg(-shares),
        short_call.leg(-shares),
        long_call.leg(shares),
    )
    return Structure(name=name, legs=legs)


def box(
    low_call: Option, low_put: Option, high_call: Option, high_put: Option, shares: float = 100.0
) -> Structure:
    """Low call and high put bought, high call and low put sold: pays the strikes' difference."""
    _same("box", low_call, low_put, high_call, high_put)
    kinds = [option.kind for option in (low_call, low_put, high_call, high_put)]
    _demand(kinds == ["call", "put", "call", "put"], "box", "a call and a put at each strike")
    _demand(low_call.strike == low_put.strike, "box", "one low strike")
    _demand(high_call.strike == high_put.strike, "box", "one high strike")
    _rising("box", low_call, high_call)
    legs = (
        low_call.leg(shares),
        low_put.leg(-shares),
        high_call.leg(-shares),
        high_put.leg(shares),
    )
    return Structure(name="box", legs=legs)


def ratio(bought: Option, sold: Option, sold_per_bought: float, shares: float = 100.0) -> Structure:
    """One option bought, several of the same right and expiry sold (below 1: a backspread)."""
    _same("ratio", bought, sold, right=bought.kind)
    _demand(sold_per_bought > 0.0, "ratio", "a positive number sold for each bought")
    legs = (bought.leg(shares), sold.leg(-shares * sold_per_bought))
    return Structure(name="ratio", legs=legs)
