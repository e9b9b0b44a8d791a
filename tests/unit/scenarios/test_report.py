"""The report and the notebook object, made from a whole folder of a tiny market's day."""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from environment.errors import OperatingError
from environment.record.output import TAPE, write_tables
from environment.record.tape import TapeWriter
from environment.record.tca import SCOPES, scope_of
from scenarios.report.compare import comparison_page, interval
from scenarios.report.market import PARTS, largest_of_parts
from scenarios.report.page import Raw, number, packed, table, thinned
from scenarios.report.write import report_html, write_report
from scenarios.run.result import RunResult
from tests.unit.record.runs import make_run
from tests.unit.record.tiny_market import make_facts


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return RunResult.open(make_run(tmp_path_factory.mktemp("runs") / "one"))


@pytest.fixture(scope="module")
def page(run: RunResult) -> str:
    return report_html(run)


def test_a_run_opens_with_every_table(run: RunResult) -> None:
    for name in ("trades", "quotes", "orders", "decisions", "accounts", "tca"):
        assert isinstance(getattr(run, name), pl.DataFrame)
    assert run.complete
    assert run.summary["scenario"] in run._repr_html_()
    assert run.orders.height == len(run.day.rows)


def test_a_folder_without_a_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OperatingError, match=r"holds no readable run: .*summary\.json"):
        RunResult.open(tmp_path)


def test_a_run_that_ended_early_says_so(run: RunResult, tmp_path: Path) -> None:
    partial = RunResult(run.folder, run.summary)
    assert not partial.complete
    assert "ended early" in report_html(partial)
    with pytest.raises(OperatingError, match="ended before it was written"):
        _ = RunResult(tmp_path, {}).trades


def test_the_report_needs_nothing_else(page: str) -> None:
    outside = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r'(src|href)="(?!#|data:)', outside)
    assert page.count("plotly.js v") == 1
    assert len(page) < 8_000_000


@pytest.mark.parametrize(
    "heading",
    [
        "Price", "Spread", "Depth", "Volume", "Returns", "Memory of returns", "Realism",
        "Populations", "Transaction costs", "Surveillance", "Orders by final state",
        "Latency, busy time and slowest handlers", "Seed, configuration, versions",
    ],
)  # fmt: skip
def test_the_report_has_what_a_researcher_looks_for(page: str, heading: str) -> None:
    assert f">{heading}</h2>" in page


def test_every_figure_is_valid_and_filled(page: str) -> None:
    figures = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert len(figures) >= 10
    for text in figures:
        assert json.loads(text)["data"]


def test_text_from_a_run_cannot_become_a_script(run: RunResult) -> None:
    evil = RunResult(run.folder, run.summary | {"scenario": "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in report_html(evil)


def test_a_report_is_written_whole(run: RunResult) -> None:
    write_report(run)
    assert run.report == run.folder / "report.html"
    assert [p.name for p in run.folder.glob(".*")] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234567, "1\u202f234\u202f567"), (-1.5, "\u22121.50"), (0.12345, "0.123"),
        (None, "\u2013"), (float("nan"), "\u2013"), (-0.0, "0"), (2.0, "2"),
    ],
)  # fmt: skip
def test_numbers_are_for_people(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_table_escapes_text_but_not_markup() -> None:
    text = table(("a",), [("<b>",), (Raw("<i>x</i>"),)])
    assert "&lt;b&gt;" in text
    assert "<i>x</i>" in text
    assert "none here" in table(("a",), [], empty="none here")


def test_thinning_keeps_the_extremes() -> None:
    y = np.zeros(10_000)
    y[[1_234, 8_765]] = 5.0, -5.0
    x, kept = thinned(np.arange(10_000), y, 100)
    assert len(x) <= 102
    assert {5.0, -5.0} <= set(kept.tolist())


def test_packed_numbers_are_little_endian() -> None:
    assert packed([1.0], "f4") == {"dtype": "f4", "bdata": "AACAPw=="}


@pytest.mark.parametrize("rows", [0, 3])
def test_a_run_without_a_trade_still_has_a_report(
    run: RunResult, tmp_path: Path, rows: int
) -> None:
    with TapeWriter(tmp_path / TAPE, make_facts()) as tape:
        tape.write(run.day.rows[:rows])
    write_tables(tmp_path)
    page = report_html(RunResult(tmp_path, {"scenario": "still", "seed": 1}))
    assert ">Orders by final state</h2>" in page
    assert ">Price</h2>" not in page


def test_an_interval_is_students() -> None:
    mean, half = interval([1.0, 2.0, 3.0])
    assert mean == 2.0
    assert half == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert np.isnan(interval([5.0])[1])
    assert np.isnan(interval([])[0])


def test_a_comparison_shows_each_arm_with_its_interval() -> None:
    figures = {"no gate": [{"x": 1.0}, {"x": 3.0}], "5 s": [{"x": 2.0, "y": 1.0}]}
    paths = {"no gate": [[0.0, 1.0], [0.0, -1.0]], "5 s": [[0.0, 2.0]]}
    page = comparison_page("human_gate", figures, paths)
    assert '<th scope="col">no gate</th>' in page
    assert "± 12.71" in page
    assert "Prices: 5 s" in page


def test_a_busy_opening_leaves_points_for_the_rest_of_the_day() -> None:
    times = np.concatenate([np.arange(5_000), np.arange(5_000, 600_000, 500)]).astype(np.int64)
    lots = np.where(times < 5_000, 900, 1 + times % 7)
    shown = largest_of_parts(times, lots, 10 * PARTS)
    counts = np.bincount(times[shown] // 10_000, minlength=PARTS)
    assert counts.tolist() == [10] * PARTS
    assert (np.diff(shown) > 0).all()
    last = lots[(times >= 590_000)]
    assert sorted(lots[shown][-10:]) == sorted(last)[-10:]


def test_a_comparison_shows_the_difference_seed_by_seed() -> None:
    # Seeds differ by far more than arms do; each arm adds exactly 1 to its seed's figure.
    figures = {"control": [{"spread": 10.0}, {"spread": 90.0}],
               "half": [{"spread": 11.0}, {"spread": 91.0}]}  # fmt: skip
    page = comparison_page("herding", figures, {"control": [], "half": []})
    assert "<small>+1 ± 0</small>" in page


@pytest.mark.parametrize("scope", SCOPES)
def test_costs_of_one_scope_are_read_as_if_all_were(run: RunResult, scope: str) -> None:
    whole = scope_of(run.tca, scope)
    assert whole.height
    assert run.tca_of(scope).equals(whole)
    some = whole.columns[:3]
    assert run.tca_of(scope, *some, "not_a_column").equals(whole.select(some))
