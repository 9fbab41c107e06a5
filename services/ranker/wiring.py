"""What the ranker holds while it runs: releases, catalogues, the model server; and the tasks that keep them current."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from services.kit.background import BackgroundTasks
from services.kit.release import Release
from services.kit.release_watcher import ReleaseWatcher
from services.kit.upstream import Upstream
from services.ranker.catalogue_watch import CatalogueWatch
from services.ranker.model.signature import Tensors
from services.ranker.model_client import ModelClient, Prediction
from services.ranker.ranker_release import Items, RankerRelease
from services.ranker.settings import RankerSettings

CATALOGUE_WAIT_S = 20.0
"""How long the start waits for the first catalogue; later the vocabulary stands in."""


@dataclass
class Holdings:
    """Everything a call reads. One an process."""

    settings: RankerSettings
    releases: ReleaseWatcher[RankerRelease]
    catalogues: CatalogueWatch
    model: ModelClient

    def release(self, shop_id: str, release_id: str) -> RankerRelease:
        """The release a call names, else the stable one. Raises: NotReady (RELEASE_NOT_READY)."""
        return self.releases.get(shop_id, release_id)

    def items(self, release: RankerRelease) -> Items:
        """The shop's items now; the release's vocabulary while item_vision has not been reached."""
        return release.items(self.catalogues.catalogue(release.shop_id))

    def predict(self, release: RankerRelease) -> Callable[[Tensors], Awaitable[Prediction]]:
        """The release's model, by its version number."""
        timeout_s = self.settings.model_timeout_ms / 1000
        return partial(self.model.predict, release.shop_id, release.version, timeout_s=timeout_s)


class ReleaseLoader:
    """Loads a release, follows its shop's catalogue, and fetches the vectors of items newer than it."""

    def __init__(self, item_vision: Upstream, catalogues: CatalogueWatch, background: BackgroundTasks) -> None:
        self._item_vision = item_vision
        self._catalogues = catalogues
        self._background = background
        self._fetching: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def load(self, release: Release) -> RankerRelease:
        """What ReleaseWatcher calls for each wanted release."""
        loaded = await asyncio.to_thread(RankerRelease.load, release)
        if not self._catalogues.followed(loaded.shop_id):
            self._background.spawn("catalogue_watch", self._catalogues.follow(loaded.shop_id))
        catalogue = self._catalogues.catalogue(loaded.shop_id)
        task = self._background.spawn(
            "fresh_items", loaded.fresh.keep_current(catalogue, loaded.rows, self._item_vision)
        )
        self._fetching[loaded.shop_id, loaded.release_id] = task
        return loaded

    async def drop(self, loaded: RankerRelease) -> None:
        """What ReleaseWatcher calls for a release that is let go."""
        task = self._fetching.pop((loaded.shop_id, loaded.release_id), None)
        if task is not None:
            task.cancel()
