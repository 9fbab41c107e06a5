"""More in C: the categories that the visitor turns to most."""

from collections.abc import Iterator
from urllib.parse import quote

from services.page_composer.pools import Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion

SHELVES_A_PAGE = 2


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf for each of the two best-liked categories; on a category page, of those within it."""
    visit = scene.visit
    categories = [
        liking.value
        for liking in visit.profile.likings.get("category", ())
        if liking.value and liking.value.startswith(visit.focus_category) and liking.value != visit.focus_category
    ]
    for category in categories[:SHELVES_A_PAGE]:
        yield Suggestion(
            evidence=Evidence("category_affinity", values=(category,)),
            pool=Pool("two_tower", categories=(category,)),
            more_link=f"/categories/{quote(category)}",
        )
