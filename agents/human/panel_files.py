"""The panel's own pages, read into memory once: nothing is looked up by a name that a browser sent.

The chart script comes from the installed package. It is large, so it is packed once, and its name
holds its version: browsers keep it.
"""

import gzip
import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

_HERE: Final = Path(__file__).parent / "static"
_KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
CHARTS_NAME: Final = f"plotly-{version('plotly')}.js"


class StaticFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file as it is sent. `packed` is its gzip form, empty where packing gains little."""

    content: bytes
    kind: str
    tag: str
    packed: bytes = b""
    is_kept: bool = False  # Its name says its version: browsers need not ask again.


@cache
def static_files() -> dict[str, StaticFile]:
    """Return the panel's files by name."""
    return {
        path.name: _file(path.read_bytes(), _KINDS[path.suffix])
        for path in sorted(_HERE.iterdir())
        if path.suffix in _KINDS
    }


@cache
def chart_script() -> StaticFile:
    """Return the plotting script. Packing it takes some tenths of a second: call it in a thread."""
    content = (files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    return _file(content, _KINDS[".js"], is_kept=True)


@cache
def panel_version() -> str:
    """Return what tells one state of the panel's files from another."""
    digest = hashlib.sha256()
    for name, file in static_files().items():
        digest.update(f"{name}\0{file.tag}\0".encode())
    return digest.hexdigest()[:12]


def _file(content: bytes, kind: str, *, is_kept: bool = False) -> StaticFile:
    return StaticFile(
        content=content,
        kind=kind,
        tag=f'"{hashlib.sha256(content).hexdigest()[:24]}"',
        packed=gzip.compress(content, 6, mtime=0) if len(content) > 2_000 else b"",
        is_kept=is_kept,
    )
