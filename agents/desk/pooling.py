"""Many views into one: log-odds weighed by record, and less of them where sources overlap."""

import math
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from agents.desk.proposal import Proposal, Voice
from agents.desk.track_record import TrackRecord
from environment.messages import Leg, Signal

_PROBABILITY_MAX: Final = 0.99  # A certainty would outvote every other source for ever.
_MINUTE_NS: Final = 60_000_000_000
_DAY_MINUTES: Final = 24 * 60


class View(msgspec.Struct):
    """A signal that still holds."""

    signal: Signal
    envelope: int
    born_ns: int

    @property
    def sign(self) -> int:
        """+1 for up, -1 for down."""
        return 1 if self.signal.direction == "up" else -1

    @property
    def expires_ns(self) -> int:
        """When its horizon is over."""
        return self.born_ns + self.signal.horizon_ns

    def log_odds(self, belief: float) -> float:
        """Return its signed log-odds as far as they are believed and its samples agreed."""
        probability = min(max(self.signal.probability, 0.5), _PROBABILITY_MAX)
        stated = math.log(probability / (1.0 - probability))
        return self.sign * stated * belief * (1.0 - self.signal.dispersion)


class Pooled(msgspec.Struct, frozen=True):
    """The pooled log-odds, and how far the views behind them disagree, 0 to 1."""

    log_odds: float
    dispersion: float
    weights: dict[str, float]

    @property
    def probability(self) -> float:
        """Return the probability of the direction that the log-odds point to."""
        return 1.0 / (1.0 + math.exp(-abs(self.log_odds)))


def pool(views: Mapping[str, View], records: Mapping[str, TrackRecord], overlap: float) -> Pooled:
    """Return what views by source come to.

    With n equally strong views their sum counts as that of n / (1 + (n - 1) * overlap): sources
    that look at the same market are never independent. Strengths differ, so n is the effective
    number (sum of sizes squared, over the sum of squares).
    """
    odds = {source: view.log_odds(records[source].belief()) for source, view in views.items()}
    size = sum(map(abs, odds.values()))
    if size == 0.0:
        return Pooled(0.0, 0.0, dict.fromkeys(odds, 0.0))
    net, squares = sum(odds.values()), sum(value * value for value in odds.values())
    number = size * size / squares
    between = 1.0 - abs(net) / size
    weights = {source: abs(value) / size for source, value in odds.items()}
    within = sum(weights[source] * view.signal.dispersion for source, view in views.items())
    return Pooled(net / (1.0 + (number - 1.0) * overlap), max(between, within), weights)


def propose(
    views: Mapping[str, View], records: Mapping[str, TrackRecord], known: int, overlap: float
) -> Proposal:
    """Return the proposal that live views on one thing come to; there is at least one."""
    pooled = pool(views, records, overlap)
    sign = (pooled.log_odds > 0.0) - (pooled.log_odds < 0.0)
    first = next(iter(views.values())).signal
    agreeing = {source: view for source, view in views.items() if view.sign == sign}
    if not agreeing:
        return withdrawal(first.instrument, first.structure, first.legs, len(views), known)
    weights = pooled.weights
    conviction = (1.0 - pooled.dispersion) * math.sqrt(min(len(views) / max(known, 1), 1.0))
    newest = max(agreeing.values(), key=lambda view: view.envelope).signal
    return Proposal(
        instrument=first.instrument,
        direction="up" if sign > 0 else "down",
        probability=pooled.probability,
        expected_return=_believed_return(views, records, weights, sign),
        edge_error=math.sqrt(
            sum((weights[source] * records[source].edge_error()) ** 2 for source in views)
        ),
        holding_ns=_holding(agreeing, records, weights),
        conviction=conviction,
        dispersion=pooled.dispersion,
        heard=len(views),
        known=known,
        expected_volatility=_volatility(views),
        structure=first.structure,
        legs=newest.legs,
        voices=tuple(
            _voice(source, view, records[source], weights[source])
            for source, view in sorted(views.items())
        ),
        explanation=_explain(views, records, weights, pooled.dispersion, known),
        evidence=tuple(
            sorted({view.envelope for view in views.values()}.union(
                *(view.signal.evidence for view in views.values())
            ))
        ),
    )  # fmt: skip


def withdrawal(
    instrument: str, structure: str, legs: tuple[Leg, ...], heard: int, known: int
) -> Proposal:
    """Return the proposal that nothing be held."""
    return Proposal(
        instrument=instrument, direction="flat", probability=0.5, expected_return=0.0,
        edge_error=1.0, holding_ns=0, conviction=0.0, dispersion=1.0 if heard else 0.0,
        heard=heard, known=known, structure=structure, legs=legs,
        explanation=(
            "no view is left" if not heard else "views cancel out, or none has earned belief",
        ),
    )  # fmt: skip


def _believed_return(
    views: Mapping[str, View], records: Mapping[str, TrackRecord], weights: Mapping[str, float],
    sign: int,
) -> float:  # fmt: skip
    """Return the weighed claims, 0 where they contradict the direction that was pooled."""
    claimed = sum(
        weights[source] * min(records[source].belief(), 1.0) * view.signal.expected_return
        for source, view in views.items()
    )
    return claimed if claimed * sign > 0.0 else 0.0


def _holding(
    agreeing: Mapping[str, View], records: Mapping[str, TrackRecord], weights: Mapping[str, float]
) -> int:
    """Return the mean of the horizons, each stretched to where its source's gains were largest."""
    total = sum(weights[source] for source in agreeing)
    weighed = sum(
        weights[source] * view.signal.horizon_ns * records[source].best_look()
        for source, view in agreeing.items()
    )
    return int(weighed / total) if total > 0.0 else 0


def _volatility(views: Mapping[str, View]) -> float | None:
    said = [
        view.signal.expected_volatility
        for view in views.values()
        if view.signal.expected_volatility is not None
    ]
    return sum(said) / len(said) if said else None


def _voice(source: str, view: View, record: TrackRecord, weight: float) -> Voice:
    direction: Literal["up", "down"] = "up" if view.sign > 0 else "down"
    return Voice(
        source=source, signal=view.envelope, direction=direction,
        probability=view.signal.probability, expected_return=view.signal.expected_return,
        horizon_ns=view.signal.horizon_ns, belief=record.belief(), weight=weight,
        hit_rate=record.hit_rate(), brier_score=record.brier_score(),
        information_coefficient=record.information_coefficient(),
        outcomes=round(record.outcomes), reasons=view.signal.reasons,
    )  # fmt: skip


def _explain(
    views: Mapping[str, View], records: Mapping[str, TrackRecord], weights: Mapping[str, float],
    dispersion: float, known: int,
) -> tuple[str, ...]:  # fmt: skip
    """Return one line a source, heaviest first, and one about how far they agree."""
    lines = []
    for source in sorted(views, key=lambda source: (-weights[source], source)):
        view, record = views[source], records[source]
        past = (
            f"right {record.hit_rate():.0%} of {record.outcomes:.0f} times, "
            f"Brier {record.brier_score():.3f}"
            if record.outcomes >= 1.0
            else "no record yet"
        )
        why = f": {'; '.join(view.signal.reasons)}" if view.signal.reasons else ""
        lines.append(
            f"{source} says {view.signal.direction} with {view.signal.probability:.0%} over "
            f"{_lasting(view.signal.horizon_ns)}, weight {weights[source]:.0%} ({past}){why}"
        )
    lines.append(f"{len(views)} of {known} sources speak; disagreement {dispersion:.0%}")
    return tuple(lines)


def _lasting(span_ns: int) -> str:
    """Return a horizon in the unit that people would name it in."""
    minutes = span_ns / _MINUTE_NS
    if minutes >= _DAY_MINUTES:
        return f"{minutes / _DAY_MINUTES:.3g} days"
    return f"{minutes / 60:.3g} h" if minutes >= 120 else f"{minutes:.3g} min"
