"""What QuantLib and py_vollib do for the same inputs, as calls that a benchmark times.

Each call does all its work again; what a library needs to have built before (its objects, a forward
and its discount) is built outside of the call, in the peer's favour. All run in one thread.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = tuple[NDArray[Any], ...]
Call = Callable[[], list[float]]


def _rows(columns: Arrays) -> Iterator[tuple[Any, ...]]:
    """Give the rows of columns as Python's own numbers: neither library takes arrays."""
    return zip(*(column.tolist() for column in columns), strict=True)


def _or_nan(work: Callable[..., float], *arguments: Any) -> float:  # noqa: ANN401  # a peer's own
    try:
        return float(work(*arguments))
    except Exception:  # noqa: BLE001  # a peer's own refusals, of many classes, count as missing
        return float("nan")


def quantlib_implied(ql: Any, columns: Arrays) -> Call:  # noqa: ANN401  # a foreign module
    """Return volatilities of (price, spot, strike, years, rate, yield, is call), to 1e-14."""
    prepared = []
    for price, spot, strike, years, rate, dividend, is_call in _rows(columns):
        kind = ql.Option.Call if is_call else ql.Option.Put
        forward, discount = spot * np.exp((rate - dividend) * years), np.exp(-rate * years)
        root = float(np.sqrt(years)) if years > 0.0 else float("nan")
        prepared.append((kind, strike, float(forward), price, float(discount), root))

    def solve(kind: int, strike: float, forward: float, price: float, discount: float) -> float:
        deviation = ql.blackFormulaImpliedStdDev(
            kind, strike, forward, price, discount, 0.0, 0.2, 1e-14, 100
        )
        return float(deviation)

    return lambda: [_or_nan(solve, *row[:5]) / row[5] for row in prepared]


def vollib_implied(vollib: Any, columns: Arrays) -> Call:  # noqa: ANN401  # a foreign module
    """Return the same by `py_vollib.black_scholes_merton.implied_volatility`."""
    prepared = [(*row[:6], "c" if row[6] else "p") for row in _rows(columns)]
    return lambda: [_or_nan(vollib.implied_volatility, *row) for row in prepared]


def quantlib_greeks(ql: Any, columns: Arrays) -> Call:  # noqa: ANN401  # a foreign module
    """Return price and eight greeks of (spot, strike, years, sigma, rate, yield, is call).

    QuantLib's calculator has no vanna, volga and charm: its strike, dividend and elasticity greeks
    are taken in their place, so that the work is of a size.
    """
    prepared = []
    for spot, strike, years, sigma, rate, dividend, is_call in _rows(columns):
        kind = ql.Option.Call if is_call else ql.Option.Put
        forward, discount = spot * np.exp((rate - dividend) * years), np.exp(-rate * years)
        numbers = (float(forward), sigma * years**0.5, float(discount))
        prepared.append((ql.PlainVanillaPayoff(kind, strike), numbers, spot, years))

    def work() -> list[float]:
        out = []
        for payoff, numbers, spot, years in prepared:
            one = ql.BlackCalculator(payoff, *numbers)
            out += [
                one.value(), one.delta(spot), one.gamma(spot), one.vega(years),
                one.theta(spot, years), one.rho(years), one.dividendRho(years),
                one.strikeSensitivity(), one.elasticity(spot),
            ]  # fmt: skip
        return out

    return work


def vollib_greeks(price: Any, greeks: Any, columns: Arrays) -> Call:  # noqa: ANN401  # foreign
    """Return price and the five greeks that py_vollib has."""
    prepared = [
        ("c" if row[6] else "p", *row[:3], row[4], row[3], row[5]) for row in _rows(columns)
    ]
    wanted = (greeks.delta, greeks.gamma, greeks.vega, greeks.theta, greeks.rho)

    def work() -> list[float]:
        out = []
        for row in prepared:
            out.append(price.black_scholes_merton(*row))
            out += [greek(*row) for greek in wanted]
        return out

    return work


def quantlib_sabr(
    ql: Any,  # noqa: ANN401  # a foreign module
    forward: float,
    strikes: NDArray[np.float64],
    years: float,
    volatility: NDArray[np.float64],
    beta: float,
) -> Call:
    """Return alpha, nu and rho of one expiry at a given beta, begun from a plain guess."""
    columns = ql.Array(strikes.tolist()), ql.Array(volatility.tolist())
    guess = float(volatility.mean()) * forward ** (1.0 - beta)

    def work() -> list[float]:
        fit = ql.SABRInterpolation(
            *columns, years, forward, guess, beta, 0.4, 0.0, False, True, False, False, False
        )
        return [fit.alpha(), fit.nu(), fit.rho()]

    return work


def quantlib_curves(ql: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401  # a foreign module
    """Return today, and flat curves of 2 % (the rate) and 1 % (the yield)."""
    today, count = ql.Date(2, 1, 2024), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today
    rate, dividend = (
        ql.YieldTermStructureHandle(ql.FlatForward(today, x, count)) for x in (0.02, 0.01)
    )
    return today, rate, dividend


def quantlib_heston_paths(ql: Any, model: dict[str, float], paths: int, steps: int) -> Call:  # noqa: ANN401  # foreign
    """Return price and standard error of a call at 100 on 100 after a year, by simulation."""
    today, rate, dividend = quantlib_curves(ql)
    quote = ql.QuoteHandle(ql.SimpleQuote(100.0))
    process = ql.HestonProcess(rate, dividend, quote, *model.values())
    option = ql.VanillaOption(
        ql.PlainVanillaPayoff(ql.Option.Call, 100.0), ql.EuropeanExercise(today + 365)
    )

    def work() -> list[float]:
        engine = ql.MCEuropeanHestonEngine(
            process, "PseudoRandom", timeSteps=steps, requiredSamples=paths, seed=3
        )
        option.setPricingEngine(engine)
        return [option.NPV(), option.errorEstimate()]

    return work
