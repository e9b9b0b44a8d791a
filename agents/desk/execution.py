"""Execution: works an approved parent order in children, each of which risk lets pass or not."""

from typing import ClassVar, Final, assert_never

from agents.desk.execution_state import (
    ExecutionCost,
    ExecutionSettings,
    ExecutionState,
    ExecutionStatistics,
)
from agents.desk.resting_work import NEVER, RestingWork
from agents.desk.schedule import Session, Window, twap_due, vwap_due
from agents.desk.structure_work import StructureWork
from agents.desk.working_order import (
    EXECUTIONS,
    EndParent,
    ParentOver,
    ParentWithheld,
    WithholdParent,
    WorkingOrder,
)
from agents.instrument_view import InstrumentView, quotes_topic, status_topic
from agents.orders import OrderNumbers, Terms, TrackedOrder
from environment.actors import Actor, ActorContext, ActorRef, Directory
from environment.control_messages import STATE_TOPIC, DeskStateChanged
from environment.messages import (
    ApprovedOrder,
    AuctionIndication,
    BandsChanged,
    CancelOrder,
    CancelRequest,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    OrderTriggered,
    PhaseChanged,
    QuoteUpdate,
    Resumed,
    TimerFired,
)
from environment.option_messages import ChainUpdate, SeriesListed

_BEAT: Final = "beat"


ToExecution = (
    Resumed | ApprovedOrder | CancelOrder | WithholdParent | EndParent | QuoteUpdate
    | PhaseChanged | BandsChanged | AuctionIndication | TimerFired | DeskStateChanged
    | OrderAccepted | OrderRefused | OrderFilled | OrderCancelled | OrderReplaced
    | OrderTriggered | ChainUpdate | SeriesListed
)  # fmt: skip


class Execution(Actor[ToExecution]):
    """One child of a parent at a time: at the near touch first, at the far one when it is late.

    A parent's children are never worse than its price, never sum to more than its quantity, and
    none leaves after its window. Its owner hears of it as of one order. At a halt of the desk or at
    the end of the window the rest is cancelled, and never proposed again by itself; what people
    approved for longer than a day is withheld instead, until they approve it again.
    """

    KIND: ClassVar[str] = "execution"
    DURABLE: ClassVar[bool] = True

    def __init__(
        self, risk: ActorRef[OrderRequest | CancelRequest | ParentOver | ParentWithheld],
        owners: Directory[OrderEvent], settings: ExecutionSettings,
    ) -> None:  # fmt: skip
        self._risk = risk
        self._owners = owners
        self._settings = settings
        self._work_on = StructureWork(
            {i.symbol: i for i in settings.instruments + settings.series}, settings.slices,
            settings.patience,
        )  # fmt: skip
        self._rest = RestingWork(risk, self._end)
        views = {instrument.symbol: InstrumentView() for instrument in settings.instruments}
        self.state: ExecutionState = ExecutionState(views=views, numbers=OrderNumbers())

    def receive(self, ctx: ActorContext, message: ToExecution) -> None:
        """Handle one message."""
        match message:
            case ApprovedOrder():
                self._begin(ctx, message)
            case CancelOrder() | WithholdParent() | EndParent():
                self._rest.take_out(ctx, self.state, message)
            case QuoteUpdate() | PhaseChanged() | ChainUpdate():
                self._on_market(ctx, message)
            case TimerFired(name=name):
                self._beat(ctx, name)
            case (
                OrderAccepted() | OrderRefused() | OrderFilled() | OrderCancelled()
                | OrderReplaced() | OrderTriggered()
            ):  # fmt: skip
                self._on_event(ctx, message)
            case DeskStateChanged(scope=scope, after=after):
                if scope == "desk" and after == "halted":
                    for order in list(self.state.working.values()):
                        self._rest.stop(ctx, order, "halted")
            case BandsChanged() | AuctionIndication():
                pass
            case SeriesListed():
                self._work_on.learn(message, self.state.listed)
            case Resumed(open_orders=still_open):
                self._resume(ctx, {order.order_id for order in still_open})
            case never:
                assert_never(never)

    def statistics(self) -> ExecutionStatistics:
        """Return counts, for the panel."""
        state = self.state
        return ExecutionStatistics(
            working=len(state.working), done=state.done,
            refused_children=state.refused_children, costs=state.costs,
        )  # fmt: skip

    def _on_market(
        self, ctx: ActorContext, message: QuoteUpdate | PhaseChanged | ChainUpdate
    ) -> None:
        if not isinstance(message, PhaseChanged):
            self.state.quotes.hear(message, ctx.now_ns())
        if not isinstance(message, ChainUpdate):
            view = self.state.views.get(message.instrument)
            if view is not None:  # Otherwise a leg.
                view.hear(message, ctx.now_ns())

    def _resume(self, ctx: ActorContext, still_open: set[str]) -> None:
        """Listen, and let every parent of an earlier incarnation end: nothing is sent twice.

        One that rests stays while its child does; else it waits to be asked about again.
        """
        ctx.subscribe(STATE_TOPIC)
        for symbol in self.state.listens_to:
            self._listen(ctx, symbol)
        self._work_on.instruments.update(self.state.listed)
        self.state.quotes.resume(ctx, self._settings.quotes_every_ns)
        self.state.is_beating = False
        for order in list(self.state.working.values()):
            if order.rests:
                self._rest.resume(ctx, order, still_open)
            else:
                self._end(ctx, order, "restarted")
        self._keep_beating(ctx)

    def _listen(self, ctx: ActorContext, symbol: str) -> None:
        ctx.subscribe(quotes_topic(symbol), self._settings.quotes_every_ns)
        ctx.subscribe(status_topic(symbol))

    # --- parents -------------------------------------------------------------------------------

    def _begin(self, ctx: ActorContext, approved: ApprovedOrder) -> None:
        request, now_ns = approved.order, ctx.now_ns()
        known = self.state.working.get(request.order_id)
        if known is not None:  # It starts its parent once; what rests may come back.
            self._rest.go_on(ctx, self.state, known, request)
            return
        view = self.state.views[request.instrument]
        if request.instrument not in self.state.listens_to:
            self.state.listens_to.append(request.instrument)
            self._listen(ctx, request.instrument)
        if request.legs:
            every_ns = self._settings.quotes_every_ns
            self.state.quotes.listen(ctx, request.instrument, request.legs, every_ns)
        within_ns = request.within_ns or self._settings.within_ns
        end_ns = min(now_ns + within_ns, max(self._session(now_ns).close_ns, now_ns + 1))
        if approved.decision is not None:
            end_ns = max(min(end_ns, approved.decision.send_until_ns), now_ns + 1)
        rests = request.style == "direct"  # Else it would not have come here.
        if rests:
            end_ns = request.expire_ns or NEVER
        order = WorkingOrder(
            request=request, owner=approved.owner,
            window=Window(begin_ns=now_ns, end_ns=end_ns),
            twice_arrival=0 if request.legs else view.twice_mid or 0, volume_at_start=view.volume,
            unit_micros=self._work_on.unit_micros(request),
            weights=self._work_on.weights(request), rests=rests,
        )  # fmt: skip
        self.state.working[request.order_id] = order
        accepted = OrderAccepted(
            order_id=request.order_id, instrument=request.instrument, exchange_ns=now_ns,
            quantity=request.quantity,
        )  # fmt: skip
        self._tell(ctx, order, accepted)
        if rests:
            self._rest.mind_date(ctx, order)
            self._rest.begin(ctx, self.state, order)
        else:
            self._work(ctx, order)
        self._keep_beating(ctx)

    def _beat(self, ctx: ActorContext, name: str) -> None:
        self.state.is_beating = self.state.is_beating and name != _BEAT
        for order in list(self.state.working.values()):
            if order.is_ending:
                continue  # Its child's last word is on the way.
            if ctx.now_ns() >= order.window.end_ns:
                self._end(ctx, order, "expired" if order.rests else "window_over")
            elif not order.rests:
                self._work(ctx, order)
        self._keep_beating(ctx)

    def _keep_beating(self, ctx: ActorContext) -> None:
        is_busy = any(not order.rests for order in self.state.working.values())
        if is_busy and not self.state.is_beating:
            self.state.is_beating = True
            ctx.after(self._settings.beat_ns, _BEAT)

    def _end(self, ctx: ActorContext, order: WorkingOrder, reason: str) -> None:
        """Let no further child leave; the parent is over when its last child is."""
        if not order.is_ending:
            order.is_ending, order.ending_reason = True, reason
        if order.child is not None:
            self._rest.cancel_child(ctx, order)
            return
        del self.state.working[order.order_id]
        self.state.done += 1
        ctx.send(self._risk, ParentOver(order_id=order.order_id))
        report = order.report(ctx.now_ns(), self._volume(order))
        self.state.costs.setdefault(order.request.strategy, ExecutionCost()).add(report)
        ctx.publish(EXECUTIONS, report)
        if order.leaves:
            self._tell(
                ctx,
                order,
                OrderCancelled(
                    order_id=order.order_id, instrument=order.request.instrument,
                    quantity=order.leaves, reason=order.ending_reason, exchange_ns=ctx.now_ns(),
                ),
            )  # fmt: skip

    def _volume(self, order: WorkingOrder) -> int:
        return self.state.views[order.request.instrument].volume

    def _tell(self, ctx: ActorContext, order: WorkingOrder, event: OrderEvent) -> None:
        """Tell the owner of its parent as of any order; risk hears of the children itself."""
        if order.owner in self._owners:
            ctx.send(self._owners[order.owner], event)

    # --- children ------------------------------------------------------------------------------

    def _work(self, ctx: ActorContext, order: WorkingOrder) -> None:
        """Send what is due, or make a child that is late take the far touch."""
        view = self.state.views[order.request.instrument]
        if order.request.legs:
            if view.is_continuous:
                self._work_structure(ctx, order)
            return
        if not view.is_continuous or view.bid_price is None or view.ask_price is None:
            return
        if not order.twice_arrival:  # The first touch heard since it began.
            order.twice_arrival = view.bid_price + view.ask_price
            order.volume_at_start = view.volume
        is_late = self._is_late(order, ctx.now_ns())
        if order.child is not None:
            if order.child_is_passive and (is_late or self._is_behind(order, view)):
                self._rest.cancel_child(ctx, order)
            return
        due = self._due(order, ctx.now_ns()) - order.filled
        if due > 0:
            is_passive = order.request.style != "market" and not is_late
            self._send_child(ctx, order, due, view, is_passive=is_passive)

    def _work_structure(self, ctx: ActorContext, order: WorkingOrder) -> None:
        """Try a structure's whole rest once a slice, at a net price that gives way with time."""
        if order.child is not None:
            return
        touch = self.state.quotes.touch(order.request.legs, self._work_on.instruments)
        terms = self._work_on.next_try(order, touch, self.state.quotes, ctx.now_ns())
        if terms is None:
            return
        order_id = self.state.numbers.next_id(ctx.address, ctx.now_ns())
        request = order.request
        order.child = TrackedOrder(order_id, request.instrument, "buy", terms, legs=request.legs)
        order.child_is_passive = False
        order.children += 1
        self.state.parents[order_id] = order.order_id
        ctx.send(
            self._risk,
            OrderRequest(
                order_id=order_id, instrument=request.instrument, side="buy",
                quantity=terms.quantity, price=terms.price, time_in_force="ioc", legs=request.legs,
                parent=order.order_id, strategy=request.strategy,
            ),
        )  # fmt: skip

    def _due(self, order: WorkingOrder, now_ns: int) -> int:
        """Return the lots that should have traded by the end of this slice."""
        quantity, window, slices = order.request.quantity, order.window, self._settings.slices
        match order.request.style:
            case "twap":
                return twap_due(quantity, window, now_ns, slices)
            case "vwap":
                return vwap_due(quantity, window, now_ns, slices, self._session(now_ns))
            case "direct" | "market" | "passive":
                return quantity
            case never:
                assert_never(never)

    def _session(self, now_ns: int) -> Session:
        """Return the day that is under way or comes next; the last one after all are over."""
        sessions = self._settings.sessions
        return next((s for s in sessions if s.close_ns > now_ns), sessions[-1])

    def _is_late(self, order: WorkingOrder, now_ns: int) -> bool:
        """Return whether the time to rest is over: of the slice, or of the whole window."""
        share = order.window.share(now_ns)
        if order.request.style in {"twap", "vwap"}:
            share = share * self._settings.slices % 1.0
        return share >= self._settings.patience

    def _is_behind(self, order: WorkingOrder, view: InstrumentView) -> bool:
        """Return whether the near touch has left a resting child behind."""
        child = order.child
        assert child is not None, f"{order.order_id}: no child"
        near = view.bid_price if order.side == "buy" else view.ask_price
        price = child.terms.price
        if near is None or price is None or price == self._bounded(order, near):
            return False
        return near > price if order.side == "buy" else near < price

    def _bounded(self, order: WorkingOrder, price: int) -> int:
        """Return a price, no worse than the parent's."""
        limit = order.request.price
        if limit is None:
            return price
        return min(price, limit) if order.side == "buy" else max(price, limit)

    def _send_child(
        self, ctx: ActorContext, order: WorkingOrder, lots: int, view: InstrumentView, *,
        is_passive: bool,
    ) -> None:  # fmt: skip
        near, far = view.bid_price, view.ask_price
        if order.side == "sell":
            near, far = far, near
        touch = near if is_passive else far
        assert touch is not None, f"{order.order_id}: a child without a touch"
        price = self._bounded(order, touch)
        order_id = self.state.numbers.next_id(ctx.address, ctx.now_ns())
        order.child = TrackedOrder(
            order_id, order.request.instrument, order.side, Terms(lots, price)
        )
        order.child_is_passive = is_passive
        order.children += 1
        self.state.parents[order_id] = order.order_id
        ctx.send(
            self._risk,
            OrderRequest(
                order_id=order_id, instrument=order.request.instrument, side=order.side,
                quantity=lots, price=price, time_in_force="day" if is_passive else "ioc",
                parent=order.order_id, strategy=order.request.strategy,
            ),
        )  # fmt: skip

    def _on_event(self, ctx: ActorContext, event: OrderEvent) -> None:
        order = self.state.working.get(self.state.parents.get(event.order_id, ""))
        if order is None or order.child is None or order.child.order_id != event.order_id:
            return  # A cancel that came too late was refused.
        child = order.child
        filled = child.follow(event)
        if isinstance(event, OrderFilled) and (filled or child.legs):
            self._tell(ctx, order, order.book(event))
        if not child.is_over:
            return
        order.child, was_passive = None, order.child_is_passive
        del self.state.parents[event.order_id]
        if self._rest.is_out(order, event):
            self._rest.stop(ctx, order, "the day is over")
        elif isinstance(event, OrderRefused):
            self.state.refused_children += 1
            self._end(ctx, order, f"child_refused: {event.reason}")
        elif order.is_ending or order.leaves == 0:
            self._end(ctx, order, order.ending_reason or "filled")
        elif was_passive:
            self._work(ctx, order)  # What rested long enough goes on at the far touch at once.


__all__ = ["Execution", "ExecutionSettings", "ExecutionState", "ExecutionStatistics"]
