"""XML and HTML that others wrote, read without trusting them: no entities, no depth without end."""

import html
import re
from html.parser import HTMLParser
from typing import Final
from xml.parsers import expat

from environment.errors import OperatingError

_DEEPEST: Final = 40
_SILENT: Final = frozenset({"script", "style", "head", "ix:header"})
_BREAKS: Final = frozenset({"p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "table"})
_BLANKS: Final = re.compile(r"[ \t\r\f\v\u00a0]+")


class BadMarkup(OperatingError):
    """A document cannot be read; the text says where and why."""


class Node:
    """One element: its name without a namespace, its attributes, its text and its children."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name, self.attributes = name, attributes
        self.text = ""
        self.children: list[Node] = []

    def first(self, *names: str) -> "Node | None":
        """Return the first child of one of these names, the names in order of preference."""
        for name in names:
            for child in self.children:
                if child.name == name:
                    return child
        return None

    def said(self, *names: str) -> str:
        """Return the text of the first child of one of these names, or ""."""
        child = self.first(*names)
        return child.text.strip() if child is not None else ""


def read_xml(content: bytes) -> Node:
    """Return the root element of a document.

    Raises
    ------
    BadMarkup
        If it is no XML, ends early, declares entities, or is nested without end.
    """
    parser = expat.ParserCreate()
    top = Node("", {})
    stack = [top]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > _DEEPEST:
            raise BadMarkup(f"expected at most {_DEEPEST} levels of elements")
        node = Node(name.rpartition(":")[2].lower(), attributes)
        stack[-1].children.append(node)
        stack.append(node)

    def end(name: str) -> None:  # noqa: ARG001  # The parser has matched it.
        stack.pop()

    def text(data: str) -> None:
        stack[-1].text += data

    def refuse(*told: object) -> None:
        raise BadMarkup(f"expected no entity declarations, found {told[0]!r}")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = text, refuse
    parser.buffer_text = True
    try:
        parser.Parse(content, True)  # noqa: FBT003  # The library's signature: this is all of it.
    except expat.ExpatError as error:
        raise BadMarkup(f"expected XML: {error}") from error
    return top.children[0]


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        hidden = any(k == "style" and "display:none" in (v or "").replace(" ", "")
                     for k, v in attrs)  # fmt: skip
        if tag in _SILENT or (self._silent and tag in {"div", "span"}) or hidden:
            self._silent += tag not in {"br", "img", "hr", "meta", "link", "input"}
        elif tag in _BREAKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._silent and (tag in _SILENT or tag in {"div", "span", "p", "td"}):
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def plain_text(content: str) -> str:
    """Return the visible text of HTML, a line for each block; plain text comes back as it is."""
    reader = _Text()
    reader.feed(content)
    reader.close()
    lines = (
        _BLANKS.sub(" ", line).strip() for line in html.unescape("".join(reader.pieces)).split("\n")
    )
    return "\n".join(line for line in lines if line)
