"""What an office closes first: pure decisions over one account's standing."""

from datetime import date
from typing import NamedTuple

import numpy as np

from environment.clearing_messages import AccountStanding
from environment.instruments import Instrument
from environment.options.margin import MarginView, make_view, margin_of
from environment.options.margin_book import Ints, make_margin_table
from environment.options.margin_portfolio import implied_sigmas, make_risk_array

# The bound ranks the positions; the exact requirement, some milliseconds for an account of many
# series, only picks among those that it ranks first.
_SHORTLIST = 3


class Closing(NamedTuple):
    """An order that closes: symbol and signed lots, bought above 0."""

    instrument: str
    lots: int


def view_of(standing: AccountStanding, day: date) -> MarginView:
    """Return an account's marks as margin takes them."""
    table = make_margin_table(standing.instruments)
    view = make_view(table, standing.kind, standing.marks)
    if standing.kind != "portfolio":
        return view
    sigmas = implied_sigmas(table, view.marks, view.spots, day.toordinal())
    risk = make_risk_array(table, view.spots, sigmas, day.toordinal())
    return make_view(table, standing.kind, standing.marks, risk=risk)


def next_closing(standing: AccountStanding, day: date, slice_lots: int) -> Closing | None:
    """Return what to close next for an account below its requirement, or None.

    Of the positions that the bound ranks first, the one whose closing brings equity and exact
    requirement furthest together goes first, no more of it than is needed and than one slice.
    Where every single closing would ask for more (a spread whose bought leg is sold), written
    options are bought back first.
    """
    view = view_of(standing, day)
    lots = view.table.vector(standing.positions)
    held = [int(place) for place in np.flatnonzero(lots)]
    cushion = _cushion(view, standing.cash_micros, lots)
    if cushion >= 0 or not held:
        return None
    cash = standing.cash_micros
    bounds = {p: _after(view, cash, lots, p, abs(int(lots[p])), exact=False) for p in held}
    first = sorted(held, key=lambda p: (-bounds[p], p))[:_SHORTLIST]
    gains = {p: _after(view, cash, lots, p, abs(int(lots[p]))) for p in first}
    best = max(first, key=lambda p: (gains[p], -p))
    if gains[best] <= cushion:
        written = [p for p in held if lots[p] < 0 and view.table.instruments[p].kind == "option"]
        best = written[0] if written else max(held, key=lambda p: abs(int(lots[p])))
        count = min(abs(int(lots[best])), slice_lots)
    else:
        count = _fewest(view, cash, lots, best, slice_lots)
    sign = -1 if lots[best] > 0 else 1
    return Closing(view.table.instruments[best].symbol, sign * count)


def _cushion(view: MarginView, cash: int, lots: Ints, *, exact: bool | None = None) -> int:
    return margin_of(view, cash, lots, exact=exact).cushion_micros


def _after(
    view: MarginView, cash: int, lots: Ints, place: int, count: int, *, exact: bool | None = None
) -> int:
    """Return the cushion with so many lots of one position closed at the mark."""
    change = -count if lots[place] > 0 else count
    trial = lots.copy()
    trial[place] += change
    paid = change * int(view.marks[place]) * int(view.table.rows[place, 4])
    return _cushion(view, cash - paid, trial, exact=exact)


def _fewest(view: MarginView, cash: int, lots: Ints, place: int, slice_lots: int) -> int:
    """Return the fewest lots whose closing suffices, no more than a slice or than there are."""
    low, high = 1, min(abs(int(lots[place])), slice_lots)
    if _after(view, cash, lots, place, high) < 0:  # The usual case, and each figure is dear.
        return high
    while low < high:
        middle = (low + high) // 2
        if _after(view, cash, lots, place, middle) >= 0:
            high = middle
        else:
            low = middle + 1
    return low


def shortfall_if_assigned(standing: AccountStanding, day: date, band: float) -> int:
    """Return what an account would lack tonight, were its expiring options exercised; 0 if nothing.

    All physically settled options of the day that are in the money, or out of it by no more than
    `band` of the spot, become stock at their strike.
    """
    view = view_of(standing, day)
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
    return max(-_cushion(view, cash, lots), 0)


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


def expiring_to_close(standing: AccountStanding, day: date, band: float) -> tuple[Closing, ...]:
    """Return the closings of every expiring option that could become stock, written ones first."""
    view = view_of(standing, day)
    lots = view.table.vector(standing.positions)
    found = [
        Closing(view.table.instruments[place].symbol, -int(lots[place]))
        for place in np.flatnonzero(lots).tolist()
        if _may_be_exercised(view.table.instruments[place], view, day, band)
    ]
    return tuple(sorted(found, key=lambda closing: (closing.lots < 0, closing.instrument)))
