"""Watches never skip a change, although transactions commit in another order than they began."""

import asyncio
from datetime import UTC, datetime
from itertools import count

import pytest

from services.item_vision.sql.catalogue import THIS_TRANSACTION, CatalogueStore
from services.item_vision.sql.cursor import Cursor
from services.item_vision.tables import items
from services.kit.errors import InvalidRequest

NOW = datetime(2026, 3, 1, tzinfo=UTC)
_SHOPS = count(1)


@pytest.fixture
def shop_id() -> str:
    return f"changes-{next(_SHOPS)}"


async def test_a_change_that_commits_late_is_seen_after_the_cursor_of_one_that_began_later(engine, make_item, shop_id):
    store = CatalogueStore(engine)
    await store.put(shop_id, [make_item("early"), make_item("late")], [], NOW)
    start = (await store.changes(shop_id, Cursor(), 100)).cursor
    async with engine.connect() as slow:
        transaction = await slow.begin()
        await slow.execute(
            items.update()
            .where(items.c.shop_id == shop_id, items.c.item_id == "early")
            .values(brand="Early", changed_xid=THIS_TRANSACTION)
        )
        await store.put(shop_id, [make_item("late", brand="Late")], [], NOW)
        meanwhile = await store.changes(shop_id, start, 100)
        assert [item.item_id for item in meanwhile.items] == []
        await transaction.commit()
    after = await store.changes(shop_id, meanwhile.cursor, 100)
    assert {item.item_id: item.brand for item in after.items} == {"early": "Early", "late": "Late"}


async def test_a_reader_beside_many_writers_ends_with_what_is_stored(engine, make_item, shop_id):
    store = CatalogueStore(engine)
    seen: dict[str, str] = {}
    done = asyncio.Event()

    async def write(writer: int) -> None:
        for number in range(12):
            batch = [
                make_item(f"i{(writer * 5 + number + step) % 20}", brand=f"{writer}.{number}") for step in range(4)
            ]
            await store.put(shop_id, batch, [], NOW)

    async def follow() -> None:
        cursor, last = Cursor(), False
        while True:
            last = done.is_set()
            changes = await store.changes(shop_id, cursor, 3)
            cursor = changes.cursor
            seen.update({item.item_id: item.brand for item in changes.items})
            if last and changes.complete:
                return

    async with asyncio.TaskGroup() as group:
        group.create_task(follow())
        await asyncio.gather(*(write(writer) for writer in range(4)))
        done.set()
    stored = await store.page(shop_id, "", 100)
    assert {item.item_id: item.brand for item in stored} == seen


async def test_writers_of_the_same_items_in_any_order_do_not_deadlock(engine, make_item, shop_id):
    store = CatalogueStore(engine)
    ids = [f"i{number}" for number in range(30)]

    async def rewrite(turn: int) -> None:
        order = ids if turn % 2 else ids[::-1]
        await store.put(shop_id, [make_item(item_id, brand=str(turn)) for item_id in order], [], NOW)
        if turn % 3 == 0:
            await store.delete(shop_id, order)

    await asyncio.gather(*(rewrite(turn) for turn in range(12)))


def test_a_cursor_comes_back_as_it_was_written():
    for cursor in (Cursor(), Cursor(12, "a:b|c"), Cursor(2**62, "\uffff")):
        assert Cursor.parse(str(cursor)) == cursor
    assert Cursor.parse("") == Cursor()
    for text in ("abc", "1", ":a", "-1:a", "1" * 30 + ":a", "1:\x00"):
        with pytest.raises(InvalidRequest):
            Cursor.parse(text)
