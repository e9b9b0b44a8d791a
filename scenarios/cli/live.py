"""`outcry live`, and the commands that look at it and stop it."""

from pathlib import Path
from typing import Annotated

import typer

from environment.control_messages import Scope
from scenarios.cli.main import AsJson

AGENTS_TOML = Path("agents.toml")
SwarmFile = Annotated[Path, typer.Argument(help="The swarm file.")]
Reason = Annotated[str, typer.Option(help="Why, for the record.")]
PersonName = Annotated[str, typer.Option(help="Who asks; the password is asked for.")]


def live(
    file: SwarmFile = AGENTS_TOML,
    venue: Annotated[
        str, typer.Option(help="process, or inline: in this one, and not durable.")
    ] = "process",
) -> int:
    """Trade in real time: swarm, venue and watchdog, until stopped."""
    from scenarios.live.commands import start

    return start(file, venue=venue)


def status(file: SwarmFile = AGENTS_TOML, as_json: AsJson = False) -> int:
    """Say how things stand: orders as the venue and as the desk see them."""
    from scenarios.live.commands import show_status

    return show_status(file, as_json=as_json)


def stop(file: SwarmFile = AGENTS_TOML, reason: Reason = "outcry stop") -> int:
    """End swarm, venue and watchdog; working orders end with the simulated venue."""
    from scenarios.live.commands import stop_all

    return stop_all(file, reason)


def halt(file: SwarmFile = AGENTS_TOML, reason: Reason = "outcry halt") -> int:
    """Cancel every order at the venue itself, and let the swarm trade no more."""
    from scenarios.live.commands import halt_now

    return halt_now(file, reason)


def resume(
    person: PersonName, reason: Reason, file: SwarmFile = AGENTS_TOML,
    agent: Annotated[str | None, typer.Option(help="Resume this agent alone.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Resume this strategy alone.")] = None,
    underlying: Annotated[str | None, typer.Option(help="Resume this underlying alone.")] = None,
) -> int:  # fmt: skip
    """Move the desk, or one agent, strategy or underlying, up one step: a named approver.

    It takes a password and a reason.
    """
    from scenarios.live.commands import resume_step

    scopes: dict[Scope, str | None] = {
        "agent": agent,
        "strategy": strategy,
        "underlying": underlying,
    }
    return resume_step(file, person, reason, scopes)


def reconcile(file: SwarmFile = AGENTS_TOML, person: PersonName = "", reason: Reason = "") -> int:
    """Compare with the venue now; with a person's name, large breaks are booked."""
    from scenarios.live.commands import reconcile_now

    return reconcile_now(file, person, reason)


def add_commands(app: typer.Typer) -> None:
    """Add these to the application."""
    for command in (live, status, stop, halt, resume, reconcile):
        app.command(command.__name__)(command)
