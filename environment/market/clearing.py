"""The cycle between two days, in fixed order, and the proof after each step that nothing was lost.

Marks; exercise, then assignment; expiry; corporate actions; borrow and interest; settlement; margin
calls. Cash summed over all accounts, lots summed over all accounts of each stock, and contracts of
each series are the same after every step to the last micro, lot and contract.
"""

from collections.abc import Callable, Mapping
from datetime import date

import msgspec
import numpy as np

from environment.errors import Defect
from environment.instruments import Instrument
from environment.market import clearing_steps as steps
from environment.market.calendar import TradingCalendar
from environment.market.clearing_books import Ledger
from environment.market.clearing_events import (
    ClearingEvent,
    CycleDone,
    MarginCalled,
    MarginCallMet,
    MarksTaken,
    SalesQueued,
    SalesSettled,
    SplitApplied,
)
from environment.market.clearing_options import OptionsClearing, Prices
from environment.market.corporate_actions import CorporateAction, Dividend, Split
from environment.market.exercise_rules import ExerciseTerms
from environment.market.layout import FIRST_ACCOUNT
from environment.market.margin import Ints, equity_and_requirement, settlement_sessions


class PendingSales(msgspec.Struct, frozen=True, kw_only=True):
    """Proceeds of one day's sales that have not settled."""

    traded: date
    due: date
    accounts: list[int]
    micros: list[int]


class ClearingState(msgspec.Struct, kw_only=True):
    """What clearing remembers from one night to the next."""

    pending: list[PendingSales] = []
    recalls: list[steps.Recall] = []
    called: list[int] = []  # Accounts whose margin call stands.


class ClearingTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one night. Stocks without borrow terms are borrowed freely and for nothing.

    `exercise` and `openings` (opening prints, ticks by symbol) matter where options are cleared.
    """

    actions: tuple[CorporateAction, ...] = ()
    borrow: dict[str, steps.BorrowTerms] = {}
    interest: steps.InterestTerms = steps.InterestTerms()
    recall_sessions: int = 1  # Time to return what is recalled.
    exercise: ExerciseTerms | None = None
    openings: dict[str, int] = {}


# Equity and requirement of every account, micros, at marks in ticks by symbol, on a day.
MarginOf = Callable[[Ledger, Mapping[str, int], date], tuple[Ints, Ints]]
Step = Callable[[], list[ClearingEvent]]
Totals = tuple[int, list[int], dict[int, int]]


class Clearing:
    """Runs the cycle over one ledger.

    Parameters
    ----------
    instruments : tuple of Instrument
        The stocks, by column of the ledger's positions.
    options : OptionsClearing, optional
        Where options are listed.
    margin : callable, optional
        What accounts must hold; by default the rules for stock alone.
    """

    def __init__(
        self, instruments: tuple[Instrument, ...], calendar: TradingCalendar,
        options: OptionsClearing | None = None, margin: MarginOf | None = None,
    ) -> None:  # fmt: skip
        self._instruments, self._calendar = instruments, calendar
        self._options = options
        self._margin = self._stock_margin if margin is None else margin
        self._column = {instrument.symbol: n for n, instrument in enumerate(instruments)}
        self.state = ClearingState()

    def run(
        self, ledger: Ledger, session: date, marks: Mapping[str, int], terms: ClearingTerms
    ) -> list[ClearingEvent]:
        """Clear a day and return what happened, in order.

        Parameters
        ----------
        marks : mapping of symbol to ticks
            Official closes of the session.

        Raises
        ------
        Defect
            If a step loses or makes a micro or a lot.
        """
        following = self._calendar.following(session)
        now = dict(marks)
        before = self._totals(ledger)
        told: list[ClearingEvent] = [MarksTaken(session=session, marks=now.copy())]
        in_order: tuple[tuple[str, Step], ...] = (
            *self._option_steps(ledger, now, terms),
            ("corporate actions", lambda: self._act(ledger, session, following, now, terms)),
            ("borrow and interest", lambda: self._charge(ledger, session, following, now, terms)),
            ("settlement", lambda: self._settle(ledger, session, following)),
            ("margin calls", lambda: self._call(ledger, session, following, now)),
        )
        for name, step in in_order:
            told += step()
            _check_conserved(before, self._totals(ledger), name)
        told.append(CycleDone(session=session, next_session=following, cash_micros=before[0]))
        return told

    def _option_steps(
        self, ledger: Ledger, marks: Mapping[str, int], terms: ClearingTerms
    ) -> tuple[tuple[str, Step], ...]:
        options, exercise = self._options, terms.exercise
        if options is None or exercise is None:
            return ()
        prices = Prices(close=self._micros(marks), opening=self._micros(terms.openings))
        return (
            ("exercise", lambda: options.exercise(ledger, prices, exercise)),
            ("assignment", lambda: options.assign(ledger, prices, exercise.session)),
            ("expiry", lambda: options.expire(prices, exercise)),
        )

    def _micros(self, ticks: Mapping[str, int]) -> dict[int, int]:
        """Return prices per share by column from prices in ticks by symbol."""
        return {
            self._column[symbol]: price * self._instruments[self._column[symbol]].tick_micros
            for symbol, price in ticks.items()
        }

    def _act(
        self, ledger: Ledger, session: date, following: date, marks: dict[str, int],
        terms: ClearingTerms,
    ) -> list[ClearingEvent]:  # fmt: skip
        told: list[ClearingEvent] = []
        due = [a for a in terms.actions if session < a.ex_date <= following]
        # Dividends are stated per share held before a split of the same day.
        for action in sorted(due, key=lambda a: (a.ex_date, isinstance(a, Split), a.symbol)):
            column = self._column.get(action.symbol)
            if column is None:
                continue
            instrument, position = self._instruments[column], ledger.position[:, column]
            match action:
                case Dividend():
                    plan = steps.plan_dividend(session, action, instrument, position)
                case Split():
                    plan = steps.plan_split(
                        session, action, column, instrument, marks[action.symbol], position
                    )
            apply_plan(ledger, plan)
            before = marks[action.symbol]
            for event in plan.events:
                if isinstance(event, SplitApplied):
                    marks[action.symbol] = event.mark_ticks
            told += plan.events
            if self._options is not None:
                factor = _price_factor(action, instrument, before)
                told += self._options.adjust(action, column, session, factor)
        return told

    def _charge(
        self, ledger: Ledger, session: date, following: date, marks: Mapping[str, int],
        terms: ClearingTerms,
    ) -> list[ClearingEvent]:  # fmt: skip
        told: list[ClearingEvent] = []
        days = (following - session).days
        due = self._calendar.following(session, terms.recall_sessions)
        recalls: list[steps.Recall] = []
        for column, instrument in enumerate(self._instruments):
            borrow = terms.borrow.get(instrument.symbol)
            if borrow is None:
                continue
            position = ledger.position[:, column]
            mark = marks[instrument.symbol]
            plan = steps.plan_borrow(session, days, borrow, instrument, mark, position)
            apply_plan(ledger, plan)
            standing = [recall for recall in self.state.recalls if recall.instrument == column]
            events, kept = steps.plan_recalls(
                session, following, due, column=column, symbol=instrument.symbol, terms=borrow,
                position=position, standing=standing,
            )  # fmt: skip
            recalls += kept
            told += (*plan.events, *events)
        self.state.recalls = recalls
        shorts = steps.short_value(ledger.position, self._instruments, marks)
        plan = steps.plan_interest(session, days, terms.interest, ledger.cash, shorts)
        apply_plan(ledger, plan)
        return [*told, *plan.events]

    def _settle(self, ledger: Ledger, session: date, following: date) -> list[ClearingEvent]:
        told: list[ClearingEvent] = []
        rows = np.flatnonzero(ledger.proceeds)
        if len(rows):
            due = self._calendar.following(session, settlement_sessions(session))
            amounts = ledger.proceeds[rows].tolist()
            ledger.proceeds[rows] = 0
            self.state.pending.append(
                PendingSales(traded=session, due=due, accounts=rows.tolist(), micros=amounts)
            )
            told.append(
                SalesQueued(session=session, due=due, accounts=len(rows), micros=sum(amounts))
            )
        premiums = np.flatnonzero(ledger.option_proceeds)
        if len(premiums):  # Options settle on the next day.
            received = ledger.option_proceeds[premiums]
            ledger.settled[premiums] += received
            ledger.option_proceeds[premiums] = 0
            told.append(
                SalesSettled(session=session, traded=session, accounts=len(premiums),
                             micros=int(received.sum()))
            )  # fmt: skip
        # What settles on a day may be spent from its morning on.
        for sales in [sales for sales in self.state.pending if sales.due <= following]:
            ledger.settled[sales.accounts] += np.array(sales.micros, np.int64)
            self.state.pending.remove(sales)
            told.append(
                SalesSettled(session=session, traded=sales.traded, accounts=len(sales.accounts),
                             micros=sum(sales.micros))
            )  # fmt: skip
        return told

    def _call(
        self, ledger: Ledger, session: date, following: date, marks: Mapping[str, int]
    ) -> list[ClearingEvent]:
        equity, required = self._margin(ledger, marks, session)
        short_of = np.flatnonzero(equity < required)
        called = [int(row) for row in short_of if row >= FIRST_ACCOUNT]
        due_ns = self._calendar.session(following).open_ns
        told: list[ClearingEvent] = [
            MarginCallMet(session=session, account=account)
            for account in self.state.called
            if account not in set(called)
        ]
        told += [
            MarginCalled(session=session, account=row, equity_micros=int(equity[row]),
                         required_micros=int(required[row]),
                         call_micros=int(required[row] - equity[row]), due_ns=due_ns)
            for row in called
        ]  # fmt: skip
        self.state.called = called
        return told

    def _stock_margin(self, ledger: Ledger, marks: Mapping[str, int], _: date) -> tuple[Ints, Ints]:
        ticks = tuple(marks[instrument.symbol] for instrument in self._instruments)
        return equity_and_requirement(ledger.cash, ledger.position, self._instruments, ticks)

    def _totals(self, ledger: Ledger) -> Totals:
        contracts = {} if self._options is None else self._options.totals()
        return int(ledger.cash.sum()), ledger.position.sum(axis=0).tolist(), contracts


def _price_factor(action: CorporateAction, instrument: Instrument, mark_ticks: int) -> float:
    """Return what an action makes of the price, as a share of the mark before it."""
    if isinstance(action, Split):
        return action.denominator / action.numerator
    value = mark_ticks * instrument.tick_micros
    return 1.0 - action.micros_per_share / value if action.micros_per_share < value else 1.0


def apply_plan(ledger: Ledger, plan: steps.Plan) -> None:
    """Book a plan.

    Raises
    ------
    Defect
        If its cash does not add up to nothing; the ledger is then unchanged.
    """
    if plan.cash is not None:
        if int(plan.cash.sum()) != 0:
            raise Defect(f"a clearing plan would make {int(plan.cash.sum())} micros")
        ledger.cash[:] += plan.cash
        ledger.settled[:] += plan.cash
    if plan.column is not None and plan.lots is not None:
        ledger.position[:, plan.column] = plan.lots


def _check_conserved(before: Totals, after: Totals, step: str) -> None:
    if before != after:
        raise Defect(
            f"clearing step '{step}' did not conserve: cash {before[0]} became {after[0]},"
            f" lots {before[1]} became {after[1]}, contracts {before[2]} became {after[2]}"
        )
