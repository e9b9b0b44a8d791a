"""A real day's minute quotes beside the simulated ones: prices and volatilities of each minute."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from environment.feeds.chains import DatedChain, MinuteChains, read_minute_chains
from environment.options.chain import DROP_REASONS, ChainRefusedError, clean_quotes
from environment.options.implied_volatility import implied_volatility
from scenarios.builders.surface import YEAR_NS, Floats, ListedOptions
from scenarios.builders.world import World

REAL_MINUTES: Final = "real_minutes.parquet"
_SECOND_NS: Final = 1_000_000_000
_NEAR: Final = (0.25, 0.75)
Key = tuple[str, bool, float]


@dataclass(frozen=True, kw_only=True)
class RealMinutes:
    """The real quotes of a stock's series at a run's samples; arrays of shape (samples, series).

    Prices in currency, NaN where there was no usable quote; `sigma` is the European volatility of
    the real middle at the real stock's price. `dropped`, of shape (samples, reasons), counts the
    file's rows that were no use, in the order of `DROP_REASONS`.
    """

    bid: Floats
    ask: Floats
    sigma: Floats
    dropped: NDArray[np.int64]


def real_minutes(
    world: World, listed: ListedOptions, moments_ns: NDArray[np.int64]
) -> RealMinutes | None:
    """Return what stood on the real market at each sample of the first day; None without a file.

    Raises
    ------
    ChainRefusedError
        If the file is no file of minute quotes.
    """
    told = world.config.scenario.instruments[listed.stock].options
    if told is None or told.minutes is None:
        return None
    chains, session = read_minute_chains(world.config.find(told.minutes)), world.sessions[0]
    shape = len(moments_ns), len(listed.table.series)
    bid, ask = np.full(shape, np.nan), np.full(shape, np.nan)
    dropped = np.zeros((len(moments_ns), len(DROP_REASONS)), np.int64)
    places = {
        (str(one.expiry), one.right == "call", (one.strike_micros or 0) / 1e6): k
        for k, one in enumerate(listed.table.series)
    }  # fmt: skip
    for sample, moment_ns in enumerate(moments_ns.tolist()):
        if moment_ns <= session.close_ns:
            dated = _at(chains, moment_ns, session.zone)
            _fill(bid[sample], ask[sample], dropped[sample], places, dated)
    sigma = _volatilities(world, listed, moments_ns, 0.5 * (bid + ask))
    return RealMinutes(bid=bid, ask=ask, sigma=sigma, dropped=dropped)


def _at(chains: MinuteChains, moment_ns: int, zone: str) -> DatedChain | None:
    """Return what was quoted at a moment, or None before the first quote."""
    wall = datetime.fromtimestamp(moment_ns // _SECOND_NS, ZoneInfo(zone)).replace(tzinfo=None)
    try:
        return chains.at(np.datetime64(wall, "s"))
    except ChainRefusedError:
        return None


def _fill(
    bid: Floats, ask: Floats, dropped: NDArray[np.int64], places: dict[Key, int],
    dated: DatedChain | None,
) -> None:  # fmt: skip
    if dated is None:
        return
    try:
        clean = clean_quotes(dated.chain)
    except ChainRefusedError:  # Nothing at all can be used at that minute.
        return
    dropped[:] = [clean.dropped[reason] for reason in DROP_REASONS]
    chain = clean.chain
    rows = zip(dated.expiry[clean.rows], chain.is_call.tolist(), chain.strike.tolist(), strict=True)
    for row, (expiry, is_call, strike) in enumerate(rows):
        place = places.get((str(expiry)[:10], is_call, strike))
        if place is not None:
            bid[place], ask[place] = chain.bid_price[row], chain.ask_price[row]


def _volatilities(
    world: World, listed: ListedOptions, moments_ns: NDArray[np.int64], middle: Floats
) -> Floats:
    """Return volatilities at the real stock's price: the path that its bars gave."""
    session, table = world.sessions[0], listed.table
    path = world.paths[0][listed.symbol] * table.series[0].tick_micros / 1e6
    second = np.clip((moments_ns - session.open_ns) // _SECOND_NS, 0, len(path) - 1)
    passed = (moments_ns - listed.open_ns)[:, None] / YEAR_NS
    expiries, of = table.expiries, table.expiry
    years = np.maximum(expiries.years[of][None, :] - passed, 1e-6)
    rate = expiries.rate[of][None, :]
    carry = (expiries.carry[of] / expiries.years[of])[None, :]
    sigma, _ = implied_volatility(
        middle, path[second][:, None], table.strike[None, :], years, rate, rate - carry,
        table.is_call[None, :],
    )  # fmt: skip
    return np.asarray(sigma)


def gap_table(
    real: RealMinutes, sigma: Floats, delta: Floats, moments_ns: NDArray[np.int64], zone: str
) -> pl.DataFrame:
    """Return by sample how far simulated volatilities lay from the real ones near the money.

    `delta` is each series' at the start: between a quarter and three quarters it is near. The gap
    is the median of simulated less real, the distance that of its size; NaN where nothing compares.
    """
    near = (np.abs(delta) >= _NEAR[0]) & (np.abs(delta) <= _NEAR[1])
    gaps = (sigma - real.sigma)[:, near]
    known = np.isfinite(gaps)
    each = [row[is_known] for row, is_known in zip(gaps, known, strict=True)]
    return pl.DataFrame({
        "time": moments_ns, "compared": known.sum(axis=1),
        "gap": [float(np.median(row)) if row.size else np.nan for row in each],
        "distance": [float(np.median(np.abs(row))) if row.size else np.nan for row in each],
        **{f"dropped_{reason}": real.dropped[:, k] for k, reason in enumerate(DROP_REASONS)},
    }).with_columns(
        pl.col("time").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(zone)
    )  # fmt: skip


def gap_summary(folder: Path) -> dict[str, Any]:
    """Return what the table of a run comes to; nothing where there is none."""
    if not (folder / REAL_MINUTES).is_file():
        return {}
    gaps = pl.read_parquet(folder / REAL_MINUTES)
    known = gaps.filter(pl.col("compared") > 0)

    def median(name: str) -> float | None:
        return round(float(np.median(known[name].to_numpy())), 5) if known.height else None

    return {"real_minutes": {
        "minutes": known.height, "compared": int(gaps["compared"].sum()),
        "median_gap": median("gap"), "median_distance": median("distance"),
        "dropped": {
            reason: count for reason in DROP_REASONS
            if (count := int(gaps[f"dropped_{reason}"].sum()))
        },
    }}  # fmt: skip
