"""The arena: made, grown and looked at from Python."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from environment.market import layout as at

Arena = NDArray[np.int64]
_LINE_WORDS = 16


def make_arena(rows: Mapping[str, int]) -> Arena:
    """Return an empty arena with room for `rows[section]` rows of each section."""
    capacities = [max(int(rows.get(name, 0)), 0) for name, _ in at.SECTIONS]
    arena = _zeros(_total_words(capacities))
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
    grown = _zeros(_total_words(capacities))
    grown[: at.HEADER_WORDS] = arena[: at.HEADER_WORDS]
    _lay_out(grown, capacities)
    for s in range(count):
        old = view(arena, s)
        view(grown, s)[: len(old)] = old
    return grown


def copy_of(words: Arena) -> Arena:
    """Return an arena's words in an array of their own, laid out in memory as a new arena is."""
    copied = _zeros(len(words))
    copied[:] = words
    return copied


def _zeros(words: int) -> Arena:
    # Two cache lines: an order's row is then one line, and the children of a heap's node are two.
    spare = np.zeros(words + _LINE_WORDS, np.int64)
    skip = -spare.ctypes.data % (8 * _LINE_WORDS) // 8
    return spare[skip : skip + words]


def _total_words(capacities: list[int]) -> int:
    sections = zip(capacities, at.WIDTHS, strict=True)
    words = sum(_aligned(count * width) for count, width in sections)
    return at.HEADER_WORDS + 2 * _LINE_WORDS + words


def _aligned(words: int) -> int:
    return (words + _LINE_WORDS - 1) // _LINE_WORDS * _LINE_WORDS


def _lay_out(arena: Arena, capacities: list[int]) -> None:
    first = at.HEADER_WORDS
    for section, capacity in enumerate(capacities):
        # The root stands alone before its line, so that each four children share theirs.
        lead = _LINE_WORDS - at.WIDTHS[at.S_HEAP] if section == at.S_HEAP else 0
        arena[at.H_OFFSET + section] = first + lead
        arena[at.H_CAPACITY + section] = capacity
        first += _aligned(capacity * at.WIDTHS[section] + lead)
