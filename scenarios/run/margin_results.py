"""What a run leaves of its accounts' margin: how it was used over time, and what was closed."""

from pathlib import Path
from typing import Final

import polars as pl

from agents.clearing.margin_watch import MarginLog
from environment.record.output import write_table

MARGIN, CLOSINGS = "margin.parquet", "closings.parquet"
_MICROS: Final = 1_000_000


def write_margin_tables(log: MarginLog, folder: Path, zone: str) -> None:
    """Write both tables; nothing where no account was watched."""
    if not log.use:
        return
    write_table(folder / MARGIN, _use_table(log, zone))
    write_table(folder / CLOSINGS, _closings_table(log, zone))


def _use_table(log: MarginLog, zone: str) -> pl.DataFrame:
    """Return, by moment and population, what its accounts with options had and must have had."""
    return pl.DataFrame(
        {
            "time": [row.time_ns for row in log.use],
            "population": [row.population for row in log.use],
            "accounts": [row.accounts for row in log.use],
            "below": [row.below for row in log.use],
            "equity": [row.equity_micros / _MICROS for row in log.use],
            "required": [row.required_micros / _MICROS for row in log.use],
            "refused": [row.refused for row in log.use],
        },
        schema_overrides={"time": pl.Int64},
    ).with_columns(_in_zone(zone))


def _closings_table(log: MarginLog, zone: str) -> pl.DataFrame:
    """Return one row per order of the broker's office."""
    return pl.DataFrame(
        {
            "time": [row.time_ns for row in log.closed],
            "population": [row.population for row in log.closed],
            "account": [row.account for row in log.closed],
            "instrument": [row.closed.instrument for row in log.closed],
            "lots": [row.closed.lots for row in log.closed],
            "reason": [row.closed.reason for row in log.closed],
            "shortfall": [row.closed.shortfall_micros / _MICROS for row in log.closed],
        },
        schema={
            "time": pl.Int64, "population": pl.String, "account": pl.Int64,
            "instrument": pl.String, "lots": pl.Int64, "reason": pl.String, "shortfall": pl.Float64,
        },
    ).with_columns(_in_zone(zone))  # fmt: skip


def _in_zone(zone: str) -> pl.Expr:
    return pl.col("time").cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(zone)
