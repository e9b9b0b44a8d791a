"""The exchange's list keeper: looks now and then whether a stock has left its listed strikes.

It is no trader: it reads the last prices as they stand, and has series listed at once.
"""

from collections.abc import Callable
from datetime import date
from typing import ClassVar, assert_never

import msgspec

from environment.actors import Actor, ActorContext
from environment.messages import Resumed, TimerFired

ToListKeeper = Resumed | TimerFired


class ListDay(msgspec.Struct, frozen=True, kw_only=True):
    """The hours of one day in which series may be added."""

    session: date
    open_ns: int
    close_ns: int


class ListTerms(msgspec.Struct, frozen=True, kw_only=True):
    """One stock's: how far it must have moved, as a share of its price, and how often to look."""

    stock: int
    move: float
    every_ns: int


class ListKeeperState(msgspec.Struct):
    """At which price each list was made last today, in ticks, by stock."""

    day: int = -1  # Ordinal of the date.
    prices: dict[int, int] = {}


class ListKeeper(Actor[ToListKeeper]):
    """Has a list go on once its stock stands far from where the list was made.

    Parameters
    ----------
    prices : callable
        Return a stock's last price of the day and the close before, in ticks.
    extend : callable
        Have the list of a stock go on, at a moment of a session.
    """

    KIND: ClassVar[str] = "list_keeper"

    def __init__(
        self, days: Callable[[], tuple[ListDay, ...]], terms: tuple[ListTerms, ...],
        prices: Callable[[int], tuple[int, int]], extend: Callable[[int, date, int], None],
    ) -> None:  # fmt: skip
        self._days, self._terms, self._prices, self._extend = days, terms, prices, extend
        self.state: ListKeeperState = ListKeeperState()

    def receive(self, ctx: ActorContext, message: ToListKeeper) -> None:
        """Handle one message."""
        match message:
            case Resumed():
                for number in range(len(self._terms)):
                    self._wait(ctx, number)
            case TimerFired(name=name):
                self._look(ctx.now_ns(), self._terms[int(name)])
                self._wait(ctx, int(name))
            case never:
                assert_never(never)

    def _wait(self, ctx: ActorContext, number: int) -> None:
        """Wait for the next look within a day's hours, if there is one."""
        now_ns, every_ns = ctx.now_ns(), self._terms[number].every_ns
        day = next((one for one in self._days() if one.close_ns > now_ns + every_ns), None)
        if day is not None:
            looked = max(now_ns - day.open_ns, 0) // every_ns
            ctx.after(day.open_ns + (looked + 1) * every_ns - now_ns, str(number))

    def _look(self, now_ns: int, terms: ListTerms) -> None:
        day = next(one for one in self._days() if one.open_ns <= now_ns <= one.close_ns)
        if day.session.toordinal() != self.state.day:
            self.state.day, self.state.prices = day.session.toordinal(), {}
        last, before = self._prices(terms.stock)
        reference = self.state.prices.setdefault(terms.stock, before)
        if last and reference and abs(last - reference) >= terms.move * reference:
            self.state.prices[terms.stock] = last
            self._extend(terms.stock, day.session, now_ns)
