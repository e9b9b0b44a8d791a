"""The shared bars and factor files, whole."""

from datetime import date

import polars as pl
import pytest

from environment.feeds.bars import read_bars, read_quote_bars
from environment.feeds.corporate_actions import read_corporate_actions
from environment.market.corporate_actions import Dividend, Split
from tests.shared_data import shared

INTRADAY, DAILY = "data/equity_intraday/", "data/equity_daily/"
FACTORS = "data/reference/equity_factor_files.csv"


@pytest.mark.parametrize(
    ("path", "rows", "dropped"),
    [
        (INTRADAY + "us_equity_minute_trade.csv.gz", 18_592, {}),
        (INTRADAY + "us_equity_hour_2010_2021.csv.gz", 117_978, {}),
        (DAILY + "us_etf_stock_daily_1998_2021.csv.gz", 54_920, {}),
        (DAILY + "stocknet_88_stocks_daily_2012_2017.csv.gz", 108_589, {"missing_cell": 3}),
        (
            DAILY + "sp500_5yr_2013-02-08_2018-02-07.csv.gz",
            619_017,
            {"high_below_low": 1, "missing_cell": 11, "open_or_close_outside_range": 11},
        ),
    ],
)
def test_shared_bars_are_read_and_bad_rows_counted(
    path: str, rows: int, dropped: dict[str, int]
) -> None:
    bars = read_bars(shared(path))
    assert (len(bars.frame), bars.dropped) == (rows, dropped)


def test_month_of_bitcoin_has_no_gap() -> None:
    path = shared(INTRADAY + "btc_perp_minute_2022-01.csv.gz")
    frame = read_bars(path, symbol="BTC", zone="UTC").frame
    assert len(frame) == 45_031
    assert frame["time_ns"].diff().drop_nulls().unique().to_list() == [60 * 10**9]


def test_shared_quote_bars_are_never_crossed_and_sometimes_locked() -> None:
    bars = read_quote_bars(shared(INTRADAY + "us_equity_minute_quote.csv.gz"))
    assert (len(bars.frame), bars.dropped) == (19_918, {})
    assert bars.frame.filter(pl.col("bid_close") == pl.col("ask_close")).height > 0


def test_apple_paid_and_split_as_it_did() -> None:
    first, last = date(2014, 5, 1), date(2014, 12, 31)
    assert read_corporate_actions(shared(FACTORS), ("AAPL",), first=first, last=last) == (
        Dividend(symbol="AAPL", ex_date=date(2014, 5, 8), micros_per_share=3_290_000),
        Split(symbol="AAPL", ex_date=date(2014, 6, 9), numerator=7, denominator=1),
        Dividend(symbol="AAPL", ex_date=date(2014, 8, 7), micros_per_share=470_000),
        Dividend(symbol="AAPL", ex_date=date(2014, 11, 6), micros_per_share=470_000),
    )


def test_adjusted_closes_do_not_jump_over_the_split() -> None:
    day = read_bars(shared(DAILY + "us_etf_stock_daily_1998_2021.csv.gz"), symbol="AAPL",
                    first=date(2014, 6, 6), last=date(2014, 6, 9)).frame  # fmt: skip
    before, after = day["close"].to_list()
    assert abs(after * 7 / before - 1) < 0.02
