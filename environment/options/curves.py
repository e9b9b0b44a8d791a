"""Curves behind option prices: zero rates from par yields, dated dividends, cost of borrowing.

A curve is a frozen value. Agents may hold different ones of the same name: the world's true curve
and each agent's own, possibly wrong, copy are separate objects.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from environment.options.columns import FloatArray

_TOLERANCE = 1e-15
_STEPS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZeroCurve:
    """Discount factors between knots at constant forward rates, flat beyond the last.

    `years` rises from above 0; `log_discounts` are the logarithms of the discount factors there.
    """

    years: FloatArray
    log_discounts: FloatArray

    def __post_init__(self) -> None:
        if self.years.ndim != 1 or self.years.shape != self.log_discounts.shape:
            raise ValueError("a curve needs as many discount factors as knots, in one dimension")
        if self.years.size == 0 or self.years[0] <= 0.0 or np.any(np.diff(self.years) <= 0.0):
            raise ValueError("knots of a curve must rise from above 0")
        if not (np.isfinite(self.years).all() and np.isfinite(self.log_discounts).all()):
            raise ValueError("knots of a curve and its discount factors must be finite")

    def discount_factor(self, years: ArrayLike) -> FloatArray:
        """Return the present value of one unit paid after each of `years`, 0 or more."""
        return np.exp(self._log_discount(np.asarray(years, dtype=np.float64)))

    def zero_rate(self, years: ArrayLike) -> FloatArray:
        """Return the continuously compounded rate per year from now to each of `years`."""
        at = np.asarray(years, dtype=np.float64)
        # The rate at 0 is the limit, the first forward rate.
        positive = np.maximum(at, 1e-9)
        return np.asarray(-self._log_discount(positive) / positive)

    def forward_rate(self, start_years: ArrayLike, end_years: ArrayLike) -> FloatArray:
        """Return the continuously compounded rate per year between two times, start first."""
        start, end = np.asarray(start_years, np.float64), np.asarray(end_years, np.float64)
        if np.any(end <= start):
            raise ValueError("a forward rate needs an end after its start")
        return np.asarray((self._log_discount(start) - self._log_discount(end)) / (end - start))

    def _log_discount(self, years: FloatArray) -> FloatArray:
        knots = np.concatenate([[0.0], self.years])
        values = np.concatenate([[0.0], self.log_discounts])
        slope = (values[-1] - values[-2]) / (knots[-1] - knots[-2])
        beyond = values[-1] + slope * (years - knots[-1])
        return np.asarray(np.where(years > knots[-1], beyond, np.interp(years, knots, values)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DividendSchedule:
    """Cash dividends per share by ex-date, years from now, in order."""

    years: FloatArray
    amounts: FloatArray

    def __post_init__(self) -> None:
        if self.years.ndim != 1 or self.years.shape != self.amounts.shape:
            raise ValueError("a schedule needs as many amounts as ex-dates, in one dimension")
        if np.any(np.diff(self.years) < 0.0) or np.any(self.amounts < 0.0):
            raise ValueError("ex-dates must be in order and amounts 0 or more")
        if not (np.isfinite(self.years).all() and np.isfinite(self.amounts).all()):
            raise ValueError("ex-dates and amounts must be finite")

    def present_value(self, curve: ZeroCurve, years: float, from_years: float = 0.0) -> float:
        """Return the value at `from_years` of the dividends after it and up to `years`."""
        is_due = (self.years > from_years) & (self.years <= years)
        worth = self.amounts[is_due] * curve.discount_factor(self.years[is_due])
        return float(worth.sum() / curve.discount_factor(from_years))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BorrowCurve:
    """Cost of borrowing one name's shares, continuously compounded per year, flat between knots."""

    curve: ZeroCurve

    def rate(self, years: ArrayLike) -> FloatArray:
        """Return the average cost per year from now to each of `years`."""
        return self.curve.zero_rate(years)


def borrow_curve(years: ArrayLike, rates: ArrayLike) -> BorrowCurve:
    """Return a curve from average costs per year quoted to each of `years`."""
    knots, quoted = (
        np.atleast_1d(np.asarray(years, np.float64)),
        np.atleast_1d(np.asarray(rates, np.float64)),
    )
    return BorrowCurve(curve=ZeroCurve(years=knots, log_discounts=-quoted * knots))


def flat_curve(rate: float) -> ZeroCurve:
    """Return the curve of one continuously compounded rate per year."""
    return ZeroCurve(years=np.array([1.0]), log_discounts=np.array([-rate]))


def bootstrap(years: ArrayLike, par_yields: ArrayLike, *, coupons_a_year: int = 2) -> ZeroCurve:
    """Return the zero curve that prices every quoted par bond at 1.

    Up to one coupon period a quote is simple interest paid at maturity, as for bills; longer ones
    are bonds with a coupon of par yield / coupons_a_year, counted back from maturity, with a first
    short period that accrues in proportion. Forward rates are constant between maturities, so each
    quote has one unknown, found by a safeguarded Newton iteration.

    Parameters
    ----------
    years : maturities, rising from above 0.
    par_yields : annual yields as fractions, compounded `coupons_a_year` times a year.

    Raises
    ------
    ValueError
        If maturities do not rise, shapes differ, or a yield allows no positive discount factor.

    References
    ----------
    Hull, Options, Futures, and Other Derivatives, 9th edition, section 4.5.
    """
    knots = np.atleast_1d(np.asarray(years, dtype=np.float64))
    quotes = np.atleast_1d(np.asarray(par_yields, dtype=np.float64))
    if knots.shape != quotes.shape or knots.ndim != 1 or knots.size == 0:
        raise ValueError("par yields and maturities must be of equal number, in one dimension")
    if knots[0] <= 0.0 or np.any(np.diff(knots) <= 0.0) or not np.all(np.isfinite(quotes)):
        raise ValueError("maturities must rise from above 0 and yields be finite")
    logs: list[float] = []
    for maturity, quote in zip(knots, quotes, strict=True):
        known = (np.concatenate([[0.0], knots[: len(logs)]]), np.array([0.0, *logs]))
        logs.append(_next_log_discount(float(maturity), float(quote), known, coupons_a_year))
    return ZeroCurve(years=knots, log_discounts=np.array(logs))


def cash_flows(
    maturity: float, par_yield: float, coupons_a_year: int
) -> tuple[FloatArray, FloatArray]:
    """Return times and amounts of a par bond: interest for each period, then 1 with the last."""
    period = 1.0 / coupons_a_year
    if maturity <= period:
        return np.array([maturity]), np.array([1.0 + par_yield * maturity])
    count = int(np.ceil(maturity * coupons_a_year - 1e-9))
    periods = np.arange(count - 1, -1, -1, dtype=np.float64)
    times: FloatArray = maturity - period * periods
    amounts = par_yield * np.diff(np.concatenate([[0.0], times]))
    amounts[-1] += 1.0
    return times, amounts


def _next_log_discount(
    maturity: float, quote: float, known: tuple[FloatArray, FloatArray], coupons_a_year: int
) -> float:
    times, amounts = cash_flows(maturity, quote, coupons_a_year)
    knots, logs = known
    is_new = times > knots[-1]
    fixed = float(np.sum(amounts[~is_new] * np.exp(np.interp(times[~is_new], knots, logs))))
    ahead, cash = times[is_new] - knots[-1], amounts[is_new] * np.exp(logs[-1])
    forward = quote
    for _ in range(_STEPS_MAX):
        worth = cash * np.exp(-forward * ahead)
        error, slope = fixed + float(worth.sum()) - 1.0, -float(np.sum(worth * ahead))
        if not slope < 0.0:
            break
        step = min(max(-error / slope, -1.0), 1.0)
        forward += step
        if abs(step) < _TOLERANCE * max(abs(forward), 1.0):
            return float(logs[-1] - forward * (maturity - knots[-1]))
        if abs(error) < _TOLERANCE:
            return float(logs[-1] - forward * (maturity - knots[-1]))
    raise ValueError(
        f"no positive discount factor prices the par yield {quote} at {maturity} years; "
        "check the quote"
    )


def forward_price(
    spot: float,
    years: float,
    curve: ZeroCurve,
    dividends: DividendSchedule,
    borrow: BorrowCurve,
) -> float:
    """Return the forward of a stock with dated dividends, no arbitrage at the borrowing cost.

    Each dividend is worth its own present value carried at the borrowing cost to its ex-date.
    """
    growth = float(np.exp(-borrow.rate(years) * years) / curve.discount_factor(years))
    is_due = (dividends.years > 0.0) & (dividends.years <= years)
    dates = dividends.years[is_due]
    worth = dividends.amounts[is_due] * curve.discount_factor(dates)
    return (spot - float(np.sum(worth * np.exp(borrow.rate(dates) * dates)))) * growth


def equivalent_yield(
    spot: float,
    years: float,
    curve: ZeroCurve,
    dividends: DividendSchedule,
    borrow: BorrowCurve,
) -> float:
    """Return the continuous yield with the same forward: what `black_scholes` needs."""
    forward = forward_price(spot, years, curve, dividends, borrow)
    if forward <= 0.0:
        raise ValueError("the dividends are worth more than the stock; no yield gives its forward")
    return float(curve.zero_rate(years)) - float(np.log(forward / spot)) / years
