"""Chain files: small ones written here, and the shared real ones."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from environment.feeds.chains import Moment, read_daily_chains, read_minute_chains
from environment.feeds.listed import read_listed
from environment.options.chain import ChainRefusedError, clean_quotes
from environment.options.surface_fit import surface_from_chain
from tests.shared_data import shared

SIDES = "bid_open,bid_close,bid_size,ask_open,ask_close,ask_size"
DAILY = f"date,underlying,expiry,right,strike,{SIDES}\n"
MINUTE = f"time,expiry,right,strike,{SIDES}\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "chain.csv"
    path.write_text(text)
    return path


def test_daily_file_gives_open_and_close(tmp_path: Path) -> None:
    row = "2014-06-06,AAPL,2014-06-07,C,490,1,2,5,1.5,2.5,5\n"
    chains = read_daily_chains(write(tmp_path, DAILY + row))
    first, last = chains.at("2014-06-06", "open"), chains.at("2014-06-06")
    assert (first.chain.bid_price[0], last.chain.bid_price[0]) == (1.0, 2.0)
    assert last.chain.years[0] * 365.0 == pytest.approx(1.0)
    assert str(first.moment) == "2014-06-06T09:30:00"


def test_empty_cell_is_no_quote(tmp_path: Path) -> None:
    row = "2014-06-06,AAPL,2014-06-07,P,490,,,0,1.5,2.5,5\n"
    chain = read_daily_chains(write(tmp_path, DAILY + row)).at("2014-06-06").chain
    assert np.isnan(chain.bid_price[0])
    assert not chain.is_call[0]


def test_minute_file_gives_the_last_known_quote_and_its_age(tmp_path: Path) -> None:
    rows = (
        "2015-12-24T09:30:00,2016-01-15,C,700,1,1,5,2,2,5\n"
        "2015-12-24T09:40:00,2016-01-15,C,700,3,3,5,4,4,5\n"
    )
    chains = read_minute_chains(write(tmp_path, MINUTE + rows))
    before, after = chains.at("2015-12-24T09:40:30").chain, chains.at("2015-12-24T09:41:00").chain
    assert before.bid_price.tolist() == [1.0]
    assert before.age_seconds is not None
    assert before.age_seconds.tolist() == [570.0]
    assert after.bid_price.tolist() == [3.0]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("date,strike\n", "expected the columns"),
        (DAILY + "2014-06-06,AAPL,2014-06-07,X,490,1,2,5,1.5,2.5,5\n", "C or P"),
        (DAILY + "2014-06-06,AAPL,soon,C,490,1,2,5,1.5,2.5,5\n", "expected dates"),
        (DAILY + "2014-06-06,AAPL,2014-06-07,C,high,1,2,5,1.5,2.5,5\n", "expected a chain file"),
    ],
)
def test_bad_daily_file_is_refused_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ChainRefusedError, match=reason) as error:
        read_daily_chains(write(tmp_path, text))
    assert "\n" not in str(error.value)


def test_two_underlyings_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"2014-06-06,{n},2014-06-07,C,490,1,2,5,1.5,2.5,5\n" for n in ("A", "B"))
    with pytest.raises(ChainRefusedError, match="one underlying"):
        read_daily_chains(write(tmp_path, DAILY + rows))


def test_missing_date_is_refused(tmp_path: Path) -> None:
    chains = read_daily_chains(write(tmp_path, DAILY))
    with pytest.raises(ChainRefusedError, match="expected rows of 2014-06-06"):
        chains.at("2014-06-06")


@pytest.mark.slow
def test_apple_open_of_the_split_week_has_three_crossed_and_two_locked_quotes() -> None:
    path = shared("data/options/aapl_2014_option_chain_daily.csv.gz")
    chain = read_daily_chains(path).at("2014-06-06", "open").chain
    is_two_sided = (chain.bid_price > 0.0) & (chain.ask_price > 0.0)
    assert int(is_two_sided.sum()) == 2195
    assert int((chain.bid_price == chain.ask_price)[is_two_sided].sum()) == 2
    assert clean_quotes(chain).dropped["crossed"] == 3


@pytest.mark.slow
def test_apple_close_becomes_a_surface_without_breaches() -> None:
    path = shared("data/options/aapl_2014_option_chain_daily.csv.gz")
    chain = read_daily_chains(path).at("2014-06-06").chain
    found = surface_from_chain(chain, 645.57, "american", 0.002)
    assert found.breaches == []
    assert found.strike.size + sum(found.dropped.values()) == chain.size


@pytest.mark.slow
def test_google_minute_becomes_a_surface_inside_its_spreads() -> None:
    path = shared("data/options/goog_2015-12-23_24_option_minute_quote.csv.gz")
    chain = read_minute_chains(path).at("2015-12-24T12:00:00").chain
    found = surface_from_chain(chain, 748.5, "american", 0.005)
    error = np.abs(found.surface.volatility(found.strike, found.years) - found.sigma_annual)
    assert found.breaches == []
    assert np.mean(error <= 0.5 * found.sigma_spread) > 0.9


def test_path_may_be_text(tmp_path: Path) -> None:
    file = write(tmp_path, "a,b\n1,2\n")
    for path in (file, str(file)):
        with pytest.raises(ChainRefusedError, match=r"in chain\.csv"):
            read_daily_chains(path)


def test_place_without_a_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(FileNotFoundError, match=str(path)):
            read_daily_chains(path)


@pytest.mark.parametrize(
    ("date", "moment", "text"),
    [("6 June", "close", "like 2014-06-06"), ("2014-06-06", "noon", "open or")],
)
def test_moment_that_is_none_is_refused(
    tmp_path: Path, date: str, moment: Moment, text: str
) -> None:
    file = write(tmp_path, DAILY + "2014-06-06,A,2014-06-13,C,100,1,1,1,2,2,2\n")
    with pytest.raises(ChainRefusedError, match=text):
        read_daily_chains(file).at(date, moment)


def test_cell_that_is_no_number_is_told_without_the_readers_plan(tmp_path: Path) -> None:
    row = "2014-06-06,AAPL,2014-06-13,C,abc,1,1,1,2,2,2\n"
    with pytest.raises(ChainRefusedError) as refusal:
        read_daily_chains(write(tmp_path, DAILY + row))
    assert "abc" in str(refusal.value)
    assert "offset" not in str(refusal.value)
    with pytest.raises(ChainRefusedError) as refusal:
        read_listed(write(tmp_path, "a,b\n1,2\n"), date(2014, 6, 6))
    assert "date" in str(refusal.value)
    assert "plan" not in str(refusal.value).lower()
