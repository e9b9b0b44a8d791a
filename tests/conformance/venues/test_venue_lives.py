"""The simulated venue over its life: restarts, halts, and one trading day after another."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from brokers.socket_venue import SocketVenue
from brokers.venue import Published, VenueClosed
from brokers.venue_book import VenueBook
from brokers.venue_log import Kept
from brokers.wire import Restore, Revoke
from environment.authority import keys_in
from environment.errors import ConfigError
from environment.messages import OrderAccepted, OrderCancelled, PhaseChanged
from environment.venue_messages import NotSent
from scenarios.config.load import load_config
from scenarios.live.market import live_config
from scenarios.live.venue_market import RESTARTED, VenueMarket, file_of
from tests.conformance.venues.small_world import (
    DAY,
    load_world,
    seal_of,
    terms,
    write_option_world,
)
from tests.conformance.venues.suite import Bench
from tests.conformance.venues.test_simulated_venue import make_run, serving


@contextlib.asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    """Open a session at a venue of a folder; a second one is a restart."""
    async with serving(make_run(folder)) as run:
        last = run.market.prices()["AAPL"]
        opened = Bench(
            SocketVenue(file_of(folder)), "AAPL", far_price=last - 300, through_price=last + 300,
            seal=seal_of(folder),
        )  # fmt: skip
        await opened.open()
        yield opened
        await opened.venue.close()


def is_last_fill(heard: Any, name: str) -> bool:
    event = getattr(heard, "event", None)
    return getattr(event, "leaves", 1) == 0 and getattr(event, "order_id", "") == name


def test_restart_keeps_the_account_and_cancels_what_worked(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path) as before:
            bought = before.buy(before.through_price)
            await before.until(lambda heard: is_last_fill(heard, bought))
            resting = before.buy(before.far_price)
            await before.event(OrderAccepted, resting)
            held = await before.account()
            clock = before.venue.welcome.clock  # type: ignore[attr-defined]
        async with bench(tmp_path) as after:
            found = await after.account()
            assert found.positions == held.positions == {"AAPL": 2}
            assert found.cash_micros == held.cash_micros
            # What worked is cancelled, and the night that the venue slept through is told of.
            assert (found.orders, found.sequence) == ((), held.sequence + 2)
            after.venue.ask_reports(held.sequence)
            cancelled = await after.event(OrderCancelled, resting)
            assert (cancelled.reason, cancelled.quantity) == (RESTARTED, 2)
            assert after.session > before.session
            # The market's time never goes back: it is the next trading day.
            assert after.venue.hours().date > before.venue.hours().date
            assert after.venue.welcome.clock.market_ns > clock.market_ns  # type: ignore[attr-defined]
            after.buy(after.far_price, name=bought)  # An id of an earlier day is still used.
            assert (await after.account()).orders == ()

    asyncio.run(body())


def test_who_comes_within_the_day_or_again_is_told_its_phase(tmp_path: Path) -> None:
    """A phase is told when it begins: who comes later would never know that trading has begun."""

    def is_phase(heard: Any) -> bool:
        return isinstance(heard, Published) and isinstance(heard.message, PhaseChanged)

    async def body() -> None:
        async with bench(tmp_path) as swarm:
            for epoch in (2, 3):
                swarm.venue.listen("market/AAPL/status")
                told = await swarm.until(is_phase)
                assert (told.topic, told.message.phase) == ("market/AAPL/status", "continuous")
                assert sum(map(is_phase, swarm.heard)) == 1  # Once, and no other before.
                await swarm.open(epoch=epoch)
                swarm.heard.clear()

    asyncio.run(body())


def test_revoked_swarm_is_cut_off_and_may_only_look_until_it_is_restored(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path) as swarm:
            control = SocketVenue(file_of(tmp_path), "control")
            await control.open("", 0)
            resting = swarm.buy(swarm.far_price)
            await swarm.event(OrderAccepted, resting)
            done = await control.control(Revoke(reason="test"))
            assert done.working == 0
            late = swarm.buy(swarm.far_price)  # Sent into a session that is over.
            closed = await swarm.until(lambda heard: isinstance(heard, VenueClosed))
            assert closed.reason == "revoked: test"
            await swarm.open(epoch=2)
            assert swarm.venue.restriction == "test"
            assert (await swarm.account()).orders == ()
            assert (await swarm.order(late)).order is None
            refused = swarm.buy(swarm.far_price)
            told = await swarm.until(lambda heard: isinstance(heard, NotSent))
            assert (told.client_order_id, told.reason) == (refused, "revoked: test")
            await control.control(Restore(person="ana", reason="looked"))
            again = swarm.buy(swarm.far_price)
            await swarm.event(OrderAccepted, again)
            await control.close()

    asyncio.run(body())


def test_revocation_outlives_the_venue(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path):
            control = SocketVenue(file_of(tmp_path), "control")
            await control.open("", 0)
            await control.control(Revoke(reason="test"))
            await control.close()
        async with bench(tmp_path) as after:
            assert after.venue.restriction == "test"

    asyncio.run(body())


def test_next_day_follows_at_once_from_the_last_prices(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    market = VenueMarket(
        load_world(tmp_path), terms(), Kept(world="small.toml", book=VenueBook()),
        time.time_ns(), lambda *_: None, keys_in(tmp_path).gate(),
    )  # fmt: skip
    market.open_first(time.time_ns(), lambda _: None)
    end_ns = market.world.sessions[0].end_ns
    market.world.kernel.run_until(end_ns)
    last = market.prices()["AAPL"]
    begin_ns = market.open_next()
    assert begin_ns > end_ns
    session = market.world.sessions[1]
    assert session.start_ns < begin_ns <= session.open_ns
    market.world.kernel.run_until(session.open_ns + 60_000_000_000)
    assert abs(market.prices()["AAPL"] - last) < last // 20


def test_world_of_another_name_is_refused(tmp_path: Path) -> None:
    async def body() -> None:
        async with bench(tmp_path):
            pass

    asyncio.run(body())
    log = tmp_path / "venue.log"
    assert log.read_bytes().count(b"small.toml") >= 1
    log.write_bytes(log.read_bytes().replace(b"small.toml", b"other.toml"))
    with pytest.raises(ConfigError, match="belongs to the world"):
        make_run(tmp_path)


def test_recorded_day_cannot_be_another_date(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="hours"):
        live_config(load_config("opening_bell"), "XNYS", time.time_ns(), 0, {})
    by_calendar = live_config(load_world(tmp_path), "XNYS", 1_795_600_000_000_000_000, 0, {})
    assert str(by_calendar.scenario.session.first_day) == "2026-11-25"


def test_options_of_a_recorded_chain_go_on_while_any_of_them_trades(tmp_path: Path) -> None:
    world = load_config(write_option_world(tmp_path))
    same = live_config(world, "always", 0, 0, {})
    assert same.scenario.instruments == world.scenario.instruments
    evening = 1_402_086_600_000_000_000  # 2014-06-06, 16:30 in New York.
    later = live_config(world, "always", 0, evening, {"AAPL": 65_000})
    chain = later.scenario.instruments[0].options
    assert chain is not None
    assert (chain.series, chain.date) == (12, DAY)
    assert {"dealers", "noise"} <= later.scenario.crowds.keys()
    years_on = evening + 4 * 365 * 86_400_000_000_000
    by_rule = live_config(world, "always", 0, years_on, {"AAPL": 65_000})
    chain = by_rule.scenario.instruments[0].options
    assert chain is not None
    assert (chain.chain, chain.series, chain.date) == ("rule", 12, None)
    assert "dealers" not in by_rule.scenario.crowds
    assert "noise" in by_rule.scenario.crowds
