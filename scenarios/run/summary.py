"""`summary.json`: what every run says about itself in one small file."""

from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from environment.actors.statistics import KernelStatistics
from environment.market import layout as at
from scenarios.builders.replay import REPLAY, replay_summary
from scenarios.builders.world import World
from scenarios.run.journal_facts import message_facts
from scenarios.run.option_results import option_summary
from scenarios.run.result import RunResult
from scenarios.run.session_loop import JOURNAL


def summary_of(
    world: World, statistics: KernelStatistics, digest: str, wall: float, phases: dict[str, float],
    result: RunResult,
) -> dict[str, Any]:  # fmt: skip
    """Return the summary of a run; wall-clock figures stand here and never in the journal."""
    arena = world.market.arena
    first, last = world.sessions[0], world.sessions[-1]
    return {
        "scenario": world.config.scenario.name,
        "seed": world.config.scenario.seed,
        "simulated_seconds": (min(int(arena[at.H_NOW]), last.end_ns) - first.start_ns) / 1e9,
        "wall_seconds": round(wall, 4),
        "phases": {name: round(seconds, 4) for name, seconds in phases.items()},
        "messages": statistics.handled + world.exchange.state.taken,
        "book_events": int(arena[at.H_BOOK_EVENTS]),
        "events": int(arena[at.H_EVENTS]),
        "trades": int(arena[at.H_TRADES]),
        "wake_ups": int(arena[at.H_WAKES]),
        "journal_sha256": digest,
        "accounts": _accounts(result),
        "orders": _orders(result),
        "refused": int(arena[at.H_REFUSED]),
        "clearing": [msgspec.to_builtins(event) for event in world.clearing_events],
        "kernel": _kernel(statistics, result.folder / JOURNAL),
        "configuration": msgspec.json.decode(world.config.canonical()),
        **_replay(world, result),
        **option_summary(world, result),
    }


def _replay(world: World, result: RunResult) -> dict[str, Any]:
    """Return what a replayed recording came to, where there was one."""
    if world.recorded is None:
        return {}
    table = pl.read_parquet(result.folder / REPLAY)
    return {"replay": replay_summary(world.recorded, table)}


def _accounts(result: RunResult) -> dict[str, Any]:
    """Return count and profit by population; each account stands in `accounts.parquet`."""
    populations = result.populations
    return {str(row["population"]): row for row in populations.to_dicts()}


def _orders(result: RunResult) -> dict[str, int]:
    lives = result.order_lives
    counts = lives.group_by("state").agg(pl.len().alias("count")).sort("state")
    return {str(row["state"]): int(row["count"]) for row in counts.to_dicts()}


def _kernel(statistics: KernelStatistics, journal: Path) -> dict[str, Any]:
    """Return what the kernel counted; wall time is of a sample, all else is exact.

    `handled` and `busy_ns` of a handler leave market data out, which no journal holds.
    """
    kinds = {actor.address: actor.kind for actor in statistics.actors}
    facts = message_facts(journal, kinds)
    cost: dict[str, float] = {}
    for actor in statistics.actors:
        if actor.handled:
            cost[actor.kind] = max(cost.get(actor.kind, 0.0), actor.busy_ns / actor.handled)
    busiest = sorted(statistics.actors, key=lambda actor: -actor.handled)[:50]
    handlers = []
    for slow in statistics.slowest:
        handled = facts.messages.get((slow.kind, slow.message), slow.samples)
        handlers.append({
            "actor": slow.kind, "message": slow.message, "handled": handled,
            "busy_ns": round(handled * cost.get(slow.kind, 0.0)),
            "wall_ns": handled * slow.mean_ns, "samples": slow.samples,
            "longest_ns": slow.longest_ns,
        })  # fmt: skip
    return {
        "handled": statistics.handled,
        "actors": [msgspec.to_builtins(actor) for actor in busiest],
        "handlers": handlers,
        "latencies": [msgspec.to_builtins(row) for row in facts.latencies[:50]],
        "latency": [msgspec.to_builtins(bucket) for bucket in statistics.latency],
    }
