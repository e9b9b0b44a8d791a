"""On a fresh clone with nothing cached, a card waits within a minute of the printed address."""

from pathlib import Path

import pytest

from benchmarks.first_card import LIMIT_S, measure
from scenarios.places import PROJECT_ROOT


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.skipif(not (PROJECT_ROOT / ".git").exists(), reason="no repository to clone")
def test_first_card_comes_within_a_minute_of_the_address(tmp_path: Path) -> None:
    found = measure(tmp_path)
    steps = [text for at_s, text in found.steps if at_s <= found.address_s]
    for step in ("compiling the market core", "market history", "making the risk desk ready"):
        assert any(step in text for text in steps), f"{step!r} is not shown before the address"
    assert found.card_s <= LIMIT_S, found.steps
    assert found.title
