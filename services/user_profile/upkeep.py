"""What happens beside the calls: partitions made ahead, similar users brought up to date."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Final

from services.kit.errors import DependencyDown, NotReady
from services.kit.release_watcher import ReleaseWatcher
from services.user_profile.release import ProfileRelease
from services.user_profile.similar_users import SimilarUsers
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
        similar_users_refresh_s: float,
    ) -> None:
        self._store = store
        self._releases = releases
        self._similar_users = similar_users
        self._similar_users_refresh_s = similar_users_refresh_s

    async def keep_partitions(self) -> None:
        """Make the partitions of the months to come. Writes make theirs in time even when this fails."""
        while True:
            try:
                await self._store.partitions.ensure_ahead(datetime.now(UTC))
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
                await self._similar_users.keep_fresh(shop_id, release, datetime.now(UTC))
            await asyncio.sleep(self._similar_users_refresh_s)
