"""Keeps the wanted releases of every shop loaded: new ones beside the old, broken ones reported and never
half used.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, TypeVar

from services.kit.errors import NotReady
from services.kit.label_moves import wanted_ids
from services.kit.release import Labels, Release, ReleaseDirectory, shop_ids, version_of
from services.kit.telemetry import metrics

LOG = logging.getLogger(__name__)

Loaded = TypeVar("Loaded")
Clock = Callable[[], float]

RELEASE_NOT_READY = "RELEASE_NOT_READY"


@dataclass(frozen=True)
class WatchSettings:
    """How a ReleaseWatcher looks and lets go."""

    poll_s: float = 1.0
    """Time between two looks at the folder."""
    linger_s: float = 60.0
    """A release that is no longer wanted stays usable this long, for pages that were begun with it."""
    retry_s: float = 15.0
    """A release that could not be loaded is tried again after this time."""


@dataclass
class _Shop(Generic[Loaded]):
    labels: Labels = field(default_factory=Labels)
    loaded: dict[str, Loaded] = field(default_factory=dict)
    unwanted_since_s: dict[str, float] = field(default_factory=dict)
    failures: dict[str, tuple[float, str]] = field(default_factory=dict)


class ReleaseWatcher(Generic[Loaded]):
    """Loads stable, canary, previous, the newest release (so that it is warm before it is promoted) of each shop, and
    the one that somebody is about to promote (see label_moves.py).

    `load(release)` is the service's: it reads what the service needs, warms it up, and returns it. It is
    called once a release, after the checksums held. `drop(loaded)`, if given, is called when a release is let
    go.
    """

    def __init__(
        self,
        root: Path,
        load: Callable[[Release], Awaitable[Loaded]],
        *,
        drop: Callable[[Loaded], Awaitable[None]] | None = None,
        settings: WatchSettings | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._root = root
        self._load = load
        self._drop = drop
        self._settings = settings or WatchSettings()
        self._clock = clock
        self._shops: dict[str, _Shop[Loaded]] = {}
        self._looking = asyncio.Lock()
        self._gauge = metrics().gauge("vitrine_releases_ready", "Releases loaded and warm.", ["shop"])
        self._labelled = metrics().gauge(
            "vitrine_label_ready", "1 when the release that a label names is loaded and warm.", ["shop", "label"]
        )
        self._broken = metrics().counter("vitrine_release_failures", "Releases that could not be loaded.", ["shop"])

    def ready_ids(self, shop_id: str) -> list[str]:
        """Return the releases that can be used now, newest first."""
        shop = self._shops.get(shop_id)
        return sorted(shop.loaded, key=version_of, reverse=True) if shop else []

    def failures(self, shop_id: str) -> dict[str, str]:
        """Return why releases of a shop could not be loaded, by id."""
        shop = self._shops.get(shop_id)
        return {release_id: problem for release_id, (_, problem) in shop.failures.items()} if shop else {}

    def labels(self, shop_id: str) -> Labels:
        """Return the labels as they were at the last look."""
        shop = self._shops.get(shop_id)
        return shop.labels if shop else Labels()

    def known_shops(self) -> list[str]:
        """Return the shops that have a ready release."""
        return sorted(shop_id for shop_id, shop in self._shops.items() if shop.loaded)

    def get(self, shop_id: str, release_id: str = "") -> Loaded:
        """Return what `load` made of a release; without `release_id`, of the shop's stable one.

        Raises: NotReady (RELEASE_NOT_READY) naming what is ready.
        """
        shop = self._shops.get(shop_id)
        wanted = release_id or (shop.labels.stable if shop else None)
        if shop is not None and wanted in shop.loaded:
            return shop.loaded[wanted]
        ready = ",".join(self.ready_ids(shop_id))
        raise NotReady(
            f"release {wanted or '(stable)'} of shop {shop_id} is not ready here; ready: {ready or 'none'}",
            reason=RELEASE_NOT_READY,
            metadata={"release_id": wanted or "", "ready": ready},
        )

    async def watch(self) -> None:
        """Look again and again, until cancelled. Belongs in `runtime.background.spawn`."""
        while True:
            await self.look()
            await asyncio.sleep(self._settings.poll_s)

    async def look(self) -> None:
        """Look once at every shop: load what is wanted, let go of what is not."""
        async with self._looking:  # a warm-up and the watch may look at once
            for shop_id in await asyncio.to_thread(shop_ids, self._root):
                shop = self._shops.setdefault(shop_id, _Shop())
                try:
                    await self._look_at(ReleaseDirectory(self._root, shop_id), shop)
                except Exception:  # what is loaded stays usable, and other shops are not held up
                    LOG.exception("looking for releases failed", extra={"fields": {"shop_id": shop_id}})

    async def _look_at(self, directory: ReleaseDirectory, shop: _Shop[Loaded]) -> None:
        self._broken.labels(directory.shop_id)  # a counter that begins at nought shows its first step to alerts
        wanted = await self._wanted(directory, shop)
        for release_id in wanted:
            if release_id not in shop.loaded and self._may_try(shop, release_id):
                await self._load_one(directory, shop, release_id)
        await self._let_go(shop, frozenset(wanted))
        self._gauge.labels(directory.shop_id).set(len(shop.loaded))
        for label, release_id in shop.labels.model_dump().items():
            # An unused label is not missing anywhere.
            self._labelled.labels(directory.shop_id, label).set(release_id is None or release_id in shop.loaded)

    async def _wanted(self, directory: ReleaseDirectory, shop: _Shop[Loaded]) -> list[str]:
        """Return what should be loaded, the stable release first, and remember the labels."""
        labels = await asyncio.to_thread(directory.labels)
        shop.labels = labels
        return await asyncio.to_thread(wanted_ids, directory, labels, datetime.now(UTC))

    def _may_try(self, shop: _Shop[Loaded], release_id: str) -> bool:
        failed = shop.failures.get(release_id)
        return failed is None or self._clock() - failed[0] >= self._settings.retry_s

    async def _load_one(self, directory: ReleaseDirectory, shop: _Shop[Loaded], release_id: str) -> None:
        fields = {"shop_id": directory.shop_id, "release_id": release_id}
        try:
            release = await asyncio.to_thread(directory.open, release_id)
            await asyncio.to_thread(release.verify)
            loaded = await self._load(release)
        except Exception as error:
            shop.failures[release_id] = (self._clock(), f"{type(error).__name__}: {error}")
            self._broken.labels(directory.shop_id).inc()
            LOG.exception("a release cannot be used", extra={"fields": fields})
            return
        shop.loaded[release_id] = loaded
        shop.failures.pop(release_id, None)
        LOG.info("release ready", extra={"fields": fields})

    async def _let_go(self, shop: _Shop[Loaded], wanted: frozenset[str]) -> None:
        now_s = self._clock()
        for release_id in list(shop.loaded):
            if release_id in wanted:
                shop.unwanted_since_s.pop(release_id, None)
                continue
            since_s = shop.unwanted_since_s.setdefault(release_id, now_s)
            if now_s - since_s >= self._settings.linger_s:
                del shop.unwanted_since_s[release_id]
                loaded = shop.loaded.pop(release_id)
                if self._drop is not None:
                    await self._drop(loaded)
