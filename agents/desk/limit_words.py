"""Limits in force in people's words, as the panel shows them."""

from typing import Final

from agents.desk.controls import CONTROLS
from agents.desk.limits import Rulebook
from environment.instruments import format_money

_UNITS: Final = {control.name: control.unit for control in CONTROLS}


def limit_rows(rules: Rulebook) -> tuple[tuple[str, str, str], ...]:
    """Return name, soft and hard of every limit in force, and of what nobody may trade."""
    rows = [
        (name, _shown(name, limit.soft), _shown(name, limit.hard))
        for name, limit in rules.limits.items()
    ]
    if rules.restricted:
        rows.append(("restricted", "", ", ".join(rules.restricted)))
    return tuple(rows)


def _shown(name: str, figure: float | None) -> str:
    if figure is None:
        return ""
    match _UNITS.get(name):
        case "micros":
            return format_money(round(figure), decimals=0)
        case "share":
            return f"{100.0 * figure:g} %"
        case "ns":
            return f"{figure / 1e9:g} s"
        case unit:
            return f"{figure:,g} {unit or ''}".rstrip()
