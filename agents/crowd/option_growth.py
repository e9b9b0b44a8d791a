"""Series that come onto the option crowd's table during a run.

The table has rows for them from the start. A row in which nothing stands yet belongs to the last
expiry, which is over before the run begins: nobody quotes it, and nobody trades it. The rate of
that expiry counts how often series were added, so that dealers know when to value anew. An expiry's
row that waits for one lies far ahead, where a dealer's surface does not move.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from agents.crowd import option_rows as rows
from agents.crowd.option_roles import U_WEIGHTS
from agents.crowd.option_table import Floats, OptionTable, neighbours, weight_of_each
from agents.crowd.population import Crowd
from environment.instruments import Instrument
from environment.market import layout as at
from environment.market.market import Market

_OVER_YEARS, _WAITING_YEARS = -1.0, 1_000.0
_LIKE = 9  # As many series tell how active one like them is.


def with_room(table: OptionTable, series: int, expiries: int) -> Floats:
    """Return a table's floats with rows for so many series and expiries more."""
    first, dates = table.series_floats(), table.expiry_floats()
    later = np.repeat(first[-1:], series, axis=0)
    later[:, rows.K_EXPIRY] = len(dates) + expiries
    later[:, rows.K_PAIR : rows.K_NEXT_EXPIRY + 1] = -1.0
    over = np.zeros((expiries + 1, rows.EXPIRY_FLOATS))
    over[:, rows.X_YEARS] = _WAITING_YEARS
    over[-1, rows.X_YEARS] = _OVER_YEARS
    return np.concatenate([first.ravel(), later.ravel(), dates.ravel(), over.ravel()])


def padded(weights: Floats, more: int) -> Floats:
    """Return cumulative weights by which none of the rows behind them is ever picked."""
    return np.concatenate([weights, np.repeat(weights[-1:], more)])


class GrowingTable:
    """One stock's table in a crowd, to which series are added.

    Parameters
    ----------
    first
        The table as the run began with it, and `floats` as the crowd was given it.
    count
        Rows for series that `floats` has.
    picks
        What each population of end users picks: its role, and calls or puts.
    """

    def __init__(
        self, market: Market, crowd: Crowd, first: OptionTable, floats: Floats, *, count: int,
        picks: Mapping[str, tuple[str, str]],
    ) -> None:  # fmt: skip
        self._market, self._crowd, self._first, self._picks = market, crowd, first, picks
        self._key, self._count = floats, count

    @property
    def _series(self) -> Floats:
        floats = self._crowd.table_of(self._key)
        return floats[: self._count * rows.SERIES_FLOATS].reshape(self._count, rows.SERIES_FLOATS)

    @property
    def expiries(self) -> Floats:
        """The expiries' rows as they are now; rows are views."""
        floats = self._crowd.table_of(self._key)
        return floats[self._count * rows.SERIES_FLOATS :].reshape(-1, rows.EXPIRY_FLOATS)

    def _expiry_places(self, made: OptionTable) -> list[int] | None:
        """Return the place of each of a table's expiries, or None where there is no room."""
        days, found = self.expiries[:, rows.X_DAYS], list[int]()
        free = int(np.count_nonzero(days))
        for day in made.expiries.days:
            (known,) = np.nonzero(days == day)
            if not len(known):
                if free == len(days) - 1:
                    return None
                known, free = np.array([free]), free + 1
            found.append(int(known[0]))
        return found

    def has_room_for(self, made: OptionTable) -> bool:
        """Return whether a table's expiries are known or have rows left."""
        return self._expiry_places(made) is not None

    def add(
        self, place: int, made: OptionTable, listed: Sequence[Instrument], spot: float,
        years: Floats,
    ) -> None:  # fmt: skip
        """Write series into the rows from `place` on.

        Parameters
        ----------
        made
            What is said of them, as of the morning on which the run began.
        listed
            Every series of the table so far, these at its end.
        spot, years
            The stock's price now, in currency, and the time that each of them has from now.
        """
        places = self._expiry_places(made)
        assert places is not None, "whoever adds series has asked for room"
        self._add_expiries(made, places)
        count = len(made.series)
        now, written = self._as_of_now(made, spot, years), made.series_floats()
        written[:, rows.K_EXPIRY] = np.array(places)[made.expiry]
        self._series[place : place + count] = written
        links = np.array(neighbours(listed)).T
        self._series[: place + count, rows.K_PAIR : rows.K_NEXT_EXPIRY + 1] = links
        self.expiries[-1, rows.X_RATE] += 1.0
        self._tell_users(place, now)

    def _add_expiries(self, made: OptionTable, places: list[int]) -> None:
        made = replace(made, widths=self._first.widths)
        written, known = made.expiry_floats(), self.expiries
        written[:, rows.X_SIGMA] = 0.0  # What is listed now may be far from the money then.
        for row, place in zip(written, places, strict=True):
            if known[place, rows.X_DAYS] != row[rows.X_DAYS]:
                known[place] = row

    def _as_of_now(self, made: OptionTable, spot: float, years: Floats) -> OptionTable:
        """Return series at today's price, as active as those of like delta were."""
        dates = replace(
            made.expiries,
            years=np.array([years[made.expiry == e][0] for e in range(len(made.expiries.days))]),
        )
        now = replace(made, spot=spot, expiries=dates)
        first, own = self._first, np.abs(now.deltas())
        gap = np.abs(own[:, None] - np.abs(first.deltas()))
        gap += np.where(now.is_call[:, None] == first.is_call, 0.0, 10.0)
        like = np.argsort(gap, axis=1, kind="stable")[:, :_LIKE]
        return replace(
            now, volume=np.median(first.volume[like], axis=1),
            open_interest=np.median(first.open_interest[like], axis=1),
        )  # fmt: skip

    def _tell_users(self, place: int, now: OptionTable) -> None:
        """Let end users pick new series."""
        for index, population in enumerate(self._crowd.populations):
            is_mine = any(one is self._key for one in population.tables)
            if is_mine and population.kind == at.OPTION_USER:
                role, right = self._picks[population.name]
                weights = weight_of_each(now, role, right)
                if role == "same_day":  # They would take what expires first, of these alone.
                    weights *= now.expiries.years[now.expiry] * 365.0 < 1.0
                self._add_weights(index, place, weights)

    def _add_weights(self, index: int, place: int, new: Floats) -> None:
        first = int(self._market.section(at.S_POPULATION)[index, U_WEIGHTS])
        weights = self._crowd.beliefs[first : first + self._count]
        sums = weights[place - 1] + np.cumsum(new)
        weights[place : place + len(sums)] = sums
        weights[place + len(sums) :] = sums[-1]


__all__ = ["GrowingTable", "padded", "with_room"]
