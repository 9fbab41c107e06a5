"""What a campaign promotes."""

from collections.abc import Iterator

from services.page_composer.pools import GIVEN, Pool
from services.page_composer.proposal import Evidence, Scene, Suggestion
from services.page_composer.wording import in_language

SHELVES_A_PAGE = 2
MOST = 48


def propose(scene: Scene) -> Iterator[Suggestion]:
    """One shelf for each of the first two campaigns in force that promote items which can be bought."""
    promoting = [campaign for campaign in scene.campaigns if not campaign.items.is_empty]
    for campaign in promoting[:SHELVES_A_PAGE]:
        newest = campaign.items.newest(scene.index, MOST)
        if len(newest):
            titles = campaign.banners[0].titles if campaign.banners else {}
            yield Suggestion(
                evidence=Evidence("campaign", rule_id=campaign.campaign_id),
                pool=Pool(GIVEN, given=tuple(scene.index.item_ids[row] for row in newest.tolist())),
                title=in_language(titles, scene.visit.locale) or campaign.name,
            )
