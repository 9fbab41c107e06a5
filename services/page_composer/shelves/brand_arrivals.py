"""New from brand B: what a brand that the visitor likes brought lately."""

from collections.abc import Iterator
from urllib.parse import quote

import numpy as np

from services.page_composer.arrays import Ints
from services.page_composer.item_index import ItemIndex
from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import DAY_S

SHELVES_A_PAGE = 2
WITHIN_DAYS = 45
FEWEST = 3


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf for each of the two best-liked brands that have at least three new items in stock."""
    index = scene.index
    liked = [each.value for each in scene.visit.profile.likings.get("brand", ()) if each.value]
    if not liked:
        return
    new = index.recent("created_s", scene.visit.at_s - WITHIN_DAYS * DAY_S)
    counts = np.bincount(index.brand[new], minlength=len(index.brands))
    with_news = [brand for brand in liked if _count(brand, index, counts) >= FEWEST]
    for brand in with_news[:SHELVES_A_PAGE]:
        yield Suggestion(
            evidence=Evidence("brand_affinity", values=(brand,)),
            pool=Pool("new", brands=(brand,), maximum_age_days=WITHIN_DAYS),
            more_link=f"/brands/{quote(brand)}",
        )


def _count(brand: str, index: ItemIndex, counts: Ints) -> int:
    code = index.codes_of_brand.get(brand, len(counts))
    return int(counts[code]) if code < len(counts) else 0
