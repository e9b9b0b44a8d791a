"""A real folder as the disk of a journal."""

import os
from pathlib import Path

from environment.record.files import operating_errors


class FolderFile:
    """A file of a real folder, open for appending."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with operating_errors(path):
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)

    def write(self, data: bytes | memoryview) -> None:
        """Append all of `data`; it survives a killed process."""
        with operating_errors(self._path):
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]

    def sync(self) -> None:
        """Return when all that was written survives a power loss."""
        with operating_errors(self._path):
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Give the file back."""
        with operating_errors(self._path):
            os.close(self._descriptor)


class FolderDisk:
    """Files of one real folder, by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, name: str) -> FolderFile:
        """Return a new, empty file."""
        return FolderFile(self._folder / name)

    def read(self, name: str) -> bytes:
        """Return all of a file."""
        with operating_errors(self._folder / name):
            return (self._folder / name).read_bytes()
