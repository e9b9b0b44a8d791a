"""One way to compile: cached, exact, and never stale.

Numba decides whether a cached function is stale from the file that holds it alone, so a function
that calls another file would silently keep the old callee. Here the cache folder itself is named by
a digest of every source file that the compiled code of a package can reach.
"""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

from environment.inlining import EntryCompiler, PartCompiler, without_literals

_ROOT = Path(__file__).resolve().parent.parent
# What compiled code of a folder may call besides its own folder and `environment/draws.py`.
_REACHES = {
    "agents/crowd": ("environment/market",),
    "environment/record": ("environment/market/layout.py",),
}

F = TypeVar("F", bound=Callable[..., Any])


def cache_root() -> Path:
    """Return the folder under which compiled code is kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "outcry" / "compiled"


@cache
def cache_folder(package: str) -> Path:
    """Return the cache folder of one package, named by the digest of all it can reach."""
    digest = hashlib.blake2b(numba.__version__.encode(), digest_size=8)
    files = [_ROOT / "environment" / name for name in ("compiled.py", "inlining.py", "draws.py")]
    for folder in (package, *_REACHES.get(package, ())):
        path = _ROOT / folder
        files += [path] if path.is_file() else sorted(path.glob("*.py"))
    for file in files:
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    return cache_root() / f"{package.replace('/', '-')}-{digest.hexdigest()}"


def is_cached(package: str) -> bool:
    """Return whether compiled code of a package as it stands is kept from an earlier run."""
    return next(cache_folder(package).rglob("*.nbi"), None) is not None


def _prepare(function: F) -> None:
    package = Path(function.__code__.co_filename).resolve().parent.relative_to(_ROOT).as_posix()
    numba.config.CACHE_DIR = str(cache_folder(package))


def njit(function: F) -> F:
    """Compile an entry point: callable from Python, cached on disk, no fast-math, no GIL."""
    if numba.config.DISABLE_JIT:
        return function
    _prepare(function)
    compiled = numba.njit(
        cache=True,
        pipeline_class=EntryCompiler,
        nogil=True,
        error_model="numpy",
        fastmath=False,
    )(function)
    return without_literals(compiled)  # type: ignore[no-any-return]  # Numba ships no types.


def inner(function: F) -> F:
    """Compile a part of an entry point: callable from compiled code alone (see `inlining`)."""
    if numba.config.DISABLE_JIT:
        return function
    compiled = numba.njit(
        pipeline_class=PartCompiler,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        _nrt=False,
        nogil=True,
        error_model="numpy",
        fastmath=False,
    )(function)
    return without_literals(compiled)  # type: ignore[no-any-return]  # Numba ships no types.
