"""What every venue adapter must do, whatever stands behind it: derive, and give `open_bench`.

A bench is one account at a venue on which a small order far from the market rests, and one through
it trades at once. Adapters of real venues run this against their paper accounts or a fake server.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from brokers.venue import Published, Venue, VenueClock, VenueClosed
from environment.messages import (
    ApprovedOrder,
    ApprovedReplace,
    Leg,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRefused,
    OrderReplaced,
    OrderRequest,
    ReplaceRequest,
)
from environment.option_messages import ChainUpdate
from environment.venue_messages import (
    AccountReport,
    LegsFilled,
    OrderReport,
    ReportsGone,
    VenueReport,
)

PATIENCE_S = 20.0
Seal = Callable[[Any, int], Any]  # An approved order or replace, its verdict; sealed by risk.


@dataclass
class Bench:
    """One open session, and what was heard in it."""

    venue: Venue
    symbol: str
    far_price: int  # Of a buy that rests.
    through_price: int  # Of a buy that trades.
    seal: Seal
    legs: tuple[Leg, ...] = ()  # Of a structure that a bench for options can trade.
    far_net: int = 0  # Of one that rests; at `through_net` it trades.
    through_net: int = 0
    underlying: str = ""
    run: str = "conformance"
    session: int = 0
    heard: list[Any] = field(default_factory=list)
    number: int = 0

    async def open(self, epoch: int = 1) -> int:
        """Begin a session; returns its number."""
        self.session = (await self.venue.open(self.run, epoch)).session
        return self.session

    def buy(self, price: int, quantity: int = 2, **given: Any) -> str:
        """Send a buy, and return its client order id."""
        self.number += 1
        name = str(given.pop("name", f"{self.run}.1.tester/{self.number}"))
        order = OrderRequest(
            order_id=f"tester/{self.number}", instrument=self.symbol, side="buy",
            quantity=quantity, price=price, **given,
        )  # fmt: skip
        approved = ApprovedOrder(
            order=order, owner="tester", account="swarm", verdict_id=self.number,
            client_order_id=name, session=self.session,
        )  # fmt: skip
        self.venue.submit(self.seal(approved, self.number))
        return name

    def trade_structure(self, legs: tuple[Leg, ...], net_price: int, units: int = 2) -> str:
        """Send a structure, and return its client order id."""
        symbol, self.symbol = self.symbol, self.underlying
        name = self.buy(net_price, units, legs=legs)
        self.symbol = symbol
        return name

    def change(self, name: str, quantity: int, price: int) -> None:
        """Send other terms."""
        self.number += 1
        change = ReplaceRequest(order_id="tester/1", quantity=quantity, price=price)
        approved = ApprovedReplace(
            order=change, owner="tester", verdict_id=self.number, client_order_id=name,
            session=self.session,
        )  # fmt: skip
        self.venue.replace(self.seal(approved, self.number))

    async def until(self, is_it: Callable[[Any], bool]) -> Any:
        """Return the first thing heard from now on that fits."""

        async def listen() -> Any:
            while True:
                heard = await self.venue.next_event()
                self.heard.append(heard)
                if is_it(heard):
                    return heard

        return await asyncio.wait_for(listen(), PATIENCE_S)

    async def event(self, kind: type[Any] | tuple[type[Any], ...], name: str) -> Any:
        """Return the next event of a kind about an order."""
        report = await self.until(
            lambda heard: (
                isinstance(heard, VenueReport)
                and isinstance(heard.event, kind)
                and heard.event.order_id == name
            )
        )
        return report.event

    async def account(self) -> AccountReport:
        """Ask for the account, and return it."""
        self.venue.ask_account()
        found: AccountReport = await self.until(lambda heard: isinstance(heard, AccountReport))
        return found

    async def order(self, name: str) -> OrderReport:
        """Ask for an order, and return what the venue knows."""
        self.venue.ask_order(name)
        found: OrderReport = await self.until(lambda heard: isinstance(heard, OrderReport))
        return found

    def sequences(self) -> list[int]:
        """Return the numbers of the reports that were heard, in order."""
        return [heard.sequence for heard in self.heard if isinstance(heard, VenueReport)]


class VenueConformance:
    """The rules. Each test opens a bench of its own."""

    def open_bench(self) -> contextlib.AbstractAsyncContextManager[Bench]:
        raise NotImplementedError

    def check(self, rule: Callable[[Bench], Any]) -> None:
        async def run() -> None:
            async with self.open_bench() as bench:
                await bench.open()
                await rule(bench)

        asyncio.run(run())

    def test_resting_order_is_accepted_and_shown_until_it_is_cancelled(self) -> None:
        async def rule(bench: Bench) -> None:
            name = bench.buy(bench.far_price)
            await bench.event(OrderAccepted, name)
            (order,) = (await bench.account()).orders
            assert (order.client_order_id, order.leaves, order.side) == (name, 2, "buy")
            bench.venue.cancel(name)
            cancelled = await bench.event(OrderCancelled, name)
            assert cancelled.quantity == 2
            assert (await bench.account()).orders == ()
            report = await bench.order(name)
            assert report.order is not None
            assert report.order.state == "cancelled"

        self.check(rule)

    def test_fills_add_up_to_the_position(self) -> None:
        async def rule(bench: Bench) -> None:
            before = (await bench.account()).positions.get(bench.symbol, 0)
            name = bench.buy(bench.through_price)
            await bench.until(lambda h: isinstance(h, VenueReport) and _is_last_fill(h, name))
            filled = sum(
                h.event.quantity
                for h in bench.heard
                if isinstance(h, VenueReport) and isinstance(h.event, OrderFilled)
            )
            assert filled == 2
            assert (await bench.account()).positions[bench.symbol] - before == 2
            report = await bench.order(name)
            assert report.order is not None
            assert (report.order.state, report.order.filled) == ("filled", 2)
            assert report.order.average_ticks > 0

        self.check(rule)

    def test_client_order_id_is_taken_once(self) -> None:
        async def rule(bench: Bench) -> None:
            name = bench.buy(bench.far_price)
            await bench.event(OrderAccepted, name)
            bench.buy(bench.far_price, name=name)
            bench.venue.cancel(name)
            await bench.event(OrderCancelled, name)
            bench.buy(bench.far_price, name=name)  # Nor after its end.
            assert (await bench.account()).orders == ()

        self.check(rule)

    def test_order_that_never_came_is_not_found(self) -> None:
        async def rule(bench: Bench) -> None:
            assert (await bench.order("conformance.1.nobody/1")).order is None

        self.check(rule)

    def test_replace_moves_price_and_quantity(self) -> None:
        async def rule(bench: Bench) -> None:
            name = bench.buy(bench.far_price)
            await bench.event(OrderAccepted, name)
            bench.change(name, 3, bench.far_price - 1)
            replaced = await bench.event(OrderReplaced, name)
            assert (replaced.price, replaced.leaves) == (bench.far_price - 1, 3)
            (order,) = (await bench.account()).orders
            assert (order.quantity, order.price) == (3, bench.far_price - 1)

        self.check(rule)

    def test_cancel_of_an_order_that_is_over_changes_nothing(self) -> None:
        async def rule(bench: Bench) -> None:
            name = bench.buy(bench.through_price)
            await bench.until(lambda h: isinstance(h, VenueReport) and _is_last_fill(h, name))
            held = (await bench.account()).positions
            bench.venue.cancel(name)
            assert (await bench.account()).positions == held

        self.check(rule)

    def test_reports_are_numbered_without_holes_and_come_again(self) -> None:
        async def rule(bench: Bench) -> None:
            names = [bench.buy(bench.far_price - n) for n in range(3)]
            for name in names:
                bench.venue.cancel(name)
            await bench.event(OrderCancelled, names[-1])
            first = bench.sequences()
            assert first == list(range(first[0], first[0] + len(first)))
            assert bench.venue.capabilities.resends_reports
            bench.heard.clear()
            bench.venue.ask_reports(first[0] - 1)
            await bench.account()
            assert not any(isinstance(heard, ReportsGone) for heard in bench.heard)
            assert bench.sequences()[: len(first)] == first

        self.check(rule)

    def test_session_ends_the_one_before_and_what_was_sent_in_it(self) -> None:
        async def rule(bench: Bench) -> None:
            old = bench.session
            name = bench.buy(bench.far_price)
            await bench.event(OrderAccepted, name)
            assert await bench.open(epoch=2) > old
            (order,) = (await bench.account()).orders  # Working orders outlive a session.
            assert order.client_order_id == name
            bench.session = old
            late = bench.buy(bench.far_price)
            assert (await bench.order(late)).order is None

        self.check(rule)

    def test_refused_order_says_why_and_is_over(self) -> None:
        async def rule(bench: Bench) -> None:
            name = bench.buy(bench.far_price, quantity=0)
            refused = await bench.event(OrderRefused, name)
            assert refused.reason
            assert (await bench.account()).orders == ()

        self.check(rule)

    def test_market_data_comes_once_it_is_listened_to(self) -> None:
        async def rule(bench: Bench) -> None:
            topic = f"market/{bench.symbol}/quotes"
            bench.venue.listen(topic)
            bench.buy(bench.through_price)  # In a quiet book nothing is news until somebody trades.
            heard = await bench.until(lambda h: isinstance(h, Published))
            assert (heard.topic, heard.message.instrument) == (topic, bench.symbol)

        self.check(rule)

    def test_clock_is_told_and_hours_hold_it(self) -> None:
        async def rule(bench: Bench) -> None:
            clock = await bench.until(lambda h: isinstance(h, VenueClock))
            hours = bench.venue.hours()
            assert hours.open_ns < hours.close_ns
            assert clock.pace > 0
            assert bench.symbol in {item.symbol for item in bench.venue.instruments()}

        self.check(rule)

    def test_closed_session_says_so(self) -> None:
        async def rule(bench: Bench) -> None:
            await bench.venue.close()
            assert isinstance(await bench.until(lambda h: isinstance(h, VenueClosed)), VenueClosed)

        self.check(rule)


class OptionConformance(VenueConformance):
    """The same rules for single series, and those of structures, at a venue that has them.

    The bench's instrument is a series; `legs` make a structure of which a unit rests at `far_net`
    and trades at once at `through_net`.
    """

    def test_options_are_declared_and_listed(self) -> None:
        async def rule(bench: Bench) -> None:
            capabilities = bench.venue.capabilities
            assert capabilities.options
            assert capabilities.packages
            assert "chain" in capabilities.feeds
            listed = {series.symbol for series in bench.venue.chain(bench.underlying)}
            assert {leg.instrument for leg in bench.legs} | {bench.symbol} <= listed

        self.check(rule)

    def test_structure_rests_is_shown_and_cancelled_as_one_order(self) -> None:
        async def rule(bench: Bench) -> None:
            name = bench.trade_structure(bench.legs, bench.far_net)
            await bench.event(OrderAccepted, name)
            (order,) = (await bench.account()).orders
            assert (order.client_order_id, order.legs, order.leaves) == (name, bench.legs, 2)
            bench.venue.cancel(name)
            assert (await bench.event(OrderCancelled, name)).quantity == 2
            assert (await bench.account()).orders == ()

        self.check(rule)

    def test_legs_of_a_structure_trade_together_and_add_up(self) -> None:
        async def rule(bench: Bench) -> None:
            name = bench.trade_structure(bench.legs, bench.through_net)
            done: dict[str, int] = {}
            wanted = {leg.instrument: 2 * leg.ratio for leg in bench.legs}
            while done != wanted:
                traded = await bench.event((LegsFilled, OrderFilled), name)
                for fill in traded.fills if isinstance(traded, LegsFilled) else [traded]:
                    done[fill.instrument] = done.get(fill.instrument, 0) + fill.quantity
            report = await bench.order(name)
            assert report.order is not None
            assert (report.order.state, report.order.filled) == ("filled", 2)
            assert report.order.leg_lots == wanted
            positions = (await bench.account()).positions
            signed = {leg.instrument: 2 * leg.ratio * (1 if leg.side == "buy" else -1)
                      for leg in bench.legs}  # fmt: skip
            assert {symbol: positions[symbol] for symbol in signed} == signed

        self.check(rule)

    def test_replace_of_a_structure_moves_price_and_units(self) -> None:
        async def rule(bench: Bench) -> None:
            name = bench.trade_structure(bench.legs, bench.far_net)
            await bench.event(OrderAccepted, name)
            bench.change(name, 3, bench.far_net - 1)
            replaced = await bench.event(OrderReplaced, name)
            assert (replaced.price, replaced.leaves) == (bench.far_net - 1, 3)
            (order,) = (await bench.account()).orders
            assert (order.client_order_id, order.quantity, order.price) == (
                name, 3, bench.far_net - 1,
            )  # fmt: skip

        self.check(rule)

    def test_structure_that_is_none_is_refused_with_a_reason(self) -> None:
        async def rule(bench: Bench) -> None:
            twice = (*bench.legs, bench.legs[0])
            name = bench.trade_structure(twice, bench.far_net)
            assert (await bench.event(OrderRefused, name)).reason
            assert (await bench.account()).orders == ()

        self.check(rule)

    def test_chain_comes_once_it_is_listened_to(self) -> None:
        async def rule(bench: Bench) -> None:
            bench.venue.listen(f"market/{bench.underlying}/chain")
            heard = await bench.until(
                lambda h: isinstance(h, Published) and isinstance(h.message, ChainUpdate)
            )
            assert bench.symbol in {row.instrument for row in heard.message.rows}

        self.check(rule)


def _is_last_fill(report: VenueReport, name: str) -> bool:
    event = report.event
    return isinstance(event, OrderFilled) and event.order_id == name and event.leaves == 0


def with_verdict(approved: Any, verdict: Any) -> Any:
    """Return an approved order under a verdict."""
    return msgspec.structs.replace(approved, verdict=verdict)
