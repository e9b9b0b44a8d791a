"""Applies the shipped weights: which mood a text has, with a probability."""

import io
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from llm.sentiment.features import features_of

Mood = Literal["bearish", "bullish", "neutral"]

MOODS: Final[tuple[Mood, ...]] = ("bearish", "bullish", "neutral")
WEIGHTS: Final = Path(__file__).resolve().parent.parent / "data" / "sentiment.npz"
_BLOCK: Final = 4_096


class Classifier:
    """Multinomial logistic regression over binary features, scaled by the root of their count.

    Parameters
    ----------
    features
        In the order of the rows of `weights`.
    weights : array of shape (n_features, 3)
        One column for each of MOODS.
    bias : array of shape (3,)
    """

    def __init__(
        self, features: Sequence[str], weights: NDArray[np.float64], bias: NDArray[np.float64]
    ) -> None:
        if weights.shape != (len(features), len(MOODS)) or bias.shape != (len(MOODS),):
            raise ValueError(f"Expected weights of {len(features)} features, found {weights.shape}")
        self._rows = {feature: row for row, feature in enumerate(features)}
        self._weights, self._bias = weights, bias

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the probability of each mood, shape (n_texts, 3); a row sums to about 1."""
        blocks = [
            self._block(texts[start : start + _BLOCK]) for start in range(0, len(texts), _BLOCK)
        ]
        return np.concatenate(blocks) if blocks else np.empty((0, len(MOODS)))

    def _block(self, texts: Sequence[str]) -> NDArray[np.float64]:
        get = self._rows.get
        known = [[r for f in features_of(text) if (r := get(f)) is not None] for text in texts]
        counts = np.array([len(rows) for rows in known])
        scores = np.zeros((len(texts), len(MOODS)))
        flat = np.array([row for rows in known for row in rows], np.int64)
        owner = np.repeat(np.arange(len(texts)), counts)
        for mood in range(len(MOODS)):
            scores[:, mood] = np.bincount(owner, self._weights[flat, mood], len(texts))
        scores /= np.sqrt(np.maximum(counts, 1))[:, None]
        scores += self._bias
        scores -= scores.max(axis=1, keepdims=True)
        odds = np.exp(scores)
        shares: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
        return shares

    def mood(self, text: str) -> dict[Mood, float]:
        """Return the probability of each mood of one text, by scalar arithmetic alone.

        For what decides an order: numpy's exp differs between builds, that of `math` does not.
        """
        rows = [row for f in features_of(text) if (row := self._rows.get(f)) is not None]
        scale = math.sqrt(max(len(rows), 1))
        weights = [self._weights[row].tolist() for row in rows]
        scores = [
            sum(weight[mood] for weight in weights) / scale + float(self._bias[mood])
            for mood in range(len(MOODS))
        ]
        odds = [math.exp(score - max(scores)) for score in scores]
        return {mood: odd / sum(odds) for mood, odd in zip(MOODS, odds, strict=True)}

    def moods(self, texts: Sequence[str]) -> list[Mood]:
        """Return the likeliest mood of each text."""
        return [MOODS[mood] for mood in self.probabilities(texts).argmax(axis=1)]

    def save(self, path: Path) -> None:
        """Write the weights: small numbers, and the features as one text."""
        content = io.BytesIO()
        np.savez_compressed(
            content,
            features=np.frombuffer("\n".join(self._rows).encode(), np.uint8),
            weights=self._weights.astype(np.float16),
            bias=self._bias,
        )
        path.write_bytes(content.getvalue())

    @classmethod
    def load(cls, path: Path) -> "Classifier":
        """Return the classifier of a file."""
        with np.load(path, allow_pickle=False) as stored:
            features = stored["features"].tobytes().decode().split("\n")
            return cls(features, stored["weights"].astype(np.float64), stored["bias"])


@cache
def shipped_classifier() -> Classifier:
    """Return the classifier that ships."""
    return Classifier.load(WEIGHTS)
