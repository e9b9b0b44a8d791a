from typing import Any

import pytest

from agents.desk.execution import Execution, ExecutionSettings
from agents.desk.schedule import Session
from agents.desk.working_order import ExecutionReport, ParentOver
from environment.actors import ActorRef, Directory
from environment.control_messages import DeskStateChanged
from environment.messages import (
    ApprovedOrder,
    CancelOrder,
    CancelRequest,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRequest,
    Resumed,
    TimerFired,
)
from tests.unit.desk.factories import (
    AAPL,
    accepted,
    ask,
    cancelled,
    context,
    filled,
    phase,
    quote,
    refused,
)
from tests.unit.desk.option_factories import CONDOR, SERIES, chain, structure_fills

SECOND_NS = 1_000_000_000
OWNER = "desk/portfolio"
HALTED = DeskStateChanged(before="active", after="halted", reason="test")


class Desk:
    """Execution, its context, and what it asked for."""

    def __init__(self, style: Any = "twap", quantity: int = 120, **given: Any) -> None:
        settings = ExecutionSettings(
            instruments=(AAPL,), sessions=(Session(open_ns=0, close_ns=10**15),), slices=4,
            patience=0.5,
        )  # fmt: skip
        self.actor = Execution(ActorRef("desk/risk"), Directory(lambda _: True), settings)
        self.ctx = context("desk/execution")
        self.parent = ask(1, OWNER, quantity=quantity, style=style, within_ns=40 * SECOND_NS,
                          price=10_010, **given)  # fmt: skip
        self.do(Resumed(), quote(9_999, 10_001))
        self.do(ApprovedOrder(order=self.parent, owner=OWNER, account="swarm", verdict_id=1))

    def do(self, *messages: Any) -> "Desk":
        for message in messages:
            self.ctx.handle(self.actor, message)
        return self

    def at(self, second: int, touch: tuple[int, int] = (9_999, 10_001)) -> "Desk":
        self.ctx.set_time(second * SECOND_NS)
        return self.do(quote(*touch), TimerFired(timer_id=1, name="beat"))

    def sent(self, to: str, kind: type) -> list[Any]:
        return [s.message for s in self.ctx.sent if s.to == to and isinstance(s.message, kind)]

    @property
    def children(self) -> list[OrderRequest]:
        return self.sent("desk/risk", OrderRequest)

    @property
    def report(self) -> ExecutionReport:
        (report,) = [s.message for s in self.ctx.published]
        assert isinstance(report, ExecutionReport)
        return report


def test_first_slice_rests_at_the_near_touch() -> None:
    (child,) = Desk().children
    assert (child.quantity, child.price, child.time_in_force) == (30, 9_999, "day")
    assert child.parent == f"{OWNER}/1"


def test_slice_that_rested_long_enough_takes_the_far_touch() -> None:
    desk = Desk().at(6)
    assert desk.sent("desk/risk", CancelRequest)
    desk.do(cancelled(desk.children[0].order_id, 30))
    assert (desk.children[-1].price, desk.children[-1].time_in_force) == (10_001, "ioc")


def test_child_follows_the_near_touch() -> None:
    desk = Desk().at(1, touch=(10_000, 10_002))
    desk.do(cancelled(desk.children[0].order_id, 30))
    assert desk.children[-1].price == 10_000


def test_child_that_found_nothing_waits_for_the_next_beat() -> None:
    desk = Desk("market")
    desk.do(cancelled(desk.children[-1].order_id, 120, "ioc_remainder"))
    assert len(desk.children) == 1
    assert len(desk.at(1).children) == 2


def test_later_slices_add_what_is_due() -> None:
    desk = Desk()
    desk.do(filled(desk.children[-1].order_id, 30))
    assert len(desk.at(5).children) == 1
    assert desk.at(10).children[-1].quantity == 30


def test_price_is_never_worse_than_the_parents() -> None:
    desk = Desk("market").do(quote(10_019, 10_021))
    desk.do(cancelled(desk.children[-1].order_id, 120, "ioc_remainder"))
    assert desk.at(1, touch=(10_019, 10_021)).children[-1].price == 10_010


def test_owner_hears_of_its_parent_as_of_one_order() -> None:
    desk = Desk("market")
    desk.do(filled(desk.children[-1].order_id, 50, 70, price=10_001))
    desk.do(cancelled(desk.children[-1].order_id, 70, "ioc_remainder"))
    desk.at(1)
    desk.do(filled(desk.children[-1].order_id, 70, price=10_002))
    told = [s.message for s in desk.ctx.sent if s.to == OWNER]
    assert [type(m) for m in told] == [OrderAccepted, OrderFilled, OrderFilled]
    assert [(m.order_id, m.leaves) for m in told[1:]] == [(f"{OWNER}/1", 70), (f"{OWNER}/1", 0)]
    assert desk.sent("desk/risk", ParentOver) == [ParentOver(order_id=f"{OWNER}/1")]


def test_report_measures_slippage_against_the_mid_at_the_start() -> None:
    desk = Desk("market")
    desk.do(filled(desk.children[-1].order_id, 120, price=10_001, fee_micros=5))
    assert desk.report.slippage_basis_points == pytest.approx(1.0)
    assert (desk.report.filled, desk.report.fees_micros, desk.report.reason) == (120, 5, "filled")


def test_window_over_cancels_the_rest_and_says_so() -> None:
    desk = Desk("passive").at(40)
    desk.do(cancelled(desk.children[-1].order_id, 120))
    (over,) = desk.sent(OWNER, OrderCancelled)
    assert (over.quantity, over.reason) == (120, "window_over")
    assert len(desk.at(41).children) == 1


@pytest.mark.parametrize("stop", [CancelOrder(order_id=f"{OWNER}/1"), HALTED, Resumed()])
def test_nothing_leaves_after_a_stop(stop: Any) -> None:
    desk = Desk().do(stop).at(20)
    assert len(desk.children) == 1
    desk.do(cancelled(desk.children[0].order_id, 30))
    assert desk.sent(OWNER, OrderCancelled)[0].quantity == 120
    assert len(desk.at(30).children) == 1


def test_refused_child_ends_the_parent() -> None:
    desk = Desk()
    desk.do(refused(desk.children[0].order_id, "price_collar: too far"))
    assert "price_collar" in desk.sent(OWNER, OrderCancelled)[0].reason
    assert desk.actor.statistics().refused_children == 1


def test_same_parent_again_starts_nothing() -> None:
    desk = Desk()
    desk.do(ApprovedOrder(order=desk.parent, owner=OWNER, account="swarm", verdict_id=1))
    assert len(desk.children) == 1


def test_nothing_is_sent_while_the_instrument_is_halted() -> None:
    desk = Desk()
    desk.do(filled(desk.children[-1].order_id, 30), phase("halted")).at(15)
    assert len(desk.children) == 1


def test_children_never_sum_to_more_than_the_parent() -> None:
    desk = Desk(quantity=7)
    for second in range(1, 40):
        child = desk.children[-1]
        desk.do(accepted(child.order_id), filled(child.order_id, child.quantity))
        desk.at(second)
    assert sum(child.quantity for child in desk.children) == 7


class StructureBench:
    """Execution with one structure of ten units, worst -60, within 40 s in four slices."""

    def __init__(self, **given: Any) -> None:
        settings = ExecutionSettings(
            instruments=(AAPL,), sessions=(Session(open_ns=0, close_ns=10**15),), slices=4,
            patience=0.5, series=SERIES,
        )  # fmt: skip
        self.actor = Execution(ActorRef("desk/risk"), Directory(lambda _: True), settings)
        self.ctx = context("desk/execution")
        parent = ask(1, OWNER, style="passive", within_ns=40 * SECOND_NS, legs=CONDOR,
                     **({"price": -60} | given))  # fmt: skip
        approved = ApprovedOrder(order=parent, owner=OWNER, account="swarm", verdict_id=1)
        self.do(Resumed(), quote(9_999, 10_001), approved)

    def do(self, *messages: Any) -> "StructureBench":
        for message in messages:
            self.ctx.handle(self.actor, message)
        return self

    def at(self, second: int, size: int = 20) -> "StructureBench":
        self.ctx.set_time(second * SECOND_NS)
        return self.do(chain(size=size), TimerFired(timer_id=1, name="beat"))

    @property
    def children(self) -> list[OrderRequest]:
        return [s.message for s in self.ctx.sent if isinstance(s.message, OrderRequest)]

    def end_child(self) -> None:
        child = self.children[-1]
        self.do(cancelled(child.order_id, child.quantity, "ioc_remainder"))


def test_structure_is_tried_whole_once_a_slice_and_gives_way() -> None:
    bench = StructureBench().at(1)
    for second in (2, 11, 21, 31):
        bench.end_child()
        bench.at(second)
    tries = bench.children
    assert [child.price for child in tries] == [-90, -85, -80, -80]
    assert {(child.legs, child.quantity, child.time_in_force) for child in tries} == {
        (CONDOR, 10, "ioc")
    }


def test_structure_is_never_tried_beyond_its_limit_or_what_is_shown() -> None:
    bench = StructureBench(price=-88).at(21, size=4)
    (child,) = bench.children
    assert (child.price, child.quantity) == (-88, 4)


def test_legs_of_a_child_are_the_parents_own_and_cost_what_they_cost() -> None:
    bench = StructureBench().at(1, size=4)
    child = bench.children[-1]
    bench.do(*structure_fills(child.order_id, CONDOR, 4))
    told = [s.message for s in bench.ctx.sent if s.to == OWNER]
    fills = [message for message in told if isinstance(message, OrderFilled)]
    assert {fill.order_id for fill in fills} == {f"{OWNER}/1"}
    assert [fill.leaves for fill in fills] == [6, 6, 6, 6]
    bench.do(CancelOrder(order_id=f"{OWNER}/1"))
    (report,) = [s.message for s in bench.ctx.published]
    assert (report.filled, report.twice_arrival, report.average_half_ticks) == (4, -180, -160.0)
    # Ten cents worse than the middle, of 170 that the legs' middles come to.
    assert report.slippage_micros == 4 * 10 * 1_000_000
    assert report.slippage_basis_points == pytest.approx(1e4 * 20 / 340)
    cost = bench.actor.statistics().costs[""]
    assert (cost.parents, cost.filled, cost.lots) == (1, 1, 4)
