"""The work behind `outcry panel user`: the people of a state folder, and links for them."""

import secrets
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import typer

from agents.human.people import PEOPLE_FILE, ROLES, PeopleRefusal, PeopleStore, Role
from environment.errors import ConfigError
from scenarios.cli.main import show_json
from scenarios.config.load import load_swarm
from scenarios.config.swarm import Panel
from scenarios.live.state_folder import state_folder
from scenarios.places import find_file

R = TypeVar("R")


def people_store(folder: Path) -> PeopleStore:
    """Return the people of a state folder."""
    return PeopleStore(folder / PEOPLE_FILE, partial(secrets.token_urlsafe, 32))


def add(file: Path, name: str, words: list[str], *, asks: bool, as_json: bool) -> int:
    """Add a person with a link, or with a password that is asked for here."""
    for word in words:
        if word not in ROLES:
            raise ConfigError(f'--role: "{word}" is not a role; known: {", ".join(ROLES)}')
    roles: list[Role] = [known for known in ROLES if known in words]
    folder, panel = _desk(file)
    store = people_store(folder)
    chosen = ask_password() if asks else ""
    person = _refused(partial(store.add, name, roles, chosen))
    if not chosen:
        return _show_link(store, folder, name, panel, as_json=as_json)
    if as_json:
        return show_json({"name": person.name, "roles": person.roles})
    typer.echo(f"{person.name} may sign in as {', '.join(person.roles)}")
    return 0


def show_all(file: Path, *, as_json: bool) -> int:
    """List everybody."""
    folder, _ = _desk(file)
    people = people_store(folder).people()
    if as_json:
        rows = [
            {
                "name": person.name, "roles": person.roles, "disabled": person.is_disabled,
                "password": bool(person.password_hash),
            }
            for person in people
        ]  # fmt: skip
        return show_json({"people": rows})
    for person in people:
        without = "" if person.password_hash else "no password yet"
        state = "disabled" if person.is_disabled else without
        typer.echo(f"{person.name:<16}  {', '.join(person.roles):<24}  {state}".rstrip())
    if not people:
        typer.echo("nobody yet; outcry panel user add NAME --role approver")
    return 0


def disable(file: Path, name: str, *, as_json: bool) -> int:
    """Disable a person."""
    folder, _ = _desk(file)
    person = _refused(partial(people_store(folder).disable, name))
    if as_json:
        return show_json({"name": person.name, "disabled": True})
    typer.echo(f"{person.name} is disabled")
    return 0


def link(file: Path, name: str, *, as_json: bool) -> int:
    """Make a one-time link."""
    folder, panel = _desk(file)
    return _show_link(people_store(folder), folder, name, panel, as_json=as_json)


def _desk(file: Path) -> tuple[Path, Panel]:
    """Return the state folder of a swarm file, and where its panel listens."""
    swarm = load_swarm(find_file(str(file), Path.cwd() / "here"))
    return state_folder(swarm.name), swarm.panel or Panel()


def _show_link(store: PeopleStore, folder: Path, name: str, told: Panel, *, as_json: bool) -> int:
    """Show a new link on a terminal; anywhere else it could be kept, so a 0600 file gets it."""
    if as_json:
        place = _link_file(folder, name, _new_link(store, name, address_of(told)))
        return show_json({"name": name, "link_file": str(place), "minutes": 10})
    typer.echo(link_line(store, folder, name, address_of(told), is_terminal=sys.stdout.isatty()))
    return 0


def address_of(told: Panel) -> str:
    """Return where the panel is found, as the swarm file says."""
    return f"{'http' if told.tls is None else 'https'}://{told.listen}"


def link_line(
    store: PeopleStore, folder: Path, name: str, address: str, *, is_terminal: bool
) -> str:
    """Return what is said of a new link: itself on a terminal, elsewhere where it stands."""
    url = _new_link(store, name, address)
    if is_terminal:
        return f"to sign in as {name}, once and within 10 minutes: {url}"
    file = _link_file(folder, name, url)
    return f"to sign in as {name}, once and within 10 minutes: the link stands in {file}"


def _new_link(store: PeopleStore, name: str, address: str) -> str:
    token = _refused(partial(store.make_link, name, time.time_ns()))
    # In the fragment, which no server and no proxy is sent.
    return f"{address}/#link={token}"


def _link_file(folder: Path, name: str, url: str) -> Path:
    place = folder / f"link-{name}"
    place.unlink(missing_ok=True)
    place.touch(mode=0o600, exist_ok=False)
    place.write_text(f"{url}\n", encoding="utf-8")
    return place


def ask_password() -> str:
    """Ask on a terminal, unseen; elsewhere the first line of standard input is it."""
    if sys.stdin.isatty():
        answer: str = typer.prompt("Password", hide_input=True)
        return answer
    password = sys.stdin.readline().rstrip("\n")
    if not password:
        raise ConfigError("expected a password in the first line of standard input")
    return password


def _refused(act: Callable[[], R]) -> R:
    """Return what the store answers, its refusal as one line for the person."""
    try:
        return act()
    except PeopleRefusal as refusal:
        raise ConfigError(str(refusal)) from refusal
