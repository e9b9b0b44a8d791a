"""Which option structure sells dear volatility, or buys cheap, and what it is worth if it is so.

Values are those of Black and Scholes at the forecast volatility, without rates or dividends: over
weeks both are small beside the premium that is asked for. Prices are per share.
"""

import math
from typing import Final, Literal

import msgspec

_SQRT2: Final = math.sqrt(2.0)
_NEARER: Final = (1.0, 0.75, 0.5, 0.35, 0.25)  # Shares of a deviation at which a condor is tried.
Name = Literal["condor", "vertical", "bought_condor"]


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


Legs = tuple[tuple[Quoted, int], ...]


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """A structure to be entered: what it brings now, and what is expected of it.

    `legs` are (series, +1 bought or -1 sold); `credit` is received at the touch (below 0: paid),
    `worst_loss` is width less credit, or what is paid, `expected_profit` under the forecast, all
    per share; `probability` that it ends with a profit.
    """

    name: Name
    legs: Legs
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

    `deviation` is the forecast's, over the life of the options. Where strikes are not listed so far
    out, it is made of nearer ones, in proportion.
    """
    legs = _condor_legs(series, spot, deviation)
    if legs is None:
        return None
    (put_bought, _), (put_sold, _), (call_sold, _), (call_bought, _) = legs
    width = max(put_sold.strike - put_bought.strike, call_bought.strike - call_sold.strike)
    return _judge("condor", legs, width, spot, deviation)


def _condor_legs(series: list[Quoted], spot: float, deviation: float) -> Legs | None:
    """Return a condor's legs by rising strike; nearer in, in proportion, where the list ends."""
    for share in _NEARER:
        inner = share * deviation
        put_sold = _nearest(series, "put", spot * math.exp(-inner))
        put_bought = _nearest(series, "put", spot * math.exp(-2.0 * inner))
        call_sold = _nearest(series, "call", spot * math.exp(inner))
        call_bought = _nearest(series, "call", spot * math.exp(2.0 * inner))
        if put_sold is None or put_bought is None or call_sold is None or call_bought is None:
            return None
        widths = (put_sold.strike - put_bought.strike, call_bought.strike - call_sold.strike)
        if put_sold.strike < call_sold.strike and min(widths) > 0.5 * inner * spot:
            return ((put_bought, 1), (put_sold, -1), (call_sold, -1), (call_bought, 1))
    return None


def bought_condor(series: list[Quoted], spot: float, deviation: float) -> Chosen | None:
    """Return the iron condor turned round, or None: bought one deviation out, sold two out.

    It pays when the stock moves by more than the forecast, and can lose what it costs.
    """
    found = _condor_legs(series, spot, deviation)
    if found is None:
        return None
    legs = tuple((quoted, -sign) for quoted, sign in found)
    paid = sum(quoted.ask if sign > 0 else -quoted.bid for quoted, sign in legs)
    if paid <= 0.0:
        return None
    worth = sum(sign * value(q.right, spot, q.strike, deviation) for q, sign in legs)
    put = next(q.strike for q, sign in legs if sign > 0 and q.right == "put")
    call = next(q.strike for q, sign in legs if sign > 0 and q.right == "call")
    probability = below(spot, put - paid, deviation) + 1.0 - below(spot, call + paid, deviation)
    return Chosen(
        name="bought_condor", legs=legs, credit=-paid, worst_loss=paid,
        expected_profit=worth - paid, probability=probability,
    )  # fmt: skip


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


def _judge(name: Name, legs: Legs, width: float, spot: float, deviation: float) -> Chosen | None:
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
