"""The desk is cut at every step of its record and recovered: some cuts here, more in `slow`."""

import pytest

from environment.record.faulty_disk import FaultyDisk
from tests.conftest import IN_CI
from tests.crash.cuts import (
    ORDERS,
    START_NS,
    Harm,
    Plan,
    _life,
    _run,
    _start,
    check,
    cuts,
    run_cut,
)  # fmt: skip
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


@pytest.mark.timeout(900)
def test_cuts_do_no_harm() -> None:
    count = 10_000 if IN_CI else 150  # A minute of one core; `python -m tests.crash.cuts` times it.
    assert sum(1 for _ in cuts(count)) == count


def test_failing_cut_names_the_command_that_makes_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_at_seven(seed: int, cut: int) -> bool:
        if (seed, cut) == (2, 7):
            raise Harm("planted")
        return cut < 20

    monkeypatch.setattr("tests.crash.cuts.run_cut", fail_at_seven)
    with pytest.raises(Harm, match=r"planted; again with: python -m tests\.crash\.cuts 2 7"):
        list(cuts(100))


def test_cut_again_is_the_same_cut() -> None:
    disks = []
    for _ in range(2):
        outside, disk = Outside(4, Faults()), FaultyDisk(4, cut_at=31)
        assert _life(Plan.of(4), 4, disk, outside, START_NS, ORDERS) is not None
        disks.append({name: bytes(file.data) for name, file in disk.files.items()})
    assert disks[0] == disks[1] != {}


def test_cut_beyond_the_end_leaves_a_run_whole() -> None:
    assert not run_cut(1, 100_000)
    assert run_cut(1, 20)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_thousand_cuts_do_no_harm() -> None:
    assert sum(1 for _ in cuts(10_000)) == 10_000
