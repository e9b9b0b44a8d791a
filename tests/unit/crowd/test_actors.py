"""Each crowd trader as an actor: what it sends for what it sees."""

from typing import Any

import pytest

from agents.crowd import flow, reference as ref
from agents.crowd.actors import TRADERS, as_actors, owner_ranges, thinking_ns
from agents.crowd.population import Population
from agents.crowd.seat import Heard, Seat
from environment.actors import Actor
from environment.actors.testing import RecordingContext
from environment.errors import ConfigError
from environment.market import layout as at
from environment.messages import (
    CancelAll,
    MarketView,
    Message,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderTriggered,
    Sleep,
    SubmitOrder,
)

HOUR_NS = 3600 * 1_000_000_000
NOW_NS = 10 * HOUR_NS


def make_population(
    kind: int, floats: dict[int, float], integers: dict[int, int] | None = None, **more: Any
) -> Population:
    return Population(
        name="tested", kind=kind, count=3, instruments=(0,), cash_micros=0, size=(7, 7),
        floats=floats, integers=integers or {}, **more,
    )  # fmt: skip


def make_view(**changes: Any) -> MarketView:
    seen: dict[str, Any] = {
        "is_open": True, "bid_price": 990, "bid_quantity": 5, "ask_price": 1010,
        "ask_quantity": 5, "last_price": 1000, "volume": 400, "observed": 0, "now_ns": NOW_NS,
        "opens_ns": NOW_NS - HOUR_NS, "closes_ns": NOW_NS + HOUR_NS,
    }  # fmt: skip
    return MarketView(**seen | changes)


class Trial:
    """One trader on its own, and what it has sent."""

    def __init__(self, kind: int, *settings: Any, **more: Any) -> None:
        self.ctx = RecordingContext("crowd/tested/0")
        seat = Seat(
            make_population(kind, *settings, **more), "tested/0", "ABM",
            self.ctx.reference("exchange"),
        )  # fmt: skip
        self.actor: Actor[Heard] = TRADERS[kind](seat)

    def see(self, **changes: Any) -> list[Message]:
        """Return what the trader sends for one view."""
        before = len(self.ctx.sent)
        self.ctx.handle(self.actor, make_view(**changes))
        return self.ctx.messages()[before:]


def orders(messages: list[Message]) -> list[SubmitOrder]:
    return [message for message in messages if isinstance(message, SubmitOrder)]


SETTINGS: dict[int, tuple[dict[int, float], dict[int, int]]] = {
    at.NOISE: ({ref.F_WAKES: 1.0}, {ref.U_ONCE: 1}),
    at.VALUE: ({ref.F_RATE: 1e-9, ref.F_AGGRESSIVE: 1.0, ref.F_BAR: 1000.0}, {ref.U_DEPTH: 2}),
    at.MOMENTUM: ({ref.F_RATE: 1e9}, {ref.U_FAST: 1, ref.U_SLOW: 3}),
    at.ADAPTIVE_MAKER: (
        {ref.F_RATE: 1e9, ref.F_SHARE: 0.1, ref.F_SPREAD_WEIGHT: 1.0},
        {ref.U_LEVELS: 2, ref.U_SPACING_TICKS: 3, ref.U_MINIMUM: 1, ref.U_BACKSTOP: 60},
    ),
    at.HAWKES: (
        {ref.F_RATE: 1e-9, ref.F_MARKET: 1.0, ref.F_DECAY: 1e-10, ref.F_BRANCHING: 0.5},
        {flow.U_LONGEST_DEPTH: 10},
    ),
    at.SPOOFER: (
        {ref.F_RATE: 1e9},
        {flow.U_LAYERS: 2, flow.U_LAYER_SIZE: 90, flow.U_DISTANCE: 4, flow.U_HOLD: 77},
    ),
    at.IGNITION: ({ref.F_RATE: 1e9}, {flow.U_BURST: 2, flow.U_GAP: 5, flow.U_UNWIND: 9}),
}


def test_noise_takes_the_far_touch_and_sleeps_for_good_when_it_acts_once() -> None:
    sent = Trial(at.NOISE, *SETTINGS[at.NOISE]).see()
    (order,) = orders(sent)
    assert len(sent) == 1
    assert order.price == (1010 if order.side == "buy" else 990)
    assert (order.quantity, order.time_in_force, order.order_id) == (7, "day", "tested/0/1")


def test_noise_sends_nothing_into_an_empty_far_side() -> None:
    assert Trial(at.NOISE, *SETTINGS[at.NOISE]).see(bid_quantity=0, ask_quantity=0) == []


def test_noise_goes_to_the_closing_auction_in_the_last_half_hour() -> None:
    floats = {ref.F_WAKES: 1.0, ref.F_SHARE: 1.0}
    (order,) = orders(Trial(at.NOISE, floats, {ref.U_ONCE: 1}).see(closes_ns=NOW_NS + 1))
    assert (order.order_type, order.price) == ("on_close", None)


def test_noise_cancels_before_it_acts_again_when_it_refreshes() -> None:
    trial = Trial(at.NOISE, {ref.F_WAKES: 1e9}, {ref.U_REFRESH: 1})
    assert not isinstance(trial.see()[0], CancelAll)
    assert trial.see()[0] == CancelAll(account="tested/0", instrument="ABM")


@pytest.mark.parametrize(("observed", "side", "price"), [(900, "sell", 990), (1100, "buy", 1010)])
def test_value_trades_towards_what_it_sees(observed: int, side: str, price: int) -> None:
    sent = Trial(at.VALUE, *SETTINGS[at.VALUE]).see(observed=observed)
    (order,) = orders(sent)
    assert (order.side, order.price) == (side, price)
    assert isinstance(sent[-1], Sleep)


def test_a_trader_does_not_sleep_past_the_close() -> None:
    sent = Trial(at.VALUE, *SETTINGS[at.VALUE]).see(closes_ns=NOW_NS + 1)
    assert [type(message) for message in sent] == [SubmitOrder]


def test_value_leans_on_its_estimate_where_the_book_is_crossed() -> None:
    (order,) = orders(Trial(at.VALUE, *SETTINGS[at.VALUE]).see(bid_price=1020, observed=1005))
    assert order.price == 1005


@pytest.mark.parametrize(("last", "side"), [(1020, "buy"), (970, "sell")])
def test_momentum_follows_once_it_has_seen_enough(last: int, side: str) -> None:
    trial = Trial(at.MOMENTUM, *SETTINGS[at.MOMENTUM])
    assert orders(trial.see()) == orders(trial.see()) == []
    (order,) = orders(trial.see(bid_price=last - 10, ask_price=last + 10))
    assert (order.side, order.price) == (side, last + 10 if side == "buy" else last - 10)


def test_a_maker_quotes_a_ladder_and_renews_it() -> None:
    trial = Trial(at.ADAPTIVE_MAKER, *SETTINGS[at.ADAPTIVE_MAKER])
    quoted = [(o.side, o.price, o.quantity) for o in orders(trial.see())]
    assert quoted == [
        ("buy", 990, 40), ("sell", 1010, 40), ("buy", 987, 60), ("sell", 1013, 60),
    ]  # fmt: skip
    again = trial.see()
    assert isinstance(again[0], CancelAll)
    assert [o.quantity for o in orders(again)] == [1, 1, 60, 60]


def test_a_maker_with_stock_leans_down() -> None:
    floats, integers = SETTINGS[at.ADAPTIVE_MAKER]
    trial = Trial(at.ADAPTIVE_MAKER, floats | {ref.F_SKEW: 0.5}, integers)
    assert [o.price for o in orders(trial.see(inventory=10))] == [985, 1005, 982, 1008]


def test_a_hawkes_trader_first_sets_its_bound_and_then_takes_the_touch() -> None:
    trial = Trial(at.HAWKES, *SETTINGS[at.HAWKES])
    assert [type(message) for message in trial.see()] == [Sleep]
    taken = [order for _ in range(20) for order in orders(trial.see())]
    assert {(o.price, o.time_in_force) for o in taken} <= {(1010, "ioc"), (990, "ioc")}
    assert taken


def test_a_spoofer_layers_one_side_and_then_cancels() -> None:
    trial = Trial(at.SPOOFER, *SETTINGS[at.SPOOFER])
    sent = trial.see()
    small, *layers = orders(sent)
    assert len(layers) == 2
    assert {o.side for o in layers}.isdisjoint({small.side})
    assert sent[-1] == Sleep(until_ns=NOW_NS + 77)
    assert isinstance(trial.see()[0], CancelAll)


def test_an_igniter_pushes_and_then_unwinds() -> None:
    trial = Trial(at.IGNITION, *SETTINGS[at.IGNITION])
    sent = [trial.see() for _ in range(4)]
    sides = [orders(messages)[0].side for messages in sent]
    push = sides[0]
    assert [side == push for side in sides] == [True, True, False, False]
    waits = [m.until_ns - NOW_NS for messages in sent[:3] for m in messages if isinstance(m, Sleep)]
    assert waits == [5, 9, 5]


EVENTS: tuple[Heard, ...] = (
    OrderAccepted(order_id="a", instrument="ABM", exchange_ns=1),
    OrderRefused(order_id="a", reason="halted"),
    OrderFilled(order_id="a", instrument="ABM", side="buy", price=1, quantity=1, leaves=0,
                liquidity="maker", fee_micros=0, exchange_ns=1, trade_id=1),
    OrderCancelled(order_id="a", instrument="ABM", quantity=1, reason="requested", exchange_ns=1),
    OrderReplaced(order_id="a", instrument="ABM", price=1, leaves=1, exchange_ns=1),
    OrderTriggered(order_id="a", instrument="ABM", exchange_ns=1),
)  # fmt: skip


@pytest.mark.parametrize("kind", TRADERS)
def test_every_trader_hears_of_its_orders_and_lets_it_be(kind: int) -> None:
    trial = Trial(kind, *SETTINGS[kind])
    for event in EVENTS:
        trial.ctx.handle(trial.actor, event)
    assert trial.ctx.messages() == []


@pytest.mark.parametrize("kind", TRADERS)
def test_every_trader_is_of_the_kind_that_the_core_calls_it(kind: int) -> None:
    assert at.TRADER_KINDS[kind] == Trial(kind, *SETTINGS[kind]).actor.KIND


def test_busy_time_is_one_per_kind() -> None:
    first = make_population(at.VALUE, {}, busy_ns=50)
    assert thinking_ns(as_actors([first])) == {"value": 50}
    assert thinking_ns([first]) == {}
    with pytest.raises(ConfigError, match="kind value"):
        thinking_ns(as_actors([first, make_population(at.VALUE, {}, busy_ns=60)]))


def test_owners_are_numbered_after_those_already_there() -> None:
    owners = ["swarm"]
    populations = [make_population(at.VALUE, {}), *as_actors([make_population(at.NOISE, {})])]
    assert owner_ranges(populations, owners) == [range(1, 1), range(1, 4)]
    assert owners == ["swarm", "crowd/tested/0", "crowd/tested/1", "crowd/tested/2"]
