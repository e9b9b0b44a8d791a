"""Legal prices of an instrument, in ticks, and their places in a row counted from zero.

Below a threshold a price is a multiple of one step, from it on of another; the threshold is a
multiple of both (`Instrument.tick_bands`).
"""

from environment.compiled import inner
from environment.market import layout as at


@inner
def step_at(arena, ins, price):
    """Return the price increment, in ticks, that is legal at a price."""
    return arena[ins + (at.I_STEP_LOW if price < arena[ins + at.I_THRESHOLD] else at.I_STEP_HIGH)]


@inner
def place_at_or_below(arena, ins, price):
    """Return the place of the highest legal price that is not above `price`."""
    low, threshold = arena[ins + at.I_STEP_LOW], arena[ins + at.I_THRESHOLD]
    if price < threshold:
        return price // low
    return threshold // low + (price - threshold) // arena[ins + at.I_STEP_HIGH]


@inner
def price_at(arena, ins, place):
    """Return the legal price at a place."""
    low, threshold = arena[ins + at.I_STEP_LOW], arena[ins + at.I_THRESHOLD]
    beyond = place - threshold // low
    if beyond < 0:
        return place * low
    return threshold + beyond * arena[ins + at.I_STEP_HIGH]


@inner
def place_at_or_above(arena, ins, price):
    """Return the place of the lowest legal price that is not below `price`."""
    place = place_at_or_below(arena, ins, price)
    return place if price_at(arena, ins, place) >= price else place + 1


@inner
def nearest_place(arena, ins, price):
    """Return the place of the legal price nearest to `price`; halfway, of the upper one."""
    place = place_at_or_below(arena, ins, price)
    below, above = price_at(arena, ins, place), price_at(arena, ins, place + 1)
    return place if price - below < above - price else place + 1


@inner
def legal_price(arena, ins, side, price):
    """Return the legal price nearest to a limit that is no worse for who sends it; at least one."""
    if side == at.BUY:
        place = place_at_or_below(arena, ins, price)
    else:
        place = place_at_or_above(arena, ins, price)
    return price_at(arena, ins, max(place, 1))
