"""Which items a search text means: word by word, in any language that the titles are in.

Words are compared by their beginnings, plural and gender endings left off; text without spaces between words, such as
Chinese, is compared by pairs of characters.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[぀-ヿ㐀-鿿가-힯]+")
_SHORTEST_STEM = 4


def terms(text: str) -> list[str]:
    """The words of a text, casefolded, in order; runs of unspaced script become pairs of characters."""
    found: list[str] = []
    for word in _WORD.findall(text.casefold()):
        for run in _UNSPACED.findall(word):
            found.extend(run[i : i + 2] for i in range(max(len(run) - 1, 1)))
        rest = _UNSPACED.sub(" ", word).split()
        found.extend(rest)
    return found


class WordIndex:
    """From words to the positions of the texts that contain them. Grows with `extend`; texts never change places."""

    def __init__(self) -> None:
        self._positions: dict[str, list[int]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def extend(self, texts: Sequence[str]) -> None:
        """Index texts at the next positions."""
        for position, text in enumerate(texts, start=self._size):
            for word in set(terms(text)):
                self._positions.setdefault(word, []).append(position)
        self._size += len(texts)

    def match(self, query: str) -> NDArray[np.float32]:
        """`[texts]` share of the query's words that each text has, 0 to 1; zeros for a query without words."""
        wanted = list(dict.fromkeys(terms(query)))
        scores = np.zeros(self._size, np.float32)
        for word in wanted:
            hit = np.zeros(self._size, np.bool_)
            for known in self._like(word):
                hit[self._positions[known]] = True
            scores += hit
        return scores / np.float32(max(len(wanted), 1))

    def _like(self, word: str) -> list[str]:
        if len(word) < _SHORTEST_STEM:
            return [word] if word in self._positions else []
        stem = _stem(word)
        return [known for known in self._positions if known.startswith(stem) and len(known) <= len(word) + 3]


def _stem(word: str) -> str:
    """The word without the plural and gender endings of English and Spanish."""
    for ending in ("es", "as", "os", "s", "a", "o", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM - 1:
            return word[: -len(ending)]
    return word
