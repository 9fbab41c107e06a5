"""Alembic, run by the service itself: one schema a service, safe for replicas that start together.

A service's `migrations/env.py` holds two lines: `from services.kit.migrations import run_environment` and
`run_environment()`. Revisions live in `migrations/versions/`.
"""

import hashlib
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.kit.database import driver_url, translated_database_errors


async def migrate(dsn: str, script_location: Path, schema: str, revision: str = "head") -> None:
    """Create the schema if it is missing and bring it to a revision, in one transaction under an advisory
    lock.

    Raises: DependencyDown when PostgreSQL cannot be asked.
    """
    config = Config()
    config.set_main_option("script_location", str(script_location).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["schema"] = schema
    engine = create_async_engine(driver_url(dsn), poolclass=NullPool)
    try:
        with translated_database_errors():
            async with engine.begin() as connection:
                await connection.run_sync(_upgrade, config, schema, revision)
    finally:
        await engine.dispose()


def run_environment() -> None:
    """Run the migrations on the connection that `migrate` opened; the body of every `env.py`."""
    connection = context.config.attributes["connection"]
    schema = context.config.attributes["schema"]
    context.configure(connection=connection, version_table_schema=schema, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


def _upgrade(connection: Connection, config: Config, schema: str, revision: str) -> None:
    # Held to the end of the transaction, so a second replica waits and then finds nothing left to do.
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _lock_key(schema)})
    quoted = connection.dialect.identifier_preparer.quote(schema)
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {quoted}"))
    connection.execute(text(f"SET LOCAL search_path TO {quoted}"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _lock_key(schema: str) -> int:
    digest = hashlib.sha256(f"vitrine migrations {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
