"""Over a special dividend strikes fall by its amount, and dealers quote on."""

from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from environment.errors import ConfigError
from environment.instruments import parse_occ
from environment.market.calendar import TradingCalendar
from environment.market.clearing_events import DividendPaid, SeriesAdjusted
from scenarios.builders.curves import world_curves
from scenarios.config.load import load_config
from scenarios.run.option_results import CHAIN, write_option_tables
from scenarios.run.session_loop import SessionLoop
from tests.conformance.scenarios.runs import ready
from tests.conformance.scenarios.test_conservation import assert_conserved

DAY, EX_DATE = date(2014, 6, 6), date(2014, 6, 9)
# Five per cent of 650: 32.50 a share, with Monday's open.
FACTORS = """symbol,date,price_factor,split_factor,reference_price
AAPL,2014-06-06,0.95,1,650.0
AAPL,2050-12-31,1,1,0
"""
PAID = 32.5


def settings(folder: Path, *, special: bool) -> tuple[str, ...]:
    (folder / "factors.csv").write_text(FACTORS)
    named = ('instruments.0.special_dividends=["2014-06-09"]',) if special else ()
    return (
        f'instruments.0.actions="{folder / "factors.csv"}"', "session.closes=09:34",
        "instruments.0.options.series=30", "instruments.0.options.listing.room=40",
        "crowds.noise.count=200", "crowds.hawkes.count=5", *named,
    )  # fmt: skip


@cache
def run(folder: Path) -> SessionLoop:
    loop = ready("pin_risk", settings(folder, special=True))
    loop.start()
    loop.advance_to(loop.end_ns)
    loop.finish()
    return loop


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("special")


def test_strikes_fall_by_the_dividend_and_books_add_up(folder: Path) -> None:
    loop = run(folder)
    told = loop.world.clearing_events
    assert [e.micros_per_share for e in told if isinstance(e, DividendPaid)] == [32_500_000]
    adjusted = [e for e in told if isinstance(e, SeriesAdjusted)]
    assert len(adjusted) >= 20
    for event in adjusted:
        before, after = (
            parse_occ(symbol).strike_micros for symbol in (event.instrument, event.adjusted)
        )
        assert before - after == 32_500_000
    assert_conserved(loop)


def test_dealers_quote_the_lowered_strikes_around_the_lower_price(folder: Path) -> None:
    loop = run(folder)
    write_option_tables(loop.world, folder)
    chain = pl.read_parquet(folder / CHAIN)
    friday, monday = (chain.filter(pl.col("time").dt.day() == day) for day in (6, 9))
    late = monday.filter(pl.col("time") > monday["time"].min() + pl.duration(seconds=61))
    assert np.asarray(late["is_two_sided"].to_numpy(), float).mean() > 0.95
    fall = np.asarray(friday["spot"].to_numpy()).mean() - np.asarray(late["spot"].to_numpy()).mean()
    assert fall == pytest.approx(PAID, abs=5.0)
    both = (
        friday.group_by("series").agg(pl.col("sigma").median())
        .join(late.group_by("series").agg(pl.col("sigma").median()), on="series", suffix="_after")
    )  # fmt: skip
    moved = np.asarray((both["sigma_after"] - both["sigma"]).to_numpy())
    assert np.median(np.abs(moved[np.isfinite(moved)])) < 0.03


def test_forwards_leave_a_special_dividend_out_and_an_ordinary_one_in(folder: Path) -> None:
    calendar = TradingCalendar("XNYS")
    for special, due in ((True, 0), (False, 1)):
        config = load_config("pin_risk", settings(folder, special=special))
        assert len(world_curves(config, DAY, calendar).due_dividends("AAPL", DAY)) == due


def test_a_day_without_a_dividend_cannot_be_special(folder: Path) -> None:
    told = (*settings(folder, special=False), 'instruments.0.special_dividends=["2014-06-10"]')
    with pytest.raises(ConfigError, match="special_dividends on 2014-06-10"):
        world_curves(load_config("pin_risk", told), DAY, TradingCalendar("XNYS"))
