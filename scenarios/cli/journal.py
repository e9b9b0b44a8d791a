"""`outcry journal`: what a run or a live desk has recorded, line by line, and counted."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from environment.errors import ConfigError
from environment.record.chronicle import Chronicle, Entry, Filter, text_of

_SECOND_NS: Final = 1_000_000_000
_MOST_COUNTED: Final = 20

journal = typer.Typer(
    help="Read the record of a run or of a live desk.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Place = Annotated[Path, typer.Argument(help="Folder of a run, or a live desk's state folder.")]
Actor = Annotated[str, typer.Option(help="Only what this address sent, was sent or handled.")]
Class = Annotated[str, typer.Option("--class", help="Only messages of this class.")]
Since = Annotated[str, typer.Option("--from", help="Not before: UTC like 2026-03-02T14:30, or ns.")]
Until = Annotated[str, typer.Option(help="Not after, in the same form.")]
Chain = Annotated[int, typer.Option(help="Only the chain of this envelope or chain number.")]
Limit = Annotated[int, typer.Option(help="At most so many lines; 0: all.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, an object on each line.")]


@journal.command("show")
def show(
    place: Place, *, actor: Actor = "", message_class: Class = "", since: Since = "",
    until: Until = "", chain: Chain = 0, limit: Limit = 1_000, as_json: AsJson = False,
) -> int:  # fmt: skip
    """Show what happened, oldest first."""
    wanted = _filter(actor, message_class, since, until)
    return _print(place, wanted, chain, limit, as_json=as_json)


@journal.command("grep")
def grep(
    pattern: Annotated[str, typer.Argument(help="Regular expression, sought in each line.")],
    place: Place, *, actor: Actor = "", message_class: Class = "", since: Since = "",
    until: Until = "", chain: Chain = 0, limit: Limit = 1_000, as_json: AsJson = False,
) -> int:  # fmt: skip
    """Show the lines in which a pattern occurs."""
    wanted = _filter(actor, message_class, since, until, pattern)
    return _print(place, wanted, chain, limit, as_json=as_json)


@journal.command("stats")
def stats(place: Place, as_json: AsJson = False) -> int:
    """Count what was recorded, by kind, class and actor."""
    chronicle = Chronicle(place)
    found = count_entries(chronicle)
    found["files"] = [file.name for file in chronicle.files]
    found["bytes"] = sum(file.stat().st_size for file in chronicle.files)
    found["notices"] = chronicle.notices
    if as_json:
        typer.echo(json.dumps(found))
        return 0
    for name in ("files", "bytes", "epochs", "first", "last", "records"):
        value = found[name]
        typer.echo(f"{name:<9} {', '.join(value) if name == 'files' else value}")
    for name in ("kinds", "classes", "actors"):
        typer.echo(f"{name}:")
        for key, count in list(found[name].items())[:_MOST_COUNTED]:
            typer.echo(f"  {count:>10,}  {key}")
    _say_notices(chronicle)
    return 0


def count_entries(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return how many entries there are, of which kinds and classes, and by whom sent."""
    kinds, classes, actors = Counter[str](), Counter[str](), Counter[str]()
    epochs: set[int] = set()
    first_ns = last_ns = 0
    for entry in entries:
        kinds[entry.kind] += 1
        if entry.kind == "Header":
            epochs.add(entry.message.get("epoch", 0))
        if entry.at_ns:
            first_ns = min(first_ns or entry.at_ns, entry.at_ns)
            last_ns = max(last_ns, entry.at_ns)
        if entry.sender:
            classes[entry.message_class] += 1
            actors[entry.sender] += 1
    return {
        "records": sum(kinds.values()), "kinds": dict(kinds.most_common()),
        "classes": dict(classes.most_common()), "actors": dict(actors.most_common()),
        "epochs": len(epochs), "first": time_text(first_ns), "last": time_text(last_ns),
    }  # fmt: skip


def _filter(actor: str, message_class: str, since: str, until: str, pattern: str = "") -> Filter:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"{pattern!r} is no regular expression: {error}") from error
    return Filter(
        actor=actor, message_class=message_class, from_ns=moment_of(since, 0),
        until_ns=moment_of(until, 1 << 63), pattern=pattern,
    )  # fmt: skip


def _print(place: Path, wanted: Filter, chain: int, limit: int, *, as_json: bool) -> int:
    chronicle = Chronicle(place)
    if chain:
        wanted = msgspec.structs.replace(wanted, chain=chronicle.chain_of(chain))
    found = wanted.apply(chronicle)
    for entry in islice(found, limit or None):
        if as_json:
            row = msgspec.to_builtins(entry)
            typer.echo(json.dumps(row, default=str))
        else:
            typer.echo(f"{time_text(entry.at_ns)}  {text_of(entry)}")
    if limit and next(found, None) is not None:
        typer.echo(f"more than {limit} lines; narrow it, or give --limit 0", err=True)
    _say_notices(chronicle)
    return 0


def _say_notices(chronicle: Chronicle) -> None:
    for notice in chronicle.notices:
        typer.echo(notice, err=True)


def time_text(at_ns: int) -> str:
    """Return a time as UTC text to the nanosecond."""
    seconds, rest = divmod(at_ns, _SECOND_NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09}Z"


def moment_of(text: str, otherwise: int) -> int:
    """Return a moment in ns since 1970, from such a number or from ISO time (UTC without a zone).

    Raises
    ------
    ConfigError
        If the text is neither.
    """
    if not text:
        return otherwise
    if text.isdigit():
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"expected a time like 2026-03-02T14:30, or nanoseconds, found {text!r}"
        ) from error
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(zoned.timestamp()) * _SECOND_NS + zoned.microsecond * 1_000
