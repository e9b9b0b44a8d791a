"""What a run leaves of its options market: quotes a minute, dealers' greeks, arbitrage, summary."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from agents.crowd.option_seats import Survey, read_survey
from agents.crowd.option_survey import CAUSES
from environment.market import layout as at
from environment.market.obligations import obligations
from environment.options.implied_volatility import implied_volatility
from environment.record.output import write_table
from scenarios.builders.listings import grown
from scenarios.builders.option_crowd import SURVEY
from scenarios.builders.surface import YEAR_NS, ListedOptions
from scenarios.builders.world import World
from scenarios.config.world import OptionDealer
from scenarios.run.hedge_flow import hedge_flow
from scenarios.run.option_terms import TermsOverTime
from scenarios.run.real_minutes import (
    REAL_MINUTES,
    RealMinutes,
    gap_summary,
    gap_table,
    real_minutes,
)
from scenarios.run.result import RunResult

CHAIN, DEALERS, ARBITRAGE = "chain.parquet", "dealers.parquet", "arbitrage.parquet"
DELTA_BUCKETS: Final = (0.0, 0.1, 0.25, 0.4, 0.6, 0.75, 0.9, 1.0)
_LONGEST_BEAT: Final = 1.5  # Of the mean: no dealer waits longer before it looks again.
_SECOND_NS: Final = 1_000_000_000
Floats = NDArray[np.float64]


def write_option_tables(world: World, folder: Path) -> None:
    """Write the tables of the first stock with options, if there is one."""
    for first in world.chains[:1]:
        listed = grown(first, world.series)
        survey = _survey_of(world, listed)
        began, terms = _listed_ns(world, listed), TermsOverTime(listed, world.terms)
        zone, real = world.sessions[0].zone, real_minutes(world, listed, survey.moments_ns)
        sigma = _sigmas(listed, survey, terms)
        write_table(folder / CHAIN, chain_table(listed, survey, zone, began, terms, sigma, real))
        if real is not None:
            gaps = gap_table(real, sigma, listed.table.deltas(), survey.moments_ns, zone)
            write_table(folder / REAL_MINUTES, gaps)
        write_table(folder / DEALERS, _dealer_table(listed, survey, zone))
        write_table(folder / ARBITRAGE, _arbitrage_table(terms, survey, zone))


def _survey_of(world: World, listed: ListedOptions) -> Survey:
    names = [population.name for population in world.crowd.populations]
    return read_survey(world.market, world.crowd, names.index(f"{SURVEY}_{listed.symbol}"))


def _listed_ns(world: World, listed: ListedOptions) -> NDArray[np.int64]:
    """Return since when each series was on the list, 0 of the first ones."""
    count = len(listed.table.series)
    rows = world.market.section(at.S_INSTRUMENT)[listed.first : listed.first + count]
    is_later = np.arange(count) >= len(world.chains[0].table.series)
    return np.where(is_later, rows[:, at.I_LISTED_NS], 0)


def chain_table(
    listed: ListedOptions, survey: Survey, zone: str, since_ns: NDArray[np.int64],
    terms: TermsOverTime, sigma: Floats, real: RealMinutes | None,
) -> pl.DataFrame:  # fmt: skip
    """Return every series' touch each minute that it was listed, with its volatility.

    Prices in currency; `sigma` is the European implied volatility of the middle, NaN where there is
    none; the real chain's quotes at its open and close stand beside, until terms are adjusted, and
    where there are minute quotes those of the minute.
    """
    table, quotes = listed.table, survey.quotes
    moments, count = survey.moments_ns, len(table.series)
    tick = table.series[0].tick_micros / 1e6
    spot = _spots(survey)[:, None] * tick
    bid, ask = quotes[:, :count, 0] * tick, quotes[:, :count, 2] * tick
    left = _years_left(listed, survey)
    place = np.tile(np.arange(count), len(moments))
    beside = {} if real is None else {
        "real_bid": real.bid.ravel(), "real_ask": real.ask.ravel(),
        "real_sigma": real.sigma.ravel(),
    }  # fmt: skip
    return pl.DataFrame({
        "time": np.repeat(moments, count), "series": place.astype(np.int32),
        "bid": bid.ravel(), "bid_size": quotes[:, :count, 1].ravel(),
        "ask": ask.ravel(), "ask_size": quotes[:, :count, 3].ravel(),
        "is_two_sided": _two_sided(survey, count).ravel(), "sigma": sigma.ravel(),
        "spot": np.repeat(spot.ravel(), count),
        "epoch": np.repeat(terms.epochs(moments), count).astype(np.int32), **beside,
    }).filter(pl.Series(_stands(left, survey, since_ns).ravel())).with_columns(
        pl.col("time").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(zone)
    ).join(
        _series_table(listed, terms), on=("series", "epoch"), how="left"
    ).drop("epoch")  # fmt: skip


def _two_sided(survey: Survey, count: int) -> NDArray[np.bool_]:
    return np.asarray((survey.quotes[:, :count, 1] > 0) & (survey.quotes[:, :count, 3] > 0))


def _sigmas(listed: ListedOptions, survey: Survey, terms: TermsOverTime) -> Floats:
    """Return the European implied volatility of each middle, of shape (samples, series)."""
    table, count = listed.table, len(listed.table.series)
    tick = table.series[0].tick_micros / 1e6
    middle = 0.5 * (survey.quotes[:, :count, 0] + survey.quotes[:, :count, 2]) * tick
    rate = table.expiries.rate[table.expiry][None, :]
    carry = table.expiries.carry[table.expiry] / table.expiries.years[table.expiry]
    sigma, _ = implied_volatility(
        np.where(_two_sided(survey, count), middle, np.nan), _spots(survey)[:, None] * tick,
        terms.strikes(survey.moments_ns), np.maximum(_years_left(listed, survey), 1e-6), rate,
        rate - carry[None, :], table.is_call[None, :],
    )  # fmt: skip
    return np.asarray(sigma)


def _spots(survey: Survey) -> Floats:
    """Return the stock's middle in ticks at each sample, NaN where a side was empty."""
    touch = survey.quotes[:, -1]
    has_both = (touch[:, 1] > 0) & (touch[:, 3] > 0)
    return np.where(has_both, 0.5 * (touch[:, 0] + touch[:, 2]), np.nan)


def _years_left(listed: ListedOptions, survey: Survey) -> Floats:
    """Return each series' time to expiry at each sample, 0 or less once it has ended."""
    passed = (survey.moments_ns - listed.open_ns)[:, None] / YEAR_NS
    table = listed.table
    return np.asarray(table.expiries.years[table.expiry][None, :] - passed)


def _stands(
    left: Floats, survey: Survey, since_ns: NDArray[np.int64]
) -> NDArray[np.bool_]:  # fmt: skip
    """Return whether each series was on the list at each sample, of shape (samples, series)."""
    return np.asarray((left > 0.0) & (survey.moments_ns[:, None] > since_ns))


def _series_table(listed: ListedOptions, terms: TermsOverTime) -> pl.DataFrame:
    """Return terms, delta at the start and the real quotes of each series, by epoch."""
    return pl.concat([_of_epoch(listed, terms, epoch) for epoch in range(len(terms))])


def _of_epoch(listed: ListedOptions, terms: TermsOverTime, epoch: int) -> pl.DataFrame:
    table, series = listed.table, terms.series(epoch)

    def real(name: str) -> list[float | None]:
        # Listed later, or on other terms: by no real chain.
        found = [getattr(one, name) for one in listed.quotes] if epoch == 0 else []
        shown = [None if price is None else price / 1e6 for price in found]
        return shown + [None] * (len(series) - len(shown))

    return pl.DataFrame({
        "series": np.arange(len(series), dtype=np.int32),
        "epoch": np.full(len(series), epoch, np.int32),
        "symbol": [one.symbol for one in series], "expiry": [one.expiry for one in series],
        "strike": [(one.strike_micros or 0) / 1e6 for one in series],
        "right": [one.right for one in series], "delta": table.deltas(),
        **{f"real_{name}": pl.Series(real(name), dtype=pl.Float64)
           for name in ("bid_open", "ask_open", "bid_close", "ask_close")},
    })  # fmt: skip


def _dealer_table(listed: ListedOptions, survey: Survey, zone: str) -> pl.DataFrame:
    minutes, dealers = survey.dealers.shape[:2]
    flat = survey.dealers.reshape(-1, 4)
    spot = _spots(survey)
    return pl.DataFrame({
        "time": np.repeat(survey.moments_ns, dealers),
        "dealer": np.tile(np.arange(dealers, dtype=np.int32), minutes),
        "delta": flat[:, 0], "gamma": flat[:, 1], "vega": flat[:, 2], "shares": flat[:, 3],
        "spot": np.repeat(spot * listed.table.series[0].tick_micros / 1e6, dealers),
    }).with_columns(
        pl.col("time").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(zone)
    )  # fmt: skip


def _arbitrage_table(terms: TermsOverTime, survey: Survey, zone: str) -> pl.DataFrame:
    found = survey.violations
    began = found[:, 0].astype(np.int64) * _SECOND_NS
    epochs = terms.epochs(began)
    return pl.DataFrame({
        "began": began, "lasted_seconds": found[:, 1],
        "cause": [CAUSES[int(cause)] for cause in found[:, 2]],
        "symbol": [terms.series(e)[int(place)].symbol
                   for e, place in zip(epochs.tolist(), found[:, 3], strict=True)],
        "gain_per_share": found[:, 4],
    }).with_columns(
        pl.col("began").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(zone)
    )  # fmt: skip


def option_summary(world: World, result: RunResult) -> dict[str, Any]:
    """Return the counts of the options market for `summary.json`; nothing where there is none."""
    if not world.chains:
        return {}
    arena, listed = world.market.arena, grown(world.chains[0], world.series)
    survey = _survey_of(world, listed)
    count = len(listed.table.series)
    is_two_sided = _two_sided(survey, count)
    left, began = _years_left(listed, survey), _listed_ns(world, listed)
    is_two_sided = is_two_sided[_stands(left, survey, began)]
    days = _days(world, survey)
    trades, contracts = _traded(result, len(world.instruments))
    return {"options": {
        "series": count,
        "omitted": len(world.options.omitted),
        "listed_later": sum(len(one.symbols) for one in world.listings.done),
        "not_listed_for_want_of_room": sum(one.left_out for one in world.listings.done),
        "expiries": len(listed.table.expiries.days),
        "quote_updates": int(arena[at.H_QUOTE_UPDATES]),
        "mass_quotes": int(arena[at.H_MASS_QUOTES]),
        "trades": trades,
        "contracts": contracts,
        "protection_trips": int(arena[at.H_TRIPS]),
        "two_sided_share": round(float(is_two_sided.mean()), 4) if is_two_sided.size else 0.0,
        "obligations_met": days[-1]["obligations_met"],  # Of the last day.
        "hedging": _hedging(listed, survey, slice(None)),
        "arbitrage": _arbitrage_summary(survey) | {"aim_seconds": _aim_seconds(world)},
        **gap_summary(result.folder),
        "days": days,
    }}  # fmt: skip


def _days(world: World, survey: Survey) -> list[dict[str, Any]]:
    """Return day by day how dealers kept their duty, what their hedges did, and of arbitrage."""
    began_ns, lives = survey.violations[:, 0] * _SECOND_NS, survey.violations[:, 1]
    found = []
    for session, met in zip(
        world.sessions, [*world.duties, obligations(world.market.arena)], strict=False
    ):
        here = (survey.moments_ns >= session.start_ns) & (survey.moments_ns < session.end_ns)
        mine = lives[(began_ns >= session.start_ns) & (began_ns < session.end_ns)]
        found.append({
            "session": session.date.isoformat(),
            "obligations_met": [round(float(one.share_of_series), 4) for one in met],
            "hedging": _hedging(world.chains[0], survey, here),
            "violations": len(mine),
            "life_p99_seconds": float(np.quantile(mine, 0.99)) if len(mine) else 0.0,
        })  # fmt: skip
    return found


def _hedging(
    listed: ListedOptions, survey: Survey, samples: NDArray[np.bool_] | slice
) -> dict[str, Any]:
    """Return how hedges went with the price in some of the samples."""
    tick = listed.table.series[0].tick_micros / 1e6
    shares, spot = survey.dealers[:, :, 3].sum(axis=1), _spots(survey) * tick
    return hedge_flow(survey.moments_ns[samples], shares[samples], spot[samples])


def _traded(result: RunResult, stocks: int) -> tuple[int, int]:
    """Return fills in series, and the contracts that they came to."""
    rows = result.day.rows
    fills = rows[(rows[:, at.T_KIND] == at.K_FILL) & (rows[:, at.T_INSTRUMENT] >= stocks)]
    return len(fills), int(fills[:, at.T_QUANTITY].sum())


def _aim_seconds(world: World) -> float:
    """Return twice the longest time between two looks of the slowest dealer: what 99 % end in."""
    every = [
        int(crowd.every) for crowd in world.config.scenario.crowds.values()
        if isinstance(crowd, OptionDealer)
    ]  # fmt: skip
    return 2.0 * _LONGEST_BEAT * max(every, default=0) / _SECOND_NS


def _arbitrage_summary(survey: Survey) -> dict[str, Any]:
    lives = survey.violations[:, 1]
    return {
        "seconds_watched": survey.seconds,
        "found": len(lives) + survey.lost,
        "by_cause": {
            cause: int((survey.violations[:, 2] == number).sum())
            for number, cause in enumerate(CAUSES)
        },
        "life_p99_seconds": float(np.quantile(lives, 0.99)) if len(lives) else 0.0,
        "life_longest_seconds": float(lives.max()) if len(lives) else 0.0,
    }
