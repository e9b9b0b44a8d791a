"""Derives the data that ship with the scenarios from the folder of shared source data.

    python -m scenarios.data.make "$OUTCRY_SHARED" [TARGET]

Rows and columns are chosen, values are kept digit by digit, so that the result is the same on every
machine.
"""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl

from environment.feeds.files import read_bytes, write_bytes

HERE: Final = Path(__file__).resolve().parent
STOCKS: Final = ("AAPL", "BAC", "CVX", "GOOG", "INTC", "JPM", "KO", "MSFT", "PG", "XOM")
_MINUTES: Final = "data/equity_intraday/us_equity_minute_trade.csv.gz"
_QUOTES: Final = "data/equity_intraday/us_equity_minute_quote.csv.gz"
_CHAIN: Final = "data/options/aapl_2014_option_chain_daily.csv.gz"
_GOOG_CHAIN: Final = "data/options/goog_2015_option_chain_daily.csv.gz"
_GOOG_QUOTES: Final = "data/options/goog_2015-12-23_24_option_minute_quote.csv.gz"
_DAILY: Final = "data/equity_daily/stocknet_88_stocks_daily_2012_2017.csv.gz"
_SECTORS: Final = "data/equity_daily/stocknet_88_stocks_sectors.tsv"
_YIELDS: Final = "data/rates/us_treasury_par_yields_1990-01-02_2025-07-11.csv.gz"
_FACTORS: Final = "data/reference/equity_factor_files.csv"
_POSTS: Final = "data/text/stocknet_tweets_15_tickers_2014_2016.jsonl.gz"
_COMPANY_FACTS: Final = "data/fundamentals/companyfacts_AAPL_CIK0000320193.json.gz"
_CONCEPTS: Final = (
    "SalesRevenueNet", "Revenues", "GrossProfit", "OperatingIncomeLoss", "NetIncomeLoss",
    "EarningsPerShareDiluted",
)  # fmt: skip

Made = Callable[[Path], pl.DataFrame]


def _text(file: Path, *, separator: str = ",") -> pl.DataFrame:
    """Return a table with every cell as the text that stands in the file."""
    return pl.read_csv(io.BytesIO(read_bytes(file)), infer_schema=False, separator=separator)


def _day_of(symbol: str, path: str, day: str) -> Made:
    return lambda source: _text(source / path).filter(
        pl.col("symbol") == symbol, pl.col("time").str.starts_with(day)
    )


def _apple_day(path: str, day: str) -> Made:
    return _day_of("AAPL", path, day)


def _chain(source: Path) -> pl.DataFrame:
    return _text(source / _CHAIN).filter(pl.col("date") == "2014-06-06")


def _goog_chain(source: Path) -> pl.DataFrame:
    return _text(source / _GOOG_CHAIN).filter(pl.col("date") == "2015-12-24")


def _goog_quotes(source: Path) -> pl.DataFrame:
    """Return the minutes of the half day: five weeks of expiries, within 4 % of the stock."""
    columns = ("time", "expiry", "right", "strike", "bid_open", "bid_close", "bid_size", "ask_open",
               "ask_close", "ask_size")  # fmt: skip
    return _text(source / _GOOG_QUOTES).filter(
        pl.col("time").str.starts_with("2015-12-24"), pl.col("expiry") <= "2016-01-29",
        pl.col("strike").cast(pl.Float64).is_between(720.0, 780.0),
    ).select(columns)  # fmt: skip


def _ten_stocks(source: Path) -> pl.DataFrame:
    sectors = _text(source / _SECTORS, separator="\t").select(
        symbol=pl.col("Symbol").str.strip_prefix("$"),
        # The source misspells one of its sectors.
        sector=pl.col("Sector").str.replace("Matierials", "Materials"),
    )
    days = pl.col("date").is_between(pl.lit("2013-06-03"), pl.lit("2014-06-30"))
    daily = _text(source / _DAILY).filter(pl.col("symbol").is_in(STOCKS), days)
    return daily.drop("adj_close").join(sectors, on="symbol").sort("symbol", "date")


def _yields(months: str) -> Made:
    return lambda source: _text(source / _YIELDS).filter(pl.col("date").str.starts_with(months))


def _factors(source: Path) -> pl.DataFrame:
    return _text(source / _FACTORS).filter(pl.col("symbol") == "AAPL")


FILES: Final[dict[str, Made]] = {
    "aapl_2014-06-05_minute.csv.gz": _apple_day(_MINUTES, "2014-06-05"),
    "aapl_2014-06-06_minute.csv.gz": _apple_day(_MINUTES, "2014-06-06"),
    "aapl_2014-06-09_minute.csv.gz": _apple_day(_MINUTES, "2014-06-09"),
    "aapl_2014-06-06_quote_minute.csv.gz": _apple_day(_QUOTES, "2014-06-06"),
    "aapl_2014-06-06_chain.csv.gz": _chain,
    "aapl_factors.csv": _factors,
    "ten_stocks_daily_2013-06_2014-06.csv.gz": _ten_stocks,
    "us_treasury_par_yields_2014.csv.gz": _yields("2014-"),
    "us_treasury_par_yields_2015-12.csv.gz": _yields("2015-12-"),
    "goog_2015-12-24_minute.csv.gz": _day_of("GOOG", _MINUTES, "2015-12-24"),
    "goog_2015-12-24_chain.csv.gz": _goog_chain,
    "goog_2015-12-24_option_minute.csv.gz": _goog_quotes,
}


def _posts(source: Path) -> bytes:
    """Return the posts on Apple of three weeks around the days that ship, line by line."""
    lines = read_bytes(source / _POSTS).splitlines(keepends=True)
    first, last = b"2014-05-27", b"2014-06-14"
    return b"".join(
        line for line in lines
        if b'"symbol": "AAPL"' in line and first <= line.split(b'"created_at": "')[1][:10] < last
    )  # fmt: skip


def _company_facts(source: Path) -> bytes:
    """Return what Apple had filed from 2012 to July 2014, of the concepts that analysts read."""
    told = json.loads(read_bytes(source / _COMPANY_FACTS))
    kept: dict[str, dict[str, object]] = {}
    for taxonomy, concepts in told["facts"].items():
        for name, concept in concepts.items():
            units = {
                unit: [v for v in values if "2012-01-01" <= v["filed"] <= "2014-07-31"]
                for unit, values in concept["units"].items()
            }
            if name in _CONCEPTS and any(units.values()):
                kept.setdefault(taxonomy, {})[name] = {"label": concept["label"], "units": units}
    content = {"cik": told["cik"], "entityName": told["entityName"], "facts": kept}
    return json.dumps(content, separators=(",", ":")).encode()


TEXTS: Final[dict[str, Callable[[Path], bytes]]] = {
    "posts.jsonl.gz": _posts,
    "aapl_company_facts.json.gz": _company_facts,
}


def make(source: Path, target: Path) -> None:
    """Write every file of FILES and TEXTS."""
    for name, derive in FILES.items():
        write_bytes(target / name, derive(source).write_csv(null_value="").encode())
    for name, text in TEXTS.items():
        write_bytes(target / name, text(source))


def main(arguments: list[str]) -> None:
    """Run from the command line: the folder of source data, and where to write."""
    if not arguments:
        raise SystemExit("give the folder of shared source data as the first argument")
    make(Path(arguments[0]), Path(arguments[1]) if len(arguments) > 1 else HERE)


if __name__ == "__main__":
    main(sys.argv[1:])
