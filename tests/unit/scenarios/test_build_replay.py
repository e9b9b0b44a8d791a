"""A recording in the scenario's terms: formats, names and hours, and files that do not fit."""

import gzip
import zipfile
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
import pytest

from environment.errors import ConfigError
from environment.feeds.lobster import LobsterDay, write_lobster
from environment.instruments import to_micros
from scenarios.builders.replay import as_recorded
from scenarios.config.built import check_built
from scenarios.config.load import Config, load_config
from tests.unit.market.replay_driver import EXECUTE, NEW

SECOND, DAY_NS = 10**9, 1_340_236_800 * 10**9  # 2012-06-21, 00:00 UTC.
OPEN_NS = DAY_NS + 13 * 3600 * SECOND + 1800 * SECOND  # 09:30 in New York.
BITSTAMP = (
    '1430438400100 order_created {"price": "236.47", "amount": "1.5", "datetime": "1430438400", '
    '"id": 1, "order_type": 0}\n'
    '1430438401100 order_changed {"price": "236.47", "amount": "1.2", "datetime": "1430438401", '
    '"id": 1, "order_type": 0}\n'
)


def lobster(folder: Path, *, unit: int = 100) -> Path:
    """Three messages of ACME without a book file."""
    rows = [(NEW, 1, 100, 9_990, 1), (NEW, 2, 100, 10_010, -1), (EXECUTE, 1, 30, 9_990, 1)]
    messages = [
        (OPEN_NS + SECOND * (60 * k + 1), kind, number, size, price * unit, way)
        for k, (kind, number, size, price, way) in enumerate(rows)
    ]
    day = LobsterDay("ACME", date(2012, 6, 21), np.array(messages, np.int64), None)
    return write_lobster(day, folder)


def config_of(path: Path, *settings: str) -> Config:
    return load_config("replay_day", [f"recording={path}", *settings])


def test_recording_brings_its_date_symbol_and_hours(tmp_path: Path) -> None:
    config, recorded = as_recorded(config_of(lobster(tmp_path)))
    assert config.scenario.session.date == date(2012, 6, 21)
    assert config.scenario.instruments[0].symbol == recorded.instrument.symbol == "ACME"
    assert recorded.session.open_ns == OPEN_NS + SECOND
    assert recorded.session.close_ns == OPEN_NS + 122 * SECOND
    assert [start.phase for start in recorded.session.phases] == [
        "continuous", "post_close", "closed",
    ]  # fmt: skip
    assert recorded.first_mid_ticks == 9_990


def test_mandates_follow_the_recorded_symbol(tmp_path: Path) -> None:
    config, _ = as_recorded(config_of(lobster(tmp_path)))
    assert config.swarm is not None
    assert {a.mandate.instruments for a in config.swarm.agents.values()} == {("ACME",)}


def test_recorded_configuration_stays_the_same_when_recorded_again(tmp_path: Path) -> None:
    once, _ = as_recorded(config_of(lobster(tmp_path)))
    twice, _ = as_recorded(once)
    assert once.canonical() == twice.canonical()


def test_zip_without_a_book_is_read_too(tmp_path: Path) -> None:
    file = lobster(tmp_path)
    archive = tmp_path / "ACME_2012-06-21_x.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("ACME_2012-06-21_message_0.csv", gzip.decompress(file.read_bytes()))
    _, recorded = as_recorded(config_of(archive))
    assert len(recorded.day.rows) == 3


def test_bitstamp_log_is_known_by_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "bitstamp_btcusd_2015-05-01.log"
    file.write_text(BITSTAMP)
    config, recorded = as_recorded(config_of(file))
    assert config.scenario.session.calendar == "always"
    assert (recorded.instrument.symbol, recorded.instrument.tick_value_micros) == ("BTCUSD", 1)
    assert recorded.instrument.tick_micros == to_micros("0.01")
    assert recorded.day.rows[:, 5].tolist() == [15_000, 3_000]


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("ACME_2012-06-21_message.csv", b"hello\n", "the first line is not in"),
        ("ACME_2012-06-21_message.csv", b"1,1,1,1,1,1\n2,1,1\n", "message"),
        ("ACME_2012-06-21_message.csv.gz", b"\x1f\x8b\x08", "damaged or cut short"),
        ("ACME_2012-06-21_x.zip", b"PK\x03\x04cut", "archive is damaged"),
        ("acme.csv", b"34200.1,1,1,100,10000,1\n", "the name tells no date"),
        ("ACME_2012-06-21_message.csv", b"34200.1,1,1,100,10050,1\n", "no multiple of the tick"),
        ("x.log", b'1430438400100 order_created {"price": "1"}\n', "line 1"),
    ],
)
def test_file_that_is_no_recording_is_named_in_one_line(
    tmp_path: Path, name: str, content: bytes, found: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        as_recorded(config_of(file))
    text = str(caught.value)
    assert found in text
    assert name in text
    assert "\n" not in text


def test_missing_recording_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        config_of(tmp_path / "none.zip")


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("session.bands.tier=1", "session.bands"),
        ("replay.format=bitstamp", ""),
        ("session.date=2012-06-22", "session.date: the recording is of 2012-06-21"),
        ("session.dates=[2012-06-21, 2012-06-22]", "session.dates"),
        ('session.auctions=["closing"]', "session.auctions"),
        ("session.opens=10:00", "session.opens"),
        ("session.closes=15:00", "session.closes"),
        ("session.until=15:00", "session.until"),
        ("crowd=actors", "crowd: a recording stands instead"),
    ],
)
def test_what_a_recording_contradicts_is_refused(tmp_path: Path, setting: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        as_recorded(config_of(lobster(tmp_path), setting))
    assert key in str(caught.value)


def test_recording_may_be_given_its_own_date(tmp_path: Path) -> None:
    config, _ = as_recorded(config_of(lobster(tmp_path), "session.date=2012-06-21"))
    assert config.scenario.session.date == date(2012, 6, 21)


def test_mirror_mode_is_not_in_this_version(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"replay\.mode"):
        check_built(config_of(lobster(tmp_path), "replay.mode=mirror"))


def test_recording_counts_shares_one_by_one(tmp_path: Path) -> None:
    config = config_of(lobster(tmp_path))
    told = msgspec.structs.replace(config.scenario.instruments[0], lot=100)
    scenario = msgspec.structs.replace(config.scenario, instruments=(told,))
    with pytest.raises(ConfigError, match="LOBSTER counts shares"):
        as_recorded(msgspec.structs.replace(config, scenario=scenario))
