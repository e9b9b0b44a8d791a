"""The night after a trading day: clearing over the core's books, told to journal and tape."""

import numpy as np
from numpy.typing import NDArray

from environment.actors import Envelope
from environment.errors import ConfigError
from environment.feeds.corporate_actions import read_corporate_actions
from environment.market import layout as at
from environment.market.calendar import TradingCalendar
from environment.market.clearing import Clearing, ClearingTerms
from environment.market.clearing_events import ClearingEvent, DividendPaid, SplitApplied
from environment.market.clearing_ledger import MarketLedger
from environment.market.clearing_steps import BorrowTerms
from environment.market.corporate_actions import CorporateAction
from scenarios.builder import World

TOPIC = "clearing"
SENDER = "clearing"
Ints = NDArray[np.int64]


class Night:
    """Clears each day of a run.

    Every event is an envelope of the journal, published on the topic `clearing`; what it moved is
    rows of the tape (`clearing`: lots in `quantity` of an account and instrument, micros in
    `leaves` of an account).
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._calendar = TradingCalendar(world.sessions[0].calendar)
        self._clearing = Clearing(world.instruments, self._calendar)
        self._actions = _actions_of(world, self._calendar)

    def clear(self, day: int) -> Ints:
        """Run the cycle after a day; return what it moved as rows of the tape."""
        world = self._world
        ledger = MarketLedger(world.market)
        cash, position = ledger.cash.copy(), ledger.position.copy()
        session = world.sessions[day].date
        events = self._clearing.run(ledger, session, self._marks(), self._terms())
        world.clearing_events.extend(events)
        self._tell(events, world.sessions[day].end_ns)
        self._adjust(events)
        return self._rows(
            world.sessions[day].end_ns, ledger.cash - cash, ledger.position - position
        )

    def _marks(self) -> dict[str, int]:
        rows = self._world.market.section(at.S_INSTRUMENT)
        return {
            instrument.symbol: int(
                rows[n, at.I_CLOSE_PRICE] or rows[n, at.I_LAST] or rows[n, at.I_LAST_CLOSE]
            )
            for n, instrument in enumerate(self._world.instruments)
        }

    def _terms(self) -> ClearingTerms:
        """Return the night's rules; a stock whose pool is limited today has terms of borrowing."""
        rows = self._world.market.section(at.S_INSTRUMENT)
        pools = {
            instrument.symbol: BorrowTerms(available_lots=int(rows[n, at.I_BORROW]))
            for n, instrument in enumerate(self._world.instruments)
            if rows[n, at.I_BORROW] < at.MAX_PRICE
        }
        return ClearingTerms(actions=self._actions, borrow=pools)

    def _tell(self, events: list[ClearingEvent], at_ns: int) -> None:
        kernel = self._world.kernel
        for event in events:
            number = kernel.deliver_topic(at_ns + 1, SENDER, TOPIC, event, at_ns)
            kernel.ports.recorder.sent(
                Envelope(number, SENDER, TOPIC, at_ns, at_ns + 1, 0, number, event)
            )

    def _adjust(self, events: list[ClearingEvent]) -> None:
        """Let prices follow what holders were given: the next day opens without it."""
        marks = self._marks()
        for event in events:
            if isinstance(event, SplitApplied):
                self._world.rescale(event.symbol, event.denominator / event.numerator)
                marks[event.symbol] = event.mark_ticks
            elif isinstance(event, DividendPaid):
                instrument = self._world.instruments[self._world.numbers[event.symbol]]
                paid = event.micros_per_share * instrument.lot_units
                value = instrument.notional_micros(marks[event.symbol], 1)
                if 0 < paid < value:
                    self._world.rescale(event.symbol, 1.0 - paid / value)

    def _rows(self, at_ns: int, cash: Ints, lots: Ints) -> Ints:
        """Return one row per account and instrument whose lots moved, and per account paid."""
        accounts, columns = np.nonzero(lots)
        payees = np.flatnonzero(cash)
        rows = np.zeros((len(accounts) + len(payees), len(at.TAPE_COLUMNS)), np.int64)
        arena = self._world.market.arena
        first = int(arena[at.H_TAPE_SEQUENCE])
        arena[at.H_TAPE_SEQUENCE] = first + len(rows)
        rows[:, at.T_SEQUENCE] = first + np.arange(len(rows))
        rows[:, at.T_TIME] = at_ns
        rows[:, at.T_KIND] = at.K_CLEARING
        rows[:, at.T_COUNTERPARTY] = at.NONE
        rows[:, at.T_LIQUIDITY] = at.LIQ_NONE
        moved, paid = rows[: len(accounts)], rows[len(accounts) :]
        moved[:, at.T_ACCOUNT], moved[:, at.T_INSTRUMENT] = accounts, columns
        moved[:, at.T_QUANTITY] = lots[accounts, columns]
        paid[:, at.T_ACCOUNT], paid[:, at.T_INSTRUMENT] = payees, at.NONE
        paid[:, at.T_LEAVES] = cash[payees]
        return rows


def _actions_of(world: World, calendar: TradingCalendar) -> tuple[CorporateAction, ...]:
    """Return what companies do from the morning after the first day to that after the last."""
    scenario = world.config.scenario
    first, last = world.sessions[0].date, calendar.following(world.sessions[-1].date)
    found: list[CorporateAction] = []
    for number, told in enumerate(scenario.instruments):
        if told.actions is None:
            continue
        found += [
            action
            for action in read_corporate_actions(
                world.config.find(told.actions), (told.symbol,), first=first, last=last,
                calendar=calendar,
            )
            if action.ex_date > first
        ]  # fmt: skip
        if found and scenario.crowd == "actors":
            raise ConfigError(
                f"instruments.{number}.actions: a crowd of actors keeps its own beliefs, which no "
                f'split or dividend reaches in this version; set crowd = "compiled"'
            )
    return tuple(found)
