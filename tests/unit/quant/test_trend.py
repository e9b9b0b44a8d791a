import math

import pytest

from agents.quant.trend import Trend, TrendSettings
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.messages import Resumed, Signal
from tests.unit.desk.factories import context, phase, quote

SECOND_NS = 1_000_000_000


def make() -> tuple[Trend, RecordingContext]:
    settings = TrendSettings(instruments=("AAPL",), fast_ns=10 * SECOND_NS, slow_ns=60 * SECOND_NS)
    return Trend(ActorRef("desk/portfolio"), settings), context("quant/trend")


def walk(trend: Trend, ctx: RecordingContext, mids: list[int], from_s: int = 0) -> None:
    """Let the mid take one value a second."""
    for second, mid in enumerate(mids, from_s):
        ctx.set_time(second * SECOND_NS)
        ctx.handle(trend, quote(mid - 1, mid + 1))


def directions(ctx: RecordingContext) -> list[str]:
    return [m.direction for m in ctx.messages() if isinstance(m, Signal)]


def test_rise_is_signalled_once_then_its_end_then_the_fall() -> None:
    trend, ctx = make()
    walk(trend, ctx, [10_000] * 61 + [10_020] * 20)
    assert directions(ctx) == ["up"]
    walk(trend, ctx, [9_980] * 60, from_s=81)
    assert directions(ctx) == ["up", "flat", "down"]


def test_gap_that_closes_ends_the_direction() -> None:
    trend, ctx = make()
    walk(trend, ctx, [10_000] * 61 + [10_004] * 10 + [10_000] * 60)
    assert directions(ctx) == ["up", "flat"]


def test_nothing_is_said_before_the_slow_average_is_warm() -> None:
    trend, ctx = make()
    walk(trend, ctx, list(range(10_000, 10_058)))
    assert directions(ctx) == []


def test_small_gap_says_nothing() -> None:
    trend, ctx = make()
    walk(trend, ctx, [10_000] * 61 + [10_001] * 60)
    assert directions(ctx) == []


def test_averages_are_exact_however_often_the_mid_is_heard() -> None:
    trend, ctx = make()
    walk(trend, ctx, [10_000, 10_100])
    ctx.set_time(31 * SECOND_NS)
    ctx.handle(trend, quote(10_099, 10_101))
    slow = trend.state.averages["AAPL"].slow_ticks
    assert slow == pytest.approx(10_100 - 100 * math.exp(-1.0), rel=1e-12)


def test_halt_is_no_trend() -> None:
    trend, ctx = make()
    walk(trend, ctx, [10_000] * 61)
    ctx.handle(trend, phase("halted"))
    ctx.handle(trend, quote(8_999, 9_001))
    ctx.set_time(600 * SECOND_NS)
    ctx.handle(trend, phase("continuous"))
    ctx.handle(trend, quote(10_000, 10_002))
    assert trend.state.averages["AAPL"].slow_ticks == pytest.approx(10_000)


def test_one_sided_touch_is_ignored() -> None:
    trend, ctx = make()
    ctx.handle(trend, quote(None, 10_001))
    assert trend.state.averages["AAPL"].first_ns == -1


def test_signal_carries_the_gap_as_expected_return() -> None:
    trend, ctx = make()
    walk(trend, ctx, [10_000] * 61 + [10_020] * 5)
    (sent,) = ctx.sent
    assert sent.to == "desk/portfolio"
    assert 2e-4 <= sent.message.expected_return < 2e-3


def test_it_subscribes_when_it_begins() -> None:
    trend, ctx = make()
    ctx.handle(trend, Resumed())
    assert ctx.subscriptions == {"market/AAPL/quotes": 100_000_000, "market/AAPL/status": 0}
