"""Breakers: when they trip, and which would trip again as soon as their scope was resumed."""

from typing import Final, Literal, assert_never

from agents.desk.activity import ActivityBook
from agents.desk.day_ledger import DayLedger
from agents.desk.limits import Breaker, Measure
from agents.desk.states import ScopeStates
from environment.control_messages import HeldDown, Scope
from environment.instruments import Instrument, format_money

_DAY: Final = "the loss falls below the limit, the next day begins, or an admin allows a looser one"
_BEST: Final = "it comes back towards the day's best, the next day begins, or an admin allows more"
_SECOND: Final = 1_000_000_000

Lowered = Literal["reducing", "halted"]


def tripped(breaker: Breaker, figure: int) -> Lowered | None:
    """Return the state that a figure moves a breaker's scope down to, if it does."""
    if breaker.halted is not None and figure >= breaker.halted:
        return "halted"
    if breaker.reducing is not None and figure >= breaker.reducing:
        return "reducing"
    return None


def in_words(measure: Measure, figure: int) -> str:
    """Return a figure of a breaker as people read it: money, or a count."""
    return str(figure) if measure == "repeated_execution" else format_money(figure)


class HeldScopes:
    """Finds what breakers still hold down. All that changes is risk's state."""

    def __init__(self, instruments: dict[str, Instrument]) -> None:
        self._instruments = instruments

    def find(
        self, breakers: tuple[Breaker, ...], states: ScopeStates, ledger: DayLedger,
        activity: ActivityBook, marks: dict[str, int], now_ns: int,
    ) -> tuple[HeldDown, ...]:  # fmt: skip
        """Return each breaker over its limit, of every scope that is not ACTIVE."""
        found = []
        for key, scope, name in states.down():
            for breaker in breakers:
                if breaker.scope != scope:
                    continue
                if breaker.measure == "repeated_execution":
                    figure = activity.executed(key, now_ns, breaker.within_ns)
                    # It is looked at when an execution comes, and that one counts too.
                    to = tripped(breaker, figure + 1) if figure else None
                else:
                    loss, fall = ledger.standing(key, marks, self._instruments)
                    figure = loss if breaker.measure == "daily_loss" else fall
                    to = tripped(breaker, figure)
                if to is not None:
                    found.append(_held(breaker, scope, name, figure, to))
        return tuple(found)


def _held(breaker: Breaker, scope: Scope, name: str, figure: int, to: Lowered) -> HeldDown:
    limit = breaker.halted if to == "halted" else breaker.reducing
    assert limit is not None, f"{breaker.name}: tripped without a limit"
    match breaker.measure:
        case "daily_loss":
            when, mends = "at its next price", _DAY
        case "drawdown":
            when, mends = "at its next price", _BEST
        case "repeated_execution":
            when = "at its next execution"
            mends = f"none comes for {breaker.within_ns / _SECOND:g} s, or an admin allows more"
        case never:
            assert_never(never)
    return HeldDown(
        scope=scope, name=name, breaker=breaker.name, to=to, when=when, mends=mends,
        figure=in_words(breaker.measure, figure), limit=in_words(breaker.measure, limit),
    )  # fmt: skip
