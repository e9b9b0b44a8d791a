"""What an office closes first: pure decisions over one account's standing."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import numpy as np

from environment.clearing_messages import AccountStanding
from environment.instruments import Instrument
from environment.options.margin import MarginView, maintenance_of, make_view
from environment.options.margin_book import (
    ROW_KIND,
    ROW_SHARES,
    ROW_STRIKE,
    ROW_VALUE,
    Ints,
    make_margin_table,
)
from environment.options.margin_portfolio import implied_sigmas, make_risk_array
from environment.options.margin_rules import (
    MAINTENANCE,
    STOCK,
    naked_requirement,
    stock_requirement,
)

Terms = Mapping[str, Instrument]  # By symbol.

_SHORTLIST = 3
_ROUNDING = 4  # Micros that requirements of parts may differ from that of the whole.


def slice_of(lots: int, share: float, smallest: int, largest: int) -> int:
    """Return how many of `lots` (of either sign) go in one order."""
    count = min(abs(lots), max(round(abs(lots) * share), smallest), largest)
    return count if lots > 0 else -count


class Closing(NamedTuple):
    """An order that closes: symbol and signed lots, bought above 0."""

    instrument: str
    lots: int


def view_of(standing: AccountStanding, terms: Terms, day: date) -> MarginView:
    """Return an account's marks as margin takes them."""
    table = make_margin_table(terms[symbol] for symbol in standing.marks)
    view = make_view(table, standing.kind, standing.marks)
    if standing.kind != "portfolio":
        return view
    sigmas = implied_sigmas(table, view.marks, view.spots, day.toordinal())
    risk = make_risk_array(table, view.spots, sigmas, day.toordinal())
    return make_view(table, standing.kind, standing.marks, risk=risk)


def next_closing(
    standing: AccountStanding, terms: Terms, day: date, buffer: float = 0.0
) -> Closing | None:
    """Return what to close next for an account below its requirement, or None.

    Of all positions the one whose closing brings equity and requirement furthest together goes
    first, by the bound: no more of it than brings equity above the requirement by `buffer` of what
    that is now, so that the next tick does not call again. Only where the bound sees no gain in
    any, the exact requirement picks among those that it ranks first. Where every single closing
    would ask for more (a spread whose bought leg is sold), written options are bought back first.
    """
    account = _Account(view_of(standing, terms, day), standing)
    lots = account.lots
    held = [int(place) for place in np.flatnonzero(lots)]
    now = maintenance_of(account.view, standing.cash_micros, lots)
    if now.cushion_micros >= 0 or not held:
        return None
    cushion = now.cushion_micros
    gains = {place: account.after(place, abs(int(lots[place])), exact=False) for place in held}
    best = max(held, key=lambda place: (gains[place], -place))
    is_better = gains[best] > account.after(0, 0, exact=False)
    if not is_better:
        first = sorted(held, key=lambda place: (-gains[place], place))[:_SHORTLIST]
        gains = {place: account.after(place, abs(int(lots[place]))) for place in first}
        best = max(first, key=lambda place: (gains[place], -place))
        is_better = gains[best] > cushion
    if not is_better:
        written = [place for place in held if lots[place] < 0 and account.is_option(place)]
        best = written[0] if written else max(held, key=lambda place: abs(int(lots[place])))
        count = abs(int(lots[best]))
    else:
        wanted = round(buffer * now.required_micros) if buffer > 0.0 else 0
        count = _fewest(account, best, cushion, wanted)
    sign = -1 if lots[best] > 0 else 1
    return Closing(account.view.table.instruments[best].symbol, sign * count)


class _Account:
    """An account at its marks, and how it would stand with lots of one position closed."""

    def __init__(self, view: MarginView, standing: AccountStanding) -> None:
        self.view, self._cash = view, standing.cash_micros
        self.lots: Ints = view.table.vector(standing.positions)

    def is_option(self, place: int) -> bool:
        return self.view.table.instruments[place].kind == "option"

    def after(self, place: int, count: int, *, exact: bool | None = None) -> int:
        """Return the cushion with so many lots of one position closed at the mark."""
        change = -count if self.lots[place] > 0 else count
        trial = self.lots.copy()
        trial[place] += change
        paid = change * int(self.view.marks[place]) * int(self.view.table.rows[place, ROW_VALUE])
        return maintenance_of(self.view, self._cash - paid, trial, exact=exact).cushion_micros

    def most_freed(self, place: int, count: int) -> int:
        """Return what closing lots of one position can add to the cushion at the very most.

        Were they put back on their own, the whole would again be grouped: what they free is no more
        than what they ask for alone, less what they are worth.
        """
        view = self.view
        row: list[int] = view.table.rows[place].tolist()
        spot = int(view.spots[view.table.class_of[self._underlying(place)]])
        premium = int(view.marks[place]) * row[ROW_VALUE]
        sign = 1 if self.lots[place] > 0 else -1
        if row[ROW_KIND] == STOCK:
            asked = stock_requirement(sign * count * row[ROW_SHARES], spot, MAINTENANCE)
            return int(asked) + _ROUNDING
        if sign > 0:
            return count * premium
        percent = int(view.table.percents[view.table.class_of[self._underlying(place)]])
        alone = naked_requirement(
            row[ROW_KIND], row[ROW_STRIKE], row[ROW_SHARES], premium, spot, percent
        )
        return count * (int(alone) - premium)

    def _underlying(self, place: int) -> str:
        told = self.view.table.instruments[place]
        return told.underlying or told.symbol


def _fewest(account: _Account, place: int, cushion: int, wanted: int) -> int:
    """Return the fewest lots whose closing leaves a cushion as wanted, or all there are.

    By the bound, which may ask for a lot or two more: an order carries no more than a slice of it.
    """
    low, high = 1, abs(int(account.lots[place]))
    if account.view.kind == "reg_t" and cushion + account.most_freed(place, high) < wanted:
        return high  # The usual case, and known without an exact figure.
    if account.after(place, high, exact=False) < wanted:
        return high
    while low < high:
        middle = (low + high) // 2
        if account.after(place, middle, exact=False) >= wanted:
            high = middle
        else:
            low = middle + 1
    return low


def shortfall_if_assigned(
    standing: AccountStanding, terms: Terms, day: date, band: float, *, exact: bool | None = None
) -> int:
    """Return what an account would lack tonight, were its expiring options exercised; 0 if nothing.

    All physically settled options of the day that are in the money, or out of it by no more than
    `band` of the spot, become stock at their strike. `exact` is that of `maintenance_of`.
    """
    view = view_of(standing, terms, day)
    lots, cash = view.table.vector(standing.positions), standing.cash_micros
    for place in np.flatnonzero(lots).tolist():
        series = view.table.instruments[place]
        if not _may_be_exercised(series, view, day, band):
            continue
        stock = view.table.number[series.underlying or ""]
        sign = 1 if series.right == "call" else -1
        shares = sign * int(lots[place]) * series.multiplier * series.lot_units
        lots[stock] += shares // view.table.instruments[stock].lot_units
        cash -= shares * (series.strike_micros or 0)
        lots[place] = 0
    return max(-maintenance_of(view, cash, lots, exact=exact).cushion_micros, 0)


def _may_be_exercised(series: Instrument, view: MarginView, day: date, band: float) -> bool:
    if series.kind != "option" or series.settlement != "physical" or series.expiry is None:
        return False
    if series.underlying is None or series.expiry > day:
        return False
    if series.underlying not in view.table.number:
        return False
    spot = int(view.spots[view.table.class_of[series.underlying]])
    strike = series.strike_micros or 0
    inside = spot - strike if series.right == "call" else strike - spot
    return inside > -band * spot


def expiring_to_close(
    standing: AccountStanding, terms: Terms, day: date, band: float
) -> tuple[Closing, ...]:
    """Return the closings of every expiring option that could become stock, written ones first."""
    view = view_of(standing, terms, day)
    lots = view.table.vector(standing.positions)
    found = [
        Closing(view.table.instruments[place].symbol, -int(lots[place]))
        for place in np.flatnonzero(lots).tolist()
        if _may_be_exercised(view.table.instruments[place], view, day, band)
    ]
    return tuple(sorted(found, key=lambda closing: (closing.lots < 0, closing.instrument)))
