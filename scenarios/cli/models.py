"""`outcry cassette`, `outcry models` and `outcry evaluate`: what language models said, and can."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from environment.errors import ConfigError
from scenarios.cli.main import AsJson, show_json

cassette = typer.Typer(help="Recorded answers of models.", no_args_is_help=True)
models = typer.Typer(help="The models that agents name.", no_args_is_help=True)

Tape = Annotated[Path, typer.Argument(help="A cassette, a .jsonl file.")]
SwarmFile = Annotated[Path, typer.Option("--file", help="The swarm file.")]
AGENTS_TOML = Path("agents.toml")


@cassette.command("list")
def list_entries(path: Tape, as_json: AsJson = False) -> int:
    """List what a cassette holds, a line each, and how long answers took."""
    from llm.cassette import fitted_delay, read_cassette

    header, entries = read_cassette(path)
    delay = fitted_delay(entries)
    if as_json:
        rows = [msgspec.to_builtins(entry) for entry in entries.values()]
        return show_json({"note": header.note, "entries": rows, "delay": delay})
    if header.note:
        typer.echo(header.note)
    for entry in entries.values():
        said = f"failed: {entry.failed}" if entry.failed else " ".join(entry.text.split())
        typer.echo(
            f"{entry.key[:12]}  {entry.provider}/{entry.model}  {entry.prompt}  "
            f"{entry.tokens_in + entry.tokens_out} tokens  {entry.duration_ms:.0f} ms  {said[:90]}"
        )
    tokens = sum(entry.tokens_in + entry.tokens_out for entry in entries.values())
    typer.echo(f"{len(entries)} entries, {tokens:,} tokens")
    if delay is not None:
        typer.echo(
            "as a delay of effects: "
            f'{{ kind = "lognormal", median = "{delay["median_ms"]:.0f}ms", '
            f"sigma = {delay['sigma']:.2f} }}"
        )
    return 0


@cassette.command("diff")
def diff(before: Tape, after: Tape, as_json: AsJson = False) -> int:
    """Say what only one of two cassettes holds (- and +), and what is answered otherwise (~)."""
    from llm.cassette import difference, read_entries

    lines = difference(read_entries(before), read_entries(after))
    if as_json:
        show_json({"same": not lines, "differences": lines})
    else:
        for line in lines:
            typer.echo(line)
    return 1 if lines else 0


@cassette.command("redact")
def redact(
    path: Tape,
    pattern: Annotated[str, typer.Option(help="A regular expression; each match is taken out.")],
    as_json: AsJson = False,
) -> int:
    """Take every match of a pattern out of a cassette's texts; it still answers as before."""
    from llm.cassette import read_cassette, redact as redacted, write_entries

    header, kept = read_cassette(path)
    entries, count = redacted(kept, pattern)
    write_entries(path, entries, header.note)
    if as_json:
        return show_json({"redacted": count})
    typer.echo(f"{count} places redacted in {path}")
    return 0


@models.command("pull")
def pull(
    role: Annotated[str, typer.Argument(help="A role of [models] with provider ollama.")],
    file: SwarmFile = AGENTS_TOML,
) -> int:
    """Have an Ollama server fetch a role's model; nothing else ever fetches one."""
    from llm.providers.ollama_server import OllamaServer
    from scenarios.builders.models import provider_of
    from scenarios.config.load import load_swarm

    swarm = load_swarm(file)
    told = swarm.models.get(role)
    provider = None if told is None else provider_of(told)
    if not isinstance(provider, OllamaServer):
        known = ", ".join(sorted(swarm.models)) or "none"
        raise ConfigError(f"{file}: models.{role} is no model of an Ollama server; roles: {known}")
    typer.echo(f"fetching {provider.model} …")
    provider.pull()
    typer.echo(f"{provider.model} is there")
    return 0


def evaluate(
    disguise: Annotated[
        bool, typer.Option("--disguise", help="Ask about the past in the open, and in disguise.")
    ] = False,
    role: Annotated[str, typer.Option(help="A role of [models].")] = "quick",
    questions: Annotated[int, typer.Option(min=1, max=100_000, help="In each arm.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of questions and disguises.")] = 1,
    file: SwarmFile = AGENTS_TOML,
    as_json: AsJson = False,
) -> int:
    """Measure how much of a model's skill on past prices is memory."""
    from rich.console import Console
    from rich.progress import Progress

    from scenarios.config.load import load_swarm
    from scenarios.run.evaluate import ARMS, evaluate_disguise

    if not disguise:
        raise ConfigError("evaluate: give --disguise; there is nothing else to evaluate yet")
    swarm = load_swarm(file)
    if role not in swarm.models:
        known = ", ".join(sorted(swarm.models)) or "none"
        raise ConfigError(f'{file}: no model has the role "{role}"; roles: {known}')
    with Progress(console=Console(stderr=True), transient=True, disable=as_json) as progress:
        task = progress.add_task("asking", total=questions * len(ARMS))
        found = evaluate_disguise(swarm, role, questions, seed, lambda: progress.advance(task))
    if as_json:
        return show_json(msgspec.to_builtins(found))
    typer.echo(f"{found.role} is {found.provider}/{found.model}; {questions} questions in each arm")
    for arm in found.arms:
        typer.echo(
            f"{arm.arm:<10} right {arm.right:.3f}  Brier {arm.brier:.4f}  "
            f"answered {arm.answered}, abstained {arm.abstained}"
        )
    for gap in found.gaps:
        name = "memorisation gap" if gap.against == "disguised" else "real less synthetic"
        typer.echo(f"{name}: {gap.gap:+.3f} (95 % {gap.low:+.3f} to {gap.high:+.3f})")
    return 0


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.add_typer(cassette, name="cassette")
    app.add_typer(models, name="models")
    app.command("evaluate")(evaluate)
