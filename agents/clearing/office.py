"""The broker's office: closes what a margin call lacks, buys in, and clears expiry day."""

from collections.abc import Callable
from typing import ClassVar, assert_never

from agents.clearing.closing_policy import (
    Closing,
    Terms,
    expiring_to_close,
    next_closing,
    shortfall_if_assigned,
    slice_of,
)
from agents.clearing.office_state import AccountWork, OfficeDay, OfficeSettings, OfficeState
from agents.instrument_view import status_topic
from agents.orders import OrderNumbers
from environment.actors import Actor, ActorContext, ActorRef
from environment.clearing_messages import (
    AccountStanding,
    ClosePosition,
    ClosingReason,
    HoldersReport,
    PositionClosed,
    QueryHolders,
    QueryStanding,
)
from environment.market.clearing_events import (
    BuyInOrdered,
    ClearingEvent,
    Event,
    MarginCalled,
    MarginCallMet,
)
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    PhaseChanged,
    RequestExpired,
    Resumed,
    SubmitOrder,
    TimerFired,
)

TOPIC = "clearing"
CLOSED_TOPIC = "clearing/closings"
_ANSWER_NS = 10_000_000_000
_HOLDERS, _LOOK = "holders", "look"

ToOffice = (
    Resumed | TimerFired | AccountStanding | HoldersReport | RequestExpired | OrderRefused
    | OrderAccepted | OrderFilled | OrderCancelled | PhaseChanged | BandsChanged
    | AuctionIndication | Event
)  # fmt: skip


class Office(Actor[ToOffice]):
    """Asks how an account stands, closes a slice, and asks again until nothing is left to do.

    It reaches the books with the delays of its connection, as anybody does, and keeps one beat an
    account, so that what is under way is never closed twice. `terms` are what everybody may know of
    the instruments: an answer names them by symbol alone.
    """

    KIND: ClassVar[str] = "office"

    def __init__(
        self, exchange: ActorRef[ClosePosition | QueryStanding | QueryHolders],
        settings: OfficeSettings, terms: Callable[[], Terms],
    ) -> None:  # fmt: skip
        self._exchange, self._settings, self._terms = exchange, settings, terms
        self.state: OfficeState = OfficeState(numbers=OrderNumbers())

    def receive(self, ctx: ActorContext, message: ToOffice) -> None:
        """Handle one message."""
        match message:
            case Resumed():
                self._begin(ctx)
            case MarginCalled() if self._settings.liquidates:
                self._work_on(message.account).is_called = True
                self._look_at(ctx, message.account, message.due_ns)
            case MarginCallMet(account=account):
                self._work_on(account).is_called = False
            case BuyInOrdered():
                self._take_buy_in(ctx, message)
            case PhaseChanged(instrument=symbol, phase=phase):
                self.state.phases[symbol] = phase
            case TimerFired(name=name):
                self._on_timer(ctx, name)
            case AccountStanding():
                self._on_standing(ctx, message)
            case HoldersReport(accounts=accounts):
                self._look_at_holders(ctx, accounts)
            case OrderRefused():
                self.state.refused += 1
            case RequestExpired():
                self._ask_again(ctx)
            case (
                OrderAccepted() | OrderFilled() | OrderCancelled() | BandsChanged()
                | AuctionIndication() | ClearingEvent()
            ):  # fmt: skip
                pass
            case never:
                assert_never(never)

    def _begin(self, ctx: ActorContext) -> None:
        ctx.subscribe(TOPIC)
        for day in self._settings.days if self._settings.liquidates else ():
            if day.expiry_check_ns > ctx.now_ns():
                ctx.after(day.expiry_check_ns - ctx.now_ns(), _HOLDERS)

    def _look_at_holders(self, ctx: ActorContext, accounts: tuple[int, ...]) -> None:
        for account in accounts:
            self._work_on(account).is_expiring = True
            self._ask(ctx, account)

    def _ask_again(self, ctx: ActorContext) -> None:
        """Look once more, a beat later, at whatever the exchange did not answer about."""
        for account, work in self.state.works.items():
            if work.is_asked:
                work.is_asked = False
                self._look_at(ctx, account, ctx.now_ns() + self._settings.every_ns)

    def _take_buy_in(self, ctx: ActorContext, told: BuyInOrdered) -> None:
        opens_ns = next((d.open_ns for d in self._settings.days if d.session == told.on), None)
        if opens_ns is None:
            return  # The run is over by then.
        work = self._work_on(told.account)
        work.to_buy[told.symbol] = told.lots
        work.targets.pop(told.symbol, None)
        self._look_at(ctx, told.account, opens_ns)

    def _on_timer(self, ctx: ActorContext, name: str) -> None:
        what, _, account = name.partition(" ")
        if what == _LOOK:
            self._work_on(int(account)).is_waiting = False
            self._ask(ctx, int(account))
            return
        day = self._today(ctx.now_ns())
        query = QueryHolders(expiring_by=day.session)
        ctx.request(self._exchange, query, ctx.now_ns() + _ANSWER_NS)
        if ctx.now_ns() + self._settings.holders_every_ns < day.close_ns:
            ctx.after(self._settings.holders_every_ns, _HOLDERS)

    def _look_at(self, ctx: ActorContext, account: int, at_ns: int) -> None:
        work = self._work_on(account)
        if not self.state.is_listening:
            self.state.is_listening = True
            for symbol in self._settings.stocks:
                # Work comes at night: until it hears of the open, the stock is closed.
                self.state.phases.setdefault(symbol, "closed")
                ctx.subscribe(status_topic(symbol))
        if not work.is_waiting:
            work.is_waiting = True
            ctx.after(max(at_ns - ctx.now_ns(), 1), f"{_LOOK} {account}")

    def _ask(self, ctx: ActorContext, account: int) -> None:
        work = self._work_on(account)
        if not work.is_asked and not work.is_waiting:
            work.is_asked = True
            query = QueryStanding(account=account)
            ctx.request(self._exchange, query, ctx.now_ns() + _ANSWER_NS)

    def _on_standing(self, ctx: ActorContext, standing: AccountStanding) -> None:
        account, now_ns = standing.account, ctx.now_ns()
        work, day = self._work_on(account), self._today(now_ns)
        work.is_asked = False
        is_busy = self._expire(ctx, work, standing, day)
        if not is_busy:
            is_buying = self._buy_in(ctx, work, standing)
            is_busy = self._liquidate(ctx, work, standing, day) or is_buying
        every_ns = self._settings.every_ns if is_busy else self._settings.watch_every_ns
        if not work.is_over and now_ns + every_ns < day.close_ns:
            self._look_at(ctx, account, now_ns + every_ns)
        elif work.is_over and not work.is_waiting:
            del self.state.works[account]

    def _expire(
        self, ctx: ActorContext, work: AccountWork, standing: AccountStanding, day: OfficeDay
    ) -> bool:
        """Close what expires and could not be carried; return whether something was."""
        if not work.is_expiring:
            return False
        terms = self._terms()
        # Known to lack margin, it is closed until the bound fits: nothing exact is asked again.
        lacks = shortfall_if_assigned(
            standing, terms, day.session, self._settings.band,
            exact=False if work.is_short else None,
        )  # fmt: skip
        found = (
            expiring_to_close(standing, terms, day.session, self._settings.band) if lacks else ()
        )
        work.is_expiring = work.is_short = bool(found)
        for closing in found:
            self._close(ctx, standing, closing, "assignment", lacks)
        return work.is_expiring

    def _buy_in(self, ctx: ActorContext, work: AccountWork, standing: AccountStanding) -> bool:
        """Buy what lenders want back; return whether something was missing."""
        for symbol, lots in list(work.to_buy.items()):
            held = standing.positions.get(symbol, 0)
            target = work.targets.setdefault(symbol, min(held + lots, 0))
            if held >= target:
                del work.to_buy[symbol], work.targets[symbol]
                continue
            self._close(ctx, standing, Closing(symbol, target - held), "buy_in", 0)
        return bool(work.to_buy)

    def _liquidate(
        self, ctx: ActorContext, work: AccountWork, standing: AccountStanding, day: OfficeDay
    ) -> bool:
        """Close what a call lacks; return whether it lacks something.

        Its owner may trade on: a call stands until the night finds it met.
        """
        if not work.is_called:
            return False
        closing = next_closing(standing, self._terms(), day.session, self._settings.buffer)
        if closing is None:
            return False
        lacks = standing.required_micros - standing.equity_micros
        self._close(ctx, standing, closing, "margin_call", lacks)
        return True

    def _close(
        self, ctx: ActorContext, standing: AccountStanding, closing: Closing, reason: ClosingReason,
        lacks: int,
    ) -> None:  # fmt: skip
        """Send an order for a slice of a closing, unless its market is known not to be open."""
        stock = self._terms()[closing.instrument].underlying or closing.instrument
        if self.state.phases.get(stock, "continuous") != "continuous":
            return
        told = self._settings
        lots = slice_of(closing.lots, told.share, told.smallest_lots, told.slice_lots)
        self.state.sent += 1
        order = SubmitOrder(
            order_id=self.state.numbers.next_id(ctx.address, ctx.now_ns()),
            account=f"#{standing.account}", instrument=closing.instrument,
            side="buy" if lots > 0 else "sell", quantity=abs(lots),
            order_type="market", time_in_force="ioc",
        )  # fmt: skip
        ctx.send(self._exchange, ClosePosition(
            order=order, session=self._today(ctx.now_ns()).session, reason=reason,
            shortfall_micros=max(lacks, 0),
        ))  # fmt: skip
        ctx.publish(CLOSED_TOPIC, PositionClosed(
            account=standing.account, instrument=closing.instrument, lots=lots,
            reason=reason, shortfall_micros=max(lacks, 0),
        ))  # fmt: skip

    def _work_on(self, account: int) -> AccountWork:
        return self.state.works.setdefault(account, AccountWork())

    def _today(self, now_ns: int) -> OfficeDay:
        begun = [day for day in self._settings.days if day.open_ns <= now_ns]
        return begun[-1] if begun else self._settings.days[0]
