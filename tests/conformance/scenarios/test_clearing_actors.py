"""What the night ordered is carried out next morning, by actors like any other."""

from pathlib import Path

from environment.actors.ports import MemoryDisk
from environment.clearing_messages import ClosePosition, PositionClosed
from environment.market.clearing_events import BuyInOrdered, MarginCalled, MarginCallMet
from scenarios.builders.clearing import LIQUIDATION
from scenarios.places import SHIPPED
from scenarios.run.session_loop import SessionLoop
from tests.conformance.scenarios.runs import finished, sent_by
from tests.conformance.scenarios.test_conservation import assert_conserved

SMALL = ("session.closes=11:00", "crowds.noise.count=300")
RECALL = """
[[shock]]
at = "10:30"
kind = "borrow_recall"
share = 1.0
"""


def days(folder: Path, last: str, disk: MemoryDisk, *settings: str, extra: str = "") -> SessionLoop:
    """Run some days of a small market that has no other purpose than its nights."""
    text = (SHIPPED / "rmsc04.toml").read_text()
    text = text.replace("date = 2021-02-05", f"dates = [2021-02-04, {last}]")
    (folder / "days.toml").write_text(text + extra)
    loop = finished(str(folder / "days.toml"), (*SMALL, *settings), disk=disk)
    assert_conserved(loop)
    return loop


def test_margin_calls_are_carried_out_after_their_deadline(tmp_path: Path) -> None:
    disk = MemoryDisk()
    loop = days(tmp_path, "2021-02-05", disk)
    told = loop.world.clearing_events
    called = [event for event in told if isinstance(event, MarginCalled)]
    met = [event for event in told if isinstance(event, MarginCallMet)]
    first = {call.account for call in called if call.session == called[0].session}
    orders = sent_by(disk, LIQUIDATION, ClosePosition)
    assert {e.message.reason for e in sent_by(disk, LIQUIDATION, PositionClosed)} == {"margin_call"}
    assert min(envelope.sent_ns for envelope in orders) > called[0].due_ns
    assert len({event.account for event in met} & first) > len(first) // 2


def test_recalled_shares_are_bought_in_on_the_morning_named(tmp_path: Path) -> None:
    disk = MemoryDisk()
    loop = days(tmp_path, "2021-02-08", disk, extra=RECALL)
    ordered = [e for e in loop.world.clearing_events if isinstance(e, BuyInOrdered)]
    first = [event for event in ordered if event.on == ordered[0].on]
    closed = [e for e in sent_by(disk, LIQUIDATION, PositionClosed) if e.message.reason == "buy_in"]
    opens_ns = next(s.open_ns for s in loop.world.sessions if s.date == first[0].on)
    assert min(envelope.sent_ns for envelope in closed) > opens_ns
    assert all(envelope.message.lots > 0 for envelope in closed)
    assert {e.message.account for e in closed} <= {e.account for e in first}


def test_without_liquidation_calls_stand_and_recalls_are_bought_in(tmp_path: Path) -> None:
    disk = MemoryDisk()
    loop = days(tmp_path, "2021-02-08", disk, "clearing.liquidation=false", extra=RECALL)
    assert any(isinstance(event, MarginCalled) for event in loop.world.clearing_events)
    reasons = {e.message.reason for e in sent_by(disk, LIQUIDATION, PositionClosed)}
    assert reasons == {"buy_in"}
