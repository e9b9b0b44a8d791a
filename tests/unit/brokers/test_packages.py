"""Structures between the desk and the exchange: entered, filled leg by leg, replaced, withdrawn."""

from typing import Any

import msgspec
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
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    ReplaceOrder,
    ReplaceRequest,
)
from environment.option_messages import (
    LegFilled,
    PackageAccepted,
    PackageCancelled,
    PackageFilled,
    PackageReplaced,
    SubmitPackage,
)
from environment.signed import SignedVerdict
from environment.venue_messages import LegsFilled, VenueReport

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
            whole(entered, units, leaves),
        )  # fmt: skip

    def asked(self) -> list[Any]:
        """Return what the exchange was asked."""
        return [sent.message for sent in self.ctx.sent if sent.to == "exchange"]

    def told(self) -> list[Any]:
        """Return the events that the custodian was told, numbered without holes."""
        reports = [m for m in self.ctx.messages() if isinstance(m, VenueReport)]
        assert [report.sequence for report in reports] == list(range(1, len(reports) + 1))
        events: list[Any] = []
        for report in reports:
            event = report.event
            events += event.fills if isinstance(event, LegsFilled) else [event]
        return events

    @property
    def positions(self) -> dict[str, int]:
        return {s: held for s, held in self.venue.state.book.positions.items() if held}


def leg(entered: str, symbol: str, side: Any, price: int, lots: int) -> LegFilled:
    return LegFilled(
        order_id=entered, instrument=symbol, side=side, price=price, quantity=lots, fee_micros=650,
        exchange_ns=9, trade_id=3,
    )  # fmt: skip


def whole(entered: str, units: int, leaves: int) -> PackageFilled:
    return PackageFilled(
        order_id=entered, side="buy", price=-35, quantity=units, leaves=leaves, against="legs",
        exchange_ns=9, package_id=1,
    )  # fmt: skip


def accepted(entered: str = NAME) -> PackageAccepted:
    return PackageAccepted(order_id=entered, exchange_ns=1)


def withdrawn(left: int, reason: str = "requested", order_id: str = NAME) -> PackageCancelled:
    return PackageCancelled(order_id=order_id, quantity=left, reason=reason, exchange_ns=2)


def replaced(quantity: int, price: int, leaves: int) -> PackageReplaced:
    return PackageReplaced(
        order_id=NAME, price=price, quantity=quantity, leaves=leaves, exchange_ns=2
    )


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


def test_a_trade_is_one_report_of_all_its_legs_and_never_held_in_part() -> None:
    bench = Bench()
    bench.say(accepted())
    bench.say(leg(NAME, LOW, "buy", 210, 2))
    order = bench.venue.state.book.working[NAME]
    assert (order.filled, bench.positions) == (0, {})
    bench.say(leg(NAME, HIGH, "sell", 120, 4))
    assert (order.filled, bench.positions) == (0, {})
    bench.say(whole(NAME, 2, 3))
    assert (order.filled, bench.positions) == (2, {LOW: 2, HIGH: -4})
    reports = [m for m in bench.ctx.messages() if isinstance(m, VenueReport)]
    assert [type(report.event) for report in reports] == [OrderAccepted, LegsFilled]
    bench.trade(3, 0)
    told = bench.told()
    assert isinstance(told[0], OrderAccepted)
    fills = [event for event in told if isinstance(event, OrderFilled)]
    assert [fill.leaves for fill in fills] == [3, 6, 0, 3, 0]
    ended = bench.venue.state.book.ended[NAME].shown()
    assert (ended.state, ended.filled, ended.leg_lots) == ("filled", 5, {LOW: 5, HIGH: 10})
    assert ended.leg_average_ticks == {LOW: 210, HIGH: round((480 + 375 + 360) / 10)}


def test_a_replace_is_one_question_to_the_exchange() -> None:
    bench = Bench()
    bench.say(accepted())
    bench.replace(8, -30)
    assert bench.asked()[1:] == [ReplaceOrder(order_id=NAME, quantity=8, price=-30)]
    bench.trade(2, 3)  # On its way when the replace left.
    bench.say(replaced(8, -30, 6))
    assert bench.told()[-1] == OrderReplaced(
        order_id=NAME, instrument="AAPL", price=-30, leaves=6, exchange_ns=2
    )
    bench.trade(6, 0)
    ended = bench.venue.state.book.ended[NAME]
    assert (ended.state, ended.quantity, ended.filled) == ("filled", 8, 8)


def test_a_replace_to_no_more_than_is_filled_cancels() -> None:
    bench = Bench()
    bench.say(accepted())
    bench.trade(2, 3)
    bench.replace(2, -30)
    bench.say(withdrawn(3, "replaced_below_filled"))
    ended = bench.venue.state.book.ended[NAME]
    assert (ended.state, ended.filled, ended.reason) == ("cancelled", 2, "replaced_below_filled")


def test_a_replace_that_is_refused_leaves_the_structure_as_it_was() -> None:
    bench = Bench()
    bench.say(accepted())
    bench.replace(8, -30)
    bench.say(OrderRefused(order_id=NAME, reason="halted"))
    order = bench.venue.state.book.working[NAME]
    assert (order.quantity, order.price, order.asked) == (5, -40, [])
    assert isinstance(bench.told()[-1], OrderRefused)


def test_a_cancel_after_a_replace_finds_the_structure_whichever_comes_first() -> None:
    bench = Bench()
    bench.say(accepted())
    bench.replace(8, -30)
    bench.ctx.handle(bench.venue, CancelOrder(order_id=NAME), sender="desk/custodian")
    assert bench.asked()[-1] == CancelOrder(order_id=NAME)
    bench.say(replaced(8, -30, 8), withdrawn(8))
    ended = bench.venue.state.book.ended[NAME]
    assert (ended.quantity, ended.filled, ended.state) == (8, 0, "cancelled")


@pytest.mark.parametrize(
    ("instrument", "asked"), [(None, 0), ("AAPL", 1), ("MSFT", 0)],
)  # fmt: skip
def test_a_cancel_of_one_underlying_names_its_structures(
    instrument: str | None, asked: int
) -> None:
    """Of everything the exchange finds them itself; in no book of one instrument does one stand."""
    bench = Bench()
    bench.say(accepted())
    everything = CancelAll(account="swarm", instrument=instrument)
    bench.ctx.handle(bench.venue, everything, sender="desk/custodian")
    assert bench.asked()[1:] == [everything, *[CancelOrder(order_id=NAME)] * asked]


def test_who_waited_is_told_leg_by_leg() -> None:
    bench = Bench()
    bench.say(accepted())
    came = leg(NAME, HIGH, "sell", 125, 2)
    waited = msgspec.structs.replace(leg(NAME, LOW, "buy", 210, 1), liquidity="maker")
    bench.say(waited, came, whole(NAME, 1, 4))
    fills = [event for event in bench.told() if isinstance(event, OrderFilled)]
    assert [fill.liquidity for fill in fills] == ["maker", "taker"]


def test_what_the_exchange_says_of_a_structure_nobody_holds_is_passed_over() -> None:
    bench = Bench()
    before = len(bench.told())
    bench.say(accepted("desk/portfolio/99"), withdrawn(1, order_id="desk/portfolio/99"))
    assert len(bench.told()) == before
