"""Which writers are assigned: every written contract alike, by a stream of its own."""

import numpy as np

from environment.draws import draw_integer
from environment.errors import Defect
from environment.market.clearing_contracts import Holdings
from environment.market.margin import Ints


def assign(writers: Holdings, exercised: int, key: int) -> Holdings:
    """Return how many contracts each writer is assigned; writers without any are left out.

    Contracts are drawn without replacement, so that each written contract is as likely as another
    and nobody is assigned more than he wrote. The draws are the stream's first ones: a series and
    night have a key of their own, and disturb no other.

    Raises
    ------
    Defect
        If more is exercised than was written.
    """
    written = int(writers.contracts.sum())
    if exercised > written:
        raise Defect(f"{exercised} contracts exercised, and only {written} written")
    spared = exercised > written - exercised
    drawn = _draw(written, written - exercised if spared else exercised, key)
    ends = np.cumsum(writers.contracts)
    counts = np.bincount(np.searchsorted(ends, drawn, side="right"), minlength=len(ends))
    assigned = writers.contracts - counts if spared else counts
    chosen = assigned > 0
    return Holdings(writers.accounts[chosen], assigned[chosen].astype(np.int64))


def _draw(population: int, count: int, key: int) -> Ints:
    """Return `count` different numbers below `population` (a shuffle that stops early)."""
    moved: dict[int, int] = {}
    drawn = np.empty(count, np.int64)
    for place in range(count):
        other = int(draw_integer(key, place, place, population))
        drawn[place] = moved.get(other, other)
        moved[other] = moved.get(place, place)
    return drawn
