"""Fits the weights that ship: `python -m llm.sentiment.train "$OUTCRY_SHARED"` (extra `ml`).

The strength of the penalty is chosen on the tuning part; the test part is not looked at here.
"""

import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llm.sentiment.classifier import MOODS, WEIGHTS, Classifier
from llm.sentiment.evaluate import macro_f1
from llm.sentiment.features import features_of
from llm.sentiment.headlines import Headline, headlines

_LEAST_COUNT: Final = 2
_STRENGTHS: Final = (0.3, 1.0, 3.0, 10.0)


def vocabulary(texts: list[str]) -> list[str]:
    """Return the features that more than one text has, in alphabetical order."""
    counts = Counter(feature for text in texts for feature in features_of(text))
    return sorted(feature for feature, count in counts.items() if count >= _LEAST_COUNT)


def fit(rows: list[Headline], features: list[str], strength: float) -> Classifier:
    """Return a classifier fitted to some headlines, all moods weighing the same."""
    # Of the extra `ml`: the default install applies weights, and fits none.
    from scipy.sparse import csr_matrix  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    index = {feature: row for row, feature in enumerate(features)}
    known = [[index[f] for f in features_of(row.text) if f in index] for row in rows]
    starts = np.concatenate([[0], np.cumsum([len(found) for found in known])])
    columns = np.array([column for found in known for column in found])
    values = np.concatenate([np.full(len(f), 1.0 / max(len(f), 1) ** 0.5) for f in known])
    matrix = csr_matrix((values, columns, starts), (len(rows), len(features)))
    model: Any = LogisticRegression(C=strength, class_weight="balanced", max_iter=2_000)
    model.fit(matrix, np.array([row.mood for row in rows]))
    weights: NDArray[np.float64] = model.coef_.T
    # As they will be read again: half precision.
    return Classifier(features, weights.astype(np.float16).astype(np.float64), model.intercept_)


def main(arguments: list[str]) -> None:
    """Choose, fit and write: the folder of shared data, and where to write."""
    if not arguments:
        raise SystemExit("give the folder of shared source data as the first argument")
    shared = Path(arguments[0])
    target = Path(arguments[1]) if len(arguments) > 1 else WEIGHTS
    train, tune = headlines(shared, "train"), headlines(shared, "tune")
    features = vocabulary([row.text for row in train])
    truth = [row.mood for row in tune]
    scored: list[tuple[float, float]] = []
    for strength in _STRENGTHS:
        chosen = fit(train, features, strength).probabilities([row.text for row in tune])
        scored.append((macro_f1(truth, chosen.argmax(axis=1).tolist(), len(MOODS)), strength))
        sys.stdout.write(
            f"C = {strength:<4}  macro-F1 {scored[-1][0]:.4f} on {len(tune):,} tuning headlines\n"
        )
    best = max(scored)[1]
    fit(train, features, best).save(target)
    size = target.stat().st_size
    sys.stdout.write(
        f"wrote {target.name}: {len(features):,} features, C = {best}, {size:,} bytes\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
