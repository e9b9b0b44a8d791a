import itertools
import os
import stat
from pathlib import Path

import argon2
import pytest

from agents.human.people import LINK_LIFE_NS, PeopleRefusal, PeopleStore, Person, Role
from environment.errors import ConfigError

QUICK = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse"


@pytest.fixture
def store(tmp_path: Path) -> PeopleStore:
    tokens = itertools.count()
    return PeopleStore(tmp_path / "people.json", lambda: f"token-{next(tokens)}", QUICK)


@pytest.mark.parametrize(
    ("roles", "may"),
    [
        (["viewer"], {"viewer"}),
        (["trader"], {"viewer", "trader"}),
        (["approver"], {"viewer", "trader", "approver"}),
        (["admin"], {"admin"}),
        (["admin", "viewer"], {"admin", "viewer"}),
    ],
)
def test_roles_are_a_ladder_with_admin_beside_it(roles: list[Role], may: set[Role]) -> None:
    person = Person(name="ana", roles=tuple(roles))
    every: list[Role] = ["viewer", "trader", "approver", "admin"]
    assert {role for role in every if person.may(role)} == may


def test_password_lets_in_and_another_does_not(store: PeopleStore) -> None:
    store.add("ana", ["approver"], PASSWORD)
    found = store.check_password("ana", PASSWORD)
    assert found is not None
    assert found.may("approver")
    assert store.check_password("ana", PASSWORD + "x") is None
    assert store.check_password("ben", PASSWORD) is None


def test_disabled_person_may_nothing(store: PeopleStore) -> None:
    store.add("ana", ["approver"], PASSWORD)
    token = store.make_link("ana", 0)
    disabled = store.disable("ana")
    assert not disabled.may("viewer")
    assert store.check_password("ana", PASSWORD) is None
    assert store.owner_of_link(token, 1) is None


def test_link_sets_a_password_once(store: PeopleStore) -> None:
    store.add("ana", ["viewer"])
    token = store.make_link("ana", 0)
    before = store.find("ana")
    assert store.use_link(token, PASSWORD, LINK_LIFE_NS - 1).name == "ana"
    after = store.check_password("ana", PASSWORD)
    assert before is not None
    assert after is not None
    assert after.generation > before.generation
    with pytest.raises(PeopleRefusal, match="used or is too old"):
        store.use_link(token, "another password", 1)


def test_link_is_void_after_ten_minutes_and_after_a_newer_one(store: PeopleStore) -> None:
    store.add("ana", ["viewer"])
    old = store.make_link("ana", 0)
    assert store.owner_of_link(old, LINK_LIFE_NS) is None
    new = store.make_link("ana", 0)
    assert store.owner_of_link(old, 1) is None
    assert store.owner_of_link(new, 1) is not None
    assert store.owner_of_link("", 1) is None


def test_file_holds_neither_password_nor_token_and_is_private(
    store: PeopleStore, tmp_path: Path
) -> None:
    store.add("ana", ["viewer"], PASSWORD)
    token = store.make_link("ana", 0)
    file = tmp_path / "people.json"
    content = file.read_text()
    assert PASSWORD not in content
    assert token not in content
    assert "$argon2id$" in content
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_file_that_others_can_read_is_refused(store: PeopleStore, tmp_path: Path) -> None:
    store.add("ana", ["viewer"], PASSWORD)
    (tmp_path / "people.json").chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        store.people()


def test_file_of_something_else_is_refused(store: PeopleStore, tmp_path: Path) -> None:
    (tmp_path / "people.json").write_text("{}x")
    (tmp_path / "people.json").chmod(0o600)
    with pytest.raises(ConfigError, match="is not a people file"):
        store.people()


@pytest.mark.parametrize(
    ("name", "roles", "password", "reason"),
    [
        ("Ana", ["viewer"], PASSWORD, "is no name"),
        ("a" * 33, ["viewer"], PASSWORD, "is no name"),
        ("../ana", ["viewer"], PASSWORD, "is no name"),
        ("ana", [], PASSWORD, "needs a role"),
        ("ana", ["viewer"], "short", "this one has 5"),
        ("ben", ["viewer"], PASSWORD, "is there already"),
    ],
)
def test_refused_people_change_nothing(
    store: PeopleStore, name: str, roles: list[Role], password: str, reason: str
) -> None:
    store.add("ben", ["viewer"])
    before = store.people()
    with pytest.raises(PeopleRefusal, match=reason):
        store.add(name, roles, password)
    assert store.people() == before


def test_unfinished_write_of_a_dead_process_is_passed_over(
    store: PeopleStore, tmp_path: Path
) -> None:
    (tmp_path / ".people.json.part").write_text("half")
    os.chmod(tmp_path / ".people.json.part", 0o644)  # noqa: PTH101
    store.add("ana", ["viewer"])
    assert [person.name for person in store.people()] == ["ana"]
    assert stat.S_IMODE((tmp_path / "people.json").stat().st_mode) == 0o600
