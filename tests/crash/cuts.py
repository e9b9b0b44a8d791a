"""Cuts a run of the desk after every step of its record, recovers it, and looks for harm.

`python -m tests.crash.cuts` makes ten thousand cuts; `python -m tests.crash.cuts SEED CUT` makes
the one that failed again.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping

import msgspec

from environment.draws import Stream, stream_key
from environment.errors import OperatingError
from environment.record.faulty_disk import Crash, FaultyDisk, Loss
from tests.crash.desk import Process
from tests.crash.outside import HIGH, LOW, MILLISECOND, Faults, Outside

ORDERS = 7
PAGE = 256  # Bytes by which a disk that fills up gets larger from one cut to the next.
SECOND = 1_000 * MILLISECOND
START_NS = 1_000 * SECOND
DOWN_NS = 300 * MILLISECOND
LONGEST_NS = 60 * SECOND


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a seed stands for."""

    loss: Loss  # What a cut takes: the process, or the power.
    sync_every: int  # 1: each step is durable before it leaves.
    link: tuple[float, float, float]  # Loss, doubling, delay.
    ties: str
    segment_bytes: int
    fills_up: bool  # The disk is full after so many pages as the cut's number, instead of a cut.

    @classmethod
    def of(cls, seed: int) -> "Plan":
        """Return a seed's plan: every mixture comes in turn."""
        rng = Stream(stream_key(seed, "plan"))
        is_bad = seed % 3 == 2
        is_late = seed % 11 == 5  # Steps leave before they are synced, and the power fails.
        is_short = seed % 7 == 3  # Segments end often, and where syncs are late, so do snapshots.
        loss: Loss = "power" if seed % 2 or is_late else "kill"
        return cls(
            loss=loss,
            sync_every=4 if is_late or (is_short and loss == "kill") else 1,
            link=(0.1 * rng.uniform(), 0.2 * rng.uniform(), 0.3) if is_bad else (0.0, 0.0, 0.0),
            ties="seeded" if seed % 5 < 2 else "sequence",
            segment_bytes=2_000 if is_short else 1 << 20,
            fills_up=seed % 13 == 6,
        )


class Harm(AssertionError):
    """Something that must hold does not."""


def run_cut(seed: int, cut: int) -> bool:
    """Run a seed's desk, end it in operation `cut` of its disk, recover, and run on to the end.

    Returns whether the run was cut: a later cut than its last operation leaves it whole.
    """
    plan = Plan.of(seed)
    outside = Outside(seed, Faults(*plan.link))
    disk = FaultyDisk(seed, cut_at=None if plan.fills_up else cut)
    disk.bytes_left = cut * PAGE if plan.fills_up else None
    end_ns = _life(plan, seed, disk, outside, START_NS, ORDERS)
    if end_ns is None:
        return False
    # The second process may be cut too, soon after its start; the third is left alone.
    rng = Stream(stream_key(seed * 1_000_003 + cut, "again"))
    again = rng.integer(1, 12) if rng.uniform() < 0.3 else None
    for next_cut in (again, None):
        disk = disk.crash(plan.loss, cut_at=next_cut, seed=seed + cut)
        outside.die_with_desk(end_ns + DOWN_NS)
        died_ns = _life(plan, seed, disk, outside, end_ns + DOWN_NS, 2)
        if died_ns is None:
            break
        end_ns = died_ns
    return True


def _life(
    plan: Plan, seed: int, disk: FaultyDisk, outside: Outside, begin_ns: int, orders: int
) -> int | None:
    """Run one process and look for harm; return when it was cut, or None if it was not."""
    process = None
    try:
        process = _start(plan, seed, disk, outside, begin_ns, orders)
        _run(process, is_bad=plan.link[2] > 0)
    except (Crash, OperatingError):
        return begin_ns if process is None else process.kernel.now_ns()
    check(process, outside, may_break=plan.sync_every > 1 and plan.loss == "power")
    return None


def _start(
    plan: Plan, seed: int, disk: FaultyDisk, outside: Outside, begin_ns: int, orders: int
) -> Process:
    process = Process(
        disk, outside, seed=seed, begin_ns=begin_ns, sync_every=plan.sync_every,
        ties="seeded" if plan.ties == "seeded" else "sequence", orders=orders,
        segment_bytes=plan.segment_bytes,
    )  # fmt: skip
    process.begin()
    # A cut falls between any two steps, and no step takes a part of a unit in.
    desk, venue = process.custodian.state.table.positions, outside.venue_positions
    for whose, positions in (("the desk", desk), ("the venue", venue)):
        if not in_ratio(positions):
            raise Harm(f"{whose} holds legs out of ratio: {_held(positions)}")
    return process


def _run(process: Process, *, is_bad: bool) -> None:
    """Run until nothing is open any more; over a bad link, until what was lost has been missed."""
    kernel = process.kernel
    first_ns = kernel.now_ns() + (15 if is_bad else 2) * SECOND
    end_ns = kernel.now_ns() + LONGEST_NS
    kernel.run_until(first_ns)
    while kernel.now_ns() < end_ns:
        state = process.custodian.state
        if not (state.table.unknown() or state.ahead or state.wants_account) and state.is_connected:
            break
        kernel.run_until(kernel.now_ns() + 2 * SECOND)


def check(process: Process, outside: Outside, *, may_break: bool = False) -> None:
    """Raise Harm unless the desk and the venue agree on every order and every lot.

    `may_break`: steps were lost after their orders had left, so a difference may have been found,
    said and settled; it may not be left.
    """
    table = process.custodian.state.table
    intents = [name.split(".", 2)[-1] for name in outside.submitted]
    faults = {
        "an order was entered twice": len(intents) != len(set(intents)),
        "an outcome is unknown": table.unknown() != 0,
        f"the records differed: {process.witness.breaks}": (
            process.witness.breaks != [] and not may_break
        ),
        "a handler raised": process.kernel.dead_letters != (),
        "the desk holds other orders than the venue": table.orders.keys() != outside.working.keys(),
        "positions differ": (
            _held(table.positions) != _held(outside.positions)
            or _held(table.positions) != _held(outside.venue_positions)
            or _held(table.positions)
            != _held(
                {symbol: one.position for symbol, one in process.risk.state.book.account.items()}
            )
        ),
        "legs are out of ratio": not in_ratio(table.positions),
        "risk reserves for other orders": (
            {held.tracked.order_id for held in table.orders.values()}
            != set(process.risk.state.book.orders)
        ),
    }
    found = [text for text, holds in faults.items() if holds]
    if found:
        raise Harm("; ".join(found))


def _held(positions: Mapping[str, int]) -> dict[str, int]:
    return {symbol: lots for symbol, lots in positions.items() if lots}


def in_ratio(positions: Mapping[str, int]) -> bool:
    """Return whether what is held of the structure's legs is whole units of it."""
    return positions.get(HIGH, 0) == -2 * positions.get(LOW, 0)


def cuts(count: int, first_seed: int = 1) -> Iterator[tuple[int, int]]:
    """Make so many cuts and yield each (seed, cut) that did no harm; each run is cut everywhere."""
    made, seed, cut = 0, first_seed, 1
    while made < count:
        try:
            was_cut = run_cut(seed, cut)
        except Exception as error:
            place = f"python -m tests.crash.cuts {seed} {cut}"
            raise Harm(f"{type(error).__name__}: {error}; again with: {place}") from error
        if was_cut:
            yield seed, cut
            made, cut = made + 1, cut + 1
        else:
            seed, cut = seed + 1, 1


def main() -> int:
    """Make many cuts, or one again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int, nargs="?")
    parser.add_argument("cut", type=int, nargs="?")
    parser.add_argument("--cuts", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=1)
    given = parser.parse_args()
    if given.cut is not None:
        run_cut(given.seed, given.cut)
        print("nothing was lost, doubled or left unowned")
        return 0
    started, seeds = time.perf_counter(), set()
    for seed, _ in cuts(given.cuts, given.first_seed):
        seeds.add(seed)
    seconds, cpu = time.perf_counter() - started, time.process_time()
    print(
        f"{given.cuts} cuts of {len(seeds)} runs in {seconds:.1f} s ({cpu:.1f} s of processor time)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
