"""Several answers to one question: what they come to, and how far they lie apart."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from agents.analysts.forms import CitedNumber, Stance, View

_MOST_SURE = 0.95
_BP = 10_000.0


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """What answers come to; `dispersion` is the share that did not say the same, 0 to 1."""

    direction: Stance
    probability: float = 0.5
    expected_return: float = 0.0
    horizon_minutes: int = 1
    dispersion: float = 1.0
    words: str = ""
    sources: tuple[str, ...] = ()
    numbers: tuple[CitedNumber, ...] = ()


def agree(views: Sequence[View], asked: int) -> Opinion:
    """Return the opinion of the answers that came, of `asked` that were wanted.

    The direction is the most common one; a tie, or no answer, is an abstention. What is missing
    counts as disagreement. Disagreement pulls the probability towards 1/2, and with it the size;
    no answer may be surer than 0.95.
    """
    votes = Counter(view.direction for view in views)
    most = votes.most_common(2)
    if not most or (len(most) > 1 and most[0][1] == most[1][1]):
        return Opinion(direction="abstain", words="the answers do not agree")
    direction, count = most[0]
    agreeing = [view for view in views if view.direction == direction]
    dispersion = 1.0 - count / max(asked, len(views))
    stated = sum(min(max(view.probability, 0.5), _MOST_SURE) for view in agreeing) / count
    sign = {"up": 1.0, "down": -1.0}.get(direction, 0.0)
    move = sum(abs(view.move_bp) for view in agreeing) / count / _BP
    return Opinion(
        direction=direction,
        probability=0.5 + (stated - 0.5) * (1.0 - dispersion),
        expected_return=sign * move,
        horizon_minutes=round(sum(view.horizon_minutes for view in agreeing) / count),
        dispersion=dispersion,
        words=agreeing[0].words,
        sources=tuple(dict.fromkeys(source for view in agreeing for source in view.sources)),
        numbers=tuple(number for view in agreeing for number in view.numbers),
    )
