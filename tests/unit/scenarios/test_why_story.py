"""An order that was refused because it is malformed is told of as it was, and stops nobody."""

from typing import Any

import pytest

from scenarios.cli.why import Clock, Told
from scenarios.cli.why_story import Story


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"price": float("nan")}, "buy 5 AAPL at nan or better"),
        ({"quantity": float("nan")}, "buy nan AAPL at 649.76 or better"),
        ({"quantity": "many"}, "buy 'many' AAPL at 649.76 or better"),
        ({"instrument": "\u202eLPAA"}, "buy 5 [U+202E]LPAA at 64976 ticks or better"),
    ],
)
def test_malformed_order_is_told_of(given: dict[str, Any], words: str) -> None:
    order = {
        "type": "OrderRequest", "order_id": "a/1", "instrument": "AAPL", "side": "buy",
        "quantity": 5, "price": 64_976, "order_type": "limit", "time_in_force": "day",
        "style": "direct", "legs": [], "reasons": [],
    } | given  # fmt: skip
    header = {"configuration": {"scenario": {"instruments": [{"symbol": "AAPL", "tick": 0.01}]}}}
    graph = [Told(1, 0, "a", "desk/risk", (), order)]
    first = next(Story("a/1", graph, header).lines(Clock("UTC", graph)))
    assert first.startswith(f"a/1: {words}")
