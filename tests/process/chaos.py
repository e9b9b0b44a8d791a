"""`make chaos`: a daemon whose parts are killed, stopped and halted at random, for ten minutes.

After each blow all that `soundness` asks: no order twice, none unowned, nothing unknown, positions
equal the venue's, every checksum of the journal holds. The seed is printed; the same seed gives the
same blows, though not the same moments in the market.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.process.daemon import Processes
from tests.process.soundness import assert_sound
from tests.process.venue_record import HALTED_WITHIN_NS, assert_halted


class Storm:
    """Blows, one after the other."""

    def __init__(self, processes: Processes, seed: int) -> None:
        self.processes = processes
        self._random = random.Random(seed)
        self.counts: dict[str, int] = {}
        self.halted_s: list[tuple[float, float]] = []  # The whole command, and the venue's part.

    def blow(self) -> str:
        """Strike once, let it recover, check, and return what was done."""
        blows: list[Callable[[], None]] = [
            self.kill_swarm, self.kill_swarm, self.kill_swarm, self.kill_venue, self.kill_watchdog,
            self.term_swarm, self.stop_and_halt, self.kill_both,
        ]  # fmt: skip
        chosen = self._random.choice(blows)
        time.sleep(self._random.random() * 3)  # Anywhere in an order's life.
        chosen()
        self.check()
        name = chosen.__name__
        self.counts[name] = self.counts.get(name, 0) + 1
        return name

    def check(self) -> None:
        """Raise AssertionError if anything is lost, doubled, unowned, unknown or damaged."""
        assert_sound(self.processes)
        self.processes.lift()

    def kill_swarm(self) -> None:
        self.processes.kill("swarm")
        self._restart()

    def term_swarm(self) -> None:
        self.processes.kill("swarm", signal.SIGTERM)
        assert self.processes.swarm is not None
        assert self.processes.swarm.wait(60) == 0, "it did not end in order"
        self.processes.start()

    def kill_venue(self) -> None:
        self.processes.kill("venue")

    def kill_watchdog(self) -> None:
        self.processes.kill("watchdog")

    def kill_both(self) -> None:
        self.processes.kill("venue")
        self.processes.kill("swarm")
        self._restart()

    def stop_and_halt(self) -> None:
        self.processes.stop_with_orders()
        began_s = time.monotonic()
        done = self.processes.command("halt", str(self.processes.file))
        took_s = time.monotonic() - began_s
        assert "0 orders work" in done.stdout, done.stderr
        self.halted_s.append((took_s, assert_halted(self.processes)))
        self.processes.kill("swarm", signal.SIGCONT)
        self.processes.wait_state("halted")
        assert_halted(self.processes)

    def tell_halts(self) -> int:
        """Print how long the longest halt of a stopped swarm took; 1 if that was above 2 s."""
        if not self.halted_s:
            return 0
        command_s, venue_s = (max(column) for column in zip(*self.halted_s, strict=True))
        print(f"no open order {command_s:.2f} s after outcry halt was typed, at most")
        print(f"of that the venue took {venue_s * 1e3:.0f} ms")
        return int(command_s > HALTED_WITHIN_NS / 1e9)

    def _restart(self) -> None:
        assert self.processes.swarm is not None
        self.processes.swarm.wait(30)
        self.processes.start()


def main() -> int:
    """Run a storm."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    asked = parser.parse_args()
    print(f"seed {asked.seed}")
    with tempfile.TemporaryDirectory() as folder:
        processes = Processes(Path(folder))
        try:
            processes.start()
            processes.add_person()
            storm, end_s = Storm(processes, asked.seed), time.monotonic() + asked.seconds
            while time.monotonic() < end_s:
                name = storm.blow()
                print(f"{asked.seconds - (end_s - time.monotonic()):6.0f} s  {name}", flush=True)
        finally:
            processes.close()
    print(f"held: {', '.join(f'{name} {count}' for name, count in sorted(storm.counts.items()))}")
    return storm.tell_halts()


if __name__ == "__main__":
    sys.exit(main())
