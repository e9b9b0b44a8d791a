"""American options on a stock with a continuous dividend yield, any rate and any yield.

`price` solves the exercise boundary and prices in one call. To follow a stock, keep the boundary
from `solve_boundary` and call `reprice` with each new spot: one short quadrature. With the rate
negative and the yield below it a put has two boundaries (a call, with the two exchanged); those
rare options are priced by `lattice`: to about 1e-5 of the strike, gamma and theta to about 1 %.
Elsewhere prices are within 1.1e-6 of the strike for ten years; at thirty, where rate and yield
differ by far more than the volatility (0.2 and 0.05 at 0.02), the error reaches 5e-4 of it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from environment.compiled import njit
from environment.options.columns import FloatArray, columns, shaped
from environment.options.exercise_boundary import (
    DOUBLE,
    NEVER,
    NODES,
    PRICE_POINTS,
    regime,
    rule,
    solve_put,
    work_area,
)
from environment.options.lattice import extrapolated
from environment.options.normal import (
    LEAST_NORMAL,
    ROOT_TWO_PI,
    exp,
    inlined,
    is_side,
    log_ratio,
    mills,
    probability,
)

_LATTICE_STEPS = 1024
_LEAST_SIGMA = 1e-8  # Below it a price is within 1e-8 of the stock of the certain one.
_STEP = 1e-4  # Of the differences in rate and yield.
# Rows of one contract's quadrature: 1 / (sigma sqrt(u)), the offset and width of d, the weights.
_PER_S, _OFFSET, _WIDTH, _RATE_WEIGHT, _YIELD_WEIGHT = range(5)
_TERMS = 5 * PRICE_POINTS
# A contract's own numbers: the put's years, sigma, rate and yield, ln B now, regime, is_call.
_FACTS = 7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExerciseBoundary:
    """Solved boundaries of a batch of contracts, for unit strike and any stock price.

    `facts` (n, 7), `log_nodes` (n, 13) and `terms` (n, 160) hold each contract's put twin: a call
    is the put with rate and yield, and spot and strike, exchanged.
    """

    shape: tuple[int, ...]
    facts: FloatArray
    log_nodes: FloatArray
    terms: FloatArray

    def critical_price(self, strike: ArrayLike) -> FloatArray:
        """Return the stock price at which each contract is exercised now, in its own shape.

        A put is exercised at or below it (0: never), a call at or above it (infinite: never). NaN
        where there are two boundaries.
        """
        put_ratio = np.exp(self.facts[:, 4]).reshape(self.shape)
        is_call = (self.facts[:, 6] != 0.0).reshape(self.shape)
        with np.errstate(divide="ignore"):
            return np.asarray(strike) * np.where(is_call, 1.0 / put_ratio, put_ratio)


class Greeks(NamedTuple):
    """Price and greeks of American options; units as in `black_scholes.Greeks`."""

    price: FloatArray
    delta: FloatArray
    gamma: FloatArray
    theta_per_year: FloatArray
    vega_per_unit_vol: FloatArray
    rho_per_unit_rate: FloatArray
    dividend_rho_per_unit_yield: FloatArray


@njit
def _solve(
    facts: FloatArray,
    log_nodes: FloatArray,
    terms: FloatArray,
    shared: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
    cells: FloatArray,
) -> None:
    """Fill ln B and the quadrature of one contract from its facts."""
    years, sigma, rate, dividend = facts[0], facts[1], facts[2], facts[3]
    terms[:] = 0.0
    facts[4] = -np.inf
    is_good = years >= 0.0 and sigma >= 0.0 and is_side(facts[6])
    if not (is_good and np.isfinite(rate + dividend)):
        facts[0] = np.nan
        return
    facts[5] = regime(rate, dividend)
    if facts[5] == DOUBLE:
        facts[4] = np.nan
    if facts[5] == NEVER or facts[5] == DOUBLE or years == 0.0 or sigma == 0.0:
        return
    geometry, interpolation, price_rule, price_interpolation = shared
    solve_put(log_nodes, (years, sigma, rate, dividend), geometry, interpolation, cells)
    facts[4] = log_nodes[0]
    first, root = log_nodes[NODES], np.sqrt(years)
    for i in range(NODES):
        squared = (log_nodes[i] - first) * (log_nodes[i] - first)
        for k in range(PRICE_POINTS):
            terms[_OFFSET * PRICE_POINTS + k] += squared * price_interpolation[i, k]
    for k in range(PRICE_POINTS):
        s, u = sigma * root * price_rule[0, k], years * price_rule[0, k] * price_rule[0, k]
        log_b = first - np.sqrt(max(terms[_OFFSET * PRICE_POINTS + k], 0.0))
        weight = years * price_rule[1, k]
        terms[_PER_S * PRICE_POINTS + k] = 1.0 / s
        terms[_OFFSET * PRICE_POINTS + k] = ((rate - dividend) * u - log_b) / s - 0.5 * s
        terms[_WIDTH * PRICE_POINTS + k] = s
        terms[_RATE_WEIGHT * PRICE_POINTS + k] = rate * weight * exp(-rate * u)
        terms[_YIELD_WEIGHT * PRICE_POINTS + k] = dividend * weight * exp(-dividend * u)


@inlined
def _certain(moneyness: float, facts: FloatArray) -> float:
    """Value of a put with unit strike when nothing is random: the best of all exercise times."""
    years, rate, dividend = facts[0], facts[2], facts[3]
    best = max(1.0 - moneyness, 0.0)
    best = max(best, np.exp(-rate * years) - moneyness * np.exp(-dividend * years))
    if rate != dividend and rate * dividend > 0.0:
        turn = np.log(rate / (dividend * moneyness)) / (rate - dividend)
        if 0.0 < turn < years:
            best = max(best, np.exp(-rate * turn) - moneyness * np.exp(-dividend * turn))
    return best


@njit
def _premium(x: float, moneyness: float, terms: FloatArray, buffer: FloatArray) -> float:
    """Return what early exercise adds to a put with unit strike and spot exp(x)."""
    has_yield = terms[_YIELD_WEIGHT * PRICE_POINTS] != 0.0
    for k in range(PRICE_POINTS):
        d = terms[_OFFSET * PRICE_POINTS + k] + terms[_PER_S * PRICE_POINTS + k] * x
        tail = exp(-0.5 * d * d) * mills(abs(d))
        tail = tail if d > 0.0 else ROOT_TWO_PI - tail
        buffer[k] = terms[_RATE_WEIGHT * PRICE_POINTS + k] * tail
    if has_yield:
        for k in range(PRICE_POINTS):
            d = terms[_OFFSET * PRICE_POINTS + k] + terms[_PER_S * PRICE_POINTS + k] * x
            d += terms[_WIDTH * PRICE_POINTS + k]
            tail = exp(-0.5 * d * d) * mills(abs(d))
            tail = tail if d > 0.0 else ROOT_TWO_PI - tail
            buffer[k] -= terms[_YIELD_WEIGHT * PRICE_POINTS + k] * moneyness * tail
    a = b = c = d = 0.0
    for k in range(0, PRICE_POINTS, 4):
        a += buffer[k]
        b += buffer[k + 1]
        c += buffer[k + 2]
        d += buffer[k + 3]
    return ((a + b) + (c + d)) * (1.0 / ROOT_TWO_PI)


@njit
def _put(x: float, facts: FloatArray, terms: FloatArray, buffer: FloatArray) -> float:
    """Return the American put with unit strike and spot exp(x)."""
    years, sigma, rate, dividend = facts[0], facts[1], facts[2], facts[3]
    moneyness = exp(x)
    if not np.isfinite(x + years):
        return np.nan
    if years == 0.0:
        return max(1.0 - moneyness, 0.0)
    if sigma == 0.0:
        return _certain(moneyness, facts)
    if facts[5] == DOUBLE:
        return extrapolated(
            moneyness,
            1.0,
            years,
            sigma,
            rate,
            dividend,
            -1.0,
            _LATTICE_STEPS,
            True,  # noqa: FBT003  # compiled
        )
    if x <= facts[4]:
        return 1.0 - moneyness
    s = sigma * np.sqrt(years)
    d1 = (x + (rate - dividend) * years) / s + 0.5 * s
    value = exp(-rate * years) * probability(s - d1)
    value -= moneyness * exp(-dividend * years) * probability(-d1)
    if facts[5] != NEVER:
        value += _premium(x, moneyness, terms, buffer)
    return max(value, 1.0 - moneyness, 0.0)


@njit
def _put_slopes(x: float, facts: FloatArray, terms: FloatArray) -> tuple[float, float]:
    """Return f' and f'' - f' of the put f(x) with unit strike and spot exp(x)."""
    years, sigma, rate, dividend = facts[0], facts[1], facts[2], facts[3]
    moneyness = exp(x)
    if not np.isfinite(x + years):
        return np.nan, np.nan
    if years == 0.0:
        return (-moneyness if x < 0.0 else 0.0), 0.0
    if sigma == 0.0:  # Straight in the spot but for corners.
        ahead, behind = _certain(exp(x + 1e-6), facts), _certain(exp(x - 1e-6), facts)
        return (ahead - behind) / 2e-6, 0.0
    if x <= facts[4]:
        return -moneyness, 0.0
    s = sigma * np.sqrt(years)
    asset = moneyness * exp(-dividend * years)
    d1 = (x + (rate - dividend) * years) / s + 0.5 * s
    slope = -asset * probability(-d1)
    bend = asset * exp(-0.5 * d1 * d1) / (ROOT_TWO_PI * s)
    if facts[5] != NEVER:
        for k in range(PRICE_POINTS):
            per_s = terms[_PER_S * PRICE_POINTS + k]
            minus = terms[_OFFSET * PRICE_POINTS + k] + per_s * x
            plus = minus + terms[_WIDTH * PRICE_POINTS + k]
            strike_leg = terms[_RATE_WEIGHT * PRICE_POINTS + k] * per_s / ROOT_TWO_PI
            strike_leg *= exp(-0.5 * minus * minus)
            asset_weight = terms[_YIELD_WEIGHT * PRICE_POINTS + k] * moneyness
            asset_leg = asset_weight * per_s / ROOT_TWO_PI * exp(-0.5 * plus * plus)
            slope += asset_leg - strike_leg - asset_weight * probability(-plus)
            bend += strike_leg * (per_s * minus + 1.0) + asset_leg * (1.0 - per_s * plus)
    return slope, bend


@inlined
def _worth(unit: float, other: float, put: float) -> float:
    """Scale a put with unit strike; exactly the intrinsic value where rounding falls below it."""
    worth, intrinsic = unit * put, unit - other
    return intrinsic if worth < intrinsic else worth  # noqa: FURB136  # a NaN must stay


@inlined
def _is_pair(spot: float, strike: float) -> bool:
    """Whether both are above 0 and the logarithm of their quotient, either way, can be taken."""
    quotient = spot / strike
    return spot > 0.0 and strike > 0.0 and LEAST_NORMAL <= quotient <= 1.0 / LEAST_NORMAL


@inlined
def _facts(
    facts: FloatArray, years: float, sigma: float, rate: float, dividend: float, call: float
) -> None:
    """Write one contract's put twin. What is nearly certain counts as certain."""
    facts[0], facts[1] = years, 0.0 if 0.0 <= sigma < _LEAST_SIGMA else sigma
    facts[5], facts[6] = 0.0, call
    facts[2], facts[3] = (dividend, rate) if call != 0.0 else (rate, dividend)


@njit
def _solve_kernel(
    arguments: tuple[FloatArray, ...],
    facts: FloatArray,
    log_nodes: FloatArray,
    terms: FloatArray,
    shared: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
) -> None:
    t, v, r, q, calls = arguments
    cells = work_area()
    for i in range(facts.shape[0]):
        years, sigma = t[i if t.size > 1 else 0], v[i if v.size > 1 else 0]
        rate, dividend = r[i if r.size > 1 else 0], q[i if q.size > 1 else 0]
        _facts(facts[i], years, sigma, rate, dividend, calls[i if calls.size > 1 else 0])
        _solve(facts[i], log_nodes[i], terms[i], shared, cells)


@njit
def _price_kernel(
    arguments: tuple[FloatArray, ...],
    out: FloatArray,
    shared: tuple[FloatArray, FloatArray, FloatArray, FloatArray],
) -> None:
    spots, strikes, t, v, r, q, calls = arguments
    cells, buffer = work_area(), np.empty(PRICE_POINTS)
    facts, log_nodes, terms = np.zeros(_FACTS), np.zeros(NODES + 1), np.zeros(_TERMS)
    for i in range(out.size):
        spot, strike = spots[i if spots.size > 1 else 0], strikes[i if strikes.size > 1 else 0]
        years, sigma = t[i if t.size > 1 else 0], v[i if v.size > 1 else 0]
        rate, dividend = r[i if r.size > 1 else 0], q[i if q.size > 1 else 0]
        call = calls[i if calls.size > 1 else 0]
        if not _is_pair(spot, strike):
            out[i] = np.nan
            continue
        _facts(facts, years, sigma, rate, dividend, call)
        _solve(facts, log_nodes, terms, shared, cells)
        unit, other = (spot, strike) if call != 0.0 else (strike, spot)
        out[i] = _worth(unit, other, _put(log_ratio(other, unit), facts, terms, buffer))


@njit
def _reprice_kernel(
    facts: FloatArray, terms: FloatArray, spots: FloatArray, strikes: FloatArray, out: FloatArray
) -> None:
    buffer, contracts = np.empty(PRICE_POINTS), facts.shape[0]
    for i in range(out.size):
        c = i % contracts
        spot, strike = spots[i if spots.size > 1 else 0], strikes[i if strikes.size > 1 else 0]
        unit, other = (spot, strike) if facts[c, 6] != 0.0 else (strike, spot)
        if _is_pair(spot, strike):
            out[i] = _worth(unit, other, _put(log_ratio(other, unit), facts[c], terms[c], buffer))
        else:
            out[i] = np.nan


@njit
def _slopes_kernel(
    facts: FloatArray, terms: FloatArray, spots: FloatArray, strikes: FloatArray, out: FloatArray
) -> None:
    buffer, contracts = np.empty(PRICE_POINTS), facts.shape[0]
    for i in range(out.shape[1]):
        c = i % contracts
        spot, strike = spots[i if spots.size > 1 else 0], strikes[i if strikes.size > 1 else 0]
        is_call = facts[c, 6] != 0.0
        unit, other = (spot, strike) if is_call else (strike, spot)
        if not _is_pair(spot, strike):
            out[:, i] = np.nan
            continue
        x = log_ratio(other, unit)
        value = _put(x, facts[c], terms[c], buffer)
        if facts[c, 5] == DOUBLE and facts[c, 0] > 0.0 and facts[c, 1] > 0.0:
            # No integral form here: the tree's own values on either side.
            h = 0.05 * facts[c, 1] * np.sqrt(facts[c, 0])
            above = _put(x + h, facts[c], terms[c], buffer)
            below = _put(x - h, facts[c], terms[c], buffer)
            slope = (above - below) / (2.0 * h)
            bend = (above - 2.0 * value + below) / (h * h) - slope
        else:
            slope, bend = _put_slopes(x, facts[c], terms[c])
        rate, dividend = facts[c, 2], facts[c, 3]
        # The pricing equation in the put's own terms; exercised, the value stands still.
        decay = rate * value - (rate - dividend) * slope - 0.5 * facts[c, 1] * facts[c, 1] * bend
        is_exercised = value <= 1.0 - exp(x) or facts[c, 0] == 0.0
        out[0, i] = _worth(unit, other, value)
        out[1, i] = value - slope if is_call else slope / exp(x)
        out[2, i] = bend / spot if is_call else bend * unit / (spot * spot)
        out[3, i] = 0.0 if is_exercised else unit * decay


def solve_boundary(
    years: ArrayLike,
    sigma_annual: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    is_call: ArrayLike,
) -> ExerciseBoundary:
    """Return the exercise boundaries of a batch of contracts; arguments as in `price`."""
    shape, flat = columns(years, sigma_annual, rate, dividend_yield, is_call)
    count = int(np.prod(shape))
    facts, log_nodes = np.zeros((count, _FACTS)), np.zeros((count, NODES + 1))
    terms = np.zeros((count, _TERMS))
    _solve_kernel(tuple(flat), facts, log_nodes, terms, rule())
    return ExerciseBoundary(shape=shape, facts=facts, log_nodes=log_nodes, terms=terms)


def _against(
    boundary: ExerciseBoundary, spot: ArrayLike, strike: ArrayLike
) -> tuple[tuple[int, ...], list[FloatArray], int]:
    """Return the common shape, spot and strike as columns, and the number of prices."""
    try:
        shape, flat = columns(spot, strike, np.broadcast_to(0.0, boundary.shape))
    except ValueError:  # Numpy's own text names neither.
        shape, flat = (np.size(spot), np.size(strike)), []
    if not flat or shape[len(shape) - len(boundary.shape) :] != boundary.shape:
        raise ValueError(
            f"spot and strike must broadcast to shapes ending in {boundary.shape}, the shape of "
            f"the boundary; found {np.shape(spot)} and {np.shape(strike)}: solve the boundary in "
            "the full shape"
        )
    return shape, flat[:2], int(np.prod(shape))


def reprice(boundary: ExerciseBoundary, spot: ArrayLike, strike: ArrayLike) -> FloatArray:
    """Return prices at any spot and strike from solved boundaries: one quadrature each.

    The result has the broadcast shape, whose last axes are those of the boundary.

    Raises
    ------
    ValueError
        If spot and strike do not broadcast to a shape ending in the boundary's.
    """
    shape, flat, count = _against(boundary, spot, strike)
    out = np.empty(count)
    _reprice_kernel(boundary.facts, boundary.terms, flat[0], flat[1], out)
    return shaped(out, shape)


def reprice_greeks(
    boundary: ExerciseBoundary, spot: ArrayLike, strike: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return price, delta, gamma and theta per year from solved boundaries, as in `reprice`."""
    shape, flat, count = _against(boundary, spot, strike)
    out = np.empty((4, count))
    _slopes_kernel(boundary.facts, boundary.terms, flat[0], flat[1], out)
    value, delta, gamma, theta = (shaped(row, shape) for row in out)
    return value, delta, gamma, theta


def price(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma_annual: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    is_call: ArrayLike,
) -> FloatArray:
    """Return American prices, one per element of the broadcast arguments.

    Parameters
    ----------
    spot, strike : above 0, in one currency.
    years : time to expiry, 0 or more.
    sigma_annual : volatility per square-root year, 0 or more.
    rate, dividend_yield : continuously compounded per year, any sign.
    is_call : True for a call, False for a put.

    Returns
    -------
    array of the broadcast shape
        Premium per unit of underlying, at least the intrinsic value. NaN for invalid input.
    """
    shape, flat = columns(spot, strike, years, sigma_annual, rate, dividend_yield, is_call)
    out = np.empty(int(np.prod(shape)))
    _price_kernel(tuple(flat), out, rule())
    return shaped(out, shape)


def price_and_greeks(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma_annual: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    is_call: ArrayLike,
) -> Greeks:
    """Return American prices and greeks; arguments as in `price`.

    Delta, gamma and theta come from the quadrature itself; vega and the two rhos are differences
    of solved boundaries (steps 1e-3 of the volatility, 1e-4 in the rates): central ones, one-sided
    where the volatility is 0 or where a step would lead to another kind of boundary.
    """
    sigma, r, q = (np.asarray(a, dtype=np.float64) for a in (sigma_annual, rate, dividend_yield))
    shape = np.broadcast_shapes(*(np.shape(a) for a in (spot, strike, years, sigma, r, q, is_call)))
    terms = np.broadcast_to(years, shape)
    boundary = solve_boundary(terms, sigma, r, q, is_call)
    value, delta, gamma, theta = reprice_greeks(boundary, spot, strike)
    contract = (spot, strike, terms, is_call)
    with np.errstate(invalid="ignore", over="ignore"):  # A bad row is NaN, without a word.
        return Greeks(value, delta, gamma, theta, *_differences(value, contract, sigma, (r, q)))


def _differences(
    value: FloatArray,
    contract: tuple[ArrayLike, ...],
    sigma: FloatArray,
    rates: tuple[FloatArray, FloatArray],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return vega and both rhos; `contract` is spot, strike, years and side, `rates` r and q."""
    (spot, strike, years, is_call), (rate, dividend_yield) = contract, rates
    dv = np.maximum(1e-3 * sigma, 1e-9)
    low = np.maximum(sigma - dv, 0.0)
    above = price(spot, strike, years, sigma + dv, rate, dividend_yield, is_call)
    below = price(spot, strike, years, low, rate, dividend_yield, is_call)
    slopes = []
    for dr, dq in ((_STEP, 0.0), (0.0, _STEP)):

        def is_alike(way: float, up: float = dr, across: float = dq) -> NDArray[np.bool_]:
            moved = _has_two(rate + way * up, dividend_yield + way * across, is_call)
            return np.asarray(moved == _has_two(rate, dividend_yield, is_call))

        def at(way: FloatArray, up: float = dr, across: float = dq) -> FloatArray:
            rates, yields = rate + way * up, dividend_yield + way * across
            return price(spot, strike, years, sigma, rates, yields, is_call)

        way = np.where(is_alike(2.0), 1.0, -1.0)
        is_central = is_alike(2.0) & is_alike(-1.0)
        near, far = at(way), at(np.where(is_central, -way, 2.0 * way))
        one_sided = 4.0 * near - 3.0 * value - far
        slopes.append(way * np.where(is_central, near - far, one_sided) / (2.0 * _STEP))
    return (above - below) / (sigma + dv - low), slopes[0], slopes[1]


def _has_two(rate: ArrayLike, dividend_yield: ArrayLike, is_call: ArrayLike) -> NDArray[np.bool_]:
    """Return which options have two boundaries: those are priced by another method."""
    r, q, side = np.asarray(rate), np.asarray(dividend_yield), np.asarray(is_call) != 0
    earned, paid = np.where(side, q, r), np.where(side, r, q)  # The put twin's.
    return np.asarray((earned < 0.0) & (paid < earned))
