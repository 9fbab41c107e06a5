"""Because you searched Q: items that match what the visitor looked for."""

from collections.abc import Iterator
from urllib.parse import quote

from services.page_composer.pools import CATALOGUE, Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.visit import first

SHELVES_A_PAGE = 2
WITHIN_DAYS = 30.0


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf for each of the visitor's last two different searches."""
    visit = scene.visit
    latest = {each.query: each.at_s for each in reversed(visit.profile.searches)}
    recent = (each.query for each in visit.profile.searches if visit.days_since(each.at_s) <= WITHIN_DAYS)
    for query in first(recent, SHELVES_A_PAGE):
        yield Suggestion(
            evidence=Evidence("search", values=(query,), at_s=latest[query]),
            pool=Pool(CATALOGUE, query=query),
            more_link=f"/search?q={quote(query)}",
        )
