"""Which option structure sells volatility that is too dear, and what it is worth if it is.

Values are those of Black and Scholes at the forecast volatility, without rates or dividends: over
weeks both are small beside the premium that is asked for. Prices are per share.
"""

import math
from typing import Final, Literal

import msgspec

_SQRT2: Final = math.sqrt(2.0)
Name = Literal["condor", "vertical"]


class Quoted(msgspec.Struct, frozen=True, kw_only=True):
    """One series with a two-sided market; prices in currency per share."""

    symbol: str
    right: Literal["call", "put"]
    strike: float
    bid: float
    ask: float

    @property
    def mid(self) -> float:
        """The mean of bid and ask."""
        return 0.5 * (self.bid + self.ask)


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """A structure to be sold: what it brings now, and what is expected of it.

    `legs` are (series, +1 bought or -1 sold); `credit` is received at the touch, `worst_loss` is
    width less credit, `expected_profit` under the forecast, all per share; `probability` that it
    ends with a profit.
    """

    name: Name
    legs: tuple[tuple[Quoted, int], ...]
    credit: float
    worst_loss: float
    expected_profit: float
    probability: float

    @property
    def expected_return(self) -> float:
        """The expected profit as a share of the worst loss."""
        return self.expected_profit / self.worst_loss


def cumulative(x: float) -> float:
    """Return the standard normal distribution function."""
    return 0.5 * math.erfc(-x / _SQRT2)


def value(right: str, spot: float, strike: float, deviation: float) -> float:
    """Return an option's value without rates; `deviation` is sigma times the root of time."""
    d1 = math.log(spot / strike) / deviation + 0.5 * deviation
    call = spot * cumulative(d1) - strike * cumulative(d1 - deviation)
    return call if right == "call" else call - spot + strike


def below(spot: float, level: float, deviation: float) -> float:
    """Return the probability that the stock ends below a level; it drifts by nothing."""
    if level <= 0.0:
        return 0.0
    return cumulative((math.log(level / spot) + 0.5 * deviation * deviation) / deviation)


def at_the_money(series: list[Quoted], spot: float, years: float) -> float | None:
    """Return the implied volatility of the straddle nearest the money, or None without one.

    For a straddle at the money, price is close to spot * sigma * sqrt(2 years / pi) (Brenner and
    Subrahmanyam 1988); from there the exact value is solved by bisection.
    """
    calls = {q.strike: q for q in series if q.right == "call"}
    puts = {q.strike: q for q in series if q.right == "put"}
    both = sorted(calls.keys() & puts.keys(), key=lambda strike: (abs(strike - spot), strike))
    if not both or years <= 0.0:
        return None
    strike = both[0]
    price = calls[strike].mid + puts[strike].mid
    low, high = 1e-4, 5.0
    for _ in range(60):
        sigma = 0.5 * (low + high)
        deviation = sigma * math.sqrt(years)
        worth = value("call", spot, strike, deviation) + value("put", spot, strike, deviation)
        low, high = (sigma, high) if worth < price else (low, sigma)
    sigma = 0.5 * (low + high)
    return sigma if 1e-3 < sigma < 4.99 else None


def iron_condor(series: list[Quoted], spot: float, deviation: float) -> Chosen | None:
    """Return the iron condor sold one deviation out and protected two out, or None.

    `deviation` is the forecast's, over the life of the options.
    """
    put_sold = _nearest(series, "put", spot * math.exp(-deviation))
    put_bought = _nearest(series, "put", spot * math.exp(-2.0 * deviation))
    call_sold = _nearest(series, "call", spot * math.exp(deviation))
    call_bought = _nearest(series, "call", spot * math.exp(2.0 * deviation))
    if put_sold is None or put_bought is None or call_sold is None or call_bought is None:
        return None
    if not put_bought.strike < put_sold.strike < call_sold.strike < call_bought.strike:
        return None
    legs = ((put_bought, 1), (put_sold, -1), (call_sold, -1), (call_bought, 1))
    width = max(put_sold.strike - put_bought.strike, call_bought.strike - call_sold.strike)
    return _judge("condor", legs, width, spot, deviation)


def put_vertical(series: list[Quoted], spot: float, deviation: float) -> Chosen | None:
    """Return the put sold half a deviation below and protected one and a half below, or None."""
    sold = _nearest(series, "put", spot * math.exp(-0.5 * deviation))
    bought = _nearest(series, "put", spot * math.exp(-1.5 * deviation))
    if sold is None or bought is None or bought.strike >= sold.strike:
        return None
    legs = ((bought, 1), (sold, -1))
    return _judge("vertical", legs, sold.strike - bought.strike, spot, deviation)


def _nearest(series: list[Quoted], right: str, strike: float) -> Quoted | None:
    same = [quoted for quoted in series if quoted.right == right]
    return min(same, key=lambda q: (abs(q.strike - strike), q.strike), default=None)


def _judge(
    name: Name, legs: tuple[tuple[Quoted, int], ...], width: float, spot: float, deviation: float
) -> Chosen | None:
    """Return the structure with its figures, or None where it brings nothing or cannot lose."""
    credit = sum(quoted.bid if sign < 0 else -quoted.ask for quoted, sign in legs)
    loss = width - credit
    if credit <= 0.0 or loss <= 0.0:
        return None
    worth = sum(sign * value(q.right, spot, q.strike, deviation) for q, sign in legs)
    sold_put = next(q.strike for q, sign in legs if sign < 0 and q.right == "put")
    probability = 1.0 - below(spot, sold_put - credit, deviation)
    sold_call = [q.strike for q, sign in legs if sign < 0 and q.right == "call"]
    if sold_call:
        probability -= 1.0 - below(spot, sold_call[0] + credit, deviation)
    return Chosen(
        name=name, legs=legs, credit=credit, worst_loss=loss,
        expected_profit=credit + worth, probability=probability,
    )  # fmt: skip
