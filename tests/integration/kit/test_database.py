"""Transactions hold or fail whole, and each way that PostgreSQL can fail has its cause."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import exc, text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit.database import create_engine, reading, reading_by_driver, transaction
from services.kit.errors import DependencyDown
from services.kit.migrations import migrate
from tests.integration.kit.conftest import settings_for

MIGRATIONS = Path(__file__).parent / "migrations"


async def rows(engine: AsyncEngine, query: str) -> list[tuple[object, ...]]:
    async with transaction(engine) as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


async def fails_within_a_transaction(engine: AsyncEngine, statement: str) -> DependencyDown:
    with pytest.raises(DependencyDown) as caught:
        async with transaction(engine) as connection:
            await connection.execute(text(statement))
    assert (caught.value.dependency, caught.value.reason) == ("database", "DATABASE_DOWN")
    return caught.value


async def test_a_transaction_is_committed_at_its_end(engine):
    async with transaction(engine) as connection:
        await connection.execute(text("INSERT INTO things VALUES (1, 'kept')"))
    assert await rows(engine, "SELECT body FROM things") == [("kept",)]


async def test_a_transaction_whose_body_raises_leaves_nothing(engine):
    with pytest.raises(KeyError):
        async with transaction(engine) as connection:
            await connection.execute(text("INSERT INTO things VALUES (1, 'lost')"))
            raise KeyError("changed my mind")
    assert await rows(engine, "SELECT * FROM things") == []


async def test_a_cancelled_transaction_leaves_nothing_and_frees_its_connection(engine):
    async def stuck() -> None:
        async with transaction(engine) as connection:
            await connection.execute(text("INSERT INTO things VALUES (1, 'lost')"))
            inserted.set()
            await connection.execute(text("SELECT pg_sleep(60)"))

    inserted = asyncio.Event()
    task = asyncio.create_task(stuck())
    await inserted.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await rows(engine, "SELECT * FROM things") == []
    assert engine.pool.checkedout() == 0


async def test_sessions_speak_utc(engine):
    assert await rows(engine, "SELECT current_setting('TimeZone')") == [("UTC",)]


async def test_errors_of_our_own_statements_pass_unchanged(engine):
    await rows(engine, "INSERT INTO things VALUES (1, 'first') RETURNING id")
    with pytest.raises(exc.IntegrityError):
        await rows(engine, "INSERT INTO things VALUES (1, 'second') RETURNING id")
    with pytest.raises(exc.ProgrammingError):
        await rows(engine, "SELECT * FROM no_such_table")
    with pytest.raises(exc.DBAPIError):
        await rows(engine, "SELECT 1 / 0")


async def test_a_statement_that_takes_too_long_is_a_timeout(dsn):
    engine = create_engine(settings_for(dsn, database_statement_timeout_ms=20))
    assert (await fails_within_a_transaction(engine, "SELECT pg_sleep(60)")).cause == "timeout"
    await engine.dispose()


async def test_a_pool_without_a_free_connection_is_overloaded(engine):
    async with transaction(engine), transaction(engine):
        assert (await fails_within_a_transaction(engine, "SELECT 1")).cause == "overloaded"
    assert await rows(engine, "SELECT 1") == [(1,)]


async def test_a_server_that_refuses_connections_is_unavailable(tmp_path):
    for dsn in ("postgresql://postgres@127.0.0.1:1/postgres", f"postgresql://postgres@/postgres?host={tmp_path}"):
        engine = create_engine(settings_for(dsn, database_connect_timeout_s=0.5))
        assert (await fails_within_a_transaction(engine, "SELECT 1")).cause == "unavailable"
        await engine.dispose()


async def test_a_server_that_never_answers_is_a_timeout():
    silence = await asyncio.start_server(lambda reader, writer: silent.append(writer), "127.0.0.1", 0)
    silent: list[asyncio.StreamWriter] = []
    port = silence.sockets[0].getsockname()[1]
    dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    engine = create_engine(settings_for(dsn, database_connect_timeout_s=0.1))
    assert (await fails_within_a_transaction(engine, "SELECT 1")).cause == "timeout"
    await engine.dispose()
    silence.close()
    for writer in silent:
        writer.close()
    await silence.wait_closed()


async def test_connections_that_the_server_ended_are_replaced_before_use(engine, dsn):
    assert await rows(engine, "SELECT 1") == [(1,)]
    administrator = create_engine(settings_for(dsn))
    await rows(administrator, END_OTHERS)
    await administrator.dispose()
    assert await rows(engine, "SELECT 1") == [(1,)]


async def test_a_connection_that_is_ended_in_the_middle_is_unavailable(engine, dsn):
    administrator = create_engine(settings_for(dsn))
    with pytest.raises(DependencyDown) as caught:
        async with transaction(engine) as connection:
            await rows(administrator, END_OTHERS)
            await connection.execute(text("SELECT 1"))
    assert caught.value.cause == "unavailable"
    await administrator.dispose()


async def test_a_read_by_the_driver_answers_rows_and_frees_its_connection(engine):
    await rows(engine, "INSERT INTO things VALUES (1, 'kept') RETURNING id")
    async with reading_by_driver(engine) as driver:
        assert [tuple(row) for row in await driver.fetch("SELECT id, body FROM things WHERE id = $1", 1)] == [
            (1, "kept")
        ]
    assert engine.pool.checkedout() == 0


async def test_nobody_meets_a_read_by_the_driver_that_was_cut_off(engine):
    async def stuck() -> None:
        async with reading_by_driver(engine) as driver:
            pids.append(await driver.fetchval("SELECT pg_backend_pid()"))
            begun.set()
            await driver.fetch("SELECT pg_sleep(60)")

    begun, pids = asyncio.Event(), []
    task = asyncio.create_task(stuck())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert engine.pool.checkedout() == 0
    async with reading_by_driver(engine) as driver:
        assert await driver.fetchval("SELECT pg_backend_pid()") not in pids


async def test_failures_of_a_read_by_the_driver_are_told_like_any_other(engine, dsn):
    with pytest.raises(exc.DBAPIError):
        async with reading_by_driver(engine) as driver:
            await driver.fetch("SELECT * FROM no_such_table")
    impatient = create_engine(settings_for(dsn, database_statement_timeout_ms=20))
    with pytest.raises(DependencyDown) as late:
        async with reading_by_driver(impatient) as driver:
            await driver.fetch("SELECT pg_sleep(60)")
    await impatient.dispose()
    assert late.value.cause == "timeout"
    administrator = create_engine(settings_for(dsn))
    with pytest.raises(DependencyDown) as ended:
        async with reading_by_driver(engine) as driver:
            await rows(administrator, END_OTHERS)
            await driver.fetch("SELECT 1")
    await administrator.dispose()
    assert ended.value.cause == "unavailable"
    async with reading_by_driver(engine) as driver:
        assert await driver.fetchval("SELECT 1") == 1


async def test_a_server_without_room_for_connections_is_overloaded(dsn, engine):
    async with transaction(engine) as connection:
        await connection.execute(text("DROP ROLE IF EXISTS narrow"))
        await connection.execute(text("CREATE ROLE narrow LOGIN CONNECTION LIMIT 0"))
    narrow = create_engine(settings_for(dsn.replace("postgres:@", "narrow:@", 1).replace("postgres@", "narrow@", 1)))
    assert (await fails_within_a_transaction(narrow, "SELECT 1")).cause == "overloaded"
    await narrow.dispose()


async def test_a_lost_race_is_a_serialization_failure(engine):
    await rows(engine, "INSERT INTO things VALUES (1, 'start') RETURNING id")
    with pytest.raises(DependencyDown) as caught:
        async with transaction(engine) as slow:
            await slow.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            await slow.execute(text("SELECT * FROM things"))
            await rows(engine, "UPDATE things SET body = 'fast' WHERE id = 1 RETURNING id")
            await slow.execute(text("UPDATE things SET body = 'slow' WHERE id = 1"))
    assert caught.value.cause == "serialization"
    assert await rows(engine, "SELECT body FROM things") == [("fast",)]


async def test_replicas_that_migrate_at_once_run_each_revision_once(engine, dsn):
    await rows(engine, "SELECT 1")
    async with transaction(engine) as connection:
        await connection.execute(text('DROP SCHEMA IF EXISTS "kit_test" CASCADE'))
    await asyncio.gather(*(migrate(dsn, MIGRATIONS, "kit_test") for _ in range(3)))
    await migrate(dsn, MIGRATIONS, "kit_test")
    assert await rows(engine, "SELECT body FROM kit_test.notes") == [("migrated",)]
    assert await rows(engine, "SELECT version_num FROM kit_test.alembic_version") == [("0002",)]
    query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename IN ('notes', 'alembic_version')"
    assert await rows(engine, query) == [(0,)]


async def test_a_migration_that_fails_leaves_nothing(engine, dsn):
    async with transaction(engine) as connection:
        await connection.execute(text('DROP SCHEMA IF EXISTS "kit_test" CASCADE'))
        await connection.execute(text("CREATE SCHEMA kit_test CREATE VIEW notes AS SELECT 1 AS id"))
    with pytest.raises(exc.ProgrammingError):
        await migrate(dsn, MIGRATIONS, "kit_test")
    query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'kit_test'"
    assert await rows(engine, query) == [(0,)]


async def test_migrating_without_a_database_says_so():
    with pytest.raises(DependencyDown):
        await migrate("postgresql://postgres@127.0.0.1:1/postgres", MIGRATIONS, "kit_test")


END_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


async def test_reading_needs_no_transaction_and_leaves_none_behind(engine):
    await rows(engine, "INSERT INTO things VALUES (1, 'there') RETURNING id")
    async with reading(engine) as connection:
        found = await connection.execute(text("SELECT body, pg_current_xact_id_if_assigned() FROM things"))
        assert [tuple(row) for row in found] == [("there", None)]
        state = text("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")
        assert (await connection.execute(state)).scalar_one() == 0
    assert engine.pool.checkedout() == 0
    async with transaction(engine) as connection:  # the same connection keeps transactions again
        await connection.execute(text("INSERT INTO things VALUES (2, 'undone')"))
        await connection.rollback()
    assert await rows(engine, "SELECT id FROM things") == [(1,)]


async def test_reading_without_a_server_is_unavailable(tmp_path):
    engine = create_engine(settings_for(f"postgresql://postgres@/postgres?host={tmp_path}"))
    with pytest.raises(DependencyDown):
        async with reading(engine):
            pass
    await engine.dispose()
