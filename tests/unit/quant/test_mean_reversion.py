import math

from agents.quant.mean_reversion import MeanReversion, MeanReversionSettings
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.messages import Resumed, Signal
from tests.unit.desk.factories import context, phase, quote

SECOND_NS = 1_000_000_000
SETTINGS = MeanReversionSettings(instruments=("AAPL",), length_ns=100 * SECOND_NS)


def run(mids: list[int]) -> tuple[MeanReversion, RecordingContext]:
    """Return the agent after one mid a second."""
    actor = MeanReversion(ActorRef("desk/coordinator"), SETTINGS)
    ctx = context("quant/reversion")
    ctx.handle(actor, Resumed())
    for second, mid in enumerate(mids):
        ctx.set_time(second * SECOND_NS)
        ctx.handle(actor, quote(mid - 1, mid + 1))
    return actor, ctx


def signals(ctx: RecordingContext) -> list[Signal]:
    return [message for message in ctx.messages() if isinstance(message, Signal)]


WAVE = [10_000 + round(10 * math.sin(second / 5)) for second in range(150)]


def test_nothing_is_said_within_the_band() -> None:
    assert signals(run(WAVE)[1]) == []


def test_jump_up_is_expected_to_come_back() -> None:
    (view,) = signals(run([*WAVE, 10_060])[1])
    assert view.direction == "down"
    assert view.expected_return < 0.0
    assert view.horizon_ns == 50 * SECOND_NS


def test_view_ends_when_the_mid_is_back() -> None:
    views = signals(run([*WAVE, 9_940, 9_940, 10_000])[1])
    assert [view.direction for view in views] == ["up", "flat"]


def test_nothing_is_said_before_a_full_look_back() -> None:
    assert signals(run([10_000, 10_001] * 20 + [10_500])[1]) == []


def test_jump_over_a_halt_does_not_widen_the_band() -> None:
    actor, ctx = run(WAVE)
    before = actor.state.bands["AAPL"].variance
    ctx.handle(actor, phase("halted"))
    ctx.set_time(1_000 * SECOND_NS)
    ctx.handle(actor, phase("continuous"))
    ctx.handle(actor, quote(10_500, 10_502))
    assert actor.state.bands["AAPL"].variance == before
