"""How much of a view to hold: fractional Kelly on a cautious edge, a volatility target, caps.

The growth-optimal share of wealth in a bet with mean return m and variance v is m / v (Kelly 1956;
Thorp 2006, section 3, eq. 3.3). Means are estimated badly, so what counts here is the edge less a
multiple of its standard error, and only a fraction of the optimum is taken.
"""

import math
from typing import Final, Literal

import msgspec

from agents.desk.volatility_estimate import years_ahead

_MEAN_SIZE: Final = math.sqrt(2.0 / math.pi)  # Mean absolute value of a standard normal draw.
# Which bound decided, in the order in which they are compared.
Binding = Literal["kelly", "volatility_target", "position_cap", "depth", "cost", "no_edge"]


class SizingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How bold the desk is.

    Attributes
    ----------
    kelly_fraction : float
        Share of the growth-optimal position that is taken, 0 to 1.
    caution : float
        Standard errors by which the edge is lowered before anything is bet on it.
    volatility_target : float
        Volatility per year of the whole account that one position may bring, as a fraction.
    notional_cap_micros, lots_cap : int
        Most of one instrument.
    depth_share : float
        Most of what is displayed on the side that is taken, of one step.
    cost_multiple : float
        How many times the half-spread the expected return must be, to open or enlarge.
    """

    kelly_fraction: float = 0.25
    caution: float = 0.1
    volatility_target: float = 0.10
    notional_cap_micros: int = 1 << 60
    lots_cap: int = 1 << 40
    depth_share: float = 1.0
    cost_multiple: float = 1.0


class Opportunity(msgspec.Struct, frozen=True, kw_only=True):
    """What a size follows from.

    `probability`, `edge_error`, `expected_return` (over the holding period, signed), `conviction`
    are a proposal's; `volatility` is per year; `lot_value_micros` is what a lot is worth now;
    `half_spread` is a fraction of the mid; `displayed_lots` stand on the side to be taken.
    """

    probability: float
    edge_error: float
    expected_return: float
    conviction: float
    holding_ns: int
    volatility: float
    equity_micros: int
    lot_value_micros: int
    half_spread: float
    displayed_lots: int


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """Lots to hold, and which bound decided."""

    lots: int
    bound: Binding
    kelly_share: float = 0.0  # Of equity, after fraction and conviction, before the other bounds.


def size_of(found: Opportunity, settings: SizingSettings) -> Size:
    """Return how many lots an opportunity is worth; 0 or more, whichever its direction.

    Over the holding period the return has the standard deviation s = volatility * sqrt(time). An
    edge of e = 2p - 1 on a symmetric move has the mean e * s * sqrt(2 / pi); the claimed return is
    taken where it is smaller. The share of equity is kelly_fraction * conviction * mean / s**2.
    """
    edge = 2.0 * found.probability - 1.0 - settings.caution * found.edge_error
    deviation = found.volatility * math.sqrt(years_ahead(found.holding_ns))
    if edge <= 0.0 or deviation <= 0.0 or found.lot_value_micros <= 0 or found.equity_micros <= 0:
        return Size(lots=0, bound="no_edge")
    mean = edge * deviation * _MEAN_SIZE
    if found.expected_return:
        mean = min(mean, abs(found.expected_return))
    if mean <= settings.cost_multiple * found.half_spread:
        return Size(lots=0, bound="cost")
    share = settings.kelly_fraction * found.conviction * mean / (deviation * deviation)
    equity = found.equity_micros
    bounds: list[tuple[int, Binding]] = [
        (int(equity * share / found.lot_value_micros), "kelly"),
        (
            int(equity * settings.volatility_target * found.conviction
                / (found.volatility * found.lot_value_micros)),
            "volatility_target",
        ),
        (
            min(int(settings.notional_cap_micros // found.lot_value_micros), settings.lots_cap),
            "position_cap",
        ),
    ]  # fmt: skip
    lots, bound = min(bounds, key=lambda item: item[0])
    return Size(lots=max(lots, 0), bound=bound, kelly_share=share)


def step_of(lots: int, displayed_lots: int, settings: SizingSettings) -> int:
    """Return how many of `lots` to take at once from what is displayed; at least 1 of them."""
    return min(lots, max(int(displayed_lots * settings.depth_share), 1)) if lots else 0
