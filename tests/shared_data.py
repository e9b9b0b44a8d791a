"""Where the shared real data lie; tests that need them are skipped where they are missing."""

import os
from functools import cache
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent


@cache
def shared_folder() -> Path:
    """Return the folder of shared data, named by OUTCRY_SHARED (default: beside the repository)."""
    return (_ROOT / os.environ.get("OUTCRY_SHARED", "../shared")).resolve()


def shared(path: str) -> Path:
    """Return a shared file, as in `shared("data/rates/...")`, or skip the calling test."""
    file = shared_folder() / path
    if not file.exists():
        pytest.skip(f"{path} is not in the shared folder; set OUTCRY_SHARED to its place")
    return file
