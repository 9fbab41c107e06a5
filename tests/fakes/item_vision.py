"""CatalogueService and ItemVisionService in memory, for tests of whatever calls them.

They pass the contract suite that the real ones pass. Nothing works in the background: `compute_features` does what the
worker would.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from services.item_vision.catalogue_servicer import CatalogueServicer
from services.item_vision.clusters import Sighting, cluster_numbers, joined
from services.item_vision.facts import StoredFacts
from services.item_vision.fetch import PictureFetcher
from services.item_vision.holdings import Holdings
from services.item_vision.intake import PictureReader
from services.item_vision.item import CatalogueItem, Link, NewLinks
from services.item_vision.reconciliation import check_losses
from services.item_vision.settings import ItemVisionSettings
from services.item_vision.sql.catalogue import EVERYTHING, Changes, StoredPicture, Wanted, Written
from services.item_vision.sql.cursor import Cursor
from services.item_vision.sql.feature_jobs import Job
from services.item_vision.sql.feature_store import FeatureChanges, FeatureKind, FeatureProgress, ItemFeatures
from services.item_vision.sql.links import LinksWritten
from services.item_vision.sql.reconciliation import Reconciled
from services.item_vision.vision_release import VisionRelease
from services.item_vision.vision_servicer import ItemVisionServicer
from services.item_vision.worker import Encoders, compute_safely
from services.kit.errors import DependencyDown
from services.kit.executor import BoundedExecutor
from tests.fakes.loaded_releases import LoadedReleases
from tests.fakes.small_encoders import RULE, SmallImageEncoder, SmallTextEncoder

LEASE = datetime.max


@dataclass
class Row:
    """An item, whether it was deleted, and the number of the write that changed it last."""

    item: CatalogueItem
    deleted: bool
    change: int
    retired: bool = False

    @property
    def stored(self) -> CatalogueItem:
        return replace(self.item, revision=self.change, retired=self.retired)

    @property
    def gone(self) -> bool:
        return self.deleted or self.retired


@dataclass
class Shop:
    """What is kept of one shop."""

    rows: dict[str, Row] = field(default_factory=dict)
    pictures: dict[str, StoredPicture] = field(default_factory=dict)
    features: dict[str, tuple[ItemFeatures, int]] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    failures: dict[str, str] = field(default_factory=dict)
    links: dict[str, Sequence[Link]] = field(default_factory=dict)

    def linked(self, row: Row) -> CatalogueItem:
        return replace(row.stored, links=self.links.get(row.item.item_id, ()))


def stored_facts(item: CatalogueItem) -> StoredFacts:
    """What the database would answer of an item that is there."""
    derived = {
        "titles": json.dumps(item.titles),
        "attributes": json.dumps(item.attributes),
        "vectors": json.dumps(item.vectors),
        "main_image": item.images[0] if item.images else "",
        "image_count": len(item.images),
        "link_kinds": [kind for kind, _ in item.links],
        "linked_item_ids": [linked for _, linked in item.links],
        "deleted": False,
    }
    return StoredFacts(**{name: derived.get(name, getattr(item, name, None)) for name in StoredFacts._fields})


class MemoryReconciliation:
    """Gathers ids in a set."""

    def __init__(self, store: "MemoryStore") -> None:
        self._store, self._named = store, set[str]()

    async def name(self, item_ids: Sequence[str]) -> None:
        self._named.update(item_ids)

    async def retire(self, shop_id: str, *, allow_losses: bool) -> Reconciled:
        there = {item_id: row for item_id, row in self._store.shop(shop_id).rows.items() if not row.gone}
        lost = there.keys() - self._named
        if not allow_losses:
            check_losses(len(lost), len(there))
        change = self._store.next_change()
        for item_id in lost:
            there[item_id].retired, there[item_id].change = True, change
        return Reconciled(len(lost), len(there) - len(lost))


class MemoryStore:
    """Both stores in plain dictionaries. `down` makes every method fail as if the database were."""

    def __init__(self) -> None:
        self.down = False
        self._writes = 0
        self._shops: dict[str, Shop] = defaultdict(Shop)

    def shop(self, shop_id: str) -> Shop:
        if self.down:
            raise DependencyDown("database")
        return self._shops[shop_id]

    def next_change(self) -> int:
        self._writes += 1
        return self._writes

    async def put(
        self, shop_id: str, batch: Sequence[CatalogueItem], new_pictures: Sequence[StoredPicture], now: datetime
    ) -> Written:
        shop, change = self.shop(shop_id), self.next_change()
        shop.pictures.update({picture.sha256: picture for picture in new_pictures})
        created = updated = revived = 0
        for item in batch:
            before = shop.rows.get(item.item_id)
            there = before is not None and not before.deleted
            if there and before.item.content_hash == item.content_hash and not before.retired:
                continue
            revived += there and before.retired
            created, updated = created + (not there), updated + there
            shop.rows[item.item_id] = Row(item.after(before.item if before else None, now), False, change)
            if not there or before.item.feature_hash != item.feature_hash:
                shop.waiting.add(item.item_id)
                shop.failures.pop(item.item_id, None)
        return Written(created, updated, len(batch) - created - updated, revived)

    async def get(
        self, shop_id: str, item_ids: Sequence[str], *, retired: bool = False, linked: bool = False
    ) -> dict[str, CatalogueItem]:
        shop = self.shop(shop_id)
        found = {each: shop.rows[each] for each in item_ids if each in shop.rows}
        there = {each: row for each, row in found.items() if not (row.deleted if retired else row.gone)}
        return {each: shop.linked(row) if linked else row.stored for each, row in there.items()}

    async def changed(self, shop_id: str, held: Mapping[str, int]) -> frozenset[str]:
        known = await self.get(shop_id, list(held))
        return frozenset(each for each, at in held.items() if each not in known or known[each].revision != at)

    async def page(self, shop_id: str, after: str, limit: int, wanted: Wanted = EVERYTHING) -> Sequence[StoredFacts]:
        shop, since = self.shop(shop_id), wanted.created_from
        there = [row for _, row in sorted(shop.rows.items()) if not (row.deleted if wanted.retired else row.gone)]
        items = [shop.linked(row) for row in there if row.item.item_id > after]
        return [stored_facts(item) for item in items if since is None or item.created_at >= since][:limit]

    async def now_cursor(self, shop_id: str) -> Cursor:
        self.shop(shop_id)
        return Cursor(self._writes, "\uffff")

    async def changes(self, shop_id: str, after: Cursor, limit: int, *, vectors: bool = False) -> Changes:
        shop = self.shop(shop_id)
        rows = sorted(((row.change, item_id), row) for item_id, row in shop.rows.items())
        changed = [(place, row) for place, row in rows if place > (after.xid, after.item_id)]
        page = changed[:limit]
        return Changes(
            items=[stored_facts(shop.linked(row)) for _, row in page if not row.gone],
            deleted_item_ids=[row.item.item_id for _, row in page if row.gone],
            cursor=Cursor(*page[-1][0]) if page else after,
            complete=len(page) < limit,
        )

    async def delete(self, shop_id: str, item_ids: Sequence[str]) -> list[str]:
        shop, change = self.shop(shop_id), self.next_change()
        gone = [each for each in dict.fromkeys(item_ids) if each in await self.get(shop_id, [each], retired=True)]
        for item_id in gone:
            shop.rows[item_id] = Row(shop.rows[item_id].item, True, change)
            shop.features.pop(item_id, None)
            shop.waiting.discard(item_id)
            shop.failures.pop(item_id, None)
        return gone

    @asynccontextmanager
    async def reconciliation(self) -> AsyncIterator[MemoryReconciliation]:
        self.shop("")
        yield MemoryReconciliation(self)

    async def put_links(self, shop_id: str, batch: Mapping[str, NewLinks]) -> LinksWritten:
        shop, change = self.shop(shop_id), self.next_change()
        after = {item_id: each.after(shop.links.get(item_id, ())) for item_id, each in batch.items()}
        changed = [item_id for item_id in batch if shop.links.get(item_id, ()) != after[item_id]]
        for item_id in changed:
            shop.links[item_id] = after[item_id]
            if item_id in shop.rows:
                shop.rows[item_id].change = change
        there = {item_id for item_id, row in shop.rows.items() if not row.gone}
        sent = [(item_id, link) for item_id, each in batch.items() for link in each.links]
        kept = [(item_id, link[1]) for item_id, link in sent if link in after[item_id]]
        held = sum(not {item_id, linked} <= there for item_id, linked in kept)
        return LinksWritten(len(changed), len(batch) - len(changed), held, len(sent) - len(kept))

    async def items_of_variants(self, shop_id: str, variant_ids: Sequence[str]) -> dict[str, str]:
        rows = {item_id: row for item_id, row in self.shop(shop_id).rows.items() if not row.deleted}
        found = {}
        for wanted in variant_ids:
            named = [row for row in rows.values() if wanted in (row.item.item_id, *row.item.variant_ids)]
            named.sort(key=lambda row: (row.retired, row.item.item_id != wanted, row.item.item_id))
            if named:
                found[wanted] = named[0].item.item_id
        return found

    async def picture(self, shop_id: str, sha256: str) -> StoredPicture | None:
        return self.shop(shop_id).pictures.get(sha256)


class MemoryFeatures:
    """The feature store over the same shops."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def newest_kind(self, shop_id: str) -> FeatureKind:
        found = sorted(self._store.shop(shop_id).features.values(), key=lambda each: each[1])
        if not found:
            return FeatureKind()
        newest = found[-1][0]
        widths = [len(each.image) for each, _ in found if each.image is not None]
        return FeatureKind(newest.image_backbone, newest.text_encoder, widths[0] if widths else 0)

    async def progress(self, shop_id: str) -> FeatureProgress:
        shop = self._store.shop(shop_id)
        failures = sorted(shop.failures.items())
        return FeatureProgress(len(shop.waiting), len(shop.features), len(failures), failures[:100])

    async def changes(self, shop_id: str, after: Cursor, limit: int) -> FeatureChanges:
        found = sorted(
            ((change, item_id), features) for item_id, (features, change) in self._shop_features(shop_id).items()
        )
        page = [each for each in found if each[0] > (after.xid, after.item_id)][:limit]
        cursor = Cursor(*page[-1][0]) if page else after
        return FeatureChanges([features for _, features in page], cursor, len(page) < limit)

    def _shop_features(self, shop_id: str) -> dict[str, tuple[ItemFeatures, int]]:
        return self._store.shop(shop_id).features


class FakeItemVision:
    """Both servicers over memory: `catalogue` and `vision`. Make it inside an event loop."""

    def __init__(self, picture_folders: dict[str, Path] | None = None) -> None:
        self.store, self.encoder = MemoryStore(), SmallImageEncoder()
        self.releases: LoadedReleases[VisionRelease] = LoadedReleases()
        self.features = MemoryFeatures(self.store)
        executor = BoundedExecutor("fake_item_vision")
        fetcher = PictureFetcher(picture_folders or {}, timeout_s=1.0)
        holdings = Holdings(
            settings=ItemVisionSettings(database_dsn="postgresql://nowhere/none", watch_poll_s=0.01),
            catalogue=self.store,
            features=self.features,
            releases=self.releases,
            fetcher=fetcher,
            reader=PictureReader(fetcher, executor),
            executor=executor,
        )
        holdings.encoder.set_result(self.encoder)
        self.catalogue, self.vision = CatalogueServicer(holdings), ItemVisionServicer(holdings)
        self.close = fetcher.close

    async def compute_features(self, shop_id: str) -> None:
        """Finish every waiting job, or give it up at its first failure; then bring releases up to date."""
        shop, change = self.store.shop(shop_id), self.store.next_change()
        jobs = [self._job(shop_id, item_id) for item_id in sorted(shop.waiting)]
        encoders = Encoders(self.encoder, SmallTextEncoder())
        computed = await asyncio.to_thread(compute_safely, jobs, encoders)
        for job, features in computed.features:
            shop.features[job.item.item_id] = (features, change)
            shop.rows[job.item.item_id].change = change
        shop.failures.update({job.item.item_id: failure for job, failure in computed.failures})
        shop.waiting.clear()
        self._cluster(shop, {job.item.item_id for job, _ in computed.features})
        for release in self.releases.loaded[shop_id].values():
            await release.catch_up(self.features)

    def _job(self, shop_id: str, item_id: str) -> Job:
        shop = self.store.shop(shop_id)
        item = shop.rows[item_id].item
        picture = shop.pictures[item.images[0]].content if item.images else None
        return Job(shop_id, item, 1, LEASE, picture)

    def _cluster(self, shop: Shop, new: set[str]) -> None:
        sightings = [
            Sighting(each.item_id, each.image, each.image_hash)
            for each, _ in shop.features.values()
            if each.image is not None
        ]
        numbers = cluster_numbers(
            joined(sightings, new, RULE),
            {item_id: row.item.near_duplicate_cluster for item_id, row in shop.rows.items()},
            {each.item_id: each.image_hash for each in sightings},
        )
        for item_id, number in numbers.items():
            shop.rows[item_id].item = replace(shop.rows[item_id].item, near_duplicate_cluster=number)
