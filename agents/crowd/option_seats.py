"""Dealers, users and survey put into the core, once accounts and series are there."""

from dataclasses import dataclass

import numpy as np

from agents.crowd import (
    dealer_rows as dealer,
    option_belief as belief,
    option_survey,
    option_value as value,
)
from agents.crowd.option_rows import (
    EXPIRY_FLOATS,
    SERIES_FLOATS,
    U_EXPIRIES,
    U_SERIES,
    U_SERIES_FIRST,
    X_DAYS,
    X_YEARS,
)
from agents.crowd.population import Crowd, Population
from environment.draws import draw_normal
from environment.market import layout as at, option_rows as market_rows
from environment.market.market import Market


@dataclass(frozen=True, kw_only=True)
class CurveErrors:
    """How wrong traders' curves are, in deviations.

    Of rates and borrowing per year, of dividends as a share of what is paid.
    """

    rate_sd: float = 0.0
    dividend_sd: float = 0.0
    borrow_sd: float = 0.0

    def draw(self, crowd: Crowd, name: str, k: int) -> tuple[float, float, float]:
        """Return the errors of a population's k-th, for a whole run: rate, growth, dividends.

        Growth is that of the stock's forward: the rate less the cost of borrowing.
        """
        key = crowd.key(f"beliefs/{name}/{k}")
        deviations = self.rate_sd, self.dividend_sd, self.borrow_sd
        rate, dividend, borrow = (sd * draw_normal(key, n) for n, sd in enumerate(deviations))
        return rate, rate - borrow, dividend


@dataclass(frozen=True, kw_only=True)
class DealerTerms:
    """How the dealers of a population differ, and what the venue guards them by.

    The k-th is wider by `width_step` and its surface higher by `bias` times its distance from the
    middle one, and its limits are smaller by `limit_step`. Protection pulls its quotes after
    `contracts`, net `delta_shares` or `vega` (money per point) within `window_ns`. `errors` say how
    wrong their curves are.
    """

    width_step: float = 0.1
    bias: float = 0.002
    limit_step: float = 0.1
    size_min: int = 1
    window_ns: int = 1_000_000_000
    contracts: int = 0
    delta_shares: int = 0
    vega: float = 0.0
    errors: CurveErrors = CurveErrors()


def dealer_memory(series: int, expiries: int) -> int:
    """Return how many floats a dealer keeps."""
    return dealer.HEAD_FLOATS + expiries * value.STATE_FLOATS + series * value.VALUE_FLOATS


def survey_memory(series: int, log: int, minutes: int) -> int:
    """Return how many floats a survey keeps."""
    began = series * len(option_survey.CAUSES) * option_survey.BEGAN_FLOATS
    sample = minutes * (series + option_survey.BESIDE) * option_survey.SAMPLE_FLOATS
    return option_survey.HEAD + began + log * option_survey.LOG_FLOATS + sample


def seat_dealers(market: Market, crowd: Crowd, index: int, terms: DealerTerms) -> list[int]:
    """Let a population's traders quote its series. Returns their dealer numbers."""
    population = crowd.populations[index]
    first, count = population.integers[U_SERIES_FIRST], population.integers[U_SERIES]
    numbers = list(range(first, first + count))
    made = []
    for k in range(population.count):
        trader = crowd.first_trader[index] + k
        number = market_rows.add_dealer(
            market, crowd.first_account[index] + k, numbers, trader=trader,
            size_min=terms.size_min,
        )  # fmt: skip
        market_rows.set_protection(
            market, number, window_ns=terms.window_ns, contracts=terms.contracts,
            delta_shares=terms.delta_shares, vega_micros=round(terms.vega * 1e6),
        )  # fmt: skip
        market.section(at.S_TRADER)[trader, at.TR_DEALER] = number
        _write_memory(market, crowd, population, trader, k, terms)
        made.append(number)
    return made


def _write_memory(
    market: Market, crowd: Crowd, population: Population, trader: int, k: int, terms: DealerTerms
) -> None:
    head = int(market.section(at.S_TRADER)[trader, at.TR_MEMORY])
    crowd.beliefs[head + dealer.M_WIDTH] = 1.0 + terms.width_step * k
    crowd.beliefs[head + dealer.M_LIMITS] = max(1.0 - terms.limit_step * k, 0.1)
    crowd.beliefs[head + dealer.M_ARMED], crowd.beliefs[head + dealer.M_OPENED] = 1.0, -1.0
    places = dealer.M_RATE_ERROR, dealer.M_GROWTH_ERROR, dealer.M_DIVIDEND_ERROR
    errors = terms.errors.draw(crowd, population.name, k)
    for place, error in zip(places, errors, strict=True):
        crowd.beliefs[head + place] = error
    middle = (population.count - 1) / 2.0
    series = population.integers[U_SERIES]
    expiries = population.tables[0][series * SERIES_FLOATS :].reshape(-1, EXPIRY_FLOATS)
    for e in range(population.integers[U_EXPIRIES]):
        state = head + dealer.HEAD_FLOATS + e * value.STATE_FLOATS
        # Opinions differ less on what is far away, where a point is worth more.
        years = float(expiries[e, X_YEARS]) if expiries[e, X_DAYS] else 1.0 / 12.0  # Not listed.
        nearness = min((1.0 / 12.0 / max(years, 0.01)) ** 0.5, 1.5)
        crowd.beliefs[state + value.Y_BIAS] = terms.bias * nearness * (k - middle)


def seat_users(market: Market, crowd: Crowd, index: int, errors: CurveErrors) -> None:
    """Let the curves of a population's end users or arbitrageurs be wrong, each by its own draw."""
    population, traders = crowd.populations[index], market.section(at.S_TRADER)
    for k in range(population.count):
        own = int(traders[crowd.first_trader[index] + k, at.TR_BELIEF])
        rate, growth, dividend = errors.draw(crowd, population.name, k)
        crowd.beliefs[own + belief.B_RATE] = rate
        crowd.beliefs[own + belief.B_GROWTH] = growth
        crowd.beliefs[own + belief.B_DIVIDEND] = dividend


def seat_survey(market: Market, crowd: Crowd, index: int) -> None:
    """Let a survey begin with nothing found."""
    memory = int(market.section(at.S_TRADER)[crowd.first_trader[index], at.TR_MEMORY])
    first, step = memory + option_survey.HEAD, option_survey.BEGAN_FLOATS
    count = crowd.populations[index].integers[U_SERIES] * len(option_survey.CAUSES)
    crowd.beliefs[first : first + count * step : step] = option_survey.NOT_ON


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What the survey found; `violations` one row each, `quotes` of shape (minutes, n + 1, 4).

    A violation: the second of the exchange's clock when it began and how many it lasted, cause,
    place of the series, largest gain per share in currency. Quotes are bid, its quantity, ask, its
    quantity, in ticks and contracts; the last of a minute is the stock's. Dealers, of shape
    (minutes, dealers, 4): delta and gamma in shares, vega in money per point, shares held.
    `moments_ns` are the samples' times, of all days one after the other.
    """

    seconds: int
    violations: np.ndarray[tuple[int, int], np.dtype[np.float64]]
    lost: int  # Violations that the log had no room for.
    quotes: np.ndarray[tuple[int, int, int], np.dtype[np.float64]]
    dealers: np.ndarray[tuple[int, int, int], np.dtype[np.float64]]
    moments_ns: np.ndarray[tuple[int], np.dtype[np.int64]]


def read_survey(market: Market, crowd: Crowd, index: int) -> Survey:
    """Return what a survey has found so far."""
    population = crowd.populations[index]
    memory = int(market.section(at.S_TRADER)[crowd.first_trader[index], at.TR_MEMORY])
    series = population.integers[U_SERIES]
    room = population.integers[option_survey.U_LOG]
    floats = crowd.beliefs
    logged, minutes = int(floats[memory]), int(floats[memory + option_survey.N_MINUTES])
    log = memory + option_survey.HEAD
    log += series * len(option_survey.CAUSES) * option_survey.BEGAN_FLOATS
    kept = min(logged, room)
    width = option_survey.LOG_FLOATS
    sample = log + room * width
    size = (series + option_survey.BESIDE) * option_survey.SAMPLE_FLOATS
    shape = minutes, series + option_survey.BESIDE, option_survey.SAMPLE_FLOATS
    samples = floats[sample : sample + minutes * size].reshape(shape)
    quoting = min(int(market.arena[at.H_DEALERS]), option_survey.DEALERS)
    return Survey(
        seconds=int(floats[memory + option_survey.N_SECONDS]),
        violations=floats[log : log + kept * width].reshape(kept, width).copy(),
        lost=logged - kept,
        quotes=samples[:, : series + 1].copy(),
        dealers=samples[:, series + 1 : series + 1 + quoting].copy(),
        moments_ns=samples[:, -1, 0].astype(np.int64) * option_survey.EVERY_NS,
    )
