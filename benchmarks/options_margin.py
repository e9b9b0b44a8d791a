"""How long margin takes: before an order with the bound, exactly by the program, and to liquidate.

Run as `python -m benchmarks.options_margin`; one thread. The target is 300 microseconds before an
order of an account with 200 positions.
"""

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, get_args

import numpy as np
from numpy.random import Generator, default_rng

from agents.clearing.closing_policy import next_closing
from benchmarks.figures import report
from environment.clearing_messages import AccountStanding
from environment.instruments import make_equity, make_option
from environment.options.margin import (
    MarginKind,
    MarginView,
    maintenance_of,
    make_view,
    margin_after,
)
from environment.options.margin_book import MarginTable, class_book, make_margin_table
from environment.options.margin_bound import bound_of_class
from environment.options.margin_groups import cheapest_grouping
from environment.options.margin_portfolio import implied_sigmas, make_risk_array
from environment.options.margin_rules import INITIAL, MAINTENANCE

TODAY = date(2014, 6, 6)
TARGET_US = 300.0


def make_table(expiries: int, strikes: int) -> MarginTable:
    """Return a stock near 100 and its calls and puts, 5 apart."""
    lowest = 100 - 5 * (strikes // 2)
    series = [
        make_option("A", TODAY + timedelta(days=14 + 28 * e), right, str(lowest + 5 * k))
        for e in range(expiries)
        for k in range(strikes)
        for right in ("call", "put")
    ]  # fmt: skip
    return make_margin_table([make_equity("A"), *series])


def make_marks(table: MarginTable, rng: Generator) -> dict[str, int]:
    """Return cents: intrinsic value and up to three dollars more."""
    marks = {"A": 10_000}
    for instrument in table.instruments[1:]:
        strike = (instrument.strike_micros or 0) // 10_000
        inside = 10_000 - strike if instrument.right == "call" else strike - 10_000
        marks[instrument.symbol] = max(inside, 0) + int(rng.integers(1, 300))
    return marks


def hold(table: MarginTable, count: int, rng: Generator) -> dict[str, int]:
    """Return so many positions, stock among them."""
    chosen = rng.choice(len(table.instruments) - 1, count - 1, replace=False) + 1
    lots = rng.choice([-4, -3, -2, -1, 1, 2, 3, 4], count - 1)
    held = {table.instruments[n].symbol: int(q) for n, q in zip(chosen, lots, strict=True)}
    return held | {"A": 500}


def view_of(table: MarginTable, kind: MarginKind, marks: dict[str, int]) -> MarginView:
    """Return a view with a risk array where the kind needs one."""
    view = make_view(table, kind, marks)
    if kind != "portfolio":
        return view
    sigmas = implied_sigmas(table, view.marks, view.spots, TODAY.toordinal())
    risk = make_risk_array(table, view.spots, sigmas, TODAY.toordinal())
    return make_view(table, kind, marks, risk=risk)


def best_us(call: Callable[[], Any], repeats: int) -> float:
    """Return the shortest of several runs in microseconds, after one that compiles."""
    call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds) * 1e6


def before_an_order() -> list[dict[str, object]]:
    """Time `margin_after` with 200 positions in one class, for each kind of account."""
    rng, table = default_rng(1), make_table(10, 20)
    marks, held = make_marks(table, rng), hold(table, 200, rng)
    leg = {table.instruments[50].symbol: 3}
    rows: list[dict[str, object]] = []
    for kind in get_args(MarginKind):
        view = view_of(table, kind, marks)
        taken = best_us(lambda view=view: margin_after(view, 10**13, held, leg), 300)  # type: ignore[misc]
        rows.append({"what": f"margin_after, 200 positions, {kind}", "us": taken,
                     "target us": TARGET_US})  # fmt: skip
    return rows


def exactly() -> list[dict[str, object]]:
    """Time the integer program, and count how often the bound equals it."""
    rng = default_rng(2)
    rows: list[dict[str, object]] = []
    for legs, table in ((5, make_table(2, 5)), (20, make_table(3, 10)), (100, make_table(8, 15))):
        equal, times = 0, []
        trials = 40 if legs < 100 else 3
        for _ in range(trials):
            marks = make_marks(table, rng)
            view = make_view(table, "reg_t", marks)
            lots = table.vector(hold(table, legs + 1, rng))
            book = class_book(table, 0, lots, view.marks, int(view.spots[0]))
            start = time.perf_counter()
            exact = [cheapest_grouping(book, b).required_micros for b in (INITIAL, MAINTENANCE)]
            times.append((time.perf_counter() - start) / 2)
            bound = bound_of_class(book.legs, book.shares, book.spot, book.percent)
            equal += list(bound) == exact
        median_us = 1e6 * float(np.median(times))
        rows.append({"what": f"integer program, {legs} random legs", "us": median_us,
                     "bound equals it": f"{equal} of {trials}"})  # fmt: skip
    return rows


def to_liquidate() -> list[dict[str, object]]:
    """Time one beat of the broker's office: maintenance of a called account, and what to close.

    Its contracts are written, as those of a seller of straddles; marks are new at every beat, so
    that nothing is remembered.
    """
    rng = default_rng(3)
    rows: list[dict[str, object]] = []
    for legs, table in ((20, make_table(3, 10)), (60, make_table(6, 15)), (100, make_table(8, 15))):
        chosen = table.instruments[1 :: max((len(table.instruments) - 1) // legs, 1)]
        positions = {instrument.symbol: -int(rng.integers(1, 5)) for instrument in chosen[:legs]}
        held = (table.instruments[0], *(i for i in chosen if i.symbol in positions))
        terms = {instrument.symbol: instrument for instrument in table.instruments}
        times = []
        for _ in range(20):
            marks = make_marks(table, rng)
            view = make_view(table, "reg_t", marks)
            start = time.perf_counter()
            required = maintenance_of(view, 0, table.vector(positions))
            standing = AccountStanding(
                account=9, kind="reg_t", cash_micros=0, positions=positions,
                marks={i.symbol: marks[i.symbol] for i in held},
                equity_micros=required.equity_micros,
                required_micros=required.required_micros,
            )  # fmt: skip
            assert next_closing(standing, terms, TODAY, 0.05) is not None
            times.append(time.perf_counter() - start)
        rows.append({"what": f"a liquidation's beat, {legs} written legs",
                     "us": 1e6 * float(np.median(times))})  # fmt: skip
    return rows


def main() -> None:
    """Print all figures and keep them under `runs/bench`."""
    report("options_margin", [*before_an_order(), *exactly(), *to_liquidate()])


if __name__ == "__main__":
    main()
