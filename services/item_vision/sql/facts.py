"""Facts of many items at once, read so that a row costs as little as can be on the way to its message."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.types import NULLTYPE

from services.item_vision.facts import StoredFacts
from services.item_vision.tables import items, links

NO_VECTORS: Final = "[]"

# A subquery with LIMIT is not flattened: links are looked up item by item, whatever the planner believes about a table
# that an import is filling just now.
_LINKED: Final = (
    sa.select(links.c.kinds, links.c.linked_item_ids)
    .where(links.c.shop_id == items.c.shop_id, links.c.item_id == items.c.item_id)
    .limit(1)
    .lateral("linked")
)


def _as_it_comes(expression: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """What the driver makes of a column, without SQLAlchemy looking at every element."""
    return sa.type_coerce(expression, NULLTYPE)


_EXPRESSIONS: Final[dict[str, sa.ColumnElement[Any]]] = {
    "regions": _as_it_comes(items.c.regions),
    "titles": sa.cast(items.c.titles, sa.Text),
    "attributes": sa.cast(items.c.attributes, sa.Text),
    "vectors": sa.literal_column(f"'{NO_VECTORS}'"),
    "main_image": sa.func.coalesce(items.c.images[1], ""),
    "image_count": sa.func.cardinality(items.c.images),
    "revision": _as_it_comes(items.c.changed_xid),
    "variant_ids": _as_it_comes(items.c.variant_ids),
    "link_kinds": _as_it_comes(_LINKED.c.kinds),
    "linked_item_ids": _as_it_comes(_LINKED.c.linked_item_ids),
}


def _select(replaced: dict[str, sa.ColumnElement[Any]]) -> sa.Select[Any]:
    expressions = {**_EXPRESSIONS, **replaced}
    columns = [
        (expressions[name] if name in expressions else items.c[name]).label(name) for name in StoredFacts._fields
    ]
    return sa.select(*columns).select_from(items.outerjoin(_LINKED, sa.true()))


FACTS: Final = _select({})
"""Rows of StoredFacts, but for vectors."""
FACTS_WITH_VECTORS: Final = _select({"vectors": sa.cast(items.c.vectors, sa.Text)})
