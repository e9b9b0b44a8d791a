"""What only the calendar and data files can say: each line names the scenario file and the key."""

from collections.abc import Callable
from pathlib import Path

import pytest

from environment.errors import ConfigError
from scenarios.builders.checks import naming_the_file, planned_sessions
from scenarios.builders.paths import PathState, check_recorded_days, paths_of_day
from scenarios.config.load import Config, load_config
from tests.unit.scenarios.example_files import SCENARIO, write_example

MINUTES = "time,symbol,open,high,low,close,volume\n" + "".join(
    f"2014-06-{day:02} 10:{minute:02}:00,AAPL,10,11,9,10,5\n"
    for day in (5, 6)
    for minute in range(3)
)
BARS = SCENARIO.replace('kind = "heston", start = 100.00', 'kind = "bars", path = "bars.csv"')
ACTIVE = 'crowds.noise.active=["16:00", "17:00"]'


def said(act: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as error:
        act()
    assert "\n" not in str(error.value)
    return str(error.value)


def with_bars(folder: Path, *settings: str, text: str = MINUTES) -> Config:
    (folder / "bars.csv").write_text(text)
    return load_config(write_example(folder, scenario=BARS), settings)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (
            "session.date=2014-07-04",
            "session.date: 2014-07-04 is no trading day of XNYS; "
            "the nearest are 2014-07-03 and 2014-07-07",
        ),
        ("session.dates=[2014-07-04, 2014-07-06]", "session.dates: XNYS has no trading day from"),
        ("session.dates=[2014-07-04, 2014-07-06]", "the nearest are 2014-07-03 and 2014-07-07"),
        ("session.calendar=XXXX", "session.calendar: there is no calendar 'XXXX'; known: always"),
        ("session.calendar=XXXX", ", XNYS, "),
        (ACTIVE, "crowds.noise.active: lies outside"),
        ("session.closes=08:00", " session.closes: no time is left to trade on 2014-06-06"),
        ("session.opens=17:00", " session.opens: no time is left to trade on 2014-06-06"),
    ],
)
def test_days_that_cannot_be_are_refused_with_file_and_key(
    tmp_path: Path, setting: str, words: str
) -> None:
    config = load_config(write_example(tmp_path), [setting])

    def plan() -> None:
        with naming_the_file(config):
            planned_sessions(config)

    text = said(plan)
    assert words in text
    assert text.startswith(f"{tmp_path / 'small.toml'}: ")
    assert text.count("small.toml") == 1


def test_crowd_awake_on_one_of_the_days_is_kept(tmp_path: Path) -> None:
    half_day_first = ("session.dates=[2014-07-03, 2014-07-07]", ACTIVE.replace("16", "15"))
    config = load_config(write_example(tmp_path), half_day_first)
    assert len(planned_sessions(config)) == 2


def test_day_that_the_bars_lack_is_named_before_anything_runs(tmp_path: Path) -> None:
    config = with_bars(tmp_path, "session.dates=[2014-06-05, 2014-06-10]")
    text = said(lambda: check_recorded_days(config, planned_sessions(config)))
    assert "small.toml: instruments.0.price.path: bars.csv has no bar of AAPL" in text
    assert "on 2014-06-09, 2014-06-10; it has 2014-06-05, 2014-06-06: choose session.date" in text
    config = with_bars(tmp_path, "session.dates=[2014-06-05, 2014-06-06]")
    check_recorded_days(config, planned_sessions(config))


def test_bars_of_whole_days_make_no_path(tmp_path: Path) -> None:
    daily = "date,symbol,open,high,low,close,volume\n2014-06-06,AAPL,10,11,9,10,5\n"
    config = with_bars(tmp_path, text=daily)
    text = said(lambda: paths_of_day(config, planned_sessions(config)[0], 1, PathState()))
    assert "instruments.0.price.path: bars.csv has bars of whole days" in text


def test_path_that_leaves_the_range_of_prices_is_refused(tmp_path: Path) -> None:
    config = load_config(
        write_example(tmp_path), ["shock.0.size=10", "instruments.0.price.start=1e5"]
    )
    text = said(lambda: paths_of_day(config, planned_sessions(config)[0], 1, PathState()))
    assert "instruments.0.price: the price of AAPL leaves the range of its ticks" in text
