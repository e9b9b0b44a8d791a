"""The work behind `outcry live` and the commands about it."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import typer

from environment.control_messages import Scope
from environment.errors import ConfigError, OperatingError
from environment.message_roots import Message
from scenarios.cli.main import show_json
from scenarios.cli.shadows import refuse_shadowed
from scenarios.config.load import load_swarm
from scenarios.live.check import is_locked, load_desk, swarm_file
from scenarios.live.control_client import converse
from scenarios.live.control_wire import (
    Answer,
    AskStatus,
    Halt,
    Reconcile,
    Resume,
    Standing,
    Stop,
    control_socket,
    held_lines,
)
from scenarios.live.panel_people import ask_password
from scenarios.live.standing_text import standing_lines
from scenarios.live.state_folder import HALT_FILE, state_folder

REFUSED: Final = 1


def start(file: Path, *, venue: str) -> int:
    """Run a daemon in this process."""
    if venue not in {"process", "inline"}:
        raise ConfigError(f'--venue: "{venue}" is neither process nor inline')
    desk = load_desk(file)
    refuse_shadowed()
    typer.echo("loading libraries")
    from scenarios.live.daemon import run_daemon  # noqa: PLC0415  seconds, which a bad file must not cost

    return run_daemon(desk, _tell, inline=venue == "inline")


def _tell(line: str) -> None:
    """Show a line at once, also where nobody may read it any more."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except OSError:
        pass


def show_status(file: Path, *, as_json: bool) -> int:
    """Show how things stand."""
    standing = _ask(file, AskStatus())
    if not isinstance(standing, Standing):
        raise OperatingError("the watchdog did not say how things stand")
    if as_json:
        return show_json(msgspec.to_builtins(standing))
    for line in standing_lines(standing):
        typer.echo(line)
    return 0


def halt_now(file: Path, reason: str) -> int:
    """Halt, through the watchdog; where none answers, leave the halt file for the next one."""
    try:
        return _carry(file, Halt(reason=reason))
    except OperatingError as error:
        (_folder(file) / HALT_FILE).write_text(f"{reason}\n", encoding="utf-8")
        raise OperatingError(
            f"{error}; the file {HALT_FILE} is there now, and holds for whatever is started next"
        ) from error


def stop_all(file: Path, reason: str) -> int:
    """Stop everything."""
    return _carry(file, Stop(reason=reason))


def resume_step(
    file: Path, person: str, reason: str, scopes: Mapping[Scope, str | None] | None = None
) -> int:
    """Resume the desk one step for a person, or the one of `scopes` that is named."""
    if not reason.strip():
        raise ConfigError("--reason: expected why, for the record")
    named = [(scope, name) for scope, name in (scopes or {}).items() if name is not None]
    if len(named) > 1:
        given = " and ".join(f"--{scope}" for scope, _ in named)
        raise ConfigError(f"{given}: expected one of them, as one thing is resumed at a time")
    scope, name = named[0] if named else ("desk", "")
    if named and not name:
        raise ConfigError(f"--{scope}: expected a name; without it the desk is resumed")
    _warn_held(file, scope, name)
    return _carry(file, Resume(
        person=person, password=ask_password(), reason=reason, scope=scope, name=name
    ))  # fmt: skip


def _warn_held(file: Path, scope: Scope, name: str) -> None:
    """Say what would stop it again at once, while nothing has been asked for yet."""
    standing = _ask(file, AskStatus())
    if isinstance(standing, Standing) and standing.swarm is not None:
        for line in held_lines(standing.swarm, scope, name):
            typer.echo(line)


def reconcile_now(file: Path, person: str, reason: str) -> int:
    """Compare, and for a person book what differs."""
    password = ask_password() if person else ""
    return _carry(file, Reconcile(person=person, password=password, reason=reason))


def _carry(file: Path, message: Message) -> int:
    answer = _ask(file, message)
    if not isinstance(answer, Answer):
        raise OperatingError("the watchdog gave no answer")
    typer.echo(answer.text)
    return 0 if answer.is_done else REFUSED


def _folder(file: Path) -> Path:
    return state_folder(load_swarm(swarm_file(file)).name)


def _ask(file: Path, message: Message) -> Any:  # noqa: ANN401  decoded: FromWatchdog
    folder = _folder(file)
    try:
        return asyncio.run(converse(control_socket(folder), message))
    except TimeoutError:
        raise OperatingError("the watchdog did not answer in time; see its log") from None
    except OperatingError as error:
        if not is_locked(folder):
            raise
        raise OperatingError(
            f"{folder}: a swarm runs, or is starting, and its watchdog does not answer; it is "
            "started again within seconds, so ask once more"
        ) from error
