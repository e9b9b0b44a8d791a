"""The table of series that the option crowd reads, and the weights by which end users choose.

Arrays are of shape (n_series,) in the order of the series' numbers in the core. Money is in
currency per share, times in years, volatilities per year as fractions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from agents.crowd import option_rows as rows
from agents.crowd.option_roles import ROLES
from environment.instruments import Instrument
from environment.options import american, black_scholes, dividends

Floats = NDArray[np.float64]
# Of the table's prices, from its own on: in logarithms.
_REACH = rows.PREMIUM_STEP * (rows.PREMIUM_POINTS - 1) / 2
PRICE_STEPS: Floats = np.linspace(-_REACH, _REACH, rows.PREMIUM_POINTS)
DELTAS: Floats = np.linspace(0.0, 1.0, rows.WIDTH_POINTS)  # Of the table's widths.


@dataclass(frozen=True, kw_only=True)
class Expiries:
    """What belongs to each expiry; arrays of shape (n_expiries,), ascending in time.

    `years` from the day's open to the last trading moment, `carry` is ln(forward / spot), `rate`
    continuously compounded, `dividends` the sum of cash that goes ex before.
    """

    days: tuple[int, ...]  # Ordinals.
    years: Floats
    carry: Floats
    rate: Floats
    dividends: Floats


@dataclass(frozen=True, kw_only=True)
class OptionTable:
    """Series, their expiries, and what the chain said of each at the start.

    `sigma` is the chain's volatility, `smile` that at each of the table's prices (PRICE_STEPS), of
    shape (n_series, n_prices); `widths` half of the quoted spread at deltas from 0 to 1 (DELTAS);
    `volume` and `open_interest` are contracts of the real day. Dividends are cash per share, by
    years from the day; the stock is borrowed at `borrow_rate` a year.
    """

    series: tuple[Instrument, ...]
    expiries: Expiries
    expiry: NDArray[np.intp]
    spot: float
    sigma: Floats
    smile: Floats
    widths: Floats
    volume: Floats
    open_interest: Floats
    dividend_years: Floats
    dividend_amounts: Floats
    borrow_rate: float = 0.0

    @property
    def strike(self) -> Floats:
        """Strikes in currency."""
        return np.array([(s.strike_micros or 0) / 1e6 for s in self.series])

    @property
    def is_call(self) -> NDArray[np.bool_]:
        """Which series are calls."""
        return np.array([s.right == "call" for s in self.series])

    def deltas(self) -> Floats:
        """Return Black-Scholes deltas at the start."""
        expiries, e = self.expiries, self.expiry
        years = expiries.years[e]
        dividend = expiries.rate[e] - expiries.carry[e] / years
        found = black_scholes.price_and_greeks(
            self.spot, self.strike, years, self.sigma, expiries.rate[e], dividend, self.is_call
        )
        return np.asarray(found.delta)

    def at_the_money(self) -> Floats:
        """Return the volatility nearest the money of each expiry."""
        gap, found = np.abs(np.abs(self.deltas()) - 0.5), np.zeros(len(self.expiries.days))
        for place in np.argsort(-gap, kind="stable"):
            found[self.expiry[place]] = self.sigma[place]  # The nearest comes last.
        return found

    def floats(self) -> Floats:
        """Return the table as the compiled crowd reads it."""
        return np.concatenate([self.series_floats().ravel(), self.expiry_floats().ravel()])

    def series_floats(self) -> Floats:
        """Return the series' rows, of shape (n_series, SERIES_FLOATS)."""
        count = len(self.series)
        table = np.zeros((count, rows.SERIES_FLOATS))
        table[:, rows.K_STRIKE] = self.strike
        table[:, rows.K_CALL] = self.is_call
        table[:, rows.K_EXPIRY] = self.expiry
        table[:, rows.K_SMILE : rows.K_SMILE + rows.PREMIUM_POINTS] = self.smile
        table[:, rows.K_PAIR], table[:, rows.K_NEXT_STRIKE], table[:, rows.K_NEXT_EXPIRY] = (
            neighbours(self.series)
        )
        table[:, rows.K_MULTIPLIER] = [s.multiplier for s in self.series]
        table[:, rows.K_TICK] = [s.tick_micros / 1e6 for s in self.series]
        bands = [s.tick_bands() for s in self.series]
        table[:, rows.K_STEP_LOW] = [b[0].increment for b in bands]
        table[:, rows.K_STEP_HIGH] = [b[-1].increment for b in bands]
        table[:, rows.K_THRESHOLD] = [b[-1].from_ticks for b in bands]
        table[:, rows.K_PREMIUM : rows.K_PREMIUM + rows.PREMIUM_POINTS] = self.premiums()
        return table

    def expiry_floats(self) -> Floats:
        """Return the expiries' rows, of shape (n_expiries, EXPIRY_FLOATS)."""
        made = np.zeros((len(self.expiries.days), rows.EXPIRY_FLOATS))
        made[:, rows.X_YEARS], made[:, rows.X_CARRY] = self.expiries.years, self.expiries.carry
        made[:, rows.X_RATE] = self.expiries.rate
        made[:, rows.X_DIVIDENDS] = self.expiries.dividends
        made[:, rows.X_DAYS], made[:, rows.X_SPOT] = self.expiries.days, self.spot
        made[:, rows.X_SIGMA] = self.at_the_money()
        made[:, rows.X_WIDTHS : rows.X_WIDTHS + rows.WIDTH_POINTS] = self.widths
        return made

    def premiums(self) -> Floats:
        """Return what early exercise adds to each series, at each of the table's prices.

        Shape (n_series, PREMIUM_POINTS): the American value with dividends as dated cash, less the
        European one at the same forward. A call just before an ex-date owes most of it to that.
        """
        e = self.expiry
        spot = np.broadcast_to(self.spot * np.exp(PRICE_STEPS), (len(e), rows.PREMIUM_POINTS))
        years, rate = self.expiries.years[e][:, None], self.expiries.rate[e][:, None]
        dividend = rate - self.expiries.carry[e][:, None] / years
        strike, is_call = self.strike[:, None], self.is_call[:, None]
        terms = (spot, strike, years, self.sigma[:, None], rate)
        worth = np.array(american.price(*terms, dividend, is_call))
        pays = self.expiries.dividends[e] > 0.0
        if pays.any():
            at, k, t, sigma, r = (np.broadcast_to(term, spot.shape)[pays] for term in terms)
            worth[pays] = dividends.price_and_slopes(
                at, k, t, sigma, r, self.borrow_rate, np.broadcast_to(is_call, spot.shape)[pays],
                dividend_years=self.dividend_years, dividend_amounts=self.dividend_amounts,
                space_steps=200, time_steps=100,
            ).price  # fmt: skip
        return np.maximum(worth - black_scholes.price(*terms, dividend, is_call), 0.0)


def neighbours(series: Sequence[Instrument]) -> tuple[Floats, Floats, Floats]:
    """Return, as places or -1: the other right, the next strike, the next expiry of each series."""
    keys = [_key(s) for s in series]
    places = {key: k for k, key in enumerate(keys)}
    strikes: dict[tuple[date, bool], list[int]] = {}
    dates: dict[tuple[int, bool], list[date]] = {}
    for expiry, is_call, strike in keys:
        strikes.setdefault((expiry, is_call), []).append(strike)
        dates.setdefault((strike, is_call), []).append(expiry)
    pair, higher, later = [], [], []
    for expiry, is_call, strike in keys:
        pair.append(places.get((expiry, not is_call, strike), -1))
        above = [k for k in strikes[expiry, is_call] if k > strike]
        higher.append(places[expiry, is_call, min(above)] if above else -1)
        after = [d for d in dates[strike, is_call] if d > expiry]
        later.append(places[min(after), is_call, strike] if after else -1)
    return np.array(pair, float), np.array(higher, float), np.array(later, float)


def _key(series: Instrument) -> tuple[date, bool, int]:
    assert series.expiry is not None, f"{series.symbol} is no option"
    assert series.strike_micros is not None, f"{series.symbol} is no option"
    return series.expiry, series.right == "call", series.strike_micros


def weights_of(table: OptionTable, role: str, right: str = "both") -> Floats:
    """Return cumulative weights by which a role picks its series, calls or puts alone if told so.

    A series counts by its contracts traded and a tenth of its open interest, within what the role
    is about: out-of-the-money calls of one to ten weeks for overwriters, puts below the stock for
    protection, far calls for lottery tickets, the day's expiry for same-day buyers, the nearest the
    money for sellers of volatility.
    """
    return np.cumsum(weight_of_each(table, role, right))


def weight_of_each(table: OptionTable, role: str, right: str = "both") -> Floats:
    """Return those weights one by one; of a series that is nothing for the role it is 0."""
    delta, days = np.abs(table.deltas()), table.expiries.years[table.expiry] * 365.0
    call = table.is_call
    # Never nothing: a real series that did not trade is still there to be bought.
    activity = table.volume + 0.1 * table.open_interest + 1.0
    if role == "overwriter":
        chosen = call & (delta > 0.1) & (delta < 0.5) & (days > 3.0) & (days < 75.0)
    elif role == "protective":
        chosen = ~call & (delta > 0.05) & (delta < 0.5) & (days > 3.0) & (days < 250.0)
    elif role == "lottery":
        chosen = (delta > 0.02) & (delta < 0.25) & (days < 45.0)
    elif role == "same_day":
        chosen = (delta > 0.1) & (delta < 0.7) & (days < 1.0)
        if not chosen.any():
            chosen = days <= days.min()
    elif role == "volatility_seller":
        chosen = (delta > 0.35) & (delta < 0.65)
    else:
        chosen = np.ones(len(call), bool)
    if right != "both":
        chosen &= call == (right == "call")
    return np.where(chosen, activity, 0.0)


def role_number(role: str) -> int:
    """Return a role's number in the core."""
    return ROLES.index(role)
