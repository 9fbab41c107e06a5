"""Many rows in one statement: COPY where rows are only added, arrays where the statement has to decide."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import asyncpg
from sqlalchemy import TextClause, exc, text
from sqlalchemy.ext.asyncio import AsyncConnection


def unnested(columns: Mapping[str, str]) -> str:
    """SQL of a row source with one bound array a column; `columns` gives the type of each. Bind with `bound`."""
    return f"unnest({', '.join(f'CAST(:{name} AS {kind}[])' for name, kind in columns.items())})"


def bulk_insert(table: str, columns: Mapping[str, str], ending: str = "") -> TextClause:
    """An INSERT of all rows into columns of these types for one shop, bound as `:shop_id`."""
    names = ", ".join(columns)
    source = f"SELECT CAST(:shop_id AS text), rows.* FROM {unnested(columns)} AS rows ({names})"
    return text(f"INSERT INTO {table} (shop_id, {names}) {source} {ending}")


async def copy_rows(
    connection: AsyncConnection, schema: str, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Add rows by COPY, which costs a third of the CPU of an INSERT from arrays. The transaction has already begun.

    Raises: DBAPIError, as every statement does.
    """
    raw = await connection.get_raw_connection()
    driver: asyncpg.Connection = raw.driver_connection
    try:
        await driver.copy_records_to_table(table, schema_name=schema, columns=list(columns), records=rows)
    except asyncpg.PostgresError as error:
        raise exc.DBAPIError(f"COPY {schema}.{table}", None, error) from error
    except asyncpg.InterfaceError as error:
        raise exc.InterfaceError(f"COPY {schema}.{table}", None, error) from error


def bound(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """The rows turned into the arrays that `unnested` binds; an empty batch gives empty arrays."""
    names = list(columns)
    turned = [list(column) for column in zip(*rows, strict=True)]
    return dict(zip(names, turned or [[] for _ in names], strict=True))
