"""The migrations make the schema that tables.py describes."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from services.item_vision.__main__ import MIGRATIONS
from services.item_vision.tables import SCHEMA, metadata
from services.kit.migrations import migrate


def differences(connection: Connection) -> list[object]:
    def ours(name: str | None, kind: str, parent: object) -> bool:
        return name == SCHEMA if kind == "schema" else name != "alembic_version"

    options = {"include_schemas": True, "include_name": ours}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


# SQLAlchemy does not know the type of transaction ids when it reads a schema back.
@pytest.mark.filterwarnings("ignore:Did not recognize type .xid8.:sqlalchemy.exc.SAWarning")
async def test_migrating_twice_makes_what_the_tables_say(postgres_dsn, engine):
    await migrate(postgres_dsn, MIGRATIONS, SCHEMA)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
