"""A debate: turns, struck points, and a judge who must cite what is on the table."""

import json
from typing import Any

import pytest

from agents.analysts import PROMPTS
from agents.analysts.consultation import AskingSettings
from agents.analysts.debate import Debate, DebateSettings
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.messages import Resumed, Signal, TimerFired
from environment.text_messages import Consulted, Evidence
from llm.messages import ModelAnswer
from llm.prompts import load_prompt
from tests.unit.analysts.factories import SECOND_NS, answer, asked, published


def make_debate(rounds: int = 1, **asking: Any) -> tuple[Debate, RecordingContext]:
    settings = DebateSettings(
        instruments=("AAPL",), every_ns=60 * SECOND_NS, rounds=rounds,
        asking=AskingSettings(role="deep", **asking),
    )  # fmt: skip
    prompts: Any = {s: load_prompt(PROMPTS, f"debate_{s}") for s in ("bull", "bear", "judge")}
    debate = Debate(ActorRef("desk/coordinator"), settings, prompts)
    ctx = RecordingContext("analysts/debate", now_ns=SECOND_NS)
    ctx.handle(debate, Resumed())
    return debate, ctx


def begin(debate: Debate, ctx: RecordingContext) -> None:
    evidence = Evidence(
        evidence_id="news#1", analyst="analysts/news", instrument="AAPL", direction="up",
        probability=0.7, horizon_ns=1, asked_ns=1, words="12 % more",
    )  # fmt: skip
    ctx.handle(debate, evidence)
    ctx.handle(debate, TimerFired(timer_id=1, name="begin"))


def argument(*cited: str) -> str:
    points = [{"words": "w", "evidence": one} for one in cited]
    return json.dumps({"strength": 0.6, "points": points, "concedes": False})


def ruling(*cited: str, **changed: Any) -> str:
    given = {
        "direction": "up", "probability": 0.8, "move_bp": 10.0, "horizon_minutes": 20,
        "evidence": list(cited), "numbers": [], "words": "w",
    }  # fmt: skip
    return json.dumps(given | changed)


def test_the_sides_take_turns_and_hear_each_other_before_the_judge() -> None:
    debate, ctx = make_debate(rounds=2)
    begin(debate, ctx)
    for _ in range(4):
        answer(ctx, debate, argument("news#1"))
    answer(ctx, debate, ruling("news#1"))
    steps = [one.step for one in published(ctx, Consulted)]
    assert steps == ["bull 1", "bear 1", "bull 2", "bear 2", "judge"]
    assert [len(ask.parts) for ask in asked(ctx)] == [1, 2, 3, 4, 5]
    assert {ask.prompt for ask in asked(ctx)} == {
        "debate_bull.v1", "debate_bear.v1", "debate_judge.v1",
    }  # fmt: skip
    [signal] = [m for m in ctx.messages() if isinstance(m, Signal)]
    assert (signal.direction, signal.probability, len(signal.evidence)) == ("up", 0.8, 1)


def test_a_point_that_cites_nothing_on_the_table_is_struck() -> None:
    debate, ctx = make_debate()
    begin(debate, ctx)
    answer(ctx, debate, argument("news#1", "invented"))
    assert "1 points, 1 struck" in published(ctx, Consulted)[0].outcome
    assert "invented" not in asked(ctx)[1].parts[1].text


@pytest.mark.parametrize(
    "said",
    [ruling(), ruling("invented"), ruling("news#1", "invented"), ruling("bull 1"),
     ruling("news#1", direction="abstain"), ModelAnswer(reason="malformed: x")],
)  # fmt: skip
def test_a_ruling_without_evidence_is_an_abstention(said: str | ModelAnswer) -> None:
    debate, ctx = make_debate()
    begin(debate, ctx)
    answer(ctx, debate, argument("news#1"))
    answer(ctx, debate, argument("news#1"))
    answer(ctx, debate, said)
    [signal] = [m for m in ctx.messages() if isinstance(m, Signal)]
    assert signal.abstains
    assert published(ctx, Evidence) == []


def test_a_side_that_abstains_has_said_nothing_and_the_debate_goes_on() -> None:
    debate, ctx = make_debate()
    begin(debate, ctx)
    answer(ctx, debate, ModelAnswer(reason="too_late: x"))
    answer(ctx, debate, argument("news#1"))
    answer(ctx, debate, ruling("news#1"))
    assert len(published(ctx, Evidence)) == 1


def test_a_number_that_nobody_gave_halves_the_ruling() -> None:
    debate, ctx = make_debate()
    begin(debate, ctx)
    for _ in range(2):
        answer(ctx, debate, argument("news#1"))
    numbers = [{"words": "w", "number": 99.0, "source": "news#1"}]
    answer(ctx, debate, ruling("news#1", numbers=numbers))
    assert published(ctx, Evidence)[0].probability == pytest.approx(0.65)


def test_judges_who_disagree_weaken_the_ruling_and_sides_are_asked_once() -> None:
    debate, ctx = make_debate(samples=3)
    begin(debate, ctx)
    for _ in range(2):
        answer(ctx, debate, argument("news#1"))
    for n, direction in enumerate(("up", "down", "up"), 2):
        answer(ctx, debate, ruling("news#1", direction=direction), n)
    assert len(asked(ctx)) == 2 + 3
    [evidence] = published(ctx, Evidence)
    assert (evidence.direction, evidence.dispersion) == ("up", pytest.approx(1 / 3))


def test_without_evidence_nobody_argues() -> None:
    debate, ctx = make_debate()
    ctx.handle(debate, TimerFired(timer_id=1, name="begin"))
    assert asked(ctx) == []
