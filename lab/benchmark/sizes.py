"""Where the shop of each size comes from, and the ensemble that serves it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from lab.benchmark.catalogue import make_catalogue
from lab.benchmark.failures import BenchmarkFailed
from lab.benchmark.messages import RecordedPage
from lab.benchmark.recorded import new_recorder, proxied, record_pages
from lab.benchmark.rig import MeasuredShop, Rig
from lab.benchmark.settling import patience_s, whole_pages
from lab.benchmark.showing import Show
from lab.benchmark.users import UserRows, user_ids
from lab.evaluation.deeds import deeds_by_user
from lab.supervisor.ensemble import Ensemble
from lab.supervisor.keys import work_secrets

DEMO_SIZE = 2_000
"""Up to here the demo's shop is measured: drawn pictures and a trained release. Beyond, vectors are synthetic."""
SYNTHETIC_SHOP = "synthetic"
SYNTHETIC_USERS = 1_000
SEED = 7
ITEMS_WITH_DEEDS = 20_000
"""At most so many items have histories and events in synthetic shops."""
REST_S = 240.0


@dataclass(frozen=True)
class Size:
    """A catalogue size, and the demo's work folder and shop."""

    items: int
    work: Path
    demo_shop: str
    synthetic_from: int = DEMO_SIZE + 1
    """Sizes from here on are synthetic."""

    @property
    def synthetic(self) -> bool:
        """Whether its shop is made for the measurement."""
        return self.items >= self.synthetic_from

    @property
    def folder(self) -> Path:
        """The work folder of its ensemble: synthetic shops have one of their own, which is removed."""
        return self.work / "benchmark" / str(self.items) if self.synthetic else self.work

    @property
    def shop_id(self) -> str:
        """The shop that is measured."""
        return SYNTHETIC_SHOP if self.synthetic else self.demo_shop


@asynccontextmanager
async def running(
    size: Size, show: Show, run_id: str, *, record: bool
) -> AsyncIterator[tuple[Rig, Sequence[RecordedPage]]]:
    """Make the shop of a size, start everything, wait for whole pages; with `record` pages are recorded first.

    What was made is removed at the end. Raises: BenchmarkFailed; CatalogueFailed; ProcessFailed.
    """
    if not size.synthetic and not (size.folder / size.shop_id / "events.jsonl.gz").exists():
        raise BenchmarkFailed(
            f"{size.work} holds no shop {size.shop_id}; make one with `vitrine demo --once --work {size.work}`"
        )
    async with new_recorder() as recorder:
        environment = proxied(recorder) if record else {}
        if size.synthetic:  # what a run that was killed has left would be in the way
            _remove(size, Ensemble(size.folder, free_ports=True))
        ensemble = Ensemble(size.folder, environment=environment, free_ports=size.synthetic)
        try:
            shop = await _shop(size, ensemble, show)
            recorded: list[RecordedPage] = []
            if record:
                recorded = await record_pages(Rig(ensemble, shop, run_id), recorder, environment, show)
            await asyncio.to_thread(ensemble.start)
            async with Rig(ensemble, shop, run_id) as rig:
                await _ready(rig, show)
                yield rig, recorded
        finally:
            await asyncio.to_thread(ensemble.stop)
            if size.synthetic:
                _remove(size, ensemble)


def _remove(size: Size, ensemble: Ensemble) -> None:
    ensemble.remove_database()
    shutil.rmtree(size.folder, ignore_errors=True)


async def _ready(rig: Rig, show: Show) -> None:
    show(f"{rig.shop.item_count:,} items: start", 0, 1)
    await whole_pages(rig.pages("ready").compose, rig.stable, patience_s(rig.shop.item_count))
    show(f"{rig.shop.item_count:,} items: start", 1, 1)


async def _shop(size: Size, ensemble: Ensemble, show: Show) -> MeasuredShop:
    if not size.synthetic:
        users = sorted(deeds_by_user(size.folder / size.shop_id / "events.jsonl.gz"))
        await asyncio.to_thread(ensemble.start, ("item_vision",))
        item_ids, count = await _items(ensemble.dsn, size.shop_id)
        return MeasuredShop(size.shop_id, users, item_ids, count, synthetic=False)
    what = f"{size.items:,} items: catalogue"
    show(what, 0, 1)
    await asyncio.to_thread(ensemble.start, ("user_profile", "item_vision"))
    await asyncio.to_thread(make_catalogue, size.folder, size.shop_id, size.items, SEED, ensemble.dsn)
    item_ids, count = await _items(ensemble.dsn, size.shop_id)
    rows = UserRows(ensemble.dsn, work_secrets(size.folder)["pseudonym_key"], size.shop_id, item_ids)
    await rows.add(0, SYNTHETIC_USERS)
    show(what, 1, 1)
    return MeasuredShop(size.shop_id, user_ids(SYNTHETIC_USERS), item_ids, count, synthetic=True)


async def _items(dsn: str, shop_id: str) -> tuple[list[str], int]:
    """Ids of items of a shop, and how many there are."""
    of_shop = "FROM item_vision.items WHERE shop_id = $1 AND NOT deleted"
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(f"SELECT item_id {of_shop} ORDER BY item_id LIMIT {ITEMS_WITH_DEEDS}", shop_id)
        count = await connection.fetchval(f"SELECT count(*) {of_shop}", shop_id)
    finally:
        await connection.close()
    if not rows:
        raise BenchmarkFailed(f"shop {shop_id} has no items; run make demo first")
    return [row["item_id"] for row in rows], int(count)
