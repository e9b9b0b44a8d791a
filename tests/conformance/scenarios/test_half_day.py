"""A market begun from GOOG's chain of a half day, held against the real quotes of each minute."""

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from environment.options.chain import DROP_REASONS
from scenarios.run.option_results import CHAIN, write_option_tables
from scenarios.run.real_minutes import REAL_MINUTES, gap_summary
from scenarios.run.session_loop import SessionLoop
from tests.conformance.scenarios.runs import ready

DAY = date(2015, 12, 24)
SMALL = (
    "session.until=09:36", "crowds.noise.count=200", "crowds.hawkes.count=10",
    "instruments.0.options.series=120",
)  # fmt: skip


@cache
def run() -> SessionLoop:
    loop = ready("half_day", SMALL)
    loop.start()
    loop.advance_to(loop.end_ns)
    loop.finish()
    return loop


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("half_day")
    write_option_tables(run().world, made)
    return made


def test_the_day_ends_at_one_and_its_series_with_it() -> None:
    world = run().world
    one_o_clock = int(datetime(2015, 12, 24, 18, tzinfo=UTC).timestamp()) * 10**9
    assert world.sessions[0].close_ns == one_o_clock
    (listed,) = world.chains
    assert listed.ends_ns(DAY.toordinal()) == one_o_clock
    of_today = listed.table.expiries.years[listed.table.expiries.days.index(DAY.toordinal())]
    assert of_today == pytest.approx(3.5 / 24.0 / 365.0)


def test_every_minute_is_held_against_the_real_one(folder: Path) -> None:
    gaps = pl.read_parquet(folder / REAL_MINUTES)
    later = gaps.filter(pl.col("time").dt.minute() > 30)
    assert later.height == 6
    assert np.asarray(later["compared"].to_numpy()).min() > 20
    # The market began from that day's chain: a volatility point is far.
    assert np.asarray(later["distance"].to_numpy()).max() < 0.02
    told = gap_summary(folder)["real_minutes"]
    assert told["compared"] == gaps["compared"].sum()
    assert told["dropped"]["one_sided"] == gaps["dropped_one_sided"].sum() > 0
    assert set(told["dropped"]) <= set(DROP_REASONS)


def test_real_quotes_stand_beside_the_simulated_ones(folder: Path) -> None:
    chain = pl.read_parquet(folder / CHAIN)
    known = chain.filter(pl.col("real_bid").is_finite() & pl.col("is_two_sided"))
    real = known.filter(
        (pl.col("symbol") == "GOOG  160115C00750000") & (pl.col("time").dt.minute() == 32)
    ).to_dicts()[0]
    quotes = pl.read_csv(Path(__file__).parents[3] / "scenarios/data"
                         / "goog_2015-12-24_option_minute.csv.gz")  # fmt: skip
    row = quotes.filter(
        (pl.col("expiry") == "2016-01-15") & (pl.col("right") == "C") & (pl.col("strike") == 750)
        & (pl.col("time") == "2015-12-24T09:31:00")
    ).to_dicts()[0]  # fmt: skip
    assert (real["real_bid"], real["real_ask"]) == (row["bid_close"], row["ask_close"])
    assert known.height > 200
    # A real middle may lie below what exercise pays, and has no volatility then.
    assert np.isfinite(known["real_sigma"].to_numpy()).mean() > 0.98


def test_series_of_the_day_begin_at_the_real_volatility(folder: Path) -> None:
    """Until one o'clock, that is: until four they would have half of their variance.

    They begin from the open's quotes, which are wide, and a few points above those of the minutes.
    """
    chain = pl.read_parquet(folder / CHAIN)
    today = chain.filter(
        (pl.col("expiry") == DAY) & pl.col("real_sigma").is_finite() & pl.col("sigma").is_finite()
        & (pl.col("strike") - pl.col("spot")).abs().lt(8.0)
    )  # fmt: skip
    gap = np.asarray((today["sigma"] - today["real_sigma"]).to_numpy())
    assert len(gap) > 10
    assert -0.01 < float(np.median(gap)) < 0.06
