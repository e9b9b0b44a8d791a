"""What each recognised position must have, contract by contract, in integers.

Amounts are micros. A requirement leaves the option premium out: long options are paid in full and
lend nothing, so an account must hold (net market value of its options) + (requirements) in net
liquidating value. The functions are compiled, and called alike from compiled code and from Python.

References
----------
FINRA Rule 4210(c), (f)(2), (g); Cboe Rule 10.3; Regulation T, 12 CFR 220.12.
"""

from typing import Final

from environment.compiled import njit

STOCK, CALL, PUT = 0, 1, 2
INITIAL, MAINTENANCE = 0, 1

NAKED_PERCENT: Final = 20
INDEX_PERCENT: Final = 15  # Of a broad index.
LEAST_PERCENT: Final = 10
STOCK_INITIAL_PERCENT: Final = 50
STOCK_LONG_PERCENT: Final = 25
STOCK_SHORT_PERCENT: Final = 30
HEDGED_PERCENT: Final = 10  # Of the strike that limits the loss of hedged stock.
COLLAR_PERCENT: Final = 25  # Of the strike of a collar's call, at most.
CHEAP_SHARE: Final = 5_000_000  # Below it, short stock is margined whole.
CHEAP_FLOOR: Final = 2_500_000
SHORT_FLOOR: Final = 5_000_000


@njit
def percent_of(amount: int, percent: int) -> int:
    """Return a percentage of an amount, rounded once, halves to the even micro."""
    product = amount * percent
    quotient = product // 100
    twice = 2 * (product - 100 * quotient)
    if twice > 100 or (twice == 100 and quotient % 2 == 1):
        quotient += 1
    return quotient


@njit
def stock_requirement(shares: int, spot: int, basis: int) -> int:
    """Return what stock alone must have; `shares` below 0 for a short position."""
    size = abs(shares)
    value = size * spot
    if basis == INITIAL:
        return percent_of(value, STOCK_INITIAL_PERCENT)
    if shares >= 0:
        return percent_of(value, STOCK_LONG_PERCENT)
    if spot < CHEAP_SHARE:
        return max(value, size * CHEAP_FLOOR)
    return max(percent_of(value, STOCK_SHORT_PERCENT), size * SHORT_FLOOR)


@njit
def naked_requirement(
    kind: int, strike: int, shares: int, premium: int, spot: int, percent: int
) -> int:
    """Return what one written contract alone must have, its premium included."""
    away = max(strike - spot if kind == CALL else spot - strike, 0) * shares
    least = percent_of((spot if kind == CALL else strike) * shares, LEAST_PERCENT)
    return premium + max(percent_of(spot * shares, percent) - away, least)


@njit
def spread_requirement(kind: int, bought: int, sold: int, shares: int) -> int:
    """Return the largest loss of a spread, by the strikes bought and sold."""
    loss = bought - sold if kind == CALL else sold - bought
    return max(loss, 0) * shares


@njit
def covered_requirement(kind: int, strike: int, shares: int, spot: int, basis: int) -> int:
    """Return what a contract written against stock adds to the stock's own requirement.

    Stock under a written call counts at no more than the strike; a put written against short stock
    adds what it is in the money.
    """
    inside = max(spot - strike if kind == CALL else strike - spot, 0) * shares
    if kind == PUT:
        return inside
    rate = STOCK_INITIAL_PERCENT if basis == INITIAL else STOCK_LONG_PERCENT
    return inside - percent_of(inside, rate)


@njit
def protected_change(kind: int, strike: int, shares: int, spot: int) -> int:
    """Return by how much a bought option lowers the maintenance of the stock it protects (<= 0).

    Stock and put, or short stock and call: 10 % of the strike and what it is out of the money.
    """
    away = max(spot - strike if kind == PUT else strike - spot, 0) * shares
    alone = stock_requirement(shares if kind == PUT else -shares, spot, MAINTENANCE)
    return min(percent_of(strike * shares, HEDGED_PERCENT) + away - alone, 0)


@njit
def parity_change(kind: int, strike: int, shares: int, spot: int) -> int:
    """Return what a conversion (`kind` CALL) or reversal (PUT) adds to the stock's maintenance.

    10 % of the strike in place of the stock's, and what the written option is in the money.
    """
    inside = max(spot - strike if kind == CALL else strike - spot, 0) * shares
    alone = stock_requirement(shares if kind == CALL else -shares, spot, MAINTENANCE)
    return percent_of(strike * shares, HEDGED_PERCENT) + inside - alone


@njit
def collar_change(put_strike: int, call_strike: int, shares: int, spot: int) -> int:
    """Return what a collar adds to its stock's maintenance.

    The lesser of 10 % of the put's strike with what the put is out of the money, and 25 % of the
    call's strike; and what the call is in the money.
    """
    floor = percent_of(put_strike * shares, HEDGED_PERCENT) + max(spot - put_strike, 0) * shares
    capped = min(floor, percent_of(call_strike * shares, COLLAR_PERCENT))
    inside = max(spot - call_strike, 0) * shares
    return capped + inside - stock_requirement(shares, spot, MAINTENANCE)


@njit
def strangle_requirement(first: int, premium: int, second: int, other: int) -> int:
    """Return what a written put and a written call must have together.

    The larger of the two naked requirements, and the premium of the other contract.
    """
    return first + other if first >= second else second + premium
