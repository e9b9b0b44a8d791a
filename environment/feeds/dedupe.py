"""Exact and near copies of texts: what was said before is not news.

Near copies are found by MinHash over words and word pairs, in bands, and then judged by the true
overlap of their word sets, so that a chance collision drops nothing. What is older than a window is
forgotten. The state is a plain struct, so that a feed goes on after a restart where it stood.
"""

import hashlib
import itertools
import re
from collections import defaultdict, deque
from typing import Final, Literal

import msgspec
import numpy as np

_WORD: Final = re.compile(r"[a-z0-9%]+")
_LINK: Final = re.compile(r"https?://\S+|\burl\b|\bat_user\b|@\w+|^rt\b")
_BANDS: Final = 6
_ROWS: Final = 2  # Two texts of overlap 0.7 share a band of six with probability 0.98.
_MULTIPLIERS: Final = np.array(
    [0x9E3779B97F4A7C15 + 2 * 0xD1B54A32D192ED03 * k & 0xFFFFFFFFFFFFFFFF | 1
     for k in range(_BANDS * _ROWS)], np.uint64,
)  # fmt: skip

Copy = Literal["new", "exact", "near"]


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A text that was taken: when, its exact digest, and the digests of its words and pairs."""

    at_ns: int
    digest: int
    shingles: tuple[int, ...]


class DedupeState(msgspec.Struct):
    """All that a deduplicator remembers, oldest first."""

    seen: list[Seen] = []


def plain_words(text: str) -> list[str]:
    """Return a text's words without links, user names and marks: what copies have in common."""
    return _WORD.findall(_LINK.sub(" ", text.lower()))


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def shingles_of(words: list[str]) -> tuple[int, ...]:
    """Return the digests of words and of pairs of neighbours, sorted, each once."""
    pairs = (f"{one} {other}" for one, other in itertools.pairwise(words))
    return tuple(sorted({_digest(part) for part in itertools.chain(words, pairs)}))


class Deduplicator:
    """Judges texts in order of time.

    Parameters
    ----------
    window_ns
        How long a text is remembered.
    overlap
        Share of words and pairs, of both texts' together, from which on two texts are copies.
    """

    def __init__(
        self, window_ns: int = 3 * 86_400_000_000_000, overlap: float = 0.7, most: int = 200_000
    ) -> None:
        self._window_ns, self._overlap, self._most = window_ns, overlap, most
        self._seen: deque[Seen] = deque()
        self._exact: dict[int, int] = defaultdict(int)
        self._bands: dict[tuple[int, int], list[Seen]] = defaultdict(list)

    def judge(self, text: str, at_ns: int) -> Copy:
        """Return whether a text is new; a new one is remembered."""
        self._forget(at_ns)
        words = plain_words(text)
        digest = _digest(" ".join(words))
        if digest in self._exact:
            return "exact"
        shingles = shingles_of(words)
        keys = _bands_of(shingles)
        own = set(shingles)
        for other in {id(seen): seen for key in keys for seen in self._bands.get(key, ())}.values():
            common = len(own.intersection(other.shingles))
            if common >= self._overlap * (len(own) + len(other.shingles) - common):
                return "near"
        self._remember(Seen(at_ns, digest, shingles), keys)
        return "new"

    def state(self) -> DedupeState:
        """Return what it remembers."""
        return DedupeState(seen=list(self._seen))

    def restore(self, state: DedupeState) -> None:
        """Take a state back."""
        for seen in state.seen:
            self._remember(seen, _bands_of(seen.shingles))

    def _remember(self, seen: Seen, keys: list[tuple[int, int]]) -> None:
        self._seen.append(seen)
        self._exact[seen.digest] += 1
        for key in keys:
            self._bands[key].append(seen)

    def _forget(self, now_ns: int) -> None:
        while self._seen and (
            self._seen[0].at_ns < now_ns - self._window_ns or len(self._seen) >= self._most
        ):
            old = self._seen.popleft()
            self._exact[old.digest] -= 1
            if not self._exact[old.digest]:
                del self._exact[old.digest]
            for key in _bands_of(old.shingles):
                self._bands[key].remove(old)
                if not self._bands[key]:
                    del self._bands[key]


def _bands_of(shingles: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the bands of a MinHash signature, each with its number."""
    if not shingles:
        return [(0, 0)]
    values = np.array(shingles, np.uint64)
    least = (values[None, :] * _MULTIPLIERS[:, None]).min(axis=1)
    pairs = least.reshape(_BANDS, _ROWS)
    mixed: list[int] = (pairs[:, 0] ^ (pairs[:, 1] * _MULTIPLIERS[1])).tolist()
    return list(enumerate(mixed))
