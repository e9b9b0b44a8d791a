"""Over a split: the crowd goes on in the adjusted series, quoted by who quoted the old ones."""

from functools import cache

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from agents.crowd import dealer_rows as dealer, option_rows
from agents.crowd.rows import POPULATION_FLOATS
from environment.instruments import parse_occ
from environment.market import layout as at
from environment.market.clearing_events import SeriesAdjusted, SplitApplied
from scenarios.run.option_results import ARBITRAGE, CHAIN, write_option_tables
from scenarios.run.session_loop import SessionLoop
from tests.conformance.scenarios.runs import ready, same_tape, tape
from tests.conformance.scenarios.test_conservation import assert_conserved

# The real day: AAPL's seven for one, in the night to Monday 2014-06-09.
SPLIT = (
    'instruments.0.actions="scenarios/data/aapl_factors.csv"', "session.closes=09:36",
    "instruments.0.options.series=40", "instruments.0.options.listing.strikes=2",
    "instruments.0.options.listing.room=120", "crowds.noise.count=300", "crowds.hawkes.count=5",
    'crowds.dealers.hedge={every="5s",band=20}',
    "crowds.lottery.every=20s", "crowds.overwriters.every=20s",
)  # fmt: skip


@cache
def run(*settings: str) -> SessionLoop:
    loop = ready("pin_risk", (*SPLIT, *settings))
    loop.start()
    loop.advance_to(loop.end_ns)
    loop.finish()
    return loop


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    folder = tmp_path_factory.mktemp("split")
    write_option_tables(run().world, folder)
    assert (folder / ARBITRAGE).is_file()
    return pl.read_parquet(folder / CHAIN)


def of_day(chain: pl.DataFrame, day: int) -> pl.DataFrame:
    return chain.filter(pl.col("time").dt.day() == day)


def floats(table: pl.DataFrame, name: str) -> NDArray[np.float64]:
    return np.asarray(table[name].to_numpy(), np.float64)


def test_the_night_adjusts_every_series_that_lives_on() -> None:
    told = run().world.clearing_events
    assert [e.numerator for e in told if isinstance(e, SplitApplied)] == [7]
    adjusted = [e for e in told if isinstance(e, SeriesAdjusted)]
    assert len(adjusted) >= 30
    strikes = [parse_occ(e.instrument).strike_micros / parse_occ(e.adjusted).strike_micros
               for e in adjusted]  # fmt: skip
    assert strikes == pytest.approx([7.0] * len(adjusted), rel=1e-3)
    assert_conserved(run())


def test_dealers_quote_the_adjusted_series_around_a_seventh_of_the_price(
    chain: pl.DataFrame,
) -> None:
    monday = of_day(chain, 9)
    assert floats(monday, "spot").mean() == pytest.approx(650.0 / 7.0, rel=0.02)
    adjusted = {e.adjusted for e in run().world.clearing_events if isinstance(e, SeriesAdjusted)}
    assert set(monday["symbol"]) >= adjusted
    # From the second minute on every one of them has two sides.
    late = monday.filter(pl.col("time") > monday["time"].min() + pl.duration(seconds=61))
    quoted = late.filter(pl.col("symbol").is_in(list(adjusted)))
    assert floats(quoted, "is_two_sided").mean() > 0.95
    assert np.abs(floats(quoted, "strike") / floats(quoted, "spot") - 1.0).max() < 0.3


def test_volatilities_and_widths_go_on_where_they_were(chain: pl.DataFrame) -> None:
    friday, monday = (
        of_day(chain, day).filter(pl.col("is_two_sided") & pl.col("sigma").is_finite())
        for day in (6, 9)
    )
    both = (
        friday.group_by("series").agg(pl.col("sigma").median(), width=pl.col("ask").median()
                                      - pl.col("bid").median())
        .join(
            monday.group_by("series").agg(pl.col("sigma").median(), width=pl.col("ask").median()
                                          - pl.col("bid").median()),
            on="series", suffix="_after",
        )
    )  # fmt: skip
    assert both.height > 20
    assert np.median(np.abs(floats(both, "sigma_after") - floats(both, "sigma"))) < 0.02
    ratio = float(np.median(floats(both, "width_after") / floats(both, "width")))
    assert 1 / 14 < ratio < 1 / 3  # A seventh, but for what increments round.


def test_dealers_trade_on_the_new_day_and_hedge_what_has_become_of_their_delta() -> None:
    rows, world = tape(run()), run().world
    index = next(k for k, p in enumerate(world.crowd.populations) if p.name == "dealers")
    accounts = range(world.crowd.first_account[index], world.crowd.first_account[index] + 3)
    fills = rows[(rows[:, at.T_TIME] > world.sessions[1].open_ns)
                 & (rows[:, at.T_KIND] == at.K_FILL) & (rows[:, at.T_INSTRUMENT] > 0)]  # fmt: skip
    assert np.isin(fills[:, at.T_ACCOUNT], accounts).sum() > 100
    for k, account in enumerate(accounts):
        trader = world.market.section(at.S_TRADER)[world.crowd.first_trader[index] + k]
        delta = world.crowd.beliefs[int(trader[at.TR_MEMORY]) + dealer.M_DELTA]
        shares = world.market.section(at.S_POSITION)[account, at.P_QUANTITY]
        assert abs(delta) > 100_000
        assert abs(delta + shares) < 0.05 * abs(delta)


def test_limits_follow_the_shares() -> None:
    crowd = run().world.crowd
    index = next(k for k, p in enumerate(crowd.populations) if p.name == "dealers")
    told, now = crowd.populations[index].floats, crowd.beliefs[POPULATION_FLOATS * index :]
    assert now[dealer.D_DELTA_MAX] == pytest.approx(7.0 * told[dealer.D_DELTA_MAX])
    assert now[dealer.D_GAMMA_MAX] == pytest.approx(49.0 * told[dealer.D_GAMMA_MAX])
    assert now[dealer.D_VEGA_MAX] == told[dealer.D_VEGA_MAX]
    assert now[dealer.D_FIRST_SPOT] == pytest.approx(told[dealer.D_FIRST_SPOT] / 7.0)


def test_the_table_has_todays_terms_and_neighbours() -> None:
    world = run().world
    (listed,) = world.chains
    floats = world.crowd.table_of(listed.floats)
    table = floats[: listed.rows * option_rows.SERIES_FLOATS].reshape(listed.rows, -1)
    for place in range(len(listed.table.series)):
        series = world.series[listed.first + place]
        if series.expiry is None or series.expiry <= world.sessions[0].date:
            continue
        assert table[place, option_rows.K_STRIKE] * 1e6 == series.strike_micros
        pair = int(table[place, option_rows.K_PAIR])
        other = world.series[listed.first + pair]
        assert (other.strike_micros, other.expiry) == (series.strike_micros, series.expiry)


@pytest.mark.slow
def test_actors_go_over_the_split_as_compiled_rows_do() -> None:
    small = ("session.closes=09:32", "crowds.noise.count=60", "crowds.value.count=40")
    one, other = (run(*small, f"crowd={kind}") for kind in ("compiled", "actors"))
    assert same_tape(one, other)


def test_tables_name_the_terms_of_the_day(chain: pl.DataFrame) -> None:
    friday, monday = of_day(chain, 6), of_day(chain, 9)
    assert floats(friday, "strike").min() > 400.0
    assert floats(monday, "strike").max() < 200.0
    assert monday["real_bid_open"].is_null().all()
    assert friday["real_bid_open"].is_not_null().any()
