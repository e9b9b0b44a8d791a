"""What the command line needs to know of a finished run, and of a replay."""

from pathlib import Path
from typing import Any, Protocol

import msgspec


class FinishedRun(Protocol):
    """A run on disk, as `scenarios.result.RunResult` is; nothing heavy is loaded to show it."""

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

    `difference` says, in lines for a person, what differed first and what led there; or which
    version or processor is another one than the manifest names.
    """

    same: bool
    records: int
    journal_sha256: str
    difference: str | None = None
    partial: bool = False
