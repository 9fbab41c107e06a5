"""How often the nearest items are of the same kind."""

import numpy as np

from services.item_vision.model.encoders import normalise_rows

DEPTH = 10


def mean_average_precision(vectors: np.ndarray, classes: np.ndarray, families: np.ndarray) -> float:
    """mAP@10 of "same class" by cosine over `vectors [n, d]`, each row asked against all others.

    Rows of class −1 neither ask nor answer; a row's own family is left out, because finding one's own variant
    is no feat. AP@10 is the sum of precision at each hit over min(10, how many could be hit); rows that could
    hit nothing do not count. NaN when none could.
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
    average_precision = (precision * hits).sum(axis=1) / np.minimum(np.maximum(possible, 1), DEPTH)
    return float(average_precision[possible > 0].mean()) if (possible > 0).any() else float("nan")
