"""A finished run as a notebook sees it: folder, summary and manifest at once, tables when asked."""

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import msgspec
import polars as pl

from environment.errors import OperatingError
from environment.record.day import DayTape
from environment.record.files import MANIFEST
from environment.record.manifest import Manifest, decode
from environment.record.market_day import of_tape
from environment.record.output import TABLES, read_day
from environment.record.populations import (
    population_minutes,
    population_table,
    surveillance_table,
)
from environment.record.realism import Figures, Mark, marks, statistics
from environment.record.tables import order_lives
from environment.record.tca import scope_of
from scenarios.realism_reference import load_realism

SUMMARY, REPORT, FUNDAMENTAL = "summary.json", "report.html", "fundamental.parquet"


class Tables(Mapping[str, pl.DataFrame]):
    """A run's tables by name, each read when it is first asked for."""

    def __init__(self, result: "RunResult") -> None:
        self._result = result

    def __getitem__(self, name: str) -> pl.DataFrame:
        found = getattr(self._result, name) if name in (*TABLES, "fundamental") else None
        if not isinstance(found, pl.DataFrame):
            raise KeyError(f"{name!r}; there are {', '.join(self)}")
        return found

    def __iter__(self) -> Iterator[str]:
        names = (*TABLES, "fundamental")
        return (name for name in names if (self._result.folder / f"{name}.parquet").is_file())

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(frozen=True)
class RunResult:
    """One run on disk. Tables are polars frames, read on first use and kept.

    `manifest` is None where the run ended early. `summary["kernel"]`, where there is one, holds
    `handlers` (actor, message, handled, busy_ns, wall_ns) and `latencies` (link, count, median_ns,
    p99_ns, max_ns) as lists of rows; `summary["configuration"]` the resolved configuration.
    """

    folder: Path
    summary: dict[str, Any]
    manifest: Manifest | None = None
    tape: DayTape | None = field(default=None, repr=False, compare=False)  # If read already.

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Return the run in a folder.

        Raises
        ------
        OperatingError
            If the folder holds no run, with the file that is missing.
        """
        path = Path(folder)
        try:
            summary = msgspec.json.decode((path / SUMMARY).read_bytes(), type=dict[str, Any])
            manifest = decode((path / MANIFEST).read_bytes()) if cls._is_whole(path) else None
        except (OSError, msgspec.MsgspecError) as error:
            raise OperatingError(f"{path} holds no readable run: {error}") from error
        return cls(path, summary, manifest)

    @staticmethod
    def _is_whole(path: Path) -> bool:
        return (path / MANIFEST).is_file()

    @property
    def complete(self) -> bool:
        """Say whether the run came to its own end."""
        return self.manifest is not None and not self.manifest.partial

    @property
    def report(self) -> Path | None:
        """Return the report's path, once there is one."""
        path = self.folder / REPORT
        return path if path.is_file() else None

    @property
    def statistics(self) -> dict[str, Any]:
        """Return what the kernel counted: handlers and latencies."""
        return dict(self.summary.get("kernel") or {})

    @cached_property
    def tables(self) -> Tables:
        """Return the tables by name: trades, quotes, orders, accounts and more."""
        return Tables(self)

    @cached_property
    def trades(self) -> pl.DataFrame:
        """Return one row per trade."""
        return self._table("trades")

    @cached_property
    def quotes(self) -> pl.DataFrame:
        """Return every quote (of option series: the last of each second)."""
        return self._table("quotes")

    @cached_property
    def orders(self) -> pl.DataFrame:
        """Return the tape: every row that the exchange wrote."""
        return self._table("orders")

    @cached_property
    def decisions(self) -> pl.DataFrame:
        """Return the verdicts of the risk desk and the answers of people."""
        return self._table("decisions")

    @cached_property
    def accounts(self) -> pl.DataFrame:
        """Return one row per account: activity, holdings, profit and its parts."""
        return self._table("accounts")

    @cached_property
    def tca(self) -> pl.DataFrame:
        """Return transaction costs, all scopes; `tca_of` gives one."""
        return self._table("tca")

    @cached_property
    def fundamental(self) -> pl.DataFrame | None:
        """Return the fundamental (time, instrument, value), where the run recorded one."""
        path = self.folder / FUNDAMENTAL
        return pl.read_parquet(path) if path.is_file() else None

    def tca_of(self, scope: str, *columns: str) -> pl.DataFrame:
        """Return the costs of one scope: "parent", "fill", "resting" or "population".

        Of the file only what is asked for is read: the scopes share it, and fills and resting
        orders are many.

        Parameters
        ----------
        columns : names, optional
            Those that are wanted; one that the scope does not have is left out.
        """
        table = pl.scan_parquet(self._file("tca"))
        if columns:
            known = table.collect_schema().names()
            table = table.select("scope", *(name for name in columns if name in known))
        return scope_of(table.filter(pl.col("scope") == scope).collect(), scope)

    @cached_property
    def day(self) -> DayTape:
        """Return the tape as arrays, for what the tables do not hold."""
        return read_day(self.folder) if self.tape is None else self.tape

    @cached_property
    def order_lives(self) -> pl.DataFrame:
        """Return one row per order: what it asked, how it ended."""
        return order_lives(self.day)

    @cached_property
    def populations(self) -> pl.DataFrame:
        """Return one row per population."""
        return population_table(self.accounts)

    @cached_property
    def population_minutes(self) -> pl.DataFrame:
        """Return flow, inventory and profit per population and minute."""
        return population_minutes(self.day)

    def surveillance(self, by: str = "account") -> pl.DataFrame:
        """Return order-to-trade ratios, fast cancels and wash attempts."""
        return surveillance_table(self.accounts, by=by)

    @cached_property
    def realism(self) -> dict[str, Figures]:
        """Return the eleven realism statistics of the most traded instrument."""
        return statistics(of_tape(self.day, self.main_instrument))

    @cached_property
    def marks(self) -> dict[str, tuple[Mark, ...]]:
        """Return the realism statistics against the bands of real days."""
        return marks(self.realism, load_realism().bands)

    @cached_property
    def main_instrument(self) -> int:
        """Return the code of the stock with the most trades."""
        facts, trades = self.day.facts, self.day.trades
        counts = [
            int((trades.instrument == code).sum()) if one.kind == "stock" else -1
            for code, one in enumerate(facts.instruments)
        ]
        return counts.index(max(counts))

    def _table(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self._file(name))

    def _file(self, name: str) -> Path:
        path = self.folder / f"{name}.parquet"
        if not path.is_file():
            raise OperatingError(f"{path} is missing: the run ended before it was written")
        return path

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td>{html.escape(str(value))}</td></tr>"
            for name, value in self.summary.items()
            if isinstance(value, str | int | float)
        )
        state = "" if self.complete else "<p>ended early: what is here is readable</p>"
        title = html.escape(f"{self.summary.get('scenario', 'run')} in {self.folder}")
        return f"<h4>{title}</h4>{state}<table>{rows}</table>"
