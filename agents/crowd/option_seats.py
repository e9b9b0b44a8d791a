"""Dealers and survey put into the core, once accounts and series are there."""

from dataclasses import dataclass

import numpy as np

from agents.crowd import dealer, option_survey, option_value as value
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
class DealerTerms:
    """How the dealers of a population differ, and what the venue guards them by.

    The k-th is wider by `width_step` and its surface higher by `bias` times its distance from the
    middle one, and its limits are smaller by `limit_step`. Protection pulls its quotes after
    `contracts`, net `delta_shares` or `vega` (money per point) within `window_ns`. The last three
    say how wrong their curves are, in deviations: rates and borrowing per year, dividends as a
    share of what is paid.
    """

    width_step: float = 0.1
    bias: float = 0.002
    limit_step: float = 0.1
    size_min: int = 1
    window_ns: int = 1_000_000_000
    contracts: int = 0
    delta_shares: int = 0
    vega: float = 0.0
    rate_sd: float = 0.0
    dividend_sd: float = 0.0
    borrow_sd: float = 0.0


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
    _write_beliefs(crowd, head, crowd.key(f"beliefs/{population.name}/{k}"), terms)
    middle = (population.count - 1) / 2.0
    series = population.integers[U_SERIES]
    expiries = population.tables[0][series * SERIES_FLOATS :].reshape(-1, EXPIRY_FLOATS)
    for e in range(population.integers[U_EXPIRIES]):
        state = head + dealer.HEAD_FLOATS + e * value.STATE_FLOATS
        # Opinions differ less on what is far away, where a point is worth more.
        years = float(expiries[e, X_YEARS]) if expiries[e, X_DAYS] else 1.0 / 12.0  # Not listed.
        nearness = min((1.0 / 12.0 / max(years, 0.01)) ** 0.5, 1.5)
        crowd.beliefs[state + value.Y_BIAS] = terms.bias * nearness * (k - middle)


def _write_beliefs(crowd: Crowd, head: int, key: int, terms: DealerTerms) -> None:
    """Let a dealer's curves be wrong by what its own stream says, for the whole run."""
    rate, dividend, borrow = (
        sd * draw_normal(key, n)
        for n, sd in enumerate((terms.rate_sd, terms.dividend_sd, terms.borrow_sd))
    )
    crowd.beliefs[head + dealer.M_RATE_ERROR] = rate
    crowd.beliefs[head + dealer.M_GROWTH_ERROR] = rate - borrow
    crowd.beliefs[head + dealer.M_DIVIDEND_ERROR] = dividend


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
