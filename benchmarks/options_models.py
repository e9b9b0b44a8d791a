"""How fast and how exact the option models are, beside QuantLib and py_vollib where installed.

Prints a table and writes it as JSON; run with `python -m benchmarks.options_models`. One thread.
Times are processor time, the best of several runs, so that a busy machine disturbs less.
"""

import csv
import importlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import option_peers
from environment.options import american, black_scholes
from environment.options.implied_volatility import implied_volatility

OUTPUT = Path("runs/bench/options_models.json")
REFERENCE = Path(__file__).resolve().parent.parent / "tests" / "data" / "reference"
COUNT = 1_000_000
AMERICAN_COUNT = 20_000
PEER_COUNT = 4_000

Arrays = tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement: a task, who did it, options per second, and how good the answers were."""

    task: str
    implementation: str
    per_second: float
    quality: str


def best_seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the least processor time of several runs after one that compiles."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def random_market(count: int) -> Arrays:
    """Return spot, strike, years, volatility, rate, yield and right of `count` options."""
    draw = np.random.default_rng(20261122)
    spot, strike = draw.uniform(50.0, 150.0, count), draw.uniform(50.0, 150.0, count)
    years, sigma = draw.uniform(0.02, 2.0, count), draw.uniform(0.05, 0.8, count)
    rate, dividend = draw.uniform(-0.01, 0.08, count), draw.uniform(0.0, 0.05, count)
    return spot, strike, years, sigma, rate, dividend, draw.random(count) < 0.5


def table(name: str) -> list[dict[str, str]]:
    """Return the rows of a reference table."""
    with (REFERENCE / name).open(newline="") as file:
        return list(csv.DictReader(file))


def numbers(rows: list[dict[str, str]], *fields: str) -> Arrays:
    """Return columns of numbers, NaN where empty."""
    return tuple(np.array([float(row[field] or "nan") for row in rows]) for field in fields)


def peer(name: str) -> Any | None:  # noqa: ANN401  # a foreign module
    """Return a module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def grade(sigma: NDArray[np.float64]) -> str:
    """Return counts of wrong and of tight answers among the well-posed rows of the stress table."""
    rows = table("implied_vol_stress.csv")
    exact, unit = numbers(rows, "sigma_of_double_price", "rel_sigma_per_price_ulp")
    is_well_posed = np.array([row["status"] == "ok" for row in rows]) & (unit < 1e-10)
    error = np.abs(sigma[is_well_posed] / exact[is_well_posed] - 1.0)
    wrong = int(np.sum(~(error <= 1e-9)))
    tight = int(np.sum(error <= np.maximum(4.0 * unit[is_well_posed], 1e-14)))
    return f"{wrong} wrong, {tight} tight of {int(is_well_posed.sum())}"


def stress_arguments() -> Arrays:
    """Return price, spot, strike, years, rate, yield and right of the stress rows."""
    rows = table("implied_vol_stress.csv")
    columns = numbers(rows, "price", "S", "K", "T", "r", "q")
    return (*columns, np.array([row["flag"] == "C" for row in rows]))


def measure_greeks() -> list[Row]:
    """Time prices and greeks; the error is relative, over the 18-digit table."""
    rows = table("greeks_200.csv")
    arguments = (
        *numbers(rows, "S", "K", "T", "sigma", "r", "q"),
        np.array([row["flag"] == "C" for row in rows]),
    )
    got = black_scholes.price_and_greeks(*arguments)
    names = list(rows[0])[8:]
    errors = [np.abs(g / e - 1.0) for g, e in zip(got, numbers(rows, *names), strict=True)]
    quality = f"relative error at most {float(np.max(errors)):.1e}"
    market = random_market(COUNT)
    few = tuple(column[:PEER_COUNT] for column in market)
    tasks: list[tuple[str, Callable[..., object]]] = [
        ("price", black_scholes.price),
        ("price and 8 greeks", black_scholes.price_and_greeks),
        ("price and 12 greeks", black_scholes.all_greeks),
    ]
    return [
        Row(
            task=task,
            implementation="outcry",
            per_second=COUNT / best_seconds(lambda f=function: f(*market)),  # type: ignore[misc]  # bound now
            quality=quality,
        )
        for task, function in tasks
    ] + _peers_greeks(few)


def _peers_greeks(few: Arrays) -> list[Row]:
    """Time the greeks that the peers have, one option at a call: neither takes arrays."""
    found = []
    quantlib, vollib = peer("QuantLib"), peer("py_vollib.black_scholes_merton")
    if quantlib is not None:
        work = option_peers.quantlib_greeks(quantlib, few)
        found.append(("price and 8 greeks", "QuantLib", work, "3 of them other greeks"))
    if vollib is not None:
        greeks = importlib.import_module("py_vollib.black_scholes_merton.greeks.analytical")
        work = option_peers.vollib_greeks(vollib, greeks, few)
        found.append(("price and 5 greeks", "py_vollib", work, ""))
    return [
        Row(
            task=task,
            implementation=name,
            per_second=PEER_COUNT / best_seconds(call, 2),
            quality=note,
        )
        for task, name, call, note in found
    ]


def measure_implied() -> list[Row]:
    """Time implied volatility; quality is that of the stress table."""
    market = random_market(COUNT)
    spot, strike, years, _, rate, dividend, is_call = market
    price = black_scholes.price(*market)
    seconds = best_seconds(
        lambda: implied_volatility(price, spot, strike, years, rate, dividend, is_call)
    )
    quality = grade(implied_volatility(*stress_arguments())[0])
    found = [
        Row(
            task="implied volatility",
            implementation="outcry",
            per_second=COUNT / seconds,
            quality=quality,
        )
    ]
    columns = (price, spot, strike, years, rate, dividend, is_call)
    few = tuple(column[:PEER_COUNT] for column in columns)
    quantlib, vollib = peer("QuantLib"), peer("py_vollib.black_scholes_merton.implied_volatility")
    peers: list[tuple[str, Any, Callable[[Any, Arrays], option_peers.Call]]] = [
        ("QuantLib", quantlib, option_peers.quantlib_implied),
        ("py_vollib", vollib, option_peers.vollib_implied),
    ]
    for name, module, call in peers:
        if module is not None:
            seconds = best_seconds(call(module, few), 2)
            sigma = np.array(call(module, stress_arguments())())
            found.append(
                Row(
                    task="implied volatility",
                    implementation=name,
                    per_second=PEER_COUNT / seconds,
                    quality=grade(sigma),
                )
            )
    return found


def american_arguments() -> tuple[Arrays, NDArray[np.float64]]:
    """Return the arguments and the exact values of the reference table."""
    rows = table("american_options.csv")
    *columns, exact = numbers(rows, "S", "K", "T", "sigma", "r", "q", "american_continuous_qdfp")
    return (*columns, np.array([row["flag"] == "C" for row in rows])), exact


def measure_american() -> list[Row]:
    """Time American prices, cold and after a stock move, on the reference table repeated."""
    arguments, exact = american_arguments()
    error = float(np.max(np.abs(american.price(*arguments) - exact)))
    repeated = tuple(np.resize(column, AMERICAN_COUNT) for column in arguments)
    cold = best_seconds(lambda: american.price(*repeated), 2)
    spot, strike, *rest = arguments
    boundary = american.solve_boundary(*rest)
    moved = spot * np.linspace(0.98, 1.02, AMERICAN_COUNT // 20)[:, None]
    warm = best_seconds(lambda: american.reprice(boundary, moved, strike))
    quality = f"error at most {error:.1e}"
    found = [
        Row(
            task="American, cold",
            implementation="outcry",
            per_second=AMERICAN_COUNT / cold,
            quality=quality,
        ),
        Row(
            task="American, stock moved",
            implementation="outcry",
            per_second=moved.size / warm,
            quality=quality,
        ),
    ]
    quantlib = peer("QuantLib")
    if quantlib is not None:
        found.append(_quantlib_row(quantlib, arguments, exact))
    return found


def _quantlib_row(ql: Any, arguments: Arrays, exact: NDArray[np.float64]) -> Row:  # noqa: ANN401  # foreign
    today = ql.Date(1, 1, 2026)
    ql.Settings.instance().evaluationDate = today
    count_days = ql.Actual365Fixed()
    options = []
    for spot, strike, years, sigma, rate, dividend, is_call in zip(*arguments, strict=True):
        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(float(spot))),
            ql.YieldTermStructureHandle(ql.FlatForward(today, float(dividend), count_days)),
            ql.YieldTermStructureHandle(ql.FlatForward(today, float(rate), count_days)),
            ql.BlackVolTermStructureHandle(
                ql.BlackConstantVol(today, ql.NullCalendar(), float(sigma), count_days)
            ),
        )
        days = round(365 * float(years))
        kind = ql.Option.Call if is_call else ql.Option.Put
        option = ql.VanillaOption(
            ql.PlainVanillaPayoff(kind, float(strike)), ql.AmericanExercise(today, today + days)
        )
        engine = ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.accurateScheme())
        option.setPricingEngine(engine)
        # Whole days only: rows whose time is not a whole number of days show no error.
        options.append((option, abs(days - 365 * float(years)) < 1e-9))

    def work() -> list[float]:
        for option, _ in options:
            option.recalculate()
        return [option.NPV() for option, _ in options]

    seconds = best_seconds(work, 20)
    pairs = zip(work(), exact, options, strict=True)
    error = max(abs(value - right) for value, right, (_, is_whole) in pairs if is_whole)
    return Row(
        task="American, cold",
        implementation="QuantLib QdFp accurate",
        per_second=len(options) / seconds,
        quality=f"error at most {error:.1e}",
    )


def main() -> None:
    """Measure, print, and keep the figures."""
    rows = [*measure_greeks(), *measure_implied(), *measure_american()]
    for row in rows:
        print(f"{row.task:24}{row.implementation:24}{row.per_second:>14,.0f}/s  {row.quality}")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
