"""Users near a user: their embeddings in memory, brought up to date beside the calls."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.kit.errors import DependencyDown
from services.user_profile.model.encoder import EMBEDDING_SIZE
from services.user_profile.profile import ProfileEvent, build_profile
from services.user_profile.release import ProfileRelease
from services.user_profile.sql.moments import microseconds
from services.user_profile.store import Store

LOG = logging.getLogger(__name__)

# Changes that were committed while the last look ran carry an earlier time than the look itself.
_OVERLAP: Final = timedelta(seconds=30)
# Everything is encoded anew after this time: who was deleted or has long been inactive does not stay in memory.
_REBUILD_AFTER: Final = timedelta(hours=1)
# Users encoded at a time, between which other work gets its turn.
_CHUNK: Final = 100


@dataclass(frozen=True)
class SimilarUsersSettings:
    """Who is held in memory."""

    limit: int = 100_000
    """Users, those last active first."""
    active_days: int = 90
    """Users who did nothing for so long are left out."""
    refresh_s: float = 30.0
    """Time between two looks in the background. An answer never rests on a look more than twice as old."""


@dataclass
class _Space:
    """The users of one shop in the space of one encoder."""

    row_of: dict[bytes, int] = field(default_factory=dict)
    pseudonyms: list[bytes] = field(default_factory=list)
    directions: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, EMBEDDING_SIZE), np.float32))
    """`[capacity, 64]` unit vectors; the first `len(pseudonyms)` rows are used."""
    built_at: datetime | None = None
    looked_at: datetime | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def clear(self, now: datetime) -> None:
        self.row_of.clear()
        self.pseudonyms.clear()
        self.built_at, self.looked_at = now, None

    def put(self, pseudonym: bytes, direction: NDArray[np.float32]) -> None:
        row = self.row_of.get(pseudonym)
        if row is None:
            row = self.row_of[pseudonym] = len(self.pseudonyms)
            self.pseudonyms.append(pseudonym)
            if row >= len(self.directions):
                self.directions = np.resize(self.directions, (max(2 * row, 256), EMBEDDING_SIZE))
        self.directions[row] = direction


class SimilarUsers:
    """Nearest users by the cosine of their embeddings. Exact: 100,000 users take about a millisecond."""

    def __init__(self, store: Store, settings: SimilarUsersSettings | None = None) -> None:
        self._store = store
        self._settings = settings or SimilarUsersSettings()
        self._spaces: dict[tuple[str, str], _Space] = {}

    @property
    def refresh_s(self) -> float:
        """Time between two looks in the background."""
        return self._settings.refresh_s

    async def refresh(self, shop_id: str, release: ProfileRelease, now: datetime) -> int:
        """Encode the users who changed since the last look; answers how many.

        Raises: DependencyDown.
        """
        space = self._spaces.setdefault((shop_id, release.encoder.space_id), _Space())
        async with space.lock:
            if space.looked_at == now:
                return 0  # somebody else looked while this call waited
            if space.built_at is None or now - space.built_at >= _REBUILD_AFTER:
                space.clear(now)
            active_since = now - timedelta(days=self._settings.active_days)
            changed_since = space.looked_at - _OVERLAP if space.looked_at else active_since
            changed = await self._store.changed_users(shop_id, active_since, changed_since, self._settings.limit)
            await _encode(space, changed, release, microseconds(now))
            space.looked_at = now
            return len(changed)

    async def nearest(
        self, shop_id: str, release: ProfileRelease, embedding: NDArray[np.float32], at_most: int, now: datetime
    ) -> list[tuple[bytes, float]]:
        """Pseudonym and cosine of the nearest users, nearest first; ties by pseudonym.

        Consent may have changed since the last look: the caller asks the store about those it names.
        """
        key = shop_id, release.encoder.space_id
        space = self._spaces.setdefault(key, _Space())
        if space.looked_at is None or (now - space.looked_at).total_seconds() > 2.0 * self._settings.refresh_s:
            await self.refresh(shop_id, release, now)
        count = len(space.pseudonyms)
        length = float(np.linalg.norm(embedding))
        if not count or length == 0.0:
            return []
        cosines = space.directions[:count] @ (embedding / length)
        rows = np.argpartition(-cosines, at_most - 1)[:at_most] if count > at_most else np.arange(count)
        found = [(space.pseudonyms[row], float(cosines[row])) for row in rows.tolist()]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    async def keep_fresh(self, shop_id: str, release: ProfileRelease, now: datetime) -> None:
        """As `refresh`, for the background: a database that is down is left for the next time."""
        try:
            await self.refresh(shop_id, release, now)
        except DependencyDown as error:
            LOG.warning("similar users stay as they are: %s", error.message)


async def _encode(
    space: _Space, changed: Mapping[bytes, Sequence[ProfileEvent]], release: ProfileRelease, now_us: int
) -> None:
    for count, (pseudonym, events) in enumerate(changed.items(), 1):
        profile = build_profile(events, now_us, release.facets, release.encoder, impression_counts={})
        if profile.embedding is not None:
            length = float(np.linalg.norm(profile.embedding))
            if length > 0.0:
                space.put(pseudonym, profile.embedding / length)
        if count % _CHUNK == 0:
            await asyncio.sleep(0)
