"""Sign-ins: a token in the browser that only names a record here; every message is checked here.

What a person may do never stands in the token: it is looked up in the people store each time, so
one who is disabled, logged out or given another role is that at once.
"""

import base64
import hmac
from typing import Final

import jwt
import msgspec

from agents.human.panel_ports import Surroundings
from agents.human.people import PeopleStore, Person
from environment.errors import ConfigError

ALGORITHM: Final = "HS256"
_SECOND_NS: Final = 1_000_000_000
LIFE_NS: Final = 15 * 60 * _SECOND_NS  # Renewed by the open page; without it the sign-in ends.
LONGEST_NS: Final = 12 * 3_600 * _SECOND_NS  # Then the password is asked for again.
_MOST_PER_PERSON: Final = 20
_KEY_BYTES: Final = 32


class SignIn(msgspec.Struct, kw_only=True):
    """One sign-in, as the server keeps it. Times are of the steady clock."""

    sign_in_id: str
    person: str
    generation: int  # Of the person at sign-in: after any change to them it has ended.
    csrf: str
    browser: str
    address: str
    began_ns: int
    expires_ns: int


class SignIns:
    """All open sign-ins, in memory: a restart of the process ends them."""

    def __init__(self, people: PeopleStore, key: bytes, around: Surroundings) -> None:
        if len(key) < _KEY_BYTES:
            raise ValueError(f"Expected a key of {_KEY_BYTES} bytes or more, found {len(key)}.")
        self._people = people
        self._key = key
        self._around = around
        self._open: dict[str, SignIn] = {}

    def begin(self, person: Person, browser: str, address: str) -> SignIn:
        """Open a sign-in for somebody whose password was right."""
        now_ns = self._around.steady_ns()
        own = [kept for kept in self._open.values() if kept.person == person.name]
        if len(own) >= _MOST_PER_PERSON:
            self.end(own[0].sign_in_id)  # The oldest: a dictionary keeps its order.
        sign_in = SignIn(
            sign_in_id=self.random_text(),
            person=person.name,
            generation=person.generation,
            csrf=self.random_text(),
            browser=browser,
            address=address,
            began_ns=now_ns,
            expires_ns=now_ns + LIFE_NS,
        )
        self._open[sign_in.sign_in_id] = sign_in
        return sign_in

    def token(self, sign_in: SignIn) -> str:
        """Return the signed token that names a sign-in, for the cookie."""
        left_ns = sign_in.expires_ns - self._around.steady_ns()
        expires_s = (self._around.wall_ns() + left_ns) // _SECOND_NS
        claims = {"sid": sign_in.sign_in_id, "exp": expires_s}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def read(self, token: str) -> SignIn | None:
        """Return the sign-in a token names, if the token is ours, in time, and it is still open."""
        try:
            # The time is asked of our clock below, not of the library's.
            claims = jwt.decode(
                token, self._key, algorithms=[ALGORITHM],
                options={"require": ["sid", "exp"], "verify_exp": False},
            )  # fmt: skip
        except jwt.InvalidTokenError:
            return None
        expires_s, named = claims["exp"], claims["sid"]
        if not isinstance(expires_s, int) or not isinstance(named, str):
            return None
        if expires_s * _SECOND_NS <= self._around.wall_ns():
            return None
        return self.find(named)

    def find(self, sign_in_id: str) -> SignIn | None:
        """Return an open sign-in whose person is unchanged since; any other ends here."""
        sign_in = self._open.get(sign_in_id)
        if sign_in is None:
            return None
        is_late = self._around.steady_ns() >= sign_in.expires_ns
        if is_late or self.person(sign_in) is None:
            self.end(sign_in_id)
            return None
        return sign_in

    def person(self, sign_in: SignIn) -> Person | None:
        """Return who signed in, as the people store has it now; None after any change to them.

        Nobody is signed in by a file that others could have changed, or that is none.
        """
        try:
            person = self._people.find(sign_in.person)
        except ConfigError:
            return None
        if person is None or person.is_disabled or person.generation != sign_in.generation:
            return None
        return person

    def renew(self, sign_in: SignIn) -> None:
        """Let a sign-in last on, up to twelve hours from its begin."""
        latest_ns = sign_in.began_ns + LONGEST_NS
        sign_in.expires_ns = min(self._around.steady_ns() + LIFE_NS, latest_ns)

    def end(self, sign_in_id: str) -> None:
        """Close a sign-in: log-out."""
        self._open.pop(sign_in_id, None)

    def random_text(self) -> str:
        """Return text that nobody can guess: 192 bits."""
        return base64.urlsafe_b64encode(self._around.token(24)).decode()


def is_same(given: str, kept: str) -> bool:
    """Return whether two secrets are equal, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(given.encode(), kept.encode())
