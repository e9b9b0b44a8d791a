"""What is wrong with a configuration, in one line that names the key and the mend.

msgspec decides what is valid. When it refuses, `locate` walks the same types once more to find the
innermost key that is at fault, because msgspec's own paths leave out the keys of tables with free
names, and to say what is expected there in a person's words.
"""

import datetime
import difflib
import types
import typing
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec

from environment.errors import ConfigError
from scenarios.config.secret import Secret
from scenarios.config.types import ClockTime, Duration, Money, Period, Price, read_scalar

_WORDS: Final[dict[object, str]] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    datetime.date: "a date such as 2014-06-06",
    Duration: 'a duration such as "30s"',
    Period: 'a duration such as "30s"',
    ClockTime: 'a time of day such as "09:30"',
    Money: "an amount such as 20_000 or 0.65",
    Price: "a price such as 0.01",
    Secret: '{ env = "NAME" } or { file = "PATH" }',
}


class Problem(NamedTuple):
    """One fault: the keys that lead to it, and what is expected and found there."""

    path: tuple[str, ...]
    text: str


def make_error(where: object, path: tuple[str, ...], text: str) -> ConfigError:
    """Return the error whose one line names file, key path, cause and mend."""
    key = f"{written_path(path)}: " if path else ""
    return ConfigError(" ".join(f"{where}: {key}{text}".split()))


def written_path(path: tuple[str, ...]) -> str:
    """Return a key path as TOML writes it: parts that are no bare key in quotes."""
    return ".".join(
        part if part and part.replace("_", "a").replace("-", "a").isalnum() else f'"{part}"'
        for part in path
    )


def shown(value: object) -> str:
    """Return a value as a person would write it in the file, cut where it is long."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def did_you_mean(word: str, known: list[str]) -> str:
    """Return a mend for an unknown name: the nearest known one, or all of them."""
    near = difflib.get_close_matches(word, known, n=1)
    return f'did you mean "{near[0]}"?' if near else f"known: {', '.join(known)}"


def locate(value: object, annotation: Any, path: tuple[str, ...] = ()) -> Problem | None:  # noqa: ANN401  # any type form
    """Return the innermost fault of `value` against a type, or None where it is valid."""
    try:
        msgspec.convert(value, annotation, dec_hook=read_scalar)
    except msgspec.ValidationError as error:
        text = str(error).partition(" - at ")[0]
    else:
        return None
    for problem in _inner(value, annotation, path):
        return problem
    if Secret in _members(annotation) and not isinstance(value, dict):
        return Problem(path, f"expected {describe(Secret)}; a secret never stands in a file itself")
    if text.startswith("expected "):  # One of our own checks, which says all there is to say.
        says_found = "found" in text or isinstance(value, dict | list)
        return Problem(path, text if says_found else f"{text}, found {shown(value)}")
    return Problem(path, f"expected {describe(annotation)}, found {shown(value)}")


def _inner(value: object, annotation: Any, path: tuple[str, ...]) -> Iterator[Problem]:  # noqa: ANN401  # any type form
    """Yield faults of the parts of `value`, in the order of the file."""
    members = [m for m in _members(annotation) if m is not type(None)]
    structs = [m for m in members if isinstance(m, type) and issubclass(m, msgspec.Struct)]
    if structs and isinstance(value, dict):
        yield from _in_table(value, structs, path)
        return
    for member in members:
        origin, arguments = typing.get_origin(member), typing.get_args(member)
        if origin is dict and isinstance(value, dict):
            for key, item in value.items():
                if locate(key, arguments[0]) is not None:
                    yield Problem((*path, key), f"expected {describe(arguments[0])} as the key")
                yield from _found(locate(item, arguments[1], (*path, key)))
        elif origin is tuple and isinstance(value, list):
            kinds = arguments[:1] * len(value) if arguments[-1] is ... else arguments
            for index, (item, kind) in enumerate(zip(value, kinds, strict=False)):
                yield from _found(locate(item, kind, (*path, str(index))))


def _in_table(
    value: dict[str, object], structs: list[type[msgspec.Struct]], path: tuple[str, ...]
) -> Iterator[Problem]:
    """Yield faults of a table that must be one of some structs, told apart by their tag."""
    tag_field = structs[0].__struct_config__.tag_field
    if tag_field is not None and (len(structs) > 1 or tag_field in value):
        kinds = {str(struct.__struct_config__.tag): struct for struct in structs}
        tag = value.get(tag_field)
        if tag is None:
            yield Problem((*path, tag_field), f"is missing; add one of {', '.join(kinds)}")
            return
        if not isinstance(tag, str) or tag not in kinds:
            mend = did_you_mean(str(tag), list(kinds))
            yield Problem((*path, tag_field), f"{shown(tag)} is not a {tag_field} here; {mend}")
            return
        structs = [kinds[tag]]
    fields = {field.encode_name: field for field in msgspec.structs.fields(structs[0])}
    for key, item in value.items():
        if key in fields:
            yield from _found(locate(item, fields[key].type, (*path, key)))
        elif key != tag_field:
            yield Problem((*path, key), f"is not a key here; {did_you_mean(key, list(fields))}")
    for name, field in fields.items():
        if field.required and name not in value:
            yield Problem((*path, name), f"is missing; add {describe(field.type)}")


def _found(problem: Problem | None) -> Iterator[Problem]:
    """Yield the problem, if there is one."""
    if problem is not None:
        yield problem


def _members(annotation: Any) -> list[Any]:  # noqa: ANN401  # any type form
    """Return the alternatives of a type, without what only annotates it."""
    if typing.get_origin(annotation) is Annotated:
        return _members(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        return [member for part in typing.get_args(annotation) for member in _members(part)]
    return [annotation]


def describe(annotation: Any) -> str:  # noqa: ANN401  # any type form
    """Return what a value of this type looks like, in words."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _bounded(describe(arguments[0]), arguments[1])
    if origin in {typing.Union, types.UnionType}:
        return _alternatives(arguments)
    if origin is Literal:
        words = [shown(option) for option in arguments]
        return words[0] if len(words) == 1 else f"one of {', '.join(words)}"
    if origin is tuple:
        if arguments[-1] is ...:
            return f"a list, each {describe(arguments[0])}"
        return f"a list of {len(arguments)} values, each {describe(arguments[0])}"
    return _WORDS.get(annotation, "a table")


def _alternatives(arguments: tuple[Any, ...]) -> str:
    """Return the alternatives of a union in words; tables only once, None not at all."""
    words = [describe(part) for part in arguments if part is not type(None)]
    return " or ".join(dict.fromkeys(words))


def _bounded(words: str, meta: msgspec.Meta) -> str:
    """Return words with the bounds that go with them."""
    if meta.description is not None:
        return meta.description
    signs = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    bounds = [
        f"{sign} {Decimal(str(getattr(meta, name))).normalize():f}"
        for name, sign in signs.items()
        if getattr(meta, name) is not None
    ]
    if meta.min_length is not None:
        bounds.append("not empty")
    return f"{words}, {' and '.join(bounds)}" if bounds else words
