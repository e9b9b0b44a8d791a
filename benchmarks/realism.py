"""How real the market of a scenario is: the eleven statistics over many seeds, beside real days.

Prints one line per statistic (how many seeds pass, and each figure's range beside its band) and
writes all figures as JSON; run with `python -m benchmarks.realism`. Nothing but that file is
written: the tape is read from memory.
"""

import argparse
import resource
import statistics as summaries
import time
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from environment.actors.ports import NoRecorder
from environment.record.day import DayTape
from environment.record.market_day import MarketDay, of_tape
from environment.record.realism import Mark, marks, passes, statistics
from scenarios.builders.models import model_service, performers
from scenarios.builders.warm_up import compile_all
from scenarios.builders.world import build
from scenarios.config.load import load_config
from scenarios.protocol import PROTOCOL
from scenarios.realism_reference import load_realism

OUTPUT = Path("runs/bench/realism.json")
FEWEST_OF_ELEVEN = 9
_MEBIBYTE_KIB = 1024


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One simulated day: its marks, and what the marks do not say."""

    seed: int
    marks: dict[str, tuple[Mark, ...]]
    path_correlation: float  # Of minute mids with the fundamental.
    opening_gap_bps: float  # Of the opening auction's price from the fundamental; NaN without one.
    opening_share: float  # Of the day's volume, in the auction.
    closing_share: float
    trades: int
    wall_seconds: float

    @property
    def passed(self) -> tuple[str, ...]:
        """Return the statistics that pass."""
        return tuple(name for name, given in self.marks.items() if passes(given))


def simulate(
    scenario: str, seed: int, overrides: tuple[str, ...] = (), *, has_swarm: bool = True
) -> Day:
    """Return one day of a scenario in memory, marked against the real days' bands."""
    config = load_config(scenario, overrides, seed=seed)
    if not has_swarm:
        config = msgspec.structs.replace(config, swarm=None)
    blocks: list[NDArray[np.int64]] = []
    world = build(
        config, NoRecorder(), lambda rows: blocks.append(np.array(rows)), PROTOCOL,
        effects=performers(model_service(config)),
    )  # fmt: skip
    began = time.perf_counter()
    world.start_day(0)
    world.kernel.run_until(world.sessions[0].end_ns)
    world.market.flush_tape()
    wall = time.perf_counter() - began
    tape = DayTape(np.concatenate(blocks), world.facts)
    day = of_tape(tape)
    auction, first = _auctions(tape)
    value = world.paths[0][world.instruments[0].symbol]
    total = float(tape.trades.lots.sum()) or 1.0
    return Day(
        seed=seed, marks=marks(statistics(day), load_realism().bands),
        path_correlation=_path_correlation(day, value),
        opening_gap_bps=(first / float(value[0]) - 1.0) * 1e4,
        opening_share=auction[0] / total, closing_share=auction[1] / total,
        trades=len(tape.trades.lots), wall_seconds=wall,
    )  # fmt: skip


def _auctions(tape: DayTape) -> tuple[tuple[float, float], float]:
    """Return the lots of the opening and of the closing auction, and the opening price."""
    trades = tape.trades
    middle = (tape.facts.open_ns + tape.facts.close_ns) // 2
    printed = trades.aggressor == 0
    early, late = printed & (trades.time < middle), printed & (trades.time >= middle)
    first = float(trades.price_ticks[early][0]) if early.any() else float("nan")
    return (float(trades.lots[early].sum()), float(trades.lots[late].sum())), first


def _path_correlation(day: MarketDay, value: NDArray[np.float64]) -> float:
    mids = day.minute_mid
    each_minute = value[::60][: len(mids)]
    return float(np.corrcoef(mids[: len(each_minute)], each_minute)[0, 1])


def table(days: list[Day]) -> str:
    """Return one line per statistic, then each day's count."""
    lines = []
    for name in days[0].marks:
        count = sum(name in day.passed for day in days)
        lines.append(f"{name:<26} {count:>3}/{len(days)}")
        for place, mark in enumerate(days[0].marks[name]):
            values = sorted(day.marks[name][place].value for day in days)
            lines.append(
                f"    {mark.figure:<22} {values[0]:9.3f} {summaries.median(values):9.3f} "
                f"{values[-1]:9.3f}   band {mark.low:.3f} to {mark.high:.3f}"
            )
    lines += [
        f"seed {day.seed:<3} {len(day.passed):>2} of 11, missed {_missed(day)}; path "
        f"{day.path_correlation:.3f}, opening {day.opening_gap_bps:+.1f} bps off, auctions "
        f"{day.opening_share:.3f} and {day.closing_share:.3f} of volume, {day.trades:,} trades, "
        f"{day.wall_seconds:.1f} s"
        for day in days
    ]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MEBIBYTE_KIB
    return "\n".join([*lines, f"most memory {memory:,.0f} MiB"])


def _missed(day: Day) -> str:
    return ", ".join(name for name in day.marks if name not in day.passed) or "none"


def main() -> int:
    """Print and keep the marks; return 1 where a seed has fewer than nine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="opening_bell")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--crowd-only", action="store_true", help="leave the swarm out")
    asked = parser.parse_args()
    compile_all()
    days = [
        simulate(asked.scenario, seed, tuple(asked.set), has_swarm=not asked.crowd_only)
        for seed in range(asked.first, asked.first + asked.seeds)
    ]
    print(table(days))
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(days), indent=1))
    return int(any(len(day.passed) < FEWEST_OF_ELEVEN for day in days))


if __name__ == "__main__":
    raise SystemExit(main())
