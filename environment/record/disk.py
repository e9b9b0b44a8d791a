"""A real folder as the disk of a journal, and what a durable record needs of a disk beyond that."""

import os
from pathlib import Path
from typing import Protocol

from environment.actors.ports import Disk, DiskFile
from environment.errors import OperatingError
from environment.record.files import explain, operating_errors, sync_folder, write_whole


class StateDisk(Disk, Protocol):
    """Where a process keeps what it must not lose."""

    def names(self) -> list[str]:
        """Return the names of all files, sorted."""

    def replace(self, name: str, data: bytes) -> None:
        """Write a whole file so that it survives a power loss, or not at all."""

    def cut(self, name: str, size: int) -> None:
        """Shorten a file to `size` bytes."""

    def sync_names(self) -> None:
        """Return when files created so far survive a power loss, their names included."""


class FolderFile:
    """A file of a real folder, open for appending."""

    def __init__(self, path: Path, mode: int = 0o644) -> None:
        self._path = path
        with operating_errors(path):
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            self._descriptor = os.open(path, flags, mode)

    def write(self, data: bytes | memoryview) -> None:
        """Append all of `data`; it survives a killed process."""
        try:
            written = os.write(self._descriptor, data)
            while written < len(data):
                written += os.write(self._descriptor, memoryview(data)[written:])
        except OSError as error:  # Not by a context manager: this is in the way of every order.
            raise OperatingError(explain(error, self._path)) from error

    def sync(self) -> None:
        """Return when all that was written survives a power loss."""
        with operating_errors(self._path):
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Give the file back."""
        with operating_errors(self._path):
            os.close(self._descriptor)


class FolderDisk:
    """Files of one real folder, by name; `mode` is that of files made here."""

    def __init__(self, folder: Path, mode: int = 0o644) -> None:
        self._folder = folder
        self._mode = mode

    def create(self, name: str) -> DiskFile:
        """Return a new, empty file."""
        return FolderFile(self._folder / name, self._mode)

    def read(self, name: str) -> bytes:
        """Return all of a file."""
        with operating_errors(self._folder / name):
            return (self._folder / name).read_bytes()

    def names(self) -> list[str]:
        """Return the names of all files, sorted; unfinished ones are not among them."""
        with operating_errors(self._folder):
            files = [path.name for path in self._folder.iterdir() if path.is_file()]
        return sorted(name for name in files if not name.startswith("."))

    def replace(self, name: str, data: bytes) -> None:
        """Write a whole file so that it survives a power loss, or not at all."""
        path = self._folder / name
        write_whole(path, data)
        with operating_errors(path):
            path.chmod(self._mode)

    def cut(self, name: str, size: int) -> None:
        """Shorten a file to `size` bytes, and sync it."""
        with operating_errors(self._folder / name), (self._folder / name).open("r+b") as file:
            file.truncate(size)
            os.fsync(file.fileno())

    def sync_names(self) -> None:
        """Return when files created so far survive a power loss, their names included."""
        with operating_errors(self._folder):
            sync_folder(self._folder)
