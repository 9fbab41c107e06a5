"""Reading without a transaction: two round trips fewer, which is a third of a profile's time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.kit.database import translated_database_errors


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection on which every statement sees what was committed before it began; the next may see more.

    Raises: DependencyDown when PostgreSQL cannot be asked.
    """
    with translated_database_errors():
        async with engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")
