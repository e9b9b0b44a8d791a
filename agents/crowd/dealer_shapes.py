"""What a dealer reckons, in scalars: the same functions serve its compiled rows and its actors.

Prices are in ticks of the series, volatilities per square-root year, vega in money per point.
"""

import math

from environment.compiled import njit
from environment.draws import draw_normal
from environment.market.obligations import width_allowed

BUCKET_S = 10.0  # The surface's state moves in steps of this length.
BUCKET_YEARS = BUCKET_S / (252.0 * 23_400.0)
MOST_BUCKETS = 12  # After a halt the buckets that passed are one step.
WIDEST = 0.005  # Of the stock's price: its spread beyond which a dealer waits.
REACH_TICKS = 2  # A hedge may go so far beyond the touch.
_REALISED_STEPS = 90.0  # The realised variance is that of a quarter of an hour.
_REFERENCE_SIGMA = 0.25
_MOST_STEP, _MOST_REALISED = 100.0, 6.0  # Deviations that a step of the stock may be taken for.
_LEAST_VEGA, _LEAST_VEGA_LAST_DAY = 0.02, 0.3  # Of an expiry, per unit of the stock's price.
_LEARNT_FROM = 0.55  # The most delta of a series that tells of volatility.
_COMMON, _OWN = 1 << 40, 1 << 41  # Draws of the surface's state: far from those of decisions.
_MOST_LEARNT = 0.05  # Volatility, from one look at the market.
_TICKS_PER_UNIT = 100
_EDGE = 1.5  # Half-widths that another's price must be wrong by, to be traded with.
_MOST_LEAN = 0.75  # Of a half-width.
_MOST_USE = 1.25  # Of a limit: beyond it, nothing more is added at all.
_LITTLE = 0.002  # Of a limit of gamma or vega: what adds no more is quoted beyond it too.
_LITTLE_DELTA = 0.01  # Of the limit of delta, which hedges bring back within seconds.
_DAY_YEARS = 1.0 / 365.0
_DAY_S = 86_400.0
_OF_VALUE = 0.2  # Of an option's value: the most that either side of a quote is away from it.


# --- the surface ----------------------------------------------------------------------------------


@njit
def stock_step(spot: float, before: float) -> float:
    """Return the stock's move in one step, in deviations at a volatility of 25 %; at most 3 %."""
    moved = math.log(spot / before) / (_REFERENCE_SIGMA * math.sqrt(BUCKET_YEARS))
    return min(max(moved, -_MOST_STEP), _MOST_STEP)


@njit
def next_realised(variance: float, moved: float) -> float:
    """Return the running variance of the stock's steps (1: a volatility of 25 %), one later."""
    counted = min(abs(moved), _MOST_REALISED)  # One jump is not how a stock moves.
    return variance + (counted * counted - variance) / _REALISED_STEPS


@njit
def _shared_shock(common: int, own: int, counter: int) -> float:
    return 0.9 * draw_normal(common, _COMMON + counter) + 0.435 * draw_normal(own, _OWN + counter)


@njit
def shocks(
    common: int, own: int, bucket: int, moved: float, together: float
) -> tuple[float, float, float]:
    """Return the shocks of level, skew and curvature of one step, in deviations.

    Each is mostly the population's (stream `common`); the level's goes `together` with the stock.
    """
    counter = 4 * bucket
    apart = math.sqrt(max(1.0 - together * together, 0.0))
    level = together * moved + apart * _shared_shock(common, own, counter)
    skew = _shared_shock(common, own, counter + 1)
    return level, skew, _shared_shock(common, own, counter + 2)


@njit
def step_weight(years: float) -> float:
    """Return how much an expiry's surface moves: as a month's does for 1, more where it is near."""
    return min(math.sqrt(30.0 / max(years * 365.0, 3.0)), 2.5)


@njit
def keep_share(reversion: float) -> float:
    """Return what a step leaves of a deviation that reverts at so much a year."""
    return 1.0 - reversion * BUCKET_YEARS


@njit
def stepped(value: float, keep: float, weight: float, volatility: float, shock: float) -> float:
    """Return a part of the surface's state, one step later."""
    return keep * value + weight * math.sqrt(BUCKET_YEARS) * volatility * shock


@njit
def realised_drift(rate: float, weight: float, variance: float, level: float) -> float:
    """Return how far the level goes in one step to where the stock's realised volatility is.

    That is measured from 25 %. A stock at rest takes its surface down to what it realises, and no
    further.
    """
    gap = _REFERENCE_SIGMA * (math.sqrt(variance) - 1.0) - level
    return rate * weight * BUCKET_YEARS * gap


@njit
def tells_volatility(delta: float) -> bool:
    """Return whether a series' price says more of volatility than of the stock a moment ago."""
    return abs(delta) <= _LEARNT_FROM


@njit
def may_learn(vega: float, spot: float, years: float) -> bool:
    """Return whether an expiry's middles have something to say; `vega` is theirs together.

    On its last day an expiry says little of volatility, and that little loudly.
    """
    least = _LEAST_VEGA_LAST_DAY if years < _DAY_YEARS else _LEAST_VEGA
    return vega > least * spot


@njit
def learnt(share: float, gap: float, vega: float) -> float:
    """Return how far a level gives way to the market: `gap` is of money, summed as `vega` is."""
    return share * min(max(gap / vega, -_MOST_LEARNT), _MOST_LEARNT)


@njit
def lowest_level(variance: float, own: float, years: float, ahead: float) -> float:
    """Return the level below which an expiry would have less than so much variance to come.

    `own` is its volatility at the money without the level, `ahead` the variance that an
    announcement brings besides.
    """
    return math.sqrt(max(variance - ahead, 0.0) / years) - own


# --- limits and quotes ----------------------------------------------------------------------------


@njit
def limit_use(
    vega: float, gamma: float, net: float, vega_max: float, gamma_max: float, delta_max: float
) -> float:
    """Return how much of its tightest limit a dealer uses; above 1 it is beyond."""
    return max(abs(vega) / vega_max, abs(gamma) / gamma_max, abs(net) / delta_max)


@njit
def may_add(
    sign: float, vega: float, gamma: float, of_expiry: float, vega_max: float, gamma_max: float,
    share: float, gamma_of_expiry: float, left: float,
) -> bool:  # fmt: skip
    """Return whether a series' vega may be bought (sign 1) or sold (-1) within the limits.

    Gamma has vega's sign in every option, so both limits bind the same side. `of_expiry` is the
    vega held in the series' expiry, at most `share` of the limit; of that only `left` is left on
    the expiry's last day. On that day the same binds its gamma: vega then hardly says anything.
    """
    if sign * vega >= vega_max or sign * gamma >= gamma_max:
        return False
    if left < 1.0 and sign * gamma_of_expiry >= left * share * gamma_max:
        return False
    return sign * of_expiry < left * share * vega_max


@njit
def last_day_gone(years: float, seconds: float) -> float:
    """Return how much of an expiry's last day has gone, from 0 to 1; 0 on every day before.

    `years` are from the day's open to the last trade, `seconds` from the open to now.
    """
    if years <= 0.0 or years >= _DAY_YEARS:
        return 0.0
    return min(max(seconds / (years / _DAY_YEARS * _DAY_S), 0.0), 1.0)


@njit
def left_of(gone: float, narrow: float) -> float:
    """Return what is left of a last day's limits; by its end `narrow` of them is not."""
    return 1.0 - narrow * gone


@njit
def part_of(held: float, most: float) -> float:
    """Return what part of the most is held, from -1 to 1."""
    return min(max(held / most, -1.0), 1.0)


@njit
def lean(
    gone: float, held: float, most: float, share: float, vega_part: float, usual: float,
    ticks: float,
) -> float:  # fmt: skip
    """Return how many ticks below its value a dealer quotes what it would rather be rid of.

    Of the usual half-width it is `vega_part`, and `share` of what it is to be rid of by the
    evening: at `most` contracts held, in proportion before. Below 0 it is above the value, where it
    is short; it stays within the width, so that nobody is crossed for it.
    """
    part = vega_part
    if gone > 0.0 and most > 0.0:
        part += share * part_of(held, most)
    return min(max(part, -_MOST_LEAN), _MOST_LEAN) * min(usual, _OF_VALUE * ticks)


@njit
def most_held(of_series: float, last: float, gone: float) -> float:
    """Return the most contracts of one series that a dealer holds; 0 stands for any number.

    `last` binds on the series' last day alone, of which `gone` has gone.
    """
    if gone <= 0.0 or last <= 0.0:
        return of_series
    return min(of_series, last) if of_series > 0.0 else last


@njit
def within_room(quantity: int, sign: float, held: float, most: float) -> int:
    """Return how much of a quote's side may stand without going beyond `most` contracts.

    A side that lowers what is held stays as large as it is. A `most` of 0 binds nothing.
    """
    if most <= 0.0:
        return quantity
    return min(quantity, int(max(most - sign * held, 0.0)))


@njit
def least_size(
    duty: int, size: int, multiplier: float, delta: float, gamma: float, vega: float,
    delta_max: float, gamma_max: float, vega_max: float, use: float,
) -> int:  # fmt: skip
    """Return what a dealer at its limits still quotes of a series on the side that adds to them.

    The least that its duty asks for, where a fill of that adds next to nothing; else nothing, and
    nothing anywhere where it uses its tightest limit by too much. Greeks are a share's.
    """
    shares = duty * multiplier
    if use > _MOST_USE:
        return 0
    if shares * gamma > _LITTLE * gamma_max or shares * vega * 0.01 > _LITTLE * vega_max:
        return 0
    if shares * abs(delta) > _LITTLE_DELTA * delta_max:
        return 0
    return min(duty, size)


@njit
def quote_prices(
    ticks: float, usual: float, width: float, widen: float, step: int, seen_bid: int,
    bids_seen: int, seen_ask: int, asks_seen: int,
) -> tuple[int, int]:  # fmt: skip
    """Return the bid and the ask of a series worth `ticks`; a bid below `step` stands for none.

    Parameters
    ----------
    usual : float
        Half of the chain's own spread; `width` and `widen` are factors on it.
    step : int
        The increment of prices there.
    seen_bid, bids_seen, seen_ask, asks_seen : int
        The touch as seen; a quantity of 0 stands for an empty side.
    """
    # What is worth a few cents is quoted a few cents wide.
    half = max(min(usual, _OF_VALUE * ticks) * width * widen, 0.5 * step)
    # To the nearest increment: outwards, a quote would be one wider than it is meant.
    bid = math.floor((ticks - half) / step + 0.5) * step
    ask = max(math.ceil((ticks + half) / step - 0.5) * step, bid + step, step)
    if bid < step and ticks >= 0.5 * step:
        bid = step if ask > step else 0
    # Another's price that is wrong by much is traded with; one wrong by little is stepped back
    # from, for the other may know better.
    away, near = 0, _EDGE * half
    if asks_seen > 0 and ticks - seen_ask < near and bid >= seen_ask:
        bid, away = seen_ask - step, 1
    if bids_seen > 0 and seen_bid - ticks < near and ask <= seen_bid:
        ask, away = seen_bid + step, -1
    # However near its limits, a dealer quotes as narrow as its duty asks, or not at all; the width
    # allowed goes by the bid. What was stepped back from is not gone nearer to.
    while ask - bid > max(width_allowed(int(bid), _TICKS_PER_UNIT), step):
        if away > 0 or (away == 0 and ticks - bid <= ask - ticks):
            ask -= step
        else:
            bid += step
    return bid, ask


@njit
def hedge_size(net: int, shown: int) -> int:
    """Return the shares to trade of a net delta: not more than three times what is shown."""
    return min(abs(net), max(3 * shown, 100))
