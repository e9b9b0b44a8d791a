"""`outcry run` and `outcry replay`: from words on a command line to a run and back to words."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import typer
from rich.console import Console

from environment.errors import ConfigError
from scenarios.cli.main import DIFFERENT, INTERRUPTED, show_json
from scenarios.cli.progress import TerminalProgress
from scenarios.cli.shadows import refuse_shadowed
from scenarios.config.built import check_built
from scenarios.config.load import Config, load_config
from scenarios.run.outcomes import FinishedRun, MuteResult, ReplayResult

MOST_PACE = 1_000.0


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the command line changes about a scenario; a pace puts a person at a panel."""

    settings: list[str]
    seed: int | None = None
    pace: float | None = None


def _seated(config: Config, pace: float) -> Config:
    """Return the configuration, with a person in it where one was asked for."""
    from scenarios.run.panel_seat import with_person

    if not 0.0 < pace <= MOST_PACE:
        raise ConfigError(f"--pace: expected a number above 0 and at most {MOST_PACE}")
    return with_person(config, pace)


def run_and_show(scenario: str, wanted: Wanted, *, out: Path | None, as_json: bool) -> int:
    """Run a scenario, show what came out, and return the exit status."""
    config = load_config(scenario, wanted.settings, wanted.seed)
    if wanted.pace is not None:
        config = _seated(config, wanted.pace)
    check_built(config)
    refuse_shadowed()
    folder = out if out is not None else Path("runs") / config.scenario.name
    if config.scenario.compare is not None:
        return _compare_and_show(
            scenario, config, folder, wanted.settings, wanted.seed, as_json=as_json
        )
    with TerminalProgress(Console(stderr=True), visible=not as_json) as progress:
        progress.phase("import")
        began = time.perf_counter()
        from scenarios.run.runner import run_scenario

        import_s = time.perf_counter() - began
        if wanted.pace is not None:
            from scenarios.run.panel_seat import seat_for_people

            seat = partial(seat_for_people, voice=progress)
            result: FinishedRun = run_scenario(
                config, folder, progress, seat=seat, import_s=import_s
            )
        else:
            result = run_scenario(config, folder, progress, import_s=import_s)
    if as_json:
        show_json(result.summary)
    else:
        _show_run(result)
    return 0 if result.complete else INTERRUPTED


def _compare_and_show(
    scenario: str, config: Config, folder: Path, settings: list[str], seed: int | None, *,
    as_json: bool,
) -> int:  # fmt: skip
    """Run every arm with every seed, and show the table."""
    from scenarios.run.compare import compare, show_lines

    def tell(line: str) -> None:
        if not as_json:
            typer.echo(line, err=True)

    summary = compare(scenario, config, folder, settings, seed, tell)
    if as_json:
        return show_json(summary)
    for line in show_lines(summary):
        typer.echo(line)
    typer.echo(f"report   {folder / 'report.html'}")
    return 0


def _show_run(result: FinishedRun) -> None:
    """Print what a person wants to know first, and where the rest is."""
    summary = result.summary
    if not result.complete:
        typer.echo("ended early; what was recorded until then is whole and readable")
    typer.echo(
        f"{summary['scenario']}, seed {summary['seed']}: {summary['simulated_seconds']:,.0f} s "
        f"of market in {summary['wall_seconds']:.2f} s; {summary['messages']:,} messages, "
        f"{summary['book_events']:,} book events, {summary['trades']:,} trades"
    )
    typer.echo(f"journal  {summary['journal_sha256']}")
    typer.echo(f"report   {result.report if result.report is not None else result.folder}")


def replay_and_show(folder: Path, *, mute: str | None, as_json: bool) -> int:
    """Run a journal again, say whether it came out the same, and return the exit status."""
    refuse_shadowed()
    with TerminalProgress(Console(stderr=True), visible=not as_json) as progress:
        progress.phase("import")
        if mute is not None:
            from scenarios.run.replay_mute import mute as run_muted

            return _show_muted(run_muted(folder, mute, progress=progress), as_json=as_json)
        from scenarios.run.replay import replay

        result: ReplayResult = replay(folder, progress=progress)
    if as_json:
        show_json(msgspec.structs.asdict(result))
    elif result.same:
        part = " of a journal that ends early" if result.partial else ""
        typer.echo(f"the same: all {result.records:,} records{part}")
        for condition in result.conditions:
            typer.echo(f"although {condition}")
    else:
        typer.echo(f"different after {result.records:,} equal records\n{result.difference}")
    return 0 if result.same else DIFFERENT


def _show_muted(result: MuteResult, *, as_json: bool) -> int:
    """Print both runs side by side."""
    if as_json:
        return show_json(msgspec.structs.asdict(result))
    width = max(map(len, result.figures))
    head = f"without {result.agent}"
    typer.echo(f"{'':<{width}}  {'as recorded':>18}  {head:>28}  {'change':>18}")
    for name, (before, after) in result.figures.items():
        change = after - before
        typer.echo(f"{name:<{width}}  {before:>18,.2f}  {after:>28,.2f}  {change:>+18,.2f}")
    return 0
