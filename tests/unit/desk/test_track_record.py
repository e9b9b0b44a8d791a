import math

import pytest

from agents.desk.track_record import HORIZON, LOOKS, Moments, TrackRecord


def learned(outcomes: list[bool], probability: float = 0.6, size: float = 0.01) -> TrackRecord:
    """Return the record of a source that always said up, and was right or wrong."""
    record = TrackRecord()
    for came_true in outcomes:
        moved = size if came_true else -size
        record.learn(HORIZON, 1, probability, size, moved)
    return record


def test_record_is_believed_by_half_before_any_outcome() -> None:
    assert TrackRecord().belief() == 0.5


def test_source_as_good_as_its_word_tends_to_be_believed_in_full() -> None:
    record = learned([True, True, True, False, False] * 100)
    assert record.belief() == pytest.approx(0.95, abs=0.06)
    assert record.hit_rate() == pytest.approx(0.6, abs=0.01)


def test_source_no_better_than_a_coin_is_believed_less_and_less() -> None:
    beliefs = [learned([True, False] * n).belief() for n in (5, 20, 100)]
    assert beliefs == sorted(beliefs, reverse=True)
    assert beliefs[-1] < 0.1


def test_source_that_is_always_wrong_is_ignored_and_never_inverted() -> None:
    assert learned([False] * 50).belief() == 0.0


def test_belief_is_bounded_for_a_source_that_is_always_right() -> None:
    assert learned([True] * 500, probability=0.51).belief() == 1.5


@pytest.mark.parametrize(("probability", "score"), [(1.0, 0.0), (0.5, 0.25), (0.8, 0.04)])
def test_brier_score_of_directions_that_came_true(probability: float, score: float) -> None:
    assert learned([True] * 3, probability).brier_score() == pytest.approx(score)


def test_unchanged_price_is_half_a_hit() -> None:
    record = TrackRecord()
    record.learn(HORIZON, 1, 0.7, 0.01, 0.0)
    assert record.hit_rate() == 0.5


def test_information_coefficient_is_pearsons_correlation() -> None:
    moments, claims, moves = Moments(), [0.01, -0.02, 0.03, 0.005], [0.02, -0.01, 0.01, 0.0]
    weights = [0.5 ** ((len(claims) - 1 - k) / 200.0) for k in range(len(claims))]
    for claimed, moved in zip(claims, moves, strict=True):
        moments.add(claimed, moved, 0.0)
    total = sum(weights)
    mean_x = sum(w * x for w, x in zip(weights, claims, strict=True)) / total
    mean_y = sum(w * y for w, y in zip(weights, moves, strict=True)) / total
    rows = list(zip(weights, claims, moves, strict=True))
    covariance = sum(w * (x - mean_x) * (y - mean_y) for w, x, y in rows)
    spread_x = math.sqrt(sum(w * (x - mean_x) ** 2 for w, x, _ in rows))
    spread_y = math.sqrt(sum(w * (y - mean_y) ** 2 for w, _, y in rows))
    assert moments.correlation() == pytest.approx(covariance / (spread_x * spread_y), rel=1e-12)


def test_correlation_of_claims_that_never_vary_is_zero() -> None:
    assert learned([True, False, True]).information_coefficient() == 0.0


def test_best_look_is_where_the_direction_gained_most() -> None:
    record = TrackRecord()
    for _ in range(40):
        for look, gain in enumerate((0.001, 0.002, 0.001, -0.001)):
            record.learn(look, -1, 0.6, -0.01, -gain)
    assert record.best_look() == LOOKS[1]


def test_best_look_is_the_horizon_until_much_is_known() -> None:
    assert learned([True] * 5).best_look() == 1.0


def test_edge_error_falls_with_the_root_of_outcomes() -> None:
    assert TrackRecord().edge_error() == pytest.approx(1.0 / math.sqrt(20.0))
    assert learned([True] * 100).edge_error() < 0.12
