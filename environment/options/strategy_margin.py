"""Strategy-based (Regulation T) margin of one structure.

The requirement is before any premium received, which may be applied to it: what a broker locks is
this number, what the customer adds is this number plus the money paid for bought options less the
premium received. Grouping a whole account into structures is another module's work; here the legs
of one structure cover each other as far as the rules recognise.

References
----------
FINRA rule 4210(f)(2); Cboe rule 10.3; Regulation T, 12 CFR 220.12.
"""

from dataclasses import replace

import numpy as np

from environment.options.strategies import Leg, Structure

STOCK_INITIAL = 0.50
NAKED_SHARE, INDEX_SHARE, LEAST_SHARE = 0.20, 0.15, 0.10
PARITY_SHARE = 0.10  # Of the strike, for a conversion or reversal.
_EPSILON = 1e-9


def naked_requirement(leg: Leg, spot: float, *, is_broad_index: bool = False) -> float:
    """Return the requirement of one short option alone, for its whole quantity.

    Premium, plus the larger of 20 % of the underlying (15 % for a broad index) less the amount out
    of the money, and 10 % of the underlying for a call or of the strike for a put.
    """
    share = INDEX_SHARE if is_broad_index else NAKED_SHARE
    is_call = leg.kind == "call"
    out_of_the_money = max(leg.strike - spot if is_call else spot - leg.strike, 0.0)
    least = LEAST_SHARE * (spot if is_call else leg.strike)
    return -leg.quantity * (leg.entry_price + max(share * spot - out_of_the_money, least))


def reg_t_requirement(structure: Structure, spot: float, *, is_broad_index: bool = False) -> float:
    """Return the initial requirement of the structure at a stock price, in money.

    Conversions and reversals have their own rule. Otherwise stock is margined at 50 % and covers
    short options first (long stock calls, short stock puts); long options that expire no earlier
    cover short ones to the largest loss of the legs together; what is left is naked, and of naked
    calls and puts only the larger side counts, with the premium of the other (a short straddle).
    """
    parity = _parity_requirement(structure, spot)
    if parity is not None:
        return parity
    stock = sum(leg.quantity for leg in structure.legs if leg.kind == "stock")
    required = STOCK_INITIAL * abs(stock) * spot
    options = [leg for leg in structure.legs if leg.kind != "stock"]
    options = _without_covered(options, stock)
    longs = [leg for leg in options if leg.quantity > 0.0]
    shorts = [leg for leg in options if leg.quantity < 0.0]
    covered, naked = _pair(longs, shorts)
    return required + _largest_loss(covered) + _naked(naked, spot, is_broad_index=is_broad_index)


def _parity_requirement(structure: Structure, spot: float) -> float | None:
    """10 % of the strike for stock against put and call of one strike; None for anything else."""
    if len(structure.legs) != 3:
        return None
    by_kind = {leg.kind: leg for leg in structure.legs}
    if set(by_kind) != {"stock", "put", "call"}:
        return None
    stock, put, call = by_kind["stock"], by_kind["put"], by_kind["call"]
    is_parity = put.strike == call.strike and put.years == call.years
    if not (is_parity and stock.quantity == put.quantity == -call.quantity):
        return None
    in_the_money = max(put.strike - spot, 0.0) if stock.quantity < 0.0 else 0.0
    return abs(stock.quantity) * (PARITY_SHARE * put.strike + in_the_money)


def _without_covered(options: list[Leg], stock: float) -> list[Leg]:
    """Take away the short options that the stock itself covers."""
    kind, room, left = ("call" if stock > 0.0 else "put"), abs(stock), []
    for leg in options:
        if leg.kind == kind and leg.quantity < 0.0 and room > 0.0:
            used = min(-leg.quantity, room)
            room -= used
            if -leg.quantity - used > _EPSILON:
                left.append(replace(leg, quantity=leg.quantity + used))
        else:
            left.append(leg)
    return left


def _pair(longs: list[Leg], shorts: list[Leg]) -> tuple[list[Leg], list[Leg]]:
    """Split into legs that belong to spreads and short options left naked.

    A long option covers a short one of its right if it expires no earlier. The nearest strikes are
    paired first, which never leaves more naked than another order would.
    """
    room = {i: leg.quantity for i, leg in enumerate(longs)}
    covered: list[Leg] = []
    naked: list[Leg] = []
    for short in sorted(shorts, key=lambda leg: -leg.years):
        need = -short.quantity
        fit = [i for i, leg in enumerate(longs) if _covers(leg, short)]
        for i in sorted(fit, key=lambda i: (abs(longs[i].strike - short.strike), i)):
            used = min(room[i], need)
            if used > _EPSILON:
                room[i] -= used
                need -= used
                covered += [replace(longs[i], quantity=used), replace(short, quantity=-used)]
        if need > _EPSILON:
            naked.append(replace(short, quantity=-need))
    # A long option left over is paid in full; counting its pay-off can only cut a loss.
    spare = [replace(longs[i], quantity=q) for i, q in room.items() if q > _EPSILON]
    return (covered + spare if covered else []), naked


def _covers(long_leg: Leg, short: Leg) -> bool:
    return long_leg.kind == short.kind and long_leg.years >= short.years


def _largest_loss(legs: list[Leg]) -> float:
    """Largest loss of intrinsic value over all stock prices, as if all legs expired together."""
    if not legs:
        return 0.0
    strikes = np.array([0.0, *sorted({leg.strike for leg in legs})])
    worth = np.zeros(strikes.size)
    for leg in legs:
        inside = strikes - leg.strike if leg.kind == "call" else leg.strike - strikes
        worth += leg.quantity * np.maximum(inside, 0.0)
    return max(0.0, -float(worth.min()))


def _naked(legs: list[Leg], spot: float, *, is_broad_index: bool) -> float:
    sides = {"call": 0.0, "put": 0.0}
    premium = {"call": 0.0, "put": 0.0}
    for leg in legs:
        sides[leg.kind] += naked_requirement(leg, spot, is_broad_index=is_broad_index)
        premium[leg.kind] -= leg.quantity * leg.entry_price
    larger = "call" if sides["call"] >= sides["put"] else "put"
    other = "put" if larger == "call" else "call"
    return sides[larger] + premium[other]
