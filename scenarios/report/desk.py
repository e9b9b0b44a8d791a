"""The desk of a run: whose ideas earned what, what carrying them out cost, what is held."""

from typing import Any, Final

import polars as pl

from scenarios.report.page import card, number as shown, table, tiles
from scenarios.run.result import RunResult

MOVES_SHOWN: Final = 200
_MOVES_NOTE: Final = (
    "What the account heard of without an order of the desk's own: exercise, assignment, expiry, "
    "adjustments, and positions that its broker closed for it."
)
_NOTE: Final = (
    "Profit is kept by the source that weighed most in what was opened, at the last middle heard; "
    "realised profit is after fees. Slippage is what worked orders cost against the middle when "
    "they began: of a structure against the net of its legs' middles."
)


def desk_cards(result: RunResult) -> list[str]:
    """Return the desk's cards; nothing where no strategy traded and nothing else happened."""
    return [*_strategy_card(result), *_moves_card(result)]


def _moves_card(result: RunResult) -> list[str]:
    """Return what happened to the account without an order of the desk's own."""
    moves: list[dict[str, Any]] = result.summary.get("account_moves") or []
    if not moves:
        return []
    rows = [
        (
            _local(move["heard_ns"], result.day.facts.zone), move["what"].replace("_", " "),
            move["instrument"], move["lots"],
            f"{move['into_lots']} {move['into']}" if move["into_lots"] else "",
            shown(move["cash"], 2),
            f"{move['by']}, {move['why'].replace('_', ' ')}" if move["by"] else "",
        )
        for move in moves[:MOVES_SHOWN]
    ]  # fmt: skip
    headings = ("heard", "what", "instrument", "lots", "became", "cash", "who, and why")
    more = f" The first {MOVES_SHOWN} of {len(moves)}." if len(moves) > MOVES_SHOWN else ""
    return [card("Nights and the broker", table(headings, rows), note=_MOVES_NOTE + more)]


def _local(time_ns: int, zone: str) -> str:
    seconds = pl.Series([time_ns]).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(zone)
    return str(seconds.dt.strftime("%Y-%m-%d %H:%M:%S").item())


def _strategy_card(result: RunResult) -> list[str]:
    desk: dict[str, Any] = result.summary.get("desk") or {}
    strategies: dict[str, dict[str, float]] = desk.get("strategies") or {}
    if not any(figures["traded"] or figures["parents"] for figures in strategies.values()):
        return []
    rows = [
        (
            name or "no source", shown(figures["realised"], 2), shown(figures["unrealised"], 2),
            shown(figures["fees"], 2), figures["traded"], figures["parents"],
            figures["parents_filled"], shown(figures["slippage"], 2),
        )
        for name, figures in strategies.items()
    ]  # fmt: skip
    headings = ("strategy", "realised", "unrealised", "fees", "lots traded", "parents worked",
                "of them filled", "slippage")  # fmt: skip
    parts = [tiles(_items(strategies)), table(headings, rows, caption="By strategy")]
    held = [
        (key, structure["units"], symbol, lots)
        for key, structure in (desk.get("structures") or {}).items()
        for symbol, lots in structure["legs"].items()
    ]
    if held:
        parts.append(
            table(("structure", "units", "leg", "contracts"), held, caption="Held at last")
        )
    return [card("Desk", *parts, note=_NOTE)]


def _items(strategies: dict[str, dict[str, float]]) -> list[tuple[str, str, str]]:
    def total(key: str) -> float:
        return sum(figures[key] for figures in strategies.values())

    return [
        ("profit", shown(total("realised") + total("unrealised"), 2), "realised and not"),
        ("fees", shown(total("fees"), 2), "paid"),
        ("slippage", shown(total("slippage"), 2), "of worked orders"),
    ]
