"""The registry of message classes, and the one decoder made from it."""

from collections.abc import Iterable
from functools import cached_property, reduce
from operator import or_
from typing import Any, TypeVar

import msgspec

from environment.actors.envelope import Envelope
from environment.errors import ConfigError
from environment.messages import PROTOCOL as SHARED_PROTOCOL, Message

T = TypeVar("T")


class Protocol:
    """Every message class of a run, by tag; refuses two classes of one tag.

    Packages export tuples of classes; `scenarios` joins them here, the shared ones come first.
    """

    def __init__(self, *packages: Iterable[type[Message]]) -> None:
        self.classes: dict[str, type[Message]] = {}
        for package in (SHARED_PROTOCOL, *packages):
            for message_class in package:
                self._add(message_class)

    def _add(self, message_class: type[Message]) -> None:
        tag = str(message_class.__struct_config__.tag)
        other = self.classes.setdefault(tag, message_class)
        if other is not message_class:
            raise ConfigError(
                f"Two message classes have the tag {tag!r}: {other.__module__} and "
                f"{message_class.__module__}; rename one."
            )

    @cached_property
    def union(self) -> Any:  # noqa: ANN401  no static type for a union made at run time
        """The union of all message classes, as a type that msgspec decodes."""
        return reduce(or_, self.classes.values())

    def decoder(self, shape: type[T]) -> "msgspec.msgpack.Decoder[Any]":
        """Return a decoder of `shape[union]`, where `shape` is generic in its message."""
        return msgspec.msgpack.Decoder(shape[self.union])  # type: ignore[index]

    @cached_property
    def envelopes(self) -> "msgspec.msgpack.Decoder[Envelope[Message]]":
        """Decoder of one envelope."""
        return self.decoder(Envelope)

    @cached_property
    def messages(self) -> "msgspec.msgpack.Decoder[Message]":
        """Decoder of one message."""
        return msgspec.msgpack.Decoder(self.union)

    def schemas(self) -> dict[str, Any]:
        """Return the JSON schemas of all messages, for the journal's header."""
        _, components = msgspec.json.schema_components(tuple(self.classes.values()))
        return components
