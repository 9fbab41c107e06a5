"""Rows of the schema as domain objects, and back."""

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from services.item_vision.item import CatalogueItem


def item_of(row: RowMapping) -> CatalogueItem:
    """A row of `items`."""
    return CatalogueItem(
        item_id=row["item_id"],
        family_id=row["family_id"],
        titles=row["titles"],
        descriptions=row["descriptions"],
        attributes=row["attributes"],
        price_minor=row["price_minor"],
        list_price_minor=row["list_price_minor"],
        currency=row["currency"],
        margin_ratio=row["margin_ratio"],
        brand=row["brand"],
        category=row["category"],
        seller=row["seller"],
        stock=row["stock"],
        regions=row["regions"],
        minimum_age=row["minimum_age"],
        link=row["link"],
        images=row["images"],
        created_at=row["created_at"],
        vectors=[(modality, space, values) for modality, space, values in row["vectors"]],
        near_duplicate_cluster=row["near_duplicate_cluster"],
        restocked_at=row["restocked_at"],
        price_dropped_at=row["price_dropped_at"],
        previous_price_minor=row["previous_price_minor"],
        content_hash=bytes(row["content_hash"]),
        revision=row["changed_xid"],
        variant_ids=row["variant_ids"],
        retired=row["retired"],
        links=tuple(zip(row["kinds"], row["linked_item_ids"], strict=True)) if row.get("kinds") else (),
    )


def row_of(shop_id: str, item: CatalogueItem) -> dict[str, Any]:
    """The columns of `items` as JSON, but for those that say what became of it (changed_xid, deleted, retired)."""
    return {
        "shop_id": shop_id,
        "item_id": item.item_id,
        "family_id": item.family_id,
        "titles": dict(item.titles),
        "descriptions": dict(item.descriptions),
        "attributes": dict(item.attributes),
        "vectors": [[modality, space, list(values)] for modality, space, values in item.vectors],
        "price_minor": item.price_minor,
        "list_price_minor": item.list_price_minor,
        "currency": item.currency,
        "margin_ratio": item.margin_ratio,
        "brand": item.brand,
        "category": item.category,
        "seller": item.seller,
        "stock": item.stock,
        "regions": list(item.regions),
        "minimum_age": item.minimum_age,
        "link": item.link,
        "images": list(item.images),
        "content_hash": _bytes(item.content_hash),
        "feature_hash": _bytes(item.feature_hash),
        "near_duplicate_cluster": item.near_duplicate_cluster,
        "created_at": _moment(item.created_at),
        "restocked_at": _moment(item.restocked_at),
        "price_dropped_at": _moment(item.price_dropped_at),
        "previous_price_minor": item.previous_price_minor,
        "variant_ids": list(item.variant_ids),
    }


def _bytes(value: bytes) -> str:
    return "\\x" + value.hex()


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
