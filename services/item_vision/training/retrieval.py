"""How often the nearest items are of the same kind."""

import numpy as np

from services.item_vision.model.encoders import normalise_rows

DEPTH = 10


def average_precisions(vectors: np.ndarray, classes: np.ndarray, families: np.ndarray) -> np.ndarray:
    """AP@10 of "same class" by cosine over `vectors [n, d]`, each row asked against all others; `[n]`, NaN where a row
    could hit nothing.

    Rows of class −1 neither ask nor answer; a row's own family is left out, because finding one's own variant
    is no feat. AP@10 is the sum of precision at each hit over min(10, how many could be hit).
    """
    labelled = classes >= 0
    unit, classes, families = normalise_rows(vectors[labelled]), classes[labelled], families[labelled]
    cosines = unit @ unit.T
    cosines[families[:, None] == families[None]] = -np.inf
    candidates = np.isfinite(cosines)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :DEPTH]
    hits = classes[nearest] == classes[:, None]
    hits &= np.take_along_axis(candidates, nearest, axis=1)
    possible = (candidates & (classes[:, None] == classes[None])).sum(axis=1)
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    found = (precision * hits).sum(axis=1) / np.minimum(np.maximum(possible, 1), DEPTH)
    answers = np.full(len(vectors), np.nan)
    answers[labelled] = np.where(possible > 0, found, np.nan)
    return answers


def mean_average_precision(vectors: np.ndarray, classes: np.ndarray, families: np.ndarray) -> float:
    """The mean of `average_precisions` over the rows that could hit something; NaN when none could."""
    answers = average_precisions(vectors, classes, families)
    possible = np.isfinite(answers)
    return float(answers[possible].mean()) if possible.any() else float("nan")
