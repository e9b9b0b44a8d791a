"""Blocks of the tape on disk while a run goes on: plain rows, read once when the run is over.

The tape's own file needs what is known at the end alone (the nights, series that were listed on the
way, the parents' names), so blocks wait here in their exact bytes, and memory holds none of them.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from environment.market.layout import TAPE_COLUMNS
from environment.record.files import operating_errors, temporary_name

Rows = NDArray[np.int64]
_WIDTH = len(TAPE_COLUMNS)


class RowSpool:
    """One tape's blocks in a file with a temporary name, which no reader takes for a tape.

    A run that starts over in the same folder removes what a killed one left.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._part = path, temporary_name(path)
        self._counts: list[int] = []
        with operating_errors(path):
            self._part.write_bytes(b"")

    def write(self, rows: Rows) -> None:
        """Append one block of little-endian rows."""
        left = np.ascontiguousarray(rows, dtype="<i8").reshape(-1).data.cast("B")
        # Opened for each block, a few a second: nothing is to be closed where a run breaks off.
        with operating_errors(self._path), self._part.open("ab", buffering=0) as file:
            while left:
                left = left[file.write(left) :]
        self._counts.append(len(rows))

    def blocks(self) -> Iterator[Rows]:
        """Yield the blocks as they were written."""
        with operating_errors(self._path), self._part.open("rb") as file:
            for count in self._counts:
                words = np.empty(count * _WIDTH, dtype="<i8")
                if file.readinto(words.data.cast("B")) != words.nbytes:
                    raise OSError(f"{self._part} is shorter than what was written to it")
                yield words.reshape(count, _WIDTH)

    def remove(self) -> None:
        """Take the file away."""
        self._part.unlink(missing_ok=True)


class RowList:
    """The same in memory, for runs without a folder."""

    def __init__(self) -> None:
        self._blocks: list[Rows] = []

    def write(self, rows: Rows) -> None:
        """Append one block."""
        self._blocks.append(rows)

    def blocks(self) -> Iterator[Rows]:
        """Yield the blocks as they were written."""
        yield from self._blocks

    def remove(self) -> None:
        """Let go of them."""
        self._blocks.clear()
