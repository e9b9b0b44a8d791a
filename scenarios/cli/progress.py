"""Shows a run on a terminal, as plain lines elsewhere, and turns Ctrl-C into a clean end."""

import datetime
import signal
import time
import zoneinfo
from types import FrameType, TracebackType
from typing import Any, Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress as RichProgress, TaskID, TextColumn

from scenarios.run.progress import Phase

_REDRAW_SECONDS: Final = 0.2
_LINE_SECONDS: Final = 15.0
_TITLES: Final[dict[Phase, str]] = {
    "import": "loading libraries",
    "compile": "the market core",
    "build": "building the market",
    "loop": "running",
    "write": "writing results",
}


class TerminalProgress:
    """A bar with simulated time, events per second and time left; Ctrl-C asks the run to end.

    The first Ctrl-C ends the loop at its next tick, so that everything recorded is whole; before
    the loop, and at the second press, it ends the process like anywhere else.
    """

    def __init__(self, console: Console, *, visible: bool = True) -> None:
        self._console, self._visible = console, visible
        self._phase: Phase = "import"
        self._start_ns, self._end_ns, self._zone = 0, 1, zoneinfo.ZoneInfo("UTC")
        self._loop_began = self._last_shown = 0.0
        self._stopping = False
        self._previous_handler: Any = None
        self._bar: RichProgress | None = None
        self._task = TaskID(0)

    def __enter__(self) -> Self:
        self._previous_handler = signal.signal(signal.SIGINT, self._interrupt)
        if self._visible and self._console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[say]}"),
            )
            self._bar = RichProgress(*columns, console=self._console, auto_refresh=False)
            self._bar.start()
            self._task = self._bar.add_task("starting", total=None, say="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._previous_handler)
        if self._bar is not None:
            self._bar.stop()

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads what is said here."""
        return self._console.is_terminal

    def say(self, text: str) -> None:
        """Print a line that is no progress; also where progress is not shown."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def phase(self, phase: Phase, detail: str = "") -> None:
        """Show the phase that begins."""
        self._phase = phase
        if phase == "loop":
            self._loop_began = self._last_shown = time.monotonic()
        title = f"{_TITLES[phase]}{f': {detail}' if detail else ''}"
        if self._bar is not None:
            self._bar.update(self._task, description=title, total=None, say="", refresh=True)
        elif self._visible:
            self._console.print(title, highlight=False)

    def span(self, start_ns: int, end_ns: int, zone: str) -> None:
        """Take note of what the loop will cover."""
        self._start_ns, self._end_ns = start_ns, max(end_ns, start_ns + 1)
        self._zone = zoneinfo.ZoneInfo(zone)

    def tick(self, now_ns: int, events: int, deliveries: int) -> bool:
        """Show how far the loop is, a few times a second; False after Ctrl-C."""
        now = time.monotonic()
        wait = _REDRAW_SECONDS if self._bar is not None else _LINE_SECONDS
        if self._visible and now - self._last_shown >= wait:
            self._last_shown = now
            self._show(now_ns, events + deliveries, now - self._loop_began)
        return not self._stopping

    def _show(self, now_ns: int, handled: int, elapsed: float) -> None:
        """Draw one state of the loop."""
        done, total = now_ns - self._start_ns, self._end_ns - self._start_ns
        left = elapsed * (total - done) / done if done > 0 else 0.0
        moment = datetime.datetime.fromtimestamp(now_ns // 1_000_000_000, self._zone)
        say = f"{moment:%Y-%m-%d %H:%M:%S}  {handled / elapsed:,.0f} events/s  {left:.0f} s left"
        if self._bar is not None:
            self._bar.update(self._task, total=total, completed=done, say=say, refresh=True)
        else:
            self._console.print(f"{100 * done / total:3.0f} %  {say}", highlight=False)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """Handle Ctrl-C."""
        if self._stopping or self._phase not in {"loop", "write"}:
            raise KeyboardInterrupt
        self._stopping = True
