"""Slow work runs beside others, and only virtual time decides when its result comes."""

import random
import threading
import time
from typing import Any

import pytest

from environment.actors import (
    ActorContext,
    Constant,
    Lognormal,
    RecordedEffects,
    Settings,
    ThreadedEffects,
    UniformLink,
    effect_result,
)
from environment.actors.ports import MemoryDisk
from environment.errors import EffectLost
from environment.messages import EffectDone, EffectFailed, Resumed
from environment.record.journal import Header, Journal
from tests.conformance.actors.cast import (
    Barrier,
    MakeStage,
    Note,
    Player,
    Work,
    at_start,
    ref,
    timed,
)

DUE = Settings(effect_latency={"player": Constant(nanoseconds=500)})
DRAWN = Settings(seed=5, effect_latency={"player": Lognormal(median_ns=1_000, sigma=1.0)})


def start(*numbers: int) -> Any:
    """Return a script that starts work at the beginning."""
    return at_start(lambda ctx: [ctx.start(Work(number=number)) for number in numbers])


def test_fifty_effects_of_one_moment_are_in_flight_together(make_stage: MakeStage) -> None:
    stage = make_stage(DUE, effects=ThreadedEffects({Work: Barrier(50)}))
    for index in range(50):
        stage.add(f"actor/{index}", start(index))
    stage.kernel.run()
    stage.kernel.close()
    done = [(timed(stage, 500), "EffectDone", "1")]
    assert all(stage.heard(f"actor/{i}") == done for i in range(50))


def test_result_is_decoded_by_type(make_stage: MakeStage) -> None:
    results: list[int] = []

    def script(ctx: ActorContext, message: Any, player: Player) -> None:
        if isinstance(message, Resumed):
            ctx.start(Work(number=21))
        elif isinstance(message, EffectDone):
            results.append(effect_result(message, int))

    stage = make_stage(DUE, effects=ThreadedEffects({Work: lambda work: work.number * 2}))
    stage.add("a", script)
    stage.kernel.run()
    assert results == [42]


def test_failed_effect_returns_its_reason(make_stage: MakeStage) -> None:
    stage = make_stage(DUE, effects=ThreadedEffects({Work: lambda work: 1 // work.number}))
    stage.add("a", start(0))
    stage.kernel.run()
    (envelope,) = stage.tape.inputs
    assert envelope.message == EffectFailed(
        effect_id=1, reason="ZeroDivisionError: integer division or modulo by zero"
    )


def test_work_that_itself_times_out_is_a_failure(make_stage: MakeStage) -> None:
    def time_out(work: Work) -> int:
        raise TimeoutError("no answer")

    stage = make_stage(DUE, effects=ThreadedEffects({Work: time_out}))
    stage.add("a", start(0))
    stage.kernel.run()
    assert stage.tape.inputs[0].message.reason == "TimeoutError: no answer"


def run_with_durations(make_stage: MakeStage, durations_ms: list[int]) -> tuple[str, list[int]]:
    """Return the journal's digest and the order in which the real calls ended.

    None ends before all are in flight.
    """
    ended: list[int] = []
    lock, together = threading.Lock(), threading.Barrier(len(durations_ms), timeout=30)

    def perform(work: Work) -> int:
        together.wait()
        time.sleep(durations_ms[work.number] / 1_000)
        with lock:
            ended.append(work.number)
        return work.number

    journal = Journal(MemoryDisk(), "journal", Header())
    stage = make_stage(DRAWN, recorder=journal, effects=ThreadedEffects({Work: perform}))
    for index in range(len(durations_ms)):
        stage.add(f"actor/{index}", start(index))
    stage.kernel.run()
    return journal.close(), ended


def test_journal_does_not_depend_on_real_durations(make_simulated: MakeStage) -> None:
    durations_ms = [4 * place for place in range(50)]
    shuffled = [random.Random(seed).sample(durations_ms, 50) for seed in range(4)]
    runs = [
        run_with_durations(make_simulated, given)
        for given in (durations_ms, durations_ms[::-1], *shuffled)
    ]
    assert len({tuple(ended) for _, ended in runs}) == len(runs)
    assert all(sorted(ended) == list(range(50)) for _, ended in runs)
    assert len({digest for digest, _ in runs}) == 1


def test_recorded_effects_answer_without_performing(make_stage: MakeStage) -> None:
    stage = make_stage(DUE, effects=ThreadedEffects({Work: lambda work: work.number}))
    stage.add("a", start(7))
    stage.kernel.run()
    outcomes = {("a", 1): stage.tape.inputs[0].message}
    again = make_stage(DUE, effects=RecordedEffects(outcomes, strict=True))
    again.add("a", start(7))
    again.kernel.run()
    assert again.tape.inputs == stage.tape.inputs


def test_effect_without_a_record_is_lost(make_stage: MakeStage) -> None:
    stage = make_stage(DUE, effects=RecordedEffects({}))
    stage.add("a", start(7))
    stage.kernel.run()
    assert stage.tape.inputs[0].message == EffectFailed(effect_id=1, reason="lost")
    with pytest.raises(EffectLost, match="effect 1 of a"):
        RecordedEffects({}, strict=True).start("a", 1, Work(number=7))


def test_outstanding_effect_does_not_make_its_actor_busy(make_stage: MakeStage) -> None:
    stage = make_stage(DUE, effects=RecordedEffects({}), link=UniformLink(Constant(nanoseconds=9)))
    stage.add("a", at_start(lambda ctx: ctx.send(ref("b"), Note(text="now"))))
    stage.add("b", start(1))
    stage.kernel.run()
    moments = [(now_ns, name) for now_ns, name, _ in stage.heard("b")]
    assert moments == [(timed(stage, 9), "Note"), (timed(stage, 500), "EffectFailed")]
