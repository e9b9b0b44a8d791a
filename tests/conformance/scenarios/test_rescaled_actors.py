"""A split and a dividend between two days reach a crowd of actors as they reach compiled rows."""

from typing import Any

import pytest

from environment.actors.ports import MemoryDisk
from environment.messages import PricesRescaled
from scenarios.places import SHIPPED
from scenarios.run.session_loop import SessionLoop
from tests.conformance.scenarios.runs import finished, same_tape, sent_by

# Seven for one and half a per cent of dividend on the first night.
FACTORS = """symbol,date,price_factor,split_factor,reference_price
ABM,2021-02-05,0.995,0.142857142857,1000.0
ABM,2050-12-31,1,1,0
"""
SMALL = ("crowds.noise.count=60", "crowds.value.count=20", 'session.closes="10:15"')


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[SessionLoop, MemoryDisk]]:
    folder = tmp_path_factory.mktemp("rescaled")
    (folder / "factors.csv").write_text(FACTORS)
    text = (SHIPPED / "rmsc04.toml").read_text()
    text = text.replace("date = 2021-02-05", "dates = [2021-02-05, 2021-02-08]")
    text = text.replace("tick = 0.01\n", 'tick = 0.01\nactions = "factors.csv"\n', 1)
    (folder / "days.toml").write_text(text)

    def run(crowd: str) -> tuple[SessionLoop, MemoryDisk]:
        disk = MemoryDisk()
        settings = (*SMALL, f"crowd={crowd}")
        return finished(str(folder / "days.toml"), settings, disk=disk), disk

    return {crowd: run(crowd) for crowd in ("compiled", "actors")}


def test_actors_trade_on_as_compiled_rows_do(runs: dict[str, Any]) -> None:
    assert same_tape(runs["compiled"][0], runs["actors"][0])


def test_every_actor_hears_of_it_once_for_each(runs: dict[str, Any]) -> None:
    told = sent_by(runs["actors"][1], "clearing", PricesRescaled)
    factors = {envelope.message.factor for envelope in told}
    assert len(factors) == 2
    assert min(factors) == pytest.approx(1 / 7)
    assert len(told) == 2 * (60 + 20 + 12 + 2)
    assert len({envelope.recipient for envelope in told}) == 94
