"""What analysts read, said and cited: a line at once, the rest when it is opened."""

import json
from typing import Any

import pytest

from agents.desk.proposal import Proposal, Voice
from agents.human.panel_reading import answered_by
from agents.human.panel_room import FORGOTTEN, Room, RoomSettings
from environment.text_messages import Notice
from tests.unit.human.readings import (
    make_abstention,
    make_consulted,
    make_heard,
    make_item,
    make_view,
)
from tests.unit.human.test_panel_room import AAPL, StillFloor, heard, seated
from tests.unit.human.test_panel_sign_in import Clock


@pytest.fixture
def room() -> Room:
    settings = RoomSettings(floor="floor", instruments=(AAPL,))
    return Room(settings, StillFloor(), Clock().around())


def consult(room: Room, **changes: Any) -> None:
    """Have the news analyst read a post (envelope 3) and conclude."""
    room.hear("feeds/posts", make_item(), 3)
    room.hear("analysts/news", make_view(), 4, (3, 2))
    room.hear("analysts/news", make_consulted(**changes), 5, (3, 2))


def opened(room: Room, number: int) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(room.reading(number))
    return frame


def test_a_closed_question_is_a_line_on_every_page(room: Room) -> None:
    seat = seated(room)
    consult(room)
    (frame,) = heard(seat)
    row = frame["row"]
    assert (frame["t"], row["agent"], row["outcome"]) == ("reading", "analysts/news", "up, 0.61")
    assert row["by"] == "openai/tiny"


def test_whoever_enters_later_sees_it_too(room: Room) -> None:
    consult(room)
    seat = seated_raw(room)
    assert [row["number"] for row in seat["readings"]] == [1]


def seated_raw(room: Room) -> dict[str, Any]:
    from agents.human.panel_seats import Seat

    seat = Seat("id", "ana")
    room.enter(seat, {"name": "ana"})
    return heard(seat)[0]


def test_opened_it_shows_what_was_shown_said_and_cited(room: Room) -> None:
    consult(room)
    content = opened(room, 1)["content"]
    assert "| Profits rose by 12 %" in content["read"]
    assert content["said"][0]["words"] == "Profits <b>rose</b> by 12 %"
    assert ["direction", "up"] in content["said"][0]["fields"]
    assert [row[3] for row in content["cited"]] == ["found", "NOT FOUND"]


def test_its_evidence_leads_to_the_post_and_to_nothing_unheard(room: Room) -> None:
    consult(room)
    (node,) = opened(room, 1)["content"]["from"]
    assert (node["who"], node["words"]) == ("feeds/posts", "Profits rose by 12 %")


def test_an_order_leads_over_the_view_and_the_answer_to_the_post(room: Room) -> None:
    consult(room)
    voice = Voice(
        source="analysts/news", signal=6, direction="up", probability=0.61, expected_return=0.001,
        horizon_ns=1, belief=1.0, weight=1.0, hit_rate=0.5, brier_score=0.25,
        information_coefficient=0.0, outcomes=0, reasons=("analysts/news#1: Profits rose",),
    )  # fmt: skip
    room.hear("desk/coordinator", Proposal(
        instrument="AAPL", direction="up", probability=0.61, expected_return=0.001, edge_error=0.1,
        holding_ns=1, conviction=0.5, dispersion=0.0, heard=1, known=1, voices=(voice,),
        evidence=(6,),
    ), 7)  # fmt: skip
    (view,) = room.evidence.graph([6])
    (answer,) = view["from"]
    assert answer["what"] == "asked its model about AAPL: up, 0.61"
    assert answer["from"][0]["who"] == "feeds/posts"


def test_invisible_characters_of_an_answer_are_spelled_out(room: Room) -> None:
    consult(room, answers=(make_heard('{"words":"a\u202eb"}'),), asked="x\u200by")
    content = opened(room, 1)["content"]
    assert content["said"][0]["words"] == "a[U+202E]b"
    assert content["read"] == "x[U+200B]y"


def test_an_answer_that_is_no_form_is_shown_as_it_came(room: Room) -> None:
    consult(room, answers=(make_heard("I would rather not.", reason="malformed: no JSON"),))
    (said,) = opened(room, 1)["content"]["said"]
    assert (said["words"], said["fields"]) == ("I would rather not.", [])
    assert said["reason"] == "malformed: no JSON"


def test_samples_that_were_answered_alike_are_shown_once(room: Room) -> None:
    consult(room, answers=(make_heard(), make_heard(), make_heard('{"probability":0.123456}')))
    said = opened(room, 1)["content"]["said"]
    assert [one["by"].startswith("2 equal answers of openai/tiny") for one in said] == [True, False]
    assert said[1]["fields"] == [["probability", "0.1235"]]


def test_an_abstention_says_why_in_the_list_of_agents(room: Room) -> None:
    room.hear("analysts/news", make_abstention(), 5, ())
    assert room.live.agents["analysts/news"].text.startswith("AAPL abstains: late")
    assert room.live.view()["agents"][0]["has_read"] is True


def test_rules_are_never_called_a_model() -> None:
    told = make_consulted(answers=(make_heard(provider="offline", model="rules"),))
    assert answered_by(told) == "written rules, no language model"


def test_a_notice_is_said_in_the_conversation(room: Room) -> None:
    seat = seated(room)
    room.hear("analysts/news", Notice(agent="analysts/news", text="analysts/news: unreachable: …"))
    (frame,) = heard(seat)
    assert (frame["entry"]["who"], frame["entry"]["speaker"]) == ("analysts/news", "desk")


def test_only_the_last_questions_are_kept(room: Room) -> None:
    for number in range(1, 203):
        room.hear("analysts/news", make_consulted(number), number, ())
    assert len(room.readings.all()) == 200
    assert opened(room, 1) == {"t": "read", "number": 1, "content": None, "reason": FORGOTTEN}
