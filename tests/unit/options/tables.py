"""Reference tables as columns."""

import csv
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_FOLDER = Path(__file__).resolve().parents[2] / "data" / "reference"


@cache
def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a table, by column name."""
    with (_FOLDER / name).open(newline="") as file:
        return list(csv.DictReader(file))


def column(name: str, field: str) -> NDArray[np.float64]:
    """Return a column of numbers, NaN where it is empty."""
    return np.array([float(row[field] or "nan") for row in rows(name)])


def words(name: str, field: str) -> NDArray[np.str_]:
    """Return a column of words."""
    return np.array([row[field] for row in rows(name)])
