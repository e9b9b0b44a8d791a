"""The cassette that ships: newsroom without a network, and the same over real HTTP."""

import socket
from pathlib import Path
from typing import Any

import pytest

from llm.cassette import read_cassette, read_entries
from scenarios.cli.main import run_command
from tests.conformance.scenarios.runs import finished
from tests.conformance.scenarios.test_newsroom import facts_of, journal
from tests.servers.models import ModelWorld, model_server
from tests.servers.record_newsroom import MORNING, SERVED, TARGET
from tests.servers.stand_in import stand_in

STRICT = (f"cassette.path={TARGET}", "cassette.mode=strict")


def outcomes(loop: Any, folder: Path) -> list[tuple[str, ...]]:
    """Return who concluded what, when, from what answers; not who gave them."""
    return [
        (
            step.agent,
            str(step.closed_ns),
            step.outcome,
            *(answer["text"] for answer in step.answers),
        )
        for step in facts_of(loop, folder).steps
    ]


@pytest.fixture(scope="module")
def replayed() -> Any:
    return finished("newsroom", (SERVED, *STRICT, *MORNING))


def test_a_morning_from_the_cassette_needs_no_network_and_repeats_byte_for_byte(
    replayed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    again = finished("newsroom", (SERVED, *STRICT, *MORNING))
    assert journal(again) == journal(replayed)
    cassette = again.models.cassette if again.models is not None else None
    assert cassette is not None
    assert cassette.misses == 0


def test_the_recorded_model_answered_and_what_it_cited_was_looked_up(
    replayed: Any, tmp_path: Path
) -> None:
    facts = facts_of(replayed, tmp_path)
    answers = [answer for step in facts.steps for answer in step.answers]
    assert {answer["provider"] for answer in answers} == {"openai"}
    claims = [claim for view in facts.held for claim in view.claims]
    assert claims
    assert all(claim["found"] is not None for claim in claims)


@pytest.mark.parametrize("provider", ["openai", "ollama"])
def test_the_same_answers_over_http_lead_to_the_same_conclusions(
    replayed: Any, provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTCRY_NEWSROOM_KEY", "k")
    with model_server(ModelWorld(reply=stand_in, models=("stand-in",))) as url:
        place = f"{url}/v1" if provider == "openai" else url
        key = 'key={env="OUTCRY_NEWSROOM_KEY"},' if provider == "openai" else ""
        model = f'{{provider="{provider}",model="stand-in",{key}url="{place}",parallel=8}}'
        told = (f"models.deep={model}", f"models.quick={model}")
        served = finished("newsroom", (SERVED, *told, *MORNING))
    assert outcomes(served, tmp_path) == outcomes(replayed, tmp_path)


def test_the_list_begins_with_who_really_answered(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["cassette", "list", str(TARGET)]) == 0
    assert "no language model" in capsys.readouterr().out.splitlines()[0]


def test_it_holds_no_key_and_is_small() -> None:
    header, entries = read_cassette(TARGET)
    texts = [text for one in entries.values() for text in (one.system, one.user, one.text)]
    assert not any("a-key-that-must-not-be-kept" in text for text in texts)
    assert header.entries > 100
    assert TARGET.stat().st_size < 100_000


def test_a_redacted_copy_answers_as_before_and_differs_only_where_it_was_redacted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy.jsonl.gz"
    copy.write_bytes(TARGET.read_bytes())
    assert run_command(["cassette", "redact", str(copy), "--pattern", "posts take a side"]) == 0
    assert read_entries(copy).keys() == read_entries(TARGET).keys()
    capsys.readouterr()
    assert run_command(["cassette", "diff", str(TARGET), str(copy)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert {line[0] for line in lines} == {"~"}
    changed = [one for one in read_entries(copy).values() if "[redacted]" in one.text]
    assert len(changed) == len(lines)
    assert "no language model" in read_cassette(copy)[0].note
