"""How good a source's views have been: the measured record that weighs what it says next.

Each view is looked at again at a quarter, a half, one and two times its horizon. What the
direction gained by then enters the record, with older outcomes counting less. A view on volatility
is measured alike, by realised over implied volatility less 1 in the place of a return. Until there
is much of a record, a source is believed by half: neither a claim nor its absence is evidence.
"""

import math
from typing import Final

import msgspec

LOOKS: Final = (0.25, 0.5, 1.0, 2.0)  # Multiples of a view's horizon.
HORIZON: Final = LOOKS.index(1.0)
HALF_LIFE: Final = 200.0  # Outcomes after which one counts half.
_FADE: Final = 0.5 ** (1.0 / HALF_LIFE)
_PRIOR_OUTCOMES: Final = 20.0  # How many outcomes the prior belief is worth.
_PRIOR_SLOPE: Final = 0.5
_SLOPE_MAX: Final = 1.5  # A lucky run may not make a source believed far beyond its words.


class Moments(msgspec.Struct):
    """Faded sums of claimed (x) and realised (y) returns at one multiple of the horizon."""

    count: float = 0.0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    yy: float = 0.0
    gain: float = 0.0  # Realised return in the stated direction.

    def add(self, claimed: float, realised: float, gain: float) -> None:
        """Take one outcome in."""
        self.count = self.count * _FADE + 1.0
        self.x, self.y = self.x * _FADE + claimed, self.y * _FADE + realised
        self.xx = self.xx * _FADE + claimed * claimed
        self.xy = self.xy * _FADE + claimed * realised
        self.yy = self.yy * _FADE + realised * realised
        self.gain = self.gain * _FADE + gain

    def correlation(self) -> float:
        """Return the correlation of claimed and realised returns; 0 where either never varied."""
        if self.count < 2.0:
            return 0.0
        variance_x = self.xx - self.x * self.x / self.count
        variance_y = self.yy - self.y * self.y / self.count
        if variance_x <= 1e-12 * self.xx or variance_y <= 1e-12 * self.yy:
            return 0.0
        shared = self.xy - self.x * self.y / self.count
        return shared / math.sqrt(variance_x * variance_y)


class TrackRecord(msgspec.Struct):
    """What a source's stated directions and probabilities came to, at the end of their horizons."""

    looks: list[Moments] = msgspec.field(default_factory=lambda: [Moments() for _ in LOOKS])
    hits: float = 0.0  # Stated directions that came true; an unchanged price is half a hit.
    brier: float = 0.0  # Sum of squared differences of probability and outcome.
    edge_claimed: float = 0.0  # Sum of 2p - 1.
    edge_squared: float = 0.0
    edge_product: float = 0.0  # Sum of (2p - 1) times the outcome as +1, 0 or -1.

    @property
    def outcomes(self) -> float:
        """The faded number of outcomes at the horizon."""
        return self.looks[HORIZON].count

    def learn(self, look: int, sign: int, probability: float, claimed: float, moved: float) -> None:
        """Take in what a view came to at one of its looks.

        Parameters
        ----------
        look : int
            Index into `LOOKS`.
        sign : int
            +1 for up, -1 for down.
        probability : float
            Stated for that direction, 0 to 1.
        claimed, moved : float
            Returns over the horizon and until now, as fractions; positive when the price rises. Of
            volatility: by how much the expected and the realised one exceed the implied one.
        """
        if look == HORIZON:
            outcome = 0.5 if moved == 0.0 else float((moved > 0.0) == (sign > 0))
            edge = 2.0 * probability - 1.0
            self.hits = self.hits * _FADE + outcome
            self.brier = self.brier * _FADE + (probability - outcome) ** 2
            self.edge_claimed = self.edge_claimed * _FADE + edge
            self.edge_squared = self.edge_squared * _FADE + edge * edge
            self.edge_product = self.edge_product * _FADE + edge * (2.0 * outcome - 1.0)
        self.looks[look].add(claimed, moved, sign * moved)

    def hit_rate(self) -> float:
        """Return the share of directions that came true; 0.5 without a record."""
        return self.hits / self.outcomes if self.outcomes else 0.5

    def brier_score(self) -> float:
        """Return the mean squared error of the stated probabilities; a coin has 0.25."""
        return self.brier / self.outcomes if self.outcomes else 0.25

    def information_coefficient(self) -> float:
        """Return the correlation of claimed and realised returns at the horizon."""
        return self.looks[HORIZON].correlation()

    def belief(self) -> float:
        """Return by how much a stated edge is to be believed, 0 to 1.5.

        It is the slope of outcomes on stated edges through the origin, shrunk to one half by a
        prior worth 20 outcomes: a source that is right as often as it says tends to 1, one that is
        no better than a coin to 0.
        """
        measured, weight = 0.0, self.outcomes
        if self.edge_squared > 0.0:
            measured = self.edge_product / self.edge_squared
        slope = (_PRIOR_OUTCOMES * _PRIOR_SLOPE + weight * measured) / (_PRIOR_OUTCOMES + weight)
        return min(max(slope, 0.0), _SLOPE_MAX)

    def edge_error(self) -> float:
        """Return the standard error of an edge (2p - 1) measured over this record, 1 at the most.

        An outcome is +1 or -1, so its variance is at most 1; the prior counts as its outcomes.
        """
        return 1.0 / math.sqrt(_PRIOR_OUTCOMES + self.outcomes)

    def best_look(self) -> float:
        """Return the multiple of the horizon by which directions gained most; 1 until known."""
        if self.looks[-1].count < _PRIOR_OUTCOMES:
            return 1.0
        gains = [look.gain / look.count for look in self.looks]
        best = max(range(len(LOOKS)), key=gains.__getitem__)
        return LOOKS[best] if gains[best] > 0.0 else 1.0
