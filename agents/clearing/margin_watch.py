"""The margin watch: notes how accounts with options stand, and what the office closes.

It is no trader: it reads the broker's books as they stand, and sends nothing.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol, assert_never

import msgspec

from agents.clearing.office import CLOSED_TOPIC
from environment.actors import Actor, ActorContext
from environment.clearing_messages import PositionClosed
from environment.messages import Resumed, TimerFired


class Stands(Protocol):
    """What an account has and must keep, micros."""

    @property
    def equity_micros(self) -> int:
        """Net liquidating value."""

    @property
    def required_micros(self) -> int:
        """Maintenance."""


class UseRow(msgspec.Struct, frozen=True):
    """How the accounts of one population that hold options stood together.

    `refused` counts orders that margin kept out since the row before, of all its accounts.
    """

    time_ns: int
    population: str
    accounts: int
    below: int  # Accounts whose equity was less than their requirement.
    equity_micros: int
    required_micros: int
    refused: int = 0


class ClosedRow(msgspec.Struct, frozen=True):
    """One order of the office."""

    time_ns: int
    population: str
    account: int
    closed: PositionClosed


class MarginLog(msgspec.Struct):
    """All that was noted, in order of time."""

    use: list[UseRow] = []
    closed: list[ClosedRow] = []


ToWatch = Resumed | TimerFired | PositionClosed


class MarginWatch(Actor[ToWatch]):
    """Looks at every account with options at each of the moments it is given.

    Parameters
    ----------
    stands : callable
        Return how each account with options stands, by its number.
    population : callable
        Return the population of an account.
    refused : callable
        Return the orders that margin has refused so far, by population.
    """

    KIND: ClassVar[str] = "margin_watch"

    def __init__(
        self, moments_ns: tuple[int, ...], stands: Callable[[], Mapping[int, Stands]],
        population: Callable[[int], str], refused: Callable[[], Mapping[str, int]],
        log: MarginLog,
    ) -> None:  # fmt: skip
        self._moments_ns, self._log = moments_ns, log
        self._stands, self._population, self._refused = stands, population, refused
        self._known: Mapping[str, int] = {}

    def receive(self, ctx: ActorContext, message: ToWatch) -> None:
        """Handle one message."""
        match message:
            case Resumed():
                ctx.subscribe(CLOSED_TOPIC)
                self._wait(ctx)
            case TimerFired():
                self._note(ctx.now_ns())
                self._wait(ctx)
            case PositionClosed(account=account):
                row = ClosedRow(ctx.now_ns(), self._population(account), account, message)
                self._log.closed.append(row)
            case never:
                assert_never(never)

    def _wait(self, ctx: ActorContext) -> None:
        now_ns = ctx.now_ns()
        following = next((moment for moment in self._moments_ns if moment > now_ns), None)
        if following is not None:
            ctx.after(following - now_ns, "look")

    def _note(self, now_ns: int) -> None:
        together: dict[str, list[Stands]] = {}
        for account, stands in self._stands().items():
            together.setdefault(self._population(account), []).append(stands)
        refused = self._refused()
        for name, count in refused.items():
            if count != self._known.get(name, 0):
                together.setdefault(name, [])
        self._log.use += [
            UseRow(
                now_ns, name, len(all_of), sum(s.equity_micros < s.required_micros for s in all_of),
                sum(s.equity_micros for s in all_of), sum(s.required_micros for s in all_of),
                refused.get(name, 0) - self._known.get(name, 0),
            )
            for name, all_of in sorted(together.items())
        ]  # fmt: skip
        self._known = refused
