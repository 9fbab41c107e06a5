"""What the ranker holds while it runs: releases, catalogues, the model server; and the tasks that keep them current."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from services.kit.background import BackgroundTasks
from services.kit.deadline import Budget
from services.kit.executor import BoundedExecutor
from services.kit.release import Release
from services.kit.release_watcher import ReleaseWatcher
from services.kit.upstream import Upstream
from services.ranker.catalogue import Catalogue
from services.ranker.catalogue_watch import CatalogueWatch
from services.ranker.explain import Ask, Attribution
from services.ranker.items import Items
from services.ranker.model.signature import Tensors
from services.ranker.model_client import ModelClient, Prediction
from services.ranker.ranker_release import RankerRelease
from services.ranker.recommend import Predict
from services.ranker.settings import RankerSettings

CATALOGUE_WAIT_S = 20.0
"""How long the start waits for the first catalogue; later the vocabulary stands in."""

MODEL_SHARE = 0.7
"""Of what is left of the caller's deadline, so that a late model server leaves time to answer with source scores."""

FEW_ITEMS = 5_000
"""Catalogues up to this size take a page some milliseconds, which the event loop can wait for (ADR 0027)."""

Result = TypeVar("Result")


@dataclass
class Holdings:
    """Everything a call reads. One a process."""

    settings: RankerSettings
    releases: ReleaseWatcher[RankerRelease]
    catalogues: CatalogueWatch
    model: ModelClient
    executor: BoundedExecutor

    def release(self, shop_id: str, release_id: str) -> RankerRelease:
        """The release a call names, else the stable one. Raises: NotReady (RELEASE_NOT_READY)."""
        return self.releases.get(shop_id, release_id)

    async def on_items(self, release: RankerRelease, work: Callable[[Items], Result]) -> Result:
        """Run CPU work on the shop's items as they stand still; outside the event loop, unless they are few.

        Raises: Overloaded when too much of it waits.
        """
        catalogue = self.catalogues.catalogue(release.shop_id)
        # A thread of its own would hold the interpreter's lock all the same, and costs two changes of thread.
        few = max(len(catalogue), len(release.vocabulary)) <= FEW_ITEMS
        if few and catalogue.lock.acquire(blocking=False):
            try:
                return work(release.items(catalogue))
            finally:
                catalogue.lock.release()

        def locked() -> Result:
            with catalogue.lock:
                return work(release.items(catalogue))

        return await self.executor.run(locked)

    def predict(self, release: RankerRelease) -> Predict:
        """The release's model, by its version number, with a share of the time that is left."""

        async def ask(tensors: Tensors) -> Prediction:
            return await self.model.predict(
                release.shop_id, release.version, tensors, timeout_s=self._model_timeout_s()
            )

        return ask

    def explain(self, release: RankerRelease) -> Ask:
        """The same for explanations."""

        async def ask(tensors: Tensors) -> Attribution:
            return await self.model.explain(
                release.shop_id, release.version, tensors, timeout_s=self._model_timeout_s()
            )

        return ask

    def _model_timeout_s(self) -> float:
        at_most_ms = float(self.settings.model_timeout_ms)
        return Budget.of_call(at_most_ms / MODEL_SHARE).share(MODEL_SHARE, at_most_ms=at_most_ms)


def tie(release: RankerRelease, catalogue: Catalogue) -> None:
    """Find out where the catalogue has the release's items: half a second for a million, once."""
    release.prepare()
    with catalogue.lock:
        release.items(catalogue)


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
        self._catalogues.follow(loaded.shop_id)
        catalogue = self._catalogues.catalogue(loaded.shop_id)
        await asyncio.to_thread(tie, loaded, catalogue)  # so that no request waits for it
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
