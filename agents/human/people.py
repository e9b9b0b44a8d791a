"""Who may sign in: names, roles and passwords, in one file that nobody else can read.

A password is kept as an argon2id hash, a one-time link as the SHA-256 of its token. Every change is
made under a lock and replaces the file whole, so that the command line and a running panel can
both write. Time and random tokens come from outside, as everywhere in this package.
"""

import fcntl
import hashlib
import hmac
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import argon2
import msgspec

from environment.errors import ConfigError

Role = Literal["viewer", "trader", "approver", "admin"]
ROLES: Final[tuple[Role, ...]] = ("viewer", "trader", "approver", "admin")
LINK_LIFE_NS: Final = 10 * 60 * 1_000_000_000
SHORTEST_PASSWORD: Final = 10
LONGEST_PASSWORD: Final = 1_000  # Hashing is made slow on purpose; its input must have an end.
PEOPLE_FILE: Final = "people.json"

_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,31}")
# Each rung may do all that those before it may; `admin` stands beside the ladder.
_LADDER: Final[tuple[Role, ...]] = ("viewer", "trader", "approver")
_FORMAT: Final = 1


class PeopleRefusal(Exception):
    """The store says no: a name, role, password or link that cannot be taken."""


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person. Without a password hash only a one-time link lets this person in."""

    name: str
    roles: tuple[Role, ...]
    password_hash: str = ""
    is_disabled: bool = False
    link_sha256: str = ""
    link_expires_ns: int = 0
    generation: int = 1  # Rises with each change: a sign-in made before it is void.

    def may(self, role: Role) -> bool:
        """Return whether this person may do what a role may; a disabled one nothing."""
        if self.is_disabled:
            return False
        if role == "admin":
            return "admin" in self.roles
        rungs = [_LADDER.index(held) for held in self.roles if held in _LADDER]
        return bool(rungs) and max(rungs) >= _LADDER.index(role)


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file as a whole."""

    format: Literal[1] = _FORMAT
    people: dict[str, Person] = {}


class PeopleStore:
    """The people of one desk.

    Parameters
    ----------
    file
        Where they stand; made with mode 0600 at the first change.
    draw_token
        Returns an unguessable text, fit for a URL, for a one-time link.
    hasher
        argon2id with the library's parameters (RFC 9106, low memory) unless a test asks for less.
    """

    def __init__(
        self, file: Path, draw_token: Callable[[], str],
        hasher: argon2.PasswordHasher | None = None,
    ) -> None:  # fmt: skip
        self._file = file
        self._draw_token = draw_token
        self._hasher = hasher if hasher is not None else argon2.PasswordHasher()
        self._nobody = ""  # A hash that no password has; made when first needed.

    # --- looking -----------------------------------------------------------------------------

    def people(self) -> tuple[Person, ...]:
        """Return everybody, by name.

        Raises
        ------
        ConfigError
            If the file can be read by others, or is not what this store writes.
        """
        return tuple(person for _, person in sorted(self._read().items()))

    def find(self, name: str) -> Person | None:
        """Return the person of a name as the file has it now, or None."""
        return self._read().get(name)

    def check_password(self, name: str, password: str) -> Person | None:
        """Return the person whose password this is, or None. Takes about 100 ms, by design.

        An unknown name costs the same time as a known one, so that names cannot be found out.
        """
        person = self.find(name)
        known = person is not None and person.password_hash and not person.is_disabled
        expected = person.password_hash if person is not None and known else self._decoy()
        try:
            self._hasher.verify(expected, password[:LONGEST_PASSWORD])
        except argon2.exceptions.VerifyMismatchError:
            return None
        except argon2.exceptions.InvalidHashError as error:
            raise ConfigError(
                f"{self._file}: the password of {name} is no argon2id hash; make a new link"
            ) from error
        return person if known else None

    # --- changing ------------------------------------------------------------------------------

    def add(self, name: str, roles: Iterable[Role], password: str = "") -> Person:
        """Return a new person; without a password a link must let this person in first.

        Raises
        ------
        PeopleRefusal
            If the name is taken or no name, or a role or the password cannot be.
        """
        given = tuple(role for role in ROLES if role in set(roles))
        if not _NAME.fullmatch(name):
            raise PeopleRefusal(
                f"{name!r} is no name; use a lower-case word such as ana, of at most 32 characters"
            )
        if not given:
            raise PeopleRefusal(f"{name} needs a role: {', '.join(ROLES)}")
        hashed = self._hashed(password) if password else ""
        with self._changing() as people:
            if name in people:
                raise PeopleRefusal(f"{name} is there already; choose another name, or disable it")
            person = people[name] = Person(name=name, roles=given, password_hash=hashed)
        return person

    def disable(self, name: str) -> Person:
        """Return the person, who from now on may not even sign in."""
        return self._change(name, is_disabled=True, link_sha256="", link_expires_ns=0)

    def make_link(self, name: str, now_ns: int) -> str:
        """Return the token of a link that lets this person choose a password, once, for 10 minutes.

        A link that was made before is void. The token is kept nowhere: only its hash is.
        """
        token = self._draw_token()
        self._change(name, link_sha256=_digest(token), link_expires_ns=now_ns + LINK_LIFE_NS)
        return token

    def owner_of_link(self, token: str, now_ns: int) -> Person | None:
        """Return whom a link would let in now; the link is not used up."""
        return _owner_of_link(self._read(), token, now_ns)

    def use_link(self, token: str, password: str, now_ns: int) -> Person:
        """Use a link up, with the password that its person chose.

        Raises
        ------
        PeopleRefusal
            If the link is unknown, used or older than 10 minutes, or the password is too short.
        """
        hashed = self._hashed(password)  # Before the lock, which should be held shortly.
        with self._changing() as people:
            person = _owner_of_link(people, token, now_ns)
            if person is None:
                raise PeopleRefusal(
                    "this link was used or is too old; ask for another: outcry panel user link NAME"
                )
            person = people[person.name] = msgspec.structs.replace(
                person, password_hash=hashed, link_sha256="", link_expires_ns=0,
                generation=person.generation + 1,
            )  # fmt: skip
        return person

    def set_password(self, name: str, password: str) -> Person:
        """Return the person with a new password; sign-ins made before are void."""
        return self._change(name, password_hash=self._hashed(password))

    # --- the file ------------------------------------------------------------------------------

    def _change(self, name: str, **changes: object) -> Person:
        with self._changing() as people:
            person = people.get(name)
            if person is None:
                known = ", ".join(sorted(people)) or "nobody yet"
                raise PeopleRefusal(f"nobody is called {name}; known: {known}")
            person = people[name] = msgspec.structs.replace(
                person, **changes, generation=person.generation + 1
            )
        return person

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Person]]:
        """Read the file under its lock; what the block leaves is written whole."""
        lock = os.open(self._file.with_name(f".{self._file.name}.lock"), _OPEN, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            people = self._read()
            yield people
            self._write(people)
        finally:
            os.close(lock)  # The lock goes with it.

    def _read(self) -> dict[str, Person]:
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return {}
        with os.fdopen(descriptor, "rb") as file:
            state = os.fstat(descriptor)
            if state.st_uid != os.getuid() or stat.S_IMODE(state.st_mode) & 0o077:
                raise ConfigError(
                    f"{self._file}: others can read or change it (mode "
                    f"{stat.S_IMODE(state.st_mode):04o}); chmod 600 it, and look who did"
                )
            content = file.read()
        try:
            return msgspec.json.decode(content, type=_File).people
        except msgspec.MsgspecError as error:
            raise ConfigError(
                f"{self._file}: is not a people file: {error}; put back a copy, or remove it"
            ) from error

    def _write(self, people: dict[str, Person]) -> None:
        content = msgspec.json.format(msgspec.json.encode(_File(people=people)), indent=1)
        part = self._file.with_name(f".{self._file.name}.part")
        part.unlink(missing_ok=True)  # Of a process that died here; its mode could be another.
        with os.fdopen(os.open(part, _OPEN | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._file)

    def _hashed(self, password: str) -> str:
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise PeopleRefusal(
                f"a password needs {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, "
                f"this one has {len(password)}"
            )
        return self._hasher.hash(password)

    def _decoy(self) -> str:
        if not self._nobody:
            self._nobody = self._hasher.hash(self._draw_token())
        return self._nobody


_OPEN: Final = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


def _digest(token: str) -> str:
    """Return how a token is kept: it is long and drawn, so that a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def _owner_of_link(people: dict[str, Person], token: str, now_ns: int) -> Person | None:
    wanted = _digest(token)
    for person in people.values():
        is_match = hmac.compare_digest(person.link_sha256, wanted)
        if is_match and not person.is_disabled and now_ns < person.link_expires_ns:
            return person
    return None
