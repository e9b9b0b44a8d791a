"""A swarm that holds options through expiry, exercise, assignment, a split and a dividend.

Every morning venue, custodian and risk desk hold what the clearing firm holds for them.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from agents.desk.custodian import Custodian
from agents.desk.risk import Risk
from brokers.simulated import SimulatedVenue
from environment.actors import Actor, ActorContext
from environment.actors.ports import MemoryDisk
from environment.instruments import Instrument
from environment.market import layout as at, option_rows
from environment.market.clearing_ledger import MarketLedger
from environment.messages import Resumed
from environment.option_messages import ChainUpdate, SeriesListed
from scenarios.builders.warm_up import compile_all
from scenarios.config.load import load_config
from scenarios.places import SHIPPED
from scenarios.run.decisions import account_moves, facts_of
from scenarios.run.session_loop import SessionLoop

FRIDAY = date(2021, 2, 5)
FACTORS = """symbol,date,price_factor,split_factor,reference_price
ABM,2021-02-05,0.995,0.142857142857,1000.0
ABM,2021-02-08,0.99,1,142.0
ABM,2050-12-31,1,1,0
"""
CASH = 500_000_000


class Listener(Actor[Resumed | ChainUpdate | SeriesListed]):
    """Hears the chain."""

    def __init__(self) -> None:
        self.listed: list[tuple[int, str]] = []

    def receive(self, ctx: ActorContext, message: Resumed | ChainUpdate | SeriesListed) -> None:
        if isinstance(message, Resumed):
            ctx.subscribe("market/ABM/chain")
        elif isinstance(message, SeriesListed):
            self.listed.append((ctx.now_ns(), message.instrument))


class World:
    """Three days, and the swarm's holdings at their start: everywhere the same."""

    def __init__(self, folder: Path) -> None:
        (folder / "factors.csv").write_text(FACTORS)
        text = (SHIPPED / "rmsc04.toml").read_text()
        text = text.replace("date = 2021-02-05", "dates = [2021-02-05, 2021-02-09]")
        options = 'options = { chain = "rule", series = 48 }'
        text = text.replace(
            "tick = 0.01\n", f'tick = 0.01\nactions = "factors.csv"\n{options}\n', 1
        )
        (folder / "days.toml").write_text(text)
        settings = ("crowds.noise.count=50", "crowds.value.count=10", 'session.closes="09:40"',
                    'account.margin="portfolio"', f"account.cash={CASH}")  # fmt: skip
        config = load_config(str(folder / "days.toml"), settings)
        self.listener = Listener()
        self.loop = SessionLoop.build(
            config, MemoryDisk(), agents={"test/listener": lambda _: self.listener}
        )
        self.world = self.loop.world
        self.swarm = self.world.floor.accounts["swarm"]
        cells = self.world.kernel.floor.cells
        venue, custodian = cells["venue"].actor, cells["desk/custodian"].actor
        risk = cells["desk/risk"].actor
        assert isinstance(venue, SimulatedVenue)
        assert isinstance(custodian, Custodian)
        assert isinstance(risk, Risk)
        self.venue, self.custodian, self.risk = venue, custodian, risk
        self._seed()
        self.loop.start()

    def _seed(self) -> None:
        expiring = sorted(
            (one for one in self.world.series.values() if one.expiry == FRIDAY),
            key=lambda one: one.strike_micros or 0,
        )
        calls = [one for one in expiring if one.right == "call"]
        puts = [one for one in expiring if one.right == "put"]
        later = next(one for one in self.world.series.values() if one.expiry != FRIDAY)
        self.held = {
            calls[0].symbol: 4,  # In the money: exercised.
            calls[1].symbol: -3,  # In the money and written: assigned.
            puts[0].symbol: -2, puts[1].symbol: 6,  # Lapse.
            later.symbol: -5,  # Adjusted by the split.
        }  # fmt: skip
        self.later = later
        numbers, market = self.world.numbers, self.world.market
        for place, (symbol, lots) in enumerate(self.held.items()):
            other = at.FIRST_ACCOUNT + place
            option_rows.move_contracts(market, other, self.swarm, numbers[symbol], lots)
            self.venue.state.book.positions[symbol] = lots
            self.custodian.state.table.positions[symbol] = lots
            self.custodian.state.table.owners.setdefault("test/listener", {})[symbol] = lots
            self.risk.state.book.account_in(symbol).position = lots
            self.risk.state.book.owner_in("test/listener", symbol).position = lots
        market.give_shares(self.swarm, 0, 70)
        for positions in (self.venue.state.book.positions, self.custodian.state.table.positions):
            positions["ABM"] = 70
        self.risk.state.book.account_in("ABM").position = 70

    def truth(self) -> dict[str, int]:
        """Return what the clearing firm holds for the swarm, by the present symbols."""
        ledger = MarketLedger(self.world.market)
        found = {"ABM": int(ledger.position[self.swarm, 0])}
        for number, series in self.world.series.items():
            found[series.symbol] = option_rows.held(self.world.market, self.swarm, number)
        return {symbol: lots for symbol, lots in found.items() if lots}

    def cash(self) -> int:
        return int(MarketLedger(self.world.market).cash[self.swarm])

    def mornings(self) -> Iterator[int]:
        """Yield each day after the first, once it has begun, and then the end of the run."""
        for number, session in enumerate(self.world.sessions[1:], 1):
            self.loop.advance_to(session.start_ns + 1_000_000_000)
            yield number
        self.loop.advance_to(self.loop.end_ns)
        yield len(self.world.sessions)


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, list[dict[str, Any]]]:
    compile_all()
    world, seen = World(tmp_path_factory.mktemp("nights")), []
    for _ in world.mornings():
        desk = world.risk.state
        seen.append({
            "truth": world.truth(), "cash": world.cash(),
            "venue": {s: n for s, n in world.venue.state.book.positions.items() if n},
            "custodian": {s: n for s, n in world.custodian.state.table.positions.items() if n},
            "risk": {s: e.position for s, e in desk.book.account.items() if e.position},
            "risk_cash": desk.cash_micros, "marks": dict(desk.marks),
            "owner": {s: n for s, n in
                      world.custodian.state.table.owners["test/listener"].items() if n},
            "reports": world.venue.state.book.sequence, "state": desk.states.of("desk:"),
            "breaks": dict(world.custodian.state.breaks),
        })  # fmt: skip
    world.loop.finish()
    return world, seen


def test_everybody_holds_what_the_clearing_firm_holds(days: Any) -> None:
    _, seen = days
    assert len(seen) == 3
    for morning in seen:
        assert morning["venue"] == morning["custodian"] == morning["risk"] == morning["truth"]
        assert morning["breaks"] == {}
        assert morning["state"] == "active"


def test_cash_is_the_accounts_own_after_exercise_and_dividend(days: Any) -> None:
    _, seen = days
    for morning in seen:
        assert morning["risk_cash"] == morning["cash"]
    assert seen[0]["cash"] != CASH * 1_000_000  # Strikes were paid and received.


def test_expired_series_are_gone_and_their_shares_delivered_split_and_owned(days: Any) -> None:
    world, seen = days
    # 4 exercised and 3 assigned are 100 shares, and 70 there were; each became seven.
    assert seen[0]["truth"]["ABM"] == (70 + 100) * 7
    assert set(seen[0]["truth"]) == {"ABM", *(s for s in seen[0]["truth"] if s != "ABM")}
    assert len(seen[0]["truth"]) == 2
    # Whose the options were, theirs are the shares that came of them.
    assert seen[0]["owner"]["ABM"] == 100 * 7
    assert not set(seen[0]["truth"]) & set(world.held)


def test_adjusted_series_goes_by_its_new_symbol_everywhere(days: Any) -> None:
    world, seen = days
    (adjusted,) = [symbol for symbol in seen[0]["truth"] if symbol != "ABM"]
    assert adjusted != world.later.symbol
    assert seen[0]["truth"][adjusted] == -35
    number = world.world.numbers[adjusted]
    terms: Instrument = world.risk.state.listed[adjusted]
    assert terms == world.world.series[number]
    assert adjusted in [symbol for _, symbol in world.listener.listed]
    assert world.later.symbol in [symbol for _, symbol in world.listener.listed]
    # The exchange takes orders in it by that name, and publishes under it.
    assert world.world.exchange._symbols[adjusted] == number
    assert seen[0]["marks"]["ABM"] < 20_000  # The split's, not the evening's.


def test_the_night_after_the_last_day_is_heard_before_the_run_ends(days: Any) -> None:
    world, seen = days
    facts = list(facts_of(world.world.floor.audit))
    moves = account_moves(facts)
    nights = [session.date.isoformat() for session in world.world.sessions]
    assert {row["session"] for row in moves} <= set(nights)
    assert seen[2]["reports"] > seen[1]["reports"]
    statements = [
        message["session"] for _, _, message in facts
        if message["type"] == "PositionMoved" and message["reason"] == "statement"
    ]  # fmt: skip
    assert statements == nights
    assert {row["what"] for row in moves} >= {"exercise", "assignment", "expiry", "adjustment"}
