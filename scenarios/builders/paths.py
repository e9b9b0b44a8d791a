"""Each instrument's fundamental, a value a second of the day, with the scenario's shocks."""

import math
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from environment.errors import ConfigError
from environment.feeds.bars import read_bars
from environment.instruments import make_equity
from environment.market import fundamentals
from environment.market.calendar import Session
from scenarios.config import market as told
from scenarios.config.load import Config

Floats = NDArray[np.float64]
SECOND_NS = 1_000_000_000
_MOST_DAYS_SHOWN = 4


class PathState(msgspec.Struct):
    """Where each fundamental stood at the last close, in ticks."""

    closes: dict[str, float] = {}
    variances: dict[str, float] = {}


def paths_of_day(config: Config, session: Session, day: int, state: PathState) -> dict[str, Floats]:
    """Return one path per instrument from the open to the close; `day` counts from 1."""
    scenario = config.scenario
    seconds = (session.close_ns - session.open_ns) // SECOND_NS
    label = str(session.date)
    paths: dict[str, Floats] = {}
    together: dict[str, told.Instrument] = {}
    for instrument in scenario.instruments:
        if isinstance(instrument.price, told.Correlated):
            together[instrument.symbol] = instrument
        elif instrument.price is not None:
            paths[instrument.symbol] = _alone(config, instrument, session, seconds, label, state)
    if together:
        paths |= _together(config, together, seconds, label, state)
    for symbol, path in paths.items():
        paths[symbol] = fundamentals.shocked(path, _shocks(config, symbol, session, day))
        _check_reach(config, symbol, paths[symbol], label)
        state.closes[symbol] = float(paths[symbol][-1])
    return paths


def _alone(
    config: Config, instrument: told.Instrument, session: Session, seconds: int, label: str,
    state: PathState,
) -> Floats:  # fmt: skip
    price, symbol, tick = instrument.price, instrument.symbol, float(instrument.tick)
    seed, start = config.scenario.seed, state.closes.get(symbol)
    match price:
        case told.MeanReverting():
            spec = fundamentals.MeanReverting(
                center_ticks=float(price.mean) / tick,
                reversion_per_second=price.reversion_per_ns * SECOND_NS,
                sigma_ticks=price.volatility_ticks_per_sqrt_ns * math.sqrt(SECOND_NS),
                jumps_per_second=price.jumps_per_ns * SECOND_NS,
                jump_mean_ticks=price.jump_mean_ticks,
                jump_variance=price.jump_variance_ticks,
            )
            return fundamentals.mean_reverting(
                spec, seconds, seed=seed, symbol=symbol, day=label, start_ticks=start
            )
        case told.Heston():
            model = fundamentals.Heston(
                start_ticks=float(price.start) / tick, variance=price.volatility**2,
                center=price.long_run_volatility**2, reversion=price.reversion,
                volatility=price.volatility_of_variance, correlation=price.correlation,
                drift=price.drift,
            )  # fmt: skip
            path, variance = fundamentals.heston(
                model, seconds, seed=seed, symbol=symbol, day=label, start_ticks=start,
                variance=state.variances.get(symbol),
            )  # fmt: skip
            state.variances[symbol] = variance
            return path
        case told.Bars():
            return _recorded(config, instrument, price, session, seconds, label)
        case _:
            raise ConfigError(f"instrument {symbol} has no price that a path can be made of")


def _recorded(
    config: Config, instrument: told.Instrument, price: told.Bars, session: Session, seconds: int,
    label: str,
) -> Floats:  # fmt: skip
    inside = recorded_bars(config, instrument, price, (session,))[0]
    rows = fundamentals.bar_rows(inside, start_ns=session.open_ns, tick=float(instrument.tick))
    return fundamentals.from_bars(
        rows, seconds, seed=config.scenario.seed, symbol=instrument.symbol, day=label
    )


def recorded_bars(
    config: Config, instrument: told.Instrument, price: told.Bars, sessions: tuple[Session, ...]
) -> list[pl.DataFrame]:
    """Return a file's bars between the open and the close of each session.

    Raises
    ------
    ConfigError
        If a session has none; the days that the file has are named.
    """
    zone = sessions[0].zone
    frame = read_bars(config.find(price.path), symbol=instrument.symbol, zone=zone).frame
    key = (*_key(config, instrument.symbol), "price", "path")
    if "time_ns" not in frame.columns:
        raise config.refusal(key, f"{price.path} has bars of whole days; give one of minutes")
    found = [
        frame.filter(pl.col("time_ns").is_between(s.open_ns, s.close_ns, closed="left"))
        for s in sessions
    ]
    missing = [str(s.date) for s, bars in zip(sessions, found, strict=True) if bars.is_empty()]
    if missing:
        days = pl.from_epoch(frame["time_ns"], time_unit="ns").dt.replace_time_zone("UTC")
        covered = days.dt.convert_time_zone(zone).dt.date().unique().sort().to_list()
        shown = ", ".join(map(str, covered)) if len(covered) <= _MOST_DAYS_SHOWN else (
            f"{len(covered)} days from {covered[0]} to {covered[-1]}"
        )  # fmt: skip
        raise config.refusal(
            key,
            f"{price.path} has no bar of {instrument.symbol} in trading hours on "
            f"{', '.join(missing[:_MOST_DAYS_SHOWN])}; it has {shown}: choose session.date or "
            "session.dates among them",
        )
    return found


def check_recorded_days(config: Config, sessions: tuple[Session, ...]) -> None:
    """Raise ConfigError, now and not after a day of market, for a day that no file holds."""
    for instrument in config.scenario.instruments:
        if isinstance(instrument.price, told.Bars):
            recorded_bars(config, instrument, instrument.price, sessions)


def _key(config: Config, symbol: str) -> tuple[str, str]:
    symbols = [instrument.symbol for instrument in config.scenario.instruments]
    return "instruments", str(symbols.index(symbol))


def _check_reach(config: Config, symbol: str, path: Floats, day: str) -> None:
    """Raise ConfigError for a path that no order's price could follow."""
    key = _key(config, symbol)
    told_here = config.scenario.instruments[int(key[1])]
    most = make_equity(symbol, tick=told_here.tick, lot=told_here.lot).price_ticks_max
    if not (path.min() >= 0.0 and path.max() <= most):  # Also false where one is no number.
        raise config.refusal(
            (*key, "price"),
            f"the price of {symbol} leaves the range of its ticks, 1 to {most:,}, on {day}; "
            "choose a smaller volatility or a coarser tick",
        )


def _together(
    config: Config, instruments: Mapping[str, told.Instrument], seconds: int, label: str,
    state: PathState,
) -> dict[str, Floats]:  # fmt: skip
    scenario = config.scenario
    factors = {
        name: fundamentals.Factor(volatility_annual=f.volatility, drift_annual=f.drift)
        for name, f in scenario.factors.items()
    }
    starts: dict[str, float] = {}
    loadings: dict[str, fundamentals.FactorLoadings] = {}
    for symbol, instrument in instruments.items():
        price = instrument.price
        assert isinstance(price, told.Correlated), f"{symbol} was chosen for its correlated price"
        starts[symbol] = float(price.start) / float(instrument.tick)
        loadings[symbol] = fundamentals.FactorLoadings(
            loadings=dict(price.loadings), own_annual=price.volatility
        )
    known = {symbol: state.closes[symbol] for symbol in starts if symbol in state.closes}
    if known:
        starts |= fundamentals.overnight(known, loadings, factors, seed=scenario.seed, day=label)
    return fundamentals.correlated(
        starts, loadings, factors, seconds, seed=scenario.seed, day=label
    )


def _shocks(config: Config, symbol: str, session: Session, day: int) -> list[fundamentals.Shock]:
    found: list[fundamentals.Shock] = []
    for number, shock in enumerate(config.scenario.shock):
        if shock.day != day:
            continue
        if not session.open_ns <= clock_ns(session, shock.at) < session.close_ns:
            raise ConfigError(
                f"shock.{number}.at: it lies outside the hours of {session.date}; choose a time "
                "between open and close"
            )
        match shock:
            case told.FundamentalJump(at=at, size=size, instruments=chosen):
                if not chosen or symbol in chosen:
                    found.append(fundamentals.Jump(second=_second(session, at), size=size))
            case told.VolatilityLevel(at=at, factor=factor, lasting=lasting, instruments=chosen):
                if not chosen or symbol in chosen:
                    second = _second(session, at)
                    until = None if lasting is None else second + int(lasting) // SECOND_NS
                    found.append(
                        fundamentals.VolatilityLevel(
                            second=second, level=factor, until_second=until
                        )
                    )
            case _:
                continue
    return found


def _second(session: Session, at: int) -> int:
    return (clock_ns(session, at) - session.open_ns) // SECOND_NS


def clock_ns(session: Session, at: int) -> int:
    """Return a local time of day (ns after midnight) of a session as UTC nanoseconds."""
    midnight = datetime.combine(session.date, datetime.min.time(), ZoneInfo(session.zone))
    return int(midnight.timestamp()) * SECOND_NS + at


def clock_of(session: Session, moment_ns: int) -> str:
    """Return the local time of day of a moment, as a configuration writes it."""
    moment = datetime.fromtimestamp(moment_ns / SECOND_NS, ZoneInfo(session.zone))
    return f"{moment:%H:%M:%S}"
