"""The past that ships: which days count, what a day moved by, and files that hold none."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from environment.feeds.daily_closes import read_daily_returns, read_daily_value
from environment.feeds.files import FeedError
from scenarios.builders.history import day_values, past_returns
from scenarios.config.load import load_config
from scenarios.places import PROJECT_ROOT

FILE = PROJECT_ROOT / "scenarios/data/ten_stocks_daily_2013-06_2014-06.csv.gz"
DAY = date(2014, 6, 6)


def test_no_day_from_the_session_on_is_looked_at() -> None:
    found = read_daily_returns(FILE, frozenset({"AAPL", "NONE"}), DAY)
    assert set(found) == {"AAPL"}
    closes = pl.read_csv(FILE, try_parse_dates=True).filter(
        pl.col("symbol") == "AAPL", pl.col("date") < DAY
    )["close"]
    assert len(found["AAPL"]) == len(closes) - 1
    assert found["AAPL"][-1] == closes[-1] / closes[-2] - 1.0
    assert max(map(abs, found["AAPL"])) < 0.1  # No split stands in it.


def test_shipped_scenario_knows_its_past() -> None:
    config = load_config("opening_bell")
    assert len(past_returns(config, DAY)["AAPL"]) > 200


def test_value_of_a_mean_day_is_its_mean_volume_at_the_last_close(tmp_path: Path) -> None:
    file = tmp_path / "bars.csv"
    rows = ["date,symbol,close,volume", "2014-06-02,AAPL,10,1000000", "2014-06-03,AAPL,10,100"]
    rows += ["2014-06-04,AAPL,20,300", "2014-06-06,AAPL,90,9000", "2014-06-04,MSFT,5,"]
    file.write_text("\n".join(rows))
    names = frozenset({"AAPL", "MSFT", "NONE"})
    assert read_daily_value(file, names, DAY, 2) == {"AAPL": 200.0 * 20.0}
    file.write_text("date,symbol,close\n2014-06-04,AAPL,20\n")
    assert read_daily_value(file, names, DAY, 2) == {}


def test_shipped_scenario_knows_what_a_day_trades() -> None:
    found = day_values(load_config("opening_bell"), DAY)
    bars = (
        pl.read_csv(FILE, try_parse_dates=True)
        .filter(pl.col("symbol") == "AAPL", pl.col("date") < DAY)
        .sort("date")
    )
    volume = bars["volume"].tail(20).to_list()
    assert found["AAPL"] == pytest.approx(1e6 * sum(volume) / 20 * bars["close"][-1])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("date,symbol\n2014-06-05,AAPL\n", "not a table of daily bars"),
        ("date,symbol,close\nyesterday,AAPL,1\n", "not a table of daily bars"),
        ("date,symbol,close\n2014-06-05,AAPL,nil\n", "not a table of daily bars"),
        ("date,symbol,close\n2014-06-05,AAPL,0\n", "a close is missing or not above 0"),
        ("date,symbol,close\n2014-06-05,AAPL,\n", "a close is missing or not above 0"),
        ("", "not a table of daily bars"),
    ],
)
def test_file_of_something_else_is_refused_in_a_line(tmp_path: Path, text: str, word: str) -> None:
    file = tmp_path / "bars.csv"
    file.write_text(text)
    with pytest.raises(FeedError, match=word):
        read_daily_returns(file, frozenset({"AAPL"}), DAY)
