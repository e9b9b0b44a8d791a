"""An order that rests over nights survives every cut: asked each day, never doubled, never lost."""

from itertools import count
from typing import Any

import msgspec
import pytest

from agents.desk.resting_work import RestingWork
from environment.messages import OrderRequest
from environment.record.faulty_disk import FaultyDisk
from tests.crash.cuts import START_NS, Harm
from tests.crash.nights import LOTS, Nights, _life, day_of, run_cut

BEGIN = RestingWork.begin


def test_uncut_order_is_asked_about_and_entered_each_day() -> None:
    for seed in range(1, 40):
        outside = Nights(seed)
        assert _life(seed, FaultyDisk(seed), outside, START_NS) is None
        days = [day_of(decided) for decided in outside.decided.values()]
        if outside.positions.get("AAPL", 0) < LOTS and len(days) == 3:
            assert days == [0, 1, 2]
            return
    raise AssertionError("no seed leaves it open for three days")


def test_no_cut_lets_it_trade_unasked_or_loses_it() -> None:
    cuts = 0
    for seed in (6, 7):  # Even: the process is killed; odd: the power fails.
        for cut in count(1):
            if not run_cut(seed, cut):
                break
            cuts += 1
    assert cuts > 250


def _lasting(self: Any, ctx: Any, state: Any, order: Any) -> None:
    BEGIN(self, ctx, state, order)
    for place, ask in enumerate(ctx._moment.outbox):
        if isinstance(ask[2], OrderRequest):
            child = msgspec.structs.replace(ask[2], time_in_force="gtc")
            ctx._moment.outbox[place] = (*ask[:2], child, *ask[3:])


def test_child_that_outlives_its_day_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness sees what it is there for."""
    monkeypatch.setattr(RestingWork, "begin", _lasting)
    with pytest.raises(Harm, match="without a yes"):
        _cut_often()


def _cut_often() -> None:
    for seed in (1, 6, 7):
        for cut in range(40, 160, 8):
            run_cut(seed, cut)
