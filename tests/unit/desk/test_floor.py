"""The whole road on a kernel: agents, portfolio, risk, venue, and a stub exchange."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from agents.desk import PROTOCOL
from agents.desk.controls import Mandate
from agents.desk.coordinator import Coordinator, CoordinatorSettings
from agents.desk.custodian import Custodian
from agents.desk.custodian_state import CustodianSettings
from agents.desk.execution import Execution, ExecutionSettings
from agents.desk.portfolio import Portfolio, PortfolioSettings
from agents.desk.risk import Risk, RiskSettings
from agents.desk.schedule import Session as Day
from agents.desk.sizing import SizingSettings
from agents.human.approval_state import ApprovalSettings
from agents.human.approvals import Approvals
from agents.quant.market_maker import MarketMaker, MarketMakerSettings
from agents.quant.metronome import Metronome, MetronomeSettings
from agents.quant.programme_seller import ProgrammeSeller, ProgrammeSettings
from agents.quant.trend import Trend, TrendSettings
from brokers.simulated import SimulatedVenue
from environment.actors import (
    Actor,
    Connection,
    Constant,
    Directory,
    Lognormal,
    Ports,
    Protocol,
    Settings,
    SimulationKernel,
)
from environment.actors.ports import MemoryDisk
from environment.messages import ExecutionStyle, Resumed
from environment.record.journal import Header, Journal
from environment.venue_messages import PROTOCOL as VENUE_PROTOCOL, OwnerDown
from tests.unit.desk.factories import AAPL, DOLLAR, KEYS, limits
from tests.unit.desk.stub_exchange import BEAT_NS, Exchange

POSITION_LIMIT = 70


class Network:
    """A lognormal network; the exchange draws nothing here."""

    def connection(self, sender: str, recipient: str) -> Connection:
        if recipient == "exchange":
            return Connection(latency=None)
        return Connection(latency=Lognormal(median_ns=300_000, sigma=0.5))

    def subscription(self, topic: str, subscriber: str) -> Constant | None:
        return None


class Floor:
    """A small floor, its exchange and its journal."""

    def __init__(self, seed: int = 1, style: ExecutionStyle = "direct") -> None:
        self.style = style
        self.exchange, self.actors = Exchange(), dict[str, Any]()
        self.journal = Journal(MemoryDisk(), "journal", Header(seed=seed))
        ports = Ports(
            link=Network(), engine=self.exchange, recorder=self.journal,
            protocol=Protocol(PROTOCOL, VENUE_PROTOCOL), resumed=self.resumed,
            went_down=self.went_down,
        )  # fmt: skip
        self.kernel = SimulationKernel(Settings(seed=seed), ports)
        self.exchange.kernel = self.kernel
        self._spawn()

    def resumed(self, address: str) -> Resumed:
        custodian: Custodian = self.actors["desk/custodian"]
        return custodian.resumed(address)

    def went_down(self, address: str) -> None:
        down = OwnerDown(address=address)
        self.kernel.deliver(self.kernel.now_ns(), "kernel", "desk/custodian", down)

    def put(self, address: str, make: Any) -> None:
        def factory() -> Actor[Any]:
            actor: Actor[Any] = make()
            self.actors[address] = actor
            return actor

        self.kernel.spawn(address, factory)

    def _spawn(self) -> None:
        ref: Any = self.kernel.reference
        agents = ("desk/portfolio", "quant/maker", "practice/metronome")
        mandate = Mandate(instruments=("AAPL",), notional_micros=20_000 * DOLLAR)
        risk = RiskSettings(
            account="swarm", instruments=(AAPL,), reference_ticks={"AAPL": 10_000},
            rules=msgspec.structs.replace(
                limits(position=POSITION_LIMIT), mandates=dict.fromkeys(agents, mandate)
            ),
        )  # fmt: skip
        custodian, desk, people = ref("desk/custodian"), ref("desk/risk"), ref("human/approvals")
        gate = KEYS.gate()
        self.put("venue", lambda: SimulatedVenue(ref("exchange"), custodian, "swarm", gate, desk))
        kept = CustodianSettings()
        owners: Directory[Any] = self.kernel.directory()
        self.put("desk/custodian", lambda: Custodian(ref("venue"), desk, owners, kept))
        execution: Any = ref("desk/execution")
        self.put("desk/risk", lambda: Risk(custodian, people, owners, risk, KEYS, execution))
        day = Day(open_ns=0, close_ns=10_000 * BEAT_NS)
        slicing = ExecutionSettings(instruments=(AAPL,), sessions=(day,), slices=4)
        self.put("desk/execution", lambda: Execution(desk, owners, slicing))
        answers = ApprovalSettings(answers_at_once=True)
        self.put("human/approvals", lambda: Approvals(desk, answers, KEYS))
        portfolio = PortfolioSettings(
            instruments=(AAPL,), cash_micros=1_000_000 * DOLLAR,
            sizing=SizingSettings(lots_cap=50, cost_multiple=0.0, depth_share=0.1),
            style=self.style,
        )  # fmt: skip
        views = CoordinatorSettings(instruments=("AAPL",), sources={"AAPL": ("quant/trend",)})
        self.put("desk/coordinator", lambda: Coordinator(views))
        self.put("desk/portfolio", lambda: Portfolio(ref("desk/risk"), portfolio))
        trend = TrendSettings(instruments=("AAPL",), fast_ns=10 * BEAT_NS, slow_ns=40 * BEAT_NS)
        self.put("quant/trend", lambda: Trend(ref("desk/coordinator"), trend))
        maker = MarketMakerSettings(
            instruments=(AAPL,), quantity=5, half_spread=Decimal("0.02"),
            notional_micros=mandate.notional_micros,
        )  # fmt: skip
        self.put("quant/maker", lambda: MarketMaker(ref("desk/risk"), maker))
        metronome = MetronomeSettings(instruments=("AAPL",), quantity=40, every_ns=45 * BEAT_NS)
        self.put("practice/metronome", lambda: Metronome(ref("desk/risk"), metronome))
        seller = ProgrammeSettings(
            account="world/programme", instrument="AAPL", quantity=500, at_ns=100 * BEAT_NS,
            participation=0.09, every_ns=20 * BEAT_NS,
        )  # fmt: skip
        self.put("world/programme", lambda: ProgrammeSeller(ref("exchange"), seller))

    def run(self, beats: int) -> "Floor":
        # Half a beat more, so that nothing is on the way.
        self.kernel.run_until(beats * BEAT_NS + BEAT_NS // 2)
        return self

    def positions(self) -> dict[str, int]:
        """Return what each agent believes to hold, or knows to have sold."""
        return {
            "desk/portfolio": self.actors["desk/portfolio"].state.lines["AAPL"].position,
            "quant/maker": self.actors["quant/maker"].state.quoted["AAPL"].position,
        }


def test_every_agent_trades_and_nothing_fails() -> None:
    floor = Floor().run(400)
    assert floor.kernel.dead_letters == ()
    owners = {order.order_id.rpartition("/")[0] for order in floor.exchange.submitted}
    assert owners == {"desk/portfolio", "quant/maker", "practice/metronome", "world/programme"}
    assert floor.actors["desk/risk"].statistics().undelivered == 0
    assert floor.actors["desk/custodian"].statistics().undelivered == 0


def test_all_agree_on_what_is_held() -> None:
    floor = Floor().run(900)
    book = floor.actors["desk/risk"].state.book
    for address, position in floor.positions().items():
        assert book.owners[address]["AAPL"].position == position
    assert book.account["AAPL"].position == floor.exchange.accounts["venue"]
    assert {o.order_id for o in book.orders.values()} == set(floor.exchange.orders)
    table = floor.actors["desk/custodian"].state.table
    assert table.orders.keys() == book.orders.keys()
    assert table.positions["AAPL"] == floor.exchange.accounts["venue"]
    assert book.unexplained_fills == 0


def test_the_desk_holds_its_limit_and_says_so() -> None:
    floor = Floor()
    for beats in range(10, 600, 10):
        floor.run(beats)
        assert abs(floor.exchange.accounts.get("venue", 0)) <= POSITION_LIMIT
    assert floor.actors["desk/risk"].statistics().refused["position"] > 0


def test_swarm_orders_reach_the_exchange_through_the_venue_only() -> None:
    senders = Floor().run(300).exchange.senders
    assert senders == {"swarm": {"venue"}, "world/programme": {"world/programme"}}


def test_programme_sells_all_it_has() -> None:
    floor = Floor().run(900)
    assert floor.exchange.accounts["world/programme"] == -500
    assert floor.actors["world/programme"].state.left == 0


def test_slicing_changes_nothing_and_the_seed_something() -> None:
    whole, sliced, other = Floor().run(100), Floor(), Floor(seed=2).run(100)
    for beats in range(1, 101):
        sliced.run(beats)
    digests = [floor.journal.close() for floor in (whole, sliced, other)]
    assert digests[0] == digests[1] != digests[2]


def test_restarted_agent_goes_on_with_what_it_has(monkeypatch: Any) -> None:
    floor = Floor().run(300)
    before = floor.actors["quant/maker"]
    monkeypatch.setattr(before, "_look_at_age", None)  # Its next timer fails.
    floor.run(330)
    after = floor.actors["quant/maker"]
    assert after is not before
    assert [letter.address for letter in floor.kernel.dead_letters] == ["quant/maker"]
    floor.run(900)
    held = floor.actors["desk/risk"].state.book.owners["quant/maker"]["AAPL"]
    assert after.state.quoted["AAPL"].position == held.position


@pytest.mark.parametrize("style", ["market", "passive", "twap", "vwap"])
def test_parents_are_worked_in_children_and_all_agree_on_what_is_held(style: Any) -> None:
    floor = Floor(style=style).run(600)
    assert floor.kernel.dead_letters == ()
    desk, book = floor.actors["desk/execution"], floor.actors["desk/risk"].state.book
    assert desk.statistics().done > 0
    # A child may cross its parent's cancel on the way; nothing else is refused.
    refused = floor.actors["desk/risk"].statistics().refused
    assert desk.statistics().refused_children <= refused.get("beyond_parent", 0)
    assert any(o.order_id.startswith("desk/execution/") for o in floor.exchange.submitted)
    assert book.account["AAPL"].position == floor.exchange.accounts["venue"]
    position = floor.positions()["desk/portfolio"]
    assert book.owners["desk/portfolio"]["AAPL"].position == position


def test_execution_that_restarts_ends_its_parents_and_loses_nothing() -> None:
    floor = Floor(style="twap")
    failed = 0
    for beats in range(1, 600):
        floor.run(beats)
        if floor.actors["desk/execution"].state.working and failed < 2:
            failed += 1
            now_ns = floor.kernel.now_ns()
            floor.kernel.deliver(now_ns, "test", "desk/execution", Resumed(positions={"": 1}))
    floor.run(900)
    book = floor.actors["desk/risk"].state.book
    assert failed > 0
    assert book.account["AAPL"].position == floor.exchange.accounts["venue"]
    assert {o.order_id for o in book.orders.values()} <= set(floor.exchange.orders) | {
        order.order_id for order in floor.actors["desk/execution"].state.working.values()
    }
