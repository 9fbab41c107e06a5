"""What the shop says goes with an item, and which item a variant belongs to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.item_vision.item import Link, NewLinks
from services.item_vision.sql.bulk import TEXTS, THIS_TRANSACTION, rows_json, upsert_from_json
from services.item_vision.tables import items, links

# Rows that are not there yet cannot be locked: whoever changes links waits for the others of the shop.
_LOCK: Final = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('links ' || :shop_id, 0))")
_WRITE_LINKS: Final = upsert_from_json(links, {})
_BY_VARIANT: Final = sa.text(
    "SELECT variant_id, item_id FROM ("
    "  SELECT asked.variant_id, i.item_id, i.item_id <> asked.variant_id AS other, i.retired"
    f"  FROM unnest(:variant_ids) AS asked(variant_id) JOIN {items.fullname} i ON i.item_id = asked.variant_id"
    "  WHERE i.shop_id = :shop_id AND NOT i.deleted"
    "  UNION ALL"
    "  SELECT named.variant_id, i.item_id, true, i.retired"
    f"  FROM {items.fullname} i, unnest(i.variant_ids) AS named(variant_id)"
    "  WHERE i.shop_id = :shop_id AND NOT i.deleted AND i.variant_ids <> '{}'::text[] AND i.variant_ids && :variant_ids"
    "  AND named.variant_id = ANY(:variant_ids)"
    ') found ORDER BY variant_id, retired, other, item_id COLLATE "C"'
).bindparams(sa.bindparam("variant_ids", type_=TEXTS))


@dataclass(frozen=True)
class LinksWritten:
    """What a batch of links changed."""

    updated: int
    unchanged: int
    held: int
    """Links kept of which one end or the other is not in the catalogue now."""
    dropped: int
    """Links sent that are more than an item has."""


async def put_links(connection: AsyncConnection, shop_id: str, batch: Mapping[str, NewLinks]) -> LinksWritten:
    """Replace the links of items or add to them, and mark the items that are there as changed."""
    ordered = sorted(batch)
    await connection.execute(_LOCK, {"shop_id": shop_id})
    await connection.execute(
        sa.select(items.c.item_id)
        .where(items.c.shop_id == shop_id, items.c.item_id == sa.any_(sa.literal(ordered, TEXTS)))
        .order_by(items.c.item_id)
        .with_for_update()
    )
    before = await _stored(connection, shop_id, ordered)
    after = {item_id: batch[item_id].after(before.get(item_id, ())) for item_id in ordered}
    changed = [item_id for item_id in ordered if before.get(item_id, ()) != after[item_id]]
    await _write(connection, shop_id, {item_id: after[item_id] for item_id in changed})
    await connection.execute(
        sa.update(items)
        .where(items.c.shop_id == shop_id, items.c.item_id == sa.any_(sa.literal(changed, TEXTS)), ~items.c.deleted)
        .values(changed_xid=THIS_TRANSACTION)
    )
    ends = {*ordered, *(linked for each in batch.values() for _, linked in each.links)}
    there = await _present(connection, shop_id, ends)
    sent = [(item_id, link) for item_id, each in batch.items() for link in each.links]
    kept = [(item_id, linked) for item_id, (kind, linked) in sent if (kind, linked) in after[item_id]]
    held = sum(not {item_id, linked} <= there for item_id, linked in kept)
    return LinksWritten(len(changed), len(ordered) - len(changed), held, len(sent) - len(kept))


async def items_of_variants(connection: AsyncConnection, shop_id: str, variant_ids: Sequence[str]) -> dict[str, str]:
    """The item of each variant, as ResolveVariants says; ids of neither are absent."""
    rows = await connection.execute(_BY_VARIANT, {"shop_id": shop_id, "variant_ids": list(set(variant_ids))})
    found: dict[str, str] = {}
    for row in rows:
        found.setdefault(row.variant_id, row.item_id)
    return found


async def _stored(connection: AsyncConnection, shop_id: str, item_ids: Sequence[str]) -> dict[str, tuple[Link, ...]]:
    query = sa.select(links).where(links.c.shop_id == shop_id, links.c.item_id == sa.any_(sa.literal(item_ids, TEXTS)))
    rows = await connection.execute(query)
    return {row.item_id: tuple(zip(row.kinds, row.linked_item_ids, strict=True)) for row in rows}


async def _write(connection: AsyncConnection, shop_id: str, changed: Mapping[str, Sequence[Link]]) -> None:
    rows = [
        {
            "shop_id": shop_id,
            "item_id": item_id,
            "kinds": [kind for kind, _ in each],
            "linked_item_ids": [linked for _, linked in each],
        }
        for item_id, each in changed.items()
        if each
    ]
    if rows:
        await connection.execute(_WRITE_LINKS, {"rows": rows_json(rows)})
    emptied = sa.literal([item_id for item_id, each in changed.items() if not each], TEXTS)
    await connection.execute(sa.delete(links).where(links.c.shop_id == shop_id, links.c.item_id == sa.any_(emptied)))


async def _present(connection: AsyncConnection, shop_id: str, item_ids: set[str]) -> set[str]:
    query = sa.select(items.c.item_id).where(
        items.c.shop_id == shop_id,
        items.c.item_id == sa.any_(sa.literal(sorted(item_ids), TEXTS)),
        ~items.c.deleted,
        ~items.c.retired,
    )
    return {row.item_id for row in await connection.execute(query)}
