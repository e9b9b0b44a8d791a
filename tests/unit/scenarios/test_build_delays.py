"""When an answer is there: as given, or as it was measured when it was recorded."""

from pathlib import Path

import msgspec
import pytest

from environment.actors.latency import Lognormal
from environment.errors import ConfigError
from llm.cassette import Entry, write_entries
from scenarios.builders.delays import effect_model
from scenarios.config.delays import Measured
from scenarios.config.load import load_config
from scenarios.run.inputs import data_files

CONFIG = load_config("newsroom")


def tape(path: Path, *milliseconds: float) -> Path:
    entry = Entry(key="", provider="p", model="m", prompt="", form="", sample=0, temperature=0.0,
                  system="", user="")  # fmt: skip
    write_entries(path, {
        str(n): msgspec.structs.replace(entry, key=str(n), duration_ms=one)
        for n, one in enumerate(milliseconds)
    })  # fmt: skip
    return path


def test_a_measured_delay_has_the_cassettes_median_and_spread(tmp_path: Path) -> None:
    path = tape(tmp_path / "c.jsonl", 100.0, 200.0, 400.0)
    model = effect_model(CONFIG, Measured(path=str(path)))
    assert isinstance(model, Lognormal)
    assert model.median_ns == 200_000_000
    assert model.sigma == pytest.approx(0.693147, abs=1e-6)


def test_one_answer_measures_nothing(tmp_path: Path) -> None:
    path = tape(tmp_path / "c.jsonl", 100.0)
    with pytest.raises(ConfigError, match="expected at least two answers"):
        effect_model(CONFIG, Measured(path=str(path)))


def test_a_scenario_may_name_it_and_its_file_is_an_input(tmp_path: Path) -> None:
    path = tape(tmp_path / "c.jsonl", 100.0, 200.0)
    told = f'latency.effects.news={{kind="measured",path="{path}"}}'
    assert str(path) in data_files(load_config("newsroom", [told]))
