"""One analyst: what it asks, what it makes of answers, and when it abstains."""

import msgspec
import pytest

from environment.actors.testing import RecordingContext
from environment.messages import EffectFailed, Resumed, Signal, TimerFired
from environment.text_messages import Consulted, Evidence, Notice
from llm.budget import Budget
from llm.messages import ModelAnswer
from llm.prices import FREE, Price
from tests.unit.analysts.factories import (
    SECOND_NS,
    START_NS,
    answer,
    asked,
    make_analyst,
    make_item,
    opened,
    published,
    view_text,
)
from tests.unit.desk.factories import phase, quote


def signals(ctx: object) -> list[Signal]:
    return [m for m in ctx.messages() if isinstance(m, Signal)]  # type: ignore[attr-defined]  # A context.


def test_an_item_becomes_a_question_with_the_item_as_data() -> None:
    analyst = make_analyst()
    ctx = opened(analyst)
    ctx.handle(analyst, make_item())
    [ask] = asked(ctx)
    assert [(part.kind, part.source) for part in ask.parts] == [
        ("fact", "price"), ("quoted", "posts:1"),
    ]  # fmt: skip
    assert "100.00 USD" in ask.parts[0].text
    assert ask.prompt == "news.v1"


def test_an_answer_becomes_evidence_and_a_signal_that_rests_on_the_item() -> None:
    analyst = make_analyst()
    ctx = opened(analyst)
    ctx.handle(analyst, make_item())
    answer(ctx, analyst, view_text())
    [evidence] = published(ctx, Evidence)
    [signal] = signals(ctx)
    assert (evidence.direction, evidence.sources) == ("up", ("posts:1",))
    assert (signal.direction, signal.probability, signal.expected_return) == ("up", 0.7, 0.002)
    assert signal.evidence
    assert ctx.sent[-1].evidence == signal.evidence
    [consulted] = published(ctx, Consulted)
    assert "| Apple beats expectations" in consulted.asked
    assert consulted.evidence_id == evidence.evidence_id


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (view_text(sources=["posts:9"]), "cite what they were not shown"),
        (view_text(direction="abstain"), "because"),
        (ModelAnswer(reason="malformed: no"), "malformed"),
        (ModelAnswer(reason="unreachable: gone"), "unreachable"),
    ],
)
def test_what_does_not_count_is_an_abstention(said: ModelAnswer | str, reason: str) -> None:
    analyst = make_analyst()
    ctx = opened(analyst)
    ctx.handle(analyst, make_item())
    answer(ctx, analyst, said)
    [signal] = signals(ctx)
    assert signal.abstains
    assert reason in signal.reasons[0]
    assert published(ctx, Evidence) == []


def test_a_failed_effect_is_an_abstention() -> None:
    analyst = make_analyst()
    ctx = opened(analyst)
    ctx.handle(analyst, make_item())
    ctx.handle(analyst, EffectFailed(effect_id=ctx.started[0][0], reason="lost"))
    assert signals(ctx)[0].abstains


def test_a_late_answer_changes_nothing_but_is_paid() -> None:
    analyst = make_analyst(deadline_ns=5 * SECOND_NS)
    ctx = opened(analyst)
    ctx.handle(analyst, make_item())
    timer = next(timer for timer in ctx.timers_set if timer.name.startswith("deadline"))
    ctx.set_time(timer.due_ns)
    ctx.handle(analyst, TimerFired(timer_id=timer.timer_id, name=timer.name))
    assert "late" in signals(ctx)[0].reasons[0]
    late = ModelAnswer(text=view_text(), tokens_in=900, tokens_out=10)
    answer(ctx, analyst, late)
    assert len(signals(ctx)) == 1
    spending = analyst.state.asking.spending
    assert (spending.tokens, spending.reserved_tokens) == (910, 0)


def test_a_spent_budget_abstains_and_says_so_once() -> None:
    analyst = make_analyst(budget=Budget(calls_per_minute=1), every_ns=1)
    ctx = opened(analyst)
    for n in range(4):
        ctx.set_time(START_NS + n * SECOND_NS)
        ctx.handle(analyst, make_item(item_id=f"posts:{n}"))
        if n == 0:
            answer(ctx, analyst, view_text(sources=[]))
    assert len(asked(ctx)) == 1
    assert [signal.abstains for signal in signals(ctx)] == [False, True, True, True]
    assert [notice.text.split(": ", 1)[1] for notice in published(ctx, Notice)] == [
        "budget: calls_per_minute is used up"
    ]


def test_what_was_read_before_the_first_price_is_asked_about_with_it() -> None:
    analyst = make_analyst()
    ctx = RecordingContext("analysts/news", now_ns=START_NS)
    ctx.handle(analyst, Resumed())
    ctx.handle(analyst, phase("continuous"))
    ctx.handle(analyst, make_item())
    assert asked(ctx) == []
    ctx.handle(analyst, quote(9_999, 10_001))
    assert len(asked(ctx)) == 1


def test_samples_that_disagree_pull_the_probability_to_a_half() -> None:
    analyst = make_analyst(samples=3)
    ctx = opened(analyst)
    ctx.handle(analyst, make_item())
    assert [ask.sample for ask in asked(ctx)] == [0, 1, 2]
    for n, direction in enumerate(("up", "up", "down")):
        answer(ctx, analyst, view_text(direction=direction), n)
    [signal] = signals(ctx)
    assert signal.direction == "up"
    assert signal.dispersion == pytest.approx(1 / 3)
    assert signal.probability == pytest.approx(0.5 + 0.2 * 2 / 3)


def test_models_that_disagree_weaken_the_view_as_samples_do() -> None:
    analyst = make_analyst(second_opinions=(("deep", FREE), ("cloud", FREE)))
    ctx = opened(analyst)
    ctx.handle(analyst, make_item())
    assert [(ask.role, ask.sample) for ask in asked(ctx)] == [
        ("quick", 0), ("deep", 0), ("cloud", 0),
    ]  # fmt: skip
    for n, direction in enumerate(("down", "down", "up")):
        answer(ctx, analyst, view_text(direction=direction), n)
    [signal] = signals(ctx)
    assert signal.direction == "down"
    assert signal.dispersion == pytest.approx(1 / 3)


def test_a_second_opinion_is_reserved_at_its_own_price() -> None:
    dear = Price(input=1_000.0, output=1_000.0)
    budget = Budget(usd_micros_per_day=1_000_000)  # One dollar, and a question takes more.
    analyst = make_analyst(second_opinions=(("cloud", dear),), budget=budget)
    ctx = opened(analyst)
    ctx.handle(analyst, make_item())
    assert [ask.role for ask in asked(ctx)] == ["quick"]
    answer(ctx, analyst, view_text())
    assert signals(ctx)[0].dispersion == pytest.approx(1 / 2)  # What is missing counts.


def test_a_number_that_stands_nowhere_is_marked_and_halves_the_claim() -> None:
    analyst = make_analyst()
    ctx = opened(analyst)
    ctx.handle(analyst, make_item("Revenue rose 12.5% to $45.6 billion"))
    numbers = [
        {"words": "growth", "number": 12.5, "source": "posts:1"},
        {"words": "margin", "number": 38.0, "source": "posts:1"},
    ]
    answer(ctx, analyst, view_text(numbers=numbers))
    [evidence] = published(ctx, Evidence)
    assert [claim.found for claim in evidence.claims] == [True, False]
    assert evidence.probability == pytest.approx(0.6)
    assert "1 cited numbers not found" in signals(ctx)[0].reasons[1]


def test_an_item_of_the_future_is_not_read() -> None:
    analyst = make_analyst()
    ctx = opened(analyst)
    ctx.handle(analyst, make_item(available_ns=START_NS + 1))
    assert asked(ctx) == []
    assert analyst.state.notes["AAPL"].items == []


def test_items_that_come_while_a_question_is_open_are_asked_about_together() -> None:
    analyst = make_analyst(every_ns=1)
    ctx = opened(analyst)
    for n in range(3):
        ctx.handle(analyst, make_item(item_id=f"posts:{n}"))
    assert len(asked(ctx)) == 1
    ctx.set_time(START_NS + SECOND_NS)
    answer(ctx, analyst, view_text(sources=["posts:0"]))
    assert [part.source for part in asked(ctx)[1].parts[1:]] == ["posts:1", "posts:2"]


def test_a_technical_analyst_asks_by_the_clock_once_it_knows_enough() -> None:
    analyst = make_analyst("technical", every_ns=60 * SECOND_NS)
    ctx = opened(analyst)
    for minute in range(70):
        ctx.set_time(START_NS + minute * 60 * SECOND_NS)
        ctx.handle(analyst, quote(9_999 + minute, 10_001 + minute))
        if minute in {5, 69}:
            ctx.handle(analyst, TimerFired(timer_id=1, name="beat"))
    [ask] = asked(ctx)
    assert {part.source for part in ask.parts} == {
        "price", "move_5m", "move_15m", "move_60m", "strength", "volatility_60m",
    }  # fmt: skip


def test_a_state_survives_encoding() -> None:
    analyst = make_analyst(samples=2)
    ctx = opened(analyst)
    ctx.handle(analyst, make_item())
    encoded = msgspec.msgpack.encode(analyst.state)
    assert msgspec.msgpack.decode(encoded, type=type(analyst.state)) == analyst.state
