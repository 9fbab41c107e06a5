"""Many rows in one statement: columns travel as arrays, which asyncpg encodes in C."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import TextClause, text


def unnested(columns: Mapping[str, str]) -> str:
    """SQL of a row source with one bound array a column; `columns` gives the type of each. Bind with `bound`."""
    return f"unnest({', '.join(f'CAST(:{name} AS {kind}[])' for name, kind in columns.items())})"


def bulk_insert(table: str, columns: Mapping[str, str], ending: str = "") -> TextClause:
    """An INSERT of all rows into columns of these types for one shop, bound as `:shop_id`."""
    names = ", ".join(columns)
    source = f"SELECT CAST(:shop_id AS text), rows.* FROM {unnested(columns)} AS rows ({names})"
    return text(f"INSERT INTO {table} (shop_id, {names}) {source} {ending}")


def bound(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> dict[str, list[Any]]:
    """The rows turned into the arrays that `unnested` binds; an empty batch gives empty arrays."""
    names = list(columns)
    turned = [list(column) for column in zip(*rows, strict=True)]
    return dict(zip(names, turned or [[] for _ in names], strict=True))
