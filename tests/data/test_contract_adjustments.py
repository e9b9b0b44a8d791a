"""The real 7:1 split of June 2014: our strikes stand in the exchange's own list of the next day."""

from datetime import date

import polars as pl

from environment.instruments import make_option, parse_occ
from environment.market.contract_adjustments import adjust_for_split
from environment.market.corporate_actions import Split
from tests.shared_data import shared

SPLIT = Split(symbol="AAPL", ex_date=date(2014, 6, 9), numerator=7, denominator=1)


def symbols(day: str) -> dict[str, date]:
    """Return the symbols listed on a day with their expiry."""
    frame = pl.read_csv(shared("data/options/aapl_2014_option_chain_daily.csv.gz"))
    rows = frame.filter(pl.col("date") == day).select("expiry", "right", "strike").iter_rows()
    found: dict[str, date] = {}
    for expiry, right, strike in rows:
        last = date.fromisoformat(expiry)
        series = make_option("AAPL", last, "call" if right == "C" else "put", str(strike))
        found[series.symbol] = last
    return found


def test_every_series_that_lived_on_stands_in_the_next_days_list() -> None:
    before, after = symbols("2014-06-06"), symbols("2014-06-09")
    adjusted = 0
    for symbol, expiry in before.items():
        if expiry < SPLIT.ex_date:
            continue  # It expired on the evening of the 6th.
        told = parse_occ(symbol)
        series = make_option("AAPL", expiry, told.right, str(told.strike_micros / 1e6))
        new = adjust_for_split(series, SPLIT)
        assert new.contracts == 7
        assert new.instrument.symbol in after
        adjusted += 1
    assert adjusted == 2_180
