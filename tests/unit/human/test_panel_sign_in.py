"""Sign-ins and lock-out: a token names a record, and the record is looked at each time."""

from pathlib import Path

import jwt
import pytest

from agents.human.panel_lockout import FREE_TRIES, Lockout
from agents.human.panel_ports import Surroundings
from agents.human.panel_sign_in import ALGORITHM, LIFE_NS, LONGEST_NS, SignIn, SignIns
from agents.human.people import PeopleStore
from tests.unit.human.floor import PASSWORD, SECOND, make_people
from tests.unit.human.pages import unsigned

KEY = b"k" * 32


class Clock:
    def __init__(self) -> None:
        self.ns = 1_000 * SECOND
        self.drawn = 0

    def around(self) -> Surroundings:
        return Surroundings(wall_ns=lambda: self.ns, steady_ns=lambda: self.ns, token=self.token)

    def token(self, size: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(size, "big")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(tmp_path: Path) -> PeopleStore:
    return make_people(tmp_path)


@pytest.fixture
def sign_ins(clock: Clock, people: PeopleStore) -> SignIns:
    return SignIns(people, KEY, clock.around())


def begin(sign_ins: SignIns, people: PeopleStore, name: str = "ana") -> SignIn:
    person = people.check_password(name, PASSWORD)
    assert person is not None
    return sign_ins.begin(person, "browser", "127.0.0.1")


def test_a_token_names_its_sign_in(sign_ins: SignIns, people: PeopleStore) -> None:
    sign_in = begin(sign_ins, people)
    assert sign_ins.read(sign_ins.token(sign_in)) is sign_in


def test_a_token_carries_no_name_and_no_role(sign_ins: SignIns, people: PeopleStore) -> None:
    token = sign_ins.token(begin(sign_ins, people))
    claims = jwt.decode(token, options={"verify_signature": False})
    assert set(claims) == {"sid", "exp"}


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_token_of_another_algorithm_is_refused(
    sign_ins: SignIns, people: PeopleStore, algorithm: str
) -> None:
    claims = {"sid": begin(sign_ins, people).sign_in_id, "exp": 1 << 40}
    token = jwt.encode(claims, KEY.ljust(64, b"k"), algorithm=algorithm)
    assert sign_ins.read(token) is None


def test_a_token_without_signature_is_refused(sign_ins: SignIns, people: PeopleStore) -> None:
    assert (
        sign_ins.read(unsigned({"sid": begin(sign_ins, people).sign_in_id, "exp": 1 << 40})) is None
    )


def test_a_token_under_another_key_is_refused(sign_ins: SignIns, people: PeopleStore) -> None:
    claims = {"sid": begin(sign_ins, people).sign_in_id, "exp": 1 << 40}
    assert sign_ins.read(jwt.encode(claims, b"x" * 32, algorithm=ALGORITHM)) is None


@pytest.mark.parametrize("claims", [{}, {"exp": 1 << 40}, {"sid": "x"}, {"sid": 3, "exp": 1 << 40}])
def test_a_token_that_lacks_a_claim_is_refused(
    sign_ins: SignIns, claims: dict[str, object]
) -> None:
    assert sign_ins.read(jwt.encode(claims, KEY, algorithm=ALGORITHM)) is None


def test_a_token_ends_with_its_time(sign_ins: SignIns, people: PeopleStore, clock: Clock) -> None:
    token = sign_ins.token(begin(sign_ins, people))
    clock.ns += LIFE_NS
    assert sign_ins.read(token) is None


def test_an_expired_token_of_a_living_sign_in_is_refused(
    sign_ins: SignIns, people: PeopleStore, clock: Clock
) -> None:
    sign_in = begin(sign_ins, people)
    old = sign_ins.token(sign_in)
    clock.ns += LIFE_NS - 1
    sign_ins.renew(sign_in)
    clock.ns += SECOND
    assert sign_ins.read(old) is None
    assert sign_ins.read(sign_ins.token(sign_in)) is sign_in


def test_renewing_ends_after_twelve_hours(
    sign_ins: SignIns, people: PeopleStore, clock: Clock
) -> None:
    sign_in = begin(sign_ins, people)
    for _ in range(LONGEST_NS // LIFE_NS * 2):
        clock.ns += LIFE_NS // 2
        sign_ins.renew(sign_in)
    assert sign_ins.find(sign_in.sign_in_id) is None


def test_a_disabled_person_is_signed_out(sign_ins: SignIns, people: PeopleStore) -> None:
    sign_in = begin(sign_ins, people)
    people.disable("ana")
    assert sign_ins.find(sign_in.sign_in_id) is None


def test_file_that_others_may_change_signs_everybody_out(
    sign_ins: SignIns, people: PeopleStore, tmp_path: Path
) -> None:
    sign_in = begin(sign_ins, people)
    (tmp_path / "people.json").chmod(0o644)
    assert sign_ins.find(sign_in.sign_in_id) is None


def test_logging_out_ends_the_record_not_only_the_cookie(
    sign_ins: SignIns, people: PeopleStore
) -> None:
    sign_in = begin(sign_ins, people)
    token = sign_ins.token(sign_in)
    sign_ins.end(sign_in.sign_in_id)
    assert sign_ins.read(token) is None


def test_a_short_key_is_no_key(people: PeopleStore, clock: Clock) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SignIns(people, b"short", clock.around())


# --- lock-out ----------------------------------------------------------------------------------


def fail(lockout: Lockout, name: str, address: str, times: int) -> None:
    for _ in range(times):
        lockout.failed(name, address)


def test_some_wrong_passwords_are_free(clock: Clock) -> None:
    lockout = Lockout(clock.around().steady_ns)
    fail(lockout, "ana", "a", FREE_TRIES - 1)
    assert lockout.wait_ns("ana", "a") == 0


def test_the_wait_doubles(clock: Clock) -> None:
    lockout = Lockout(clock.around().steady_ns)
    waits = []
    fail(lockout, "ana", "a", FREE_TRIES - 1)
    for _ in range(3):
        lockout.failed("ana", "a")
        waits.append(lockout.wait_ns("ana", "a") // SECOND)
        clock.ns += waits[-1] * SECOND
    assert waits == [30, 60, 120]


def test_nobody_locks_out_the_same_person_elsewhere(clock: Clock) -> None:
    lockout = Lockout(clock.around().steady_ns)
    fail(lockout, "ana", "attacker", 20)
    assert lockout.wait_ns("ana", "home") == 0


def test_nobody_locks_out_another_person_at_the_same_address(clock: Clock) -> None:
    lockout = Lockout(lambda: clock.ns)
    for _ in range(FREE_TRIES + 1):
        lockout.failed("ana", "10.0.0.1")
    assert lockout.wait_ns("ana", "10.0.0.1") > 0
    assert lockout.wait_ns("ben", "10.0.0.1") == 0


def test_one_address_that_tries_many_names_is_held_up(clock: Clock) -> None:
    lockout = Lockout(clock.around().steady_ns)
    for number in range(40):
        lockout.failed(f"name{number}", "a")
    assert lockout.wait_ns("another", "a") > 0


def test_a_right_password_forgets_the_wrong_ones(clock: Clock) -> None:
    lockout = Lockout(clock.around().steady_ns)
    fail(lockout, "ana", "a", FREE_TRIES - 1)
    lockout.succeeded("ana", "a")
    fail(lockout, "ana", "a", FREE_TRIES - 1)
    assert lockout.wait_ns("ana", "a") == 0
