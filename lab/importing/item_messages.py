"""Item records become ItemInput messages, pictures included."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from lab.importing.items import Record
from lab.importing.ledger import Ledger
from lab.importing.pictures import PictureFolder, PictureMissing
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2 as pb

_COPIED = (
    "item_id",
    "family_id",
    "titles",
    "descriptions",
    "attributes",
    "brand",
    "category",
    "seller",
    "regions",
    "link",
    "minimum_age",
    "stock",
    "margin_ratio",
    "variant_ids",
)


def item_message(record: Record, pictures: PictureFolder, ledger: Ledger) -> pb.ItemInput:
    """Return the message of a complete record; pictures that cannot be read are left out, counted and noted."""
    # In one call: filling a message field by field takes half as long again.
    return pb.ItemInput(
        **{name: record[name] for name in _COPIED if name in record},
        price=_money(record, "price_minor"),
        list_price=_money(record, "list_price_minor") if "list_price_minor" in record else None,
        created_at=_timestamp(record["created_at"]) if "created_at" in record else None,
        images=_pictures(record, pictures, ledger),
    )


def _money(record: Record, name: str) -> common_pb2.Money:
    return common_pb2.Money(amount_minor=record[name], currency=record["currency"])


# Catalogues often say when an item came by the day, or the same for all.
@lru_cache(maxsize=4_096)
def _timestamp(written: str) -> Timestamp:
    moment = Timestamp()
    moment.FromDatetime(datetime.fromisoformat(written))
    return moment


def _pictures(record: Record, pictures: PictureFolder, ledger: Ledger) -> list[Any]:
    found = []
    for reference in record["images"]:
        try:
            found.append(pictures.picture(reference))
        except PictureMissing as error:
            ledger.dangling("pictures", value=reference)
            ledger.note(f"item {record['item_id']} is imported without a picture: {error}")
    return found
