"""Columns of texts as plain arrays: a million ids in megabytes, read in a fraction of a second.

A column of texts that repeat is stored as codes and names, another as one run of bytes. Columns of numpy's own unicode
type, four bytes a character and all as wide as the widest, are read too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SEPARATOR = "\x00"
_REPEATED = 4
"""Texts that each stand there so often on average are stored as codes."""


def pack_texts(name: str, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The arrays of a column. Raises: ValueError when a text holds NUL, which separates them."""
    distinct = dict.fromkeys(texts)
    if len(distinct) * _REPEATED > len(texts):
        return {f"{name}.text": _run(name, texts)}
    code_of = {text: code for code, text in enumerate(distinct)}
    codes = np.fromiter((code_of[text] for text in texts), np.int32, len(texts))
    return {f"{name}.codes": codes, f"{name}.names": _run(name, list(distinct))}


def unpack_texts(name: str, arrays: Mapping[str, NDArray[Any]]) -> list[str]:
    """The texts of a column; those that were stored as codes share their objects. Raises: KeyError."""
    if name in arrays:
        return [str(text) for text in arrays[name].tolist()]
    if f"{name}.codes" in arrays:
        names = _texts(arrays[f"{name}.names"])
        return [names[code] for code in arrays[f"{name}.codes"].tolist()]
    return _texts(arrays[f"{name}.text"])


def _run(name: str, texts: Sequence[str]) -> NDArray[np.uint8]:
    """Each text with a separator after it, so that no text and one empty text differ."""
    joined = "".join(f"{text}{_SEPARATOR}" for text in texts)
    if joined.count(_SEPARATOR) != len(texts):
        raise ValueError(f"column {name}: a text holds the character NUL")
    return np.frombuffer(joined.encode(), np.uint8)


def _texts(run: NDArray[np.uint8]) -> list[str]:
    return run.tobytes().decode().split(_SEPARATOR)[:-1]
