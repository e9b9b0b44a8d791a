"""A disk in memory that fails as disks do: it forgets what was not synced, tears, fills up, dies.

For simulated crashes: `crash` returns the disk that the next process finds. What was synced is on
it whole; of what was only written a killed process leaves all, a power loss leaves a part.
"""

from typing import Literal

from environment.draws import Stream, stream_key
from environment.errors import OperatingError

Loss = Literal["kill", "power"]


class Crash(BaseException):
    """The process ends here. No handler and no supervisor catches it."""


class FaultyFile:
    """A file open for appending."""

    def __init__(self, disk: "FaultyDisk", name: str) -> None:
        self._disk = disk
        self._name = name
        self.data = bytearray()
        self.synced = 0

    def write(self, data: bytes | memoryview) -> None:
        """Append, unless the disk is full or the process ends here."""
        self._disk.count("write", self, data)
        self.data += data

    def sync(self) -> None:
        """Let what was written survive a power loss."""
        self._disk.count("sync", self, b"")
        self.synced = len(self.data)

    def close(self) -> None:
        """Keep the content."""


class FaultyDisk:
    """Files by name; `cut_at` is the number of the operation in whose midst the process ends."""

    def __init__(self, seed: int = 0, *, cut_at: int | None = None) -> None:
        self.files: dict[str, FaultyFile] = {}
        self.operations = 0
        self.bytes_left: int | None = None  # None: never full.
        self.syncs_left: int | None = None  # None: syncs never fail.
        self._cut_at = cut_at
        self._rng = Stream(stream_key(seed, "disk"))

    def count(self, kind: str, file: FaultyFile, data: bytes | memoryview) -> None:
        """Count an operation; fail in it where it is time to."""
        self.operations += 1
        if self._cut_at is not None and self.operations == self._cut_at:
            # Before, in the midst of, or just after the write: all three happen.
            file.data += data[: self._rng.integer(0, len(data) + 1)]
            if kind == "sync" and self._rng.uniform() < 0.5:
                file.synced = len(file.data)
            raise Crash
        if self.syncs_left is not None and kind == "sync":
            self.syncs_left -= 1
            if self.syncs_left < 0:
                raise OperatingError("The simulated disk cannot sync; what is on it is unknown.")
        if self.bytes_left is not None:
            if len(data) > self.bytes_left:
                file.data += data[: self.bytes_left]
                self.bytes_left = 0
                raise OperatingError("The simulated disk is full; free some space.")
            self.bytes_left -= len(data)

    def crash(self, loss: Loss, *, cut_at: int | None = None, seed: int = 0) -> "FaultyDisk":
        """Return the disk as the next process finds it, which ends in its turn at `cut_at`."""
        after = FaultyDisk(seed, cut_at=cut_at)
        for name, file in self.files.items():
            kept = len(file.data)
            if loss == "power":
                kept = self._rng.integer(file.synced, len(file.data) + 1)
            left = after.files[name] = FaultyFile(after, name)
            left.data = bytearray(file.data[:kept])
            left.synced = len(left.data)
        return after

    # --- as a StateDisk ---------------------------------------------------------------------------

    def create(self, name: str) -> FaultyFile:
        """Return a new, empty file."""
        self.files[name] = FaultyFile(self, name)
        return self.files[name]

    def read(self, name: str) -> bytes:
        """Return all of a file."""
        if name not in self.files:
            raise OperatingError(f"The simulated disk holds no file {name!r}.")
        return bytes(self.files[name].data)

    def names(self) -> list[str]:
        """Return the names of all files, sorted."""
        return sorted(self.files)

    def replace(self, name: str, data: bytes) -> None:
        """Write a whole file, or not at all."""
        whole = FaultyFile(self, name)
        self.count("replace", FaultyFile(self, name), data)
        whole.data, whole.synced = bytearray(data), len(data)
        self.files[name] = whole

    def cut(self, name: str, size: int) -> None:
        """Shorten a file."""
        self.count("cut", FaultyFile(self, name), b"")
        del self.files[name].data[size:]
        self.files[name].synced = size

    def sync_names(self) -> None:
        """Names are kept as soon as they are made."""
