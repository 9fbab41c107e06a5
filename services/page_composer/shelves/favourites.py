"""Your favourites: what the visitor marked and can buy now."""

from collections.abc import Iterator

from services.page_composer.pools import GIVEN, Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import first

MOST = 30


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf, where something is marked and not bought yet."""
    profile = scene.visit.profile
    bought = profile.standing("purchase", "return")
    marked = profile.standing("favourite", "unfavourite")
    items = tuple(first((each for each in marked if each not in bought and scene.index.get(each)), MOST))
    if items:
        yield Suggestion(Evidence("favourite", item_ids=items), Pool(GIVEN, given=items))
