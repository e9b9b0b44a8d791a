"""What an account must hold, now or after an order: Regulation T, portfolio margin, or cash.

Equity is net liquidating value: cash and everything held at its mark. Requirements are stated
against it. Under "reg_t" an order that raises the initial requirement must leave equity at or above
it; at the close equity must be at or above maintenance. Under "portfolio" both are the largest loss
over ten moves (`margin_portfolio`). Under "cash" stock and options are paid in full, written puts
are covered by cash and written calls by stock, and stock cannot be sold short.

`margin_after` is what a risk desk asks before an order. It first bounds the requirement from above
in microseconds; only if that bound does not fit the equity, the cheapest grouping is sought by an
integer program, in the classes that hold written options.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from environment.options import margin_cash
from environment.options.margin_book import ROW_VALUE, Ints, MarginTable, class_book
from environment.options.margin_bound import bound_of_account
from environment.options.margin_groups import cheapest_requirement
from environment.options.margin_portfolio import RiskArray, worst_losses
from environment.options.margin_rules import INITIAL, MAINTENANCE

MarginKind = Literal["cash", "reg_t", "portfolio"]


class MarginFigures(msgspec.Struct, frozen=True, kw_only=True):
    """An account's equity and what it must hold, micros.

    `is_exact` is False where the requirements are upper bounds that were good enough. `uncovered`
    counts what a cash account may not have: shares sold short and calls written without stock.
    """

    equity_micros: int
    initial_micros: int
    maintenance_micros: int
    is_exact: bool = True
    uncovered: int = 0

    @property
    def excess_micros(self) -> int:
        """Return equity above the initial requirement: what is left to open positions with."""
        return self.equity_micros - self.initial_micros

    @property
    def cushion_micros(self) -> int:
        """Return equity above the maintenance requirement; below 0 a margin call."""
        return self.equity_micros - self.maintenance_micros


class Maintenance(NamedTuple):
    """An account's equity and what it must keep, micros; an upper bound unless `is_exact`."""

    equity_micros: int
    required_micros: int
    is_exact: bool = True

    @property
    def cushion_micros(self) -> int:
        """Return equity above the requirement; below 0 a margin call."""
        return self.equity_micros - self.required_micros


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarginView:
    """What margin is reckoned from at one moment; marks and spots as vectors of the table.

    Attributes
    ----------
    marks : int64 array of shape (instruments,)
        Ticks.
    spots : int64 array of shape (classes,)
        Micros a share, from `MarginTable.spots`.
    risk : RiskArray, optional
        Needed under "portfolio"; made anew when prices or volatilities have moved.
    """

    table: MarginTable
    kind: MarginKind
    marks: Ints
    spots: Ints
    risk: RiskArray | None = None


def make_view(
    table: MarginTable, kind: MarginKind, marks: Mapping[str, int], *,
    index_micros: Mapping[str, int] | None = None, risk: RiskArray | None = None,
) -> MarginView:  # fmt: skip
    """Return a view of marks by symbol, in ticks."""
    vector = table.vector(marks)
    spots = table.spots(vector, index_micros)
    return MarginView(table=table, kind=kind, marks=vector, spots=spots, risk=risk)


def margin_of(
    view: MarginView, cash_micros: int, lots: Ints, *, exact: bool | None = None
) -> MarginFigures:
    """Return the figures of an account.

    Parameters
    ----------
    lots : int64 array of shape (instruments,)
        Signed positions, in the order of the table.
    exact : bool, optional
        True always seeks the cheapest grouping, False never does; by default it is sought where
        the bound says that equity is short of either requirement.
    """
    if view.kind != "reg_t":
        return _figures_of_one(view, cash_micros, lots)
    equity, by_class = _equity(view, cash_micros, lots), _bound(view, lots)
    worth, initial, maintenance = (int(total) for total in by_class.sum(axis=0))
    fits = equity >= worth + max(initial, maintenance)
    is_exact = True
    if exact is False or (exact is None and fits):
        is_exact = False
    else:
        initial, is_known = _cheapest(view, lots, by_class, INITIAL)
        maintenance, is_exact = _cheapest(view, lots, by_class, MAINTENANCE)
        is_exact = is_exact and is_known
    return MarginFigures(
        equity_micros=equity, initial_micros=worth + initial,
        maintenance_micros=worth + maintenance, is_exact=is_exact,
    )  # fmt: skip


def maintenance_of(
    view: MarginView, cash_micros: int, lots: Ints, *, exact: bool | None = None
) -> Maintenance:
    """Return equity and maintenance alone: what a call, and whoever closes positions, asks for.

    Parameters
    ----------
    exact : bool, optional
        As for `margin_of`; by default the cheapest grouping is sought where the bound says that
        equity is short of maintenance.
    """
    if view.kind != "reg_t":
        told = _figures_of_one(view, cash_micros, lots)
        return Maintenance(told.equity_micros, told.maintenance_micros)
    equity, by_class = _equity(view, cash_micros, lots), _bound(view, lots)
    worth, bound = int(by_class[:, 0].sum()), int(by_class[:, 2].sum())
    if exact is False or (exact is None and equity >= worth + bound):
        return Maintenance(equity, worth + bound, is_exact=False)
    required, is_exact = _cheapest(view, lots, by_class, MAINTENANCE)
    return Maintenance(equity, worth + required, is_exact=is_exact)


def _equity(view: MarginView, cash_micros: int, lots: Ints) -> int:
    return cash_micros + int((lots * view.marks * view.table.rows[:, ROW_VALUE]).sum())


def _figures_of_one(view: MarginView, cash_micros: int, lots: Ints) -> MarginFigures:
    """Return the figures of an account whose two requirements are the same."""
    if view.kind == "portfolio":
        assert view.risk is not None, "portfolio margin needs a risk array"
        required, uncovered = int(worst_losses(view.table, view.risk, lots).sum()), 0
    else:
        required, uncovered = margin_cash.requirement(view.table, lots, view.marks, view.spots)
    return MarginFigures(
        equity_micros=_equity(view, cash_micros, lots), initial_micros=required,
        maintenance_micros=required, uncovered=uncovered,
    )  # fmt: skip


def _bound(view: MarginView, lots: Ints) -> Ints:
    """Return the worth of each class's options and bounds of its two requirements."""
    table = view.table
    by_class = np.empty((len(table.classes), 3), np.int64)
    bound_of_account(
        table.rows, table.order, table.first, table.percents, lots, view.marks, view.spots, by_class
    )
    return by_class


def _cheapest(view: MarginView, lots: Ints, by_class: Ints, basis: int) -> tuple[int, bool]:
    """Return the requirement by the cheapest grouping, and whether it is exact.

    A class too large for that keeps its bound.
    """
    required, is_exact = 0, True
    for place in range(len(view.table.classes)):
        book = class_book(view.table, place, lots, view.marks, int(view.spots[place]))
        found = cheapest_requirement(book, basis)
        if found is None:
            found, is_exact = int(by_class[place, 1 + basis]), False
        required += found
    return required, is_exact


def margin_after(
    view: MarginView, cash_micros: int, positions: Mapping[str, int] | Ints,
    legs: Mapping[str, int], *, cost_micros: int = 0, exact: bool | None = None,
) -> MarginFigures:  # fmt: skip
    """Return the figures as they would stand after an order, its legs filled together.

    Parameters
    ----------
    positions : mapping of symbol to lots, or int64 vector of the table
        What the account holds, and what its working orders could bring where these count.
    legs : mapping of symbol to lots
        What the order would trade: above 0 bought, below 0 sold.
    cost_micros : int
        What it would pay with fees; negative for a credit.
    """
    number = view.table.number
    lots = (
        np.array(positions) if isinstance(positions, np.ndarray) else view.table.vector(positions)
    )
    for symbol, quantity in legs.items():
        lots[number[symbol]] += quantity
    return margin_of(view, cash_micros - cost_micros, lots, exact=exact)


def is_allowed(before: MarginFigures, after: MarginFigures) -> bool:
    """Return whether an order may be sent: it fits, or it asks for no more than there was.

    What asks for less is always allowed, also in an account that is short of its margin.
    """
    if after.uncovered > before.uncovered:
        return False
    return after.excess_micros >= 0 or asks_for_less(before, after)


def asks_for_less(before: MarginFigures, after: MarginFigures) -> bool:
    """Return whether an order asks for no more than there was: all that is allowed under a call."""
    gained = after.excess_micros - before.excess_micros
    is_covered = after.uncovered <= before.uncovered
    return is_covered and gained >= 0 and after.initial_micros <= before.initial_micros
