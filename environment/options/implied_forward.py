"""Forward and rate of each expiry, implied by pairs of calls and puts at one strike.

European pairs obey C - P = D (F - K). American pairs do so only once the early-exercise premium is
stripped from both legs, and the premium depends on the forward: the two are found in turn.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from environment.options import american, black_scholes, implied_volatility, normal
from environment.options.chain import ChainRefusedError, QuotedChain

Array = NDArray[np.float64]
Price = Callable[..., ArrayLike]

_PAIRS_MAX = 4
_PAIRS_MIN = 2
_ROUNDS_MAX = 40
_CONVERGED = 1e-6
_RATE_ERROR_MAX = 0.002


@dataclass(frozen=True, kw_only=True)
class ImpliedForwards:
    """Forward, rate and discount of each expiry; arrays of shape (n_expiries,)."""

    years: Array
    forward: Array
    rate: Array
    rounds: int

    @property
    def discount(self) -> Array:
        """Return the price today of one unit paid at each expiry."""
        return np.asarray(np.exp(-self.rate * self.years))


@dataclass(frozen=True, kw_only=True)
class _Pairs:
    """Calls and puts at equal expiry and strike, with the position of their expiry."""

    expiry: NDArray[np.intp]
    strike: Array
    call: Array
    put: Array
    spread: Array


def _find_pairs(chain: QuotedChain, years: Array) -> _Pairs:
    """Return the pairs of a clean chain, which has puts just before calls of the same strike."""
    is_pair = (
        (np.diff(chain.years) == 0.0)
        & (np.diff(chain.strike) == 0.0)
        & chain.is_call[1:]
        & ~chain.is_call[:-1]
    )
    puts = np.flatnonzero(is_pair)
    mid, spread = chain.mid_price, chain.spread
    return _Pairs(
        expiry=np.searchsorted(years, chain.years[puts]), strike=chain.strike[puts],
        call=mid[puts + 1], put=mid[puts], spread=spread[puts] + spread[puts + 1],
    )  # fmt: skip


def _near_money(pairs: _Pairs, n_expiries: int) -> _Pairs:
    """Return the few pairs of each expiry whose legs differ least."""
    order = np.lexsort((np.abs(pairs.call - pairs.put), pairs.expiry))
    expiry = pairs.expiry[order]
    first = np.searchsorted(expiry, np.arange(n_expiries))
    kept = order[np.arange(order.size) - first[expiry] < _PAIRS_MAX]
    return _Pairs(
        expiry=pairs.expiry[kept], strike=pairs.strike[kept], call=pairs.call[kept],
        put=pairs.put[kept], spread=pairs.spread[kept],
    )  # fmt: skip


def _weights(pairs: _Pairs) -> Array:
    """Return weights that fall with the square of the spread, bounded for locked quotes."""
    floor = max(1e-3 * float(np.median(pairs.strike)), 1e-12) * 0.01
    return np.asarray(1.0 / np.maximum(pairs.spread, floor) ** 2)


def _implied_rates(
    pairs: _Pairs, gap: Array, years: Array, error_max: float = _RATE_ERROR_MAX
) -> Array:
    """Return rates from the slope of C - P in the strike: each expiry's own where it is sharp.

    Where its standard error is above `error_max`, the mean of all expiries by precision is used.
    """
    n = years.size
    weight = _weights(pairs)

    def total(values: Array) -> Array:
        return np.asarray(np.bincount(pairs.expiry, weight * values, n))

    mass = np.maximum(total(np.ones(gap.size)), 1e-300)
    mean_strike, mean_gap = total(pairs.strike) / mass, total(gap) / mass
    x = pairs.strike - mean_strike[pairs.expiry]
    y = gap - mean_gap[pairs.expiry]
    spread_x = np.maximum(total(x * x), 1e-300)
    discount = np.clip(-total(x * y) / spread_x, 0.2, 2.0)
    count = np.bincount(pairs.expiry, minlength=n)
    residual = y + discount[pairs.expiry] * x
    # The error is the larger of the scatter and of what the spreads allow.
    scatter = total(residual**2) / np.maximum(count - 2, 1)
    error = np.sqrt(np.maximum(scatter, 0.05) / spread_x) / (discount * years)
    error = np.where(count >= 3, np.maximum(error, 1e-9), np.inf)
    own = -np.log(discount) / years
    precision = 1.0 / error**2
    pooled = float(np.sum(precision * own) / max(float(np.sum(precision)), 1e-300))
    return np.where(error < error_max, own, pooled)


def _forward_from(pairs: _Pairs, gap: Array, discount: Array) -> Array:
    """Return K + (C - P) / D of each expiry, the weighted mean over its pairs."""
    weight = _weights(pairs)
    single = pairs.strike + gap / discount[pairs.expiry]
    n = discount.size
    mass = np.bincount(pairs.expiry, weight, n)
    return np.asarray(np.bincount(pairs.expiry, weight * single, n) / mass)


def _require_pairs(pairs: _Pairs, years: Array) -> None:
    """Refuse expiries without enough pairs."""
    count = np.bincount(pairs.expiry, minlength=years.size)
    if count.min(initial=_PAIRS_MIN) < _PAIRS_MIN:
        where = float(years[int(np.argmin(count))])
        raise ChainRefusedError(
            f"expected at least {_PAIRS_MIN} strikes with both a call and a put, found "
            f"{int(count.min())} at {where:.4f} years; drop this expiry"
        )


def european_forwards(chain: QuotedChain, rate: ArrayLike | None = None) -> ImpliedForwards:
    """Return forwards and rates of a clean chain of European options.

    Parameters
    ----------
    chain : QuotedChain
        Rows of `clean_quotes`, at least two pairs per expiry.
    rate : float or array of shape (n_expiries,), optional
        Continuously compounded; implied from the slope of C - P in the strike when left out.

    Returns
    -------
    ImpliedForwards

    Raises
    ------
    ChainRefusedError
        If an expiry has fewer than two pairs.
    """
    years = np.unique(chain.years)
    pairs = _find_pairs(chain, years)
    _require_pairs(pairs, years)
    gap = pairs.call - pairs.put
    rates = _implied_rates(pairs, gap, years) if rate is None else np.asarray(rate, np.float64)
    rates = np.broadcast_to(rates, years.shape)
    near = _near_money(pairs, years.size)
    forward = _forward_from(near, near.call - near.put, np.exp(-rates * years))
    return ImpliedForwards(years=years, forward=forward, rate=rates, rounds=1)


def early_exercise_premium(
    spot: float, strike: Array, years: Array, sigma_annual: Array, rate: Array,
    dividend_yield: Array, is_call: NDArray[np.bool_], *,
    american_price: Price = american.price,
) -> Array:  # fmt: skip
    """Return American minus European price, 0 or more; arrays of shape (n_rows,)."""
    arguments = (spot, strike, years, sigma_annual, rate, dividend_yield, is_call)
    premium = np.asarray(american_price(*arguments)) - black_scholes.price(*arguments)
    return np.maximum(np.nan_to_num(premium), 0.0)


def american_forwards(
    chain: QuotedChain, spot: float, rate: ArrayLike | None = None,
    american_price: Price = american.price,
) -> ImpliedForwards:  # fmt: skip
    """Return forwards and rates of a clean chain of American options.

    From a first forward by parity, the early-exercise premium at the implied volatility of the
    out-of-the-money leg is stripped from both legs, and the forward implied again, until it moves
    by less than one millionth. The dividend yield follows from forward, spot and rate.

    Parameters
    ----------
    chain : QuotedChain
        Rows of `clean_quotes`, at least two pairs per expiry.
    spot : float
        Price of the underlying at the time of the quotes.
    rate : float or array of shape (n_expiries,), optional
        Continuously compounded; implied from the stripped pairs when left out.
    american_price : callable
        Takes spot, strike, years, volatility, rate, dividend yield and side.

    Returns
    -------
    ImpliedForwards

    Raises
    ------
    ChainRefusedError
        If an expiry has fewer than two pairs, or the forwards do not settle.
    """
    years = np.unique(chain.years)
    pairs = _find_pairs(chain, years)
    _require_pairs(pairs, years)
    near = _near_money(pairs, years.size)
    t = years[near.expiry]
    flags = np.repeat([True, False], near.strike.size)
    strike2, years2 = np.tile(near.strike, 2), np.tile(t, 2)
    rates = np.zeros(years.size) if rate is None else np.asarray(rate, np.float64)
    rates = np.broadcast_to(rates, years.shape)
    call, put = near.call, near.put
    forward, change = _forward_from(near, call - put, np.exp(-rates * years)), np.inf
    for count in range(1, _ROUNDS_MAX + 1):
        discount = np.exp(-rates * years)
        at, paid = forward[near.expiry], discount[near.expiry]
        is_call = near.strike >= at
        outer = np.where(is_call, call, put) / paid
        sigma, _ = implied_volatility.implied_from_forward(outer, at, near.strike, t, is_call)
        sigma = np.where(np.isfinite(sigma) & (sigma > 0.0), sigma, 0.2)
        if not (np.isfinite(forward).all() and forward.min() > 0.0):
            break
        dividend = rates - np.log(forward / spot) / years
        premium = early_exercise_premium(
            spot, strike2, years2, np.tile(sigma, 2), np.tile(rates[near.expiry], 2),
            np.tile(dividend[near.expiry], 2), flags, american_price=american_price,
        )  # fmt: skip
        call, put = near.call - premium[: t.size], near.put - premium[t.size :]
        if rate is None:
            # One rate for all: with few pairs and wide quotes a single slope is too noisy.
            rates = np.clip(_implied_rates(near, call - put, years, 0.0), -0.05, 0.25)
        moved = _forward_from(near, call - put, np.exp(-rates * years))
        change = float(np.max(np.abs(moved / forward - 1.0)))
        forward = moved
        if change < _CONVERGED:
            return ImpliedForwards(years=years, forward=forward, rate=rates, rounds=count)
    raise ChainRefusedError(
        f"expected forwards to settle within {_ROUNDS_MAX} rounds, found them at "
        f"{', '.join(f'{x:.6g}' for x in forward[:3])} after a change of {change:.1e}; "
        "pass the rate, or check spot and quotes"
    )


def _premium_bound(
    chain: QuotedChain, forward: Array, sigma_annual: Array, rate: Array, dividend_yield: Array,
    spot: float,
) -> Array:  # fmt: skip
    """Return more than the premium can be: all carry earned, times the chance to be in the money.

    Exercise happens only in the money, where a put earns interest on the strike and a call the
    stock's yield. For out-of-the-money rows the chance peaks at one of the times tried.
    """
    years, sign = chain.years, np.where(chain.is_call, 1.0, -1.0)
    carry = np.where(
        chain.is_call,
        -spot * np.expm1(-np.maximum(dividend_yield, 0.0) * years),
        -chain.strike * np.expm1(-np.maximum(rate, 0.0) * years),
    )
    growth, chance = np.log(forward / spot), np.zeros(chain.size)
    for share in (0.1, 0.4, 1.0):
        deviation = sigma_annual * np.sqrt(share * years)
        d = (np.log(spot / chain.strike) + share * growth) / deviation
        chance = np.maximum(chance, normal.cdf(sign * d + 0.5 * deviation))
    return np.asarray(carry * chance)


def strip_premium(
    chain: QuotedChain, spot: float, forwards: ImpliedForwards, share_of_spread: float = 0.1,
    american_price: Price = american.price,
) -> tuple[Array, NDArray[np.bool_]]:  # fmt: skip
    """Return European mid prices of American rows, and which rows were changed.

    A row whose premium is below a tenth of its spread keeps its price: the quote does not know it
    that well. In the others premium and volatility are found in turn.

    Parameters
    ----------
    chain : QuotedChain
        Clean rows, best out of the money.
    spot : float
    forwards : ImpliedForwards
        Of the same expiries.
    share_of_spread : float
        Premium below this share of the spread is left in.
    american_price : callable
        As in `american_forwards`.

    Returns
    -------
    mid_price : array of shape (n_rows,)
    is_stripped : array of shape (n_rows,)
    """
    expiry = np.searchsorted(forwards.years, chain.years)
    dividend = forwards.rate - np.log(forwards.forward / spot) / forwards.years
    mid, is_stripped = chain.mid_price.copy(), np.zeros(chain.size, np.bool_)
    rows, previous = np.arange(chain.size), np.zeros(chain.size)
    for round_number in range(_ROUNDS_MAX):
        e = expiry[rows]
        sigma, _ = implied_volatility.implied_from_forward(
            mid[rows] / forwards.discount[e], forwards.forward[e], chain.strike[rows],
            chain.years[rows], chain.is_call[rows],
        )  # fmt: skip
        is_solved = np.isfinite(sigma) & (sigma > 0.0)
        if round_number == 0:
            bound = _premium_bound(
                chain, forwards.forward[e], sigma, forwards.rate[e], dividend[e], spot
            )
            is_solved &= bound >= share_of_spread * chain.spread
        rows, e, sigma = rows[is_solved], e[is_solved], sigma[is_solved]
        premium = early_exercise_premium(
            spot, chain.strike[rows], chain.years[rows], sigma, forwards.rate[e], dividend[e],
            chain.is_call[rows], american_price=american_price,
        )  # fmt: skip
        if round_number == 0:
            is_large = premium >= share_of_spread * chain.spread[rows]
            rows, premium = rows[is_large], premium[is_large]
            is_stripped[rows] = True
        mid[rows] = chain.mid_price[rows] - premium
        settled = np.maximum(_CONVERGED * chain.mid_price[rows], 0.01 * chain.spread[rows])
        is_open = np.abs(premium - previous[rows]) > settled
        previous[rows] = premium
        rows = rows[is_open]
        if rows.size == 0:
            break
    return mid, is_stripped
