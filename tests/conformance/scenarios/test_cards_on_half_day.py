"""The shipped floor on a half day: at one o'clock every card that waits is a no."""

from pathlib import Path
from typing import Any

import pytest

from environment.actors import Actor, ActorContext, ActorRef
from environment.actors.ports import MemoryDisk
from environment.approval_messages import CardChanged
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    OrderEvent,
    OrderRefused,
    OrderRequest,
    PhaseChanged,
    Resumed,
    TimerFired,
)
from scenarios.builders.floor import Floor
from scenarios.places import SHIPPED
from scenarios.run.decisions import facts_of
from scenarios.run.session_loop import SessionLoop
from tests.conformance.scenarios.runs import ready
from tests.conformance.scenarios.test_order_over_nights import SWARM

SECOND_NS = 1_000_000_000
HALF_DAY_S = 3 * 3_600 + 1_800  # From half past nine to one.
ASKS_S = {1: HALF_DAY_S - 300, 2: HALF_DAY_S - 20, 3: HALF_DAY_S + 5}  # By the order's number.
SLOW = """
[approver]
kind = "scripted"
people = ["ana"]
hours = ["09:30", "16:00"]
delay = { kind = "constant", value = "30s" }
policy = { approve_score_under = 100 }
"""

Heard = Resumed | TimerFired | PhaseChanged | BandsChanged | AuctionIndication | OrderEvent


class Late(Actor[Heard]):
    """Asks five minutes and twenty seconds before the end, and five seconds after it."""

    def __init__(self) -> None:
        self.risk: ActorRef[OrderRequest] | None = None
        self.heard: list[tuple[int, OrderEvent]] = []

    def receive(self, ctx: ActorContext, message: Heard) -> None:
        if isinstance(message, Resumed):
            ctx.subscribe("market/ABM/status")
        elif isinstance(message, OrderEvent):
            self.heard.append((ctx.now_ns(), message))
        elif isinstance(message, PhaseChanged) and message.phase == "continuous":
            for number, after_s in ASKS_S.items():
                ctx.after(after_s * SECOND_NS, str(number))
        elif isinstance(message, TimerFired):
            assert self.risk is not None, "given with the floor"
            ctx.send(self.risk, OrderRequest(
                order_id=f"test/late/{message.name}", instrument="ABM", side="buy", quantity=50,
                price=90_000,
            ))  # fmt: skip


class HalfDay:
    """The run of Christmas Eve 2015, and what came of the orders."""

    def __init__(self, folder: Path, auctions: str) -> None:
        text = (SHIPPED / "rmsc04.toml").read_text().replace("2021-02-05", "2015-12-24")
        text = text.replace("seed =", 'swarm = "agents.toml"\nseed =', 1) + SLOW
        (folder / "agents.toml").write_text(SWARM)
        (folder / "half.toml").write_text(text)
        self.late = Late()

        def make(floor: Floor) -> Late:
            self.late.risk = floor.risk
            return self.late

        settings = ("crowds.noise.count=30", "crowds.value.count=5", f"session.auctions={auctions}")
        self.loop: SessionLoop = ready(
            str(folder / "half.toml"), settings, agents={"test/late": make}, disk=MemoryDisk()
        )
        self.loop.start()
        self.loop.advance_to(self.loop.end_ns)
        self.loop.finish()
        (self.session,) = self.loop.world.sessions

    def cards(self) -> list[tuple[int, dict[str, Any]]]:
        facts = facts_of(self.loop.world.floor.audit)
        return [(at_ns, m) for at_ns, _, m in facts if m["type"] == CardChanged.__name__]


@pytest.fixture(scope="module", params=["[]", '["opening", "closing"]'])
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> HalfDay:
    return HalfDay(tmp_path_factory.mktemp("half"), request.param)


def test_day_ends_at_one(day: HalfDay) -> None:
    session = day.session
    assert session.is_half_day
    assert session.close_ns - session.open_ns == HALF_DAY_S * SECOND_NS


def test_card_that_waits_at_one_is_closed_at_one_and_never_sent(day: HalfDay) -> None:
    ends = {
        m["card"]["order"]["order_id"]: (at_ns, m["outcome"])
        for at_ns, m in day.cards() if m["outcome"] is not None
    }  # fmt: skip
    assert set(ends) == {"test/late/1", "test/late/2"}
    assert ends["test/late/1"][1] == "approved"
    at_ns, outcome = ends["test/late/2"]
    assert outcome == "market_closed"
    assert 0 <= at_ns - day.session.close_ns < SECOND_NS
    (refused,) = [
        (told_ns, event) for told_ns, event in day.late.heard if event.order_id == "test/late/2"
    ]  # fmt: skip
    assert isinstance(refused[1], OrderRefused)
    assert refused[1].reason.startswith("person_market_closed")
    assert 0 <= refused[0] - day.session.close_ns < SECOND_NS


def test_nothing_is_asked_after_one(day: HalfDay) -> None:
    (late,) = [event for _, event in day.late.heard if event.order_id == "test/late/3"]
    assert isinstance(late, OrderRefused)
    assert late.reason.startswith("trading_phase")
    last_ns = max(at_ns for at_ns, _ in day.cards())
    assert last_ns - day.session.close_ns < SECOND_NS
