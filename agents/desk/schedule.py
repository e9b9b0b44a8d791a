"""When the slices of a parent order are due: by time, by expected volume."""

from typing import Final

import msgspec

# Expected volume at a share u of the day: 1 + _U * (2u - 1)**2. With 2 the first and the last half
# hour trade between two and three times what the middle ones do.
_U: Final = 2.0


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Continuous trading of the day, in ns since 1970."""

    open_ns: int
    close_ns: int


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A parent order's time: from its approval to the moment by which it is to be done."""

    begin_ns: int
    end_ns: int

    def share(self, now_ns: int) -> float:
        """Return how much of it has passed, 0 to 1."""
        if now_ns >= self.end_ns:
            return 1.0
        return max(now_ns - self.begin_ns, 0) / (self.end_ns - self.begin_ns)


def twap_due(quantity: int, window: Window, now_ns: int, slices: int) -> int:
    """Return the lots that equal slices of time have made due by now, the first one at once."""
    begun = min(int(window.share(now_ns) * slices) + 1, slices)
    return quantity * begun // slices


def vwap_due(quantity: int, window: Window, now_ns: int, slices: int, session: Session) -> int:
    """Return the lots due by now when each slice trades as the market is expected to.

    The volume of a day is taken to be U-shaped (see `_U`); slices are equal in time, and what is
    due at the end of each is due at its beginning, so that it can rest.
    """
    length_ns = window.end_ns - window.begin_ns
    begun = min(int(window.share(now_ns) * slices) + 1, slices)
    until_ns = window.begin_ns + length_ns * begun // slices
    first, last = (_traded(t, session) for t in (window.begin_ns, window.end_ns))
    if last <= first:
        return twap_due(quantity, window, now_ns, slices)  # Outside the session.
    share = (_traded(until_ns, session) - first) / (last - first)
    return quantity if begun == slices else min(int(quantity * share), quantity)


def _traded(at_ns: int, session: Session) -> float:
    """Return the expected share of the day's volume by a moment."""
    length = session.close_ns - session.open_ns
    passed = min(max((at_ns - session.open_ns) / length, 0.0), 1.0)
    x = 2.0 * passed - 1.0
    return 0.5 * (x + 1.0 + _U * (x**3 + 1.0) / 3.0) / (1.0 + _U / 3.0)
