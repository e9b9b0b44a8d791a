"""`outcry cassette`, `outcry models`, `outcry evaluate`: words in, words out."""

import json
from pathlib import Path

import pytest

from environment.errors import OperatingError
from llm.cassette import Cassette, fitted_delay
from scenarios.builders.models import check_cassette, model_troubles
from scenarios.cli.main import run_command
from scenarios.config.load import load_swarm
from tests.servers.models import ModelWorld, model_server
from tests.unit.llm.factories import GOOD, Scripted, make_ask, make_service


def record(path: Path, *questions: str, said: str = GOOD) -> Path:
    tape = Cassette(path, "record")
    service = make_service(Scripted(said), cassette=tape)
    for question in questions:
        service.perform(make_ask(question=question))
    service.close()
    return path


def test_list_says_what_a_cassette_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = record(tmp_path / "c.jsonl", "one?", "two?")
    assert run_command(["cassette", "list", str(path)]) == 0
    assert "2 entries, 30 tokens" in capsys.readouterr().out
    assert run_command(["cassette", "list", str(path), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["entries"]) == 2


def test_diff_names_each_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = record(tmp_path / "a.jsonl", "one?", "two?")
    other = record(tmp_path / "b.jsonl", "two?", "three?", said=GOOD.replace("up", "down"))
    assert run_command(["cassette", "diff", str(one), str(other)]) == 1
    assert [line[0] for line in capsys.readouterr().out.splitlines()] == ["-", "+", "~"]
    assert run_command(["cassette", "diff", str(one), str(one)]) == 0


def test_redact_takes_out_and_still_answers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = record(tmp_path / "c.jsonl", "one?")
    assert run_command(["cassette", "redact", str(path), "--pattern", "Profits"]) == 0
    assert "1 places" in capsys.readouterr().out
    assert "Profits" not in path.read_text()
    again = make_service(Scripted(AssertionError()), cassette=Cassette(path, "strict"))
    assert again.perform(make_ask(question="one?")).text == GOOD


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "cannot be read"), ("{", "line 1 is no"), ("x\n", "line 1 is no"),
     ('{"format":"outcry-cassette/1","entries":2}\n', "expected 2 entries, found 0"),
     ('{"format":"outcry-cassette/1","entries":1}\n{"key":1}\n', "line 2 is no")],
)  # fmt: skip
def test_a_bad_cassette_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, problem: str
) -> None:
    path = tmp_path / "c.jsonl"
    if content is not None:
        path.write_text(content)
    assert run_command(["cassette", "list", str(path)]) == 2
    shown = capsys.readouterr().err
    assert problem in shown
    assert shown.count("\n") == 1


def test_a_delay_is_fitted_to_what_was_measured(tmp_path: Path) -> None:
    import msgspec

    entries = Cassette(record(tmp_path / "c.jsonl", "one?", "two?", "three?"), "replay").entries
    timed = {
        key: msgspec.structs.replace(entry, duration_ms=ms)
        for (key, entry), ms in zip(entries.items(), (100.0, 200.0, 400.0), strict=True)
    }
    delay = fitted_delay(timed)
    assert delay is not None
    assert delay["median_ms"] == pytest.approx(200.0)
    assert delay["sigma"] == pytest.approx(0.693, abs=1e-3)


def swarm_file(folder: Path, model: str) -> Path:
    path = folder / "agents.toml"
    path.write_text(f'version = 1\nname = "x"\nswarm = []\n[agents]\n[models]\nm = {model}\n')
    return path


def test_evaluate_wants_a_role_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = swarm_file(tmp_path, '{ provider = "offline" }')
    assert run_command(["evaluate", "--disguise", "--file", str(file)]) == 2
    assert "roles: m" in capsys.readouterr().err
    asked = ["evaluate", "--disguise", "--file", str(file), "--role", "m", "--questions", "9"]
    assert run_command([*asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["gaps"][0]["gap"] == 0.0


@pytest.mark.parametrize(
    ("model", "trouble"),
    [
        ('{ provider = "offline" }', ""),
        ('{ provider = "ollama", model = "tiny", url = "URL" }', ""),
        ('{ provider = "ollama", model = "huge", url = "URL" }', "ollama pull huge"),
        ('{ provider = "ollama", model = "t", url = "http://127.0.0.1:9" }', "ollama serve"),
        ('{ provider = "openai", model = "tiny", url = "URL/v1", key = { env = "K" } }', ""),
        ('{ provider = "openai", model = "huge", url = "URL/v1", key = { env = "K" } }',
         "no model"),
        ('{ provider = "openai", model = "tiny", key = { env = "NO_SUCH" } }', "key is not set"),
        ('{ provider = "openai", model = "t", url = "http://127.0.0.1:9/v1", key = { env = "K" } }',
         "no server answers"),
    ],
)  # fmt: skip
def test_doctor_tells_what_keeps_a_model_from_answering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, trouble: str
) -> None:
    monkeypatch.setenv("K", "key")
    with model_server(ModelWorld(reply=lambda asked: GOOD)) as url:
        swarm = load_swarm(swarm_file(tmp_path, model.replace("URL", url)))
        found = model_troubles(swarm)["m"]
    assert (trouble in found) if trouble else not found


def test_a_strict_cassette_that_lacks_an_answer_ends_the_run(tmp_path: Path) -> None:
    service = make_service(
        Scripted(GOOD), cassette=Cassette(record(tmp_path / "c.jsonl", "one?"), "strict")
    )
    check_cassette(service)
    assert service.perform(make_ask(question="two?")).abstains
    with pytest.raises(OperatingError, match="1 questions are not on this cassette"):
        check_cassette(service)
