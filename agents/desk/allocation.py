"""What changes for an account, shared out among those who brought it there."""

from collections.abc import Mapping

from environment.venue_messages import PositionMoved


def allocated(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Return shares of a total in proportion to weights; they sum to it.

    What division leaves goes to the largest remainders, first come first served. Weights that sum
    to nothing get nothing.
    """
    whole = sum(weights.values())
    if not whole:
        return {}
    sign = 1 if whole > 0 else -1
    parts = {name: divmod(total * weight * sign, abs(whole)) for name, weight in weights.items()}
    rest = total - sum(share for share, _ in parts.values())
    by_remainder = sorted(parts, key=lambda name: -parts[name][1])
    return {name: parts[name][0] + (name in by_remainder[:rest]) for name in parts}


def moves_of(event: PositionMoved) -> tuple[tuple[str, int], ...]:
    """Return what changes by instrument: what is gone or grew, and what it became."""
    both = ((event.instrument, event.change), (event.into, event.into_change))
    return tuple((symbol, change) for symbol, change in both if symbol and change)


def weights_of(event: PositionMoved, lots: Mapping[str, int]) -> dict[str, int]:
    """Return what each holder had of the instrument that moved; under "" what nobody here had."""
    weights = {who: held for who, held in lots.items() if held}
    rest = 0 if event.before is None else event.before - sum(weights.values())
    return weights | ({"": rest} if rest else {})


def shared_moves(
    event: PositionMoved, held: Mapping[str, Mapping[str, int]]
) -> dict[str, dict[str, int]]:
    """Return what moves for each holder, by what each had of the instrument that moved."""
    had = {who: lots.get(event.instrument, 0) for who, lots in held.items()}
    weights = weights_of(event, had)
    found: dict[str, dict[str, int]] = {}
    for symbol, change in moves_of(event):
        for who, share in allocated(change, weights).items():
            if who in held:
                found.setdefault(who, {})[symbol] = share
    return found
