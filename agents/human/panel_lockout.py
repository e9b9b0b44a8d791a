"""Lock-out after wrong passwords: per person and address, so that nobody can lock out another."""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

K = TypeVar("K")

FREE_TRIES: Final = 5
_FIRST_NS: Final = 30_000_000_000
_LONGEST_NS: Final = 900_000_000_000
_ADDRESS_TRIES: Final = 30  # Of all names together, from one address.
_FORGOTTEN_NS: Final = 3_600_000_000_000
_MOST_KEPT: Final = 10_000


class Strikes(msgspec.Struct):
    """Wrong passwords in a row, and until when no other is looked at."""

    count: int = 0
    until_ns: int = 0
    last_ns: int = 0


class Lockout:
    """Counts wrong passwords; after five the wait is 30 s, and doubles up to 15 minutes.

    One pair of name and address never holds up the same person at another address, and one address
    that tries many names is held up for all of them.
    """

    def __init__(self, steady_ns: Callable[[], int]) -> None:
        self._steady_ns = steady_ns
        self._pairs: dict[tuple[str, str], Strikes] = {}
        self._addresses: dict[str, Strikes] = {}

    def wait_ns(self, name: str, address: str) -> int:
        """Return how long this person must wait here before the next try; 0: not at all."""
        now_ns = self._steady_ns()
        found = (self._pairs.get((name, address)), self._addresses.get(address))
        return max(0, *(strikes.until_ns - now_ns for strikes in found if strikes), 0)

    def failed(self, name: str, address: str) -> None:
        """Count a wrong password."""
        now_ns = self._steady_ns()
        self._forget(now_ns)
        pair = self._pairs.setdefault((name, address), Strikes())
        _strike(pair, now_ns, FREE_TRIES)
        _strike(self._addresses.setdefault(address, Strikes()), now_ns, _ADDRESS_TRIES)

    def succeeded(self, name: str, address: str) -> None:
        """Forget this pair, and take back what this try counted against its address."""
        self._pairs.pop((name, address), None)
        strikes = self._addresses.get(address)
        if strikes is not None and strikes.count:
            strikes.count -= 1

    def _forget(self, now_ns: int) -> None:
        if len(self._pairs) < _MOST_KEPT and len(self._addresses) < _MOST_KEPT:
            return
        self._pairs = _recent(self._pairs, now_ns)
        self._addresses = _recent(self._addresses, now_ns)


def _strike(strikes: Strikes, now_ns: int, free: int) -> None:
    if now_ns - strikes.last_ns > _FORGOTTEN_NS:
        strikes.count = 0
    strikes.count += 1
    strikes.last_ns = now_ns
    over = strikes.count - free
    if over >= 0:
        strikes.until_ns = now_ns + min(_FIRST_NS << min(over, 10), _LONGEST_NS)


def _recent(kept: dict[K, Strikes], now_ns: int) -> dict[K, Strikes]:
    return {
        key: strikes for key, strikes in kept.items() if strikes.last_ns > now_ns - _FORGOTTEN_NS
    }
