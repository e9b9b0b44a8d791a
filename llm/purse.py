"""What all agents of a run together may spend, and all runs of a day on this machine.

Agents keep their own budgets; this is the last stop before money leaves. It counts in the order in
which calls are made on the wall, so that a run which reaches it may end otherwise the next time:
its journal holds what happened, and replays.
"""

import fcntl
import json
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec


class RunBudget(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a run, and of a UTC day over all runs; millionths of a dollar."""

    tokens_per_run: int = 1 << 62
    usd_micros_per_run: int = 1 << 62
    usd_micros_per_day: int = 1 << 62


class Purse:
    """Reserves before a call and settles after it, from any thread.

    Parameters
    ----------
    day_file
        Where the day's sum over all runs is kept, or None: then only this run counts.
    today
        Returns the UTC day as text.
    """

    def __init__(
        self, budget: RunBudget, day_file: Path | None = None, today: Callable[[], str] = str
    ) -> None:
        self._budget, self._file, self._today = budget, day_file, today
        self._lock = threading.Lock()
        self.tokens = self.usd_micros = 0

    def reserve(self, tokens: int, usd_micros: int) -> str:
        """Take the most a call can cost; return "", or why it may not be made."""
        budget = self._budget
        with self._lock:
            if self.tokens + tokens > budget.tokens_per_run:
                return "budget: tokens_per_run is used up"
            if self.usd_micros + usd_micros > budget.usd_micros_per_run:
                return "budget: usd_per_run is used up"
            if usd_micros and not self._add_to_day(usd_micros, budget.usd_micros_per_day):
                return "budget: usd_per_day of all runs is used up"
            self.tokens += tokens
            self.usd_micros += usd_micros
            return ""

    def settle(self, reserved: tuple[int, int], spent: tuple[int, int]) -> None:
        """Put what a call did cost, (tokens, millionths), in the place of what was reserved."""
        with self._lock:
            self.tokens += spent[0] - reserved[0]
            change = spent[1] - reserved[1]
            self.usd_micros += change
            if change:
                self._add_to_day(change, 1 << 62)

    def _add_to_day(self, usd_micros: int, limit: int) -> bool:
        """Add to the day's sum in its file; changes nothing and returns False above the limit."""
        if self._file is None:
            return self.usd_micros + usd_micros <= limit
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._file.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            sums = _read_sums(file.read())
            if sums is None:
                return False  # What was spent is not known: nothing more is.
            day = self._today()
            total = sums.get(day, 0) + usd_micros
            if total > limit:
                return False
            file.seek(0)
            file.truncate()
            json.dump({**sums, day: total}, file, indent=1)
        return True


def spent_on(day_file: Path, day: str) -> int | None:
    """Return what all runs spent on a day, in millionths, or None where the file is damaged."""
    try:
        sums = _read_sums(day_file.read_text("utf-8"))
    except FileNotFoundError:
        return 0
    except (OSError, UnicodeDecodeError):
        return None
    return None if sums is None else sums.get(day, 0)


def _read_sums(text: str) -> dict[str, int] | None:
    """Return the sums by day, or None where the file is damaged."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, int])
    except msgspec.MsgspecError:
        return None
