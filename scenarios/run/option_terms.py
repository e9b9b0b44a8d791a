"""On which terms a run's series stood when: a split or special dividend changes them for good."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from environment.instruments import Instrument
from scenarios.builders.surface import Floats, ListedOptions

Epochs = Sequence[tuple[int, Mapping[int, Instrument]]]


class TermsOverTime:
    """The terms of a stock's series, by their place, in each of the epochs of a run.

    Parameters
    ----------
    epochs
        From when on which terms held, by number in the core; a series that one lacks was listed
        later, on the terms that `listed` has.
    """

    def __init__(self, listed: ListedOptions, epochs: Epochs) -> None:
        self._starts = np.array([start for start, _ in epochs], np.int64)
        series = listed.table.series
        self._terms = [self._of(listed, terms, series) for _, terms in epochs]

    @staticmethod
    def _of(
        listed: ListedOptions, terms: Mapping[int, Instrument], series: Sequence[Instrument]
    ) -> tuple[Instrument, ...]:
        numbers = range(listed.first, listed.first + len(series))
        return tuple(terms.get(n, one) for n, one in zip(numbers, series, strict=True))

    def __len__(self) -> int:
        """Return how many epochs there are."""
        return len(self._terms)

    def series(self, epoch: int) -> tuple[Instrument, ...]:
        """Return what stood at each place in an epoch."""
        return self._terms[epoch]

    def epochs(self, moments_ns: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return in which epoch each moment lies."""
        return np.searchsorted(self._starts, moments_ns, side="right") - 1

    def strikes(self, moments_ns: NDArray[np.int64]) -> Floats:
        """Return strikes in currency, of shape (moments, series)."""
        made = np.array([[(one.strike_micros or 0) / 1e6 for one in own] for own in self._terms])
        return made[self.epochs(moments_ns)]
