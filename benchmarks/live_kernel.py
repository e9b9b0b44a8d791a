"""How fast the live kernel is: tells, round trips, fan-out; bounded, supervised inboxes.

Prints a table and writes it as JSON; run with `python -m benchmarks.live_kernel`. Rates are given
by wall time and by the processor time of this process: the kernel is one thread, so on a free core
they agree.
"""

import argparse
import asyncio
import gc
import statistics
import time
from collections.abc import Callable
from functools import partial

from benchmarks.figures import report
from benchmarks.kernel_cast import ACTORS, Listener, Relay, Token, next_in_ring, quote_at
from environment.actors import Actor, ActorContext, ActorRef, LiveKernel, LiveRun
from environment.messages import Resumed


class Pinger(Actor[Resumed | Token]):
    """Sends a token to and fro, and keeps the duration of each round trip, ns."""

    def __init__(self, to: ActorRef[Token], durations: list[int]) -> None:
        self._to, self._durations = to, durations
        self._started = 0

    def receive(self, ctx: ActorContext, message: Resumed | Token) -> None:
        """Note how long the trip took, and begin the next."""
        now = time.perf_counter_ns()
        if isinstance(message, Token):
            self._durations.append(now - self._started)
        else:
            message_to = Token(number=0)
            self._started = now
            ctx.send(self._to, message_to)
            return
        self._started = now
        ctx.send(self._to, message)


async def drain_until(kernel: LiveKernel, is_done: Callable[[], bool]) -> tuple[float, float]:
    """Run a kernel on the event loop until something holds; return wall and processor seconds."""
    running = asyncio.create_task(LiveRun(kernel).run())
    while not kernel.measures.turns:  # noqa: ASYNC110  the kernel is not to be slowed by events
        await asyncio.sleep(0)
    wall, cpu = time.perf_counter(), time.process_time()
    while not is_done() and not running.done():  # noqa: ASYNC110  as above
        await asyncio.sleep(0)
    spent = time.perf_counter() - wall, time.process_time() - cpu
    kernel.stop("measured")
    for cell in kernel.floor.cells.values():  # Tokens would go round for ever.
        cell.is_up = False
    await running
    return spent


def handled(kernel: LiveKernel) -> int:
    """Return how many messages were handled."""
    return sum(cell.handled for cell in kernel.floor.cells.values())


def relay(pending: int, messages: int) -> tuple[float, float]:
    """Return messages per second with `pending` tokens under way among 100 actors."""
    kernel = LiveKernel()
    for index in range(ACTORS):
        to: ActorRef[Token] = kernel.reference(next_in_ring(index))
        kernel.spawn(f"relay/{index}", partial(Relay, to, pending // ACTORS))
    wall, cpu = asyncio.run(drain_until(kernel, lambda: handled(kernel) >= messages))
    done = handled(kernel)
    return done / wall, done / cpu


def fan_out(subscribers: int, quotes: int) -> tuple[float, float]:
    """Return deliveries per second of quotes that a gateway publishes."""
    kernel = LiveKernel()
    for index in range(subscribers):
        kernel.spawn(f"listener/{index}", Listener)
    while kernel.turn():
        pass
    quote = quote_at(1)
    before, left = handled(kernel), quotes
    wall, cpu = time.perf_counter(), time.process_time()
    while left or not kernel.is_quiet():
        for _ in range(min(left, 5)):
            kernel.admit_topic("feed", "quotes", quote)
        left -= min(left, 5)
        kernel.turn()
    done = handled(kernel) - before
    return done / (time.perf_counter() - wall), done / (time.process_time() - cpu)


def round_trips(count: int) -> list[int]:
    """Return the durations of round trips between two actors, ns, sorted."""
    durations: list[int] = []
    kernel = LiveKernel()
    there: ActorRef[Token] = kernel.reference("there")
    here: ActorRef[Token] = kernel.reference("here")
    kernel.spawn("here", lambda: Pinger(there, durations))
    kernel.spawn("there", lambda: Relay(here, 0))
    gc.collect()
    asyncio.run(drain_until(kernel, lambda: len(durations) >= count))
    return sorted(durations)


def rate_row(
    name: str, measure: Callable[[], tuple[float, float]], repeats: int
) -> dict[str, object]:
    """Return the least, median and greatest of several runs, million per second."""
    runs = []
    for _ in range(repeats):
        gc.collect()
        runs.append(measure())
    row: dict[str, object] = {"what": name}
    for column, kind in enumerate(("wall", "cpu")):
        values = sorted(run[column] / 1e6 for run in runs)
        row |= {f"{kind} min": values[0], f"{kind} median": statistics.median(values)}
        row[f"{kind} max"] = values[-1]
    return row


def main() -> None:
    """Measure all and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    rows = [
        rate_row(
            f"messages, {pending} under way", partial(relay, pending, given.messages), given.repeats
        )
        for pending in (200, 10_000)
    ]
    for subscribers in (10, 100):
        measure = partial(fan_out, subscribers, given.messages // subscribers)
        rows.append(
            rate_row(f"a quote to {subscribers} actors, deliveries", measure, given.repeats)
        )
    print("million per second")
    report("live_kernel", rows)
    durations = round_trips(given.messages // 4)
    names = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
    trips = {name: durations[int(len(durations) * at)] / 1e3 for name, at in names.items()}
    print("round trip between two actors, microseconds")
    report("live_round_trip", [{"trips": len(durations), **trips}])


if __name__ == "__main__":
    main()
