"""Choosing similar items: nearest first, each product once, none of the product asked about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.item_vision.item import CatalogueItem
from services.item_vision.requests import DEFAULT_SIMILAR
from services.item_vision.sql.catalogue import CatalogueStore
from services.item_vision.vision_release import VisionRelease
from vitrine.item_vision.v1 import item_vision_pb2 as pb

FIRST_LOOK: Final = 8
"""So many neighbours for each item asked for are looked at first; all of them when that was not enough."""

MOST_LOOKED_AT: Final = 20_000


@dataclass(frozen=True)
class Found:
    """Similar items, nearest first, and those left out as near-identical to the query."""

    items: Sequence[tuple[str, float]]
    near_duplicates: Sequence[str]


async def similar_items(
    request: pb.FindSimilarItemsRequest,
    asked: CatalogueItem | None,
    vector: NDArray[np.float32],
    release: VisionRelease,
    catalogue: CatalogueStore,
) -> Found:
    """Look at more and more neighbours until the limit is reached or nothing is left."""
    limit = request.limit or DEFAULT_SIMILAR
    looked_at = limit * FIRST_LOOK
    while True:
        near = release.images.nearest(vector, looked_at)
        known = await catalogue.get(request.shop_id, [item_id for item_id, _ in near])
        found = choose(near, known, request, asked)
        exhausted = len(near) < looked_at or looked_at >= MOST_LOOKED_AT
        if len(found.items) >= limit or exhausted:
            return Found(found.items[:limit], found.near_duplicates)
        looked_at *= 4


def choose(
    near: Sequence[tuple[str, float]],
    known: dict[str, CatalogueItem],
    request: pb.FindSimilarItemsRequest,
    asked: CatalogueItem | None,
) -> Found:
    """Neighbours that pass the request's filters, one of each product."""
    families: set[str] = {asked.family_id} if asked else set()
    clusters: set[int] = {asked.near_duplicate_cluster} if asked and asked.near_duplicate_cluster else set()
    original = frozenset(clusters)
    chosen: list[tuple[str, float]] = []
    copies: list[str] = []
    for item_id, cosine in near:
        item = known.get(item_id)
        if item is None or (asked is not None and item_id == asked.item_id):
            continue
        if item.near_duplicate_cluster in original and item.near_duplicate_cluster:
            copies.append(item_id)
        if item.family_id in families or item.near_duplicate_cluster in clusters:
            continue
        if not request.include_out_of_stock and not item.in_stock:
            continue
        if request.category and not (item.category + "/").startswith(request.category.strip("/") + "/"):
            continue
        families.add(item.family_id)
        if item.near_duplicate_cluster:
            clusters.add(item.near_duplicate_cluster)
        chosen.append((item_id, cosine))
    return Found(chosen, copies)
