"""The event loop of the daemon's processes: uvloop where it is installed, asyncio's own elsewhere.

A round of uvloop's loop costs a fraction of one of asyncio's, and an order's way has several.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_factory: Callable[[], asyncio.AbstractEventLoop] | None
try:
    import uvloop
except ImportError:  # Not every machine has a wheel of it.
    _factory = None
else:
    _factory = uvloop.new_event_loop

R = TypeVar("R")


def run_loop(main: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine to its end on a new event loop, and return what it returns."""
    with asyncio.Runner(loop_factory=_factory) as runner:
        return runner.run(main)


def loop_name() -> str:
    """Return whose event loop `run_loop` uses."""
    return "asyncio" if _factory is None else "uvloop"
