"""Secrets of the configuration: always a place, never the secret."""

from typing import Annotated

import msgspec
from msgspec import Meta

Place = Annotated[str, Meta(min_length=1, max_length=1000)]


class Secret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret is; never the secret itself."""

    env: Place | None = None
    file: Place | None = None

    def __post_init__(self) -> None:
        """Refuse a secret that is nowhere, or in two places."""
        if (self.env is None) == (self.file is None):
            raise ValueError('expected either { env = "NAME" } or { file = "PATH" }')
