"""The clearing firm's office: closes what a margin call lacks, buys in, and clears expiry day."""

from datetime import date
from typing import ClassVar, assert_never

import msgspec

from agents.clearing.closing_policy import (
    Closing,
    expiring_to_close,
    next_closing,
    shortfall_if_assigned,
)
from agents.orders import OrderNumbers
from environment.actors import Actor, ActorContext, ActorRef
from environment.clearing_messages import (
    AccountStanding,
    HoldersReport,
    PositionClosed,
    QueryHolders,
    QueryStanding,
)
from environment.market.clearing_events import (
    BorrowCharged,
    BorrowRecalled,
    BuyInOrdered,
    ContractsAssigned,
    ContractsExercised,
    CycleDone,
    DividendPaid,
    InterestBooked,
    MarginCalled,
    MarginCallMet,
    MarksTaken,
    PinningMeasured,
    SalesQueued,
    SalesSettled,
    SeriesAdjusted,
    SeriesExpired,
    SplitApplied,
)
from environment.messages import (
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    RequestExpired,
    Resumed,
    SubmitOrder,
    TimerFired,
)

TOPIC = "clearing"
CLOSED_TOPIC = "clearing/closings"
_ANSWER_NS = 10_000_000_000


class OfficeDay(msgspec.Struct, frozen=True, kw_only=True):
    """One session, and when expiring positions are looked at; 0 for never."""

    session: date
    open_ns: int
    close_ns: int
    expiry_check_ns: int = 0


class LiquidatorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the office closes: an order a beat, no larger than a slice.

    `band` is how far out of the money, as a share of the spot, an expiring option still counts as
    one that could be assigned.
    """

    days: tuple[OfficeDay, ...]
    every_ns: int = 5_000_000_000
    slice_lots: int = 500
    band: float = 0.005


class LiquidatorState(msgspec.Struct):
    """All that changes in the office."""

    numbers: OrderNumbers
    called: list[int] = []  # Accounts whose call stands.
    sent: int = 0
    refused: int = 0


ToOffice = (
    Resumed | TimerFired | AccountStanding | HoldersReport | RequestExpired | OrderRefused
    | OrderAccepted | OrderFilled | OrderCancelled | MarksTaken | ContractsExercised
    | ContractsAssigned | SeriesExpired | SeriesAdjusted | SplitApplied | DividendPaid
    | PinningMeasured | BorrowCharged | BorrowRecalled | BuyInOrdered | InterestBooked
    | SalesQueued | SalesSettled | MarginCalled | MarginCallMet | CycleDone
)  # fmt: skip


class Liquidator(Actor[ToOffice]):
    """Asks how a called account stands, closes a slice, and asks again until it is covered.

    It sees the books and reaches them with the delays of its connection, as anybody does.
    """

    KIND: ClassVar[str] = "liquidator"

    def __init__(
        self, exchange: ActorRef[SubmitOrder | QueryStanding | QueryHolders],
        settings: LiquidatorSettings,
    ) -> None:  # fmt: skip
        self._exchange, self._settings = exchange, settings
        self.state: LiquidatorState = LiquidatorState(numbers=OrderNumbers())

    def receive(self, ctx: ActorContext, message: ToOffice) -> None:
        """Handle one message."""
        match message:
            case Resumed():
                ctx.subscribe(TOPIC)
                for day in self._settings.days:
                    if day.expiry_check_ns > ctx.now_ns():
                        ctx.after(day.expiry_check_ns - ctx.now_ns(), "expiry")
            case MarginCalled() | MarginCallMet():
                self._note_call(ctx, message)
            case BuyInOrdered():
                self._plan_buy_in(ctx, message)
            case TimerFired(name=name):
                self._on_timer(ctx, name)
            case AccountStanding():
                self._on_standing(ctx, message)
            case HoldersReport(accounts=accounts):
                self._ask(ctx, *accounts)
            case OrderRefused():
                self.state.refused += 1
            case (
                RequestExpired() | OrderAccepted() | OrderFilled() | OrderCancelled()
                | MarksTaken() | ContractsExercised() | ContractsAssigned() | SeriesExpired()
                | SeriesAdjusted() | SplitApplied() | DividendPaid() | BorrowCharged()
                | BorrowRecalled() | PinningMeasured() | InterestBooked() | SalesQueued()
                | SalesSettled() | CycleDone()
            ):  # fmt: skip
                pass
            case never:
                assert_never(never)

    def _note_call(self, ctx: ActorContext, told: MarginCalled | MarginCallMet) -> None:
        stands = told.account in self.state.called
        if isinstance(told, MarginCallMet):
            if stands:
                self.state.called.remove(told.account)
            return
        if not stands:
            self.state.called.append(told.account)
        ctx.after(max(told.due_ns - ctx.now_ns(), 1), f"call {told.account}")

    def _plan_buy_in(self, ctx: ActorContext, told: BuyInOrdered) -> None:
        for day in self._settings.days:
            if day.session == told.on:
                name = f"buy {told.account} {told.symbol} {told.lots}"
                ctx.after(max(day.open_ns - ctx.now_ns(), 1), name)

    def _on_timer(self, ctx: ActorContext, name: str) -> None:
        words = name.split()
        match words[0]:
            case "expiry":
                day = self._today(ctx.now_ns())
                query = QueryHolders(expiring_by=day.session)
                ctx.request(self._exchange, query, ctx.now_ns() + _ANSWER_NS)
            case "buy":
                self._close(ctx, int(words[1]), Closing(words[2], int(words[3])), "buy_in", 0)
            case _:
                if int(words[1]) in self.state.called:
                    self._ask(ctx, int(words[1]))

    def _ask(self, ctx: ActorContext, *accounts: int) -> None:
        for account in accounts:
            ctx.request(self._exchange, QueryStanding(account=account), ctx.now_ns() + _ANSWER_NS)

    def _on_standing(self, ctx: ActorContext, standing: AccountStanding) -> None:
        now_ns, account = ctx.now_ns(), standing.account
        day = self._today(now_ns)
        if account in self.state.called:
            self._liquidate(ctx, standing, day)
        if 0 < day.expiry_check_ns <= now_ns:
            lacks = shortfall_if_assigned(standing, day.session, self._settings.band)
            if lacks:
                for closing in expiring_to_close(standing, day.session, self._settings.band):
                    self._close(ctx, account, closing, "assignment", lacks)

    def _liquidate(self, ctx: ActorContext, standing: AccountStanding, day: OfficeDay) -> None:
        account = standing.account
        lacks = standing.required_micros - standing.equity_micros
        closing = next_closing(standing, day.session, self._settings.slice_lots)
        if lacks <= 0 or closing is None:
            self.state.called.remove(account)
            return
        self._close(ctx, account, closing, "margin_call", lacks)
        if ctx.now_ns() + self._settings.every_ns < day.close_ns:
            ctx.after(self._settings.every_ns, f"call {account}")

    def _close(
        self, ctx: ActorContext, account: int, closing: Closing, reason: str, lacks: int
    ) -> None:
        self.state.sent += 1
        order = SubmitOrder(
            order_id=self.state.numbers.next_id(ctx.address, ctx.now_ns()), account=f"#{account}",
            instrument=closing.instrument, side="buy" if closing.lots > 0 else "sell",
            quantity=abs(closing.lots), order_type="market", time_in_force="ioc",
        )  # fmt: skip
        ctx.send(self._exchange, order)
        ctx.publish(CLOSED_TOPIC, PositionClosed(
            account=account, instrument=closing.instrument, lots=closing.lots,
            reason="margin_call" if reason == "margin_call"
            else "buy_in" if reason == "buy_in" else "assignment",
            shortfall_micros=lacks,
        ))  # fmt: skip

    def _today(self, now_ns: int) -> OfficeDay:
        begun = [day for day in self._settings.days if day.open_ns <= now_ns]
        return begun[-1] if begun else self._settings.days[0]


__all__ = ["CLOSED_TOPIC", "Liquidator", "LiquidatorSettings", "OfficeDay"]
