"""What doctor says of models: the day's budget, and a cassette that does not match."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scenarios.cli.doctor_models import cassette_findings, model_findings
from scenarios.cli.main import run_command
from scenarios.config.load import load_config, load_swarm
from scenarios.live.state_folder import state_folder

TAPE = "cassette.path=scenarios/data/newsroom_answers.jsonl.gz"
SERVED = "swarm=newsroom_served_agents.toml"
SWARM = """
version = 1
name = "spender"
swarm = []
agents = {}
budget = { usd_per_day = 2.5 }
[models]
quick = { provider = "offline" }
"""


def spend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> list[tuple[str, ...]]:
    """Return what is said of the budget, with a day's file of that content."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "agents.toml").write_text(SWARM)
    (state_folder("spender") / "spend.json").write_text(content)
    found = model_findings(load_swarm(tmp_path / "agents.toml"))
    return [tuple(one) for one in found if one.subject == "budget"]


def today(micros: int) -> str:
    return json.dumps({f"{datetime.now(UTC):%Y-%m-%d}": micros, "2014-06-06": 10**9})


def test_what_is_left_of_the_day_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [(state, _, text, _)] = spend(tmp_path, monkeypatch, today(1_000_000))
    assert (state, text[:19]) == ("ok", "$1.00 of $2.50 spen")


def test_an_exhausted_budget_says_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(state, _, _, mend)] = spend(tmp_path, monkeypatch, today(2_500_000))
    assert state == "fault"
    assert mend.startswith("raise budget.usd_per_day, or wait for midnight UTC")


def test_a_damaged_sum_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [(state, _, text, _)] = spend(tmp_path, monkeypatch, "{")
    assert state == "fault"
    assert text.endswith("is damaged")


def test_a_cassette_that_matches_needs_no_model_and_no_key() -> None:
    [finding] = cassette_findings(load_config("newsroom", [SERVED, TAPE]))
    assert (finding.state, finding.subject) == ("ok", "cassette")
    assert "of openai/stand-in; models are not asked" in finding.text


def test_a_cassette_of_another_model_is_a_fault_for_each_role() -> None:
    found = list(cassette_findings(load_config("newsroom", [TAPE])))
    faults = [one for one in found if one.state == "fault"]
    assert [one.subject for one in faults] == ["cassette, deep", "cassette, quick"]
    assert "name openai/stand-in under models.deep" in faults[0].mend


def test_a_cassette_that_is_not_there_is_said_in_one_line() -> None:
    [finding] = cassette_findings(load_config("newsroom", ["cassette.path=nowhere.jsonl"]))
    assert finding.state == "fault"
    assert "nowhere.jsonl" in finding.text


def test_doctor_takes_a_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["doctor", "newsroom", "--set", TAPE]) == 2
    assert "has no answer of offline/rules" in capsys.readouterr().out
