"""One trading day put into the core: hours, phases, fundamentals, shocks, first wake-ups."""

from datetime import date
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from agents.crowd.population import Crowd
from environment.errors import ConfigError
from environment.instruments import Instrument
from environment.market import layout as at
from environment.market.calendar import PhaseStart, Session, TradingCalendar
from environment.market.market import Market
from scenarios.builders.crowd import hours_of
from scenarios.builders.paths import SECOND_NS, clock_ns, clock_of
from scenarios.config import market as told
from scenarios.config.load import Config
from scenarios.config.scenario import Scenario
from scenarios.config.types import write_scalar

_MINUTE_NS = 60 * SECOND_NS
EXERCISE_CUT_OFF = (17 * 60 + 30) * _MINUTE_NS  # After local midnight.
_OPENING_DOUBLED_UNTIL = date(2020, 1, 1)  # Bands at the open were twice as wide before.


def sessions_of(scenario: Scenario, calendar: TradingCalendar) -> tuple[Session, ...]:
    """Return the days of a scenario with their phases, shortened where it asks for that."""
    asked = scenario.session
    if asked.date is not None:  # The nearest days are named, if it is none.
        calendar.session(asked.date)
    found = calendar.sessions(asked.first_day, asked.last_day, auctions=asked.auctions)
    days = tuple(_shortened(scenario, session) for session in found)
    if all(told.options is None for told in scenario.instruments):
        return days
    return tuple(_until_cut_off(session) for session in days)


def _until_cut_off(session: Session) -> Session:
    """Let a day end when the last exercise instruction may come: at 17:30, on half days too."""
    end_ns = max(session.end_ns, clock_ns(session, EXERCISE_CUT_OFF))
    last = msgspec.structs.replace(session.phases[-1], time_ns=end_ns)
    return msgspec.structs.replace(session, phases=(*session.phases[:-1], last))


def _shortened(scenario: Scenario, session: Session) -> Session:
    asked = scenario.session
    starts = list(session.phases)
    if not asked.auctions and session.calendar != "always":
        # Without an opening auction nothing is taken before the open.
        starts = [start for start in starts if start.phase != "pre_open"]
    open_ns, close_ns = session.open_ns, session.close_ns
    if asked.opens is not None:
        shift = clock_ns(session, asked.opens) - open_ns
        starts = [
            PhaseStart(time_ns=s.time_ns + shift, phase=s.phase)
            if s.time_ns <= open_ns else s for s in starts
        ]  # fmt: skip
        open_ns += shift
    if asked.closes is not None:
        shift = clock_ns(session, asked.closes) - close_ns
        starts = [
            PhaseStart(time_ns=s.time_ns + shift, phase=s.phase)
            if s.time_ns >= close_ns else s for s in starts
        ]  # fmt: skip
        close_ns += shift
    if any(b.time_ns < a.time_ns for a, b in pairwise(starts)):
        keys = [k for k in ("opens", "closes") if getattr(asked, k) is not None]
        raise ConfigError(
            f"session.{' and session.'.join(keys)}: no time is left to trade on {session.date}; "
            "let the market open earlier or close later"
        )
    return msgspec.structs.replace(
        session, phases=tuple(starts), open_ns=open_ns, close_ns=close_ns,
        on_close_locked_ns=max(session.on_close_locked_ns + close_ns - session.close_ns, open_ns),
    )  # fmt: skip


def until_ns(scenario: Scenario, last: Session) -> int | None:
    """Return when a run ends that is not to see the end of its last day."""
    asked = scenario.session.until
    if asked is None:
        return None
    moment_ns = clock_ns(last, asked)
    if not last.start_ns < moment_ns < last.end_ns:
        first, end = clock_of(last, last.start_ns), clock_of(last, last.end_ns)
        raise ConfigError(
            f"session.until: expected a time between {first} and {end} on {last.date}, "
            f"found {write_scalar(asked)}"
        )
    return moment_ns


def add_instrument(market: Market, scenario: Scenario, instrument: Instrument, close: int) -> None:
    """Add one instrument to the core, its ladder centred where its day begins, in ticks."""
    bands = scenario.session.bands
    units, steps = round(1_000_000 / instrument.tick_micros), instrument.tick_bands()
    market.add_instrument(
        value_micros=instrument.tick_value_micros, ticks_per_unit=units, last_close=close,
        tier=bands.tier if bands is not None else 0, centre=max(close, market.width),
        step_low=steps[0].increment, step_high=steps[-1].increment, threshold=steps[-1].from_ticks,
    )  # fmt: skip


def start_day(
    config: Config, market: Market, crowd: Crowd, session: Session, number: int,
    paths: dict[str, NDArray[np.float64]],
) -> None:  # fmt: skip
    """Prepare the core for one day; `number` counts from 0."""
    scenario = config.scenario
    if scenario.session.market_halts and not market.arena[at.H_SURVEY]:
        market.arena[at.H_SURVEY] = 1
        market.post_event(session.open_ns + SECOND_NS, at.E_SURVEY, 0, 0)
    market.arena[at.H_MARKET_HALT_LEVEL] = 0
    place = crowd.first_path
    for column, instrument in enumerate(scenario.instruments):
        row = market.section(at.S_INSTRUMENT)[column]
        row[at.I_LOCK_CLOSE] = session.on_close_locked_ns
        early = session.date < _OPENING_DOUBLED_UNTIL
        row[at.I_DOUBLE_UNTIL] = session.open_ns + 15 * _MINUTE_NS if early else 0
        row[at.I_DOUBLE_FROM] = session.close_ns - 25 * _MINUTE_NS
        if number:
            row[at.I_LAST_CLOSE] = row[at.I_CLOSE_PRICE] or row[at.I_LAST]
        row[at.I_CLOSE_PRICE] = row[at.I_OPEN_PRICE] = 0
        row[at.I_VOLUME] = row[at.I_DIRTY] = row[at.I_TRADES] = row[at.I_NOTIONAL] = 0
        path = paths.get(instrument.symbol)
        if path is not None:
            crowd.beliefs[place : place + len(path)] = path
            row[at.I_PATH_FIRST], row[at.I_PATH_COUNT] = place, len(path)
            row[at.I_PATH_START] = session.open_ns
            place += len(path)
    _post_phases(market, scenario, session)
    for index, population in enumerate(crowd.populations):
        told_crowd = scenario.crowds.get(population.name)
        opens, closes = session.open_ns, session.close_ns
        if told_crowd is not None:  # A survey has no table of its own.
            opens, closes = hours_of(told_crowd, session)
        crowd.set_day(market, index, opens, closes)
    crowd.start_day(market)
    _post_shocks(scenario, market, crowd, session, number + 1)


def _post_phases(market: Market, scenario: Scenario, session: Session) -> None:
    for column in range(len(scenario.instruments)):
        for time_ns, phase in session.phase_rows().tolist():
            market.post_event(time_ns, at.E_PHASE, column, phase)
        if "closing" in scenario.session.auctions:
            market.post_event(session.on_close_locked_ns, at.E_CANCEL_LAST, column, 0)


def _post_shocks(
    scenario: Scenario, market: Market, crowd: Crowd, session: Session, day: int
) -> None:
    columns = {told.symbol: n for n, told in enumerate(scenario.instruments)}
    for shock in scenario.shock:
        if shock.day != day:
            continue
        start = clock_ns(session, shock.at)
        match shock:
            case told.MakerWithdrawal(share=share, lasting=lasting, crowds=chosen):
                end = session.end_ns if lasting is None else start + int(lasting)
                for index, population in enumerate(crowd.populations):
                    is_maker = population.kind == at.ADAPTIVE_MAKER
                    if population.name in chosen or (not chosen and is_maker):
                        crowd.withdraw(market, index, share, start, end)
            case told.BorrowRecall(share=share, instruments=symbols):
                for symbol in symbols or tuple(columns):
                    market.post_event(start, at.E_RECALL, columns[symbol], round(share * 1e6))
            case told.FeedOutage(lasting=lasting, instruments=symbols):
                for symbol in symbols or tuple(columns):
                    market.post_event(start, at.E_OUTAGE, columns[symbol], 1)
                    market.post_event(start + int(lasting), at.E_OUTAGE, columns[symbol], 0)
            case told.LatencyShock(factor=factor, lasting=lasting):
                market.post_event(start, at.E_LATENCY, 0, max(round(factor * 1e6), 1))
                if lasting is not None:
                    market.post_event(start + int(lasting), at.E_LATENCY, 0, 0)
            case _:
                continue
