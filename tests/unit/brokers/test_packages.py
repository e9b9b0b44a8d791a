"""Structures between the desk and the exchange: entered, filled leg by leg, replaced, withdrawn."""

from typing import Any

import pytest

from brokers.simulated import SimulatedVenue
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.authority import VerdictKey, keys_of_seed, order_hash
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    CancelAll,
    CancelOrder,
    Leg,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    ReplaceRequest,
)
from environment.option_messages import (
    LegFilled,
    PackageAccepted,
    PackageCancelled,
    PackageFilled,
    SubmitPackage,
)
from environment.signed import SignedVerdict
from environment.venue_messages import VenueReport

KEYS = keys_of_seed(1)
NAME = "desk/portfolio/1"
LOW, HIGH = "AAPL  140620C00090000", "AAPL  140620C00100000"
LEGS = (Leg(instrument=LOW, side="buy"), Leg(instrument=HIGH, side="sell", ratio=2))


def verdict(order: Any, number: int) -> SignedVerdict:
    return VerdictKey(KEYS.verdict).seal(SignedVerdict(
        order_hash=order_hash(order), verdict_id=number, limits_version=1, issued_ns=0,
        expires_ns=1_000, needs_decision=False,
    ))  # fmt: skip


class Bench:
    """A venue whose exchange is this test."""

    def __init__(self, **terms: Any) -> None:
        self.ctx = RecordingContext("venue")
        self.venue = SimulatedVenue(
            ActorRef("exchange"), ActorRef("desk/custodian"), "swarm", KEYS.gate(),
            ActorRef("desk/risk"),
        )  # fmt: skip
        given: dict[str, Any] = {
            "order_id": NAME, "instrument": "AAPL", "side": "buy", "quantity": 5, "price": -40,
            "legs": LEGS,
        } | terms  # fmt: skip
        self.numbers = 0
        self.send(OrderRequest(**given))

    def send(self, order: Any) -> None:
        self.numbers += 1
        kind: Any = ApprovedOrder if isinstance(order, OrderRequest) else ApprovedReplace
        more = {"account": "swarm"} if kind is ApprovedOrder else {}
        self.ctx.handle(self.venue, kind(
            order=order, owner="desk/portfolio", verdict_id=self.numbers,
            verdict=verdict(order, self.numbers), **more,
        ), sender="desk/custodian")  # fmt: skip

    def replace(self, quantity: int, price: int) -> None:
        self.send(ReplaceRequest(order_id=NAME, quantity=quantity, price=price))

    def say(self, *events: Any) -> None:
        for event in events:
            self.ctx.handle(self.venue, event, sender="exchange")

    def trade(self, units: int, leaves: int, entered: str = NAME) -> None:
        """Let the exchange tell a trade of so many units, one leg in two prints."""
        self.say(
            leg(entered, LOW, "buy", 210, units),
            leg(entered, HIGH, "sell", 125, units), leg(entered, HIGH, "sell", 120, units),
            PackageFilled(
                order_id=entered, side="buy", price=-35, quantity=units, leaves=leaves,
                against="legs", exchange_ns=9, package_id=1,
            ),
        )  # fmt: skip

    def asked(self) -> list[Any]:
        """Return what the exchange was asked."""
        return [sent.message for sent in self.ctx.sent if sent.to == "exchange"]

    def told(self) -> list[Any]:
        """Return the events that the custodian was told, numbered without holes."""
        reports = [m for m in self.ctx.messages() if isinstance(m, VenueReport)]
        assert [report.sequence for report in reports] == list(range(1, len(reports) + 1))
        return [report.event for report in reports]

    @property
    def positions(self) -> dict[str, int]:
        return {s: held for s, held in self.venue.state.book.positions.items() if held}


def leg(entered: str, symbol: str, side: Any, price: int, lots: int) -> LegFilled:
    return LegFilled(
        order_id=entered, instrument=symbol, side=side, price=price, quantity=lots, fee_micros=650,
        exchange_ns=9, trade_id=3,
    )  # fmt: skip


def accepted(entered: str = NAME) -> PackageAccepted:
    return PackageAccepted(order_id=entered, exchange_ns=1)


def withdrawn(left: int, entered: str = NAME, reason: str = "requested") -> PackageCancelled:
    return PackageCancelled(order_id=entered, quantity=left, reason=reason, exchange_ns=2)


def test_a_structure_is_entered_as_a_package() -> None:
    (package,) = Bench().asked()
    assert package == SubmitPackage(
        order_id=NAME, account="swarm", side="buy", quantity=5, price=-40,
        legs=LEGS,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("terms", "word"),
    [
        ({"legs": LEGS[:1]}, "legs"),
        ({"order_type": "market", "price": None}, "order_type"),
        ({"time_in_force": "fok"}, "time_in_force"),
        ({"side": "sell"}, "side"),
    ],
)
def test_what_no_package_can_be_is_refused_by_the_venue(terms: dict[str, Any], word: str) -> None:
    bench = Bench(**terms)
    assert bench.asked() == []
    (refused,) = bench.told()
    assert isinstance(refused, OrderRefused)
    assert refused.reason.startswith(word)


def test_fills_are_told_leg_by_leg_and_a_unit_counts_once_all_legs_have_traded() -> None:
    bench = Bench()
    bench.say(accepted())
    bench.say(leg(NAME, LOW, "buy", 210, 2))
    order = bench.venue.state.book.working[NAME]
    assert (order.filled, bench.positions) == (0, {LOW: 2})
    bench.say(leg(NAME, HIGH, "sell", 120, 4))
    assert (order.filled, bench.positions) == (2, {LOW: 2, HIGH: -4})
    bench.trade(3, 0)
    told = bench.told()
    assert isinstance(told[0], OrderAccepted)
    fills = [event for event in told if isinstance(event, OrderFilled)]
    assert [fill.leaves for fill in fills] == [3, 6, 0, 3, 0]
    ended = bench.venue.state.book.ended[NAME].shown()
    assert (ended.state, ended.filled, ended.leg_lots) == ("filled", 5, {LOW: 5, HIGH: 10})
    assert ended.leg_average_ticks == {LOW: 210, HIGH: round((480 + 375 + 360) / 10)}
    assert not bench.venue.state.packages.names


def test_a_replace_enters_what_is_left_once_the_old_package_is_out() -> None:
    bench = Bench()
    bench.say(accepted())
    bench.replace(8, -30)
    assert bench.asked()[1:] == [CancelOrder(order_id=NAME)]
    bench.trade(2, 3)  # On its way when the cancel left.
    bench.say(withdrawn(3))
    again = bench.asked()[-1]
    assert (again.quantity, again.price, again.order_id != NAME) == (6, -30, True)
    bench.say(accepted(again.order_id))
    replaced = bench.told()[-1]
    assert replaced == OrderReplaced(
        order_id=NAME, instrument="AAPL", price=-30, leaves=6, exchange_ns=1
    )
    bench.trade(6, 0, again.order_id)
    assert bench.venue.state.book.ended[NAME].filled == 8
    assert not bench.venue.state.packages.names


def test_a_replace_to_no_more_than_is_filled_cancels() -> None:
    bench = Bench()
    bench.say(accepted())
    bench.trade(2, 3)
    bench.replace(2, -30)
    bench.say(withdrawn(3))
    assert len(bench.asked()) == 2
    assert bench.told()[-1].reason == "replaced_below_filled"


def test_a_cancel_during_a_replace_leaves_nothing_working() -> None:
    bench = Bench()
    bench.say(accepted())
    bench.replace(8, -30)
    bench.ctx.handle(bench.venue, CancelOrder(order_id=NAME), sender="desk/custodian")
    bench.say(withdrawn(5))
    assert isinstance(bench.told()[-1], OrderCancelled)
    assert not any(isinstance(asked, SubmitPackage) for asked in bench.asked()[1:])


def test_a_cancel_of_all_stops_a_replace_that_was_entered_just_before() -> None:
    bench = Bench()
    bench.say(accepted())
    bench.replace(8, -30)
    bench.say(withdrawn(5))
    entered = bench.asked()[-1].order_id
    bench.ctx.handle(bench.venue, CancelAll(account="swarm"), sender="desk/custodian")
    bench.say(accepted(entered))
    assert bench.asked()[-1] == CancelOrder(order_id=entered)
    bench.say(withdrawn(8, entered))
    assert [type(event) for event in bench.told()] == [OrderAccepted, OrderReplaced, OrderCancelled]


def test_a_package_that_is_refused_after_the_old_one_went_is_a_cancelled_order() -> None:
    bench = Bench()
    bench.say(accepted())
    bench.replace(8, -30)
    bench.say(withdrawn(5))
    entered = bench.asked()[-1].order_id
    bench.say(OrderRefused(order_id=entered, reason="halted"))
    cancelled = bench.told()[-1]
    assert isinstance(cancelled, OrderCancelled)
    assert (cancelled.order_id, cancelled.quantity, cancelled.reason) == (
        NAME, 5, "replace: halted",
    )  # fmt: skip


def test_a_withdrawal_that_came_too_late_refuses_the_replace() -> None:
    bench = Bench()
    bench.say(accepted())
    bench.replace(8, -30)
    bench.say(OrderRefused(order_id=NAME, reason="unknown_order"))
    bench.trade(5, 0)
    assert [type(event) for event in bench.told()][1] is OrderRefused
    assert bench.venue.state.book.ended[NAME].state == "filled"
