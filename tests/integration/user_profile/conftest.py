"""A migrated schema and stores on it."""

from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit.database import create_engine
from services.kit.migrations import migrate
from services.user_profile.__main__ import MIGRATIONS
from services.user_profile.consent import Purpose
from services.user_profile.profile import ProfileLimits
from services.user_profile.settings import UserProfileSettings
from services.user_profile.store import SqlStore
from services.user_profile.tables import SCHEMA

MakeStore = Callable[..., SqlStore]


@pytest.fixture
async def engine(postgres_dsn: str) -> AsyncIterator[AsyncEngine]:
    await migrate(postgres_dsn, MIGRATIONS, SCHEMA)
    settings = UserProfileSettings(
        database_dsn=postgres_dsn,
        pseudonym_key="a pseudonym key for tests",
        tracking_key="a tracking key for tests",
        database_pool_size=8,
    )
    made = create_engine(settings)
    yield made
    await made.dispose()


@pytest.fixture
def make_store(engine: AsyncEngine) -> MakeStore:
    """Makes stores on the same database, each like a process of its own."""

    def make(**limits: int) -> SqlStore:
        return SqlStore(engine, frozenset(Purpose), ProfileLimits(**limits))

    return make
