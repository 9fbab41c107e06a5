"""The domain's objects as messages of the contract."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from google.protobuf.timestamp_pb2 import Timestamp

from services.item_vision.item import CatalogueItem
from services.item_vision.vision_release import VisionRelease
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2

ETAG_LENGTH = 16
FALLBACK_LANGUAGE = "en"


def etag(item: CatalogueItem) -> str:
    """Changes when the first picture changes; empty without one."""
    return item.images[0][:ETAG_LENGTH] if item.images else ""


def facts_message(item: CatalogueItem, release: VisionRelease | None) -> item_vision_pb2.ItemFacts:
    """What selection and ranking need to know; with vectors when a release is given."""
    message = item_vision_pb2.ItemFacts(
        item_id=item.item_id,
        family_id=item.family_id,
        near_duplicate_cluster=item.near_duplicate_cluster,
        brand=item.brand,
        category=item.category,
        seller=item.seller,
        price=_money(item.price_minor, item.currency),
        margin_ratio=item.margin_ratio,
        stock=item.stock,
        regions=item.regions,
        minimum_age=item.minimum_age,
        colour=item.attributes.get("colour", ""),
        created_at=_timestamp(item.created_at),
        restocked_at=_timestamp(item.restocked_at),
        price_dropped_at=_timestamp(item.price_dropped_at),
        titles=item.titles,
        link=item.link,
        image_count=len(item.images),
        image_etag=etag(item),
        attributes=item.attributes,
        vectors=_vectors(item, release),
        revision=item.revision,
        retired=item.retired,
        variant_ids=item.variant_ids,
        links=_links(item),
    )
    if item.list_price_minor is not None and item.list_price_minor > item.price_minor:
        message.list_price.CopyFrom(_money(item.list_price_minor, item.currency))
    if item.previous_price_minor is not None:
        message.previous_price.CopyFrom(_money(item.previous_price_minor, item.currency))
    return message


def item_message(
    item: CatalogueItem, locale: str, release: VisionRelease | None, *, full: bool
) -> item_vision_pb2.Item:
    """An item for display in a language."""
    language = best_language(item.titles, locale)
    message = item_vision_pb2.Item(
        item_id=item.item_id,
        family_id=item.family_id,
        title=item.titles.get(language, ""),
        title_locale=language,
        price=_money(item.price_minor, item.currency),
        brand=item.brand,
        category=item.category,
        seller=item.seller,
        link=item.link,
        image_count=len(item.images),
        image_etag=etag(item),
        in_stock=item.in_stock,
        stock=item.stock,
        attributes=item.attributes,
        titles=item.titles if full else {},
        descriptions=item.descriptions if full else {},
        created_at=_timestamp(item.created_at),
        vectors=_vectors(item, release),
        revision=item.revision,
        retired=item.retired,
        variant_ids=item.variant_ids if full else (),
        links=_links(item) if full else (),
    )
    if item.list_price_minor is not None and item.list_price_minor > item.price_minor:
        message.list_price.CopyFrom(_money(item.list_price_minor, item.currency))
    return message


def best_language(texts: Mapping[str, str], locale: str) -> str:
    """The language to show: the one asked for, its base language, English, else the first there is."""
    base = locale.partition("-")[0]
    for wanted in (locale, base, FALLBACK_LANGUAGE):
        if wanted and wanted in texts:
            return wanted
    return next(iter(texts), "")


def _vectors(item: CatalogueItem, release: VisionRelease | None) -> list[common_pb2.ModalityVector]:
    if release is None:
        return []
    brought = [
        common_pb2.ModalityVector(modality=modality, space_id=space_id, values=values)
        for modality, space_id, values in item.vectors
    ]
    computed = [
        common_pb2.ModalityVector(modality=modality, space_id=space_id, values=values.tolist())
        for modality, space_id, values in release.vectors(item.item_id)
    ]
    return [*computed, *brought]


def _links(item: CatalogueItem) -> list[item_vision_pb2.ItemLink]:
    return [
        item_vision_pb2.ItemLink(kind=cast("item_vision_pb2.LinkKind.ValueType", kind), item_id=linked)
        for kind, linked in item.links
    ]


def _money(amount_minor: int, currency: str) -> common_pb2.Money:
    return common_pb2.Money(amount_minor=amount_minor, currency=currency)


def _timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message
