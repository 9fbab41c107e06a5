"""Item records become ItemInput messages, pictures included."""

from datetime import datetime
from typing import Any

from lab.importing.items import Record
from lab.importing.ledger import Ledger
from lab.importing.pictures import PictureFolder, PictureMissing
from vitrine.item_vision.v1 import item_vision_pb2 as pb

_COPIED = (
    "item_id",
    "family_id",
    "brand",
    "category",
    "seller",
    "link",
    "minimum_age",
    "stock",
    "margin_ratio",
    "variant_ids",
)


def item_message(record: Record, pictures: PictureFolder, ledger: Ledger) -> pb.ItemInput:
    """Return the message of a complete record; pictures that cannot be read are left out, counted and noted."""
    item = pb.ItemInput(**{name: record[name] for name in _COPIED if name in record})
    item.titles.update(record["titles"])
    item.descriptions.update(record["descriptions"])
    item.attributes.update(record["attributes"])
    item.regions.extend(record["regions"])
    item.price.amount_minor, item.price.currency = record["price_minor"], record["currency"]
    if "list_price_minor" in record:
        item.list_price.amount_minor, item.list_price.currency = record["list_price_minor"], record["currency"]
    if "created_at" in record:
        item.created_at.FromDatetime(datetime.fromisoformat(record["created_at"]))
    item.images.extend(_pictures(record, pictures, ledger))
    return item


def _pictures(record: Record, pictures: PictureFolder, ledger: Ledger) -> list[Any]:
    found = []
    for reference in record["images"]:
        try:
            found.append(pictures.picture(reference))
        except PictureMissing as error:
            ledger.dangling("pictures", value=reference)
            ledger.note(f"item {record['item_id']} is imported without a picture: {error}")
    return found
