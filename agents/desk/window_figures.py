"""Figures of what came before an order: messages, a day's volume, and prices of a window."""

from typing import Final, Literal

from agents.desk.case import Case, CaseLeg
from environment.structures import weight_of

_NEVER: Final = float("inf")  # More than any limit: what is not known does not pass.


def strategy_orders_per_second(case: Case) -> int:
    """Orders of this strategy in the last second; an agent that names none is its own."""
    return case.activity.strategy_in_second


def desk_orders_per_second(case: Case) -> int:
    """Orders of the whole desk in the last second."""
    return case.activity.desk_in_second


def order_share_of_daily_volume(case: Case) -> float:
    """Its lots by what a mean day trades, both in money; the largest of its legs.

    An option counts as the shares that it is over, by the volume of these: of series no days are
    recorded. Infinite where no day's volume is known.
    """
    largest = 0.0
    for leg in case.legs:
        day_micros = case.market.day_micros.get(leg.fact.underlying, 0.0)
        if not day_micros > 0.0:
            return _NEVER
        if leg.fact.is_option:
            spot = case.market.spot_micros(leg.fact.underlying)
            worth = leg.fact.units * spot * leg.lots if spot else _NEVER
        else:
            worth = case.mark_of(leg) * leg.fact.lot_tick_micros * leg.lots
        largest = max(largest, worth / day_micros)
    return largest


def window_collar(case: Case) -> float | None:
    """By how much stock may trade worse than at its best price of the window, as a share of that.

    None for orders with options. Infinite where nothing says what it is worth.
    """
    if len(case.legs) > 1 or case.legs[0].fact.is_option:
        return None
    return _worse_of_one(case)


def option_window_collar(case: Case) -> float | None:
    """The same of an option, or of the legs of a structure as a share of what all come to."""
    if len(case.legs) > 1:
        return _worse_of_structure(case)
    return _worse_of_one(case) if case.legs[0].fact.is_option else None


def _worse_of_one(case: Case) -> float:
    leg = case.legs[0]
    is_buy = leg.side == "buy"
    best = _extreme(case, leg, "lowest" if is_buy else "highest")
    paid = case.request.price
    if paid is None:  # It takes what there is: the touch, at least.
        paid = leg.view.ask_price if is_buy else leg.view.bid_price
    if paid is None:
        paid = case.market.marks.get(leg.instrument.symbol)
    if best is None or paid is None or best <= 0.0:
        return _NEVER
    return (paid - best if is_buy else best - paid) / best


def _worse_of_structure(case: Case) -> float:
    limit = case.request.price
    if limit is None:
        return _NEVER
    net = gross = 0.0
    multiplier = max(leg.instrument.multiplier for leg in case.legs)
    for leg, told in zip(case.legs, case.request.legs, strict=True):
        best = _extreme(case, leg, "lowest" if leg.side == "buy" else "highest")
        if best is None:
            return _NEVER
        value = best * abs(weight_of(told, leg.instrument, multiplier))
        gross += value
        net += value if leg.side == "buy" else -value
    return (limit - net) / gross if gross > 0.0 else _NEVER


def _extreme(case: Case, leg: CaseLeg, which: Literal["lowest", "highest"]) -> float | None:
    """Return a leg's lowest or highest price of the window; its mark where none was heard."""
    window = leg.view.window
    if window is not None:
        found = window.lowest(case.now_ns) if which == "lowest" else window.highest(case.now_ns)
        if found is not None:
            return found
    mark = case.market.marks.get(leg.instrument.symbol)
    return None if mark is None else float(mark)
