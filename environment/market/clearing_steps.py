"""The steps of clearing as plans: what each would change, computed without changing anything.

A plan's changes of cash add up to nothing over all accounts, contra accounts included, because each
step books its other side itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec
import numpy as np

from environment.instruments import Instrument, half_even
from environment.market.clearing_events import (
    BorrowCharged,
    BorrowRecalled,
    BuyInOrdered,
    ClearingEvent,
    DividendPaid,
    InterestBooked,
    SplitApplied,
)
from environment.market.corporate_actions import Dividend, Split
from environment.market.layout import FIRST_ACCOUNT, INTEREST, ISSUER, LENDER, WORLD
from environment.market.margin import Ints

_MILLION: Final = 1_000_000
_YEAR_DAYS: Final = 360  # Money-market convention: actual days over 360.


class BorrowTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What borrowing a stock costs: flat up to the kink, then rising to the full rate.

    Attributes
    ----------
    available_lots : int
        What can be lent in all. Shorts above it are recalled.
    base_ppm, full_ppm : int
        Fee per year in millionths of market value, up to the kink and with everything lent.
    kink_ppm : int
        Share of the pool that is lent before the fee rises, in millionths.
    """

    available_lots: int
    base_ppm: int = 3_000
    full_ppm: int = 300_000
    kink_ppm: int = 800_000

    def __post_init__(self) -> None:
        if self.available_lots < 0 or not 0 <= self.base_ppm <= self.full_ppm:
            raise ValueError("borrow needs lots of 0 or more and a base fee up to the full one")
        if not 0 <= self.kink_ppm < _MILLION:
            raise ValueError(f"kink_ppm must be below a million: {self.kink_ppm}")

    def rate_ppm(self, short_lots: int) -> int:
        """Return the yearly fee with so many lots lent."""
        if short_lots >= self.available_lots:
            return self.full_ppm if short_lots else self.base_ppm
        used = short_lots * _MILLION // self.available_lots
        above = max(used - self.kink_ppm, 0)
        return self.base_ppm + (self.full_ppm - self.base_ppm) * above // (_MILLION - self.kink_ppm)


class InterestTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What cash earns and owes per year, in millionths."""

    credit_ppm: int = 0
    debit_ppm: int = 0


class Recall(msgspec.Struct, frozen=True, kw_only=True):
    """Lots that a lender wants back by a day, from an account that was `short_lots` short then."""

    account: int
    instrument: int
    lots: int
    short_lots: int
    due: date


@dataclass(frozen=True, slots=True)
class Plan:
    """What a step would change, and what it would then report."""

    cash: Ints | None = None  # Change per account; settled cash changes with it.
    column: int | None = None  # Instrument whose positions are replaced by `lots`.
    lots: Ints | None = None
    events: tuple[ClearingEvent, ...] = ()


def _holders(position: Ints) -> Ints:
    """Return the rows of accounts proper, contra accounts left out, that hold or owe something."""
    rows = np.flatnonzero(position)
    return rows[rows >= FIRST_ACCOUNT]


def plan_split(
    session: date, split: Split, column: int, instrument: Instrument, mark: int, position: Ints
) -> Plan:
    """Return the plan of a split: whole lots toward zero, the fraction in cash at today's close."""
    lots = position.copy()
    cash = np.zeros(len(position), np.int64)
    value = instrument.notional_micros(mark, 1)
    rows = np.flatnonzero(position)
    for row in rows.tolist():
        if row == WORLD:
            continue
        held = int(position[row])
        whole, rest = divmod(abs(held) * split.numerator, split.denominator)
        sign = 1 if held > 0 else -1
        lots[row] = sign * whole
        # One new lot is worth denominator / numerator of an old one.
        cash[row] += sign * half_even(rest * value, split.numerator)
    # What was given to accounts stands as a negative on WORLD: it takes what rounding left.
    lots[WORLD] = 0
    lots[WORLD] = -int(lots.sum())
    in_lieu = int(cash.sum())
    cash[ISSUER] -= in_lieu
    event = SplitApplied(
        session=session, symbol=instrument.symbol, numerator=split.numerator,
        denominator=split.denominator,
        mark_ticks=half_even(mark * split.denominator, split.numerator),
        accounts=int(np.count_nonzero(rows >= FIRST_ACCOUNT)), cash_in_lieu_micros=in_lieu,
    )  # fmt: skip
    return Plan(cash=cash, column=column, lots=lots, events=(event,))


def plan_dividend(
    session: date, dividend: Dividend, instrument: Instrument, position: Ints
) -> Plan:
    """Return the plan of a dividend, by positions at this close; it is paid at once."""
    per_lot = dividend.micros_per_share * instrument.lot_units
    rows = _holders(position)
    cash = np.zeros(len(position), np.int64)
    cash[rows] = position[rows] * per_lot
    paid, charged = int(cash[cash > 0].sum()), -int(cash[cash < 0].sum())
    cash[ISSUER] -= paid - charged
    event = DividendPaid(
        session=session, symbol=instrument.symbol, ex_date=dividend.ex_date,
        micros_per_share=dividend.micros_per_share, accounts=len(rows), paid_micros=paid,
        charged_micros=charged,
    )  # fmt: skip
    return Plan(cash=cash, events=(event,))


def plan_borrow(
    session: date, days: int, terms: BorrowTerms, instrument: Instrument, mark: int, position: Ints
) -> Plan:
    """Return the plan of a borrow fee for the days until the next session."""
    rows = _holders(position)
    rows = rows[position[rows] < 0]
    short = -int(position[rows].sum())
    rate = terms.rate_ppm(short)
    value = instrument.notional_micros(mark, 1)
    cash = np.zeros(len(position), np.int64)
    for row in rows.tolist():
        owed = -int(position[row]) * value * rate * days
        cash[row] = -half_even(owed, _MILLION * _YEAR_DAYS)
    charged = -int(cash.sum())
    cash[LENDER] += charged
    event = BorrowCharged(
        session=session, symbol=instrument.symbol, short_lots=short,
        available_lots=terms.available_lots, rate_ppm=rate, days=days, charged_micros=charged,
    )  # fmt: skip
    return Plan(cash=cash, events=(event,) if short else ())


def plan_interest(
    session: date, days: int, terms: InterestTerms, cash: Ints, short_value: Ints
) -> Plan:
    """Return the plan of interest; the value of shorts is collateral and earns nothing."""
    change = np.zeros(len(cash), np.int64)
    if not (terms.credit_ppm or terms.debit_ppm):
        return Plan()
    for row in range(FIRST_ACCOUNT, len(cash)):
        balance = int(cash[row])
        if balance > 0:
            balance = max(balance - int(short_value[row]), 0)
        rate = terms.credit_ppm if balance > 0 else terms.debit_ppm
        change[row] = half_even(balance * rate * days, _MILLION * _YEAR_DAYS)
    credited, debited = int(change[change > 0].sum()), -int(change[change < 0].sum())
    change[INTEREST] -= credited - debited
    event = InterestBooked(
        session=session, days=days, credited_micros=credited, debited_micros=debited
    )
    return Plan(cash=change, events=(event,))


def short_value(
    position: Ints, instruments: Sequence[Instrument], marks: Mapping[str, int]
) -> Ints:
    """Return the market value of each account's shorts, micros."""
    value = np.zeros(len(position), np.int64)
    for column, instrument in enumerate(instruments):
        lots = np.minimum(position[:, column], 0)
        value -= lots * instrument.notional_micros(marks[instrument.symbol], 1)
    return value


def plan_recalls(
    session: date, next_session: date, due: date, *, column: int, symbol: str, terms: BorrowTerms,
    position: Ints, standing: Sequence[Recall],
) -> tuple[tuple[ClearingEvent, ...], list[Recall]]:  # fmt: skip
    """Return what recalls do: events, and the recalls of this stock that stand from now on.

    Lots beyond the pool are recalled from shorts in proportion, largest remainders first, then
    lower account numbers. A recall that is due and not met is bought in next morning.
    """
    shorts = {int(row): -int(position[row]) for row in _holders(position) if position[row] < 0}
    excess = max(sum(shorts.values()) - terms.available_lots, 0)
    events: list[ClearingEvent] = []
    kept: list[Recall] = []
    for recall in standing:
        # Whoever has covered, or whose lender has stock again, is free of it.
        now = max(-int(position[recall.account]), 0)
        returned = max(recall.short_lots - now, 0)
        lots = min(max(recall.lots - returned, 0), shorts.get(recall.account, 0), excess)
        excess -= lots
        if lots == 0:
            continue
        shorts[recall.account] -= lots
        if recall.due <= session:
            events.append(
                BuyInOrdered(session=session, symbol=symbol, account=recall.account, lots=lots,
                             on=next_session)
            )  # fmt: skip
        kept.append(msgspec.structs.replace(recall, lots=lots, short_lots=now))
    for account, lots in _in_proportion(shorts, excess):
        short = -int(position[account])
        kept.append(
            Recall(account=account, instrument=column, lots=lots, short_lots=short, due=due)
        )
        events.append(
            BorrowRecalled(session=session, symbol=symbol, account=account, lots=lots, due=due)
        )
    return tuple(events), kept


def _in_proportion(shorts: Mapping[int, int], excess: int) -> list[tuple[int, int]]:
    total = sum(shorts.values())
    if excess <= 0 or total == 0:
        return []
    shares = {account: divmod(lots * excess, total) for account, lots in sorted(shorts.items())}
    left = excess - sum(whole for whole, _ in shares.values())
    by_remainder = sorted(shares, key=lambda account: (-shares[account][1], account))
    extra = set(by_remainder[:left])
    told = [(account, whole + (account in extra)) for account, (whole, _) in shares.items()]
    return [(account, lots) for account, lots in told if lots > 0]
