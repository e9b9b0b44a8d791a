"""Garbage collection while a kernel runs: seldom, as envelopes cannot form cycles."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_UNHURRIED: Final = (100_000, 20, 100)


@contextmanager
def unhurried_collection() -> Iterator[None]:
    """Look for cycles after 100,000 new objects instead of 700, and put the old pace back.

    Each queue entry is one object to the collector; at the default pace it walks every entry that
    waits, several times, and finds nothing: with 10,000 waiting that halves the speed.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_UNHURRIED)
    try:
        yield
    finally:
        gc.set_threshold(*before)
