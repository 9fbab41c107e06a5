"""Which items a search text means: word by word, in any language that the titles are in.

Words are compared by their beginnings, plural and gender endings and accents left off; text without spaces between
words, such as Chinese, is compared by pairs of characters.
"""

import re
import unicodedata
from array import array
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(r"[぀-ヿ㐀-鿿가-힯]+")
_SHORTEST_STEM = 3
_LONGEST_ENDING = 3
"""A known word may go on so far beyond the asked one: "dress" finds "dresses"."""
_REMEMBERED_QUERIES = 64
_REMEMBERED_PARTS = 8_192
"""Words beyond ASCII repeat from title to title."""


def terms(text: str) -> list[str]:
    """The words of a text, in order, without case and accents; runs of unspaced script become pairs of characters."""
    found: list[str] = []
    for word in _WORD.findall(_plain(text)):
        for run in _UNSPACED.findall(word):
            found.extend(run[place : place + 2] for place in range(max(len(run) - 1, 1)))
        found.extend(_UNSPACED.sub(" ", word).split())
    return found


def indexed_terms(text: str) -> set[str]:
    """What a text is found by: its terms, and each character of unspaced script by itself."""
    if text.isascii():  # the same, at a tenth of the cost
        return set(_WORD.findall(text.lower()))
    parts = text.split()
    found = set(_WORD.findall(" ".join(filter(str.isascii, parts)).lower()))
    for part in parts:
        if not part.isascii():
            found |= _found_by(part)
    return found


@lru_cache(maxsize=_REMEMBERED_PARTS)
def _found_by(part: str) -> frozenset[str]:
    return frozenset((*terms(part), *(char for run in _UNSPACED.findall(_plain(part)) for char in run)))


class WordIndex:
    """From words to the positions of the texts that contain them."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._positions: dict[str, array[int]] = {}
        self._beginning: dict[str, list[str]] = {}
        """First characters → the known words that begin so."""
        self._matches: dict[str, NDArray[np.float32]] = {}

    def __len__(self) -> int:
        return len(self._texts)

    def extend(self, texts: Sequence[str]) -> None:
        """Index texts at the next positions."""
        first = len(self._texts)
        self._texts.extend(texts)
        self._matches.clear()
        for position, text in enumerate(texts, first):
            self._add(text, position)

    def append_nothing(self, count: int) -> None:
        """Let so many texts without words follow."""
        self._texts.extend([""] * count)
        self._matches.clear()

    def replace(self, position: int, text: str) -> None:
        """Let another text stand at a position; costs nothing when it is the same."""
        old = self._texts[position]
        if old == text:
            return
        self._texts[position] = text
        self._matches.clear()
        for word in indexed_terms(old):
            self._positions[word].remove(position)
        self._add(text, position)

    def match(self, query: str) -> NDArray[np.float32]:
        """`[texts]` share of the query's words that each text has, 0 to 1; zeros for a query without words."""
        known = self._matches.get(query)
        if known is None:
            while len(self._matches) >= _REMEMBERED_QUERIES:
                del self._matches[next(iter(self._matches))]
            known = self._matches[query] = self._match(query)
            known.flags.writeable = False
        return known

    def _match(self, query: str) -> NDArray[np.float32]:
        wanted = list(dict.fromkeys(terms(query)))
        scores = np.zeros(len(self._texts), np.float32)
        for word in wanted:
            hit = np.zeros(len(self._texts), np.bool_)
            for known in self._like(word):
                hit[np.frombuffer(self._positions[known], np.int32)] = True
            scores += hit
        return scores / np.float32(max(len(wanted), 1))

    def _add(self, text: str, position: int) -> None:
        for word in indexed_terms(text):
            places = self._positions.get(word)
            if places is None:
                places = self._positions[word] = array("i")
                self._beginning.setdefault(word[:_SHORTEST_STEM], []).append(word)
            places.append(position)

    def _like(self, word: str) -> list[str]:
        if len(word) <= _SHORTEST_STEM or _UNSPACED.match(word):
            return [word] if self._positions.get(word) else []
        stem = _stem(word)
        return [
            known
            for known in self._beginning.get(stem[:_SHORTEST_STEM], ())
            if known.startswith(stem) and len(known) <= len(word) + _LONGEST_ENDING and self._positions[known]
        ]


def _plain(text: str) -> str:
    """One spelling: casefolded, compatibility forms unified, accents off."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", decomposed.translate(_WITHOUT_ACCENTS))


class _Accents(dict[int, str]):
    """What each character leaves behind when accents go; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        left = self[code] = "" if unicodedata.combining(character) else character
        return left


_WITHOUT_ACCENTS = _Accents()


def _stem(word: str) -> str:
    """The word without the plural and gender endings of English and Spanish."""
    for ending in ("es", "as", "os", "s", "a", "o", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)]
    return word
