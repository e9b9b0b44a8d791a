"""A venue that starts on a later day: its account's contracts live on, or end as contracts do."""

import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brokers.venue import VenueClock
from brokers.venue_book import VenueBook
from brokers.venue_log import LOG, Kept, VenueLog, read_log
from environment.authority import keys_in
from environment.errors import ConfigError
from environment.instruments import make_option
from environment.market import layout as at, option_rows
from environment.venue_messages import PositionMoved
from scenarios.builders.floor import SWARM_ACCOUNT
from scenarios.config.load import load_config
from scenarios.live.venue_market import VenueMarket
from tests.conformance.venues.small_world import terms, write_option_world

THURSDAY, FRIDAY = date(2014, 6, 12), date(2014, 6, 13)
INSIDE, BEYOND = "AAPL  140613C00640000", "AAPL  140613P00600000"
WRITTEN, ALIVE = "AAPL  140613P00655000", "AAPL  140719C00650000"
CASH = 500_000_000_000
PRICES = {"AAPL": 64_990, INSIDE: 1_000, WRITTEN: 520, ALIVE: 1_500}
HELD = {INSIDE: 2, WRITTEN: -1, BEYOND: 3, ALIVE: 4, "AAPL": 50}


def ns(day: date, hour: int) -> int:
    """Return the nanoseconds of an hour of a day in New York's summer."""
    return int(datetime(day.year, day.month, day.day, hour + 4, tzinfo=UTC).timestamp()) * 10**9


def left_at(market_ns: int, **changed: Any) -> Kept:
    """Return what a venue wrote down that stopped at a moment."""
    kept = Kept(
        world="small.toml", book=VenueBook(positions=dict(HELD)), market_ns=market_ns,
        prices=dict(PRICES), cash_micros=CASH,
    )  # fmt: skip
    return msgspec.structs.replace(kept, **changed)


def woken(
    folder: Path, kept: Kept, *, hours: str = "always", wall_ns: int | None = None, more: str = ""
) -> VenueMarket:
    """Return the market of a venue that starts with that."""
    folder.chmod(0o700)
    file = Path(write_option_world(folder))
    if more:
        file.write_text(file.read_text().replace("options = {", f"{more}\noptions = {{"))
    told = msgspec.structs.replace(terms(), hours=hours)
    return VenueMarket(
        load_config(str(file)), told, kept, time.time_ns() if wall_ns is None else wall_ns,
        lambda *_: None, keys_in(folder).gate(),
    )  # fmt: skip


def held_in_core(market: VenueMarket) -> dict[str, int]:
    """Return the contracts that the core's books have for the swarm."""
    world = market.world
    swarm = world.floor.accounts[SWARM_ACCOUNT]
    found = {one.symbol: option_rows.held(world.market, swarm, number)
             for number, one in world.series.items()}  # fmt: skip
    return {symbol: lots for symbol, lots in found.items() if lots}


def told(market: VenueMarket) -> list[tuple[str, str, int]]:
    """Return (reason, instrument, change) of what was reported."""
    events = [report.event for report in market.kept.book.reports]
    return [(e.reason, e.instrument, e.change) for e in events if isinstance(e, PositionMoved)]


def test_what_has_not_expired_is_listed_held_and_quoted(tmp_path: Path) -> None:
    market = woken(tmp_path, left_at(ns(THURSDAY, 11)))
    assert market.world.sessions[0].date == FRIDAY
    contracts = {symbol: lots for symbol, lots in HELD.items() if symbol != "AAPL"}
    assert held_in_core(market) == contracts
    assert told(market) == [("statement", "", 0)]
    clock = VenueClock(market_ns=0, steady_ns=0, pace=1.0, date=FRIDAY)
    assert {one.symbol for one in market.welcome(1, 0, clock, "").instruments} >= set(contracts)
    market.open_first(time.time_ns(), lambda _: None)
    rows = market.world.market.section(at.S_INSTRUMENT)
    for symbol in (INSIDE, ALIVE):
        row = rows[market.world.numbers[symbol]]
        assert 0 < row[at.I_SHOWN_BID] < row[at.I_SHOWN_ASK]


def test_what_expired_while_the_venue_was_down_is_settled_at_the_last_price(tmp_path: Path) -> None:
    kept = left_at(ns(FRIDAY, 15))
    market = woken(tmp_path, kept)
    assert market.world.sessions[0].date == date(2014, 6, 16)
    # Two calls are exercised, the written put is assigned, three puts lapse.
    assert market.kept.book.positions["AAPL"] == 50 + 200 + 100
    assert held_in_core(market) == {ALIVE: 4}
    assert told(market) == [
        ("exercise", INSIDE, -2), ("assignment", WRITTEN, 1), ("expiry", BEYOND, -3),
        ("statement", "", 0),
    ]  # fmt: skip
    paid = 200 * 640_000_000 + 100 * 655_000_000
    assert market.kept.cash_micros == CASH - paid == market.cash_micros()
    swarm = market.world.floor.accounts[SWARM_ACCOUNT]
    shares = market.world.market.section(at.S_POSITION)
    assert shares[swarm, at.P_QUANTITY] == 350


def test_every_night_of_a_long_sleep_is_cleared_and_none_twice(tmp_path: Path) -> None:
    kept = left_at(ns(THURSDAY, 11))
    market = woken(tmp_path, kept, hours="XNYS", wall_ns=ns(date(2014, 6, 20), 12))
    moved = [report.event for report in market.kept.book.reports]
    nights = [one.session for one in moved
              if isinstance(one, PositionMoved) and one.reason == "statement"]  # fmt: skip
    assert [night.day for night in nights] == [12, 13, 16, 17, 18, 19]
    assert held_in_core(market) == {ALIVE: 4}
    again = woken(tmp_path, market.kept, hours="XNYS", wall_ns=ns(date(2014, 6, 20), 12))
    assert again.kept.book.sequence == market.kept.book.sequence
    assert again.cash_micros() == market.cash_micros()


def test_contracts_end_in_the_night_of_the_day_that_the_venue_came_back_to(tmp_path: Path) -> None:
    market = woken(tmp_path, left_at(ns(THURSDAY, 11)))
    market.open_first(time.time_ns(), lambda _: None)
    market.world.kernel.run_until(market.world.sessions[0].end_ns)
    begin_ns = market.open_next()
    market.world.kernel.run_until(begin_ns)
    assert held_in_core(market) == {ALIVE: 4}
    book = market.venue.state.book
    assert {s: lots for s, lots in book.positions.items() if lots} == held_in_core(market) | {
        "AAPL": book.positions["AAPL"]
    }
    reasons = {report.event.reason for report in book.reports
               if isinstance(report.event, PositionMoved)}  # fmt: skip
    assert reasons >= {"exercise", "expiry", "statement"}


def test_adjusted_contracts_keep_their_terms_over_a_restart(tmp_path: Path) -> None:
    odd = make_option("AAPL", date(2014, 7, 19), "call", "433.333", multiplier=150)
    kept = left_at(ns(THURSDAY, 11))
    kept.book.positions.clear()
    kept.book.positions[odd.symbol] = 2
    log = VenueLog(tmp_path / LOG, msgspec.structs.replace(kept, series=(odd,)))
    log.close()
    read = read_log(tmp_path / LOG)
    assert read is not None
    market = woken(tmp_path, read)
    number = market.world.numbers[odd.symbol]
    assert market.world.series[number] == odd
    row = market.world.market.section(at.S_INSTRUMENT)[number]
    assert (row[at.I_MULTIPLIER], row[at.I_STRIKE]) == (150, 433_333_000)
    assert held_in_core(market) == {odd.symbol: 2}
    assert market.mark().series == (odd,)


def test_a_split_in_the_night_adjusts_shares_contracts_and_the_price(tmp_path: Path) -> None:
    evening = ns(date(2014, 6, 6), 15)
    kept = left_at(evening, prices=PRICES | {"AAPL": 65_000})
    actions = 'actions = "scenarios/data/aapl_factors.csv"'
    market = woken(tmp_path, kept, more=actions)
    assert market.world.sessions[0].date == date(2014, 6, 9)
    assert market.kept.book.positions["AAPL"] == 350
    assert market.kept.prices["AAPL"] == round(65_000 / 7)
    assert held_in_core(market)["AAPL  140719C00092860"] == 28
    assert sum(1 for reason, _, _ in told(market) if reason == "adjustment") == 4
    # The chain of before the split is listed as adjusted, and dealers quote it.
    market.open_first(time.time_ns(), lambda _: None)
    world = market.world
    rows = world.market.section(at.S_INSTRUMENT)
    quoted = [
        number for number, one in world.series.items()
        if 0 < rows[number, at.I_SHOWN_BID] < rows[number, at.I_SHOWN_ASK]
        and rows[number, at.I_SHOWN_ASK_QUANTITY]
    ]  # fmt: skip
    first = [one.number for one in world.options.series]
    assert len(first) == 12
    assert len(set(quoted) & set(first)) > 0.9 * len(first)
    assert world.numbers["AAPL  140719C00092860"] in quoted
    strikes = [(world.series[number].strike_micros or 0) / 1e6 for number in first]
    assert 85.0 < min(strikes) <= max(strikes) < 100.0


def test_a_position_without_a_stock_is_refused_in_one_line(tmp_path: Path) -> None:
    kept = left_at(ns(THURSDAY, 11))
    kept.book.positions["MSFT  140719C00040000"] = 1
    with pytest.raises(ConfigError, match="holds MSFT  140719C00040000, and small"):
        woken(tmp_path, kept)
