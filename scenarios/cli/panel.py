"""`outcry panel user`: who may sign in, and answer or resume."""

from pathlib import Path
from typing import Annotated

import typer

from scenarios.cli.main import AsJson

panel = typer.Typer(help="The panel's people.", no_args_is_help=True)
user = typer.Typer(help="Who may sign in.", no_args_is_help=True)
panel.add_typer(user, name="user")

SwarmFile = Annotated[Path, typer.Option("--file", help="The swarm file, whose name counts.")]
Name = Annotated[str, typer.Argument(help="A person's name, a lower-case word.")]
AGENTS_TOML = Path("agents.toml")


@user.command("add")
def add(
    name: Name,
    role: Annotated[
        list[str], typer.Option(help="viewer, trader, approver, admin; once for each.")
    ],
    password: Annotated[
        bool, typer.Option("--password", help="Ask for a password here, instead of a link.")
    ] = False,
    file: SwarmFile = AGENTS_TOML,
    as_json: AsJson = False,
) -> int:
    """Add a person, and make the one-time link with which this person chooses a password."""
    from scenarios.live import panel_people

    return panel_people.add(file, name, role, asks=password, as_json=as_json)


@user.command("list")
def list_people(file: SwarmFile = AGENTS_TOML, as_json: AsJson = False) -> int:
    """List everybody with roles and state."""
    from scenarios.live import panel_people

    return panel_people.show_all(file, as_json=as_json)


@user.command("disable")
def disable(name: Name, file: SwarmFile = AGENTS_TOML, as_json: AsJson = False) -> int:
    """Let a person do nothing from now on; open sign-ins end within a second."""
    from scenarios.live import panel_people

    return panel_people.disable(file, name, as_json=as_json)


@user.command("link")
def link(name: Name, file: SwarmFile = AGENTS_TOML, as_json: AsJson = False) -> int:
    """Make a one-time link, good for 10 minutes, with which a person chooses a password."""
    from scenarios.live import panel_people

    return panel_people.link(file, name, as_json=as_json)
