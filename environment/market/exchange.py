"""The exchange: the core's façade before the actors, speaking messages on one side and rows on the other."""

from typing import Final, Protocol

import msgspec
import numpy as np

from environment.actors.envelope import Envelope
from environment.errors import Defect
from environment.market import layout as at
from environment.market.arena import Arena
from environment.market.market import Market
from environment.market.publication import Publisher
from environment.messages import (
    CancelAll,
    CancelOrder,
    MarketView,
    Message,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    ReplaceOrder,
    Sleep,
    SubmitOrder,
)

ADDRESS: Final = "exchange"
_SIDES: Final = {"buy": at.BUY, "sell": at.SELL}
_SIDE_NAMES: Final = ("buy", "sell")
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
_POST: Final = {"no": 0, "refuse": at.F_POST_REFUSE, "slide": at.F_POST_SLIDE}


class Kernel(Protocol):
    """What the exchange needs of a kernel."""

    def deliver(
        self, at_ns: int, sender: str, recipient: str, message: Message, lane: int | None = None,
        *, cause: int = 0, chain: int = 0, answers: int = 0, sent_ns: int | None = None,
    ) -> int:  # fmt: skip
        """Send one message to an actor."""

    def deliver_topic(
        self, at_ns: int, sender: str, topic: str, message: Message, sent_ns: int | None = None
    ) -> int:
        """Publish one message."""


class Arrivals(Protocol):
    """How long a message of a participant travels to the exchange, by the core's own draws."""

    def __call__(self, market: Market, trader: int, departure_ns: int) -> int:
        """Return when it arrives."""


class LiveOrder(msgspec.Struct):
    """What the façade remembers of an order that is not over: its name, and what caused it."""

    order_id: str
    identity: int
    account: int
    cause: int
    chain: int


class ExchangeState(msgspec.Struct):
    """All that changes in the façade besides the arena."""

    orders: dict[int, LiveOrder] = {}  # By the tag that the core carries.
    tags: dict[str, int] = {}
    parents: dict[str, int] = {}
    next_tag: int = 1


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

    addresses: Final = frozenset({ADDRESS})

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
    ) -> None:
        self._market, self._symbols, self._accounts = market, symbols, accounts
        self._owners, self._gated, self._venue = owners, gated, venue
        self._names = list(symbols)
        self._traders, self._arrivals = traders or {}, arrivals
        self._publisher = publisher
        self._kernel: Kernel | None = None
        self.state = ExchangeState()
        self._takers = {
            SubmitOrder: self._submit,
            CancelOrder: self._cancel,
            ReplaceOrder: self._replace,
            CancelAll: self._cancel_all,
            Sleep: self._sleep,
        }

    def bind(self, kernel: Kernel) -> None:
        """Take the kernel that this exchange speaks to."""
        self._kernel = kernel
        self._publisher.bind(kernel)

    # --- from actors ------------------------------------------------------------------------------

    def post(self, arrival_ns: int, envelope: Envelope[Message]) -> None:
        """Take a message that reaches the exchange at `arrival_ns`."""
        taker = self._takers.get(type(envelope.message))
        if taker is None:
            raise Defect(
                f"{envelope.sender} sent a {type(envelope.message).__name__} to the exchange; "
                f"expected one of {', '.join(kind.__name__ for kind in self._takers)}."
            )
        trader = self._traders.get(envelope.sender)
        if trader is not None and type(envelope.message) is not Sleep:
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
        display = order.display_quantity or 0
        if display >= order.quantity:
            display = 0
        account = self._accounts[order.account]
        identity = self._market.post_order(
            arrival_ns, self._symbols[order.instrument], account, side, _TYPES[order.order_type],
            _TIMES[order.time_in_force], _SELF_TRADE[order.self_trade], flags, price,
            order.quantity, display, order.stop_price or 0, order.expire_ns or 0,
            self._parent(order.parent), tag,
        )  # fmt: skip
        state.orders[tag] = LiveOrder(order.order_id, identity, account, envelope.id, envelope.chain)
        state.tags[order.order_id] = tag

    def _fault(self, sender: str, order: SubmitOrder) -> str | None:
        """Return why an order cannot even be written down, or None."""
        if order.account in self._gated and sender != self._venue:
            return "gated_account"
        if order.account not in self._accounts:
            return f"unknown_account: {order.account}"
        if order.instrument not in self._symbols:
            return f"unknown_instrument: {order.instrument}"
        if order.order_id in self.state.tags:
            return "duplicate_order_id"
        numbers = (order.quantity, order.price or 0, order.stop_price or 0,
                   order.display_quantity or 0)  # fmt: skip
        if any(abs(number) >= at.MAX_PRICE for number in numbers):
            return "number_too_large"
        return None

    def _parent(self, name: str | None) -> int:
        if name is None:
            return 0
        return self.state.parents.setdefault(name, len(self.state.parents) + 1)

    def _cancel(self, arrival_ns: int, envelope: Envelope[Message], cancel: CancelOrder) -> None:
        order = self._known(arrival_ns, envelope, cancel.order_id)
        if order is not None:
            self._market.post_cancel(arrival_ns, order.account, order.identity)

    def _replace(self, arrival_ns: int, envelope: Envelope[Message], change: ReplaceOrder) -> None:
        order = self._known(arrival_ns, envelope, change.order_id)
        if order is None:
            return
        if not 0 <= change.quantity < at.MAX_PRICE or not 0 <= (change.price or 0) < at.MAX_PRICE:
            self._refuse(arrival_ns, envelope, change.order_id, "number_too_large")
            return
        self._market.post_replace(
            arrival_ns, order.account, order.identity, change.quantity, change.price or 0
        )

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

    def heard(self, topic: str) -> None:
        """Publish a topic from now on: somebody hears it."""
        self._publisher.heard(self._market, topic)

    def advance(self, until_ns: int) -> None:
        """Run the core up to `until_ns` or its first delivery, and deliver what it told."""
        self._market.advance(until_ns)
        rows = self._market.take_out()
        place, count = 0, len(rows)
        while place < count:
            row = rows[place]
            if row[at.X_KIND] <= at.M_TRIGGERED:
                self._tell_owner(row)
                place += 1
            elif row[at.X_KIND] == at.M_WAKE:
                self._show(row)
                place += 1
            else:
                place += self._publisher.publish(rows, place)

    def _tell_owner(self, row: list[int]) -> None:
        assert self._kernel is not None, "the exchange is not bound to a kernel"
        state = self.state
        tag = row[at.X_TAG]
        order = state.orders.get(tag)
        if order is None:
            # A request about an order that was over when it arrived.
            name, cause, chain = f"#{row[at.X_ORDER]}", 0, 0
        else:
            name, cause, chain = order.order_id, order.cause, order.chain
        kind = row[at.X_KIND]
        message = self._order_message(row, kind, name)
        if order is not None and self._is_over(row, kind):
            del state.orders[tag]
            del state.tags[name]
        self._kernel.deliver(
            row[at.X_DELIVERY_NS], ADDRESS, self._owners[row[at.X_RECIPIENT]], message,
            cause=cause, chain=chain, sent_ns=row[at.X_EXCHANGE_NS],
        )  # fmt: skip

    @staticmethod
    def _is_over(row: list[int], kind: int) -> bool:
        if kind == at.M_FILLED:
            return row[at.X_LEAVES] == 0
        # A refused cancel or replace carries no quantity; its order lives on.
        return kind == at.M_CANCELLED or (kind == at.M_REFUSED and row[at.X_QUANTITY] > 0)

    def _order_message(self, row: list[int], kind: int, name: str) -> Message:
        price = row[at.X_PRICE]
        shown = price if -at.MAX_PRICE < price < at.MAX_PRICE else None
        symbol, now_ns = self._names[row[at.X_INSTRUMENT]], row[at.X_EXCHANGE_NS]
        if kind == at.M_FILLED:
            flag = row[at.X_LIQUIDITY] & 15
            return OrderFilled(
                order_id=name, instrument=symbol, side=_SIDE_NAMES[row[at.X_SIDE]],  # type: ignore[arg-type]  # a literal's name
                price=price, quantity=row[at.X_QUANTITY], leaves=row[at.X_LEAVES],
                liquidity="taker" if flag == at.LIQ_NONE
                else "auction" if flag == at.LIQ_AUCTION else "maker",
                fee_micros=row[at.X_FEE], exchange_ns=now_ns, trade_id=row[at.X_EXTRA],
                half_tick=bool(row[at.X_LIQUIDITY] & at.HALF_TICK),
            )  # fmt: skip
        if kind == at.M_ACCEPTED:
            return OrderAccepted(order_id=name, instrument=symbol, exchange_ns=now_ns, price=shown)
        if kind == at.M_CANCELLED:
            return OrderCancelled(
                order_id=name, instrument=symbol, quantity=row[at.X_QUANTITY],
                reason=at.REASONS[row[at.X_EXTRA]], exchange_ns=now_ns,
            )  # fmt: skip
        if kind == at.M_REFUSED:
            reason = at.REASONS[row[at.X_EXTRA]]
            return OrderRefused(order_id=name, reason=reason, exchange_ns=now_ns)
        if kind == at.M_REPLACED:
            return OrderReplaced(
                order_id=name, instrument=symbol, price=shown, leaves=row[at.X_LEAVES],
                exchange_ns=now_ns,
            )  # fmt: skip
        return OrderTriggered(order_id=name, instrument=symbol, exchange_ns=now_ns)

    def _show(self, row: list[int]) -> None:
        assert self._kernel is not None, "the exchange is not bound to a kernel"
        self._kernel.deliver(
            row[at.X_DELIVERY_NS], ADDRESS, self._owners[row[at.X_RECIPIENT]],
            MarketView(
                is_open=bool(row[at.X_LIQUIDITY]), bid_price=row[at.Q_BID],
                bid_quantity=row[at.Q_BID_QUANTITY], ask_price=row[at.Q_ASK],
                ask_quantity=row[at.Q_ASK_QUANTITY], last_price=row[at.Q_LAST],
                volume=row[at.Q_VOLUME], observed=row[at.X_EXTRA], now_ns=row[at.X_DELIVERY_NS],
                opens_ns=row[at.W_OPENS], closes_ns=row[at.W_CLOSES],
                inventory=row[at.W_INVENTORY],
            ),
            sent_ns=row[at.X_EXCHANGE_NS],
        )  # fmt: skip

    # --- snapshots --------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Return the whole state: the arena, the floats beside it, and the façade's own."""
        floats = self._market.floats
        return msgspec.msgpack.encode(
            [self._market.arena.tobytes(), b"" if floats is None else floats.tobytes(),
             msgspec.msgpack.encode(self.state)]
        )  # fmt: skip

    def restore(self, data: bytes) -> None:
        """Take a state back."""
        arena, floats, state = msgspec.msgpack.decode(data, type=tuple[bytes, bytes, bytes])
        restored: Arena = np.frombuffer(arena, np.int64).copy()
        self._market.arena = restored
        if self._market.floats is not None:
            self._market.floats[:] = np.frombuffer(floats, np.float64)
        self.state = msgspec.msgpack.decode(state, type=ExchangeState)
