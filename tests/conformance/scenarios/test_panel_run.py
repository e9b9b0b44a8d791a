"""A person inside a paced run: answers through a real server, and is an input when replayed."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import aiohttp
import pytest

from environment.approval_messages import CardAnswer
from scenarios.config.load import load_config
from scenarios.live.panel_people import people_store
from scenarios.live.state_folder import state_folder
from scenarios.run.panel_seat import seat_for_people, with_person
from scenarios.run.replay import Recorded, replay
from scenarios.run.result import RunResult
from scenarios.run.runner import run_scenario
from tests.unit.human.pages import Browser, heard, talk

PASSWORD = "a password of hers"
PACE = 500.0
SETTINGS = ["session.closes=09:34", 'panel.listen="127.0.0.1:0"']


class Voice:
    """Hears where the panel is, and sends a person there."""

    is_terminal = False

    def __init__(self) -> None:
        self.said: list[str] = []
        self.seen: list[dict[str, Any]] = []
        self._thread: threading.Thread | None = None

    def say(self, text: str) -> None:
        self.said.append(text)
        if text.startswith("panel"):
            self._thread = threading.Thread(target=self._sit, args=(text.split()[1],), daemon=True)
            self._thread.start()

    def _sit(self, address: str) -> None:
        browser = Browser(address)
        browser.sign_in("ana", PASSWORD)
        talk(browser, self._answer, patience_s=120)

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Approve the first card for fewer, and wait until it is filled."""
        room = await heard(socket, "room")
        self.seen.append(room)
        card = await self._card(socket, room, lambda card: card["can_answer"])
        shown = {name: card[name] for name in ("code", "record_hash", "sequence")}
        answer = {"t": "answer", "id": "p1", "word": "smaller", "quantity": 10, "shown": shown}
        await socket.send_json(answer)
        filled = await self._card(
            socket, room, lambda new: new["code"] == card["code"] and new["filled"]
        )
        self.seen.append(filled)

    async def _card(self, socket: Any, room: Any, is_wanted: Any) -> dict[str, Any]:
        for told in room["cards"]:
            if is_wanted(told["card"]):
                return dict(told["card"])
        while True:
            frame = await heard(socket, "card")
            if is_wanted(frame["card"]):
                return dict(frame["card"])


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunResult, Voice]]:
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        people_store(state_folder("floor")).add("ana", ("approver",), PASSWORD)
        config = with_person(load_config("opening_bell", SETTINGS, None), PACE)
        voice = Voice()
        result = run_scenario(config, folder, seat=partial(seat_for_people, voice=voice))
        yield result, voice


def test_a_person_answers_and_the_order_is_filled(answered: tuple[RunResult, Voice]) -> None:
    _, voice = answered
    room, filled = voice.seen
    assert "500 times" in room["answered_by"]
    assert (filled["quantity"], filled["people"]) == (10, ["ana"])


def test_what_the_person_did_is_an_input_of_the_journal(answered: tuple[RunResult, Voice]) -> None:
    result, _ = answered
    given = [told[3] for told in Recorded(result.folder).admitted]
    answers = [message for message in given if isinstance(message, CardAnswer)]
    assert [(answer.person, answer.quantity) for answer in answers] == [("ana", 10)]
    assert PASSWORD.encode() not in (result.folder / "journal.msgpack").read_bytes()


def test_a_replay_needs_nobody(answered: tuple[RunResult, Voice]) -> None:
    result, _ = answered
    assert replay(result.folder).same


def test_the_summary_says_who_answered(answered: tuple[RunResult, Voice]) -> None:
    result, _ = answered
    told = json.loads((result.folder / "summary.json").read_text())
    assert told["approvals"]["answered_by"] == "people"
