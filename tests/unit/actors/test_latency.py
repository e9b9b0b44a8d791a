"""Latencies have the distribution they are named after, and one value per draw."""

import math
import statistics

import msgspec
import pytest

from environment.actors import Connection, Constant, HeavyTailed, LatencySetting, Lognormal, Normal
from environment.actors.routes import Route

MODELS = [
    Constant(nanoseconds=7),
    Normal(mean_ns=1_000, deviation_ns=100),
    Lognormal(median_ns=1_000, sigma=0.5),
    HeavyTailed(shortest_ns=1_000, tail_index=2.0),
]


@pytest.mark.parametrize("model", MODELS)
def test_draw_depends_on_its_number_only(model: LatencySetting) -> None:
    whole = model.block(99, 0, 50)
    assert [model.block(99, number, 1)[0] for number in range(50)] == whole
    assert min(whole) >= 1


@pytest.mark.parametrize("model", MODELS)
def test_model_is_read_from_configuration(model: LatencySetting) -> None:
    assert msgspec.convert(msgspec.to_builtins(model), LatencySetting) == model


def test_normal_has_mean_and_deviation() -> None:
    drawn = Normal(mean_ns=1_000_000, deviation_ns=100_000).block(1, 0, 20_000)
    assert statistics.fmean(drawn) == pytest.approx(1_000_000, rel=0.01)
    assert statistics.pstdev(drawn) == pytest.approx(100_000, rel=0.03)


def test_lognormal_has_median_and_sigma() -> None:
    drawn = Lognormal(median_ns=1_000_000, sigma=0.5).block(1, 0, 20_000)
    assert statistics.median(drawn) == pytest.approx(1_000_000, rel=0.02)
    assert statistics.pstdev(map(math.log, drawn)) == pytest.approx(0.5, rel=0.03)


def test_heavy_tail_has_its_index() -> None:
    drawn = HeavyTailed(shortest_ns=1_000_000, tail_index=1.5).block(1, 0, 50_000)
    assert min(drawn) >= 1_000_000
    share_beyond_ten = sum(value > 10_000_000 for value in drawn) / len(drawn)
    assert share_beyond_ten == pytest.approx(10**-1.5, rel=0.1)


def test_latency_is_cut_at_one_and_at_the_longest() -> None:
    low = Normal(mean_ns=0, deviation_ns=10).block(1, 0, 1_000)
    high = HeavyTailed(shortest_ns=1_000, tail_index=0.1, longest_ns=5_000).block(1, 0, 1_000)
    assert min(low) == 1
    assert max(high) == 5_000


def test_nothing_overtakes_on_one_connection() -> None:
    route = Route(1, "a", "b", Connection(latency=Lognormal(median_ns=1_000, sigma=2)))
    arrivals = [route.arrival(departure_ns) for departure_ns in range(0, 5_000, 10)]
    assert arrivals == sorted(arrivals)


def test_connection_that_may_overtake_does() -> None:
    latency = Lognormal(median_ns=1_000, sigma=2)
    route = Route(1, "a", "b", Connection(latency=latency, may_overtake=True))
    arrivals = [route.arrival(departure_ns) for departure_ns in range(0, 5_000, 10)]
    assert arrivals != sorted(arrivals)


def test_position_goes_back_to_where_it_was_taken() -> None:
    route = Route(1, "a", "b", Connection(latency=Lognormal(median_ns=1_000, sigma=2)))
    for _ in range(100):
        route.arrival(0)
    position = route.position()
    expected = [route.arrival(1_000_000) for _ in range(100)]
    route.take_position(position)
    assert [route.arrival(1_000_000) for _ in range(100)] == expected
