"""Margin of a handful of holdings named by symbol: for desks and cards that hold no chain."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

from environment.instruments import Instrument
from environment.options.margin import MarginFigures, MarginKind, make_view, margin_of
from environment.options.margin_book import MarginTable, make_margin_table
from environment.options.margin_portfolio import implied_sigmas, make_risk_array


@lru_cache(maxsize=256)
def _table(instruments: tuple[Instrument, ...]) -> MarginTable:
    return make_margin_table(instruments)


def holdings_margin(
    instruments: Mapping[str, Instrument], marks: Mapping[str, int], lots: Mapping[str, int],
    cash_micros: int, kind: MarginKind, day: date,
) -> MarginFigures:  # fmt: skip
    """Return the figures of an account that holds `lots` by symbol, at marks in ticks.

    Underlyings count even where only options on them are held; what has no mark is worth nothing.
    Tables are kept for sets of holdings seen before, so a desk's repeated questions are cheap.
    """
    held = [symbol for symbol, quantity in lots.items() if quantity and symbol in instruments]
    names = dict.fromkeys(held)
    for symbol in held:
        underlying = instruments[symbol].underlying
        if underlying is not None and underlying in instruments:
            names.setdefault(underlying)
    told = tuple(instruments[symbol] for symbol in sorted(names))
    table = _table(told)
    missing = {i.underlying: 0 for i in told if i.underlying and i.underlying not in table.number}
    at_hand = {symbol: marks.get(symbol, 0) for symbol in names}
    view = make_view(table, kind, at_hand, index_micros=missing)
    if kind == "portfolio":
        sigmas = implied_sigmas(table, view.marks, view.spots, day.toordinal())
        risk = make_risk_array(table, view.spots, sigmas, day.toordinal())
        view = make_view(table, kind, at_hand, index_micros=missing, risk=risk)
    return margin_of(view, cash_micros, table.vector({s: lots[s] for s in held}))
