"""The option dealer as an actor; `dealer.decide_dealer` is the same trader compiled."""

from typing import NamedTuple, assert_never

import msgspec

from agents.crowd import dealer_rows as compiled, dealer_shapes as shapes
from agents.crowd.option_traders.holdings import Holdings
from agents.crowd.option_traders.quotes import Sides, Stance, sides_of, stance_of
from agents.crowd.option_traders.seat import ONLY_HEARD, HeardOfOptions, OptionSeat, OptionState
from agents.crowd.option_traders.surface import Beliefs, ExpiryShift, Surface, SurfaceState, Value
from environment.actors import Actor, ActorContext
from environment.messages import (
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    PricesRescaled,
)
from environment.option_messages import (
    ChainView,
    DealerView,
    QuoteFilled,
    QuotesPulled,
    QuotesRefused,
    QuoteWithdrawn,
    ReArmed,
    SeriesQuote,
)


class DealerTraits(NamedTuple):
    """How a dealer differs from its population's others, and what it shares with them.

    `width` and `limits` are factors on the population's, `duty` is the least size that it must
    quote, `biases` its opinion by expiry, `beliefs` how wrong its curves are, `common_key` the
    stream of shocks that all of them share, and `settings` the population's numbers by the D_ names
    of `dealer`, as they hold on the day in hand.
    """

    settings: "memoryview[float]"
    common_key: int
    own_key: int
    width: float
    limits: float
    duty: int
    biases: tuple[float, ...]
    beliefs: Beliefs = Beliefs()


class DealerState(OptionState, kw_only=True):
    """What a dealer keeps: surface, values, holdings, and the quotes that it knows to stand.

    `spot` is the price of the last valuation, `is_stale` whether there must be another,
    `is_withdrawn` whether none of its quotes stands,
    `hedged_s` when it last traded the stock, in seconds after the open.
    """

    surface: SurfaceState
    holdings: Holdings
    values: list[Value] = msgspec.field(default_factory=list)
    sent: dict[int, Sides] = msgspec.field(default_factory=dict)
    opens_ns: int = -1  # Of no day.
    spot: float = 0.0
    hedged_s: float = 0.0
    is_stale: bool = True
    listings: float = 0.0
    was_armed: bool = True
    is_withdrawn: bool = True


class OptionDealer(Actor[HeardOfOptions]):
    """Value every series on a surface of its own, requote what changed, hedge in the stock."""

    KIND = "option_dealer"
    COSTLESS = ONLY_HEARD

    def __init__(self, seat: OptionSeat, traits: DealerTraits) -> None:
        integers = seat.stock.population.integers
        self.seat, self._traits = seat, traits
        self._surface = Surface(
            seat.chain, traits.settings, traits.common_key, traits.own_key, traits.beliefs
        )
        self._size = seat.stock.population.size[0]
        self._band = integers[compiled.U_HEDGE_BAND]
        self._hedge_every_s = integers[compiled.U_HEDGE_EVERY] * 1e-9
        self.state: DealerState = DealerState(
            surface=SurfaceState(shifts=[ExpiryShift(bias=bias) for bias in traits.biases]),
            holdings=Holdings(),
        )

    def receive(self, ctx: ActorContext, message: HeardOfOptions) -> None:
        """Act on a view; hear what became of quotes and hedges."""
        match message:
            case DealerView():
                # A machine's beat, unlike a person's, has a longest: half to one and a half of it.
                mean_ns = self._traits.settings[compiled.D_GAP]
                gap_ns = max(round(mean_ns * (0.5 + ctx.rng.uniform())), 1)
                self._wake(ctx, message)
                self.seat.stock.sleep(ctx, message, gap_ns)
            case OrderAccepted() | OrderCancelled() | OrderFilled() | OrderRefused():
                pass
            case OrderReplaced() | OrderTriggered() | ChainView():
                pass
            case PricesRescaled():
                self._rescale(message.factor)
            case QuoteFilled() | QuoteWithdrawn() | QuotesRefused() | QuotesPulled() | ReArmed():
                pass
            case never:
                assert_never(never)

    def _rescale(self, factor: float) -> None:
        """Follow a split or dividend: nothing is valued at the new price yet."""
        self.state.surface.bucket_spot *= factor
        self.state.spot = 0.0

    def _wake(self, ctx: ActorContext, view: DealerView) -> None:
        state = self.state
        state.look(view)
        if view.opens_ns != state.opens_ns:
            self._begin_day(view)
        if state.holdings.hear(view):
            self._look_at_own(view)
            state.is_stale = True
        # A pull is acted on when it was there a wake-up ago: by then it has been heard of.
        was_armed, state.was_armed = state.was_armed, view.is_armed
        if not view.is_open or not view.is_trading:
            state.sent.clear()
            state.is_withdrawn = True  # By the venue, or there was nothing yet.
            return
        if not self.has_price(view):
            self._withdraw(ctx)
            return
        if not was_armed and not view.is_armed:
            self.seat.re_arm(ctx)
            state.sent.clear()
            return
        self.act(ctx, view)

    def _begin_day(self, view: DealerView) -> None:
        """Begin the day's steps anew; of the day before nothing stands."""
        state = self.state
        state.holdings.begin_day(view)
        state.opens_ns, state.surface.bucket, state.hedged_s = view.opens_ns, -1, 0.0
        state.is_stale = state.is_withdrawn = True
        state.sent.clear()

    def _withdraw(self, ctx: ActorContext) -> None:
        """Take all quotes out until the stock has a price: by the last they would be wrong."""
        if not self.state.is_withdrawn:
            self.state.is_withdrawn = True
            self.seat.withdraw(ctx)
            self.state.sent.clear()

    def _look_at_own(self, view: DealerView) -> None:
        """Let what is left of each quote be what was sent, so that a traded one is filled up."""
        for place, sent in self.state.sent.items():
            own = view.own[place]
            self.state.sent[place] = sent._replace(
                bids=min(own.bid_left, sent.bids), asks=min(own.ask_left, sent.asks)
            )

    def has_price(self, view: DealerView) -> bool:
        """Return whether the stock has a price to value by.

        The middle of an emptied book is none: to value and hedge by it feeds itself.
        """
        if view.bid_quantity <= 0 or view.ask_quantity <= 0:
            return False
        return view.ask_price - view.bid_price <= shapes.WIDEST * view.bid_price

    def act(self, ctx: ActorContext, view: DealerView) -> None:
        """Move the surface, value, quote and hedge at a price of the stock."""
        state = self.state
        seconds = (view.now_ns - view.opens_ns) * 1e-9
        spot = 0.5 * (view.bid_price + view.ask_price) * self.seat.chain.tick(0)
        if self._surface.catch_up(state.surface, seconds, spot):
            if state.spot > 0.0:
                self._surface.learn(state.surface, state.values, state.seen, state.spot)
            self._surface.keep_calendar(state.surface, seconds)
            state.is_stale = True
        if self.seat.chain.listings != state.listings:
            state.listings, state.is_stale = self.seat.chain.listings, True
        if spot != state.spot or state.is_stale:
            state.spot, state.is_stale = spot, False
            self._value(ctx, spot, seconds)
        if view.room >= self.seat.chain.count:
            self._requote(ctx, view, seconds)
        self.hedge(ctx, view, seconds)

    def _value(self, ctx: ActorContext, spot: float, seconds: float) -> None:
        state, holdings = self.state, self.state.holdings
        state.values = self._surface.values(state.surface, spot, seconds)
        holdings.sum_greeks(self.seat.chain, state.values, state.surface.shifts)
        self.seat.report(ctx, holdings.delta, holdings.gamma, holdings.vega)

    def _requote(self, ctx: ActorContext, view: DealerView, seconds: float) -> None:
        """Send every quote whose rounded price or size has changed."""
        state, traits, chain, changed = self.state, self._traits, self.seat.chain, []
        stance = stance_of(
            state.holdings, view.inventory, traits.settings, traits.width, traits.limits,
            seconds=seconds,
        )  # fmt: skip
        for place, value in enumerate(state.values):
            if not chain.is_alive(place):
                continue
            sides = self.sides(place, value, stance)
            if state.sent.get(place) == sides:
                continue
            state.sent[place] = sides
            points = value.vega * 0.01 * chain.multiplier(place)
            changed.append(
                SeriesQuote(
                    instrument=chain.symbol(place), bid_price=sides.bid, bid_quantity=sides.bids,
                    ask_price=sides.ask, ask_quantity=sides.asks,
                    delta_ppm=round(value.delta * 1e6), vega_micros=round(points * 1e6),
                )
            )  # fmt: skip
        if changed:
            state.is_withdrawn = False
            self.seat.quote(ctx, tuple(changed))

    def sides(self, place: int, value: Value, stance: Stance) -> Sides:
        """Return what to quote in one series."""
        state, chain = self.state, self.seat.chain
        shift = state.surface.shifts[chain.expiry(place)]
        return sides_of(
            chain, place, value, state.seen.get(place), stance, self._size,
            duty=self._traits.duty, holdings=state.holdings, shift=shift,
        )  # fmt: skip

    def hedge(self, ctx: ActorContext, view: DealerView, seconds: float) -> None:
        """Trade the stock against the delta held: on a beat, and at once beyond twice the band."""
        state, seat = self.state, self.seat.stock
        net = round(state.holdings.delta + view.inventory)
        is_due = seconds - state.hedged_s >= self._hedge_every_s
        if abs(net) <= self._band or not (is_due or abs(net) > 2 * self._band):
            return
        state.hedged_s = seconds
        # What is more than the book shows follows at the next wake-ups.
        if net > 0:
            size = shapes.hedge_size(net, view.bid_quantity)
            seat.limit(ctx, state, "sell", view.bid_price - shapes.REACH_TICKS, size, "ioc")
        else:
            size = shapes.hedge_size(net, view.ask_quantity)
            seat.limit(ctx, state, "buy", view.ask_price + shapes.REACH_TICKS, size, "ioc")
