"""Prompts are versioned files: `NAME.vN.md`. A run keeps name, version and hash, and the text."""

import hashlib
import re
from pathlib import Path
from typing import Final

import msgspec

from environment.errors import ConfigError

_NAME: Final = re.compile(r"([a-z_]+)\.v([0-9]+)\.md")


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """The content of one prompt file; `label` is its name and version."""

    name: str
    version: int
    text: str
    sha256: str

    @property
    def label(self) -> str:
        """Return such as "news.v1"."""
        return f"{self.name}.v{self.version}"


def load_prompt(folder: Path, name: str, version: int | None = None) -> Prompt:
    """Return a prompt file of a folder: one version of it, or the newest.

    Raises
    ------
    ConfigError
        If there is no such file.
    """
    found: dict[int, Path] = {}
    for file in folder.glob(f"{name}.v*.md"):
        match = _NAME.fullmatch(file.name)
        if match is not None and match[1] == name:
            found[int(match[2])] = file
    wanted = max(found, default=0) if version is None else version
    if wanted not in found:
        raise ConfigError(f"{folder / name}.v{wanted or 1}.md: there is no such prompt file")
    text = found[wanted].read_text("utf-8").strip()
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Prompt(name=name, version=wanted, text=text, sha256=digest)
