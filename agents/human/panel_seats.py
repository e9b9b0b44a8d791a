"""Who sits at the panel now: one seat an open socket, each with what waits to be sent to it."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

MOST_WAITING: Final = 2_000  # Frames; a page that falls behind so far is closed, and comes back.


class Seat:
    """One open page. What is put here is sent in order; of a kind with a key only the newest."""

    def __init__(self, sign_in_id: str, person: str) -> None:
        self.sign_in_id = sign_in_id
        self.person = person
        self.closing: tuple[int, str] | None = None  # Code and reason, once it must go.
        self._waiting: deque[bytes] = deque()
        self._newest: dict[str, bytes] = {}
        self._ready = asyncio.Event()

    def put(self, frame: bytes) -> None:
        """Send a frame after those before it."""
        if len(self._waiting) >= MOST_WAITING:
            self.close(4408, "too slow")
            return
        self._waiting.append(frame)
        self._ready.set()

    def put_newest(self, key: str, frame: bytes) -> None:
        """Send a frame that takes the place of one with the same key, if that still waits."""
        self._newest[key] = frame
        self._ready.set()

    def close(self, code: int, reason: str) -> None:
        """Let the socket end, now."""
        self.closing = self.closing or (code, reason)
        self._ready.set()

    async def take(self) -> list[bytes]:
        """Return what waits, as soon as anything does; nothing when the seat closes."""
        await self._ready.wait()
        self._ready.clear()
        if self.closing is not None:
            return []
        frames = [*self._waiting, *self._newest.values()]
        self._waiting.clear()
        self._newest.clear()
        return frames


class Seats:
    """All open pages."""

    def __init__(self) -> None:
        self._seats: set[Seat] = set()

    def __iter__(self) -> Iterator[Seat]:
        return iter(tuple(self._seats))

    def __len__(self) -> int:
        return len(self._seats)

    def add(self, seat: Seat) -> None:
        """Take a page in."""
        self._seats.add(seat)

    def remove(self, seat: Seat) -> None:
        """Let a page go."""
        self._seats.discard(seat)

    def of(self, sign_in_id: str) -> Iterable[Seat]:
        """Return the pages of one sign-in: a person may have it open in two tabs."""
        return [seat for seat in self._seats if seat.sign_in_id == sign_in_id]

    def tell(self, frame: bytes) -> None:
        """Send a frame to every page."""
        for seat in self:
            seat.put(frame)

    def tell_newest(self, key: str, frame: bytes) -> None:
        """Send every page a frame that takes the place of one with the same key."""
        for seat in self:
            seat.put_newest(key, frame)
