"""The `outcry` command line. Commands import what they need when they run, so help is quick."""

import json
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from typer.exceptions import TyperException

from environment.errors import ConfigError, OperatingError

DIFFERENT: Final = 1
BAD_INPUT: Final = 2
INTERRUPTED: Final = 130
_NO_ARGUMENTS: Final = "NoArgsIsHelpError"  # Typer keeps the class to itself; its text is the help.

app = typer.Typer(
    name="outcry",
    help="A trading floor for software agents: one market, typed messages, a human at the gate.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit: 0 success, 1 a replay differs, 2 bad input, 130 Ctrl-C."""
    sys.exit(run_command(sys.argv[1:] if arguments is None else arguments))


def run_command(arguments: Sequence[str]) -> int:
    """Return the exit status of one command line; a user's mistake becomes one line."""
    try:
        status = int(whole_app()(args=list(arguments), standalone_mode=False) or 0)
    except TyperException as error:
        if type(error).__name__ == _NO_ARGUMENTS:
            sys.stderr.write(f"{error.format_message()}\n")
            return BAD_INPUT
        mend = "see outcry --help"
        return _refuse(f"{error.format_message()} ({mend})" if error.format_message() else mend)
    except (ConfigError, OperatingError) as error:
        return _refuse(str(error))
    except OSError as error:
        place = error.filename if error.filename is not None else "a file"
        cause = error.strerror or type(error).__name__
        return _refuse(f"{place}: {cause}; check space, permission and the path, and run again")
    if status == INTERRUPTED:  # Typer itself turns Ctrl-C into this status.
        sys.stderr.write("outcry: stopped\n")
    return status


@cache
def whole_app() -> typer.Typer:
    """Return the application with the groups of commands that stand in files of their own."""
    from scenarios.cli import (
        audit as cli_audit,
        journal as cli_journal,
        live as cli_live,
        models as cli_models,
        panel as cli_panel,
    )

    app.add_typer(cli_panel.panel, name="panel")
    app.add_typer(cli_audit.audit, name="audit")
    app.add_typer(cli_journal.journal, name="journal")
    cli_live.add_commands(app)
    cli_models.add_commands(app)
    return app


def _refuse(text: str) -> int:
    """Say what is wrong in one line, and return the exit status for bad input."""
    sys.stderr.write(f"outcry: {' '.join(text.split())}\n")
    return BAD_INPUT


@app.command("run")
def run_one(
    scenario: Annotated[str, typer.Argument(help="A shipped name, or a path to a .toml.")],
    seed: Annotated[int | None, typer.Option(help="Seed of every random stream.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one key.")
    ] = None,
    panel: Annotated[bool, typer.Option("--panel", help="Let a person answer for orders.")] = False,
    pace: Annotated[
        float | None, typer.Option(help="With --panel: market seconds a wall second.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Run one scenario and write its report, tables and journal."""
    from scenarios.cli.run import Wanted, run_and_show

    if pace is not None and not panel:
        raise ConfigError("--pace: goes with --panel alone; a run without people takes no time")
    at = (1.0 if pace is None else pace) if panel else None
    wanted = Wanted(settings=settings or [], seed=seed, pace=at)
    return run_and_show(scenario, wanted, out=out, as_json=as_json)


@app.command("replay")
def replay_one(
    folder: Annotated[Path, typer.Argument(help="Folder of an earlier run.")],
    mute: Annotated[
        str | None, typer.Option(metavar="AGENT", help="Say what changes without this agent.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Run a journal's inputs again and say whether every record comes out the same."""
    from scenarios.cli.run import replay_and_show

    return replay_and_show(folder, mute=mute, as_json=as_json)


@app.command("scenarios")
def list_scenarios(as_json: AsJson = False) -> int:
    """List the scenarios that ship, a line each."""
    from scenarios.config.load import shipped_scenarios

    rows = {scenario.name: scenario.about for scenario in shipped_scenarios()}
    if as_json:
        return show_json({"scenarios": rows})
    width = max(map(len, rows), default=0)
    for name, about in rows.items():
        typer.echo(f"{name:<{width}}  {first_sentence(about)}")
    return 0


@app.command("doctor")
def check_installation(
    scenario: Annotated[
        str | None, typer.Argument(help="A scenario whose models and cassette to check too.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="As for outcry run.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Check this installation, and say how to mend what is wrong."""
    from scenarios.cli.doctor import examine
    from scenarios.config.load import load_config

    config = None if scenario is None else load_config(scenario, settings or [])
    findings = examine(config)
    sound = all(finding.state != "fault" for finding in findings)
    if as_json:
        rows = [finding._asdict() for finding in findings]
        show_json({"sound": sound, "findings": rows})
    else:
        for finding in findings:
            mend = f"; {finding.mend}" if finding.mend else ""
            typer.echo(f"{finding.state:<5}  {finding.subject}: {finding.text}{mend}")
    return 0 if sound else BAD_INPUT


def show_json(content: dict[str, Any]) -> int:
    """Print one JSON object, and return the exit status for success."""
    typer.echo(json.dumps(content, default=str))
    return 0


def first_sentence(text: str) -> str:
    """Return a text up to its first full stop or colon that ends a clause."""
    flat = " ".join(text.split())
    ends = [flat.find(mark) for mark in (". ", ": ")]
    cut = min((end for end in ends if end > 0), default=len(flat.rstrip(".")))
    return flat[:cut]
