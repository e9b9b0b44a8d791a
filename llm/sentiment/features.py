"""From a headline to features: words and pairs of neighbours, with what is particular taken out.

Links, user names, tickers and figures become one word each, so that the classifier learns how moods
are written and not which companies had them.
"""

import itertools
import re
from typing import Final

_LINK: Final = re.compile(r"https?://\S+|\burl\b")
_WORD: Final = re.compile(
    r"\$\s?[a-z][a-z.]{0,5}\b|@\w+|at_user|[+-]?\$?\d[\d,.]*%?|[a-z][a-z']*|[!?]"
)


def words_of(text: str) -> list[str]:
    """Return the words of a text, lower-cased."""
    words: list[str] = []
    for word in _WORD.findall(_LINK.sub(" ", text.lower())):
        first = word[0]
        if first.isalpha():
            words.append("<user>" if word == "at_user" else word)
        elif first == "$" and len(word) > 1 and word[1:].strip()[0].isalpha():
            words.append("<ticker>")
        elif first == "@":
            words.append("<user>")
        elif word[-1] == "%":
            words.append("<-%>" if first == "-" else "<+%>" if first == "+" else "<%>")
        elif first in "!?":
            words.append(word)
        else:
            words.append("<number>")
    return words


def features_of(text: str) -> list[str]:
    """Return the features of a text, each once, in order of appearance."""
    words = words_of(text)
    pairs = [f"{one} {other}" for one, other in itertools.pairwise(words)]
    return list(dict.fromkeys([*words, *pairs]))
