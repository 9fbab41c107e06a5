"""The migrations make the schema that tables.py describes."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.kit.database import driver_url
from services.kit.migrations import migrate
from services.user_profile.__main__ import MIGRATIONS
from services.user_profile.tables import SCHEMA, metadata


def differences(connection: Connection) -> list[object]:
    def ours(name: str | None, kind: str, parent: object) -> bool:
        return name == SCHEMA if kind == "schema" else name != "alembic_version"

    context = MigrationContext.configure(
        connection, opts={"include_schemas": True, "include_name": ours, "compare_type": True}
    )
    return compare_metadata(context, metadata)


async def test_migrating_twice_makes_what_the_tables_say(postgres_dsn):
    for _ in range(2):
        await migrate(postgres_dsn, MIGRATIONS, SCHEMA)
    engine = create_async_engine(driver_url(postgres_dsn), poolclass=NullPool)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()
