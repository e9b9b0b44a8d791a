import math
from typing import Any

import pytest

from agents.desk.pooling import View, pool, propose
from agents.desk.track_record import HORIZON, TrackRecord
from environment.messages import Signal

MINUTE_NS = 60_000_000_000


def view(direction: Any = "up", probability: float = 0.6, envelope: int = 1, **given: Any) -> View:
    values: dict[str, Any] = {
        "instrument": "AAPL", "direction": direction, "probability": probability,
        "horizon_ns": 5 * MINUTE_NS, "expected_return": 0.01 if direction == "up" else -0.01,
    }  # fmt: skip
    return View(signal=Signal(**(values | given)), envelope=envelope, born_ns=0)


def records(*sources: str) -> dict[str, TrackRecord]:
    return {source: TrackRecord() for source in sources}


def proven(outcomes: int = 400) -> TrackRecord:
    """Return the record of a source that was right 60 % of the time, as it said."""
    record = TrackRecord()
    for number in range(outcomes):
        record.learn(HORIZON, 1, 0.6, 0.01, 0.01 if number % 5 < 3 else -0.01)
    return record


def test_one_view_without_a_record_is_taken_by_half() -> None:
    pooled = pool({"a": view(probability=0.6)}, records("a"), overlap=0.5)
    assert pooled.log_odds == pytest.approx(0.5 * math.log(0.6 / 0.4))


def test_equal_views_that_overlap_fully_count_once() -> None:
    one = pool({"a": view()}, records("a"), overlap=1.0)
    three = pool({"a": view(), "b": view(), "c": view()}, records("a", "b", "c"), overlap=1.0)
    assert three.log_odds == pytest.approx(one.log_odds)


def test_independent_views_add_their_log_odds() -> None:
    one = pool({"a": view()}, records("a"), overlap=0.0)
    two = pool({"a": view(), "b": view()}, records("a", "b"), overlap=0.0)
    assert two.log_odds == pytest.approx(2 * one.log_odds)


def test_opposite_views_of_equal_weight_propose_nothing() -> None:
    made = propose({"a": view("up"), "b": view("down")}, records("a", "b"), 2, 0.5)
    assert (made.direction, made.conviction) == ("flat", 0.0)


def test_better_record_wins_a_conflict() -> None:
    by_source = {"a": view("up", 0.6), "b": view("down", 0.6)}
    made = propose(by_source, {"a": TrackRecord(), "b": proven()}, 2, 0.5)
    assert made.direction == "down"
    assert 0.0 < made.conviction < 0.5


def test_disagreement_and_silence_lower_conviction() -> None:
    agreed = propose({"a": view(), "b": view()}, records("a", "b"), 2, 0.5)
    divided = propose({"a": view(), "b": view("down", 0.52)}, records("a", "b"), 2, 0.5)
    alone = propose({"a": view()}, records("a", "b"), 4, 0.5)
    assert agreed.conviction == 1.0
    assert divided.conviction < 1.0
    assert alone.conviction == pytest.approx(0.5)


def test_samples_that_disagree_within_a_source_count_as_disagreement() -> None:
    made = propose({"a": view(dispersion=0.4)}, records("a"), 1, 0.5)
    assert made.dispersion == pytest.approx(0.4)
    assert made.conviction == pytest.approx(0.6)


def test_explanation_names_each_source_its_record_and_its_reasons() -> None:
    by_source = {"a": view(reasons=("earnings beat",)), "b": view("down", 0.55)}
    made = propose(by_source, {"a": proven(), "b": TrackRecord()}, 3, 0.5)
    first, second, last = made.explanation
    assert first.startswith("a says up with 60% over 5 min")
    assert "earnings beat" in first
    assert "no record yet" in second
    assert last.startswith("2 of 3 sources speak")


def test_evidence_holds_the_signals_and_what_they_rest_on() -> None:
    by_source = {"a": view(envelope=7, evidence=(3, 4)), "b": view(envelope=9, evidence=(4,))}
    assert propose(by_source, records("a", "b"), 2, 0.5).evidence == (3, 4, 7, 9)


def test_weights_of_voices_sum_to_one() -> None:
    made = propose({"a": view(), "b": view("down", 0.7)}, records("a", "b"), 2, 0.5)
    assert sum(voice.weight for voice in made.voices) == pytest.approx(1.0)


def test_expected_volatility_is_the_mean_of_those_who_said_one() -> None:
    by_source = {"a": view(expected_volatility=0.2), "b": view(expected_volatility=0.4),
                 "c": view()}  # fmt: skip
    made = propose(by_source, records("a", "b", "c"), 3, 0.5)
    assert made.expected_volatility == pytest.approx(0.3)
