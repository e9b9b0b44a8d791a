"""What the command line needs to know of a finished run, and of a replay."""

from pathlib import Path
from typing import Any, Protocol

import msgspec


class FinishedRun(Protocol):
    """A run on disk, as `scenarios.run.result.RunResult` is; nothing heavy is loaded to show it."""

    @property
    def folder(self) -> Path:
        """Where everything it recorded is."""

    @property
    def summary(self) -> dict[str, Any]:
        """The content of `summary.json`."""

    @property
    def report(self) -> Path | None:
        """The report, where one was written."""

    @property
    def complete(self) -> bool:
        """Whether it came to its own end; if not, what it recorded until then is readable."""


class ReplayResult(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a journal's inputs, run again, gave the same records.

    `difference` says, in lines for a person, what differed first and what led there. `conditions`
    name the versions, processor, sources and data files that are others than the recorded ones.
    """

    same: bool
    records: int
    journal_sha256: str
    difference: str | None = None
    partial: bool = False
    conditions: tuple[str, ...] = ()


class MuteResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would have been without one agent: figures of both, by name."""

    agent: str
    figures: dict[str, tuple[float, float]]  # As recorded, and without the agent.
