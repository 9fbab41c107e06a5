"""Popular in C: what most people like within the shop's largest categories."""

from collections.abc import Iterator
from urllib.parse import quote

import numpy as np

from services.page_composer.pools import CATALOGUE, Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion

SHELVES_A_PAGE = 3


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf for each of the three largest categories; on a category page, of those within it."""
    index = scene.index
    sizes = index.count_by_category()
    if scene.visit.focus_category:
        sizes = np.where(index.categories_within(scene.visit.focus_category), sizes, 0)
    largest = np.argsort(-sizes, kind="stable")
    named = [index.categories[code] for code in largest.tolist() if sizes[code] and index.categories[code]]
    for category in named[:SHELVES_A_PAGE]:
        yield Suggestion(
            evidence=Evidence("category_popularity", values=(category,)),
            pool=Pool(CATALOGUE, categories=(category,)),
            more_link=f"/categories/{quote(category)}",
        )
