"""A manifest holds every condition of a run, and two of them say what differs."""

from pathlib import Path

import msgspec
import pytest

from environment.record.manifest import (
    compare,
    cpu_model,
    decode,
    encode,
    make_manifest,
    source_sha256,
)


def test_a_manifest_survives_its_file(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text("1,2")
    data = {"data/bars.csv": tmp_path / "bars.csv"}
    manifest = make_manifest(scenario="s", seed=3, configuration=b"{}", data_files=data)
    assert decode(encode(manifest)) == manifest
    assert {"python", "numba", "numpy", "llvmlite", "outcry"} <= set(manifest.versions)
    assert manifest.cpu


def test_equal_conditions_have_no_difference() -> None:
    first = make_manifest(scenario="s", seed=3, configuration=b"{}", journal_sha256="a")
    second = make_manifest(scenario="s", seed=3, configuration=b"{}", journal_sha256="b")
    assert compare(first, second) == ()


def test_a_difference_names_itself() -> None:
    first = make_manifest(scenario="s", seed=3, configuration=b"{}")
    versions = {**first.versions, "numba": "0.1"}
    second = msgspec.structs.replace(first, versions=versions, data_sha256={"x": "ab"}, seed=4)
    said = [str(one) for one in compare(first, second)]
    assert said == [
        "seed: recorded with 3, now 4",
        f"version of numba: recorded with {first.versions['numba']}, now 0.1",
        "data file x: recorded with absent, now ab",
    ]


def test_the_processor_is_read_from_its_own_name(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nmodel name\t: Some CPU @ 2 GHz\n")
    assert cpu_model(info) == "Some CPU @ 2 GHz"
    assert cpu_model(tmp_path / "none")


def test_the_source_digest_follows_content_and_names(tmp_path: Path) -> None:
    (tmp_path / "environment").mkdir()
    file = tmp_path / "environment" / "a.py"
    file.write_text("x = 1\n")
    first = source_sha256(tmp_path)
    file.write_text("x = 2\n")
    second = source_sha256(tmp_path)
    file.rename(file.with_name("b.py"))
    assert len({first, second, source_sha256(tmp_path)}) == 3


def test_a_manifest_of_another_shape_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(b'{"scenario": 5}')
