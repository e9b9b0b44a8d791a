"""The newsroom: repeatable from rules and from a cassette, and complete over real HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest

from scenarios.run.language_facts import LanguageFacts, language_facts
from scenarios.run.session_loop import JOURNAL, SessionLoop
from tests.conformance.scenarios.runs import finished
from tests.servers.models import Asked, ModelWorld, model_server

MORNING = (
    "session.closes=10:20", "session.auctions=[]", "crowds.noise.count=60", "crowds.value.count=15",
)  # fmt: skip


def journal(loop: SessionLoop) -> bytes:
    disk: Any = loop.recording.journal
    return bytes(disk._file.data)


def facts_of(loop: SessionLoop, folder: Path) -> LanguageFacts:
    (folder / JOURNAL).write_bytes(journal(loop))
    facts = language_facts(folder / JOURNAL, lambda instrument, at_ns: None)
    assert facts is not None
    return facts


def test_two_runs_are_equal_and_read_what_was_written(tmp_path: Path) -> None:
    one, other = finished("newsroom", MORNING), finished("newsroom", MORNING)
    assert journal(one) == journal(other)
    facts = facts_of(one, tmp_path)
    assert {"analysts/news", "analysts/technical", "analysts/debate"} <= {
        ledger.agent for ledger in facts.ledgers
    }
    assert facts.notices == ()


def test_a_cassette_gives_the_same_journal_without_asking(tmp_path: Path) -> None:
    path = f"cassette.path={tmp_path / 'c.jsonl'}"
    recorded = finished("newsroom", (*MORNING, path, "cassette.mode=record"))
    strict = (*MORNING, path, "cassette.mode=strict", "models.deep.provider=offline")
    again, third = finished("newsroom", strict), finished("newsroom", strict)
    assert journal(again) == journal(third)
    assert records(again) == records(recorded)
    assert again.models is not None
    cassette = again.models.cassette
    assert cassette is not None
    assert (cassette.misses, cassette.unused()) == (0, 0)


def records(loop: SessionLoop) -> list[Any]:
    """Return a journal's records without header and end, which both name the cassette's mode."""
    unpacker = msgpack.Unpacker(max_buffer_size=0, strict_map_key=False)
    unpacker.feed(journal(loop))
    return list(unpacker)[1:-1]


def view(asked: Asked) -> str:
    """Answer any form: the first source shown, sometimes nonsense."""
    text = json.dumps(asked)
    user = next(m["content"] for m in asked["messages"] if m["role"] == "user")
    if "Argue" in user:
        return '{"strength":0.5,"points":[],"concedes":false}'
    if "volatility of" in user:
        return (
            '{"abstains":false,"volatility":0.2,"probability":0.6,"horizon_minutes":60,'
            '"sources":[],"numbers":[],"words":""}'
        )
    if "Rule where" in user:
        return "I would rather not."
    if len(text) % 3 == 0:
        return '{"direction": "sideways"}'
    return (
        '{"direction":"up","probability":0.6,"move_bp":5,"horizon_minutes":30,"sources":[],'
        '"numbers":[],"words":"served"}'
    )


@pytest.fixture
def served() -> Iterator[tuple[ModelWorld, str]]:
    world = ModelWorld(reply=view, faults=[429, "cut", 500, "junk", 503])
    with model_server(world) as url:
        yield world, url


@pytest.mark.parametrize("provider", ["openai", "ollama"])
def test_over_http_every_answer_is_parsed_or_abstained(
    served: tuple[ModelWorld, str], provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, url = served
    monkeypatch.setenv("OUTCRY_TEST_KEY", "k")
    address = f"{url}/v1" if provider == "openai" else url
    key = 'key={env="OUTCRY_TEST_KEY"},' if provider == "openai" else ""
    model = f'{{provider="{provider}",model="tiny",{key}url="{address}",parallel=8}}'
    settings = (*MORNING, f"models.deep={model}", f"models.quick={model}")
    loop = finished("newsroom", settings)
    facts = facts_of(loop, tmp_path)
    answers = [answer for step in facts.steps for answer in step.answers]
    assert len(answers) > 10
    assert all(answer["text"] or answer["reason"] for answer in answers)
    assert any(answer["repaired"] for answer in answers)
    assert all(not answer["reason"] or step.abstained or len(step.answers) > 1 or step.step
               for step in facts.steps for answer in step.answers)  # fmt: skip


def test_without_a_server_every_agent_abstains_once_in_words_and_the_run_goes_on(
    tmp_path: Path,
) -> None:
    model = '{provider="ollama",model="tiny",url="http://127.0.0.1:9"}'
    loop = finished("newsroom", (*MORNING, f"models.deep={model}", f"models.quick={model}"))
    facts = facts_of(loop, tmp_path)
    assert all(step.abstained for step in facts.steps)
    assert facts.held == ()
    assert len(facts.notices) == len({ledger.agent for ledger in facts.ledgers})
    assert all("unreachable" in notice for notice in facts.notices)
