"""An order good till cancelled over three days of the shipped floor, a scripted person at it."""

from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from environment.actors import Actor, ActorContext, ActorRef
from environment.actors.ports import MemoryDisk
from environment.approval_messages import CardChanged
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    OrderAccepted,
    OrderCancelled,
    OrderEvent,
    OrderFilled,
    OrderRequest,
    PhaseChanged,
    Resumed,
)
from scenarios.builders.floor import Floor
from scenarios.places import SHIPPED
from scenarios.run.decisions import facts_of
from scenarios.run.session_loop import SessionLoop
from tests.conformance.scenarios.runs import ready

DAYS = 3
LOTS = 50
SECOND_NS = 1_000_000_000
SWARM = """
version = 1
name = "floor"
swarm = []
agents = {}
[limits]
order_quantity = { soft = 1 }
price_collar = { hard = 0.5 }
[approval]
default = "one"
answer_within = "60s"
drift = 0.2
"""
PERSON = """
[approver]
kind = "scripted"
people = ["ana"]
hours = ["09:30", "16:00"]
delay = { kind = "constant", value = "5s" }
policy = { approve_score_under = 100 }
"""


Heard = Resumed | PhaseChanged | BandsChanged | AuctionIndication | OrderEvent


class Saver(Actor[Heard]):
    """Bids far below the market once it trades, until cancelled."""

    def __init__(self) -> None:
        self.risk: ActorRef[OrderRequest] | None = None
        self.asked = False
        self.heard: list[OrderEvent] = []

    def receive(self, ctx: ActorContext, message: Heard) -> None:
        if isinstance(message, Resumed):
            ctx.subscribe("market/ABM/status")
        elif isinstance(message, OrderEvent):
            self.heard.append(message)
        elif isinstance(message, PhaseChanged) and message.phase == "continuous" and not self.asked:
            self.asked = True
            order = OrderRequest(
                order_id="test/saver/1", instrument="ABM", side="buy", quantity=LOTS,
                price=90_000, time_in_force="gtc",
            )  # fmt: skip
            assert self.risk is not None, "given with the floor"
            ctx.send(self.risk, order)


class ThreeDays:
    """The run, and what came of the order."""

    def __init__(self, folder: Path) -> None:
        text = (SHIPPED / "rmsc04.toml").read_text()
        text = text.replace("date = 2021-02-05", "dates = [2021-02-05, 2021-02-09]")
        text = text.replace("seed =", 'swarm = "agents.toml"\nseed =', 1) + PERSON
        (folder / "agents.toml").write_text(SWARM)
        (folder / "days.toml").write_text(text)
        self.saver, self.disk = Saver(), MemoryDisk()
        settings = (
            "crowds.noise.count=50", "crowds.value.count=10", 'session.closes="09:40"',
        )  # fmt: skip

        def make(floor: Floor) -> Saver:
            self.saver.risk = floor.risk
            return self.saver

        self.loop: SessionLoop = ready(
            str(folder / "days.toml"), settings, agents={"test/saver": make}, disk=self.disk
        )
        self.loop.start()
        self.loop.advance_to(self.loop.end_ns)
        self.loop.finish()


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> ThreeDays:
    return ThreeDays(tmp_path_factory.mktemp("nights"))


def test_it_is_entered_each_day_after_a_yes_and_in_no_auction(days: ThreeDays) -> None:
    verdicts = [
        (at_ns, m["quantity"]) for at_ns, _, m in facts_of(days.loop.world.floor.audit)
        if m["type"] == "Verdict" and m["rule"] == "child of test/saver/1"
    ]  # fmt: skip
    assert [lots for _, lots in verdicts] == [LOTS] * DAYS
    for session, (at_ns, _) in zip(days.loop.world.sessions, verdicts, strict=True):
        assert 5 * SECOND_NS <= at_ns - session.open_ns < 30 * SECOND_NS


def test_each_day_is_asked_on_a_new_card_beside_the_old_one(days: ThreeDays) -> None:
    facts = [m for _, _, m in facts_of(days.loop.world.floor.audit) if m["type"] == "CardChanged"]
    changes = [msgspec.convert(m, CardChanged, strict=False) for m in facts]
    cards = list({change.card.record_hash: change for change in changes}.values())
    assert len(cards) == DAYS
    assert len({change.card.code for change in cards}) == DAYS
    for before, after in pairwise(cards):
        assert after.previous is not None
        assert after.card.previous == before.card.record_hash
        assert after.card.changed_because == "next_open"


def test_its_owner_hears_of_one_order(days: ThreeDays) -> None:
    kinds = [type(event) for event in days.saver.heard]
    assert kinds[0] is OrderAccepted
    assert kinds.count(OrderAccepted) == 1
    assert OrderFilled not in kinds
    assert OrderCancelled not in kinds
    risk = days.loop.world.floor.desk
    assert risk is not None
    assert list(risk.state.book.orders) == ["test/saver/1"]
    assert risk.state.tickets["test/saver/1"].is_withheld
