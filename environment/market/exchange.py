"""The exchange: the core's façade, with messages on one side and rows on the other."""

from collections.abc import Mapping, Sequence
from typing import Final

from environment.actors.envelope import Envelope
from environment.clearing_messages import ClosePosition, QueryHolders, QueryStanding
from environment.errors import Defect
from environment.instruments import Instrument
from environment.market import layout as at
from environment.market.exchange_closings import broker_fill
from environment.market.exchange_names import take_names
from environment.market.exchange_office import OfficeDoor
from environment.market.exchange_options import OPTION_REQUESTS, OptionDesk, OptionRequest, name_of
from environment.market.exchange_snapshot import encoded, restored
from environment.market.exchange_state import Arrivals, ExchangeState, Kernel, LiveOrder, Reports
from environment.market.exchange_views import view_of
from environment.market.market import Market
from environment.market.publication import Publisher
from environment.messages import (
    CancelAll,
    CancelOrder,
    Message,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    ReplaceOrder,
    Side,
    Sleep,
    SubmitOrder,
)
from environment.option_messages import DealerReport

ADDRESS: Final = "exchange"
_SIDES: Final = {"buy": at.BUY, "sell": at.SELL}
_SIDE_NAMES: Final[tuple[Side, Side]] = ("buy", "sell")
_TYPES: Final = {
    "limit": at.LIMIT, "market": at.MARKET, "midpoint": at.MIDPOINT, "stop": at.STOP,
    "stop_limit": at.STOP_LIMIT, "trailing_stop": at.TRAILING_STOP, "on_open": at.ON_OPEN,
    "on_close": at.ON_CLOSE,
}  # fmt: skip
_TIMES: Final = {"day": at.DAY, "ioc": at.IOC, "fok": at.FOK, "gtc": at.GTC, "gtd": at.GTD}
_SELF_TRADE: Final = {
    "cancel_newest": at.CANCEL_NEWEST, "cancel_oldest": at.CANCEL_OLDEST,
    "cancel_both": at.CANCEL_BOTH, "decrement": at.DECREMENT, "allow": at.ALLOW,
}  # fmt: skip
_AT_ONCE: Final = (Sleep, DealerReport)  # What no connection carries.
_POST: Final = {"no": 0, "refuse": at.F_POST_REFUSE, "slide": at.F_POST_SLIDE}


class Exchange:
    """Take orders of the world and of the venue; tell owners and subscribers what happened.

    Parameters
    ----------
    symbols, accounts
        Number in the core, by name.
    gated
        Accounts whose orders are taken from `venue` alone.
    owners
        Addresses by the owner number that the core's account and trader rows carry.
    traders
        Trader row by address, for the crowd's Python actors.
    """

    def __init__(
        self,
        market: Market,
        *,
        symbols: dict[str, int],
        accounts: dict[str, int],
        owners: list[str],
        publisher: Publisher,
        gated: frozenset[str] = frozenset(),
        venue: str = "venue",
        traders: dict[str, int] | None = None,
        arrivals: Arrivals | None = None,
        reports: Reports | None = None,
    ) -> None:
        self.addresses = frozenset({ADDRESS})
        self._market, self._symbols, self._accounts = market, symbols, accounts
        self._owners, self._gated, self._venue = owners, gated, venue
        self._names, self._publisher = list(symbols), publisher
        self._traders, self._arrivals, self._reports = traders or {}, arrivals, reports
        self._kernel: Kernel | None = None
        self.state, self.series = ExchangeState(), dict[int, Instrument]()
        self.door = OfficeDoor(market, accounts)
        self._options = OptionDesk(market, symbols, accounts, self._names)
        self._takers = {
            SubmitOrder: self._submit,
            CancelOrder: self._cancel,
            ReplaceOrder: self._replace,
            CancelAll: self._cancel_all,
            Sleep: self._sleep,
            DealerReport: self._report,
            ClosePosition: self._close,
            QueryStanding: self._ask_office,
            QueryHolders: self._ask_office,
        } | dict.fromkeys(OPTION_REQUESTS, self._trade_options)

    def bind(self, kernel: Kernel) -> None:
        """Take the kernel that this exchange speaks to."""
        self._kernel = kernel
        self._publisher.bind(kernel)

    @property
    def names(self) -> Sequence[str]:
        """Return the symbols by number, as they are now: series may be renamed between days."""
        return self._names

    # --- from actors ------------------------------------------------------------------------------

    def post(self, arrival_ns: int, envelope: Envelope[Message]) -> None:
        """Take a message that reaches the exchange at `arrival_ns`."""
        self.state.taken += 1
        taker = self._takers.get(type(envelope.message))
        if taker is None:
            raise Defect(
                f"{envelope.sender} sent a {type(envelope.message).__name__} to the exchange; "
                f"expected one of {', '.join(kind.__name__ for kind in self._takers)}."
            )
        trader = self._traders.get(envelope.sender)
        if trader is not None and type(envelope.message) not in _AT_ONCE:
            assert self._arrivals is not None, "a crowd's actors need the core's own latencies"
            arrival_ns = self._arrivals(self._market, trader, arrival_ns)
        taker(arrival_ns, envelope, envelope.message)  # type: ignore[operator]  # keyed by class

    def _submit(self, arrival_ns: int, envelope: Envelope[Message], order: SubmitOrder) -> None:
        fault = self._fault(envelope.sender, order)
        if fault is not None:
            self._refuse(arrival_ns, envelope, order.order_id, fault)
            return
        state = self.state
        tag = state.next_tag
        state.next_tag = tag + 1
        side = _SIDES[order.side]
        price = order.price
        if price is None:
            price = at.MAX_PRICE if side == at.BUY else -at.MAX_PRICE
        flags = _POST[order.post_only]
        if order.hidden:
            flags |= at.F_HIDDEN
        if order.refuse_outside_bands:
            flags |= at.F_BAND_REFUSE
        if self.door.is_staff(envelope.sender):
            flags |= at.F_BROKER
        display = order.display_quantity or 0
        if display >= order.quantity:
            display = 0
        account = self.door.number_of(envelope.sender, order.account) or 0
        identity = self._market.post_order(
            arrival_ns, self._symbols[order.instrument], account, side, _TYPES[order.order_type],
            _TIMES[order.time_in_force], _SELF_TRADE[order.self_trade], flags, price,
            order.quantity, display, order.stop_price or 0, order.expire_ns or 0,
            0 if order.parent is None else self._parent(order.parent), tag,
        )  # fmt: skip
        name = order.order_id
        state.orders[tag] = LiveOrder(name, identity, account, envelope.id, envelope.chain)
        state.tags[name] = tag

    def _close(self, arrival_ns: int, envelope: Envelope[Message], closing: ClosePosition) -> None:
        """Enter an order of the broker's office for an account."""
        why = self.door.reason_of(envelope.sender, closing)
        self._submit(arrival_ns, envelope, closing.order)
        if (tag := self.state.tags.get(closing.order.order_id)) is not None:
            self.state.orders[tag].closing = why

    def _fault(self, sender: str, order: SubmitOrder) -> str | None:
        """Return why an order cannot even be written down, or None."""
        if order.account in self._gated and sender != self._venue:
            return "gated_account"
        if self.door.number_of(sender, order.account) is None:
            return f"unknown_account: {order.account}"
        if order.instrument not in self._symbols:
            return f"unknown_instrument: {order.instrument}"
        if order.order_id in self.state.tags:
            return "duplicate_order_id"
        if not -at.MAX_PRICE < order.quantity < at.MAX_PRICE:
            return "number_too_large"
        for number in (order.price, order.stop_price, order.display_quantity):
            if number is not None and not -at.MAX_PRICE < number < at.MAX_PRICE:
                return "number_too_large"
        if order.account not in self._gated:
            return None
        return self.door.margin_fault(order, self.state.orders.values())

    def _ask_office(self, arrival_ns: int, envelope: Envelope[Message], question: Message) -> None:
        assert self._kernel is not None, "the exchange is not bound to a kernel"
        # The answer takes as long to come back as the question took to come.
        self._kernel.deliver(
            2 * arrival_ns - envelope.sent_ns, ADDRESS, envelope.sender,
            self.door.answer(envelope, question), cause=envelope.id, chain=envelope.chain,
            answers=envelope.request_id, sent_ns=arrival_ns,
        )  # fmt: skip

    def _trade_options(
        self, arrival_ns: int, envelope: Envelope[Message], message: OptionRequest
    ) -> None:
        fault: str | None = "gated_account"
        if message.account not in self._gated or envelope.sender == self._venue:
            live = self.state.orders.values()
            fault = self.door.package_fault(message, live)
            if fault is None:
                fault = self._options.take(self.state, arrival_ns, envelope, message)
        if fault is not None:
            self._refuse(arrival_ns, envelope, name_of(message), fault)

    def _parent(self, name: str) -> int:
        return self.state.parents.setdefault(name, len(self.state.parents) + 1)

    def _cancel(self, arrival_ns: int, envelope: Envelope[Message], cancel: CancelOrder) -> None:
        order = self._known(arrival_ns, envelope, cancel.order_id)
        if order is None:
            return
        if order.is_package:
            self._market.post_event(arrival_ns, at.E_PACKAGE_CANCEL, order.account, order.identity)
        else:
            self._market.post_cancel(arrival_ns, order.account, order.identity)

    def _replace(self, arrival_ns: int, envelope: Envelope[Message], change: ReplaceOrder) -> None:
        order = self._known(arrival_ns, envelope, change.order_id)
        if order is None:
            return
        least, price = 1 - at.MAX_PRICE if order.is_package else 0, change.price or 0
        if not 0 <= change.quantity < at.MAX_PRICE or not least <= price < at.MAX_PRICE:
            self._refuse(arrival_ns, envelope, change.order_id, "number_too_large")
            return
        live = self.state.orders.values()
        fault = self.door.replace_fault(order, change, self._names, live)
        if fault is not None:
            self._refuse(arrival_ns, envelope, change.order_id, fault)
            return
        if order.is_package:
            self._options.replace(arrival_ns, order, change)
            return
        self._market.post_replace(arrival_ns, order.account, order.identity, change.quantity, price)

    def _known(
        self, arrival_ns: int, envelope: Envelope[Message], order_id: str
    ) -> LiveOrder | None:
        tag = self.state.tags.get(order_id)
        if tag is None:
            self._refuse(arrival_ns, envelope, order_id, "unknown_order")
            return None
        return self.state.orders[tag]

    def _cancel_all(self, arrival_ns: int, envelope: Envelope[Message], all_: CancelAll) -> None:
        if all_.account not in self._accounts or (
            all_.account in self._gated and envelope.sender != self._venue
        ):
            self._refuse(arrival_ns, envelope, all_.account, "gated_account")
            return
        instrument = at.NONE if all_.instrument is None else self._symbols[all_.instrument]
        self._market.post_cancel_all(arrival_ns, self._accounts[all_.account], instrument)

    def _sleep(self, arrival_ns: int, envelope: Envelope[Message], sleep: Sleep) -> None:
        trader = self._traders.get(envelope.sender)
        if trader is None:
            raise Defect(f"{envelope.sender} sleeps, and is no trader of the crowd.")
        self._market.post_event(max(sleep.until_ns, arrival_ns + 1), at.E_WAKE, trader, 0)

    def _report(self, _: int, envelope: Envelope[Message], report: DealerReport) -> None:
        trader = self._traders.get(envelope.sender)
        if trader is None or self._reports is None:
            raise Defect(f"{envelope.sender} reports its greeks, and is no dealer of the crowd.")
        self._reports(self._market, trader, report)

    def _refuse(
        self, arrival_ns: int, envelope: Envelope[Message], order_id: str, reason: str
    ) -> None:
        assert self._kernel is not None, "the exchange is not bound to a kernel"
        self._kernel.deliver(
            arrival_ns + 1, ADDRESS, envelope.sender,
            OrderRefused(order_id=order_id, reason=reason, exchange_ns=arrival_ns),
            cause=envelope.id, chain=envelope.chain, sent_ns=arrival_ns,
        )  # fmt: skip

    # --- to actors --------------------------------------------------------------------------------

    def next_ns(self) -> int | None:
        """Return the time of the core's next event."""
        return self._market.next_ns()

    def rename(self, series: Mapping[int, Instrument]) -> None:
        """Let series go by the symbols that they were listed by, or adjusted to."""
        changed = take_names(self._names, self._symbols, series)
        self.series.update(changed)
        self.state.renamed.update(changed)
        self._publisher.rename(changed)

    def heard(self, topic: str) -> None:
        """Publish a topic from now on: somebody hears it."""
        self._publisher.heard(self._market, topic)

    def advance(self, until_ns: int) -> None:
        """Run the core up to `until_ns` or its first delivery, and deliver what it told."""
        self._market.advance(until_ns)
        rows = self._market.take_out()
        place, count, seen = 0, len(rows), list[list[int]]()
        while place < count:
            row = rows[place]
            if row[at.X_KIND] <= at.M_TRIGGERED:
                self._tell_owner(row)
                place += 1
            elif row[at.X_KIND] in (at.M_WAKE, at.M_CHAIN_WAKE):
                self._hand_out(row, view_of(row, seen))
                seen = []
                place += 1
            elif row[at.X_KIND] >= at.M_SEEN:
                seen.append(row)
                place += 1
            elif row[at.X_KIND] >= at.M_QUOTE_FILLED:
                self._hand_out(row, *self._options.told(self.state, row))
                place += 1
            else:
                place += self._publisher.publish(rows, place)

    def _tell_owner(self, row: list[int]) -> None:
        state, kernel = self.state, self._kernel
        assert kernel is not None, "the exchange is not bound to a kernel"
        # Written out, as are the messages: this is most of what a busy market says.
        (delivery_ns, recipient, kind, identity, tag, instrument, side, price, quantity, leaves,
         fee, liquidity, now_ns, _, extra, _) = row  # fmt: skip
        order = state.orders.get(tag)
        if order is None:
            # A request about an order that was over when it arrived.
            name, cause, chain = f"#{identity}", 0, 0
        else:
            name, cause, chain = order.order_id, order.cause, order.chain
        symbol, is_over = self._names[instrument], False
        message: Message
        if kind == at.M_ACCEPTED:
            message = OrderAccepted(
                order_id=name, instrument=symbol, exchange_ns=now_ns,
                price=price if -at.MAX_PRICE < price < at.MAX_PRICE else None,
            )  # fmt: skip
        elif kind == at.M_FILLED:
            flag, is_over = liquidity & 15, leaves == 0
            message = OrderFilled(
                order_id=name, instrument=symbol, side=_SIDE_NAMES[side], price=price,
                quantity=quantity, leaves=leaves,
                liquidity="taker" if flag == at.LIQ_NONE
                else "auction" if flag == at.LIQ_AUCTION else "maker",
                fee_micros=fee, exchange_ns=now_ns, trade_id=extra,
                half_tick=bool(liquidity & at.HALF_TICK),
            )  # fmt: skip
        elif kind == at.M_CANCELLED:
            is_over = True
            message = OrderCancelled(
                order_id=name, instrument=symbol, quantity=quantity, reason=at.REASONS[extra],
                exchange_ns=now_ns,
            )  # fmt: skip
        elif kind == at.M_REFUSED:
            # A refused cancel or replace carries no quantity; its order lives on.
            is_over = quantity > 0
            message = OrderRefused(order_id=name, reason=at.REASONS[extra], exchange_ns=now_ns)
        elif kind == at.M_REPLACED:
            message = OrderReplaced(
                order_id=name, instrument=symbol, leaves=leaves, exchange_ns=now_ns,
                price=price if -at.MAX_PRICE < price < at.MAX_PRICE else None,
            )  # fmt: skip
        else:
            message = OrderTriggered(order_id=name, instrument=symbol, exchange_ns=now_ns)
        if is_over and order is not None:
            del state.orders[tag], state.tags[name]
        if order is not None and order.closing and self._owners[recipient] == self._venue:
            told = broker_fill(self._market, instrument, order.closing, message)
            if told is None:
                return  # Whose account it is has no such order.
            message = told
        kernel.deliver(
            delivery_ns, ADDRESS, self._owners[recipient], message, cause=cause, chain=chain,
            sent_ns=now_ns,
        )  # fmt: skip

    def _hand_out(self, row: list[int], message: Message, cause: int = 0, chain: int = 0) -> None:
        assert self._kernel is not None, "the exchange is not bound to a kernel"
        self._kernel.deliver(
            row[at.X_DELIVERY_NS], ADDRESS, self._owners[row[at.X_RECIPIENT]], message,
            cause=cause, chain=chain, sent_ns=row[at.X_EXCHANGE_NS],
        )  # fmt: skip

    # --- snapshots --------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Return the whole state: the arena, the floats beside it, and the façade's own."""
        return encoded(self._market, self.state)

    def restore(self, data: bytes) -> None:
        """Take a state back."""
        self.state = restored(self._market, data)
        self.rename(self.state.renamed)
