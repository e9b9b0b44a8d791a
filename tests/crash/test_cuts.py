"""The desk is cut at every step of its record and recovered: some cuts here, more in `slow`."""

import pytest

from environment.record.faulty_disk import FaultyDisk
from tests.crash.cuts import ORDERS, START_NS, Plan, _run, _start, check, cuts, run_cut
from tests.crash.outside import Faults, Outside


def test_uncut_run_trades_over_good_and_bad_links() -> None:
    trades, orders = 0, 0
    for seed in range(1, 7):
        plan = Plan.of(seed)
        outside, disk = Outside(seed, Faults(*plan.link)), FaultyDisk(seed)
        process = _start(plan, seed, disk, outside, START_NS, ORDERS)
        _run(process, is_bad=plan.link[2] > 0)
        check(process, outside)
        trades += sum(abs(lots) for lots in outside.positions.values())
        orders += len(outside.submitted)
    assert orders > 15
    assert trades > 20


def test_cuts_do_no_harm() -> None:
    assert sum(1 for _ in cuts(150)) == 150


def test_cut_beyond_the_end_leaves_a_run_whole() -> None:
    assert not run_cut(1, 100_000)
    assert run_cut(1, 20)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_cuts_do_no_harm() -> None:
    assert sum(1 for _ in cuts(10_000)) == 10_000
