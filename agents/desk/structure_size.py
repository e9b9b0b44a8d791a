"""How many units of a structure to hold: fractional Kelly on a bet that can lose what is at risk.

A structure with a known worst loss is a bet of that much a unit. With a probability p of the stated
direction and an expected return m on what is at risk, the winning side pays b = (m + 1 - p) / p
times it; the variance of the outcome is p (1 - p) (1 + b)^2, and the share of equity to put at risk
is m over that (Kelly 1956; Thorp 2006, section 3), of which only a fraction is taken.
"""

import math

from agents.desk.proposal import Proposal
from agents.desk.sizing import Binding, Size, SizingSettings
from agents.desk.volatility_estimate import years_ahead

_SURE = 0.999  # A probability beyond which no record of any length goes.


def structure_size(
    proposal: Proposal, risk_micros: int, equity_micros: int, settings: SizingSettings
) -> Size:
    """Return how many units of a structure a proposal is worth, 0 or more.

    Parameters
    ----------
    risk_micros : int
        What a unit can lose at the worst.
    """
    probability = min(proposal.probability - 0.5 * settings.caution * proposal.edge_error, _SURE)
    claimed = proposal.expected_return
    if claimed <= 0.0 or probability <= 0.5 or risk_micros <= 0 or equity_micros <= 0:
        return Size(lots=0, bound="no_edge")
    pays = (claimed + 1.0 - proposal.probability) / proposal.probability
    mean = probability * pays - (1.0 - probability)
    variance = probability * (1.0 - probability) * (1.0 + pays) ** 2
    if mean <= 0.0 or variance <= 0.0:
        return Size(lots=0, bound="no_edge")
    share = settings.kelly_fraction * proposal.conviction * mean / variance
    yearly = math.sqrt(variance / max(years_ahead(proposal.holding_ns), 1e-6))
    bounds: list[tuple[int, Binding]] = [
        (int(equity_micros * share / risk_micros), "kelly"),
        (
            int(equity_micros * settings.volatility_target * proposal.conviction
                / (yearly * risk_micros)),
            "volatility_target",
        ),
        (min(settings.notional_cap_micros // risk_micros, settings.lots_cap), "position_cap"),
    ]  # fmt: skip
    units, bound = min(bounds, key=lambda item: item[0])
    return Size(lots=max(units, 0), bound=bound, kelly_share=share)
