"""The domain's objects as messages of the contract."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

from google.protobuf.timestamp_pb2 import Timestamp

from services.item_vision.facts import StoredFacts
from services.item_vision.item import CatalogueItem, Link, Vector
from services.item_vision.vision_release import VisionRelease
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

ETAG_LENGTH = 16
FALLBACK_LANGUAGE = "en"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S: Final = 86_400
_OBJECT: Final[Callable[[str], tuple[dict[str, str], int]]] = json.JSONDecoder().raw_decode  # half of what loads takes


def add_facts(
    messages: "RepeatedCompositeFieldContainer[item_vision_pb2.ItemFacts]",
    facts: StoredFacts,
    release: VisionRelease | None,
) -> None:
    """Tell what selection and ranking need to know of an item; with vectors when a release is given.

    Written into its place from plain values, and only what is not empty: half of what it costs to make a message by
    itself, with messages in it, and to copy it.
    """
    (titles, _), (attributes, _) = _OBJECT(facts.titles), _OBJECT(facts.attributes)
    fields: dict[str, Any] = {
        "item_id": facts.item_id,
        "family_id": facts.family_id,
        "near_duplicate_cluster": facts.near_duplicate_cluster,
        "brand": facts.brand,
        "category": facts.category,
        "seller": facts.seller,
        "price": {"amount_minor": facts.price_minor, "currency": facts.currency},
        "margin_ratio": facts.margin_ratio,
        "stock": facts.stock,
        "minimum_age": facts.minimum_age,
        "colour": attributes.get("colour", ""),
        "created_at": _moment(facts.created_at),
        "titles": titles,
        "link": facts.link,
        "attributes": attributes,
        "revision": facts.revision,
        "retired": facts.retired,
    }
    _add_rare(fields, facts)
    if release is not None:
        fields["vectors"] = _vectors(facts.item_id, json.loads(facts.vectors), release)
    messages.add(**fields)


def _add_rare(fields: dict[str, Any], facts: StoredFacts) -> None:
    """Add to an item's fields what many items lack."""
    if facts.list_price_minor is not None and facts.list_price_minor > facts.price_minor:
        fields["list_price"] = {"amount_minor": facts.list_price_minor, "currency": facts.currency}
    if facts.previous_price_minor is not None:
        fields["previous_price"] = {"amount_minor": facts.previous_price_minor, "currency": facts.currency}
    if facts.restocked_at is not None:
        fields["restocked_at"] = _moment(facts.restocked_at)
    if facts.price_dropped_at is not None:
        fields["price_dropped_at"] = _moment(facts.price_dropped_at)
    if facts.regions:
        fields["regions"] = facts.regions
    if facts.image_count:
        fields |= {"image_count": facts.image_count, "image_etag": facts.main_image[:ETAG_LENGTH]}
    if facts.variant_ids:
        fields["variant_ids"] = facts.variant_ids
    if facts.link_kinds and facts.linked_item_ids:
        fields["links"] = _links(zip(facts.link_kinds, facts.linked_item_ids, strict=True))


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
        list_price=_higher(item.list_price_minor, item.price_minor, item.currency),
        brand=item.brand,
        category=item.category,
        seller=item.seller,
        link=item.link,
        image_count=len(item.images),
        image_etag=item.images[0][:ETAG_LENGTH] if item.images else "",
        in_stock=item.in_stock,
        stock=item.stock,
        attributes=item.attributes,
        titles=item.titles if full else {},
        descriptions=item.descriptions if full else {},
        created_at=_timestamp(item.created_at),
        vectors=[] if release is None else _vectors(item.item_id, item.vectors, release),
        revision=item.revision,
        retired=item.retired,
        variant_ids=item.variant_ids if full else (),
        links=_links(item.links) if full else (),
        brought_vectors=_brought(item.vectors) if full else (),
    )
    return message


def best_language(texts: Mapping[str, str], locale: str) -> str:
    """The language to show: the one asked for, its base language, English, else the first there is."""
    base = locale.partition("-")[0]
    for wanted in (locale, base, FALLBACK_LANGUAGE):
        if wanted and wanted in texts:
            return wanted
    return next(iter(texts), "")


def _vectors(item_id: str, brought: Iterable[Vector], release: VisionRelease) -> list[common_pb2.ModalityVector]:
    computed = [
        common_pb2.ModalityVector(modality=modality, space_id=space_id, values=values.tolist())
        for modality, space_id, values in release.vectors(item_id)
    ]
    return computed + _brought(brought)


def _brought(vectors: Iterable[Vector]) -> list[common_pb2.ModalityVector]:
    return [
        common_pb2.ModalityVector(modality=modality, space_id=space_id, values=values)
        for modality, space_id, values in vectors
    ]


def _links(links: Iterable[Link]) -> list[item_vision_pb2.ItemLink]:
    return [
        item_vision_pb2.ItemLink(kind=cast("item_vision_pb2.LinkKind.ValueType", kind), item_id=linked)
        for kind, linked in links
    ]


def _higher(amount_minor: int | None, price_minor: int, currency: str) -> common_pb2.Money | None:
    """A price before reduction, where it is one."""
    return None if amount_minor is None or amount_minor <= price_minor else _money(amount_minor, currency)


def _money(amount_minor: int, currency: str) -> common_pb2.Money:
    return common_pb2.Money(amount_minor=amount_minor, currency=currency)


def _timestamp(moment: datetime | None) -> Timestamp | None:
    return None if moment is None else Timestamp(**_moment(moment))


def _moment(moment: datetime) -> dict[str, int]:
    """The fields of a Timestamp. FromDatetime goes through the calendar, at seven times the cost."""
    since = moment - _EPOCH
    return {"seconds": since.days * _DAY_S + since.seconds, "nanos": since.microseconds * 1_000}
