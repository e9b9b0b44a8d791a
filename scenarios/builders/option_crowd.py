"""Who trades listed options in a world, and with which contracts they begin."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.crowd import dealer_rows as dealer, option_survey
from agents.crowd.option_growth import padded
from agents.crowd.option_roles import O_AGGRESSIVE, O_FEE, O_OPENING, U_ROLE
from agents.crowd.option_rows import (
    EXPIRY_FLOATS,
    SERIES_FLOATS,
    U_EXPIRIES,
    U_SERIES,
    U_SERIES_FIRST,
    X_DAYS,
    X_YEARS,
)
from agents.crowd.option_seats import (
    CurveErrors,
    DealerTerms,
    dealer_memory,
    seat_dealers,
    seat_survey,
    seat_users,
    survey_memory,
)
from agents.crowd.option_table import role_number, weights_of
from agents.crowd.population import Crowd, Population
from agents.crowd.rows import POPULATION_FLOATS, U_APART
from environment.instruments import Instrument
from environment.market import layout as at, option_rows
from environment.market.calendar import Session
from environment.market.market import Market
from environment.market.verdicts import Asked, Judge
from environment.options.broker_books import BrokerBooks
from scenarios.builders.surface import YEAR_NS, ListedOptions
from scenarios.config import world as told
from scenarios.config.scenario import Scenario

Floats = NDArray[np.float64]
SURVEY: Final = "survey"  # Population and account of the survey of a stock: `survey_AAPL`.
_MEAN_GAP: Final = 7  # Where every population keeps the mean time between two wake-ups.
_LOG_ROWS: Final = 20_000
_NO_GAIN: Final = 0.02 + 1e-9  # Per share: two cents to the tick are fees, and no violation.
# Who holds what of the open interest at the start: shares of each series, of calls and of puts.
_LONG: Final = {"call": ("lottery", "same_day"), "put": ("protective", "lottery")}
_SHORT: Final = {"call": ("overwriter",), "put": ("volatility_seller",)}


def option_population(
    crowd: told.OptionDealer | told.OptionUser, listed: ListedOptions, common: Population
) -> Population:
    """Return a population of the option crowd; `common` has what every population has."""
    table, integers = listed.table, _shared_integers(listed)
    if isinstance(crowd, told.OptionDealer):
        integers[dealer.U_HEDGE_BAND] = crowd.hedge.band
        integers[dealer.U_HEDGE_EVERY] = int(crowd.hedge.every)
        integers[U_APART] = 1  # Each has delays of its own (see `classes_of`).
        return msgspec.structs.replace(
            common, kind=at.OPTION_DEALER, size=(crowd.size, crowd.size), integers=integers,
            floats=_dealer_floats(crowd, table.spot), tables=(listed.floats,),
            memory=dealer_memory(listed.rows, listed.expiry_rows),
        )  # fmt: skip
    integers[U_ROLE] = role_number(crowd.role)
    floats = {
        O_AGGRESSIVE: crowd.aggressive_share, O_OPENING: crowd.opening_share,
        O_FEE: float(crowd.fee) / 1e6, _MEAN_GAP: float(crowd.every),
    }  # fmt: skip
    return msgspec.structs.replace(
        common, kind=at.OPTION_USER, size=crowd.size, integers=integers, floats=floats,
        tables=(
            listed.floats, padded(weights_of(table, crowd.role, crowd.right), listed.room.series)
        ),
    )  # fmt: skip


def survey_population(
    listed: ListedOptions, opens_ns: int, closes_ns: int, days: int
) -> Population:  # fmt: skip
    """Return the one that looks at every series each second, and costs nobody anything.

    It begins with the first day's hours, and has room for `days` days as long as that.
    """
    minutes = days * ((closes_ns - opens_ns) // 60_000_000_000 + 2)
    integers = _shared_integers(listed)
    integers |= {option_survey.U_MINUTES: minutes, option_survey.U_LOG: _LOG_ROWS}
    return Population(
        name=f"{SURVEY}_{listed.symbol}", kind=at.OPTION_SURVEY, count=1,
        instruments=(listed.stock,), cash_micros=0, opens_ns=opens_ns, closes_ns=closes_ns,
        integers=integers, floats={option_survey.S_FEE: _NO_GAIN, _MEAN_GAP: 1e9},
        tables=(listed.floats,),
        memory=survey_memory(listed.rows, _LOG_ROWS, minutes),
    )  # fmt: skip


def _shared_integers(listed: ListedOptions) -> dict[int, int]:
    return {
        U_SERIES_FIRST: listed.first, U_SERIES: listed.rows, U_EXPIRIES: listed.expiry_rows,
    }  # fmt: skip


def _dealer_floats(crowd: told.OptionDealer, spot: float) -> dict[int, float]:
    limits, surface, last_day = crowd.limits, crowd.surface, crowd.expiry_day
    return {
        _MEAN_GAP: float(crowd.every),
        dealer.D_VOLATILITY: surface.volatility, dealer.D_CORRELATION: surface.correlation,
        dealer.D_REVERSION: surface.reversion, dealer.D_SKEW: surface.skew,
        dealer.D_CURVE: surface.curvature, dealer.D_REALISED: surface.realised,
        dealer.D_FLOW: surface.flow, dealer.D_LEARN: surface.learn,
        dealer.D_DELTA_MAX: float(limits.delta),
        dealer.D_GAMMA_MAX: float(limits.gamma), dealer.D_VEGA_MAX: float(limits.vega) / 1e6,
        dealer.D_EXPIRY_SHARE: limits.expiry_share, dealer.D_WIDTH: crowd.width,
        dealer.D_WIDEN: crowd.widen, dealer.D_VEGA_LEAN: crowd.lean, dealer.D_FIRST_SPOT: spot,
        dealer.D_NARROW: 1.0 - last_day.left, dealer.D_LEAN: last_day.lean,
        dealer.D_LAST_CONTRACTS: float(last_day.contracts), dealer.D_SERIES: float(limits.series),
        dealer.D_EVENT: 0.0 if crowd.event is None else crowd.event.move**2,
        dealer.D_EVENT_DAYS: 0.0 if crowd.event is None else crowd.event.days,
    }  # fmt: skip


def seat_option_crowd(
    market: Market, crowd: Crowd, scenario: Scenario, options: tuple[ListedOptions, ...],
    stocks: tuple[Instrument, ...],
) -> None:  # fmt: skip
    """Let dealers quote, and deal out a share of the chain's open interest."""
    crowds = scenario.crowds
    for index, population in enumerate(crowd.populations):
        told_crowd = crowds.get(population.name)
        if isinstance(told_crowd, told.OptionDealer):
            protection = told_crowd.protection
            terms = DealerTerms(
                size_min=told_crowd.obligation, window_ns=int(protection.window),
                contracts=protection.contracts, delta_shares=protection.delta,
                vega=float(protection.vega) / 1e6, errors=_errors_of(told_crowd.beliefs),
            )  # fmt: skip
            seat_dealers(market, crowd, index, terms)
            continue
        if population.kind == at.OPTION_SURVEY:
            seat_survey(market, crowd, index)
            continue
        if isinstance(told_crowd, told.OptionUser):
            seat_users(market, crowd, index, _errors_of(told_crowd.beliefs))
        if options and scenario.clearing.initial_margin:
            # Dealers are kept by their own limits, and looked at on a schedule (decision 0075).
            first = crowd.first_account[index]
            flags = market.section(at.S_ACCOUNT)[first : first + population.count, at.A_FLAGS]
            flags |= at.ACCOUNT_MARGINED
    series = {
        listed.first + place: one
        for listed in options for place, one in enumerate(listed.table.series)
    }  # fmt: skip
    books = BrokerBooks(market, stocks, series, {})
    for listed in options:
        chain = scenario.instruments[listed.stock].options
        if chain is not None:
            judge = books.judge if scenario.clearing.initial_margin else None
            _deal_open_interest(market, crowd, crowds, listed, chain.open_interest, judge)


def _errors_of(beliefs: told.Beliefs) -> CurveErrors:
    return CurveErrors(**msgspec.structs.asdict(beliefs))


def _deal_open_interest(
    market: Market, crowd: Crowd, crowds: dict[str, told.CrowdKind], listed: ListedOptions,
    share: float, judge: Judge | None,
) -> None:  # fmt: skip
    """Give long and short contracts to those who would have them; dealers take what is left.

    Every contract has a holder and a writer: without anybody for one side there is none open. What
    a writer's margin would not let him open, a dealer has written.
    """
    dealers = _seats(crowd, crowds, listed, None)
    for place, series in enumerate(listed.table.series):
        contracts = round(share * listed.table.open_interest[place])
        right = series.right or "call"
        longs = _seats(crowd, crowds, listed, _LONG[right]) or dealers
        shorts = _seats(crowd, crowds, listed, _SHORT[right]) or dealers
        if not contracts or not longs or not shorts:
            continue
        number = listed.first + place
        for k, (taker, writer) in enumerate(_pairs(longs, shorts, contracts)):
            lots = contracts // _spread(contracts) + (k < contracts % _spread(contracts))
            if not lots:
                continue
            asked = Asked(writer[2], number, at.SELL, at.MAX_PRICE, lots, at.NONE)
            giver = writer
            if judge is not None and writer not in dealers and dealers and not judge(asked):
                giver = dealers[k % len(dealers)]
            if taker == giver:
                continue
            option_rows.move_contracts(market, giver[2], taker[2], number, lots)


def _spread(contracts: int) -> int:
    """Return over how many pairs of accounts a series' contracts are dealt."""
    return min(max(contracts // 10, 1), 20)


def _pairs(
    longs: list[tuple[int, int, int]], shorts: list[tuple[int, int, int]], contracts: int
) -> list[tuple[tuple[int, int, int], tuple[int, int, int]]]:
    count = _spread(contracts)
    # Different strides, so that the same two do not always face each other.
    return [(longs[(7 * k + contracts) % len(longs)], shorts[(5 * k + contracts) % len(shorts)])
            for k in range(count)]  # fmt: skip


def _seats(
    crowd: Crowd, crowds: dict[str, told.CrowdKind], listed: ListedOptions,
    roles: tuple[str, ...] | None,
) -> list[tuple[int, int, int]]:  # fmt: skip
    """Return (population, place in it, account) of those with a role; of dealers for None."""
    found = []
    for index, population in enumerate(crowd.populations):
        told_crowd = crowds.get(population.name)
        is_meant = (
            isinstance(told_crowd, told.OptionDealer)
            if roles is None
            else isinstance(told_crowd, told.OptionUser) and told_crowd.role in roles
        )
        if is_meant and listed.stock in population.instruments:
            first = crowd.first_account[index]
            found += [(index, k, first + k) for k in range(population.count)]
    return found


def start_option_day(
    crowd: Crowd, options: tuple[ListedOptions, ...], session: Session, day: int
) -> None:
    """Let what depends on the date be that of this day; `day` counts from 0."""
    for listed in options:
        table = crowd.table_of(listed.floats)
        expiries = table[listed.rows * SERIES_FLOATS :].reshape(-1, EXPIRY_FLOATS)
        for place in np.flatnonzero(expiries[:, X_DAYS]).tolist():
            ends_ns = listed.ends_ns(int(expiries[place, X_DAYS]))
            expiries[place, X_YEARS] = (ends_ns - session.open_ns) / YEAR_NS
    for index, population in enumerate(crowd.populations):
        if population.kind == at.OPTION_DEALER and day:
            settings = crowd.beliefs[POPULATION_FLOATS * index :]
            # A dealer counts the days to its event from the open of each day.
            settings[dealer.D_EVENT_DAYS] = population.floats[dealer.D_EVENT_DAYS] - _days_since(
                options, session
            )
            settings[dealer.D_EVENT_OVER] = float(settings[dealer.D_EVENT_DAYS] < 0.0)


def _days_since(options: tuple[ListedOptions, ...], session: Session) -> float:
    return (session.open_ns - options[0].open_ns) / (YEAR_NS / 365)
