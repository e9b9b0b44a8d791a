"""`outcry evaluate --disguise`: whether a model knows the past, or reads what it is shown.

The same questions three times: with real names, dates and prices; in disguise; and about a
synthetic world whose returns are drawn, in blocks, from the same stock's. A model that answers
better about the real past than about the same past in disguise remembers it: that difference is
the memorisation gap, and nothing that such a model earns in a test on the past says anything.
"""

import io
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Final, Literal

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from agents.analysts import FORMS, PROMPTS
from agents.analysts.forms import View
from environment.draws import Stream, stream_key
from environment.feeds.files import read_bytes
from llm.disguise import make_disguise
from llm.messages import AskModel, ModelAnswer, Part
from llm.prompts import load_prompt
from llm.service import ModelService
from scenarios.builders.models import routes_of
from scenarios.config.swarm import Swarm
from scenarios.places import SHIPPED

Arm = Literal["real", "disguised", "synthetic"]

ARMS: Final[tuple[Arm, ...]] = ("real", "disguised", "synthetic")
_DATA: Final = "data/ten_stocks_daily_2013-06_2014-06.csv.gz"
_SHOWN, _AHEAD, _BLOCK = 20, 5, 5
_RESAMPLES: Final = 1_000
_NAMES: Final = {
    "AAPL": "Apple", "BAC": "Bank of America", "CVX": "Chevron", "GOOG": "Google",
    "INTC": "Intel", "JPM": "JPMorgan Chase", "KO": "Coca-Cola", "MSFT": "Microsoft",
    "PG": "Procter & Gamble", "XOM": "Exxon Mobil",
}  # fmt: skip


Closes = NDArray[np.float64]


class Case(msgspec.Struct, frozen=True):
    """One question of one arm, and whether the close was higher in the end."""

    ask: AskModel
    rose: bool


class ArmScore(msgspec.Struct, frozen=True, kw_only=True):
    """How one arm was answered; an abstention counts as half right."""

    arm: Arm
    answered: int
    abstained: int
    right: float
    brier: float


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """How much better the real past was answered, with its 95 % interval over questions."""

    against: Arm
    gap: float
    low: float
    high: float


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What came out, for a role."""

    role: str
    provider: str
    model: str
    questions: int
    arms: tuple[ArmScore, ...]
    gaps: tuple[Gap, ...]


def evaluate_disguise(
    swarm: Swarm, role: str, questions: int, seed: int, answered: Callable[[], object] = int
) -> Evaluation:
    """Ask a role all questions in all arms, and return how it did.

    `answered` is called after each answer, for whoever watches.
    """
    route = routes_of(swarm.models)[role]
    # Nobody stands in here: it is this model that is examined.
    alone = type(route)(route.provider, route.pace, route.price)
    service = ModelService({role: alone}, FORMS)
    cases = {arm: cases_of(arm, role, questions, seed) for arm in ARMS}

    def perform(case: Case) -> ModelAnswer:
        answer = service.perform(case.ask)
        answered()
        return answer

    try:
        with ThreadPoolExecutor(16) as pool:
            answers = {arm: list(pool.map(perform, cases[arm])) for arm in ARMS}
    finally:
        service.close()
    points = {arm: _points(cases[arm], answers[arm]) for arm in ARMS}
    gaps = tuple(_gap(arm, points["real"], points[arm], seed) for arm in ARMS[1:])
    return Evaluation(
        role=role, provider=route.provider.name, model=route.provider.model, questions=questions,
        arms=tuple(_score(arm, cases[arm], answers[arm], points[arm]) for arm in ARMS), gaps=gaps,
    )  # fmt: skip


def cases_of(arm: Arm, role: str, questions: int, seed: int) -> list[Case]:
    """Return the questions of one arm; the n-th of each arm is about the same stock and day."""
    frame = pl.read_csv(io.BytesIO(read_bytes(SHIPPED / _DATA)), try_parse_dates=True)
    tables = [
        (str(symbol), rows["date"].to_list(), rows["close"].to_numpy())
        for (symbol,), rows in frame.group_by("symbol", maintain_order=True)
    ]
    stream, cases = Stream(stream_key(seed, "questions")), []
    for number in range(questions):
        symbol, days, closes = tables[stream.integer(0, len(tables))]
        end = stream.integer(_SHOWN, len(days) - _AHEAD)
        shown, later = closes[end - _SHOWN : end], float(closes[end - 1 + _AHEAD])
        if arm == "synthetic":
            shown, later = _synthetic(closes, number, seed)
        ask = _question(role, symbol, days[end - _SHOWN : end], shown, number)
        if arm != "real":
            ask = make_disguise((symbol, _NAMES[symbol]), seed * 1_000_003 + number).hide(ask)
        cases.append(Case(ask, later > float(shown[-1])))
    return cases


def _synthetic(closes: Closes, number: int, seed: int) -> tuple[Closes, float]:
    """Return closes that never were: blocks of the same stock's returns in a drawn order."""
    stream = Stream(stream_key(seed, f"synthetic {number}"))
    returns = np.diff(closes) / closes[:-1]
    drawn: list[float] = []
    while len(drawn) < _SHOWN + _AHEAD:
        start = stream.integer(0, len(returns) - _BLOCK)
        drawn += returns[start : start + _BLOCK].tolist()
    grown = np.cumprod(1.0 + np.array(drawn[: _SHOWN + _AHEAD]))
    path = (float(closes[0]) * grown).astype(np.float64)
    return path[:_SHOWN], float(path[_SHOWN - 1 + _AHEAD])


def _question(
    role: str, symbol: str, days: Sequence[date], closes: Iterable[float], number: int
) -> AskModel:
    prompt = load_prompt(PROMPTS, "evaluate")
    values = [float(close) for close in closes]
    moments = [_close_ns(day) for day in days]
    parts = [
        Part(text=f"{day}: {close:.2f} USD", as_of_ns=at_ns, source=f"close_{n}")
        for n, (day, close, at_ns) in enumerate(zip(days, values, moments, strict=True))
    ]
    moves = [b - a for a, b in zip(values[-15:], values[-14:], strict=False)]
    total = sum(abs(move) for move in moves)
    rises = sum(move for move in moves if move > 0) / total if total else 0.5
    text = f"relative strength over 14 days is {rises * 100:.1f}"
    parts.append(Part(text=text, as_of_ns=moments[-1], source="strength"))
    return AskModel(
        role=role, agent="evaluate", form="View", prompt=prompt.label, system=prompt.text,
        parts=tuple(parts), asked_ns=moments[-1], sample=number,
        question=f"These are closes of {_NAMES[symbol]} ({symbol}). "
        "Is its close higher five trading days later?",
    )  # fmt: skip


def _close_ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 20, tzinfo=UTC).timestamp()) * 10**9


def _points(cases: list[Case], answers: list[ModelAnswer]) -> list[float]:
    """Return 1 for each right answer, 0 for a wrong one, and a half where nothing was claimed."""
    points: list[float] = []
    for case, answer in zip(cases, answers, strict=True):
        direction = "abstain"
        if not answer.abstains:
            direction = msgspec.json.decode(answer.text, type=View).direction
        claimed = direction in {"up", "down"}
        points.append(float((direction == "up") == case.rose) if claimed else 0.5)
    return points


def _score(
    arm: Arm, cases: list[Case], answers: list[ModelAnswer], points: list[float]
) -> ArmScore:
    squares: list[float] = []
    for case, answer in zip(cases, answers, strict=True):
        claimed = 0.5
        if not answer.abstains:
            view = msgspec.json.decode(answer.text, type=View)
            sure = min(max(view.probability, 0.5), 1.0)
            claimed = {"up": sure, "down": 1.0 - sure}.get(view.direction, 0.5)
        squares.append((claimed - float(case.rose)) ** 2)
    answered = sum(point != 0.5 for point in points)
    return ArmScore(
        arm=arm, answered=answered, abstained=len(points) - answered,
        right=sum(points) / max(len(points), 1), brier=sum(squares) / max(len(squares), 1),
    )  # fmt: skip


def _gap(arm: Arm, real: list[float], other: list[float], seed: int) -> Gap:
    """Return the mean difference by question, and its bootstrap interval."""
    apart = np.array(real) - np.array(other)
    stream, count = Stream(stream_key(seed, f"gap {arm}")), len(apart)
    means = [
        float(apart[[stream.integer(0, count) for _ in range(count)]].mean())
        for _ in range(_RESAMPLES)
    ]
    low, high = np.quantile(means, [0.025, 0.975]).tolist()
    return Gap(against=arm, gap=float(apart.mean()), low=low, high=high)
