"""Worlds of a fork preview: pairs share a seed, an order fills and moves them, nothing is real."""

from typing import Any

import msgspec
import pytest

from agents.human.preview import PreviewLeg, PreviewOrder, PreviewTask
from environment.record.audit import AuditLog
from environment.record.journal import Journal
from scenarios.config.load import load_config
from scenarios.config.models import Offline
from scenarios.config.swarm import Swarm
from scenarios.run import preview_world
from scenarios.run.preview_swarm import on_rules, standing_in, standing_still
from scenarios.run.preview_world import GivenUp, Pair, draw_pair, root_of

ORDER = PreviewOrder(side="buy", lots=400, limit_ticks=64_560)


def task(**given: Any) -> PreviewTask:
    values: dict[str, Any] = {
        "record_hash": "a", "mid": 645.2, "tick_micros": 10_000, "shares_per_lot": 1,
        "sigma_annual": 0.3, "spread_ticks": 14, "bids": ((64_513, 200), (64_510, 300)),
        "asks": ((64_527, 200), (64_530, 300)), "held": (PreviewLeg(kind="stock", shares=100.0),),
        "order": ORDER, "horizon_s": 300, "first_seed": 1,
    }  # fmt: skip
    return PreviewTask(**(values | given))


class Worlds:
    """Pairs of the first seeds, by what is told of them."""

    def __init__(self, pairs: list[Pair]) -> None:
        self.without = tuple(pair[0] for pair in pairs)
        self.with_order = tuple(pair[1] for pair in pairs)
        self.filled = tuple(pair[2] for pair in pairs)


def draw(told: PreviewTask, pairs: int, swarm: Swarm | None = None) -> Worlds:
    return Worlds([draw_pair(told, 1 + number, swarm) for number in range(pairs)])


def swarm_of(scenario: str, *settings: str) -> Swarm:
    swarm = load_config(scenario, settings, 1).swarm
    assert swarm is not None
    return swarm


def test_pair_shares_its_seed_and_the_order_makes_the_difference() -> None:
    without, with_order, filled = draw_pair(task(), 7)
    again = draw_pair(task(), 7)
    assert again == (without, with_order, filled)
    assert filled == 400
    assert with_order != without
    far = task(order=PreviewOrder(side="buy", lots=400, limit_ticks=60_000))
    assert draw_pair(far, 7) == (without, without, 0)  # It rests far away, and changes nothing.


def test_order_pays_the_depth_that_was_seen() -> None:
    # In the first seconds of the market there is little but what was seen.
    deep = task(held=(), horizon_s=120, asks=((64_527, 5_000),))
    thin = msgspec.structs.replace(deep, asks=((64_527, 1), (64_900, 5_000)))
    order = PreviewOrder(side="buy", lots=400)
    paid = [draw(msgspec.structs.replace(one, order=order), 3).with_order for one in (deep, thin)]
    # The same hours; what is left of them is what the order paid.
    assert all(dear < cheap for cheap, dear in zip(*paid, strict=True))


def test_each_seed_is_another_hour_and_what_is_held_moves_with_it() -> None:
    found = draw(task(order=PreviewOrder(side="sell", lots=100)), 4)
    assert len(set(found.without)) == 4
    assert found.filled == (100,) * 4
    # Sold what was held: what is left of the move is what the sale cost.
    assert all(abs(one) < 50.0 for one in found.with_order)
    assert max(map(abs, found.without)) > 5.0


def test_options_are_taken_at_their_limit_and_revalued_at_the_end() -> None:
    call = PreviewLeg(kind="call", shares=100.0, strike=645.0, years=0.1, sigma_annual=0.3)
    found = draw(task(order=None, legs=(call,), cost=2_500.0, held=()), 2)
    assert found.without == (0.0, 0.0)
    free = draw(task(order=None, legs=(call,), cost=0.0, held=()), 2)
    assert [b - a for a, b in zip(found.with_order, free.with_order, strict=True)] == (
        pytest.approx([2_500.0, 2_500.0])
    )
    assert found.with_order[0] != found.with_order[1]


def test_option_fills_at_its_own_quotes_and_only_where_they_come_to_its_limit() -> None:
    call = PreviewLeg(kind="call", shares=100.0, strike=645.0, years=0.1, sigma_annual=0.3)
    seen = task(order=None, legs=(call,), held=(), horizon_s=600, units=1, offer=2_520.0)
    at_once = draw(msgspec.structs.replace(seen, cost=2_600.0), 2)
    assert at_once.filled == (1, 1)
    market = draw(msgspec.structs.replace(seen, cost=0.0, is_limited=False), 2)
    assert market.with_order == at_once.with_order  # Both pay the quote that was seen.
    never = draw(msgspec.structs.replace(seen, cost=100.0), 2)
    assert (never.filled, never.with_order) == ((0, 0), (0.0, 0.0))
    # A little below the quote it waits, and pays its limit in the worlds that come down to it.
    below = draw(msgspec.structs.replace(seen, cost=2_505.0), 12)
    assert 0 < sum(below.filled) < 12


def test_swarm_acts_in_a_world_offline_and_its_own_trades_count() -> None:
    swarm = standing_in(load_config("human_gate", (), 1).swarm, "AAPL")
    assert swarm is not None
    assert swarm.swarm == ("practice/metronome", "quant/maker", "quant/trend")
    assert {type(model) for model in swarm.models.values()} == {Offline}
    hour = task(symbol="AAPL", held=(), horizon_s=300)
    still, acting = draw_pair(hour, 7), draw_pair(hour, 7, swarm)
    assert draw_pair(hour, 7, swarm) == acting  # The pair repeats with its seed.
    assert still[0] == 0.0  # Nothing is held and nobody trades.
    assert acting[0] != 0.0
    assert acting[2] == still[2] == 400


def test_agents_of_other_stocks_and_readers_of_texts_stand_still() -> None:
    swarm = load_config("human_gate", (), 1).swarm
    assert swarm is not None
    assert "analysts/news" in swarm.swarm
    other = standing_in(swarm, "MSFT")
    assert other is not None
    assert other.swarm == ()


def test_who_stands_still_is_named_and_whose_model_is_not_asked() -> None:
    assert standing_still(swarm_of("human_gate"), "AAPL") == ("analysts/news",)
    assert standing_still(swarm_of("human_gate"), "MSFT") == ()  # Nobody trades it.
    assert standing_still(swarm_of("options_day", "swarm=options_agents.toml"), "AAPL") == (
        "quant/volpremium",
    )
    debating = standing_in(swarm_of("debate"), "AAPL")
    assert debating is not None
    assert on_rules(debating) == ("analysts/technical", "analysts/volatility", "analysts/debate")
    assert on_rules(standing_in(swarm_of("human_gate"), "AAPL")) == ()


def test_language_agents_act_offline_and_the_pair_repeats() -> None:
    swarm = standing_in(swarm_of("debate"), "AAPL")
    told = task(symbol="AAPL", horizon_s=120)
    assert draw_pair(told, 7, swarm) == draw_pair(told, 7, swarm)


def test_world_is_never_one_that_a_run_of_the_same_seed_would_draw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    roots = {root_of(seed) for seed in range(5_000)}
    assert len(roots) == 5_000
    assert min(roots) > 1 << 40  # No seed that anybody would give a run.
    drawn = draw_pair(task(), 7)
    monkeypatch.setattr(preview_world, "root_of", lambda seed: seed)
    assert draw_pair(task(), 7)[0] != drawn[0]


def test_nothing_is_journalled_or_audited(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a world of a preview was recorded")

    monkeypatch.setattr(Journal, "__init__", refuse)
    monkeypatch.setattr(AuditLog, "__init__", refuse)
    told = task(symbol="AAPL", horizon_s=120)
    assert draw_pair(told, 7, standing_in(swarm_of("human_gate"), "AAPL"))[2] == 400


def test_world_is_given_up_between_two_minutes() -> None:
    asked = iter([True, False])
    with pytest.raises(GivenUp):
        draw_pair(task(), 7, None, lambda: next(asked))
