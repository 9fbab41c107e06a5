"""New from brand B: what a brand that the visitor likes brought lately."""

from collections.abc import Iterator
from urllib.parse import quote

import numpy as np

from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import DAY_S, Liking

SHELVES_A_PAGE = 2
WITHIN_DAYS = 45
FEWEST = 3


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf for each of the two best-liked brands that have at least three new items in stock."""
    brands = [each for each in scene.visit.profile.likings.get("brand", ()) if _has_news(each, scene)]
    for liking in brands[:SHELVES_A_PAGE]:
        yield Suggestion(
            evidence=Evidence("brand_affinity", values=(liking.value,)),
            pool=Pool("new", brands=(liking.value,), maximum_age_days=WITHIN_DAYS),
            more_link=f"/brands/{quote(liking.value)}",
        )


def _has_news(liking: Liking, scene: Scene) -> bool:
    index = scene.index
    new = index.created_s >= scene.visit.at_s - WITHIN_DAYS * DAY_S
    return bool(liking.value) and int(np.sum(new & index.brand_mask([liking.value]) & index.available)) >= FEWEST
