"""A chain of an earlier day on the terms of a later one."""

from datetime import date
from pathlib import Path

import pytest

from environment.feeds.listed import read_listed
from environment.market.calendar import TradingCalendar
from environment.market.corporate_actions import Dividend, Split
from scenarios.builders.chain_days import actions_since, can_be_followed, listed_since
from scenarios.config.load import load_config

CHAIN_DAY, EX_DATE = date(2014, 6, 6), date(2014, 6, 9)
SPLIT = Split(symbol="AAPL", ex_date=EX_DATE, numerator=7, denominator=1)
ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "scenarios/data/aapl_2014-06-06_chain.csv.gz"


def test_nothing_happened_nothing_changes() -> None:
    assert listed_since(FILE, CHAIN_DAY, ()) == read_listed(FILE, CHAIN_DAY)


def test_a_split_divides_strikes_and_quotes_and_multiplies_contracts() -> None:
    before, after = read_listed(FILE, CHAIN_DAY), listed_since(FILE, CHAIN_DAY, (SPLIT,))
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        assert new.strike_micros == pytest.approx(old.strike_micros / 7, abs=5_000)
        assert new.strike_micros % 10_000 == 0
        assert new.open_interest == 7 * old.open_interest
        if old.bid_open is None:
            assert new.bid_open is None
        else:
            assert new.bid_open == pytest.approx(old.bid_open / 7, abs=1)


def test_a_special_dividend_is_taken_off_the_strike_alone() -> None:
    paid = Dividend(symbol="AAPL", ex_date=EX_DATE, micros_per_share=3_000_000, is_special=True)
    before, after = read_listed(FILE, CHAIN_DAY), listed_since(FILE, CHAIN_DAY, (paid,))
    for old, new in zip(before, after, strict=True):
        assert new.strike_micros == old.strike_micros - 3_000_000
        assert (new.bid_open, new.open_interest) == (old.bid_open, old.open_interest)


def test_odd_contracts_cannot_be_followed() -> None:
    assert can_be_followed((SPLIT,))
    assert not can_be_followed((SPLIT, Split(symbol="AAPL", ex_date=EX_DATE, numerator=3,
                                             denominator=2)))  # fmt: skip


def test_actions_are_those_between_the_chains_day_and_the_other() -> None:
    config = load_config("options_day")
    stock, calendar = config.scenario.instruments[0], TradingCalendar("XNYS")
    assert actions_since(config, stock, CHAIN_DAY, CHAIN_DAY, calendar) == ()
    assert actions_since(config, stock, CHAIN_DAY, EX_DATE, calendar) == (SPLIT,)
    assert actions_since(config, stock, EX_DATE, date(2014, 6, 20), calendar) == ()
