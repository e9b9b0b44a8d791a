"""Judges the shipped weights: `python -m llm.sentiment.evaluate "$OUTCRY_SHARED"`.

Macro-F1 on the test part, which training never saw, beside the lexicon of Loughran and McDonald
and the majority class, each with a bootstrap interval.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from environment.draws import draw_integer, stream_key
from llm.sentiment.classifier import MOODS, shipped_classifier
from llm.sentiment.headlines import headlines, lexicon_moods

_RESAMPLES: Final = 200


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Macro-F1 of one method, with the 95 % interval of resampled headlines, and its accuracy."""

    method: str
    macro_f1: float
    low: float
    high: float
    accuracy: float


def macro_f1(truth: Sequence[int], told: Sequence[int], classes: int) -> float:
    """Return the mean over classes of the harmonic mean of precision and recall."""
    scores: list[float] = []
    for wanted in range(classes):
        pairs = [(t == wanted, p == wanted) for t, p in zip(truth, told, strict=True)]
        hits = sum(t and p for t, p in pairs)
        wrong = sum(t != p for t, p in pairs)
        scores.append(2 * hits / (2 * hits + wrong) if hits else 0.0)
    return sum(scores) / classes


def score_of(method: str, truth: list[int], told: list[int]) -> Score:
    """Return the score of one method."""
    key, count = stream_key(0, method), len(truth)
    true, said = np.array(truth), np.array(told)
    drawn: list[float] = []
    for n in range(_RESAMPLES):
        chosen = [draw_integer(key, n * count + k, 0, count) for k in range(count)]
        drawn.append(macro_f1(true[chosen].tolist(), said[chosen].tolist(), len(MOODS)))
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    return Score(
        method=method, macro_f1=macro_f1(truth, told, len(MOODS)), low=low, high=high,
        accuracy=float((true == said).mean()),
    )  # fmt: skip


def scores(shared: Path) -> list[Score]:
    """Return the scores of all methods on the test part."""
    test = headlines(shared, "test")
    texts, truth = [row.text for row in test], [row.mood for row in test]
    most = Counter(row.mood for row in headlines(shared, "train")).most_common(1)[0][0]
    told = shipped_classifier().probabilities(texts).argmax(axis=1).tolist()
    return [
        score_of("classifier", truth, told),
        score_of("lexicon", truth, lexicon_moods(shared, texts)),
        score_of("majority", truth, [most] * len(truth)),
    ]


def main(arguments: list[str]) -> None:
    """Print a line for each method."""
    if not arguments:
        raise SystemExit("give the folder of shared source data as the first argument")
    for score in scores(Path(arguments[0])):
        sys.stdout.write(
            f"{score.method:<11} macro-F1 {score.macro_f1:.3f} "
            f"(95 % {score.low:.3f} to {score.high:.3f}), accuracy {score.accuracy:.3f}\n"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
