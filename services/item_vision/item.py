"""An item as the catalogue keeps it, and what a change of it means."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from services.item_vision.model.text import ItemText

Vector = tuple[str, str, Sequence[float]]
"""(modality, space_id, values) of a vector that the shop brought."""

Link = tuple[int, str]
"""(LinkKind, item_id) of an item that the shop says goes with another."""


MOST_LINKS = 200
_FACTS_OF_SALE = (
    "price_minor", "list_price_minor", "currency", "margin_ratio", "brand", "category", "seller", "stock",
)  # fmt: skip


@dataclass(frozen=True)
class NewLinks:
    """Links as they are sent for one item."""

    links: Sequence[Link]
    keep_others: bool = False
    """Whether they are added to those that the item has."""

    def after(self, before: Sequence[Link]) -> tuple[Link, ...]:
        """The item's links once these are taken in; of more than MOST_LINKS the first."""
        together = dict.fromkeys([*before, *self.links] if self.keep_others else self.links)
        return tuple(together)[:MOST_LINKS]


class EarlierState(Protocol):
    """What the next state of an item is compared with."""

    @property
    def images(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def near_duplicate_cluster(self) -> int: ...  # noqa: D102
    @property
    def in_stock(self) -> bool: ...  # noqa: D102
    @property
    def restocked_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def currency(self) -> str: ...  # noqa: D102
    @property
    def price_minor(self) -> int: ...  # noqa: D102
    @property
    def price_dropped_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def previous_price_minor(self) -> int | None: ...  # noqa: D102


@dataclass(frozen=True)
class CatalogueItem:
    """An item of a shop's catalogue."""

    item_id: str
    family_id: str
    titles: Mapping[str, str]
    descriptions: Mapping[str, str]
    attributes: Mapping[str, str]
    price_minor: int
    list_price_minor: int | None
    currency: str
    margin_ratio: float | None
    brand: str
    category: str
    seller: str
    stock: int | None
    """None: not tracked."""
    regions: Sequence[str]
    minimum_age: int
    link: str
    images: Sequence[str]
    """sha256 of each picture, the main one first."""
    created_at: datetime
    vectors: Sequence[Vector] = ()
    near_duplicate_cluster: int = 0
    restocked_at: datetime | None = None
    price_dropped_at: datetime | None = None
    previous_price_minor: int | None = None
    variant_ids: Sequence[str] = ()
    """By which events name variants of it."""
    links: Sequence[Link] = ()
    """In the shop's order. Not part of what an item is sent with, and read only where they are answered."""
    retired: bool = False
    """Whether the shop's catalogue no longer names it."""
    content_hash: bytes = b""
    revision: int = 0
    """Of the stored state; another one means that something changed. 0 while it is not stored."""

    @property
    def in_stock(self) -> bool:
        """Whether it can be bought now."""
        return self.stock is None or self.stock > 0

    @property
    def text(self) -> ItemText:
        """What is written about it."""
        return ItemText(self.titles, self.brand, self.category, self.attributes, self.descriptions)

    @property
    def feature_hash(self) -> bytes:
        """Of what features are computed from: main picture and words."""
        words = [sorted(each.items()) for each in (self.titles, self.descriptions, self.attributes)]
        return _hash((self.images[:1], words, self.brand, self.category))

    def after(self, before: EarlierState | None, now: datetime) -> "CatalogueItem":
        """The item as it follows an earlier state: what stays, what fell in price, what came back."""
        if before is None:
            return self
        item = replace(
            self,
            near_duplicate_cluster=before.near_duplicate_cluster if self.images[:1] == before.images[:1] else 0,
            restocked_at=before.restocked_at,
            price_dropped_at=before.price_dropped_at,
            previous_price_minor=before.previous_price_minor,
        )
        if item.in_stock and not before.in_stock:
            item = replace(item, restocked_at=now)
        if item.currency == before.currency and 0 < item.price_minor < before.price_minor:
            item = replace(item, price_dropped_at=now, previous_price_minor=before.price_minor)
        elif item.previous_price_minor is not None and item.price_minor >= item.previous_price_minor:
            item = replace(item, price_dropped_at=None, previous_price_minor=None)
        return item


def content_hash(given: Mapping[str, Any], created_at_given: bool) -> bytes:
    """Of everything the shop sent, by field of CatalogueItem. A creation time that we filled in does not count."""
    words = [sorted(given[name].items()) for name in ("titles", "descriptions", "attributes")]
    facts: tuple[Any, ...] = (
        given["item_id"], given["family_id"], words, *(given[name] for name in _FACTS_OF_SALE),
        sorted(given["regions"]), given["minimum_age"], given["link"], list(given["images"]),
        [(modality, space, list(values)) for modality, space, values in given["vectors"]],
        given["created_at"].isoformat() if created_at_given else "",
    )  # fmt: skip
    # Only where there are any, so that items stored before there were variants count as unchanged.
    return _hash((*facts, list(given["variant_ids"])) if given["variant_ids"] else facts)


def _hash(value: Any) -> bytes:
    return hashlib.blake2b(repr(value).encode(), digest_size=16).digest()
