"""Keeps anonymous pools of each segment in the cache, for pages made while the ranker is down."""

import asyncio
import logging
import time
from collections.abc import Callable

from services.kit.errors import DependencyDown
from services.page_composer.page_release import PageRelease
from services.page_composer.ports import NOBODY, Ranker, ReleaseRefused
from services.page_composer.proposal import Scene
from services.page_composer.releases import Releases
from services.page_composer.shelves.registry import propose
from services.page_composer.shops import Shop, Shops
from services.page_composer.stand_ins import Segment, SegmentPools
from services.page_composer.visit import Visit

LOG = logging.getLogger(__name__)

WARM_EVERY_S = 30.0
RETRY_S = 2.0
TIMEOUT_S = 2.0


class SegmentWarming:
    """Asks the ranker for nobody's pools, segment by segment."""

    def __init__(
        self, shops: Shops, releases: Releases, ranker: Ranker, clock: Callable[[], float] = time.time
    ) -> None:
        self._shops = shops
        self._releases = releases
        self._ranker = ranker
        self._clock = clock

    async def keep_warm(self) -> None:
        """Warm again and again, until cancelled."""
        while True:
            complete = True
            for shop in self._shops.all():
                complete = await self.warm(shop) and complete
            await asyncio.sleep(WARM_EVERY_S if complete else RETRY_S)

    async def warm(self, shop: Shop) -> bool:
        """Refresh the pools of every segment of a shop; False when some could not be had."""
        release = self._releases.choices(shop.shop_id)[0]
        if not release.release_id or not shop.is_known:
            return False
        for segment in shop.segments.wanted():
            try:
                shop.segments.put(segment, await self._pools(shop, segment, release))
            except (DependencyDown, ReleaseRefused) as problem:
                LOG.info("segment pools cannot be warmed: %s", problem)
                return False
        return True

    async def _pools(self, shop: Shop, segment: Segment, release: PageRelease) -> SegmentPools:
        visit = Visit(shop.shop_id, "", self._clock(), device=segment.device, region=segment.country)
        asked = {
            proposal.section_id: proposal.pool
            for proposal in propose(Scene(visit, shop.index, sources=release.sources))
        }
        answer = await self._ranker.recommend(visit, release.release_id, NOBODY, asked, TIMEOUT_S)
        return SegmentPools(asked, answer.scored)
