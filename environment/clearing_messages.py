"""Messages between the clearing house and those who hold or have written options."""

from datetime import date
from typing import Literal

from environment.instruments import Instrument
from environment.messages import Message, MoneyMessage, Request, Side, SubmitOrder

ExerciseReason = Literal["expiry", "instruction", "dividend", "interest"]
ClosingReason = Literal["margin_call", "buy_in", "assignment"]


class InstructionAccepted(Message, frozen=True, kw_only=True):
    """Fact: the instruction stands, in the place of any earlier one of that day and series."""

    instrument: str
    contracts: int


class InstructionRefused(Message, frozen=True, kw_only=True):
    """Fact: the instruction changes nothing."""

    instrument: str
    reason: str


class ExerciseInstruction(
    Request[InstructionAccepted | InstructionRefused], frozen=True, kw_only=True
):
    """Request: exercise exactly so many contracts of a series tonight.

    Taken until the cut-off of the day (17:30). On the last day it overrides exercise by exception:
    0 lets all lapse, more than the holding exercises all of it. Before that day it is an early
    exercise of an American option.
    """

    account: str
    instrument: str
    contracts: int


class ExerciseNotice(MoneyMessage, frozen=True, kw_only=True):
    """Fact: contracts of this account were exercised; shares or cash have moved."""

    account: str
    instrument: str
    session: date
    contracts: int
    reason: ExerciseReason
    shares: int  # Of the underlying, signed; 0 where it settles in cash.
    cash_micros: int


class AssignmentNotice(MoneyMessage, frozen=True, kw_only=True):
    """Fact: contracts that this account had written were assigned to it. Heard next morning."""

    account: str
    instrument: str
    session: date
    contracts: int
    shares: int  # Of the underlying, signed; 0 where it settles in cash.
    cash_micros: int


class ExpiryNotice(MoneyMessage, frozen=True, kw_only=True):
    """Fact: contracts of this account ended without value; negative where it had written them."""

    account: str
    instrument: str
    session: date
    contracts: int


class AdjustmentNotice(MoneyMessage, frozen=True, kw_only=True):
    """Fact: a corporate action turned a holding into contracts of another symbol."""

    account: str
    instrument: str
    adjusted: str
    session: date
    contracts: int  # Of the adjusted series, signed.


class MarginCallNotice(MoneyMessage, frozen=True, kw_only=True):
    """Fact: equity is below the requirement; what is missing at `due_ns` is liquidated."""

    account: str
    session: date
    equity_micros: int
    required_micros: int
    call_micros: int
    due_ns: int


class MarginCallMetNotice(MoneyMessage, frozen=True, kw_only=True):
    """Fact: an earlier margin call no longer stands."""

    account: str
    session: date


class EveningStatement(MoneyMessage, frozen=True, kw_only=True):
    """Fact, after a night's notices: what an account holds and owns, and the closing marks.

    `marks` are the stocks' official closes in ticks as they open next; `listed` are the terms of
    the options that it holds.
    """

    account: str
    session: date
    positions: dict[str, int]
    cash_micros: int
    marks: dict[str, int]
    listed: tuple[Instrument, ...] = ()


# --- the clearing firm's own office: what it asks of the books, to liquidate and close -----------


class AccountStanding(MoneyMessage, frozen=True, kw_only=True):
    """Reply: what an account holds, at the books' present middle (ticks), and what it must hold.

    `marks` are of what is held and its underlyings, by symbol alone: a listed option's symbol says
    its terms, and `SeriesAdjusted` those that a night has changed. `account` is a number of the
    ledger.
    """

    account: int
    kind: Literal["cash", "reg_t", "portfolio"]
    cash_micros: int
    positions: dict[str, int]
    marks: dict[str, int]
    equity_micros: int
    required_micros: int


class QueryStanding(Request[AccountStanding], frozen=True, kw_only=True):
    """Request of the clearing firm's office: how an account stands."""

    account: int


class HoldersReport(Message, frozen=True, kw_only=True):
    """Reply: accounts that hold or have written any series that ends today."""

    accounts: tuple[int, ...]


class QueryHolders(Request[HoldersReport], frozen=True, kw_only=True):
    """Request of the clearing firm's office: who holds series that expire by a day."""

    expiring_by: date


class ClosePosition(MoneyMessage, frozen=True, kw_only=True):
    """Request of the clearing firm's office: enter this order for an account, and why."""

    order: SubmitOrder
    session: date
    reason: ClosingReason
    shortfall_micros: int


class BrokerFill(MoneyMessage, frozen=True, kw_only=True):
    """Fact to who trades an account: its broker traded for it, for a reason.

    `cash_micros` is what the fill brought, its fee taken off; below 0 it was paid.
    """

    order_id: str
    instrument: str
    side: Side
    price: int
    quantity: int
    fee_micros: int
    cash_micros: int
    exchange_ns: int
    trade_id: int
    session: date
    by: str
    reason: ClosingReason
    shortfall_micros: int


class PositionClosed(Message, frozen=True, kw_only=True):
    """Fact: the office sent an order to close part of an account's position, and why."""

    account: int
    instrument: str
    lots: int  # Bought above 0, sold below.
    reason: ClosingReason
    shortfall_micros: int


PROTOCOL: tuple[type[Message], ...] = (
    ExerciseInstruction, InstructionAccepted, InstructionRefused, ExerciseNotice, AssignmentNotice,
    ExpiryNotice, AdjustmentNotice, MarginCallNotice, MarginCallMetNotice, EveningStatement,
    AccountStanding,
    QueryStanding, HoldersReport, QueryHolders, ClosePosition, BrokerFill, PositionClosed,
)  # fmt: skip
