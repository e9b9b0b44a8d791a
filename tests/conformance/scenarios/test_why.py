"""`outcry why` and `outcry approvals`: the shipped floor's record of one order, read back."""

import json
from pathlib import Path

import pytest

from environment.actors import Actor, ActorContext, ActorRef
from environment.actors.ports import MemoryDisk
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    OrderEvent,
    OrderRequest,
    PhaseChanged,
    Resumed,
)
from scenarios.builders.floor import Floor
from scenarios.cli.main import run_command
from scenarios.places import SHIPPED
from scenarios.run.decisions import Fact, facts_of
from tests.conformance.scenarios.runs import ready

SWARM = """
version = 1
name = "floor"
swarm = []
agents = {}
[limits]
order_quantity = { soft = 10, hard = 1_000 }
price_collar = { hard = 0.5 }
[approval]
default = "one"
answer_within = "60s"
drift = 0.2
"""
PERSON = """
[approver]
kind = "scripted"
people = ["ana"]
hours = ["09:30", "16:00"]
delay = { kind = "constant", value = "5s" }
policy = { approve_score_under = 100 }
"""
Heard = Resumed | PhaseChanged | BandsChanged | AuctionIndication | OrderEvent
COUNT = {"test/desk/1": 40, "test/desk/2": 5_000, "test/desk/3": 60}


class Asker(Actor[Heard]):
    """Asks for three orders when trading begins: a plain one, far too large a one, a sliced one."""

    def __init__(self) -> None:
        self.risk: ActorRef[OrderRequest] | None = None

    def receive(self, ctx: ActorContext, message: Heard) -> None:
        if isinstance(message, Resumed):
            ctx.subscribe("market/ABM/status")
        elif isinstance(message, PhaseChanged) and message.phase == "continuous":
            assert self.risk is not None, "given with the floor"
            for order_id, lots in COUNT.items():
                is_sliced = order_id.endswith("3")
                ctx.send(self.risk, OrderRequest(
                    order_id=order_id, instrument="ABM", side="buy", quantity=lots, price=120_000,
                    style="twap" if is_sliced else "direct", strategy="test/idea",
                    within_ns=60_000_000_000 if is_sliced else 0,
                    reasons=("cheap \u202eyad eht", "said twice"),
                ))  # fmt: skip


@pytest.fixture(name="run", scope="module")
def run_of_ten_minutes(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Fact]]:
    """Return a run's folder, with its journal, and the facts of its audit chain."""
    folder = tmp_path_factory.mktemp("why")
    text = (SHIPPED / "rmsc04.toml").read_text()
    text = text.replace("seed =", 'swarm = "agents.toml"\nseed =', 1) + PERSON
    (folder / "agents.toml").write_text(SWARM)
    (folder / "day.toml").write_text(text)
    settings = ("crowds.noise.count=50", "crowds.value.count=10", 'session.closes="09:40"')
    asker, disk = Asker(), MemoryDisk()

    def make(floor: Floor) -> Asker:
        asker.risk = floor.risk
        return asker

    loop = ready(str(folder / "day.toml"), settings, agents={"test/desk": make}, disk=disk)
    loop.start()
    loop.advance_to(loop.end_ns)
    loop.finish()
    for name, file in disk.files.items():
        (folder / Path(name).name).write_bytes(bytes(file.data))
    return str(folder), list(facts_of(loop.world.floor.audit))


@pytest.fixture(name="place")
def run_folder(run: tuple[str, list[Fact]]) -> str:
    return run[0]


def told(place: str, order_id: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert run_command(["why", order_id, "--run", place, "--json"]) == 0
    story: list[str] = json.loads(capsys.readouterr().out)["story"]
    return story


def test_story_tells_rule_person_and_fill_in_order(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    story = told(place, "test/desk/1", capsys)
    assert story[0].startswith(
        "test/desk/1: buy 40 ABM at 1,200.00 or better (limit, day, direct), for test/idea"
    )
    wanted = (
        "asks for it:", "asked by order_quantity", "order_quantity 40 lots against 10 lots",
        "ana: approve ", "approved by ana, signed for at most 40", "passed", "0 left (trade ",
    )  # fmt: skip
    places = [next(i for i, line in enumerate(story) if text in line) for text in wanted]
    assert places == sorted(places)
    assert "buy 40 ABM at 1,200.00, " in story[places[-1]]
    assert "\u202e" not in "".join(story)
    assert '"cheap [U+202E]yad eht"; "said twice"' in story[places[0]]


def test_refusal_names_the_rule_and_its_figures(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    story = told(place, "test/desk/2", capsys)
    (ruled,) = [line for line in story if "refused by order_quantity" in line]
    assert "5\u202f000 lots against 1\u202f000 lots" in ruled
    assert not any(" left (trade " in line for line in story)


def test_children_are_counted_and_cost_is_told(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    story = told(place, "test/desk/3", capsys)
    assert any("60 of 60 done in " in line and "slippage" in line for line in story)
    assert " children were sent: " in story[-1]
    filled = [line for line in story if " left (trade " in line]
    assert sum(int(line.split(" buy ")[1].split()[0]) for line in filled) == 60


def test_graph_reaches_from_the_open_to_the_fill_in_the_exchanges_time(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["why", "test/desk/1", "--run", place]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "2021-02-05, times of America/New_York"
    graph = lines[lines.index("all of it, oldest first; behind the arrow what led to it:") + 1 :]
    assert "PhaseChanged" in graph[0]
    assert graph[0].startswith("09:30:00.")
    assert any("exchange > venue: OrderFilled" in line for line in graph)


def test_unknown_order_is_one_line_that_says_where_to_look(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["why", "test/desk/9", "--run", place]) == 2
    said = capsys.readouterr().err
    assert 'says nothing of an order "test/desk/9"' in said
    assert "it knows for instance test/desk/1" in said


def test_chain_says_what_a_refused_order_was_for(run: tuple[str, list[Fact]]) -> None:
    told = [m for _, _, m in run[1] if m["type"] == "Verdict" and m["order_id"] == "test/desk/2"]
    terms = [(m["instrument"], m["side"], m["quantity"], m["price"]) for m in told]
    assert terms == [("ABM", "buy", 5_000, 120_000)]
