"""Ordering items of the index by how much a visitor cares about them, where no source of the ranker is asked."""

import numpy as np

from services.page_composer.arrays import Floats, Ints
from services.page_composer.proposal import Scene

MOST = 48


def by_interest(scene: Scene, rows: Ints, moments_s: Floats) -> tuple[str, ...]:
    """Of the items in `[n]` rows, at most 48: those the visitor has seen, then by liking of brand and category, then
    the latest by `[size]` moments.
    """
    if not len(rows):
        return ()
    index, profile = scene.index, scene.visit.profile
    interest = np.isin(rows, scene.seen_rows).astype(np.float64)
    for facet, codes, names in (("brand", index.brand, index.brands), ("category", index.category, index.categories)):
        weights = {each.value: each.weight for each in profile.likings.get(facet, ())}
        if weights:
            interest += np.asarray([weights.get(name, 0.0) for name in names])[codes[rows]]
    best = rows[np.lexsort((-moments_s[rows], -interest))][:MOST]
    return tuple(index.item_ids[row] for row in best.tolist())
