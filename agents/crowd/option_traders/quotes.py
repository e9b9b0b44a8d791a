"""What a dealer quotes: prices around its values, sizes within its limits.

`dealer_quotes.quote_all` is the same compiled.
"""

from typing import NamedTuple

from agents.crowd import dealer_rows as compiled, dealer_shapes as shapes
from agents.crowd.option_traders.chain import Chain
from agents.crowd.option_traders.holdings import Holdings
from agents.crowd.option_traders.surface import ExpiryShift, Value
from environment.option_messages import SeriesTouch

_NOTHING = SeriesTouch(0, 0, 0, 0, 0)


class Sides(NamedTuple):
    """Both sides of one series, in ticks and contracts; a size of 0 is no quote."""

    bid: int
    bids: int
    ask: int
    asks: int


class Stance(NamedTuple):
    """How a dealer stands towards its limits as it quotes.

    `net` is its delta with its hedges, in shares, `use` how much of its tightest limit it uses;
    `width` and `widen` are factors on what it quotes wide; then its limits as they bind this one,
    `of_series` contracts in each series. `narrow`, `contracts` and `lean` are those of a series'
    last day (see `dealer_rows.D_NARROW`), of which `seconds` have gone; `vega_part` is how far it
    leans for its vega.
    """

    net: float
    use: float
    width: float
    widen: float
    delta_max: float
    gamma_max: float
    vega_max: float
    expiry_share: float
    of_series: float
    narrow: float
    contracts: float
    lean: float
    vega_part: float
    seconds: float


def stance_of(
    holdings: Holdings, inventory: int, settings: "memoryview[float]", width: float, limits: float,
    *, seconds: float,
) -> Stance:  # fmt: skip
    """Return how a dealer stands; `width` and `limits` are its own factors on its population's."""
    delta_max, gamma_max = settings[compiled.D_DELTA_MAX], settings[compiled.D_GAMMA_MAX]
    vega_max = settings[compiled.D_VEGA_MAX]
    net = holdings.delta + inventory
    use = shapes.limit_use(holdings.vega, holdings.gamma, net, vega_max, gamma_max, delta_max)
    use /= limits
    return Stance(
        net=net, use=use, width=settings[compiled.D_WIDTH] * width,
        widen=1.0 + settings[compiled.D_WIDEN] * min(use, 2.0), delta_max=limits * delta_max,
        gamma_max=limits * gamma_max, vega_max=limits * vega_max,
        expiry_share=settings[compiled.D_EXPIRY_SHARE],
        of_series=limits * settings[compiled.D_SERIES], narrow=settings[compiled.D_NARROW],
        contracts=limits * settings[compiled.D_LAST_CONTRACTS], lean=settings[compiled.D_LEAN],
        vega_part=settings[compiled.D_VEGA_LEAN] * shapes.part_of(holdings.vega, limits * vega_max),
        seconds=seconds,
    )  # fmt: skip


def sides_of(
    chain: Chain, place: int, value: Value, touch: SeriesTouch | None, stance: Stance, size: int,
    *, duty: int, holdings: Holdings, shift: ExpiryShift,
) -> Sides:  # fmt: skip
    """Return what a dealer quotes in one series; `touch` is what it sees there.

    `duty` is the least size that it must quote.
    """
    ticks = value.value / chain.tick(place)
    step, seen = chain.increment(place, ticks), touch or _NOTHING
    gone = shapes.last_day_gone(chain.years(chain.expiry(place)), stance.seconds)
    left, held = shapes.left_of(gone, stance.narrow), float(holdings.held[place])
    usual = chain.half_width_ticks(place, value.delta)
    last = stance.contracts * left
    bid, ask = shapes.quote_prices(
        ticks - shapes.lean(gone, held, last, stance.lean, stance.vega_part, usual, ticks), usual,
        stance.width, stance.widen, step, seen.bid_price, seen.bid_quantity, seen.ask_price,
        seen.ask_quantity,
    )  # fmt: skip
    buys, sells = (
        shapes.may_add(
            sign, holdings.vega, holdings.gamma, shift.vega, stance.vega_max, stance.gamma_max,
            stance.expiry_share, shift.gamma, left,
        )
        for sign in (1.0, -1.0)
    )  # fmt: skip
    if abs(stance.net) >= stance.delta_max:
        if stance.net * value.delta > 0.0:
            buys = False
        else:
            sells = False
    least = shapes.least_size(
        duty, size, chain.multiplier(place), value.delta, value.gamma, value.vega,
        stance.delta_max, stance.gamma_max, stance.vega_max, stance.use,
    )  # fmt: skip
    bids, asks = size if buys else least, size if sells else least
    most = shapes.most_held(stance.of_series, last, gone)
    bids = shapes.within_room(bids, 1.0, held, most)
    asks = shapes.within_room(asks, -1.0, held, most)
    return Sides(bid, bids if bid >= step else 0, ask, asks)
