"""How fast the simulation kernel is: handled messages and fan-out, journal on.

Prints a table and writes it as JSON; run with `python -m benchmarks.kernel`. Each rate is given by
wall time and by the processor time of this process, which differ where other work shares the
cores; the kernel is one thread, so on a free core they agree.
"""

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.kernel_cast import ACTORS, Listener, Relay, Token, next_in_ring, quote_at
from environment.actors import (
    Actor,
    ActorContext,
    ActorRef,
    Constant,
    LatencySetting,
    Lognormal,
    Ports,
    Settings,
    SimulationKernel,
    UniformLink,
)
from environment.actors.ports import MemoryFile, NoRecorder, Recorder
from environment.messages import Resumed, TimerFired
from environment.record.journal import Header, Journal

OUTPUT = Path("runs/bench/kernel.json")
MICROSECOND_NS = 1_000

Rates = tuple[float, float]  # By wall time, by processor time.


class Quoter(Actor[Resumed | TimerFired]):
    """Publishes one quote each microsecond."""

    def receive(self, ctx: ActorContext, message: Resumed | TimerFired) -> None:  # noqa: ARG002
        """Publish, and set the next timer."""
        ctx.publish("quotes", quote_at(ctx.now_ns()))
        ctx.after(MICROSECOND_NS)


def now() -> Rates:
    """Return wall and processor time, seconds."""
    return time.perf_counter(), time.process_time()


def per_second(count: int, started: Rates) -> Rates:
    """Return a count as rates since a moment."""
    wall, processor = now()
    return count / (wall - started[0]), count / (processor - started[1])


class NullDisk:
    """Takes what is written and keeps nothing, so that only the journal's own work is timed."""

    def create(self, name: str) -> MemoryFile:  # noqa: ARG002  protocol
        """Return a file that forgets."""
        return _NullFile()

    def read(self, name: str) -> bytes:  # noqa: ARG002  protocol
        """Return nothing."""
        return b""


class _NullFile(MemoryFile):
    def write(self, data: bytes | memoryview) -> None:
        self.synced += len(data)


def relay_rate(
    pending: int, messages: int, latency: LatencySetting, *, journal: bool, busy_ns: int = 0
) -> Rates:
    """Return handled messages per second with `pending` tokens under way."""
    recorder: Recorder = Journal(NullDisk(), "bench", Header()) if journal else NoRecorder()
    settings = Settings(seed=1, thinking_ns={"actor": busy_ns} if busy_ns else {})
    kernel = SimulationKernel(settings, Ports(link=UniformLink(latency), recorder=recorder))
    for index in range(ACTORS):
        to: ActorRef[Token] = kernel.reference(next_in_ring(index))
        kernel.spawn(f"relay/{index}", partial(Relay, to, pending // ACTORS))
    slice_ns, until_ns = 10 * MICROSECOND_NS, 0
    while kernel.statistics().handled < ACTORS + pending * 2:  # Routes are open, tokens spread.
        until_ns += slice_ns
        kernel.run_until(until_ns)
    before, started = kernel.statistics().handled, now()
    while (done := kernel.statistics().handled - before) < messages:
        until_ns += slice_ns * max(1, messages // (10 * pending))
        kernel.run_until(until_ns)
    if isinstance(recorder, Journal):
        recorder.close()
    return per_second(done, started)


def fan_out_rate(subscribers: int, quotes: int) -> Rates:
    """Return deliveries per second of one publisher's quotes, journal on."""
    journal = Journal(NullDisk(), "bench", Header())
    link = UniformLink(Constant(nanoseconds=500))
    kernel = SimulationKernel(Settings(seed=1), Ports(link=link, recorder=journal))
    kernel.spawn("quoter", Quoter)
    for index in range(subscribers):
        kernel.spawn(f"listener/{index}", Listener)
    kernel.run_until(10 * MICROSECOND_NS)
    before, started = kernel.statistics().handled, now()
    kernel.run_until((10 + quotes) * MICROSECOND_NS)
    journal.close()
    return per_second(kernel.statistics().handled - before, started)


def measure(name: str, rates: Callable[[], Rates], repeats: int) -> dict[str, object]:
    """Return the least, median and greatest of several runs, and print them."""
    runs = []
    for _ in range(repeats):
        gc.collect()
        runs.append(rates())
    row: dict[str, object] = {"what": name}
    text = f"{name:<56}"
    for column, kind in enumerate(("wall", "cpu")):
        values = sorted(run[column] for run in runs)
        for label, value in (
            ("min", values[0]), ("median", statistics.median(values)), ("max", values[-1]),
        ):  # fmt: skip
            row[f"{kind}_{label}"] = round(value)
            text += f" {value / 1e6:7.3f}"
    print(text, flush=True)
    return row


def relay_rows(count: int, repeats: int) -> list[dict[str, object]]:
    """Return the rows of messages from actor to actor."""
    constant = Constant(nanoseconds=10 * MICROSECOND_NS)
    drawn = Lognormal(median_ns=10 * MICROSECOND_NS, sigma=0.5)
    cases: list[tuple[int, LatencySetting, str, bool, int]] = [
        (pending, latency, kind, journal, 0)
        for pending in (200, 10_000)
        for latency, kind in ((constant, "constant"), (drawn, "lognormal"))
        for journal in (True, False)
    ]
    cases.append((200, constant, "constant, 50 ns busy", True, 50))
    rows = []
    for pending, latency, kind, journal, busy_ns in cases:
        rate = partial(relay_rate, pending, count, latency, journal=journal, busy_ns=busy_ns)
        name = f"{pending} pending, {kind}, journal {'on' if journal else 'off'}"
        rows.append(measure(name, rate, repeats))
    return rows


def main() -> None:
    """Measure all and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    heads = " ".join(f"{head:>7}" for head in ("min", "median", "max") * 2)
    print(f"{'million per second, by wall time | by processor time':<56} {heads}")
    rows = relay_rows(arguments.messages, arguments.repeats)
    for subscribers in (10, 100, 1_000):
        quotes = max(100, 5 * arguments.messages // subscribers)
        name = f"quote to {subscribers} subscribers, journal on (deliveries)"
        rows.append(measure(name, partial(fan_out_rate, subscribers, quotes), arguments.repeats))
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
