"""Margin in the report: only where somebody was watched, and what it says."""

from pathlib import Path

import pytest

from agents.clearing.margin_watch import ClosedRow, MarginLog, UseRow
from environment.clearing_messages import PositionClosed
from scenarios.report.margin import margin_cards
from scenarios.run.margin_results import write_margin_tables
from scenarios.run.result import RunResult
from tests.unit.record.runs import make_run

SECOND_NS = 1_000_000_000
OPEN_NS = 1_402_061_400 * SECOND_NS
DOLLAR = 1_000_000


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return RunResult.open(make_run(tmp_path_factory.mktemp("margin") / "run"))


def use(second: int, below: int) -> UseRow:
    return UseRow(
        OPEN_NS + second * SECOND_NS, "sellers", 60, below, 200 * DOLLAR, 150 * DOLLAR, 11
    )


def closed(lots: int) -> ClosedRow:
    told = PositionClosed(
        account=8, instrument="A", lots=lots, reason="margin_call", shortfall_micros=5 * DOLLAR
    )  # fmt: skip
    return ClosedRow(OPEN_NS, "sellers", 8, told)


def test_run_without_a_watch_has_no_card(run: RunResult, tmp_path: Path) -> None:
    write_margin_tables(MarginLog(), tmp_path, "UTC")
    assert not list(tmp_path.iterdir())
    assert margin_cards(run) == []


def test_card_counts_calls_accounts_and_closings(run: RunResult) -> None:
    log = MarginLog(use=[use(300, 2), use(600, 7)], closed=[closed(5), closed(-3)])
    write_margin_tables(log, run.folder, "America/New_York")
    events = [
        {"type": "MarginCalled", "session": "2014-06-06", "call_micros": 9 * DOLLAR},
        {"type": "CycleDone", "session": "2014-06-06"},
    ]
    (card,) = margin_cards(RunResult(run.folder, run.summary | {"clearing": events}, run.manifest))
    assert "<dd>7<small>at one moment" in card
    assert "<dd>2<small>8 lots" in card
    assert "<dd>22<small>that would have opened" in card
    assert "margin-refused" in card
    assert "<td>2014-06-06</td>" in card
