"""A comparison: every arm of a scenario with every seed, on all cores, and one table of all."""

import math
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from environment.record.files import write_whole
from environment.record.market_day import of_tape
from environment.record.realism import BASIS_POINTS
from scenarios.builders.floor import SWARM_ACCOUNT
from scenarios.builders.warm_up import compile_all
from scenarios.config.load import Config, load_arm
from scenarios.report.compare import Figures, comparison_page, headline_figures, interval
from scenarios.run.result import REPORT, SUMMARY, RunResult

_TELLING: Final = (
    "profit of the swarm", "orders asked about", "yes", "no", "expired", "median wait, s",
    "kept back by people", "gains missed by people", "losses saved by people", "net cost of people",
    "kept back by limits", "net cost of limits",
)  # fmt: skip
_MARKET: Final = (
    "1-minute volatility, bps", "largest minute, bps", "median spread, bps",
    "depth at the touch, lots", "trades", "volume, lots",
)  # fmt: skip


class ArmRun(msgspec.Struct, frozen=True):
    """What one run hands back to the comparison."""

    arm: str
    seed: int
    figures: dict[str, float]
    path: list[float]
    summary: dict[str, Any]


def compare(
    scenario: str, config: Config, folder: Path, settings: list[str], seed: int | None,
    tell: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Run all arms and seeds into `folder/ARM/SEED`, and write the comparison beside them.

    Parameters
    ----------
    seed : runs that seed alone; None: those of the file.
    tell : takes a line for each run that has ended.

    Raises
    ------
    ConfigError
        If an arm cannot run.
    """
    asked = config.scenario.compare
    assert asked is not None, f"{scenario} compares nothing"
    seeds = [seed] if seed is not None else list(range(asked.seeds[0], asked.seeds[1] + 1))
    jobs = [(scenario, settings, arm, one, folder) for arm in asked.arms for one in seeds]
    began = time.perf_counter()
    tell("compiling the market core, once on a machine")
    compile_all()  # Here, so that the workers find it done and not each do it.
    runs: dict[tuple[str, int], ArmRun] = {}
    for run in _performed(jobs):
        runs[run.arm, run.seed] = run
        tell(f"{len(runs)} of {len(jobs)}: {run.arm}, seed {run.seed}")
    ordered = {arm: [runs[arm, one] for one in seeds] for arm in asked.arms}
    summary = _summary(config, seeds, ordered) | {
        "wall_seconds": round(time.perf_counter() - began, 2)
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / REPORT, _page(config, ordered).encode())
    write_whole(folder / SUMMARY, msgspec.json.format(msgspec.json.encode(summary), indent=2))
    return summary


def show_lines(summary: dict[str, Any]) -> Iterator[str]:
    """Yield the table as lines for a terminal."""
    arms = summary["arms"]
    known = {name for arm in arms.values() for name in arm["figures"]}
    telling = [name for name in (*_TELLING, *_MARKET) if name in known]
    width = max(map(len, telling))
    yield f"{'':<{width}}  " + "  ".join(f"{arm:>22}" for arm in arms)
    for name in telling:
        cells = []
        for arm in arms.values():
            found = arm["figures"].get(name, {"mean": None, "half_width": None})
            cells.append(_shown(found["mean"], found["half_width"]))
        yield f"{name:<{width}}  " + "  ".join(f"{cell:>22}" for cell in cells)


def _performed(jobs: list[tuple[str, list[str], str, int, Path]]) -> Iterator[ArmRun]:
    workers = min(len(jobs), os.cpu_count() or 1)
    if workers == 1:
        yield from map(run_arm, jobs)
        return
    # A fresh interpreter each: compiled code and threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(run_arm, jobs)


def run_arm(job: tuple[str, list[str], str, int, Path]) -> ArmRun:
    """Run one arm with one seed; called in a process of its own."""
    from scenarios.run.runner import run_scenario  # noqa: PLC0415  heavy, and the parent needs none

    scenario, settings, arm, seed, folder = job
    result = run_scenario(load_arm(scenario, settings, arm, seed), folder / arm / str(seed))
    mids = of_tape(result.day, result.main_instrument).minute_mid
    path = [round(float(v), 2) for v in BASIS_POINTS * np.log(mids / mids[0])] if len(mids) else []
    figures = figures_of(result.summary) | _market_figures(result)
    return ArmRun(arm, seed, figures, path, _short(result.summary))


def _market_figures(result: RunResult) -> dict[str, float]:
    """Return what the market came to; the swarm's own profit stands in the summary already."""
    found = headline_figures(result)
    return {
        name: value
        for name, value in found.items()
        if math.isfinite(value) and name != f"profit of {SWARM_ACCOUNT}"
    }


def figures_of(summary: dict[str, Any]) -> dict[str, float]:
    """Return what is compared between arms, by name; what a run lacks is left out."""
    account = summary["accounts"].get(SWARM_ACCOUNT, {})
    approvals, gate = summary["approvals"], summary.get("gate", {})
    people, limits = gate.get("people", {}), gate.get("limits", {})
    found = {
        "profit of the swarm": account.get("pnl"),
        "trades of the swarm": account.get("trades"),
    }
    if not approvals["asked"] and not gate.get("orders"):
        return _known(found)  # Nothing was asked of anybody: a page of noughts says no more.
    return _known(found) | _known({
        "orders asked about": approvals["asked"],
        "yes": approvals["yes"],
        "no": approvals["no"],
        "expired": approvals["expired"],
        "median wait, s": approvals.get("median_wait_seconds"),
        "kept back by people": people.get("kept_back"),
        "gains missed by people": people.get("cost"),
        "losses saved by people": people.get("saved"),
        "net cost of people": people.get("net_cost"),
        "kept back by limits": limits.get("kept_back"),
        "net cost of limits": limits.get("net_cost"),
    })  # fmt: skip


def _known(found: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in found.items() if value is not None}


def _short(summary: dict[str, Any]) -> dict[str, Any]:
    names = ("seed", "journal_sha256", "orders", "approvals", "gate", "audit", "wall_seconds")
    return {name: summary[name] for name in names if name in summary}


def _summary(config: Config, seeds: list[int], arms: dict[str, list[ArmRun]]) -> dict[str, Any]:
    first = next(iter(arms))
    return {
        "scenario": config.scenario.name,
        "about": config.scenario.about,
        "seeds": seeds,
        "arms": {
            arm: {
                "figures": _with_intervals([run.figures for run in runs]),
                f"profit less {first}": _difference(runs, arms[first]),
                "runs": [run.summary for run in runs],
            }
            for arm, runs in arms.items()
        },
    }


def _with_intervals(runs: list[dict[str, float]]) -> dict[str, dict[str, float | None]]:
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: _mean(interval([run[name] for run in runs if name in run])) for name in names}


def _difference(runs: list[ArmRun], first: list[ArmRun]) -> dict[str, float | None]:
    """Return the mean difference of profit to the first arm, seed by seed, with its band."""
    name = "profit of the swarm"
    pairs = zip(runs, first, strict=True)
    return _mean(interval([a.figures.get(name, 0.0) - b.figures.get(name, 0.0) for a, b in pairs]))


def _mean(found: tuple[float, float]) -> dict[str, float | None]:
    mean, half = found
    return {
        "mean": round(mean, 4) if np.isfinite(mean) else None,
        "half_width": round(half, 4) if np.isfinite(half) else None,
    }


def _page(config: Config, arms: dict[str, list[ArmRun]]) -> str:
    figures: dict[str, list[Figures]] = {
        arm: [run.figures for run in runs] for arm, runs in arms.items()
    }
    paths = {arm: [run.path for run in runs] for arm, runs in arms.items()}
    return comparison_page(config.scenario.name, figures, paths, about=config.scenario.about)


def _shown(mean: float | None, half: float | None) -> str:
    if mean is None:
        return "-"
    return f"{mean:,.2f}" if half is None else f"{mean:,.2f} ± {half:,.2f}"
