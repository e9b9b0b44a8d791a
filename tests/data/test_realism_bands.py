"""The bands that ship are those that the committed script computes from real days."""

import pytest

from environment.record.realism import marks, passes, statistics
from scenarios.realism_bands import LOBSTER, lobster_day, realism_toml
from scenarios.realism_reference import REALISM, load_realism
from tests.shared_data import shared


def test_the_shipped_file_is_what_the_script_writes() -> None:
    shared("data/orderbook/LOBSTER_SampleFile_GOOG_2012-06-21_10.zip")
    folder = shared("data/equity_intraday/us_equity_minute_quote.csv.gz").parent.parent
    assert realism_toml(folder) == REALISM.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LOBSTER)
def test_a_real_day_passes_its_own_marks(name: str) -> None:
    day = lobster_day(shared(f"data/{LOBSTER[name]}"), name)
    given = marks(statistics(day), load_realism().bands)
    # A file with one level says nothing about depth.
    known = [one for one in given if one != "depth" or len(day.level_lots) >= 10]
    assert all(passes(given[one]) for one in known)
