"""What happens beside the calls: partitions made ahead, similar users brought up to date."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from services.kit.errors import DependencyDown, NotReady
from services.kit.release_watcher import ReleaseWatcher
from services.user_profile.release import ProfileRelease
from services.user_profile.similar_users import SimilarUsers
from services.user_profile.sql.moments import moment
from services.user_profile.store import SqlStore

LOG = logging.getLogger(__name__)

_PARTITION_CHECK_S: Final = 3_600.0


class Upkeep:
    """The background work of one process; each method runs until it is cancelled."""

    def __init__(
        self,
        store: SqlStore,
        releases: ReleaseWatcher[ProfileRelease],
        similar_users: SimilarUsers,
        clock_us: Callable[[], int],
    ) -> None:
        self._store = store
        self._releases = releases
        self._similar_users = similar_users
        self._clock_us = clock_us

    async def keep_partitions(self) -> None:
        """Make the partitions of the months to come. Writes make theirs in time even when this fails."""
        while True:
            try:
                await self._store.partitions.ensure_ahead(moment(self._clock_us()))
            except DependencyDown as error:
                LOG.warning("partitions were not made ahead: %s", error.message)
            await asyncio.sleep(_PARTITION_CHECK_S)

    async def keep_similar_users(self) -> None:
        """Encode the users who changed, for the stable release of every shop."""
        while True:
            for shop_id in self._releases.known_shops():
                try:
                    release = self._releases.get(shop_id)
                except NotReady:
                    continue  # a shop may have releases and no stable one yet
                await self._similar_users.keep_fresh(shop_id, release, moment(self._clock_us()))
            await asyncio.sleep(self._similar_users.refresh_s)
