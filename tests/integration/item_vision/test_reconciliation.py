"""Retiring on a real PostgreSQL: beside other writers, undone by an import, and nothing left behind."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from itertools import count

import pytest
import sqlalchemy as sa

from services.item_vision.item import NewLinks
from services.item_vision.sql.catalogue import CatalogueStore, Wanted
from services.item_vision.sql.cursor import Cursor
from services.item_vision.tables import feature_jobs, features, items
from services.kit.errors import NotReady

NOW = datetime(2026, 3, 1, tzinfo=UTC)
_SHOPS = count(1)


@pytest.fixture
def shop_id() -> str:
    return f"reconciled-{next(_SHOPS)}"


async def reconcile(store: CatalogueStore, shop_id: str, *named: str, allow_losses: bool = False):
    async with store.reconciliation() as reconciliation:
        await reconciliation.name(named)
        return await reconciliation.retire(shop_id, allow_losses=allow_losses)


async def test_shops_do_not_see_each_others_reconciliations(engine, make_item, shop_id):
    store, other = CatalogueStore(engine), f"{shop_id}-other"
    await store.put(shop_id, [make_item("a"), make_item("b")], [], NOW)
    await store.put(other, [make_item("a"), make_item("b")], [], NOW)
    outcomes = await asyncio.gather(reconcile(store, shop_id, "a"), reconcile(store, other, "b"))
    assert [(each.retired, each.present) for each in outcomes] == [(1, 1), (1, 1)]
    assert [each.item_id for each in await store.page(shop_id, "", 10)] == ["a"]
    assert [each.item_id for each in await store.page(other, "", 10)] == ["b"]


async def test_an_item_that_comes_back_unchanged_is_told_and_waits_for_nothing(engine, make_item, shop_id):
    store = CatalogueStore(engine)
    await store.put(shop_id, [make_item("a"), make_item("b", stock=0)], [], NOW)
    async with engine.begin() as connection:
        await connection.execute(sa.delete(feature_jobs).where(feature_jobs.c.shop_id == shop_id))
    await reconcile(store, shop_id, "a")
    start = (await store.changes(shop_id, Cursor(), 10)).cursor
    written = await store.put(shop_id, [make_item("a"), make_item("b", stock=0)], [], NOW)
    assert (written.created, written.updated, written.revived, written.unchanged) == (0, 1, 1, 1)
    assert [each.item_id for each in (await store.changes(shop_id, start, 10)).items] == ["b"]
    async with engine.connect() as connection:
        waiting = sa.select(sa.func.count()).where(feature_jobs.c.shop_id == shop_id)
        assert (await connection.execute(waiting)).scalar_one() == 0
    await reconcile(store, shop_id, "a")
    await store.put(shop_id, [make_item("b", stock=2)], [], NOW)
    assert (await store.get(shop_id, ["b"]))["b"].restocked_at == NOW


async def test_a_refused_reconciliation_changes_nothing_and_may_be_tried_again(engine, make_item, shop_id):
    store = CatalogueStore(engine)
    await store.put(shop_id, [make_item(f"i{number:02}") for number in range(30)], [], NOW)
    with pytest.raises(NotReady, match="names only 1 of the shop's 30 items; 29 would be retired"):
        await reconcile(store, shop_id, "i00")
    assert len(await store.page(shop_id, "", 100)) == 30
    assert (await reconcile(store, shop_id, "i00", allow_losses=True)).retired == 29


async def test_retiring_beside_writers_of_the_same_items_does_not_deadlock(engine, make_item, shop_id):
    store = CatalogueStore(engine)
    ids = [f"i{number}" for number in range(30)]
    await store.put(shop_id, [make_item(item_id) for item_id in ids], [], NOW)

    async def write(turn: int) -> None:
        order = ids if turn % 2 else ids[::-1]
        await store.put(shop_id, [make_item(item_id, brand=str(turn)) for item_id in order], [], NOW)
        await store.put_links(shop_id, {item_id: NewLinks([(1, f"{turn}")]) for item_id in order})

    async def retire() -> None:
        await reconcile(store, shop_id, "i1", allow_losses=True)

    await asyncio.gather(*(write(turn) for turn in range(6)), *(retire() for _ in range(2)))
    assert len(await store.page(shop_id, "", 100, Wanted(retired=True))) == 30


async def test_deleting_a_retired_item_leaves_no_trace_of_its_retirement(engine, make_item, shop_id):
    store = CatalogueStore(engine)
    await store.put(shop_id, [make_item("a"), make_item("b")], [], NOW)
    await reconcile(store, shop_id, "a")
    assert await store.delete(shop_id, ["b"]) == ["b"]
    written = await store.put(shop_id, [make_item("b")], [], NOW)
    assert (written.created, written.revived) == (1, 0)
    async with engine.connect() as connection:
        left = sa.select(sa.func.count()).where(features.c.shop_id == shop_id)
        assert (await connection.execute(left)).scalar_one() == 0
        gone = sa.select(items.c.item_id).where(items.c.shop_id == shop_id, items.c.retired)
        assert list(await connection.execute(gone)) == []


async def test_clients_that_stall_keep_nobody_from_the_database(engine, make_item, shop_id, monkeypatch):
    monkeypatch.setattr("services.item_vision.sql.reconciliation.IDS_AT_ONCE", 2)
    store = CatalogueStore(engine)
    await store.put(shop_id, [make_item(name) for name in "abcdef"], [], NOW)
    async with AsyncExitStack() as stalled:
        started = [await stalled.enter_async_context(store.reconciliation()) for _ in range(3 * engine.pool.size())]
        for each in started:
            await each.name(["a", "b"])
            await each.name(["c", "b", "ü", "d"])
        assert len(await store.get(shop_id, ["a", "f"])) == 2
        outcome = await started[0].retire(shop_id, allow_losses=False)
    assert (outcome.retired, outcome.present) == (2, 4)
