"""Options on a stock that pays dated dividends, by finite differences.

Three models, by name. "cash": the stock falls by the cash amount on the ex-date, and its
volatility applies to the whole price; the only one in which stock and dividend are what they are
in the market. "proportional": it falls by a fraction of itself. "escrowed": the volatility applies
to the price less the present value of the dividends still to come. The two alternatives are what
many systems use; at one volatility they give different prices.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from environment.compiled import njit
from environment.options.columns import FloatArray, columns, shaped
from environment.options.normal import inlined

Model = Literal["cash", "proportional", "escrowed"]
_MODELS: tuple[Model, ...] = ("cash", "proportional", "escrowed")
_CASH, _PROPORTIONAL, _ESCROWED = range(3)
_WIDTH = 6.0  # Half the grid, in standard deviations of the logarithm at expiry.
_IMPLICIT_STEPS = 4  # After a kink: half-size fully implicit steps that damp it (Rannacher).


class Slopes(NamedTuple):
    """Price and slopes, each in the shape of the arguments."""

    price: FloatArray
    delta: FloatArray  # dV/dS.
    gamma: FloatArray  # d2V/dS2.


@njit
def _solve(
    value: FloatArray,
    floor: FloatArray,
    band: tuple[float, float, float],
    sign: float,
    work: FloatArray,
) -> None:
    """Solve the tridiagonal system in place, value >= floor (Brennan & Schwartz 1977).

    `band` is (below, on, above) the diagonal. Beyond either end the value is straight in the stock
    price; the ends are in `work[2]`, as weights of the two inner neighbours. The substitution runs
    out of the side where a put (a call: the other side) is exercised.
    """
    n = value.size
    lower, middle, upper = band
    low_weight, high_weight = work[2, 0], work[2, 1]
    diagonal, right = work[0], work[1]
    # The value outside is (1 + w) times its neighbour less w times the next one.
    first_on, first_up = middle + lower * (1.0 + low_weight), upper - lower * low_weight
    last_on, last_down = middle + upper * (1.0 + high_weight), lower - upper * high_weight
    if sign < 0.0:
        diagonal[n - 1], right[n - 1] = last_on, value[n - 1]
        for i in range(n - 2, -1, -1):
            down = last_down if i + 1 == n - 1 else lower
            on, up = (first_on, first_up) if i == 0 else (middle, upper)
            factor = up / diagonal[i + 1]
            diagonal[i], right[i] = on - factor * down, value[i] - factor * right[i + 1]
        value[0] = max(right[0] / diagonal[0], floor[0])
        for i in range(1, n):
            down = last_down if i == n - 1 else lower
            value[i] = max((right[i] - down * value[i - 1]) / diagonal[i], floor[i])
    else:
        diagonal[0], right[0] = first_on, value[0]
        for i in range(1, n):
            up = first_up if i - 1 == 0 else upper
            on, down = (last_on, last_down) if i == n - 1 else (middle, lower)
            factor = down / diagonal[i - 1]
            diagonal[i], right[i] = on - factor * up, value[i] - factor * right[i - 1]
        value[n - 1] = max(right[n - 1] / diagonal[n - 1], floor[n - 1])
        for i in range(n - 2, -1, -1):
            up = first_up if i == 0 else upper
            value[i] = max((right[i] - up * value[i + 1]) / diagonal[i], floor[i])


@njit
def _at(value: FloatArray, position: float, below: float) -> float:
    """Cubic Lagrange interpolation at a fractional grid position; `below` left of the grid."""
    if position < 0.0:
        return below
    i = min(max(int(position) - 1, 0), value.size - 4)
    t = position - i
    a, b, c = t - 1.0, t - 2.0, t - 3.0
    result = -a * b * c / 6.0 * value[i] + 0.5 * t * b * c * value[i + 1]
    result += -0.5 * t * a * c * value[i + 2] + t * a * b / 6.0 * value[i + 3]
    return float(result)


@njit
def _cross_ex_date(
    value: FloatArray,
    levels: FloatArray,
    h: float,
    amount: float,
    is_cash: bool,  # noqa: FBT001  # compiled
) -> None:
    """Replace the value after a dividend by the value before it, at each stock price."""
    after = value.copy()
    slope = (after[1] - after[0]) / (levels[1] - levels[0])
    for i in range(value.size):
        level = max(levels[i] - amount, 0.0) if is_cash else levels[i] * (1.0 - amount)
        below = after[0] + slope * (level - levels[0])
        position = np.log(level / levels[0]) / h if level > 0.0 else -1.0
        value[i] = _at(after, position, below)


@njit
def _floors(
    floor: FloatArray,
    levels: FloatArray,
    strike: float,
    sign: float,
    is_american: bool,  # noqa: FBT001  # compiled
    owed: float,
) -> None:
    """Fill the exercise value where the stock is worth a level plus `owed`; else -infinity."""
    for i in range(floor.size):
        floor[i] = sign * (levels[i] + owed - strike) if is_american else -np.inf


@njit
def _owed(time: float, rate: float, dates: FloatArray, amounts: FloatArray, years: float) -> float:
    """Present value at `time` of the dividends after it and up to expiry."""
    total = 0.0
    for k in range(dates.size):
        if time < dates[k] <= years:
            total += amounts[k] * np.exp(-rate * (dates[k] - time))
    return total


@njit
def _advance(
    value: FloatArray,
    floor: FloatArray,
    market: tuple[float, float, float, float],
    step: float,
    is_implicit: bool,  # noqa: FBT001  # compiled
    work: FloatArray,
) -> None:
    """Take one step back in time; `market` is (diffusion, drift, rate, sign) per unit of grid."""
    diffusion, drift, rate, sign = market
    below, above, on = diffusion - drift, diffusion + drift, -2.0 * diffusion - rate
    share = 1.0 if is_implicit else 0.5
    if not is_implicit:
        n, half = value.size, 0.5 * step
        previous = (1.0 + work[2, 0]) * value[0] - work[2, 0] * value[1]
        beyond = (1.0 + work[2, 1]) * value[n - 1] - work[2, 1] * value[n - 2]
        for i in range(n):
            here = value[i]
            following = value[i + 1] if i < n - 1 else beyond
            value[i] = here + half * (below * previous + on * here + above * following)
            previous = here
    band = (-share * step * below, 1.0 - share * step * on, -share * step * above)
    _solve(value, floor, band, sign, work)


@njit
def _march(
    contract: tuple[float, float, float, float, float, float, float],
    dates: FloatArray,
    amounts: FloatArray,
    options: tuple[int, bool, int, int],
    result: FloatArray,
) -> None:
    """Fill price, delta and gamma of one option: `contract` as in `price`, `sign` last."""
    spot, strike, years, sigma, rate, carry, sign = contract
    model, is_american, space_steps, time_steps = options
    owed = _owed(0.0, rate, dates, amounts, years)
    start = spot - owed if model == _ESCROWED else spot
    is_finite = np.isfinite(start + strike + years + sigma + rate + carry + sign)
    if not (is_finite and start > 0.0 and strike > 0.0 and years > 0.0 and sigma > 0.0):
        result[:] = np.nan
        return
    drift = rate - carry - 0.5 * sigma * sigma
    reach = _WIDTH * sigma * np.sqrt(years) + abs(drift) * years + 0.02
    if model == _CASH:
        reach += -np.log(max(1.0 - owed / spot, 0.1))
    distance = np.log(start / strike)
    # Without a finite grid the strike's node would be written outside of it.
    if not np.isfinite(distance * reach):
        result[:] = np.nan
        return
    low = min(distance, 0.0) - reach
    high = max(distance, 0.0) + reach
    h = (high - low) / space_steps
    below = np.ceil(-low / h)
    levels = strike * np.exp(h * (np.arange(space_steps + 1) - below))  # The strike is a node.
    value, floor = np.maximum(sign * (levels - strike), 0.0), np.empty(levels.size)
    value[int(below)] = 0.125 * h * strike  # The pay-off's mean over the cell with its kink.
    work = np.empty((3, levels.size))
    work[2, 0], work[2, 1] = np.exp(-h), np.exp(h)
    market = (0.5 * sigma * sigma / (h * h), 0.5 * drift / h, rate, sign)
    now = years
    for k in range(dates.size, -1, -1):
        date = dates[k - 1] if k > 0 else 0.0
        if date > years or (k > 0 and date <= 0.0):
            continue
        count = max(int(np.ceil(time_steps * (now - date) / years)), 2)
        step = (now - date) / count if now > date else 0.0
        for m in range(count + _IMPLICIT_STEPS // 2 if step > 0.0 else 0):
            is_implicit = m < _IMPLICIT_STEPS
            now -= 0.5 * step if is_implicit else step
            owed = _owed(now, rate, dates, amounts, years) if model == _ESCROWED else 0.0
            _floors(floor, levels, strike, sign, is_american, owed)
            _advance(value, floor, market, 0.5 * step if is_implicit else step, is_implicit, work)
        now = date
        if k > 0 and model != _ESCROWED:
            _cross_ex_date(value, levels, h, amounts[k - 1], model == _CASH)
            _floors(floor, levels, strike, sign, is_american, 0.0)
            value[:] = np.maximum(value, floor)
    x = distance / h + below
    centre, up, down = (
        _at(value, x, np.nan),
        _at(value, x + 1.0, np.nan),
        _at(value, x - 1.0, np.nan),
    )
    slope, bend = (up - down) / (2.0 * h), (up - 2.0 * centre + down) / (h * h)
    result[0], result[1] = centre, slope / start
    result[2] = (bend - slope) / (start * start)
    if is_american:
        result[0] = max(centre, sign * (spot - strike))


@inlined
def _sign(call: float) -> float:
    """1 for a call, -1 for a put, NaN for anything else."""
    return 1.0 if call == 1.0 else (-1.0 if call == 0.0 else np.nan)


@njit
def _kernel(
    arguments: tuple[FloatArray, ...],
    dates: FloatArray,
    amounts: FloatArray,
    options: tuple[int, bool, int, int],
    out: FloatArray,
) -> None:
    spots, strikes, t, v, r, carries, calls = arguments
    for i in range(out.shape[0]):
        contract = (
            spots[i if spots.size > 1 else 0],
            strikes[i if strikes.size > 1 else 0],
            t[i if t.size > 1 else 0],
            v[i if v.size > 1 else 0],
            r[i if r.size > 1 else 0],
            carries[i if carries.size > 1 else 0],
            _sign(calls[i if calls.size > 1 else 0]),
        )
        _march(contract, dates, amounts, options, out[i])


def _schedule(years: ArrayLike, amounts: ArrayLike, model: Model) -> tuple[FloatArray, FloatArray]:
    dates = np.atleast_1d(np.asarray(years, dtype=np.float64))
    sizes = np.broadcast_to(np.asarray(amounts, dtype=np.float64), dates.shape)
    if model not in _MODELS:
        raise ValueError(f"dividend model must be one of {_MODELS}, found {model!r}")
    if dates.ndim != 1 or not np.all(np.isfinite(dates)) or not np.all(sizes >= 0.0):
        raise ValueError("dividends must be finite dates in one dimension and amounts of 0 or more")
    if model == "proportional" and not np.all(sizes < 1.0):
        raise ValueError("a proportional dividend is a fraction of the price, below 1")
    order = np.argsort(dates, kind="stable")
    return dates[order].copy(), sizes[order].copy()


def price_and_slopes(  # an option, its market and its dividends
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    sigma_annual: ArrayLike,
    rate: ArrayLike,
    borrow_rate: ArrayLike,
    is_call: ArrayLike,
    *,
    dividend_years: ArrayLike,
    dividend_amounts: ArrayLike,
    model: Model = "cash",
    is_american: bool = True,
    space_steps: int = 400,
    time_steps: int = 200,
) -> Slopes:
    """Return price, delta and gamma of options on one stock with dated dividends.

    Parameters
    ----------
    spot, strike, years, sigma_annual, rate, is_call : as in `black_scholes.price`, all above 0
        where that is about size; the rate may have any sign.
    borrow_rate : cost of borrowing the stock per year, continuously compounded; acts as a yield.
    dividend_years : ex-dates, years from now; those not within the option's life are ignored.
    dividend_amounts : cash per share, or the fraction of the price for "proportional".
    model : "cash", "proportional" or "escrowed"; see the module.
    space_steps, time_steps : size of the grid; the error falls with the square of both.

    Returns
    -------
    Slopes
        NaN in a row whose inputs are not valid, or leave no finite grid.

    Raises
    ------
    ValueError
        If the schedule or the model is not valid, or the grid has fewer than 8 steps either way.
    """
    if min(space_steps, time_steps) < 8:
        raise ValueError(
            f"the grid needs 8 steps or more each way, found space_steps {space_steps} and "
            f"time_steps {time_steps}"
        )
    shape, flat = columns(spot, strike, years, sigma_annual, rate, borrow_rate, is_call)
    dates, amounts = _schedule(dividend_years, dividend_amounts, model)
    out = np.empty((int(np.prod(shape)), 3))
    options = (_MODELS.index(model), is_american, space_steps, time_steps)
    _kernel(tuple(flat), dates, amounts, options, out)
    return Slopes(*(shaped(np.ascontiguousarray(column), shape) for column in out.T))
