"""The cheapest grouping by trying everything: what the integer program is held against.

Independent of it: groups are told apart by the shape of their pay-off, and losses are read from the
pay-off at every strike, not from formulas of strikes.
"""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement
from typing import NamedTuple

MICRO = 1_000_000


class Option(NamedTuple):
    """A series of an account: whole dollars a share, days to expiry, contracts on 100 shares."""

    kind: str  # "call" or "put"
    strike: int
    expiry: int
    quantity: int
    premium: int  # Market value of a contract, dollars.


def cheapest(options: tuple[Option, ...], stock: int, spot: int, *, maintenance: bool) -> Fraction:
    """Return the least requirement in dollars; `stock` counts hundreds of shares, signed."""

    @cache
    def best(left: tuple[int, ...], stock_left: int) -> Fraction:
        first = next((n for n, count in enumerate(left) if count), None)
        if first is None:
            return stock_left * _stock(stock, spot, maintenance)
        found: Fraction | None = None
        for group in _groups(left, first):
            after = list(left)
            for n in group:
                after[n] -= 1
            for hundreds in (0, 1) if stock_left else (0,):
                cost = price(group, hundreds)
                if cost is not None:
                    total = cost + best(tuple(after), stock_left - hundreds)
                    found = total if found is None or total < found else found
        assert found is not None
        return found

    @cache
    def price(group: tuple[int, ...], hundreds: int) -> Fraction | None:
        legs = [options[n] for n in group]
        if hundreds:
            return _hedged(legs, 1 if stock > 0 else -1, spot, maintenance)
        return _unhedged(legs, spot)

    return best(tuple(abs(option.quantity) for option in options), abs(stock))


def _groups(left: tuple[int, ...], first: int) -> Iterator[tuple[int, ...]]:
    """Yield every choice of one to four contracts with at least one of `first`."""
    legs = [n for n, count in enumerate(left) if count and n >= first]
    for size in range(4):
        for rest in combinations_with_replacement(legs, size):
            group = (first, *rest)
            if all(group.count(n) <= left[n] for n in set(group)):
                yield group


def _stock(stock: int, spot: int, maintenance: bool) -> Fraction:
    value = Fraction(100 * spot)
    if not maintenance:
        return value / 2
    if stock > 0:
        return value / 4
    return max(value, Fraction(250)) if spot < 5 else max(value * 3 / 10, Fraction(500))


def _sign(option: Option) -> int:
    return 1 if option.quantity > 0 else -1


def _pays(option: Option, spot: int) -> int:
    return 100 * max(spot - option.strike if option.kind == "call" else option.strike - spot, 0)


def _worst(legs: list[Option]) -> Fraction:
    """Return the largest loss of the pay-off over all prices: it bends at strikes only."""
    points = [0, *(leg.strike for leg in legs), 10_000_000]
    return Fraction(max(0, *(-sum(_sign(leg) * _pays(leg, at) for leg in legs) for at in points)))


def _naked(option: Option, spot: int) -> Fraction:
    away = max(option.strike - spot if option.kind == "call" else spot - option.strike, 0)
    least = Fraction(spot if option.kind == "call" else option.strike, 10)
    return option.premium + 100 * max(Fraction(spot, 5) - away, least)


def _unhedged(legs: list[Option], spot: int) -> Fraction | None:
    """Return what a group without stock must have, or None where no rule knows it."""
    longs = [leg for leg in legs if _sign(leg) > 0]
    shorts = [leg for leg in legs if _sign(leg) < 0]
    if len(legs) == 1:
        return Fraction(0) if longs else _naked(legs[0], spot)
    if len(legs) == 2:
        if len(shorts) == 2 and {leg.kind for leg in legs} == {"call", "put"}:
            one, two = sorted(shorts, key=lambda leg: _naked(leg, spot))
            return _naked(two, spot) + one.premium
        if len(longs) == 1 and longs[0].kind == shorts[0].kind:
            return _worst(legs) if longs[0].expiry >= shorts[0].expiry else None
        return None
    if len(legs) != 4 or len(longs) != 2 or len({leg.expiry for leg in legs}) != 1:
        return None
    return _worst(legs) if _is_four_legged(longs, shorts) else None


def _is_four_legged(longs: list[Option], shorts: list[Option]) -> bool:
    kinds = sorted(leg.kind for leg in longs), sorted(leg.kind for leg in shorts)
    low, high = sorted(leg.strike for leg in longs)
    inner, upper = sorted(leg.strike for leg in shorts)
    if kinds[0] == kinds[1] and len(set(kinds[0])) == 1:  # Butterfly or condor of one right.
        return low < inner <= upper < high and inner - low == high - upper
    if kinds != (["call", "put"], ["call", "put"]):
        return False
    bought = {leg.kind: leg.strike for leg in longs}
    sold = {leg.kind: leg.strike for leg in shorts}
    if not (bought["put"] < sold["put"] and sold["call"] < bought["call"]):
        return False
    is_box = bought["put"] == sold["call"] and sold["put"] == bought["call"]
    return is_box or sold["put"] <= sold["call"]


def _hedged(legs: list[Option], side: int, spot: int, maintenance: bool) -> Fraction | None:
    """Return what a group with a hundred shares must have, the stock's own requirement included."""
    written, guard = ("call", "put") if side > 0 else ("put", "call")
    alone = _stock(side, spot, maintenance)
    by_kind = {leg.kind: leg for leg in legs}
    if len(by_kind) != len(legs):
        return None
    if written in by_kind and _sign(by_kind[written]) > 0:
        return None
    if guard in by_kind and _sign(by_kind[guard]) < 0:
        return None
    sold, bought = by_kind.get(written), by_kind.get(guard)
    inside = Fraction(_pays(sold, spot)) if sold else Fraction(0)
    away = Fraction(100 * max((spot - bought.strike) * side, 0)) if bought else Fraction(0)
    if bought is None:
        # Long stock counts at no more than the call's strike.
        if sold is None or side < 0:
            return alone + inside
        return alone * Fraction(min(spot, sold.strike), spot) + inside
    floor = Fraction(10 * bought.strike)
    if not maintenance:
        return None
    if sold is None:
        return min(alone, floor + away)
    if sold.expiry != bought.expiry:
        return None
    if sold.strike == bought.strike:
        return floor + inside
    if side > 0 and bought.strike < sold.strike:
        return min(floor + away, Fraction(25 * sold.strike)) + inside
    return None
