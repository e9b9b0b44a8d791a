"""What several legs that trade together come to: whole units done, and their net price.

A structure's fills are told leg by leg, as `OrderFilled` of the order's id and the leg's own
instrument; how many units have traded follows from what of each leg has.
"""

from collections.abc import Mapping

from environment.instruments import Instrument
from environment.messages import Leg


def signed_ratio(leg: Leg) -> int:
    """Return lots of a leg that a unit's buyer buys; negative where he sells."""
    return leg.ratio if leg.side == "buy" else -leg.ratio


def units_done(legs: tuple[Leg, ...], lots: Mapping[str, int]) -> int:
    """Return how many whole units have traded, where `lots` says what of each leg has."""
    return min(lots.get(leg.instrument, 0) // leg.ratio for leg in legs)


def weight_of(leg: Leg, instrument: Instrument, multiplier: int) -> float:
    """Return what a leg's price counts in the net price, below 0 where a unit sells it.

    An option counts by its ratio; stock, which the net price counts once for as many shares as a
    contract delivers (`multiplier`), by its shares.
    """
    if instrument.kind == "option":
        return float(signed_ratio(leg))
    return signed_ratio(leg) * instrument.lot_units / multiplier


def multiplier_of(legs: tuple[Leg, ...], instruments: Mapping[str, Instrument]) -> int:
    """Return how many shares a contract of a structure's options delivers; 1 without options."""
    options = (instruments[leg.instrument] for leg in legs)
    return max((one.multiplier for one in options if one.kind == "option"), default=1)


def net_of(
    legs: tuple[Leg, ...], instruments: Mapping[str, Instrument], prices: Mapping[str, float]
) -> float | None:
    """Return what the buyer of a unit pays at such prices of the legs, in ticks; None: one lacks.

    Negative where a unit brings money.
    """
    multiplier, total = multiplier_of(legs, instruments), 0.0
    for leg in legs:
        price = prices.get(leg.instrument)
        if price is None:
            return None
        total += weight_of(leg, instruments[leg.instrument], multiplier) * price
    return total
