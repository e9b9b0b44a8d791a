"""Files that are either whole or not there, and a run folder that looks whole only when it is.

A file is written under a temporary name, synced, and renamed. A run folder is whole once its
`manifest.json` is there, which is written last and taken away first when a run starts over.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from environment.errors import OperatingError

MANIFEST = "manifest.json"
_MENDS = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of the quota",
    errno.EFBIG: "raise the file-size limit (ulimit -f)",
    errno.EACCES: "make the folder writable",
    errno.EPERM: "make the folder writable",
    errno.EROFS: "the disk is read-only: make it writable",
    errno.ENOTDIR: "a part of this path is a file: move it away",
    errno.EEXIST: "a file is in the way: move it away",
    errno.EISDIR: "a folder is in the way: move it away",
}
_ELSEWHERE = "or choose another folder (--out of a run, XDG_STATE_HOME of a desk)"


def explain(error: OSError, path: Path) -> str:
    """Return one line that names the path, the cause and what to do about it."""
    # Libraries put their own sentences around the system's; its own word is enough.
    cause = os.strerror(error.errno).lower() if error.errno else str(error)
    mend = _MENDS.get(error.errno or 0, "check the folder")
    return f"cannot write {path}: {cause}; {mend}, {_ELSEWHERE}"


@contextmanager
def operating_errors(path: Path) -> Iterator[None]:
    """Turn every OSError within into an OperatingError about `path`."""
    try:
        yield
    except OSError as error:
        raise OperatingError(explain(error, path)) from error


def temporary_name(path: Path) -> Path:
    """Return the name under which `path` is written until it is whole."""
    return path.with_name(f".{path.name}.part")


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that appears under `path` only when the block ends without an error.

    Raises
    ------
    OperatingError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    part = temporary_name(path)
    with operating_errors(path):
        try:
            with part.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            sync_folder(path.parent)
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`: afterwards all of it is there, or what was there before."""
    with whole_file(path) as file:
        file.write(content)


def publish(part: Path, path: Path) -> None:
    """Sync a finished temporary file and give it its name."""
    with operating_errors(path):
        descriptor = os.open(part, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        part.replace(path)
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames within `folder` survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class RunFolder:
    """The folder of one run: opened before the first event, closed by its manifest."""

    def __init__(self, path: Path) -> None:
        """Make the folder and prove that it can be written, so that no run is lost at its end."""
        self.path = path
        with operating_errors(path):
            path.mkdir(parents=True, exist_ok=True)
            # An older run in the same place stops looking whole before it is overwritten.
            (path / MANIFEST).unlink(missing_ok=True)
            for left_over in path.glob(".*.part"):
                left_over.unlink()
            probe = temporary_name(path / "probe")
            probe.write_bytes(b"\0")
            probe.unlink()

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def write(self, name: str, content: bytes) -> Path:
        """Write one whole file into the folder."""
        path = self.path / name
        write_whole(path, content)
        return path

    def finish(self, manifest: bytes) -> None:
        """Write the manifest: from here on the folder is whole."""
        write_whole(self.path / MANIFEST, manifest)

    @staticmethod
    def is_whole(path: Path) -> bool:
        """Say whether a run in `path` came to its end."""
        return (path / MANIFEST).is_file()
