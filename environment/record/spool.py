"""Blocks of the tape on disk while a run goes on: plain rows, read once when the run is over.

The tape's own file needs what is known at the end alone (the nights, series that were listed on the
way, the parents' names), so blocks wait here in their exact bytes, and memory holds none of them.
"""

import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from environment.market.layout import TAPE_COLUMNS
from environment.record.files import operating_errors, temporary_name

Rows = NDArray[np.int64]
_WIDTH = len(TAPE_COLUMNS)


class RowSpool:
    """One tape's blocks in a file without a name, on the disk of the folder that `path` is in.

    The name goes as soon as the file is open: however a run ends, killed ones too, the system
    gives the space back, and no reader finds a part of a tape.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: list[int] = []
        with operating_errors(path):
            self._file, name = tempfile.mkstemp(prefix=temporary_name(path).name, dir=path.parent)
            Path(name).unlink()
        self._close = weakref.finalize(self, os.close, self._file)

    def write(self, rows: Rows) -> None:
        """Append one block of little-endian rows."""
        left = np.ascontiguousarray(rows, dtype="<i8").reshape(-1).data.cast("B")
        with operating_errors(self._path):
            while left:
                left = left[os.write(self._file, left) :]
        self._counts.append(len(rows))

    def blocks(self) -> Iterator[Rows]:
        """Yield the blocks as they were written."""
        offset = 0
        for count in self._counts:
            words = np.empty(count * _WIDTH, dtype="<i8")
            with operating_errors(self._path):
                _read_whole(self._file, words.data.cast("B"), offset)
            offset += words.nbytes
            yield words.reshape(count, _WIDTH)

    def remove(self) -> None:
        """Give the space back."""
        self._close()


def _read_whole(file: int, into: memoryview, offset: int) -> None:
    while into:
        count = os.preadv(file, [into], offset)
        if count == 0:
            raise OSError("the waiting blocks of the tape are shorter than what was written")
        into, offset = into[count:], offset + count


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
