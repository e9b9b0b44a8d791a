"""The arena: made, grown and looked at from Python."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from environment.market import layout as at

Arena = NDArray[np.int64]


def make_arena(rows: Mapping[str, int]) -> Arena:
    """Return an empty arena with room for `rows[section]` rows of each section."""
    capacities = [max(int(rows.get(name, 0)), 0) for name, _ in at.SECTIONS]
    arena = np.zeros(_total_words(capacities), np.int64)
    arena[at.H_MAGIC], arena[at.H_VERSION] = at.MAGIC, at.VERSION
    _lay_out(arena, capacities)
    arena[at.H_ORDER_FREE] = arena[at.H_STOP_FREE] = at.NONE
    arena[at.H_TAPE_MODE] = 1
    return arena


def view(arena: Arena, section: int) -> Arena:
    """Return one section as an array of shape (capacity, words per row), sharing memory."""
    first, rows = int(arena[at.H_OFFSET + section]), int(arena[at.H_CAPACITY + section])
    width = at.WIDTHS[section]
    return arena[first : first + rows * width].reshape(rows, width)


def grow(arena: Arena, section: int, rows: int) -> Arena:
    """Return a copy in which `section` has room for at least `rows` rows."""
    count = len(at.SECTIONS)
    capacities = [int(arena[at.H_CAPACITY + s]) for s in range(count)]
    capacities[section] = max(rows, capacities[section])
    grown = np.zeros(_total_words(capacities), np.int64)
    grown[: at.HEADER_WORDS] = arena[: at.HEADER_WORDS]
    _lay_out(grown, capacities)
    for s in range(count):
        old = view(arena, s)
        view(grown, s)[: len(old)] = old
    return grown


def _total_words(capacities: list[int]) -> int:
    return at.HEADER_WORDS + sum(
        _aligned(c * w) for c, w in zip(capacities, at.WIDTHS, strict=True)
    )


def _aligned(words: int) -> int:
    # Sections begin on a cache line, so that one order row is one line.
    return (words + 7) // 8 * 8


def _lay_out(arena: Arena, capacities: list[int]) -> None:
    first = at.HEADER_WORDS
    for section, capacity in enumerate(capacities):
        arena[at.H_OFFSET + section] = first
        arena[at.H_CAPACITY + section] = capacity
        first += _aligned(capacity * at.WIDTHS[section])
