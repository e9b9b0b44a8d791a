"""`outcry audit`, `outcry why`, `outcry approvals`: read what was decided, and why."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from scenarios.cli.main import DIFFERENT, AsJson, app, show_json

audit = typer.Typer(help="The chain of verdicts, decisions and views.", no_args_is_help=True)
Folder = Annotated[Path, typer.Argument(help="Folder of a run, or a daemon's state folder.")]


@audit.command("verify")
def verify(
    folder: Folder,
    head: Annotated[str, typer.Option(metavar="HASH", help="A head that was kept elsewhere.")] = "",
    as_json: AsJson = False,
) -> int:
    """Say whether anything was changed, taken out, reordered or cut off."""
    from environment.record.audit_check import read_chain, verify as check

    chain = read_chain(folder)
    found = check(chain, head.strip().lower())
    if as_json:
        show_json(msgspec.structs.asdict(found) | {"subject": chain.header.subject})
    elif found.fault:
        typer.echo(f"not whole: {found.fault}; sound up to record {found.records}")
    else:
        typer.echo(
            f"whole: {found.records:,} records, {found.heads} signed heads; head {found.head}"
        )
    return DIFFERENT if found.fault else 0


@audit.command("export")
def export(folder: Folder) -> int:
    """Print every record as one line of JSON."""
    from environment.record.audit_check import messages_of, read_chain

    for record, message in messages_of(read_chain(folder)):
        line = {
            "number": record.number, "at_ns": record.at_ns, "envelope": record.envelope,
            "sender": record.sender, "before": record.before.hex(), "message": _plain(message),
        }  # fmt: skip
        show_json(line)
    return 0


@app.command("why")
def why(
    order: Annotated[str, typer.Argument(help="An order's id, such as quant/trend/17.")],
    folder: Annotated[Path, typer.Option("--run", help="Folder of the run, or a state folder.")],
    as_json: AsJson = False,
) -> int:
    """Tell why one order was sent, and print the graph from evidence to fill."""
    from environment.record.chronicle import Chronicle
    from scenarios.cli.why import Clock, lines_of, why as find
    from scenarios.cli.why_story import Story

    chronicle = Chronicle(folder)
    graph = find(chronicle, order)
    header = next((entry.message for entry in chronicle if entry.kind == "Header"), {})
    clock = Clock(_zone_of(header), graph)
    story = list(Story(order, graph, header).lines(clock))
    if as_json:
        plain = [_plain(msgspec.structs.asdict(told)) for told in graph]
        return show_json(
            {"order": order, "story": story, "graph": plain, "notices": chronicle.notices}
        )
    days = " to ".join(dict.fromkeys(str(day) for day in (clock.days[0], clock.days[-1])))
    typer.echo(f"{days}, times of {clock.zone}\n")
    for line in (*story, "", "all of it, oldest first; behind the arrow what led to it:"):
        typer.echo(line)
    for line in lines_of(graph, clock):
        typer.echo(line)
    for notice in chronicle.notices:
        typer.echo(notice, err=True)
    return 0


def _zone_of(header: dict[str, Any]) -> str:
    """Return the exchange's zone where the record says its calendar, else UTC."""
    from environment.market.calendar import TradingCalendar

    scenario = (header.get("configuration") or {}).get("scenario") or {}
    name = (scenario.get("session") or {}).get("calendar", "")
    return TradingCalendar(name).zone if name else "UTC"


@app.command("approvals")
def approvals(folder: Folder, as_json: AsJson = False) -> int:
    """List the orders that people were asked about, and how each ended."""
    from environment.record.audit_check import messages_of, read_chain, verify as check

    cards: dict[str, dict[str, Any]] = {}
    chain = read_chain(folder)
    fault = check(chain).fault
    for record, message in messages_of(chain):
        if message["type"] != "CardChanged":
            continue
        card = message["card"]
        order = card["order"]
        cards[order["order_id"]] = {
            "code": card["code"], "order": order["order_id"], "instrument": order["instrument"],
            "side": order["side"], "quantity": card["quantity"], "tier": card["tier"],
            "rule": card["reasons"][0]["rule"] if card["reasons"] else "",
            "state": message["state"], "outcome": message.get("outcome") or "waiting",
            "people": list(message.get("people", ())), "reason": message.get("reason", ""),
            "at_ns": record.at_ns,
        }  # fmt: skip
    if as_json:
        show_json({"approvals": list(cards.values()), "fault": fault})
        return DIFFERENT if fault else 0
    if not cards:
        typer.echo("no order waited for a person")
    for row in cards.values():
        who = ", ".join(row["people"]) or "-"
        said = f"{row['side']} {row['quantity']} {row['instrument']}"
        typer.echo(
            f"{row['code']}  {row['outcome']:<15} {said:<20} {row['tier']:<4} {row['rule']:<22}"
            f" {who:<12} {row['order']}"
        )
    if fault:
        typer.echo(f"not whole: {fault}; orders may be missing or changed here", err=True)
    return DIFFERENT if fault else 0


def _plain(value: Any) -> Any:  # noqa: ANN401  whatever a message holds
    """Return a value with its bytes as hexadecimal digits: JSON has none."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
