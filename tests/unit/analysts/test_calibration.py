"""Calibration, and what a journal tells of those who asked models."""

from pathlib import Path

import msgspec
import pytest

from agents.analysts.calibration import calibrate
from scenarios.run.language_facts import language_facts


def test_true_claims_have_no_gap() -> None:
    found = calibrate([0.75] * 8, [1.0] * 6 + [0.0] * 2)
    assert (found.hits, found.gap) == (0.75, 0.0)
    assert found.brier == pytest.approx(0.1875)
    assert found.brier_of_half == 0.25


def test_boasts_are_seen() -> None:
    found = calibrate([0.95] * 4 + [0.55] * 4, [1.0, 0.0] * 4)
    assert [(b.claimed, b.observed) for b in found.bins] == [(0.55, 0.5), (0.95, 0.5)]
    assert found.brier > found.brier_of_half
    assert found.gap == pytest.approx(0.25)


def test_no_claims_are_no_figures() -> None:
    assert calibrate([], []).count == 0


def sent(number: int, at_ns: int, message: dict[str, object]) -> list[object]:
    return ["Sent", number, "analysts/a", "topic", at_ns, at_ns, 0, number, message, [], 0, 0]


def write_journal(path: Path) -> Path:
    answer = {"text": "{}", "reason": "", "provider": "p", "model": "m", "tokens_in": 10,
              "tokens_out": 5, "usd_micros": 2_000_000, "repaired": True}  # fmt: skip
    consulted = {
        "type": "Consulted", "agent": "analysts/a", "instrument": "X", "prompt": "p", "asked": "?",
        "prompt_sha256": "0", "step": "", "asked_ns": 100, "answers": [answer], "outcome": "up",
        "abstained": False, "evidence_id": "a#1",
    }  # fmt: skip
    evidence = {
        "type": "Evidence", "evidence_id": "a#1", "analyst": "analysts/a", "instrument": "X",
        "direction": "down", "probability": 0.6, "horizon_ns": 100, "asked_ns": 100,
        "claims": [{"words": "w", "number": 1.0, "source": "s", "found": False}],
    }  # fmt: skip
    records = [{"type": "Header"}, sent(1, 200, evidence), sent(2, 200, consulted),
               sent(3, 200, {"type": "Notice", "agent": "a", "text": "why"})]  # fmt: skip
    path.write_bytes(b"".join(msgspec.msgpack.encode(record) for record in records))
    return path


def test_the_edge_lost_to_thinking_is_what_moved_before_the_answer(tmp_path: Path) -> None:
    mids = {100: 100.0, 200: 99.0, 300: 98.01}
    facts = language_facts(write_journal(tmp_path / "j"), lambda instrument, at_ns: mids[at_ns])
    assert facts is not None
    [ledger] = facts.ledgers
    assert ledger.edge_bps == pytest.approx(100.0)
    assert ledger.lost_bps == pytest.approx(1e4 * (0.0199 - 0.01))
    assert (ledger.tokens, ledger.usd, ledger.repaired, ledger.delay_s) == (15, 2.0, 1, 1e-7)
    assert (ledger.numbers_cited, ledger.numbers_missing) == (1, 1)
    assert facts.notices == ("why",)


def test_a_run_in_which_nobody_asked_has_no_facts(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(msgspec.msgpack.encode({"type": "Header"}))
    assert language_facts(tmp_path / "j", lambda instrument, at_ns: None) is None
