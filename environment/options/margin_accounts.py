"""What every account must hold at the close, options included."""

from collections.abc import Mapping, Sequence

import numpy as np

from environment.instruments import Instrument
from environment.options.margin import Maintenance, MarginKind, MarginView, maintenance_of
from environment.options.margin_book import Ints, MarginTable, make_margin_table
from environment.options.margin_portfolio import implied_sigmas, make_risk_array


class AccountMargins:
    """Margins of the accounts that hold options, at one set of marks.

    Parameters
    ----------
    instruments : sequence of Instrument
        Stocks by column, then series.
    marks : int64 array of shape (instruments,)
        Ticks.
    day : int
        Ordinal of the session, from which an option's life counts.
    volatility_shock : float
        Of portfolio margin; 0 for the ten moves alone.
    """

    def __init__(
        self, instruments: Sequence[Instrument], marks: Ints, day: int, *,
        broad_indices: frozenset[str] = frozenset(), volatility_shock: float = 0.0,
    ) -> None:  # fmt: skip
        self.table: MarginTable = make_margin_table(instruments, broad_indices=broad_indices)
        self._marks, self._spots = marks, self.table.spots(marks)
        self._day, self._shock = day, volatility_shock
        self._views: dict[MarginKind, MarginView] = {}

    def view(self, kind: MarginKind) -> MarginView:
        """Return the view of one kind of account, made at its first use."""
        if kind not in self._views:
            risk = None
            if kind == "portfolio":
                sigmas = implied_sigmas(self.table, self._marks, self._spots, self._day)
                risk = make_risk_array(
                    self.table, self._spots, sigmas, self._day, volatility_shock=self._shock
                )
            self._views[kind] = MarginView(
                table=self.table, kind=kind, marks=self._marks, spots=self._spots, risk=risk
            )
        return self._views[kind]

    def figures(
        self, cash: Ints, stocks: Ints, contracts: Mapping[int, Mapping[int, int]],
        kinds: Mapping[int, MarginKind],
    ) -> dict[int, Maintenance]:  # fmt: skip
        """Return the figures of each account that holds options or has a kind of its own.

        Parameters
        ----------
        stocks : int64 array of shape (accounts, stocks)
        contracts : mapping of account to mapping of place in the table to contracts
        kinds : mapping of account to kind
            "reg_t" where none is told.
        """
        found: dict[int, Maintenance] = {}
        width = stocks.shape[1]
        for account in sorted(set(contracts) | set(kinds)):
            lots = np.zeros(len(self.table.instruments), np.int64)
            lots[:width] = stocks[account]
            for place, count in contracts.get(account, {}).items():
                lots[place] = count
            view = self.view(kinds.get(account, "reg_t"))
            found[account] = maintenance_of(view, int(cash[account]), lots)
        return found
