"""Passwords, looked at beside the event loop: two at once at most, and not endlessly often."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from agents.human.panel_lockout import Lockout
from agents.human.panel_ports import Surroundings
from agents.human.people import PeopleStore, Person

R = TypeVar("R")

_AT_ONCE: Final = 2  # A hash takes a core for about 100 ms: the desk needs the others.
_MOST_WAITING: Final = 20


class TooBusy(Exception):
    """So many passwords wait already that another would only make all of them late."""


class LockedOut(Exception):
    """Too many wrong passwords; `wait_s` is how long none is looked at."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"too many wrong passwords; wait {wait_s} s")
        self.wait_s = wait_s


class Passwords:
    """Checks passwords for sign-in and for single answers, under one lock-out."""

    def __init__(self, people: PeopleStore, around: Surroundings) -> None:
        self._people = people
        self._around = around
        self._lockout = Lockout(around.steady_ns)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="password")
        self._waiting = 0

    async def check(self, name: str, password: str, address: str) -> Person | None:
        """Return the person whose password this is, or None, which is counted.

        Raises
        ------
        LockedOut, TooBusy
            If it was not looked at.
        """
        self._refuse_if_locked(name, address)
        # Counted before it is looked at: else many tries sent at once would all be free.
        self._lockout.failed(name, address)
        person = await self._beside(lambda: self._people.check_password(name, password))
        if person is not None:
            self._lockout.succeeded(name, address)
        return person

    async def use_link(self, token: str, password: str, address: str) -> Person:
        """Return the person whose one-time link this is, now with a password.

        Raises
        ------
        PeopleRefusal
            If the link or the password cannot be taken.
        LockedOut, TooBusy
            If it was not looked at.
        """
        self._refuse_if_locked("", address)
        self._lockout.failed("", address)
        now_ns = self._around.wall_ns()
        person = await self._beside(lambda: self._people.use_link(token, password, now_ns))
        self._lockout.succeeded("", address)
        return person

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _refuse_if_locked(self, name: str, address: str) -> None:
        wait_ns = self._lockout.wait_ns(name, address)
        if wait_ns > 0:
            raise LockedOut(-(-wait_ns // 1_000_000_000))

    async def _beside(self, act: Callable[[], R]) -> R:
        if self._waiting >= _MOST_WAITING:
            raise TooBusy("too many passwords are being checked; try again in some seconds")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, act)
        finally:
            self._waiting -= 1
