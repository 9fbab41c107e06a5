"""The executable half of the comments in item_vision.proto: every rule of a request, checked."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from services.item_vision.item import MOST_LINKS, CatalogueItem, content_hash
from services.kit.checks import Checks
from services.kit.errors import FieldViolation
from vitrine.item_vision.v1 import item_vision_pb2

MAXIMUM_BATCH = 500
MAXIMUM_IDS = 1_000
MAXIMUM_PAGE = 5_000
DEFAULT_PAGE = 1_000
MAXIMUM_SIMILAR = 200
DEFAULT_SIMILAR = 20
MAXIMUM_IMAGES = 12
MAXIMUM_VARIANTS = 1_000
MAXIMUM_NAMED = 10_000
MAXIMUM_PICTURE_BYTES = 10 * 2**20
EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)


def check_upsert(request: item_vision_pb2.UpsertItemsRequest, *, first: bool) -> None:
    """Check a message of the stream; its items are checked one by one by `item_violations`."""
    checks = Checks()
    if first:
        checks.shop_id(request.shop_id)
        checks.request_id(request.request_id)
    checks.count("items", request.items, 0, MAXIMUM_BATCH)
    checks.raise_if_any()


def item_violations(item: item_vision_pb2.ItemInput) -> tuple[FieldViolation, ...]:
    """What is wrong with an item, pictures left out: they are judged by being read."""
    checks = Checks()
    checks.identifier("item_id", item.item_id, required=True)
    checks.identifier("family_id", item.family_id)
    checks.that(bool(item.titles), "titles", "required: a title in at least one language")
    for language, title in item.titles.items():
        _language(checks, "titles", language)
        checks.text(f"titles[{language}]", title, max_length=500, required=True)
    for language, description in item.descriptions.items():
        _language(checks, "descriptions", language)
        checks.text(f"descriptions[{language}]", description, max_length=20_000)
    _prices(checks, item)
    for field, length in (("brand", 128), ("category", 500), ("seller", 128), ("link", 2_048)):
        checks.text(field, getattr(item, field), max_length=length)
    checks.that(len(item.category.split("/")) <= 8, "category", "send at most 8 levels")
    checks.that(_is_link(item.link), "link", "send a path that starts with '/' or an http(s) address")
    if item.HasField("stock"):
        checks.number("stock", item.stock, 0, 10**12)
    for index, region in enumerate(item.regions):
        checks.that(bool(region), f"regions[{index}]", "send an ISO 3166 code")
        checks.region(f"regions[{index}]", region)
    checks.number("minimum_age", item.minimum_age, 0, 99)
    checks.count("images", item.images, 0, MAXIMUM_IMAGES)
    checks.count("attributes", item.attributes, 0, 64)
    for name, value in item.attributes.items():
        checks.text("attributes", name, max_length=64, required=True)
        checks.text(f"attributes[{name}]", value, max_length=256)
    checks.timestamp("created_at", item.created_at, earliest=EARLIEST)
    _vectors(checks, item)
    if item.variant_ids:
        checks.count("variant_ids", item.variant_ids, 0, MAXIMUM_VARIANTS)
        _distinct(checks, "variant_ids", item.variant_ids, item.item_id)
    return checks.violations


def link_violations(entry: item_vision_pb2.ItemLinks) -> tuple[FieldViolation, ...]:
    """What is wrong with the links of an item."""
    checks = Checks()
    checks.identifier("item_id", entry.item_id, required=True)
    checks.count("links", entry.links, 0, MOST_LINKS)
    for index, link in enumerate(entry.links):
        checks.known_enum(f"links[{index}].kind", link.kind, item_vision_pb2.LinkKind, required=True)
        checks.identifier(f"links[{index}].item_id", link.item_id, required=True)
        checks.that(link.item_id != entry.item_id, f"links[{index}].item_id", "send another item than the item itself")
    pairs = {(link.kind, link.item_id) for link in entry.links}
    checks.that(len(pairs) == len(entry.links), "links", "send each target once a kind")
    return checks.violations


def check_put_links(request: item_vision_pb2.PutLinksRequest, *, first: bool) -> None:
    """Check a message of the stream; its entries are checked one by one by `link_violations`."""
    checks = _of_shop(request.shop_id, request.request_id) if first else Checks()
    checks.count("items", request.items, 0, MAXIMUM_BATCH)
    ids = [entry.item_id for entry in request.items]
    checks.that(len(set(ids)) == len(ids), "items", "send each item once a message")
    checks.raise_if_any()


def check_reconcile(request: item_vision_pb2.ReconcileItemsRequest, *, first: bool, completed: bool) -> None:
    """Check a message of the stream; `completed` is whether an earlier one said complete."""
    checks = _of_shop(request.shop_id, request.request_id) if first else Checks()
    checks.that(not completed, "complete", "send no message after the one that says complete")
    checks.count("item_ids", request.item_ids, 0, MAXIMUM_NAMED)
    _ids(checks, request.item_ids)
    checks.raise_if_any()


def check_resolve_variants(request: item_vision_pb2.ResolveVariantsRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    checks = _of_shop(request.shop_id, request.request_id)
    checks.count("variant_ids", request.variant_ids, 1, MAXIMUM_IDS)
    for index, variant_id in enumerate(request.variant_ids):
        checks.identifier(f"variant_ids[{index}]", variant_id, required=True)
    checks.raise_if_any()


def catalogue_item(item: item_vision_pb2.ItemInput, images: list[str], now: datetime) -> CatalogueItem:
    """A checked item as the catalogue keeps it."""
    created_at_given = item.HasField("created_at")
    given: dict[str, Any] = {
        "item_id": item.item_id,
        "family_id": item.family_id or item.item_id,
        "titles": dict(item.titles),
        "descriptions": dict(item.descriptions),
        "attributes": dict(item.attributes),
        "price_minor": item.price.amount_minor,
        "list_price_minor": item.list_price.amount_minor if item.HasField("list_price") else None,
        "currency": item.price.currency,
        "margin_ratio": item.margin_ratio if item.HasField("margin_ratio") else None,
        "brand": item.brand,
        "category": item.category.strip("/"),
        "seller": item.seller,
        "stock": item.stock if item.HasField("stock") else None,
        "regions": list(item.regions),
        "minimum_age": item.minimum_age,
        "link": item.link or f"/items/{item.item_id}",
        "images": images,
        "created_at": item.created_at.ToDatetime(tzinfo=UTC) if created_at_given else now,
        "vectors": [(each.modality, each.space_id, list(each.values)) for each in item.vectors],
        "variant_ids": list(item.variant_ids),
    }
    return CatalogueItem(**given, content_hash=content_hash(given, created_at_given))


def check_get_items(request: item_vision_pb2.GetItemsRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    checks = _of_shop(request.shop_id, request.request_id)
    checks.count("item_ids", request.item_ids, 1, MAXIMUM_IDS)
    _ids(checks, request.item_ids)
    checks.that(
        not request.known_revisions or len(request.known_revisions) == len(request.item_ids),
        "known_revisions",
        "send one for each of item_ids, 0 where none is held, or none at all",
    )
    checks.locale("locale", request.locale)
    checks.release_id(request.vector_release_id, "vector_release_id")
    checks.raise_if_any()


def check_list_items(request: item_vision_pb2.ListItemsRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    checks = _of_shop(request.shop_id, request.request_id)
    checks.number("page_size", request.page_size, 0, MAXIMUM_PAGE)
    checks.release_id(request.vector_release_id, "vector_release_id")
    checks.timestamp("created_from", request.created_from)
    checks.raise_if_any()


def check_watch_items(request: item_vision_pb2.WatchItemsRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    checks = _of_shop(request.shop_id, request.request_id)
    checks.release_id(request.vector_release_id, "vector_release_id")
    checks.raise_if_any()


def check_delete_items(request: item_vision_pb2.DeleteItemsRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    checks = _of_shop(request.shop_id, request.request_id)
    checks.count("item_ids", request.item_ids, 1, MAXIMUM_IDS)
    _ids(checks, request.item_ids)
    checks.raise_if_any()


def check_shop(shop_id: str, request_id: str) -> None:
    """Raise InvalidRequest for requests that name a shop only."""
    _of_shop(shop_id, request_id).raise_if_any()


def check_describe_image(request: item_vision_pb2.DescribeImageRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    checks = _of_shop(request.shop_id, request.request_id)
    _picture(checks, request.picture)
    checks.release_id(request.release_id)
    checks.raise_if_any()


def check_find_similar(request: item_vision_pb2.FindSimilarItemsRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    checks = _of_shop(request.shop_id, request.request_id)
    kind = request.WhichOneof("query")
    if kind == "picture":
        _picture(checks, request.picture)
    else:
        checks.that(kind is not None, "query", "required: send item_id or picture")
        checks.identifier("item_id", request.item_id, required=kind == "item_id")
    checks.number("limit", request.limit, 0, MAXIMUM_SIMILAR)
    checks.text("category", request.category, max_length=500)
    checks.release_id(request.release_id)
    checks.raise_if_any()


def check_get_image(request: item_vision_pb2.GetImageRequest) -> None:
    """Raise InvalidRequest naming every field that breaks its rule."""
    checks = _of_shop(request.shop_id, request.request_id)
    checks.identifier("item_id", request.item_id, required=True)
    checks.number("index", request.index, 0, MAXIMUM_IMAGES - 1)
    if request.width:
        checks.number("width", request.width, 16, 1_600)
    checks.raise_if_any()


def _of_shop(shop_id: str, request_id: str) -> Checks:
    checks = Checks()
    checks.shop_id(shop_id)
    checks.request_id(request_id)
    return checks


def _ids(checks: Checks, item_ids: Sequence[str]) -> None:
    ids = list(item_ids)
    if all(ids) and max(map(len, ids), default=0) <= 128 and "".join(ids).isprintable():
        return  # looked at together: a page asks about hundreds
    for index, item_id in enumerate(ids):
        if not item_id or len(item_id) > 128 or not item_id.isprintable():
            checks.identifier(f"item_ids[{index}]", item_id, required=True)


def _picture(checks: Checks, picture: item_vision_pb2.Picture) -> None:
    source = picture.WhichOneof("source")
    checks.that(source is not None, "picture", "required: send content, url or path")
    if source == "content":
        size = len(picture.content)
        checks.that(size > 0, "picture.content", "send the bytes of a picture, not nothing")
        checks.that(size <= MAXIMUM_PICTURE_BYTES, "picture.content", f"send at most 10 MiB; got {size:,} bytes")


def _language(checks: Checks, field: str, language: str) -> None:
    checks.that(bool(language), field, "send a BCP 47 language tag for each text")
    checks.locale(f"{field}[{language}]", language)


def _prices(checks: Checks, item: item_vision_pb2.ItemInput) -> None:
    if checks.that(item.HasField("price"), "price", "required: send amount_minor and currency"):
        amount = item.price.amount_minor
        sold_out = item.HasField("stock") and item.stock == 0
        checks.number("price.amount_minor", amount, 0, 10**15)
        checks.that(amount != 0 or sold_out, "price.amount_minor", "a price of 0 is for items with stock 0 only")
        checks.currency("price.currency", item.price.currency, required=True)
    if item.HasField("list_price"):
        same = item.list_price.currency == item.price.currency
        checks.that(same, "list_price.currency", f"send the currency of price, {item.price.currency}")
        enough = item.list_price.amount_minor >= item.price.amount_minor
        checks.that(enough, "list_price.amount_minor", "send at least the price; leave it out when nothing is reduced")
    if item.HasField("margin_ratio"):
        checks.number("margin_ratio", item.margin_ratio, 0.0, 1.0)


def _vectors(checks: Checks, item: item_vision_pb2.ItemInput) -> None:
    seen: set[str] = set()
    for index, vector in enumerate(item.vectors):
        field = f"vectors[{index}]"
        checks.identifier(f"{field}.modality", vector.modality, required=True, max_length=32)
        checks.identifier(f"{field}.space_id", vector.space_id, required=True, max_length=64)
        checks.count(f"{field}.values", vector.values, 1, 4_096)
        checks.finite(f"{field}.values", vector.values)
        checks.that(vector.modality not in seen, f"{field}.modality", "send each modality once")
        seen.add(vector.modality)


def _distinct(checks: Checks, field: str, ids: Sequence[str], own: str) -> None:
    """Ids of their own, each once, none of them the item's."""
    for index, each in enumerate(ids):
        checks.identifier(f"{field}[{index}]", each, required=True)
    distinct = len(set(ids)) == len(ids) and own not in ids
    checks.that(distinct, field, "send each id once, and not the item's own")


def _is_link(link: str) -> bool:
    return not link or link.startswith(("https://", "http://")) or (link.startswith("/") and not link.startswith("//"))
