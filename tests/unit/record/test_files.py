"""A file is whole or not there; a folder looks whole only when it is."""

import errno
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from environment.errors import OperatingError
from environment.record.files import RunFolder, whole_file, write_whole


def refuse(code: int) -> None:
    raise OSError(code, os.strerror(code))


def write_and_fail(file: BinaryIO) -> None:
    file.write(b"sec")
    raise ValueError("boom")


def test_a_write_replaces_the_whole_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_whole(path, b"first")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_inside_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_whole(path, b"first")
    with pytest.raises(ValueError, match="boom"), whole_file(path) as file:
        write_and_fail(file)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "no space left on device; free some space"),
        (errno.EROFS, "read-only file system; the disk is read-only"),
        (errno.EIO, "input/output error; check the folder"),
    ],
)
def test_a_disk_that_refuses_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: refuse(code))
    with pytest.raises(OperatingError) as caught:
        write_whole(tmp_path / "a", b"x")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_whole_only_with_its_manifest(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "one")
    folder.write("summary.json", b"{}")
    assert not RunFolder.is_whole(folder.path)
    folder.finish(b"{}")
    assert RunFolder.is_whole(folder.path)


def test_a_run_in_an_old_place_stops_looking_whole_at_once(tmp_path: Path) -> None:
    RunFolder(tmp_path).finish(b"{}")
    (tmp_path / ".trades.parquet.part").write_bytes(b"left over")
    RunFolder(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_below_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatingError, match="part of this path is a file"):
        RunFolder(tmp_path / "file" / "run")
