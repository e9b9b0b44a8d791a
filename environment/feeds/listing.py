"""Which series are listed: a choice from a real chain, or weekly and monthly expiries by rule.

Strikes by rule stand $2.50 apart below $25 and $5 apart above; a stock that moves has strikes
added, so that there are always as many on each side of it. (Cboe Rule 4.5 allows $10 above $200;
the real lists of AAPL in June 2014 and GOOG in December 2015, both above $600, have $5 around the
stock in every monthly expiry of the next three months. Nothing at hand shows a stock below $25.)
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, timedelta
from itertools import count, islice
from math import erf, isfinite, log, sqrt
from typing import Final

import numpy as np

from environment.feeds.listed import ListedSeries, Moment
from environment.instruments import MICROS, Instrument, Right, TickRuleName, make_option
from environment.options.implied_volatility import implied_from_forward

_STEPS: Final = ((25 * MICROS, 2_500_000),)
_WIDE_STEP: Final = 5_000_000
_THURSDAY, _FRIDAY = 3, 4
_HORIZON: Final = 0.3  # Volatility taken where no quote of an expiry gives one.


def third_friday(year: int, month: int) -> date:
    """Return the third Friday of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(_FRIDAY - first.weekday()) % 7 + 14)


def weekly_fridays(day: date, number: int) -> tuple[date, ...]:
    """Return the Fridays that weekly expiries stand for on a day, rising; third Fridays do not.

    On a Thursday the list goes on by a week: from then on this week's own is not counted.
    """
    first = day + timedelta(days=(_FRIDAY - day.weekday()) % 7)
    if day.weekday() in (_THURSDAY, _FRIDAY):
        first += timedelta(weeks=1)
    fridays = (first + timedelta(weeks=week) for week in count())
    return tuple(islice((f for f in fridays if f != third_friday(f.year, f.month)), number))


def expiries_by_rule(
    day: date, *, weeklies: int = 5, monthlies: int = 4,
    is_session: Callable[[date], bool] = lambda _: True,
) -> tuple[date, ...]:  # fmt: skip
    """Return expiries listed on a day: this Friday, further weekly ones, third Fridays; rising.

    `day` itself counts where it is a Friday: those contracts expire in the evening. A Friday
    without a session gives way to the session before it.
    """
    friday = day + timedelta(days=(_FRIDAY - day.weekday()) % 7)
    found = {friday, *weekly_fridays(day, weeklies)}
    year, month, months = day.year, day.month, set[date]()
    while len(months) < monthlies:
        third = third_friday(year, month)
        if third >= day:
            months.add(third)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return tuple(sorted({_session_before(one, is_session) for one in found | months}))


def _session_before(day: date, is_session: Callable[[date], bool]) -> date:
    while not is_session(day):
        day -= timedelta(days=1)
    return day


def last_trading_day(expiry: date) -> date:
    """Return the calendar day on which an expiry's series trade last: Friday before a Saturday."""
    is_saturday = expiry.weekday() == _FRIDAY + 1
    return expiry - timedelta(days=1) if is_saturday else expiry


def strike_step(price_micros: int) -> int:
    """Return the distance between strikes at a price, in micros."""
    return next((step for below, step in _STEPS if price_micros < below), _WIDE_STEP)


def strikes_around(spot_micros: int, each_side: int) -> tuple[int, ...]:
    """Return strikes in micros, rising: `each_side` below the spot and as many at it or above."""
    found = list[int]()
    strike = -(-spot_micros // strike_step(spot_micros)) * strike_step(spot_micros)
    for _ in range(each_side):
        found.append(strike)
        strike += strike_step(strike)
    strike = found[0]
    for _ in range(each_side):
        step = strike_step(strike - 1)
        strike = (strike - 1) // step * step
        if strike <= 0:
            break
        found.append(strike)
    return tuple(sorted(found))


def missing_strikes(
    listed: Collection[int], spot_micros: int, each_side: int
) -> tuple[int, ...]:  # fmt: skip
    """Return the strikes to add now that the stock stands at `spot_micros`, rising."""
    wanted = set(strikes_around(spot_micros, each_side))
    return tuple(sorted(wanted - set(listed)))


def list_by_rule(
    underlying: str, spot_micros: int, expiries: Iterable[date], each_side: int, *,
    tick_rule: TickRuleName = "option_penny", listed: Collection[str] = (),
) -> tuple[Instrument, ...]:  # fmt: skip
    """Return calls and puts of every strike around the spot and expiry that are not listed yet."""
    rights: tuple[Right, Right] = ("call", "put")
    made = (
        make_option(underlying, expiry, right, _currency(strike), tick_rule=tick_rule)
        for expiry in sorted(expiries)
        for strike in strikes_around(spot_micros, each_side)
        for right in rights
    )
    return tuple(one for one in made if one.symbol not in listed)


def instrument_of(series: ListedSeries, *, tick_rule: TickRuleName = "option_penny") -> Instrument:
    """Return a real chain's series as an instrument of this market."""
    return make_option(
        series.underlying, series.expiry, series.right, _currency(series.strike_micros),
        tick_rule=tick_rule,
    )  # fmt: skip


def _currency(micros: int) -> str:
    whole, part = divmod(micros, MICROS)
    return f"{whole}.{part:06d}"


# --- a choice from a real chain ------------------------------------------------------------------


def choose_series(
    listed: Sequence[ListedSeries], spot: float, day: date, count: int, *, moment: Moment = "open"
) -> tuple[tuple[ListedSeries, ...], tuple[ListedSeries, ...]]:  # fmt: skip
    """Return (chosen, omitted): of every expiry the strikes nearest in delta, calls with puts.

    Each expiry gets the same number of strikes, those whose call delta lies nearest to a half;
    what an expiry cannot use goes to the others. Deltas come from the chain's own quotes at
    `moment`, by the forward that parity gives near the money, for the sake of the order alone.
    """
    by_expiry = dict[date, dict[int, list[ListedSeries]]]()
    for one in listed:
        if one.expiry >= day:
            by_expiry.setdefault(one.expiry, {}).setdefault(one.strike_micros, []).append(one)
    ranked = {
        expiry: _by_delta(strikes, spot, max((expiry - day).days, 0.5) / 365, moment)
        for expiry, strikes in sorted(by_expiry.items())
    }
    chosen = list[ListedSeries]()
    queues = [list(strikes) for strikes in ranked.values()]
    while any(queues) and len(chosen) < count:
        for expiry, queue in zip(ranked, queues, strict=True):
            if queue and len(chosen) < count:
                chosen += by_expiry[expiry][queue.pop(0)][: count - len(chosen)]
    order = {id(one): place for place, one in enumerate(listed)}
    chosen.sort(key=lambda one: order[id(one)])
    kept = {id(one) for one in chosen}
    return tuple(chosen), tuple(one for one in listed if id(one) not in kept)


def _by_delta(
    strikes: dict[int, list[ListedSeries]], spot: float, years: float, moment: Moment
) -> list[int]:  # fmt: skip
    """Return an expiry's strikes, that of the call delta nearest to a half first."""
    mids = {
        (strike, one.right): mid
        for strike, both in strikes.items()
        for one in both
        if (mid := one.mid(moment)) is not None
    }
    forward = _forward(mids, spot)
    levels = np.array(sorted(strikes)) / MICROS
    prices = np.array(
        [
            mids.get((strike, "put" if strike < forward * MICROS else "call"), np.nan)
            for strike in sorted(strikes)
        ]
    )
    sigma, _ = implied_from_forward(prices, forward, levels, years, levels >= forward)
    known = np.isfinite(sigma) & (sigma > 0.0)
    filled = np.interp(levels, levels[known], sigma[known]) if known.any() else np.full_like(
        levels, _HORIZON
    )  # fmt: skip
    gaps = {
        strike: abs(_call_delta(forward, level, float(vol), years) - 0.5)
        for strike, level, vol in zip(sorted(strikes), levels.tolist(), filled, strict=True)
    }
    return sorted(strikes, key=lambda strike: (gaps[strike], strike))


def parity_spot(listed: Sequence[ListedSeries], otherwise: float) -> float:
    """Return the stock's price that the quotes of the nearest expiry at the open stand around."""
    nearest = min(one.expiry for one in listed)
    mids = {
        (one.strike_micros, one.right): mid
        for one in listed
        if one.expiry == nearest and (mid := one.mid("open")) is not None
    }
    return _forward(mids, otherwise)


def _forward(mids: dict[tuple[int, Right], float], spot: float) -> float:
    """Return the forward that parity gives at the strike where call and put cost most alike."""
    gaps = [
        (abs(call - put), strike / MICROS + call - put)
        for (strike, right), call in mids.items()
        if right == "call" and (put := mids.get((strike, "put"))) is not None
    ]
    return min(gaps)[1] if gaps else spot


def _call_delta(forward: float, strike: float, sigma: float, years: float) -> float:
    deviation = sigma * sqrt(years)
    distance = log(forward / strike) / deviation + deviation / 2
    return 0.5 * (1.0 + erf(distance / sqrt(2.0))) if isfinite(distance) else 0.5
