"""Recorded files, plain or compressed: one way to open them and one way to refuse them."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from environment.errors import ConfigError

_OPENERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
    ".bz2": bz2.decompress,
}


class FeedError(ConfigError):
    """A file cannot be used. The text is one line: file, place, what was found, what to do."""

    def __init__(self, path: Path | str, found: str, mend: str) -> None:
        super().__init__(f"{path}: {found}; {mend}")
        self.path, self.found, self.mend = str(path), found, mend


def read_bytes(path: Path) -> bytes:
    """Return the whole content of a file, decompressed by its last suffix.

    Raises
    ------
    FeedError
        If the file is missing, unreadable, or its compressed stream is damaged or cut short.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FeedError(path, f"cannot be read ({reason})", "check the path") from error
    opener = _OPENERS.get(path.suffix)
    if opener is None:
        return raw
    try:
        return opener(raw)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        found = f"the {path.suffix[1:]} stream is damaged or cut short"
        raise FeedError(path, found, "fetch the file again") from error


def read_member(path: Path, part: str) -> bytes | None:
    """Return the one member of a zip file whose name contains `part`, or None without one.

    Raises
    ------
    FeedError
        If the archive is damaged, or two members match.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if part in name]
            if len(names) > 1:
                found = f"{len(names)} members are named like '{part}'"
                raise FeedError(path, found, "keep one recording per archive")
            return archive.read(names[0]) if names else None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise FeedError(path, f"cannot be read ({reason})", "check the path") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FeedError(path, "the zip archive is damaged", "fetch the file again") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; one named `.gz` is compressed, without a time stamp."""
    if path.suffix == ".gz":
        content = gzip.compress(content, compresslevel=9, mtime=0)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)
