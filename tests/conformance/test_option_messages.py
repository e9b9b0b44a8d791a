"""Quotes, packages and chains as messages, through the exchange and a kernel."""

from typing import Any

import pytest

from environment.market import layout as at
from environment.messages import (
    CancelOrder,
    Leg,
    Message,
    OrderAccepted,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    QuoteUpdate,
    ReplaceOrder,
    SubmitOrder,
    TradePrint,
)
from environment.option_messages import (
    ChainUpdate,
    LegFilled,
    MassQuote,
    PackageAccepted,
    PackageCancelled,
    PackageFilled,
    PackageReplaced,
    Purge,
    QuoteFilled,
    QuotesPulled,
    QuotesRefused,
    ReArm,
    ReArmed,
    SeriesListed,
    SeriesQuote,
    SetProtection,
    SubmitPackage,
)
from tests.conformance.option_world import HIGH, LOW, OptionWorld

QUOTES = MassQuote(
    account="dealer",
    quotes=(
        SeriesQuote(instrument=LOW, bid_price=195, bid_quantity=10, ask_price=205, ask_quantity=10),
        SeriesQuote(instrument=HIGH, bid_price=95, bid_quantity=10, ask_price=105, ask_quantity=10),
    ),
)


def legs(**ratios: int) -> tuple[Leg, ...]:
    """Legs by instrument, sold below 0."""
    return tuple(
        Leg(instrument=name, side="buy" if ratio > 0 else "sell", ratio=abs(ratio))
        for name, ratio in ratios.items()
    )


VERTICAL = legs(**{LOW: 1, HIGH: -1})


def package(order_id: str, price: int, *, quantity: int = 2, **told: Any) -> SubmitPackage:
    return SubmitPackage(
        order_id=order_id, account="customer", side="buy", legs=told.get("legs", VERTICAL),
        quantity=quantity, price=price,
    )  # fmt: skip


def kinds(messages: list[Any]) -> list[type[Message]]:
    return [type(one) for one in messages]


def test_an_order_in_a_series_fills_a_quote() -> None:
    order = SubmitOrder(
        order_id="c1", account="customer", instrument=LOW, side="buy", quantity=3, price=205
    )
    world = OptionWorld(dealer={2: (QUOTES,)}, customer={3: (order,)}, topics=(
        f"market/{LOW}/every_quote", f"market/{LOW}/trades",
    ))  # fmt: skip
    (filled,) = [one for one in world.heard("customer") if isinstance(one, OrderFilled)]
    assert (filled.instrument, filled.price, filled.quantity) == (LOW, 205, 3)
    (told,) = world.heard("dealer")
    assert isinstance(told, QuoteFilled)
    assert (told.side, told.quantity, told.leaves, told.liquidity) == ("sell", 3, 7, "maker")
    heard = world.heard("watcher")
    assert [one.ask_quantity for one in heard if isinstance(one, QuoteUpdate)] == [10, 7]
    (trade,) = [one for one in heard if isinstance(one, TradePrint)]
    assert (trade.price, trade.package_id) == (205, None)


def test_a_package_is_told_leg_by_leg_and_as_a_whole() -> None:
    world = OptionWorld(dealer={2: (QUOTES,)}, customer={3: (package("p1", 110),)}, topics=(
        f"market/{HIGH}/trades",
    ))  # fmt: skip
    heard = world.heard("customer")
    assert kinds(heard) == [PackageAccepted, LegFilled, LegFilled, PackageFilled]
    assert [(one.side, one.price) for one in heard[1:]] == [
        ("buy", 205), ("sell", 95), ("buy", 110),
    ]  # fmt: skip
    assert (heard[3].leaves, heard[3].against) == (0, "legs")
    (trade,) = world.heard("watcher")
    assert trade.package_id == heard[3].package_id
    assert not world.exchange.state.orders


def test_a_waiting_package_is_cancelled_by_its_id() -> None:
    world = OptionWorld(dealer={2: (QUOTES,)}, customer={
        3: (package("p1", 100),), 4: (CancelOrder(order_id="p1"),),
        5: (CancelOrder(order_id="p1"),),
    })  # fmt: skip
    heard = world.heard("customer")
    assert kinds(heard) == [PackageAccepted, PackageCancelled, OrderRefused]
    assert [heard[1].reason, heard[2].reason] == ["requested", "unknown_order"]


def test_a_waiting_package_is_replaced_by_its_id() -> None:
    def change(quantity: int, price: int | None = None) -> tuple[ReplaceOrder]:
        return (ReplaceOrder(order_id="p1", quantity=quantity, price=price),)

    world = OptionWorld(dealer={2: (QUOTES,)}, customer={
        3: (package("p1", 100),), 4: change(3), 5: change(1 << 40), 6: change(2, -5),
        7: change(2, 112), 8: change(4),
    })  # fmt: skip
    heard = world.heard("customer")
    assert kinds(heard) == [
        PackageAccepted, PackageReplaced, OrderRefused, PackageReplaced, PackageReplaced,
        LegFilled, LegFilled, PackageFilled, OrderRefused,
    ]  # fmt: skip
    told = [(one.order_id, one.price, one.quantity, one.leaves) for one in heard
            if isinstance(one, PackageReplaced)]  # fmt: skip
    assert told == [("p1", 100, 3, 3), ("p1", -5, 2, 2), ("p1", 112, 2, 2)]
    assert [heard[2].reason, heard[8].reason] == ["number_too_large", "unknown_order"]
    assert not world.exchange.state.orders


@pytest.mark.parametrize("price", [190, None])
def test_a_replace_of_equal_terms_is_answered(price: int | None) -> None:
    order = SubmitOrder(
        order_id="c1", account="customer", instrument=LOW, side="buy", quantity=3, price=190
    )
    change = ReplaceOrder(order_id="c1", quantity=3, price=price)
    less = ReplaceOrder(order_id="c1", quantity=2, price=price)
    world = OptionWorld(
        dealer={}, customer={3: (order,), 4: (change,), 5: (less,), 6: (less,)}
    )  # fmt: skip
    heard = world.heard("customer")
    assert isinstance(heard[0], OrderAccepted)
    assert kinds(heard[1:]) == [OrderReplaced] * 3
    assert [(one.price, one.leaves) for one in heard[1:]] == [(190, 3), (190, 2), (190, 2)]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"legs": legs(**{LOW: 2, HIGH: -2})}, "bad_package"),
        ({"legs": legs(**{LOW: 1, "AAPL": 50})}, "bad_package"),
        ({"legs": (*VERTICAL[:1], Leg(instrument=HIGH, side="buy", ratio=-1))}, "bad_package"),
        ({"legs": legs(**{LOW: 1, "MSFT": 1})}, "unknown_instrument: MSFT"),
        ({"quantity": 0}, "bad_quantity"),
        ({"quantity": 1 << 50}, "number_too_large"),
    ],
)
def test_a_wrong_package_is_refused(told: dict[str, Any], reason: str) -> None:
    world = OptionWorld(dealer={}, customer={3: (package("p1", 100, **told),)})
    (refused,) = world.heard("customer")
    assert refused == OrderRefused(order_id="p1", reason=reason, exchange_ns=refused.exchange_ns)
    assert not world.exchange.state.orders


def test_a_dealer_hears_of_protection_and_arms_again() -> None:
    limit = SetProtection(account="dealer", window_ns=10**9, contracts=2)
    order = SubmitOrder(
        order_id="c1", account="customer", instrument=LOW, side="buy", quantity=3, price=205
    )
    world = OptionWorld(
        dealer={2: (limit, QUOTES), 4: (QUOTES,), 5: (ReArm(account="dealer"),), 6: (QUOTES,),
                7: (Purge(account="dealer", instrument=HIGH), Purge(account="dealer"))},
        customer={3: (order,)},
    )  # fmt: skip
    heard = world.heard("dealer")
    assert kinds(heard) == [
        QuoteFilled, QuotesPulled, QuotesRefused, ReArmed, QuotesPulled, QuotesPulled,
    ]  # fmt: skip
    assert (heard[1].reason, heard[1].measure) == ("maker_protection", "contracts")
    assert (heard[2].count, heard[2].reason) == (2, "maker_protection")
    assert [(one.instrument, one.reason) for one in heard[4:]] == [
        (HIGH, "purged"), (None, "purged"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (MassQuote(account="customer", quotes=()), "no_dealer: customer"),
        (MassQuote(account="dealer", quotes=(SeriesQuote(instrument="AAPL"),)),
         "not_assigned: AAPL"),
        (MassQuote(account="dealer", quotes=(SeriesQuote(instrument=LOW, bid_price=1 << 60),)),
         "number_too_large"),
        (Purge(account="dealer", instrument="MSFT"), "unknown_instrument: MSFT"),
    ],
)  # fmt: skip
def test_what_a_dealer_may_not_ask_is_refused(message: Message, reason: str) -> None:
    world = OptionWorld(dealer={2: (message,)}, customer={})
    (refused,) = world.heard("dealer")
    assert isinstance(refused, OrderRefused)
    assert refused.reason == reason


def test_a_chain_shows_every_series_and_says_first_what_it_is() -> None:
    order = SubmitOrder(
        order_id="c1", account="customer", instrument=LOW, side="buy", quantity=3, price=205
    )
    world = OptionWorld(
        dealer={2: (QUOTES,)}, customer={3: (order,)}, topics=("market/AAPL/chain",)
    )
    heard = world.heard("watcher")
    assert kinds(heard[:3]) == [SeriesListed, SeriesListed, ChainUpdate]
    assert [one.strike_micros for one in heard[:2]] == [90_000_000, 100_000_000]
    chains = [one for one in heard if isinstance(one, ChainUpdate)]
    assert len(chains) == 6
    assert [one.first_sequence for one in chains] == list(range(1, 7))
    low, high = chains[-1].rows
    assert (low.bid_price, low.ask_quantity, low.last_price, low.volume) == (195, 7, 205, 3)
    assert (low.open_interest, high.open_interest) == (3, 0)


def test_an_outage_leaves_a_gap_in_the_chain() -> None:
    world = OptionWorld(dealer={2: (QUOTES,)}, customer={}, topics=("market/AAPL/chain",))
    now = int(world.market.arena[at.H_NOW])
    world.market.post_event(now + 1, at.E_OUTAGE, 0, 1)
    world.market.post_event(now + 7 * 10**9, at.E_OUTAGE, 0, 0)
    world.kernel.run_until(now + 20 * 10**9)
    chains = [one for one in world.heard("watcher") if isinstance(one, ChainUpdate)]
    numbers = [one.first_sequence for one in chains]
    assert numbers != list(range(1, len(numbers) + 1))
