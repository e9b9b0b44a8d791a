"""From the tape on disk to the tables beside it, each a whole Parquet file."""

from pathlib import Path

import polars as pl

from environment.record.day import DayTape, TapeFile
from environment.record.files import whole_file
from environment.record.tables import accounts_table, decisions_table, quotes_table, trades_table
from environment.record.tape import Rows, read_facts
from environment.record.tca import tca_table

TAPE = "orders.parquet"
TABLES = ("trades", "quotes", "orders", "decisions", "accounts", "tca")


def read_day(folder: Path) -> DayTape:
    """Return the tape of a run, ready for every table."""
    path = folder / TAPE
    read = TapeFile(path)
    return DayTape(read.rows(), read_facts(path), read)


def write_tables(
    folder: Path,
    day: DayTape | None = None,
    *,
    decided: pl.DataFrame | None = None,
    decisions: list[dict[str, object]] | None = None,
    fees_paid: Rows | None = None,
) -> DayTape:
    """Write every table but `orders`, which is the tape itself, and return what they came from.

    Parameters
    ----------
    decided : frame, optional
        When each parent order was decided; see `parent_costs`.
    decisions : list of rows, optional
        Verdicts and answers from the journal; see `DECISION_COLUMNS`.
    fees_paid : array of int, optional
        The ledger's fees in micros by account code, where the tape's fills hold none.
    """
    day = day or read_day(folder)
    accounts = accounts_table(day, fees_paid)
    for name, table in (
        ("trades", trades_table(day)),
        ("quotes", quotes_table(day)),
        ("decisions", decisions_table(decisions)),
        ("accounts", accounts),
        ("tca", tca_table(day, accounts, decided)),
    ):
        write_table(folder / f"{name}.parquet", table)
    return day


def write_table(path: Path, table: pl.DataFrame) -> None:
    """Write one table as a whole Parquet file."""
    with whole_file(path) as file:
        table.write_parquet(file, compression="zstd", compression_level=1)
