"""What ships with the scenarios: derived as its script says, and good for what it is for."""

import csv
import io
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from environment.feeds.bars import read_bars, read_quote_bars
from environment.feeds.corporate_actions import read_corporate_actions
from environment.feeds.files import read_bytes
from environment.market.calendar import TradingCalendar
from environment.market.corporate_actions import Split
from environment.market.fundamentals import bar_rows, fit_loadings, from_bars
from scenarios.data.make import FILES, HERE, STOCKS, make
from tests.shared_data import shared

DAY = date(2014, 6, 6)
ROWS = {
    "aapl_2014-06-05_minute.csv.gz": 686,
    "aapl_2014-06-06_minute.csv.gz": 783,
    "aapl_2014-06-09_minute.csv.gz": 834,
    "aapl_2014-06-06_quote_minute.csv.gz": 835,
    "aapl_2014-06-06_chain.csv.gz": 2_352,
    "aapl_factors.csv": 41,
    "ten_stocks_daily_2013-06_2014-06.csv.gz": 2_720,
    "us_treasury_par_yields_2014.csv.gz": 250,
    "us_treasury_par_yields_2015-12.csv.gz": 22,
    "goog_2015-12-24_minute.csv.gz": 227,
    "goog_2015-12-24_chain.csv.gz": 2_192,
    "goog_2015-12-24_option_minute.csv.gz": 50_467,
}


@pytest.fixture(scope="module")
def derived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("derived")
    make(shared("data/README.md").parent.parent, folder)
    return folder


@pytest.mark.parametrize("name", FILES)
def test_shipped_file_is_what_its_script_derives(derived: Path, name: str) -> None:
    assert read_bytes(derived / name) == read_bytes(HERE / name)


@pytest.mark.parametrize("name", FILES)
def test_shipped_file_has_the_rows_its_readme_says(name: str) -> None:
    rows = list(csv.reader(io.StringIO(read_bytes(HERE / name).decode())))
    assert len(rows) - 1 == ROWS[name]
    [line] = [line for line in (HERE / "README.md").read_text().splitlines() if f"`{name}`" in line]
    assert f"| {ROWS[name]:,} |" in line


def test_real_day_is_a_path_through_every_bar() -> None:
    bars = read_bars(HERE / "aapl_2014-06-06_minute.csv.gz", bad_rows="refuse").of("AAPL")
    session = TradingCalendar("XNYS").session(DAY)
    seconds = (session.end_ns - session.start_ns) // 10**9
    rows = bar_rows(bars, start_ns=session.start_ns, tick=0.01)
    path = from_bars(rows, seconds, seed=1, symbol="AAPL", day=str(DAY))
    inside = [row for row in rows.tolist() if row[0] >= 0 and row[0] + 59 <= seconds]
    assert len(inside) > 400
    for start, opened, high, low, close in inside:
        minute = path[int(start) : int(start) + 60]
        assert [minute[0], minute.max(), minute.min(), minute[-1]] == [opened, high, low, close]


def test_quotes_of_the_day_are_clean() -> None:
    assert read_quote_bars(HERE / "aapl_2014-06-06_quote_minute.csv.gz").dropped == {}


def test_split_stands_in_the_factor_file() -> None:
    actions = read_corporate_actions(
        HERE / "aapl_factors.csv", ("AAPL",), first=DAY, last=date(2014, 6, 30)
    )
    assert actions == (Split(symbol="AAPL", ex_date=date(2014, 6, 9), numerator=7, denominator=1),)


def test_ten_stocks_have_a_market_and_sectors() -> None:
    bars = read_bars(HERE / "ten_stocks_daily_2013-06_2014-06.csv.gz", bad_rows="refuse")
    closes = {symbol: bars.of(symbol)["close"].to_list() for symbol in STOCKS}
    table = pl.read_csv(HERE / "ten_stocks_daily_2013-06_2014-06.csv.gz")
    sectors = dict(table.select("symbol", "sector").unique().iter_rows())
    factors, loadings = fit_loadings(closes, sectors)
    assert set(factors) == {"market", *sectors.values()}
    realised = {s: float(np.std(np.diff(np.log(c)), ddof=1)) * 252**0.5 for s, c in closes.items()}
    for symbol, load in loadings.items():
        assert load.total_annual(factors) == pytest.approx(realised[symbol], rel=0.1)
        assert 0.3 < load.loadings["market"] < 2.0
