"""Ordering items of the index by how much a visitor cares about them, where no source of the ranker is asked."""

from collections.abc import Iterable, Mapping

import numpy as np

from services.page_composer.arrays import Floats, Ints
from services.page_composer.proposal import Scene
from services.page_composer.visit import Liking

MOST = 48


def by_interest(scene: Scene, rows: Ints, moments_s: Floats) -> tuple[str, ...]:
    """Of the items in `[n]` rows, at most 48: those the visitor has seen, then by liking of brand and category, then
    the latest by `[size]` moments.
    """
    if not len(rows):
        return ()
    index, profile = scene.index, scene.visit.profile
    interest = np.isin(rows, scene.seen_rows).astype(np.float64)
    interest += _weights(profile.likings.get("brand", ()), index.codes_of_brand, len(index.brands))[index.brand[rows]]
    categories = profile.likings.get("category", ())
    interest += _weights(categories, index.codes_of_category, len(index.categories))[index.category[rows]]
    best = rows[np.lexsort((-moments_s[rows], -interest))][:MOST]
    return tuple(index.item_ids[row] for row in best.tolist())


def _weights(likings: Iterable[Liking], code_of: Mapping[str, int], code_count: int) -> Floats:
    """`[codes]` how much the visitor likes each value of a facet."""
    weights = np.zeros(code_count)
    for each in likings:
        code = code_of.get(each.value, code_count)  # codes beyond the snapshot belong to later ones
        if code < code_count:
            weights[code] = each.weight
    return weights
