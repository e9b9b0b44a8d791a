"""Forms: structs that an answer must fit, as strict JSON schemas and as decoders.

A form is strict where a model server can enforce it: every key required, none besides, references
resolved. Numbers keep their bounds for the decoder, which is the only judge; schemas that servers
get leave bounds out, because several of them refuse what they cannot enforce.
"""

import re
from typing import Any, Final, TypeVar

import msgspec

F = TypeVar("F", bound=msgspec.Struct)

_LONGEST: Final = 64_000  # Bytes; a longer answer is no answer to any form here.
_DEEPEST: Final = 24
_FENCED: Final = re.compile(r"\A```(?:json)?\s*\n(.*)\n```\Z", re.DOTALL)
_THOUGHT: Final = re.compile(r"\A<think>.*?</think>", re.DOTALL)
_UNENFORCED: Final = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
     "minItems", "maxItems", "pattern", "title", "default"}
)  # fmt: skip


class Malformed(ValueError):
    """An answer does not fit its form; the text says what was expected and found."""


def schema_of(form: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the strict JSON schema of a form."""
    (schema,), definitions = msgspec.json.schema_components([form], ref_template="{name}")
    strict = _strict(schema, definitions)
    assert isinstance(strict, dict), f"{form.__name__} has no schema"
    return strict


def _strict(node: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401  # JSON, as it comes.
    if isinstance(node, list):
        return [_strict(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _strict(definitions[str(node["$ref"])], definitions)
    kept = {key: value for key, value in node.items() if key not in _UNENFORCED}
    if "properties" in kept:
        properties = {k: _strict(v, definitions) for k, v in kept.pop("properties").items()}
        rest = {k: _strict(v, definitions) for k, v in kept.items() if k != "required"}
        return rest | {
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    return {key: _strict(value, definitions) for key, value in kept.items()}


def decode_answer(text: str, form: type[F]) -> F:
    """Return an answer as its form.

    A fenced block around the whole answer and a leading think block are taken off: small local
    models write them whatever they are told. Anything else beside the JSON makes it malformed.

    Raises
    ------
    Malformed
        If it is too long, not one JSON object, nested without end, or does not fit.
    """
    if len(text) > _LONGEST:
        raise Malformed(f"expected at most {_LONGEST:,} characters, found {len(text):,}")
    bare = _THOUGHT.sub("", text.strip(), count=1).strip()
    fenced = _FENCED.match(bare)
    body = fenced[1] if fenced else bare
    if not body:
        raise Malformed("expected one JSON object, found nothing")
    if _depth(body) > _DEEPEST:
        raise Malformed(f"expected at most {_DEEPEST} levels of nesting")
    try:
        return msgspec.json.decode(body.encode(), type=form, strict=True)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Malformed(" ".join(str(error).split())[:300]) from error


def _depth(text: str) -> int:
    """Return the deepest nesting of brackets, those inside strings counted too: an upper bound."""
    depth = deepest = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest
