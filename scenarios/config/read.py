"""Reads TOML strictly and applies `--set` overrides to it, before any table is converted."""

import decimal
import re
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from scenarios.config.errors import make_error, shown, written_path

Table = dict[str, Any]
_PART: Final = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^."'=\s]+))\s*(\.|$)""")
# Pairs of keys of which a file has one.
_EITHER: Final = ((("session", "date"), ("session", "dates")),)
_DEEPEST: Final = 20
_MOST_DIGITS: Final = 20
_EXPONENTS: Final = range(-40, 19)


class Override(NamedTuple):
    """One `--set`: a key path, its value as TOML reads it, and how an error names it."""

    path: tuple[str, ...]
    value: object
    where: str


def read_toml(file: Path, where: object) -> Table:
    """Return the tables of a TOML file, numbers exact; raises ConfigError with the mend."""
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise make_error(where, (), f"is not UTF-8 text at byte {error.start}") from error
    except OSError as error:
        mend = "name a file that exists and can be read"
        raise make_error(where, (), f"cannot be read ({error.strerror}); {mend}") from error
    try:
        tables = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, decimal.DecimalException, RecursionError) as error:
        cause = str(error) or type(error).__name__
        raise make_error(where, (), f"is not valid TOML: {cause}; mend that place") from error
    refuse_odd_numbers(tables, where)
    return tables


def refuse_odd_numbers(value: object, where: object, path: tuple[str, ...] = ()) -> None:
    """Raise ConfigError for infinities, absurd sizes and tables nested without end."""
    if len(path) > _DEEPEST:
        raise make_error(where, path[:3], "is nested too deeply; no table here is")
    if isinstance(value, dict):
        for key, item in value.items():
            refuse_odd_numbers(item, where, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            refuse_odd_numbers(item, where, (*path, str(index)))
    elif isinstance(value, Decimal):
        sound = value.is_finite() and len(value.as_tuple().digits) <= _MOST_DIGITS
        if not sound or (value and value.adjusted() not in _EXPONENTS):
            text = f"expected a number of sensible size and precision, found {shown(value)}"
            raise make_error(where, path, text)
    elif isinstance(value, int) and abs(value) >= 1 << 63:
        raise make_error(where, path, "expected a whole number below 2^63 in size")


def parse_override(text: str) -> Override:
    """Return one `KEY=VALUE`; a value that is not TOML is a string."""
    key, equals, value = text.partition("=")
    where = f"--set {text}"
    if not equals:
        raise make_error(where, (), 'expected KEY=VALUE, such as "crowds.noise.count=500"')
    return Override(parse_key_path(key, where), _parse_value(value.strip(), where), where)


def parse_key_path(text: str, where: object) -> tuple[str, ...]:
    """Return the parts of a dotted key; parts with dots or spaces stand in quotes."""
    parts: list[str] = []
    position, more = 0, "."
    while more == ".":
        found = _PART.match(text, position)
        if found is None:
            raise make_error(where, (), f'"{text}" is not a key path; write it as a.b.c')
        parts.append(next(part for part in found.groups()[:3] if part is not None))
        position, more = found.end(), found[4]
    return tuple(parts)


def _parse_value(text: str, where: object) -> object:
    """Return the TOML value that `text` is, or the text itself."""
    try:
        tables = tomllib.loads(f"value = {text}", parse_float=Decimal)
    except (ValueError, decimal.DecimalException, RecursionError):
        return text
    value = tables.pop("value")
    if tables:  # A line break in the text began another key.
        return text
    refuse_odd_numbers(value, where)
    return value


def apply_override(tables: Table, override: Override) -> None:
    """Set one value in place; tables on its way that are not there yet are made."""
    place: Any = tables
    for depth, part in enumerate(override.path[:-1], 1):
        place = _step(place, part, override)
        if not isinstance(place, dict | list):
            inside = written_path(override.path[:depth])
            raise make_error(
                override.where, override.path, f"{inside} is a value, with no keys inside"
            )
    last = override.path[-1]
    if isinstance(place, list) and last == str(len(place)):
        place.append(override.value)
    elif isinstance(place, list):
        place[_index(place, last, override)] = override.value
    else:
        place[last] = override.value


def displace(tables: Table, overrides: Iterable[Override]) -> None:
    """Take out of a file's tables the other answer to a question that an override answers."""
    given = {override.path for override in overrides}
    for chosen, other in (*_EITHER, *((b, a) for a, b in _EITHER)):
        place: Any = tables
        for part in other[:-1]:
            place = place.get(part) if isinstance(place, dict) else None
        if chosen in given and other not in given and isinstance(place, dict):
            place.pop(other[-1], None)


def _step(place: Any, part: str, override: Override) -> Any:  # noqa: ANN401  # TOML values
    """Return what `part` names inside a table or a list; after a list's last, a new table."""
    if isinstance(place, list):
        if part == str(len(place)):
            place.append({})
        return place[_index(place, part, override)]
    return place.setdefault(part, {})


def _index(place: list[Any], part: str, override: Override) -> int:
    """Return the position that `part` names in a list that has it."""
    if part.isdecimal() and part.isascii() and len(part) < 6 and int(part) < len(place):
        return int(part)
    text = f'"{part}" is no position; this list has {len(place)} entries, counted from 0'
    raise make_error(override.where, override.path, text)
