"""From written to durable: a helper thread syncs, and how long that took is measured.

A write survives a killed process; only a sync survives a power loss. A sync starts at most 5 ms
after the write, or when the one before it ends; writes that come meanwhile share the next one. It
does not start earlier where nobody waits for it: each one slows the writes beside it.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

import msgspec

from environment.actors.live_clock import SystemTime
from environment.actors.ports import DiskFile
from environment.errors import OperatingError

_PATIENCE_NS: Final = 5_000_000
_STEPS: Final = 8  # Buckets in each doubling: a quantile is right within an eighth.


class TimeToDurable(msgspec.Struct, frozen=True, kw_only=True):
    """How long written records took to be synced, ns; quantiles within an eighth."""

    writes: int
    p50_ns: int
    p99_ns: int
    longest_ns: int


class Durations:
    """Counts durations by size."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._total = self._longest_ns = 0

    def add(self, duration_ns: int, count: int = 1) -> None:
        """Count one duration so many times."""
        bits = max(0, duration_ns.bit_length() - 4)
        key = bits * _STEPS * 2 + (duration_ns >> bits)
        self._counts[key] = self._counts.get(key, 0) + count
        self._total += count
        self._longest_ns = max(self._longest_ns, duration_ns)

    def quantile_ns(self, share: float) -> int:
        """Return a duration that so large a share did not exceed by more than its bucket."""
        left = share * self._total
        for key in sorted(self._counts):
            left -= self._counts[key]
            if left <= 0:
                bits, top = divmod(key, _STEPS * 2)
                return top << bits
        return 0

    def summary(self) -> TimeToDurable:
        """Return what was counted."""
        return TimeToDurable(
            writes=self._total,
            p50_ns=self.quantile_ns(0.5),
            p99_ns=self.quantile_ns(0.99),
            longest_ns=self._longest_ns,
        )


class Syncer(Protocol):
    """What makes written records durable."""

    def open(self, file: DiskFile, position: int) -> None:
        """Take a new file in hand; `position` is how much was written before it."""

    def switch(self, file: DiskFile, position: int, work: Callable[[], None]) -> None:
        """Go on with another file: what is written from `position` on goes there.

        Once the file before is durable it is given back, `work` is done, and only then does
        anything in the new one count as durable. Nobody waits for any of it here.
        """

    def is_switching(self) -> bool:
        """Return whether a switch is under way; there is one at a time."""

    def written(self, position: int) -> None:
        """Take note that so much is written."""

    def synced(self) -> int:
        """Return how much is durable.

        Raises
        ------
        OperatingError
            If a sync failed: what is on the disk is unknown then, and nothing may go on.
        """

    def finish(self) -> None:
        """Return when all that was written is durable, and give the file back."""

    def statistics(self) -> TimeToDurable:
        """Return how long it took."""


class Switch(NamedTuple):
    """Another file to go on with, from a position; and what is done in between."""

    file: DiskFile
    position: int
    work: Callable[[], None]


class SyncEach:
    """Syncs in the writer itself, after every so many writes: for simulated disks."""

    def __init__(self, every: int = 1) -> None:
        self._every = every
        self._writes = self._written = self._synced = 0
        self._file: DiskFile | None = None
        self._switch: Switch | None = None

    def open(self, file: DiskFile, position: int) -> None:
        """Take a new file in hand."""
        self._file, self._written = file, position

    def switch(self, file: DiskFile, position: int, work: Callable[[], None]) -> None:
        """Go on with another file: with the next sync."""
        self._switch = Switch(file, position, work)

    def is_switching(self) -> bool:
        """Return whether that sync is still to come."""
        return self._switch is not None

    def written(self, position: int) -> None:
        """Sync, if it is time."""
        self._written = position
        self._writes += 1
        if self._writes % self._every == 0:
            self._sync()

    def _sync(self) -> None:
        assert self._file is not None, "a file is opened before it is written"
        self._file.sync()
        if self._switch is not None:
            switch, self._switch = self._switch, None
            self._file.close()
            self._synced = switch.position
            switch.work()
            self._file = switch.file
            self._file.sync()
        self._synced = self._written

    def synced(self) -> int:
        """Return how much is durable."""
        return self._synced

    def finish(self) -> None:
        """Sync, and close the file."""
        if self._file is not None:
            self._sync()
            self._file.close()
            self._file = None

    def statistics(self) -> TimeToDurable:
        """Return nothing: simulated time does not pass in a sync."""
        return Durations().summary()


class ThreadSyncer:
    """Syncs in a thread of its own; `on_synced` is called there after each sync.

    `patience_ns` is how long a write may wait for others to share its sync: 0 where orders wait
    for it (`durability = "sync"`).
    """

    def __init__(
        self, *, patience_ns: int = _PATIENCE_NS, on_synced: Callable[[], None] | None = None
    ) -> None:
        self.on_synced = on_synced
        self._patience_ns = patience_ns
        self._steady_ns = SystemTime().steady_ns
        self._durations = Durations()
        self._file: DiskFile | None = None
        self._written: deque[tuple[int, int]] = deque()  # (position, when), oldest first.
        self._switch: Switch | None = None
        self._synced = 0
        self._failure: OperatingError | None = None
        self._arrived = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, file: DiskFile, position: int) -> None:
        """Take a new file in hand."""
        self._file, self._synced = file, max(self._synced, position)
        self._closing.clear()
        self._thread = threading.Thread(target=self._run, name="sync", daemon=True)
        self._thread.start()

    def switch(self, file: DiskFile, position: int, work: Callable[[], None]) -> None:
        """Go on with another file, in the thread."""
        assert self._switch is None, "one switch at a time"
        self._switch = Switch(file, position, work)

    def is_switching(self) -> bool:
        """Return whether the file before is not given back yet."""
        return self._switch is not None

    def written(self, position: int) -> None:
        """Take note that so much is written; one append and, when it sleeps, one wake-up."""
        self._written.append((position, self._steady_ns()))
        if not self._arrived.is_set():
            self._arrived.set()

    def synced(self) -> int:
        """Return how much is durable."""
        if self._failure is not None:
            raise self._failure
        return self._synced

    def finish(self) -> None:
        """Return when all that was written is durable, and give the file back."""
        if self._thread is None or self._file is None:
            return
        self._closing.set()
        self._arrived.set()
        self._thread.join()
        self._thread = None
        if self._failure is None:
            self._file.close()
        self._file = None
        self.synced()

    def statistics(self) -> TimeToDurable:
        """Return how long it took."""
        return self._durations.summary()

    def _run(self) -> None:
        while not (self._closing.is_set() and not self._written):
            if not self._written:
                self._arrived.wait()
                self._arrived.clear()
                continue
            self._share()
            try:
                self._sync()
            except OperatingError as failure:
                self._failure = failure
                self._written.clear()
            if self.on_synced is not None:
                self.on_synced()

    def _share(self) -> None:
        """Wait for others that may share the next sync; nobody waits longer than the patience."""
        if self._patience_ns and not self._closing.is_set():
            left_ns = self._written[0][1] + self._patience_ns - self._steady_ns()
            if left_ns > 0:
                self._closing.wait(left_ns / 1e9)

    def _sync(self) -> None:
        assert self._file is not None, "a file is opened before it is written"
        written, count = self._written, len(self._written)
        # Read after the count: what was counted before a switch was set is in the file before it.
        switch = self._switch
        due: list[tuple[int, int]] = []
        while len(due) < count and (switch is None or written[0][0] <= switch.position):
            due.append(written.popleft())
        if due:
            self._file.sync()
            now_ns = self._steady_ns()
            for _, since_ns in due:
                self._durations.add(now_ns - since_ns)
            self._synced = due[-1][0]
        if switch is not None:
            self._file.close()
            switch.work()
            self._file, self._switch = switch.file, None
