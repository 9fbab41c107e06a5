"""Links on a real PostgreSQL: two writers of one item that is not there yet."""

import asyncio

import sqlalchemy as sa

from services.item_vision.item import NewLinks
from services.item_vision.sql.catalogue import CatalogueStore
from services.item_vision.sql.links import put_links
from services.item_vision.tables import links

SHOP = "linked-at-once"
WAITING = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")


async def test_who_adds_links_to_an_item_that_is_not_there_waits_for_who_does_the_same(engine):
    async with engine.connect() as first:
        async with first.begin():
            await put_links(first, SHOP, {"later": NewLinks([(1, "a")], keep_others=True)})
            other = CatalogueStore(engine).put_links(SHOP, {"later": NewLinks([(1, "b")], keep_others=True)})
            second = asyncio.create_task(other)
            async with engine.connect() as watcher, asyncio.timeout(60):
                while not (await watcher.execute(WAITING)).scalar_one():
                    await asyncio.sleep(0.01)
        assert (await second).updated == 1
        stored = await first.execute(sa.select(links.c.linked_item_ids).where(links.c.shop_id == SHOP))
        assert [row.linked_item_ids for row in stored] == [["a", "b"]]
