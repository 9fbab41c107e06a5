"""Users that the benchmark makes up: the rows that recording would have left."""

from datetime import UTC, datetime

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from lab.benchmark.users import ACTIONS, DEEDS, UserRows, user_id, user_ids
from services.kit.database import driver_url
from services.kit.migrations import migrate
from services.kit.pseudonyms import Pseudonyms
from services.user_profile.__main__ import MIGRATIONS
from services.user_profile.consent import Purpose
from services.user_profile.events import Subject, SubjectKind
from services.user_profile.sql.moments import microseconds
from services.user_profile.store import SqlStore
from services.user_profile.tables import SCHEMA

KEY = "a pseudonym key for tests"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ITEMS = [f"item-{number}" for number in range(50)]


@pytest.fixture
async def store(postgres_dsn):
    await migrate(postgres_dsn, MIGRATIONS, SCHEMA)
    engine = create_async_engine(driver_url(postgres_dsn))
    yield SqlStore(engine, frozenset(Purpose))
    await engine.dispose()


async def test_made_up_users_have_the_profile_that_recording_gives(postgres_dsn, store):
    rows = UserRows(postgres_dsn, KEY, "shop", ITEMS)
    await rows.add(0, 30, NOW)
    await rows.add(30, 40, NOW)
    subject = Subject(SubjectKind.USER, Pseudonyms(KEY).user("shop", user_id(33)))
    found = (await store.read_profile("shop", subject, microseconds(NOW), as_of=False)).rows
    newest_first = sorted(found.events, key=lambda event: -event.occurred_us)
    assert found.profile_version == DEEDS
    assert [event.action for event in newest_first] == list(ACTIONS)
    assert {event.item_id for event in newest_first} <= set(ITEMS)
    assert len({event.item_id for event in newest_first}) > 1
    assert [event async for page in store.user_events("shop", subject.pseudonym, NOW) for event in page]
    changed = await store.changed_users("shop", NOW.replace(month=1), NOW.replace(month=1), 1_000)
    assert len(changed) == 40
    assert {len(events) for events in changed.values()} == {DEEDS}


async def test_users_of_another_shop_are_others(postgres_dsn, store):
    await UserRows(postgres_dsn, KEY, "other", ITEMS).add(0, 3, NOW)
    connection = await asyncpg.connect(postgres_dsn)
    try:
        count = await connection.fetchval("SELECT count(*) FROM user_profile.events WHERE shop_id = 'other'")
        recent = await connection.fetchval(
            "SELECT count(*) FROM user_profile.subjects WHERE shop_id = 'other' AND recent_count = $1", DEEDS
        )
    finally:
        await connection.close()
    assert (count, recent) == (3 * DEEDS, 3)
    assert user_ids(3) == ["user-0000000", "user-0000001", "user-0000002"]
