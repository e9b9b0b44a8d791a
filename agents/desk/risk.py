"""The risk desk: the only road from an agent to the venue."""

from typing import ClassVar, Final, assert_never

import msgspec

from agents.desk.controls import Case, HardLimits, Mandate, find_breach
from agents.desk.exposure import DeskBook, owner_of
from agents.desk.order_form import (
    Fault,
    find_fault,
    find_malformed,
    find_price_fault,
    find_quantity_fault,
)
from agents.instrument_view import status_topic
from agents.orders import Terms, TrackedOrder, split_order_id
from environment.actors import Actor, ActorContext, ActorRef, Directory
from environment.instruments import Instrument
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    AuctionIndication,
    BandsChanged,
    CancelOrder,
    CancelRequest,
    Message,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    OrderTriggered,
    PhaseChanged,
    ReplaceRequest,
    Resumed,
)
from environment.venue_messages import PositionBooked

VERDICTS: Final = "desk/verdicts"  # The topic on which every verdict is published.


class Verdict(Message, frozen=True, kw_only=True):
    """Fact: an order or replace was passed (`rule` empty) or refused, by which rule and figures."""

    verdict_id: int
    order_id: str
    owner: str
    is_passed: bool
    rule: str = ""
    detail: str = ""
    figure: int | None = None
    limit: int | None = None
    unit: str = ""


class RiskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk may trade, for whom, and within which limits.

    `reference_ticks` values orders until the market or a fill says a price: the last close, or the
    start of the price path.
    """

    account: str
    instruments: tuple[Instrument, ...]
    mandates: dict[str, Mandate]
    limits: HardLimits = HardLimits()
    reference_ticks: dict[str, int] = {}


class RiskState(msgspec.Struct):
    """All that changes in the risk desk."""

    book: DeskBook
    marks: dict[str, int] = {}  # Ticks, by symbol.
    numbers: dict[str, int] = {}  # Number of each owner's last order.
    verdicts: int = 0
    refused: dict[str, int] = {}  # By rule.
    undelivered: int = 0  # Refusals for owners that do not exist.


class RiskStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """How much was asked, and what became of it."""

    passed: int
    refused: dict[str, int]
    open_orders: int
    unexplained_fills: int
    undelivered: int


ToVenue = ApprovedOrder | ApprovedReplace | CancelOrder
ToRisk = (
    Resumed | OrderRequest | ReplaceRequest | CancelRequest | OrderAccepted | OrderRefused
    | OrderFilled | OrderCancelled | OrderReplaced | OrderTriggered | BandsChanged | PhaseChanged
    | AuctionIndication | PositionBooked
)  # fmt: skip


class Risk(Actor[ToRisk]):
    """Passes an order or refuses it; an approved one counts in full until it is over.

    Whose an order is stands in its id, `ADDRESS/NUMBER`, whose numbers rise: so a used one is known
    without keeping them all.
    """

    KIND: ClassVar[str] = "risk"
    DURABLE: ClassVar[bool] = True

    def __init__(
        self, venue: ActorRef[ToVenue], owners: Directory[OrderEvent], settings: RiskSettings
    ) -> None:
        self._venue = venue
        self._owners = owners
        self._settings = settings
        self._instruments = {i.symbol: i for i in settings.instruments}
        self.state: RiskState = RiskState(book=DeskBook(), marks=dict(settings.reference_ticks))

    def receive(self, ctx: ActorContext, message: ToRisk) -> None:
        """Handle one message."""
        match message:
            case OrderRequest():
                self._on_order(ctx, message)
            case ReplaceRequest():
                self._on_replace(ctx, message)
            case CancelRequest():
                self._on_cancel(ctx, message)
            case (
                OrderAccepted() | OrderRefused() | OrderFilled() | OrderCancelled()
                | OrderReplaced() | OrderTriggered()
            ):  # fmt: skip
                self._on_event(message)
            case PositionBooked(instrument=symbol, change=change):
                self.state.book.account_in(symbol).position += change
            case BandsChanged(instrument=symbol, reference=reference):
                self.state.marks[symbol] = reference
            case AuctionIndication(instrument=symbol, price=price):
                if price is not None:
                    self.state.marks[symbol] = price
            case PhaseChanged():
                pass  # The exchange knows best what it takes in which phase.
            case Resumed():
                for symbol in self._instruments:
                    ctx.subscribe(status_topic(symbol))
            case never:
                assert_never(never)

    def resumed(self, address: str) -> Resumed:
        """Return what an agent has in the market: what the kernel's hook tells a restarted one."""
        return self.state.book.resumed(address)

    def statistics(self) -> RiskStatistics:
        """Return counts for summaries."""
        state = self.state
        return RiskStatistics(
            passed=state.verdicts - sum(state.refused.values()),
            refused=dict(state.refused),
            open_orders=len(state.book.orders),
            unexplained_fills=state.book.unexplained_fills,
            undelivered=state.undelivered,
        )

    # --- requests ------------------------------------------------------------------------------

    def _on_order(self, ctx: ActorContext, request: OrderRequest) -> None:
        fault = self._order_fault(request)
        if fault is not None:
            self._refuse(ctx, request.order_id, fault)
            return
        instrument = self._instruments[request.instrument]
        order = TrackedOrder(
            request.order_id, request.instrument, request.side,
            Terms(request.quantity, request.price),
        )  # fmt: skip
        owner = owner_of(order.order_id)
        if self._breaks_a_control(ctx, instrument, order, order.terms):
            return
        # Booked before sending: a crash in between leaves the desk over-cautious.
        self.state.book.reserve(order)
        approved = ApprovedOrder(
            order=request,
            owner=owner,
            account=self._settings.account,
            verdict_id=self._pass(ctx, order.order_id),
        )
        ctx.send(self._venue, approved)

    def _order_fault(self, request: OrderRequest) -> Fault | None:
        """Return why a request is no order; from here on its id is used, whatever the verdict."""
        malformed = find_malformed(request)
        if malformed is not None:
            return malformed
        named = split_order_id(request.order_id)
        if named is None or named[0] not in self._settings.mandates:
            return Fault(rule="order_id", found=f"{request.order_id!r}, expected ADDRESS/NUMBER")
        owner, number = named
        last = self.state.numbers.get(owner, -1)
        if number <= last:
            return Fault(rule="duplicate_order_id", found=f"{number}, expected one above {last}")
        self.state.numbers[owner] = number
        instrument = self._instruments.get(request.instrument)
        if instrument is None:
            return Fault(rule="unknown_instrument", found=repr(request.instrument))
        return find_fault(request, instrument)

    def _on_replace(self, ctx: ActorContext, request: ReplaceRequest) -> None:
        fault = find_malformed(request)
        order = None if fault else self.state.book.orders.get(request.order_id)
        if order is None or order.ended_at is not None:
            fault = fault or Fault(rule="unknown_order", found=repr(request.order_id))
            self._refuse(ctx, request.order_id, fault)
            return
        instrument = self._instruments[order.instrument]
        wanted = order.wanted()
        price = wanted.price if request.price is None else request.price
        terms = Terms(request.quantity, price)
        fault = find_quantity_fault(terms.quantity, instrument) or find_price_fault(
            price, instrument
        )
        if fault is None and terms == wanted:
            # The exchange says nothing to a replace that changes nothing.
            fault = Fault(rule="no_change", found=f"{terms.quantity} lots at {terms.price}")
        if fault is not None:
            self._refuse(ctx, order.order_id, fault)
            return
        if self._breaks_a_control(ctx, instrument, order, terms):
            return
        self.state.book.ask(order.order_id, Terms(request.quantity, request.price))
        approved = ApprovedReplace(
            order=request,
            owner=owner_of(order.order_id),
            verdict_id=self._pass(ctx, order.order_id),
        )
        ctx.send(self._venue, approved)

    def _on_cancel(self, ctx: ActorContext, request: CancelRequest) -> None:
        """Pass it, also where the desk does not know the order: the venue may."""
        fault = find_malformed(request)
        if fault is not None:
            self._refuse(ctx, request.order_id, fault)
            return
        self.state.book.ask(request.order_id, None)
        ctx.send(self._venue, CancelOrder(order_id=request.order_id))

    def _breaks_a_control(
        self, ctx: ActorContext, instrument: Instrument, order: TrackedOrder, terms: Terms
    ) -> bool:
        """Refuse an order whose new terms break a control, and return whether they do."""
        mark = self.state.marks.get(instrument.symbol)
        known = [price for price in (terms.price, mark) if price is not None]
        if not known:
            fault = Fault(rule="no_price", found=f"no price of {instrument.symbol} to value it by")
            self._refuse(ctx, order.order_id, fault)
            return True
        case = self._case(instrument, order, terms, max(known))
        broken = find_breach(case, self._settings.limits)
        if broken is None:
            return False
        control, breach = broken
        found = f"{breach.figure:,} {control.unit}, limit {breach.limit:,}"
        self._refuse(
            ctx, order.order_id, Fault(rule=control.name, found=found),
            figure=breach.figure, limit=breach.limit, unit=control.unit,
        )  # fmt: skip
        return True

    def _case(
        self, instrument: Instrument, order: TrackedOrder, terms: Terms, value_ticks: int
    ) -> Case:
        book, symbol, owner = self.state.book, instrument.symbol, owner_of(order.order_id)
        account, owned = book.account_in(symbol), book.owner_in(owner, symbol)
        if order.order_id in book.orders:
            account, owned = account.without(order), owned.without(order)
        return Case(
            instrument=instrument,
            side=order.side,
            quantity_lots=terms.quantity,
            leaves_lots=max(terms.quantity - order.filled, 0),
            value_ticks=value_ticks,
            account=account,
            owner=owned,
            owner_elsewhere_micros=self._value_elsewhere(owner, symbol),
            mandate=self._settings.mandates[owner],
        )

    def _value_elsewhere(self, owner: str, symbol: str) -> int:
        """Return what an owner's exposures in all other instruments are worth at their marks."""
        held = self.state.book.owners[owner]
        return sum(
            self._instruments[other].notional_micros(
                self.state.marks.get(other, 0), held[other].largest()
            )
            for other in held
            if other != symbol
        )

    # --- verdicts and events -------------------------------------------------------------------

    def _pass(self, ctx: ActorContext, order_id: str) -> int:
        self.state.verdicts += 1
        verdict = Verdict(
            verdict_id=self.state.verdicts, order_id=order_id, owner=owner_of(order_id),
            is_passed=True,
        )  # fmt: skip
        ctx.publish(VERDICTS, verdict)
        return verdict.verdict_id

    def _refuse(
        self, ctx: ActorContext, order_id: object, fault: Fault, *, figure: int | None = None,
        limit: int | None = None, unit: str = "",
    ) -> None:  # fmt: skip
        """Tell the owner, if the id names one, and publish why."""
        named = order_id if isinstance(order_id, str) else repr(order_id)
        state, owner = self.state, owner_of(named)
        state.verdicts += 1
        state.refused[fault.rule] = state.refused.get(fault.rule, 0) + 1
        verdict = Verdict(
            verdict_id=state.verdicts, order_id=named, owner=owner, is_passed=False,
            rule=fault.rule, detail=fault.found, figure=figure, limit=limit, unit=unit,
        )  # fmt: skip
        ctx.publish(VERDICTS, verdict)
        refusal = OrderRefused(order_id=named, reason=f"{fault.rule}: {fault.found}")
        self._tell_owner(ctx, owner, refusal)

    def _on_event(self, event: OrderEvent) -> None:
        """Take an event in; the custodian tells the owner."""
        self.state.book.follow(event)
        if isinstance(event, OrderFilled):
            self.state.marks[event.instrument] = event.price

    def _tell_owner(self, ctx: ActorContext, owner: str, event: OrderEvent) -> None:
        if owner in self._settings.mandates and owner in self._owners:
            ctx.send(self._owners[owner], event)
        else:
            self.state.undelivered += 1


PROTOCOL: Final = (Verdict,)
