"""Speed and accuracy of Heston, SABR and chains to surfaces, beside QuantLib where it is there.

Run as `python -m benchmarks.options_surfaces`; one thread, but for torch. Each figure is the best
of several runs, because other work on the machine only ever slows one down.
"""

import csv
import importlib
import importlib.util
import json
import os
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray

from benchmarks import option_peers
from environment.options import (
    american,
    black_scholes,
    heston,
    heston_calibration,
    heston_simulation,
    implied_volatility,
    sabr,
    surface_fit,
)
from environment.options.chain import QuotedChain, make_chain

OUT = Path("runs/bench/options_surfaces.json")
STRIKES = np.linspace(80.0, 120.0, 10)
YEARS = np.linspace(30 / 365, 3.0, 10)[:, None]
MODEL = {"v0": 0.04, "kappa": 1.5, "theta": 0.04, "sigma": 0.5, "rho": -0.7}
HARD = {"v0": 0.04, "kappa": 0.5, "theta": 0.04, "sigma": 1.0, "rho": -0.9}
RATE, DIVIDEND = 0.03, 0.01

Column = NDArray[np.float64]
Row = tuple[str, float, str, str]


def best_seconds(call: Callable[[], Any], repeats: int = 30) -> float:
    """Return the shortest of several runs, after one that compiles."""
    call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def heston_prices() -> list[Row]:
    """Prices per second and the largest difference to a run at 1e-16."""
    rows: list[Row] = []
    for name, model in (("typical", MODEL), ("Feller violated", HARD)):

        def run(
            model: dict[str, float] = model, tolerance: float = heston.TOLERANCE
        ) -> NDArray[np.float64]:
            return heston.price(
                100.0, STRIKES, YEARS, 0.02, 0.01, True, tolerance=tolerance, **model
            )

        error = float(np.abs(run() - run(tolerance=1e-16)).max())
        speed = 100.0 / best_seconds(run, 300)
        rows.append((f"Heston 10x10 surface, {name}", speed, "prices/s", f"error {error:.1e}"))
    return rows


def heston_rows() -> list[Row]:
    """Rows of the reference table, each with its own parameters."""
    path = Path(__file__).resolve().parent.parent / "tests/data/reference/heston_european.csv"
    with path.open(newline="") as file:
        table = list(csv.DictReader(file))
    columns = {
        name: np.array([float(row[name]) for row in table])
        for name in ("S", "K", "T", "r", "q", "v0", "kappa", "theta", "sigma", "rho")
    }
    exact = np.array([float(row["mpmath_20digits"]) for row in table])
    spot, strike, years, rate, dividend = (columns.pop(name) for name in ("S", "K", "T", "r", "q"))

    def run() -> NDArray[np.float64]:
        return heston.price(
            spot, strike, years, rate, dividend, True,
            v0=columns["v0"], kappa=columns["kappa"], theta=columns["theta"],
            sigma=columns["sigma"], rho=columns["rho"],
        )  # fmt: skip

    error = float(np.abs(run() - exact).max())
    columns = {name: np.tile(column, 50) for name, column in columns.items()}
    spot, strike, years, rate, dividend = (
        np.tile(column, 50) for column in (spot, strike, years, rate, dividend)
    )
    speed = exact.size * 50 / best_seconds(run, 10)
    return [("Heston reference rows", speed, "prices/s", f"error {error:.1e}")]


def quoted(truth: Column) -> tuple[Column, Column, Column, Column]:
    """Return forward, strike, years and volatility of one random surface."""
    names = ("v0", "kappa", "theta", "sigma", "rho")
    model = dict(zip(names, truth, strict=True))
    is_call = STRIKES >= 100.0
    price = heston.price(100.0, STRIKES, YEARS, 0.0, 0.0, is_call, **model)
    vol, _ = implied_volatility.implied_from_forward(price, 100.0, STRIKES, YEARS, is_call)
    is_good = np.isfinite(vol) & (price > 1e-9)
    strike, years = (np.broadcast_to(x, vol.shape)[is_good] for x in (STRIKES, YEARS))
    return np.full(strike.size, 100.0), strike, years, vol[is_good]


def heston_calibrations() -> list[Row]:
    """Hundred random truths from perturbed starts: time and recoveries."""
    rng = default_rng(1)
    seconds, hits = [], 0
    for _ in range(100):
        truth = rng.uniform([0.01, 0.5, 0.01, 0.1, -0.9], [0.15, 5.0, 0.15, 1.0, 0.3])
        start = truth * np.exp(rng.uniform(-0.4, 0.4, 5))
        start[4] = np.clip(truth[4] + rng.uniform(-0.3, 0.3), -0.95, 0.95)
        quotes = quoted(truth)
        fit = heston_calibration.calibrate(*quotes, start=start)
        hits += bool(np.abs(fit.parameters / truth - 1.0).max() < 1e-4)
        call = partial(heston_calibration.calibrate, *quotes, start=start)
        seconds.append(best_seconds(call, 3))
    note = f"{hits} of 100 recovered, slowest {max(seconds) * 1e3:.2f} ms"
    return [("Heston calibration, 100 quotes, mean", float(np.mean(seconds)) * 1e3, "ms", note)]


def sabr_calibrations() -> list[Row]:
    """One expiry of ten strikes, exact and noisy."""
    strikes = 100.0 * np.exp(np.linspace(-0.4, 0.3, 10))
    exact = sabr.volatility(100.0, strikes, 0.7, 2.5, 0.5, 0.8, -0.45)
    noisy = exact + 0.002 * default_rng(2).standard_normal(10)
    rows: list[Row] = []
    for name, vol in (("exact", exact), ("noisy", noisy)):
        call = partial(sabr.calibrate, 100.0, strikes, 0.7, vol, 0.5)
        seconds = best_seconds(call, 2000)
        fit = sabr.calibrate(100.0, strikes, 0.7, vol, 0.5)
        note = f"rmse {fit.volatility_rmse:.1e}, {fit.steps} steps"
        rows.append((f"SABR calibration, 10 strikes, {name}", seconds * 1e3, "ms", note))
    return rows


def simulations() -> list[Row]:
    """Hundred thousand paths of one year in 26 steps, priced at one strike."""
    rows: list[Row] = []
    backends: list[heston_simulation.Backend] = ["compiled"]
    backends += ["torch"] if importlib.util.find_spec("torch") else []
    exact = float(heston.price(100.0, 100.0, 1.0, 0.02, 0.01, True, **MODEL))
    for backend in backends:

        def run(backend: heston_simulation.Backend = backend) -> heston_simulation.SimulatedPrice:
            log_price, _ = heston_simulation.simulate_terminal(
                default_rng(3), 100_000, 26, 1.0, **MODEL, backend=backend
            )
            return heston_simulation.simulated_price(log_price, 100.0, 100.0, 1.0, 0.02, 0.01, True)

        seconds = best_seconds(run, 10)
        found = run()
        bias = (found.price[0] - exact) / found.standard_error[0]
        note = f"off by {bias:+.2f} standard errors of {found.standard_error[0]:.4f}"
        rows.append((f"Heston Monte Carlo 100k x 26, {backend}", seconds * 1e3, "ms", note))
    return rows


def make_quotes(style: str) -> QuotedChain:
    """Return 2,000 quotes on 20 expiries from a Heston smile, with spreads and cent rounding."""
    price = american.price if style == "american" else black_scholes.price
    days = [
        7,
        14,
        21,
        30,
        35,
        45,
        50,
        60,
        75,
        90,
        100,
        120,
        150,
        180,
        270,
        365,
        540,
        730,
        900,
        1095,
    ]
    model = {"v0": 0.05, "kappa": 1.5, "theta": 0.06, "sigma": 0.6, "rho": -0.6}
    parts = []
    for years in np.array(days) / 365.0:
        forward = 100.0 * np.exp((RATE - DIVIDEND) * years)
        width = max(0.25 * years**0.5, 0.06)
        strikes = np.round(forward * np.exp(np.linspace(-1.6 * width, 1.2 * width, 50)), 1)
        is_call = strikes >= forward
        outer = heston.price(100.0, strikes, years, RATE, DIVIDEND, is_call, **model)
        paid = outer * np.exp(RATE * years)
        sigma, _ = implied_volatility.implied_from_forward(paid, forward, strikes, years, is_call)
        for side in (False, True):
            mid = price(100.0, strikes, years, sigma, RATE, DIVIDEND, side)
            half = 0.01 + 0.01 * mid
            bid, ask = np.maximum(np.round(mid - half, 2), 0.0), np.round(mid + half, 2)
            parts.append(np.stack([strikes, 0 * mid + years, 0 * mid + side, bid, ask]))
    strike, time_left, side, bid, ask = np.concatenate(parts, axis=1)
    return make_chain(strike, time_left, side > 0.5, bid, ask)


def chains() -> list[Row]:
    """Raw chain to checked surface."""
    rows: list[Row] = []
    styles: tuple[tuple[surface_fit.Style, float | None], ...] = (
        ("european", None),
        ("american", RATE),
    )
    for style, rate in styles:
        quotes = make_quotes(style)
        call = partial(surface_fit.surface_from_chain, quotes, 100.0, style, rate)
        found = call()
        note = f"{found.strike.size} used, {len(found.breaches)} breaches"
        name = f"{quotes.size} {style} quotes to a surface"
        rows.append((name, best_seconds(call, 10) * 1e3, "ms", note))
    return rows


def quantlib_heston() -> list[Row]:
    """The same Heston surface priced and calibrated in QuantLib, where it is installed."""
    if importlib.util.find_spec("QuantLib") is None:
        return []
    ql: Any = importlib.import_module("QuantLib")
    (today, rate, dividend), null = option_peers.quantlib_curves(ql), ql.NullCalendar()
    quote = ql.SimpleQuote(100.0)
    spot = ql.QuoteHandle(quote)
    process = ql.HestonProcess(rate, dividend, spot, *MODEL.values())
    model = ql.HestonModel(process)
    engine = ql.AnalyticHestonEngine(model, 144)
    days = [int(d) for d in np.linspace(30, 3 * 365, 10).round()]
    options = [
        ql.VanillaOption(
            ql.PlainVanillaPayoff(ql.Option.Call, strike), ql.EuropeanExercise(today + d)
        )
        for d in days
        for strike in STRIKES
    ]
    for option in options:
        option.setPricingEngine(engine)

    def price() -> None:
        quote.setValue(201.0 - quote.value())  # A changed spot makes it price afresh.
        for option in options:
            option.NPV()

    times = np.array(days)[:, None] / 365.0
    forward, is_call = 100.0 * np.exp(0.01 * times), STRIKES >= 100.0
    paid = np.exp(0.02 * times) * heston.price(100.0, STRIKES, times, 0.02, 0.01, is_call, **MODEL)
    quotes, _ = implied_volatility.implied_from_forward(paid, forward, STRIKES, times, is_call)

    def calibrate() -> None:
        begun = ql.HestonProcess(rate, dividend, spot, 0.05, 1.2, 0.05, 0.4, -0.5)
        shown = ql.HestonModel(begun)
        shown_engine = ql.AnalyticHestonEngine(shown, 64)
        helpers = []
        for i, d in enumerate(days):
            for j, strike in enumerate(STRIKES):
                volatility = ql.QuoteHandle(ql.SimpleQuote(float(quotes[i, j])))
                helper = ql.HestonModelHelper(
                    ql.Period(d, ql.Days), null, 100.0, float(strike), volatility, rate, dividend
                )
                helper.setPricingEngine(shown_engine)
                helpers.append(helper)
        shown.calibrate(
            helpers, ql.LevenbergMarquardt(), ql.EndCriteria(200, 50, 1e-10, 1e-10, 1e-10)
        )

    speed = 100.0 / best_seconds(price)
    quote.setValue(100.0)
    ours = heston.price(100.0, STRIKES, times, 0.02, 0.01, True, **MODEL)
    error = max(abs(option.NPV() - x) for option, x in zip(options, ours.flat, strict=True))
    seconds = best_seconds(calibrate, 3)
    return [
        ("QuantLib AnalyticHeston, 144 nodes", speed, "prices/s", f"{error:.1e} from ours"),
        ("QuantLib Heston calibration, 100 quotes", seconds * 1e3, "ms", "one truth, one start"),
    ]


def quantlib_others() -> list[Row]:
    """The same SABR expiry and Heston paths in QuantLib, where it is installed."""
    if importlib.util.find_spec("QuantLib") is None:
        return []
    ql: Any = importlib.import_module("QuantLib")
    strikes = 100.0 * np.exp(np.linspace(-0.4, 0.3, 10))
    smile = sabr.volatility(100.0, strikes, 0.7, 2.5, 0.5, 0.8, -0.45)
    fit = option_peers.quantlib_sabr(ql, 100.0, strikes, 0.7, smile, 0.5)
    alpha, nu, rho = fit()
    fitted = sabr.volatility(100.0, strikes, 0.7, alpha, 0.5, nu, rho)
    rmse = float(np.sqrt(np.mean((fitted - smile) ** 2)))
    paths = option_peers.quantlib_heston_paths(ql, MODEL, 100_000, 26)
    seconds = best_seconds(paths, 1)
    price, error = paths()
    exact = float(heston.price(100.0, 100.0, 1.0, 0.02, 0.01, True, **MODEL))
    note = f"off by {(price - exact) / error:+.2f} standard errors of {error:.4f}"
    return [
        (
            "QuantLib SABR, 10 strikes, exact",
            best_seconds(fit, 200) * 1e3,
            "ms",
            f"rmse {rmse:.1e}",
        ),
        ("QuantLib Heston Monte Carlo 100k x 26", seconds * 1e3, "ms", note),
    ]


def main() -> None:
    """Print the table and write it as JSON."""
    parts = (
        heston_prices, heston_rows, heston_calibrations, sabr_calibrations, simulations, chains,
        quantlib_heston, quantlib_others,
    )  # fmt: skip
    rows = [row for part in parts for row in part()]
    for name, value, unit, note in rows:
        print(f"{name:45} {value:14,.4g} {unit:9} {note}")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "rows": [dict(zip(("name", "value", "unit", "note"), r, strict=True)) for r in rows],
    }
    OUT.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
