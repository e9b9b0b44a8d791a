"""The night after a trading day: clearing over the core's books, told to journal and tape."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from agents.crowd.actors import remote_traders
from environment.actors import Envelope
from environment.clearing_messages import EveningStatement
from environment.draws import stream_key
from environment.instruments import Instrument
from environment.market import layout as at
from environment.market.calendar import TradingCalendar
from environment.market.clearing import Clearing, ClearingTerms
from environment.market.clearing_events import ClearingEvent, DividendPaid, SplitApplied
from environment.market.clearing_ledger import MarketLedger
from environment.market.clearing_options import OptionsClearing
from environment.market.clearing_steps import BorrowTerms, InterestTerms
from environment.market.corporate_actions import CorporateAction
from environment.market.exercise_rules import ExerciseTerms
from environment.market.market_contracts import MarketContracts
from environment.messages import Message, PricesRescaled
from scenarios.builders.curves import WorldCurves, world_curves
from scenarios.builders.floor import SWARM_ACCOUNT
from scenarios.builders.share_changes import ShareChange
from scenarios.builders.world import World
from scenarios.run.night_margin import NightMargin
from scenarios.run.night_notices import notices_of

TOPIC = "clearing"
SENDER = "clearing"
Ints = NDArray[np.int64]
_PPM = 1_000_000


@dataclass(frozen=True)
class Books:
    """What every account had before a night: its cash, its stock, its contracts by series."""

    cash: Ints
    position: Ints
    contracts: dict[tuple[int, int], int]


class Night:
    """Clears each day of a run.

    Every event is an envelope of the journal, published on the topic `clearing`; what it moved is
    rows of the tape (`clearing`: lots in `quantity` of an account and instrument, micros in
    `leaves` of an account). What an account outside the background must know is published next
    morning on `clearing/ACCOUNT`; after the last day at once, as the run ends before the morning.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._calendar = TradingCalendar(world.sessions[0].calendar)
        self._actions = _actions_of(world, self._calendar)
        self._background = np.array([a.background or a.contra for a in world.facts.accounts])
        self._contracts: MarketContracts | None = None
        self._curves: WorldCurves | None = None
        self._clearing: Clearing | None = None

    def clear(self, day: int) -> Ints:
        """Run the cycle after a day; return what it moved as rows of the tape."""
        world = self._world
        ledger = MarketLedger(world.market)
        clearing = self._clearing or self._begin()
        before = self._books(ledger)
        session = world.sessions[day].date
        events = clearing.run(ledger, session, self._marks(), self._terms(day))
        world.clearing_events.extend(events)
        self._restrict(clearing.state.called)
        self._tell(events, world.sessions[day].end_ns)
        self._adjust(events, world.sessions[day].end_ns + 1)
        if world.series:
            world.exchange.rename(world.series)
        self._notify(events, day)
        self._state(ledger, session, day)
        return self._rows(world.sessions[day].end_ns, before, self._books(ledger))

    def _restrict(self, called: list[int]) -> None:
        """Let accounts under call open nothing until a night finds their calls met."""
        flags = self._world.market.section(at.S_ACCOUNT)[:, at.A_FLAGS]
        flags &= ~at.ACCOUNT_CALLED
        flags[called] |= at.ACCOUNT_CALLED

    def _begin(self) -> Clearing:
        """Return the clearing of this world, made at the first night: options are listed by now."""
        world, options = self._world, None
        if world.series:
            self._contracts = MarketContracts(world.market, world.series)
            self._curves = world_curves(world.config, world.sessions[0].date, self._calendar)
            options = OptionsClearing(
                self._contracts, world.instruments, lambda accounts: self._background[accounts],
                world.config.scenario.seed,
            )  # fmt: skip
        margin = NightMargin(world, self._contracts)
        self._clearing = Clearing(world.instruments, self._calendar, options, margin)
        return self._clearing

    def _books(self, ledger: MarketLedger) -> Books:
        contracts: dict[tuple[int, int], int] = {}
        if self._contracts is not None:
            for number, held in self._contracts.holdings().items():
                for account, count in zip(
                    held.accounts.tolist(), held.contracts.tolist(), strict=True
                ):
                    contracts[account, number] = count
        return Books(ledger.cash.copy(), ledger.position.copy(), contracts)

    def _marks(self) -> dict[str, int]:
        rows = self._world.market.section(at.S_INSTRUMENT)
        return {
            instrument.symbol: int(
                rows[n, at.I_CLOSE_PRICE] or rows[n, at.I_LAST] or rows[n, at.I_LAST_CLOSE]
            )
            for n, instrument in enumerate(self._world.instruments)
        }

    def _terms(self, day: int) -> ClearingTerms:
        """Return the night's rules; a stock whose pool is limited today has terms of borrowing."""
        rows = self._world.market.section(at.S_INSTRUMENT)
        told = self._world.config.scenario.clearing
        pools = {
            instrument.symbol: BorrowTerms(available_lots=int(rows[n, at.I_BORROW]))
            for n, instrument in enumerate(self._world.instruments)
            if rows[n, at.I_BORROW] < at.MAX_PRICE
        }
        opened = {
            instrument.symbol: int(rows[n, at.I_OPEN_PRICE])
            for n, instrument in enumerate(self._world.instruments)
            if rows[n, at.I_OPEN_PRICE]
        }
        interest = InterestTerms(
            credit_ppm=round(told.credit_rate * _PPM), debit_ppm=round(told.debit_rate * _PPM)
        )
        return ClearingTerms(
            actions=self._actions, borrow=pools, interest=interest, openings=opened,
            exercise=self._exercise(day),
        )  # fmt: skip

    def _exercise(self, day: int) -> ExerciseTerms | None:
        world, contracts, curves = self._world, self._contracts, self._curves
        if contracts is None or curves is None:
            return None
        session = world.sessions[day].date
        told = world.house[-1].instructions(session) if world.house else {}
        numbers = {series.instrument.symbol: series.number for series in contracts.listed()}
        accounts = world.floor.accounts
        scenario = world.config.scenario
        return ExerciseTerms(
            session=session, following=self._calendar.following(session), marks=contracts.marks(),
            twins=contracts.twins(),
            dividends={
                n: curves.due_dividends(i.symbol, session) for n, i in enumerate(world.instruments)
            },
            discount=lambda days: curves.discount_days(session, days),
            forget_ppm=round(scenario.clearing.forget_share * _PPM),
            forget_key=stream_key(scenario.seed, f"exercise/{session}"),
            instructions={
                (accounts[account], numbers[symbol]): count
                for (account, symbol), count in told.items()
                if symbol in numbers and account in accounts
            },
        )  # fmt: skip

    def _tell(self, events: list[ClearingEvent], at_ns: int) -> None:
        for event in events:
            self._publish(TOPIC, event, at_ns, at_ns + 1)

    def _notify(self, events: list[ClearingEvent], day: int) -> None:
        """Let owners hear next morning what became of their accounts."""
        world = self._world
        names = {number: name for name, number in world.floor.accounts.items()}
        sent_ns, at_ns = world.sessions[day].end_ns, self._morning_ns(day)
        for account, notice in notices_of(events, names):
            self._publish(f"{TOPIC}/{account}", notice, sent_ns, at_ns)

    def _morning_ns(self, day: int) -> int:
        """Return when a night is heard of: as the next day begins, or as the run ends."""
        sessions = self._world.sessions
        is_last = day + 1 == len(sessions)
        return sessions[day].end_ns + 2 if is_last else sessions[day + 1].start_ns

    def _state(self, ledger: MarketLedger, session: date, day: int) -> None:
        """Let the swarm hear next morning, after all notices, what it holds and owns."""
        world = self._world
        account = world.floor.accounts.get(SWARM_ACCOUNT)
        if account is None:
            return
        held = {
            instrument.symbol: int(ledger.position[account, n])
            for n, instrument in enumerate(world.instruments)
        }
        listed: list[Instrument] = []
        for number, owned in {} if self._contracts is None else self._contracts.holdings().items():
            places = np.flatnonzero(owned.accounts == account)
            if len(places) and owned.contracts[places[0]]:
                listed.append(world.series[number])
                held[world.series[number].symbol] = int(owned.contracts[places[0]])
        statement = EveningStatement(
            account=SWARM_ACCOUNT, session=session, cash_micros=int(ledger.cash[account]),
            positions={symbol: lots for symbol, lots in held.items() if lots},
            marks=self._marks(), listed=tuple(listed),
        )  # fmt: skip
        sent_ns = world.sessions[day].end_ns
        self._publish(f"{TOPIC}/{SWARM_ACCOUNT}", statement, sent_ns, self._morning_ns(day))

    def _publish(self, topic: str, message: Message, sent_ns: int, at_ns: int) -> None:
        kernel = self._world.kernel
        number = kernel.deliver_topic(at_ns, SENDER, topic, message, sent_ns)
        kernel.ports.recorder.sent(
            Envelope(number, SENDER, topic, sent_ns, at_ns, 0, number, message)
        )

    def _adjust(self, events: list[ClearingEvent], at_ns: int) -> None:
        """Let prices follow what holders were given: the next day opens without it."""
        marks = self._marks()
        for event in events:
            if isinstance(event, SplitApplied):
                n, d = event.numerator, event.denominator
                contracts = 1 if n % d else n // d
                change = ShareChange(price=d / n, shares=n / d, contracts=contracts)
                self._rescale(event.symbol, change, at_ns)
                marks[event.symbol] = event.mark_ticks
            elif isinstance(event, DividendPaid):
                instrument = self._world.instruments[self._world.numbers[event.symbol]]
                paid = event.micros_per_share * instrument.lot_units
                value = instrument.notional_micros(marks[event.symbol], 1)
                if 0 < paid < value:
                    change = ShareChange(price=1.0 - paid / value)
                    self._rescale(event.symbol, change, at_ns)

    def _rescale(self, symbol: str, change: ShareChange, at_ns: int) -> None:
        world = self._world
        world.rescale(symbol, change)
        told = PricesRescaled(instrument=symbol, factor=change.price)
        for address in remote_traders(world.market, world.crowd, world.numbers[symbol]):
            world.kernel.deliver(at_ns, SENDER, address, told)

    def _rows(self, at_ns: int, before: Books, after: Books) -> Ints:
        """Return one row per account and instrument whose lots moved, and per account paid."""
        cash, lots = after.cash - before.cash, after.position - before.position
        accounts, columns = np.nonzero(lots)
        moves = [
            (account, column, lots[account, column])
            for account, column in zip(accounts.tolist(), columns.tolist(), strict=True)
        ]
        for key in sorted(before.contracts.keys() | after.contracts.keys()):
            moved = after.contracts.get(key, 0) - before.contracts.get(key, 0)
            if moved:
                moves.append((*key, moved))
        payees = np.flatnonzero(cash)
        rows = np.zeros((len(moves) + len(payees), len(at.TAPE_COLUMNS)), np.int64)
        arena = self._world.market.arena
        first = int(arena[at.H_TAPE_SEQUENCE])
        arena[at.H_TAPE_SEQUENCE] = first + len(rows)
        rows[:, at.T_SEQUENCE] = first + np.arange(len(rows))
        rows[:, at.T_TIME] = at_ns
        rows[:, at.T_KIND] = at.K_CLEARING
        rows[:, at.T_COUNTERPARTY] = at.NONE
        rows[:, at.T_LIQUIDITY] = at.LIQ_NONE
        moved_rows, paid = rows[: len(moves)], rows[len(moves) :]
        if moves:
            moved_rows[:, [at.T_ACCOUNT, at.T_INSTRUMENT, at.T_QUANTITY]] = np.array(moves)
        paid[:, at.T_ACCOUNT], paid[:, at.T_INSTRUMENT] = payees, at.NONE
        paid[:, at.T_LEAVES] = cash[payees]
        return rows


def _actions_of(world: World, calendar: TradingCalendar) -> tuple[CorporateAction, ...]:
    """Return what companies do from the morning after the first day to that after the last."""
    scenario = world.config.scenario
    first, last = world.sessions[0].date, calendar.following(world.sessions[-1].date)
    if all(told.actions is None for told in scenario.instruments):
        return ()
    return tuple(
        action for action in world_curves(world.config, first, calendar).actions
        if first < action.ex_date <= last
    )  # fmt: skip
