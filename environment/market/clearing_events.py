"""What the clearing between two days did, one fact per step, for the journal."""

from datetime import date

from environment.clearing_messages import ExerciseReason
from environment.messages import Message


class ClearingEvent(Message, frozen=True, kw_only=True, tag=True):
    """Root of the protocol. `session` is the day that was just traded."""

    session: date


class MarksTaken(ClearingEvent, frozen=True, kw_only=True):
    """Fact: these closing prices value every position. Ticks by symbol."""

    marks: dict[str, int]


class ContractsExercised(ClearingEvent, frozen=True, kw_only=True):
    """Fact: holders exercised these contracts; what each got for one is told per contract.

    Lists run side by side. `settlement_micros` is the price per share that decided.
    """

    instrument: str
    reason: ExerciseReason
    accounts: list[int]
    contracts: list[int]
    settlement_micros: int
    lots_per_contract: int  # Of the underlying; negative where they delivered.
    micros_per_contract: int


class ContractsAssigned(ClearingEvent, frozen=True, kw_only=True):
    """Fact: writers were drawn for every contract exercised, and what each got for one."""

    instrument: str
    accounts: list[int]
    contracts: list[int]
    lots_per_contract: int
    micros_per_contract: int


class SeriesExpired(ClearingEvent, frozen=True, kw_only=True):
    """Fact: a series is over. `contracts` lapsed at the accounts beside them, signed."""

    instrument: str
    settlement_micros: int
    exercised: int
    lapsed: int
    accounts: list[int]
    contracts: list[int]


class PinningMeasured(ClearingEvent, frozen=True, kw_only=True):
    """Fact: how near a stock closed to a strike of its own that expired, on expiry day.

    `distance_ppm` is the distance to the nearest such strike as a share of the gap to the next one,
    in millionths: 250,000 on the mean where nothing pulls. `contracts` were held long in it.
    """

    symbol: str
    close_micros: int
    strike_micros: int
    distance_ppm: int
    contracts: int


class SeriesAdjusted(ClearingEvent, frozen=True, kw_only=True):
    """Fact: a corporate action gave a series new terms; each contract became `contracts`."""

    instrument: str
    adjusted: str
    contracts: int
    strike_micros: int
    multiplier: int
    accounts: list[int]
    held: list[int]  # Contracts of the adjusted series, signed.


class SplitApplied(ClearingEvent, frozen=True, kw_only=True):
    """Fact: positions and mark changed by a split; fractions of a lot were paid in cash."""

    symbol: str
    numerator: int
    denominator: int
    mark_ticks: int  # After the split; the reference of the next day.
    accounts: int
    cash_in_lieu_micros: int  # Paid by the issuer to holders, less what shorts paid.


class DividendPaid(ClearingEvent, frozen=True, kw_only=True):
    """Fact: who held at this close, the last before the ex-date, was paid; who was short paid."""

    symbol: str
    ex_date: date
    micros_per_share: int
    accounts: int
    paid_micros: int
    charged_micros: int


class BorrowCharged(ClearingEvent, frozen=True, kw_only=True):
    """Fact: shorts paid the lender until the next session."""

    symbol: str
    short_lots: int
    available_lots: int
    rate_ppm: int  # Per year, millionths of market value.
    days: int
    charged_micros: int


class BorrowRecalled(ClearingEvent, frozen=True, kw_only=True):
    """Fact: the lender wants these lots back; what is short at the due day's close is bought in."""

    symbol: str
    account: int
    lots: int
    due: date


class BuyInOrdered(ClearingEvent, frozen=True, kw_only=True):
    """Fact: a recall was not met; the venue buys these lots for the account next morning."""

    symbol: str
    account: int
    lots: int
    on: date


class InterestBooked(ClearingEvent, frozen=True, kw_only=True):
    """Fact: cash balances earned and owed interest until the next session."""

    days: int
    credited_micros: int
    debited_micros: int


class SalesQueued(ClearingEvent, frozen=True, kw_only=True):
    """Fact: the day's sale proceeds will settle on `due`."""

    due: date
    accounts: int
    micros: int


class SalesSettled(ClearingEvent, frozen=True, kw_only=True):
    """Fact: proceeds that are due by the next session may be spent."""

    traded: date
    accounts: int
    micros: int


class MarginCalled(ClearingEvent, frozen=True, kw_only=True):
    """Fact: equity is below the maintenance requirement; the difference is due by `due_ns`."""

    account: int
    equity_micros: int
    required_micros: int
    call_micros: int
    due_ns: int


class MarginCallMet(ClearingEvent, frozen=True, kw_only=True):
    """Fact: an earlier call no longer stands."""

    account: int


class CycleDone(ClearingEvent, frozen=True, kw_only=True):
    """Fact: every step ran, and cash and shares add up as before."""

    next_session: date
    cash_micros: int  # Summed over all accounts, contra accounts included.


Event = (
    MarksTaken | ContractsExercised | ContractsAssigned | SeriesExpired | PinningMeasured
    | SeriesAdjusted
    | SplitApplied | DividendPaid | BorrowCharged | BorrowRecalled | BuyInOrdered
    | InterestBooked | SalesQueued | SalesSettled | MarginCalled | MarginCallMet | CycleDone
)  # fmt: skip
PROTOCOL = (
    MarksTaken, ContractsExercised, ContractsAssigned, SeriesExpired, PinningMeasured,
    SeriesAdjusted, SplitApplied, DividendPaid, BorrowCharged, BorrowRecalled, BuyInOrdered,
    InterestBooked, SalesQueued, SalesSettled, MarginCalled, MarginCallMet, CycleDone,
)  # fmt: skip
