"""How a list of series goes on: new expiries, and strikes as the stock moves.

Each expiry has so many strikes on each side of the stock, within a band around it. Strikes stand
apart by price and expiry: monthly ones $2.50 below $25 and $5 above; weekly ones $0.50 below $100,
$1 to $150 and $2.50 above. Weekly expiries come on a Thursday, so that five lie ahead besides the
week's own and the monthly ones.

References
----------
Cboe Rules 4.5(d), Short Term Option Series, and 4.5, Interpretation .01. What the lists of AAPL
(2014-06-02 to 06-06) and GOOG (2015-12-23 and 24) show is held to by tests/data/test_listing.py:
the Thursday, the five, $2.50 and $5 around the stock. They show no stock below $150 that was not
split, so the two lower weekly intervals are the exchange's words alone; and strikes far from the
stock are further apart in them than here, which keeps within `band`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, timedelta
from itertools import islice
from typing import Final

import msgspec

from environment.feeds.listing import (
    expiries_by_rule,
    last_trading_day,
    strike_step,
    third_friday,
)
from environment.instruments import MICROS, Instrument, Right, TickRuleName, make_option

_WEEKLY_STEPS: Final = ((100 * MICROS, 500_000), (150 * MICROS, 1_000_000))
_WEEKLY_WIDE_STEP: Final = 2_500_000
_THURSDAY, _FRIDAY = 3, 4
_RIGHTS: Final[tuple[Right, Right]] = ("call", "put")


class ListingRule(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange keeps listed of one stock.

    `strikes` stand on each side of the stock in every expiry, none further from it than the share
    `band` of its price; `weeklies` other Fridays and `monthlies` third Fridays ahead have series.
    """

    strikes: int = 5
    band: float = 0.25
    weeklies: int = 5
    monthlies: int = 4


def is_monthly(expiry: date) -> bool:
    """Return whether series of an expiry trade last on a third Friday, or just before a holiday."""
    third = third_friday(expiry.year, expiry.month)
    return 0 <= (third - last_trading_day(expiry)).days <= 1


def interval(price_micros: int, *, monthly: bool) -> int:
    """Return the distance between an expiry's strikes at a price, in micros."""
    if monthly:
        return strike_step(price_micros)
    known = (step for below, step in _WEEKLY_STEPS if price_micros < below)
    return next(known, _WEEKLY_WIDE_STEP)


def _strikes_from(micros: int, *, monthly: bool, up: bool) -> Iterator[int]:
    """Yield the rule's strikes beyond a price, nearest first; that price itself is not among them.

    Intervals are those of the price that each strike is left from, so that up and down the same
    strikes are met.
    """
    while True:
        if up:
            step = interval(micros, monthly=monthly)
            micros = (micros // step + 1) * step
        else:
            step = interval(micros - 1, monthly=monthly)
            micros = -(-micros // step) * step - step
        if micros <= 0:
            return
        yield micros


def strikes_to_add(
    listed: Collection[int], spot_micros: int, rule: ListingRule, *, monthly: bool
) -> tuple[int, ...]:
    """Return the strikes that one expiry lacks, in micros, the nearest the stock first.

    On each side the list goes on from its outermost strike (but from no further across the stock
    than a side has strikes) until that side has enough, or the band ends. A strike at the stock's
    price counts as above it.
    """
    found = {
        strike
        for up in (True, False)
        for strike in _one_side(listed, spot_micros, rule, monthly=monthly, up=up)
    }
    return tuple(sorted(found - set(listed), key=lambda k: (abs(k - spot_micros), k)))


def _one_side(
    listed: Collection[int], spot_micros: int, rule: ListingRule, *, monthly: bool, up: bool
) -> Iterator[int]:
    """Yield the strikes that the list goes on with, upwards or downwards."""
    above, below = spot_micros - 1, spot_micros  # Strikes beyond these are above, and below.
    start = above if up else below
    if listed:
        across = _strikes_from(below if up else above, monthly=monthly, up=not up)
        furthest = [start, *islice(across, rule.strikes + 1)][-1]
        start = max(*listed, furthest) if up else min(*listed, furthest)
    count = sum((strike >= spot_micros) == up for strike in listed)
    for strike in _strikes_from(start, monthly=monthly, up=up):
        is_beyond = (strike >= spot_micros) == up
        is_near = abs(strike - spot_micros) <= rule.band * spot_micros
        if is_beyond and (count >= rule.strikes or not is_near):
            return
        if is_near:
            yield strike
            count += is_beyond


def expiries_to_add(
    day: date, listed: Collection[date], rule: ListingRule,
    is_session: Callable[[date], bool] = lambda _: True,
) -> tuple[date, ...]:  # fmt: skip
    """Return the expiries that come onto the list on a morning, rising.

    Weekly ones come on a Thursday or Friday, the day's own excepted; monthly ones when an earlier
    has gone. An expiry is listed already if another trades last on the same day.
    """
    ends = {last_trading_day(expiry) for expiry in listed}
    weeklies = rule.weeklies if day.weekday() >= _THURSDAY else 0
    due = expiries_by_rule(day, weeklies=weeklies, monthlies=rule.monthlies, is_session=is_session)
    friday = day + timedelta(days=_FRIDAY - day.weekday())
    # This week's own series are no new ones, but where they are monthly.
    ahead = (e for e in due if e > day and e not in ends and (e > friday or is_monthly(e)))
    return tuple(ahead)


def series_to_add(
    underlying: str, spot_micros: int, listed: Mapping[date, Collection[int]],
    opened: Collection[date], rule: ListingRule, *, tick_rule: TickRuleName = "option_penny",
    taken: Collection[str] = (),
) -> tuple[Instrument, ...]:  # fmt: skip
    """Return the calls and puts to list now, most wanted first: nearest strikes, then expiries.

    Parameters
    ----------
    listed
        Strikes in micros of each expiry that trades.
    opened
        Expiries that have none yet.
    taken
        Symbols in use, of adjusted contracts too: none is given twice.
    """
    ranked = list[tuple[int, date, int]]()
    for expiry in sorted({*listed, *opened}):
        missing = strikes_to_add(
            listed.get(expiry, ()), spot_micros, rule, monthly=is_monthly(expiry)
        )
        ranked += [(rank, expiry, strike) for rank, strike in enumerate(missing)]
    made = (
        make_option(underlying, expiry, right, _currency(strike), tick_rule=tick_rule)
        for _, expiry, strike in sorted(ranked)
        for right in _RIGHTS
    )
    return tuple(one for one in made if one.symbol not in taken)


def _currency(micros: int) -> str:
    whole, part = divmod(micros, MICROS)
    return f"{whole}.{part:06d}"
