"""Worlds of a fork preview: pairs share a seed, an order fills and moves them, nothing is real."""

from typing import Any

import msgspec
import pytest

from agents.human.preview import PreviewLeg, PreviewOrder, PreviewTask
from scenarios.run.preview_world import draw, draw_pair

ORDER = PreviewOrder(side="buy", lots=400, limit_ticks=64_560)


def task(**given: Any) -> PreviewTask:
    values: dict[str, Any] = {
        "record_hash": "a", "mid": 645.2, "tick_micros": 10_000, "shares_per_lot": 1,
        "sigma_annual": 0.3, "spread_ticks": 14, "bids": ((64_513, 200), (64_510, 300)),
        "asks": ((64_527, 200), (64_530, 300)), "held": (PreviewLeg(kind="stock", shares=100.0),),
        "order": ORDER, "horizon_s": 300, "first_seed": 1,
    }  # fmt: skip
    return PreviewTask(**(values | given))


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
    costs = [
        sum(draw(msgspec.structs.replace(one, order=order), 3).with_order) for one in (deep, thin)
    ]
    assert costs[1] < costs[0] < 0.0


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
