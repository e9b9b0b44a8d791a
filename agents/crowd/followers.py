"""Traders of the world who do as one model says, or, as a control, as chance says."""

from typing import ClassVar, assert_never

import msgspec

from agents.instrument_view import InstrumentView, quotes_topic, status_topic
from agents.orders import OrderNumbers
from environment.actors import Actor, ActorContext, ActorRef
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    PhaseChanged,
    QuoteUpdate,
    Resumed,
    Side,
    SubmitOrder,
    TimerFired,
)
from environment.text_messages import EVIDENCE_TOPIC, Direction, Evidence

_LEAST_NS = 1_000_000


class FollowersSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How many traders, how often each acts, and which share of them follows the model.

    `follow` names the analysts that are listened to; empty: all. The others of the traders draw
    their side; so that with another `herd` the orders are as many, as large and at the same times.
    """

    account: str
    instrument: str
    count: int
    size: int
    every_ns: int
    herd: float
    follow: tuple[str, ...] = ()
    quotes_every_ns: int = 1_000_000_000


class FollowersState(msgspec.Struct):
    """All that changes in them: the model's last word, until when it holds, and what was done."""

    view: InstrumentView
    numbers: OrderNumbers
    direction: Direction = "flat"
    holds_until_ns: int = 0
    followed: int = 0
    drawn: int = 0
    idle: int = 0
    traded_lots: int = 0


ToFollowers = (
    Resumed | Evidence | QuoteUpdate | PhaseChanged | BandsChanged | AuctionIndication | TimerFired
    | OrderAccepted | OrderRefused | OrderFilled | OrderCancelled | OrderReplaced | OrderTriggered
)  # fmt: skip


class Followers(Actor[ToFollowers]):
    """Wakes as a Poisson process for all its traders together; each takes the touch once.

    A follower without a word from the model that still holds draws its side too: it has to trade
    for its own reasons, as the others do.
    """

    KIND: ClassVar[str] = "followers"

    def __init__(self, exchange: ActorRef[SubmitOrder], settings: FollowersSettings) -> None:
        self._exchange, self._settings = exchange, settings
        self.state: FollowersState = FollowersState(view=InstrumentView(), numbers=OrderNumbers())

    def receive(self, ctx: ActorContext, message: ToFollowers) -> None:
        """Handle one message."""
        match message:
            case Evidence():
                self._on_evidence(ctx, message)
            case QuoteUpdate() | PhaseChanged():
                self.state.view.hear(message, ctx.now_ns())
            case TimerFired():
                self._sleep(ctx)
                self._trade(ctx)
            case OrderFilled(quantity=quantity):
                self.state.traded_lots += quantity
            case (
                BandsChanged() | AuctionIndication() | OrderAccepted() | OrderRefused()
                | OrderCancelled() | OrderReplaced() | OrderTriggered()
            ):  # fmt: skip
                pass  # Nothing of theirs ever rests.
            case Resumed():
                ctx.subscribe(quotes_topic(self._settings.instrument),
                              self._settings.quotes_every_ns)  # fmt: skip
                ctx.subscribe(status_topic(self._settings.instrument))
                ctx.subscribe(EVIDENCE_TOPIC)
                self._sleep(ctx)
            case never:
                assert_never(never)

    def _on_evidence(self, ctx: ActorContext, evidence: Evidence) -> None:
        follow = self._settings.follow
        is_ours = evidence.instrument == self._settings.instrument
        if is_ours and evidence.about == "direction" and (not follow or evidence.analyst in follow):
            self.state.direction = evidence.direction
            self.state.holds_until_ns = ctx.now_ns() + evidence.horizon_ns

    def _sleep(self, ctx: ActorContext) -> None:
        gap_ns = self._settings.every_ns / self._settings.count * ctx.rng.exponential()
        ctx.after(max(int(gap_ns), _LEAST_NS), "wake")

    def _trade(self, ctx: ActorContext) -> None:
        state, settings = self.state, self._settings
        # Both are always drawn, so that the streams of all shares of followers agree.
        who, coin = ctx.rng.uniform(), ctx.rng.uniform()
        if not state.view.is_continuous:
            return
        side: Side = "buy" if coin < 0.5 else "sell"
        has_word = ctx.now_ns() <= state.holds_until_ns and state.direction != "flat"
        if who < settings.herd and has_word:
            side = "buy" if state.direction == "up" else "sell"
            state.followed += 1
        else:
            state.drawn += 1
        price = state.view.ask_price if side == "buy" else state.view.bid_price
        if price is None:
            state.idle += 1
            return
        order = SubmitOrder(
            order_id=state.numbers.next_id(ctx.address, ctx.now_ns()), account=settings.account,
            instrument=settings.instrument, side=side, quantity=settings.size, price=price,
            time_in_force="ioc",
        )  # fmt: skip
        ctx.send(self._exchange, order)
