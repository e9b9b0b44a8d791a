"""An order good till cancelled, while swarm, venue and watchdog stop and start on the next day."""

import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from agents.human.panel_text import grouped
from brokers.venue_log import LOG, Taken
from tests.conformance.venues.small_world import WORLD
from tests.process.daemon import PASSWORD, Processes
from tests.process.resting import LOTS
from tests.process.soundness import assert_sound
from tests.process.venue_record import records_in
from tests.unit.human.pages import Browser, heard, talk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# Half an hour of trading, and an evening, in two minutes.
SWARM = """
version = 1
name = "floor"
swarm = ["practice/metronome"]
[venue]
kind = "simulated"
world = "{world}"
warm_up = "1m"
pace = 20
[agents]
"practice/metronome" = {{ kind = "metronome", mandate = {{ instruments = ["AAPL"], notional = 50_000_000 }}, every = "1s", quantity = 1 }}
[limits]
order_quantity = {{ soft = 100 }}
[approval]
default = "auto"
answer_within = "2m"
send_within = "2m"
drift = 0.5
[panel]
listen = "127.0.0.1:0"
[daemon]
metrics = "127.0.0.1:{metrics}"
"""  # noqa: E501  one agent a line


class Days(Processes):
    """The three processes, and a person at the panel."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        world = folder / "short.toml"
        text = WORLD.replace("[session]", '[session]\ncloses = "10:00"')
        world.write_text(f"{text}[account]\ncash = 100_000_000\n")
        self.file.write_text(SWARM.format(world=world, metrics=self.metrics))
        self.marker = folder / "asked"

    def begin(self) -> None:
        """Start all three, and return once the swarm trades."""
        self.output.write_text("")
        resting = [sys.executable, "-m", "tests.process.resting", str(self.marker), str(self.file)]
        self._wait_ready(self._launch(resting))

    def end(self) -> None:
        """Stop all three."""
        done = self.command("stop", str(self.file))
        assert done.returncode == 0, done.stderr
        assert self.swarm is not None
        assert self.swarm.wait(60) == 0
        self.wait_gone()

    def person(self) -> Browser:
        """Return an approver's browser, signed in at the panel of this start."""
        found: list[str] = []

        def is_told() -> bool:
            found[:] = re.findall(r"http://127\.0\.0\.1:\d+", self.output.read_text())
            return bool(found)

        self.wait(is_told, "the panel's address")
        browser = Browser(found[0])
        assert browser.sign_in("ana", PASSWORD) == 200
        return browser

    def yes(self) -> dict[str, Any]:
        """Wait for a card, say yes to it, and return it as it was shown."""

        async def answer(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
            card = await waiting_card(socket)
            shown = {name: card[name] for name in ("code", "record_hash", "sequence")}
            await socket.send_json({"t": "answer", "id": "p1", "word": "approve", "shown": shown})
            noted = await heard(socket, "noted")
            assert noted["is_taken"], noted
            return card

        card: dict[str, Any] = talk(self.person(), answer, patience_s=120)
        return card

    def taken(self) -> list[int]:
        """Return the lots of each order that the venue has taken since its start."""
        records = records_in(self.folder / LOG)
        return [record.order.quantity for record in records if isinstance(record, Taken)]


async def waiting_card(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    room = await heard(socket, "room")
    for told in room["cards"]:
        if told["card"]["can_answer"]:
            return dict(told["card"])
    while True:
        frame = await heard(socket, "card")
        if frame["card"]["can_answer"]:
            return dict(frame["card"])


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Days]:
    made = Days(tmp_path)
    try:
        made.add_person()
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("way", ["after the close", "within the day", "killed within the day"])
def test_resting_order_is_asked_again_on_the_next_day_and_stays_within_its_quantity(
    days: Days, way: str
) -> None:
    days.begin()
    first = days.yes()
    assert first["quantity"] == LOTS
    days.wait(lambda: any(o["filled"] for o in days.working()), "a part that has traded")
    if way == "after the close":
        days.wait(lambda: not days.working(), "the end of the day")
    if way == "killed within the day":
        for part in ("swarm", "watchdog", "venue"):
            days.kill(part, signal.SIGKILL)
        assert days.wait_ended() == -signal.SIGKILL
        days.wait_gone()
    else:
        days.end()
    days.begin()
    days.lift()
    found = days.wait_agreed()
    traded = found["account"]["positions"]["AAPL"]
    assert 0 < traded < LOTS
    assert days.taken() == []
    assert days.working() == []
    again = days.yes()
    assert again["code"] != first["code"]
    assert again["quantity"] == LOTS - traded
    told = {"name": "Traded before", "before": "", "after": grouped(traded)}
    assert told in again["changed"]
    days.wait(days.taken, "the rest in the market")
    assert days.taken() == [LOTS - traded]
    found = assert_sound(days)
    working = sum(order["quantity"] - order["filled"] for order in found["account"]["orders"])
    assert found["account"]["positions"]["AAPL"] + working == LOTS
