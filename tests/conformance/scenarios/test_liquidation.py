"""A margin call that is not met: the office closes what lacks, next morning, through the market."""

from typing import Any, assert_never

import pytest

from environment.actors import Actor, ActorContext, Envelope
from environment.actors.ports import MemoryDisk
from environment.clearing_messages import (
    AccountStanding,
    BrokerFill,
    ClosePosition,
    PositionClosed,
    QueryStanding,
)
from environment.instruments import to_micros
from environment.market import layout as at
from environment.market.clearing_events import MarginCalled
from environment.market.clearing_ledger import MarketLedger
from environment.messages import OrderAccepted, OrderCancelled, OrderRefused, Resumed
from environment.record.journal import JournalReader
from environment.venue_messages import BreakFound
from scenarios.builders.clearing import LIQUIDATION
from scenarios.builders.warm_up import compile_all
from scenarios.config.load import load_config
from scenarios.places import SHIPPED
from scenarios.protocol import PROTOCOL
from scenarios.run.decisions import account_moves, facts_of
from scenarios.run.session_loop import JOURNAL, SessionLoop

SETTINGS = ("crowds.noise.count=200", "crowds.value.count=20", 'session.closes="10:00"',
            "clearing.liquidation=true", "account.cash=1_000")  # fmt: skip


class Silent(Actor[Resumed]):
    """Does nothing about its call."""

    def receive(self, ctx: ActorContext, message: Resumed) -> None:
        match message:
            case Resumed():
                pass
            case never:
                assert_never(never)


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> tuple[SessionLoop, list[Any]]:
    """Two days; the swarm holds 100 shares near 1,000.00 and owes 79,000 dollars."""
    compile_all()
    folder = tmp_path_factory.mktemp("call")
    text = (SHIPPED / "rmsc04.toml").read_text()
    text = text.replace("date = 2021-02-05", "dates = [2021-02-04, 2021-02-05]")
    (folder / "days.toml").write_text(text)
    disk = MemoryDisk()
    config = load_config(str(folder / "days.toml"), SETTINGS)
    loop = SessionLoop.build(config, disk, agents={"test/silent": lambda _: Silent()})
    market, swarm = loop.world.market, loop.world.floor.accounts["swarm"]
    market.give_shares(swarm, 0, 100)
    for account, micros in ((swarm, -to_micros(80_000)), (at.WORLD, to_micros(80_000))):
        market.section(at.S_ACCOUNT)[account, at.A_CASH] += micros
    loop.start()
    loop.advance_to(loop.end_ns)
    loop.finish()
    records = JournalReader(disk.read(JOURNAL), PROTOCOL)
    return loop, [r for r in records if isinstance(r, Envelope)]


def test_call_is_liquidated_after_the_open_and_no_further(
    called: tuple[SessionLoop, list[Any]],
) -> None:
    loop, envelopes = called
    swarm = loop.world.floor.accounts["swarm"]
    calls = [e for e in loop.world.clearing_events if isinstance(e, MarginCalled)]
    first, *later = [e for e in calls if e.account == swarm]
    assert first.session.day == 4
    # What it kept has no cushion: the day's last price may call for a little more.
    assert all(10 * call.call_micros < first.call_micros for call in later)
    closed = [
        e for e in envelopes if isinstance(e.message, PositionClosed) and e.message.account == swarm
    ]
    assert closed
    assert all(e.sent_ns >= loop.world.sessions[1].open_ns for e in closed)
    left = int(MarketLedger(loop.world.market).position[swarm, 0])
    assert 0 < left < 100


def test_office_works_through_its_connection(called: tuple[SessionLoop, list[Any]]) -> None:
    loop, envelopes = called
    swarm = loop.world.floor.accounts["swarm"]
    asked = [e for e in envelopes if isinstance(e.message, QueryStanding)]
    told = [
        e
        for e in envelopes
        if isinstance(e.message, AccountStanding) and e.message.account == swarm
    ]
    ordered = [e for e in envelopes if isinstance(e.message, ClosePosition)]
    assert asked
    assert told
    assert ordered
    assert all(e.delivered_ns > e.sent_ns for e in (*asked, *told, *ordered))
    assert told[-1].message.required_micros <= told[-1].message.equity_micros


def test_books_add_up_through_liquidation(called: tuple[SessionLoop, list[Any]]) -> None:
    loop, envelopes = called
    ledger = MarketLedger(loop.world.market)
    assert int(ledger.cash.sum()) == 0
    assert not ledger.position.sum(axis=0).any()
    assert not [e for e in envelopes if isinstance(e.message, OrderRefused)]


def test_the_desk_hears_who_closed_what_and_why_and_books_it(
    called: tuple[SessionLoop, list[Any]],
) -> None:
    loop, envelopes = called
    swarm = loop.world.floor.accounts["swarm"]
    cells: Any = loop.world.kernel.floor.cells
    venue, custodian = cells["venue"].actor.state, cells["desk/custodian"].actor.state
    risk = cells["desk/risk"].actor.state
    ledger = MarketLedger(loop.world.market)
    left = int(ledger.position[swarm, 0])
    assert venue.book.positions["ABM"] == custodian.table.positions["ABM"] == left
    assert risk.book.account_in("ABM").position == left
    assert risk.cash_micros == int(ledger.cash[swarm])
    fills = [e.message for e in envelopes if isinstance(e.message, BrokerFill)]
    assert sum(fill.quantity for fill in fills) == 100 - left
    assert {(fill.by, fill.reason) for fill in fills} == {(LIQUIDATION, "margin_call")}
    assert all(fill.shortfall_micros > 0 for fill in fills)
    # Of the broker's orders nobody else hears, and no fill is anybody else's.
    assert not [
        e for e in envelopes
        if e.recipient == "venue" and isinstance(e.message, OrderAccepted | OrderCancelled)
    ]  # fmt: skip
    assert not [e for e in envelopes if isinstance(e.message, BreakFound)]


def test_the_audit_names_every_closing_and_the_state_its_cause(
    called: tuple[SessionLoop, list[Any]],
) -> None:
    loop, envelopes = called
    fills = [e.message for e in envelopes if isinstance(e.message, BrokerFill)]
    facts = list(facts_of(loop.world.floor.audit))
    moves = [row for row in account_moves(facts) if row["what"] == "closed"]
    assert [(row["order_id"], row["lots"]) for row in moves] == [
        (fill.order_id, -fill.quantity) for fill in fills
    ]
    assert {(row["by"], row["why"]) for row in moves} == {(LIQUIDATION, "margin_call")}
    assert sum(row["cash"] for row in moves) == pytest.approx(
        sum(fill.cash_micros for fill in fills) / 1e6
    )
    states = [message for _, _, message in facts if message["type"] == "DeskStateChanged"]
    assert [(one["after"], one["reason"]) for one in states] == [("reducing", "margin call")]
