"""PostgreSQL through SQLAlchemy Core: the engine, one transaction a call, and errors that say what failed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg
from sqlalchemy import event, exc, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.kit.errors import DependencyDown
from services.kit.settings import DatabaseSettings

DEPENDENCY = "database"

# Classes and codes of https://www.postgresql.org/docs/current/errcodes-appendix.html that say the server, not
# the statement, is in trouble.
_CAUSE_OF_CLASS = {"08": "unavailable", "53": "overloaded", "57": "unavailable", "58": "unavailable"}
_CAUSE_OF_STATE = {
    "57014": "timeout",
    "55P03": "timeout",
    "25P03": "timeout",
    "40001": "serialization",
    "40P01": "serialization",
    "25006": "unavailable",  # read only: a standby that has not been promoted yet
}


def create_engine(settings: DatabaseSettings) -> AsyncEngine:
    """Create the process's engine. Nothing is connected yet; `await engine.dispose()` closes it."""
    timeout_s = settings.database_connect_timeout_s
    engine = create_async_engine(
        driver_url(settings.database_dsn.get_secret_value()),
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=timeout_s,
        pool_recycle=600,
        connect_args={
            "timeout": timeout_s,
            "server_settings": {
                "statement_timeout": str(settings.database_statement_timeout_ms),
                "application_name": f"vitrine {type(settings).__module__}",
                "timezone": "UTC",
            },
        },
    )
    event.listen(engine.sync_engine, "checkout", _replace_if_closed)
    return engine


def _replace_if_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool connect anew where the server has closed the connection.

    The driver has been told by then, so that asking costs nothing; a ping would cost every read another round trip.
    """
    if connection.driver_connection.is_closed():
        raise exc.DisconnectionError


def driver_url(dsn: str) -> str:
    """Return the SQLAlchemy address of a DSN, with the asyncpg driver."""
    url = make_url(dsn).set(drivername="postgresql+asyncpg")
    return url.render_as_string(hide_password=False)


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open one transaction: committed at the end, rolled back when the body raises.

    Raises: DependencyDown when PostgreSQL cannot be asked.
    """
    with translated_database_errors():
        async with engine.begin() as connection:
            yield connection


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection without a transaction: two round trips fewer.

    Every statement sees what was committed before it began; the next may see more. Raises: DependencyDown when
    PostgreSQL cannot be asked.
    """
    with translated_database_errors():
        async with _without_transactions(engine).connect() as connection:
            yield connection


@asynccontextmanager
async def reading_by_driver(engine: AsyncEngine) -> AsyncIterator[asyncpg.Connection]:
    """The same with the driver's own connection, for the few statements that every page waits for: what stands between
    costs more than they do (ADR 0027). Parameters are `$1`, `$2`.
    """
    with translated_database_errors():
        async with _without_transactions(engine).connect() as connection:
            raw = await connection.get_raw_connection()
            try:
                yield raw.driver_connection
            except asyncpg.PostgresError as error:
                raise exc.DBAPIError("a read by the driver", None, error) from error
            except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                await connection.invalidate()
                raise exc.InterfaceError("a read by the driver", None, error) from error
            except BaseException:
                await connection.invalidate()  # what was cut off may be under way still: nobody else must meet it
                raise


_READERS: WeakKeyDictionary[AsyncEngine, AsyncEngine] = WeakKeyDictionary()


def _without_transactions(engine: AsyncEngine) -> AsyncEngine:
    """The engine's twin over the same pool, without transactions: cheaper than telling each connection."""
    reader = _READERS.get(engine)
    if reader is None:
        reader = _READERS[engine] = engine.execution_options(isolation_level="AUTOCOMMIT")
    return reader


@contextmanager
def translated_database_errors() -> Iterator[None]:
    """Turn failures of the database itself into DependencyDown; errors of our statements pass unchanged."""
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError, OSError, TimeoutError) as error:
        cause = cause_of(error)
        if cause is None:
            raise
        raise DependencyDown(DEPENDENCY, cause=cause) from error


def cause_of(error: BaseException) -> str | None:
    """Say in what way the database is down; None when the statement itself is wrong."""
    if isinstance(error, exc.TimeoutError):
        return "overloaded"  # no free connection in the pool
    if not isinstance(error, exc.DBAPIError):
        return "timeout" if isinstance(error, TimeoutError) else "unavailable"
    state = str(getattr(error.orig, "sqlstate", None) or "")
    cause = _CAUSE_OF_STATE.get(state) or _CAUSE_OF_CLASS.get(state[:2])
    if cause is None and (error.connection_invalidated or isinstance(error, exc.InterfaceError)):
        return "unavailable"
    return cause
