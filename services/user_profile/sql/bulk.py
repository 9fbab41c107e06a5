"""Rows in one statement, as arrays."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]


def unnested(columns: Mapping[str, str]) -> str:
    """SQL of a row source with one bound array a column; `columns` gives the type of each. Bind with `bound`."""
    return f"unnest({', '.join(f'CAST(:{name} AS {kind}[])' for name, kind in columns.items())})"


def bulk_insert(table: str, columns: Mapping[str, str], ending: str = "") -> TextClause:
    """An INSERT of all rows into columns of these types for one shop, bound as `:shop_id`."""
    names = ", ".join(columns)
    source = f"SELECT CAST(:shop_id AS text), rows.* FROM {unnested(columns)} AS rows ({names})"
    return text(f"INSERT INTO {table} (shop_id, {names}) {source} {ending}")


class RowAdder:
    """Adds a few rows to given columns of a table."""

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        self._columns = list(columns)
        types = {name: table.c[name].type.compile(dialect=_DIALECT) for name in columns}
        self._insert = text(f"INSERT INTO {table.fullname} ({', '.join(columns)}) SELECT * FROM {unnested(types)}")

    async def add(self, connection: AsyncConnection, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows, each with the columns in order."""
        await connection.execute(self._insert, bound(self._columns, rows))


def bound(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """The rows turned into the arrays that `unnested` binds; an empty batch gives empty arrays."""
    names = list(columns)
    turned = [list(column) for column in zip(*rows, strict=True)]
    return dict(zip(names, turned or [[] for _ in names], strict=True))
