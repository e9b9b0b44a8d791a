"""Strikes that come onto a list while the market runs: listed, quoted, traded, told, and kept."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from environment.actors import Actor, ActorContext, ActorRef
from environment.actors.simulation_kernel import fork
from environment.instruments import parse_occ
from environment.market import layout as at, option_rows
from environment.messages import OrderEvent, OrderFilled, OrderRequest, Resumed
from environment.option_messages import ChainUpdate, SeriesListed
from scenarios.builders.facts import with_listed
from scenarios.builders.floor import Floor
from scenarios.places import SHIPPED
from scenarios.run.option_results import CHAIN, write_option_tables
from scenarios.run.session_loop import SessionLoop
from tests.conformance.scenarios.runs import blocks_of, ready, tape

# The stock jumps by 4 % with the open of the first of two short days.
JUMP = (
    "session.closes=09:36", 'shock=[{kind="fundamental_jump",at="09:30:01",size=0.04}]',
    "instruments.0.options.series=40", "instruments.0.options.listing.strikes=2",
    "instruments.0.options.listing.room=120", "instruments.0.options.listing.move=0.01",
    "instruments.0.options.listing.every=10s", "crowds.noise.count=300", "crowds.hawkes.count=5",
    "crowds.value.arrivals_per_ns=5e-10", "crowds.lottery.every=20s",
    "crowds.overwriters.every=20s",
)  # fmt: skip
ONE_DAY = (*JUMP, "session.dates=[2014-06-06, 2014-06-06]")
Heard = Resumed | ChainUpdate | SeriesListed | OrderEvent


class Buyer(Actor[Heard]):
    """Buys a contract of each series that was not on the first list, once it is offered."""

    def __init__(self, risk: ActorRef[Any]) -> None:
        self._risk = risk
        self.first: set[str] = set()
        self.listed: list[tuple[int, SeriesListed]] = []
        self.chains: list[ChainUpdate] = []
        self.asked: dict[str, str] = {}
        self.events: list[Any] = []

    def receive(self, ctx: ActorContext, message: Heard) -> None:
        match message:
            case Resumed():
                ctx.subscribe("market/AAPL/chain", 0)
            case SeriesListed():
                self.listed.append((ctx.now_ns(), message))
                if not self.chains:
                    self.first.add(message.instrument)
            case ChainUpdate():
                self.chains.append(message)
                self._buy(ctx, message)
            case _:
                self.events.append(message)

    def _buy(self, ctx: ActorContext, chain: ChainUpdate) -> None:
        new = (row for row in chain.rows if row.instrument not in self.first)
        for row in new:
            if row.ask_quantity and row.instrument not in self.asked and len(self.asked) < 2:
                self.asked[row.instrument] = order = f"{ctx.address}/{len(self.asked)}"
                ctx.send(self._risk, OrderRequest(
                    order_id=order, instrument=row.instrument, side="buy", quantity=1,
                    price=row.ask_price + 50, time_in_force="ioc",
                ))  # fmt: skip


@cache
def jumped() -> tuple[SessionLoop, Buyer]:
    """Return a finished run of two days, and who bought in it."""
    made: list[Buyer] = []

    def buyer(floor: Floor) -> Buyer:
        made.append(Buyer(floor.risk))
        return made[-1]

    loop = ready("pin_risk", JUMP, agents={"quant/buyer": buyer})
    loop.start()
    loop.advance_to(loop.end_ns)
    loop.finish()
    return loop, made[0]


def later(loop: SessionLoop) -> list[int]:
    """Return the numbers of what was listed after the start."""
    return [one.number for one in loop.world.options.reserve if one.number in loop.world.series]


def test_a_jump_lists_strikes_around_the_new_price() -> None:
    loop, _ = jumped()
    first, *_ = loop.world.listings.done
    session = loop.world.sessions[0]
    assert session.open_ns < first.time_ns < session.open_ns + 60_000_000_000
    strikes = [parse_occ(symbol).strike_micros / 1e6 for symbol in first.symbols]
    assert 650.0 <= min(strikes) < max(strikes) < 720.0
    calls = {symbol.replace("C00", "P00") for symbol in first.symbols if "C00" in symbol}
    assert calls == {symbol for symbol in first.symbols if "P00" in symbol}
    assert all(parse_occ(symbol).expiry > session.date for symbol in first.symbols)


def test_what_is_listed_opens_with_its_stock_and_is_quoted_and_traded_by_the_crowd() -> None:
    loop, _ = jumped()
    rows = loop.world.market.section(at.S_INSTRUMENT)[later(loop)]
    assert (rows[:, at.I_OPEN_NS] > 0).all()
    assert (rows[:, at.I_CLOSE_BID] < rows[:, at.I_CLOSE_ASK]).all()
    taped = tape(loop)
    fills = taped[taped[:, at.T_KIND] == at.K_FILL]
    assert len(fills[np.isin(fills[:, at.T_INSTRUMENT], later(loop))]) > 20
    opened = taped[(taped[:, at.T_KIND] == at.K_PHASE)
                   & np.isin(taped[:, at.T_INSTRUMENT], later(loop))]  # fmt: skip
    assert opened[0, at.T_TIME] == loop.world.listings.done[0].time_ns


def test_each_series_is_announced_once_before_the_first_chain_that_shows_it() -> None:
    loop, buyer = jumped()
    told = {message.instrument: at_ns for at_ns, message in buyer.listed}
    assert len(told) == len(buyer.listed) == 40 + len(later(loop))
    for chain in buyer.chains:
        heard_ns = chain.exchange_ns + 1_000_000_000
        assert all(told[row.instrument] < heard_ns for row in chain.rows)
    assert len(buyer.first) == 40


def test_the_swarm_buys_what_was_listed_and_clearing_keeps_it() -> None:
    loop, buyer = jumped()
    bought = [event for event in buyer.events if isinstance(event, OrderFilled)]
    assert {event.instrument for event in bought} == set(buyer.asked)
    swarm = loop.world.floor.accounts["swarm"]
    numbers = {one.symbol: n for n, one in loop.world.series.items()}
    for symbol in buyer.asked:
        assert option_rows.held(loop.world.market, swarm, numbers[symbol]) == 1


def test_the_second_morning_lists_around_the_last_close() -> None:
    loop, _ = jumped()
    morning = [one for one in loop.world.listings.done
               if one.time_ns == loop.world.sessions[1].start_ns]  # fmt: skip
    assert morning
    assert sum(len(one.symbols) for one in loop.world.listings.done) == len(later(loop))


def test_tables_and_tape_show_what_was_listed_from_then_on(tmp_path: Path) -> None:
    loop, _ = jumped()
    world = loop.world
    facts = with_listed(world.facts, world.options.reserve, world.series)
    symbols = [world.series[number].symbol for number in later(loop)]
    assert [facts.instruments[number].symbol for number in later(loop)] == symbols
    write_option_tables(world, tmp_path)
    table = pl.read_parquet(tmp_path / CHAIN).filter(pl.col("symbol").is_in(symbols))
    first = table.group_by("symbol").agg(pl.col("time").min().cast(pl.Int64).alias("ns"))
    listed_ns = {name: one.time_ns for one in world.listings.done for name in one.symbols}
    assert set(first["symbol"]) == set(symbols)
    assert all(ns > listed_ns[name] for name, ns in first.iter_rows())
    assert table["real_bid_open"].null_count() == len(table)
    # The sample at the open itself is taken before anybody has quoted.
    settled = table.filter(pl.col("time").dt.minute() > 30)
    assert settled["is_two_sided"].sum() > 0.97 * len(settled)


def test_runs_with_new_strikes_are_the_same_twice_and_in_pieces() -> None:
    whole = ready("pin_risk", ONE_DAY)
    whole.start()
    whole.advance_to(whole.end_ns)
    pieces = ready("pin_risk", ONE_DAY)
    pieces.start()
    now_ns = pieces.start_ns
    while pieces.advance_to(now_ns):
        now_ns += 11_000_000_001
    assert len(later(whole)) > 10
    assert whole.finish() == pieces.finish()


def test_a_fork_after_strikes_were_listed_goes_on_as_the_run_itself() -> None:
    loop, twin = ready("pin_risk", ONE_DAY), ready("pin_risk", ONE_DAY)
    loop.start()
    loop.advance_to(loop.world.sessions[0].open_ns + 120_000_000_000)
    known = later(loop)
    assert known
    loop.world.market.flush_tape()
    fork(loop.world.kernel, lambda: twin.world.kernel)
    for half in (loop, twin):
        half.advance_to(half.end_ns)
        half.finish()
    assert later(twin) == later(loop)
    assert loop.world.series == twin.world.series
    assert blocks_of(loop)[-1].tobytes() == blocks_of(twin)[-1].tobytes()


def test_a_thursday_brings_the_weekly_expiry_that_follows_and_its_strikes(tmp_path: Path) -> None:
    text = (SHIPPED / "rmsc04.toml").read_text()
    text = text.replace("date = 2021-02-05", "dates = [2021-02-03, 2021-02-04]")
    options = 'options = { chain = "rule", series = 64 }'
    (tmp_path / "days.toml").write_text(text.replace("tick = 0.01\n", f"tick = 0.01\n{options}\n"))
    settings = ("crowds.noise.count=50", "crowds.value.count=10", 'session.closes="09:35"')
    loop = ready(str(tmp_path / "days.toml"), settings)
    loop.start()
    loop.advance_to(loop.end_ns)
    new = {loop.world.series[number].expiry for number in later(loop)}
    first = {one.instrument.expiry for one in loop.world.options.series}
    assert date(2021, 3, 26) in new - first
    assert all(expiry is not None and expiry > date(2021, 2, 4) for expiry in new)
    own = [number for number in later(loop)
           if loop.world.series[number].expiry == date(2021, 3, 26)]  # fmt: skip
    rows = loop.world.market.section(at.S_INSTRUMENT)[own]
    assert len(own) >= 4
    assert (rows[:, at.I_OPEN_NS] == 300_000_000_000).all()
    loop.finish()


@pytest.mark.slow
def test_python_actors_quote_and_trade_new_strikes_as_compiled_traders_do() -> None:
    small = (*ONE_DAY, "session.closes=09:32", "crowds.noise.count=60", "crowds.value.count=40")
    one, other = (ready("pin_risk", (*small, f"crowd={kind}")) for kind in ("compiled", "actors"))
    for loop in (one, other):
        loop.start()
        loop.advance_to(loop.end_ns)
        loop.finish()
    assert later(one)
    assert later(one) == later(other)
    mine = [rows[np.isin(rows[:, at.T_INSTRUMENT], later(one))] for rows in map(tape, (one, other))]
    assert len(mine[0]) > 1_000
    assert (
        mine[0][mine[0][:, at.T_KIND] == at.K_QUOTE] == mine[1][mine[1][:, at.T_KIND] == at.K_QUOTE]
    ).all()
