"""What training knows of a shop, in columns: items, their raw features, and events under pseudonyms."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vitrine.item_vision.v1 import item_vision_pb2

DAY_US = 86_400_000_000


@dataclass(frozen=True)
class RawFeatures:
    """Features of the items before any release's heads; row k is item k."""

    image: NDArray[np.float32]
    """`[items, width]`; zeros for items without a picture, and a width of 0 where no item has one."""
    text: NDArray[np.float32]
    """`[items, width]`."""
    hashes: NDArray[np.uint64]
    """`[items]` perceptual hash of the first picture; 0 for none."""
    image_backbone: str
    text_encoder: str


@dataclass(frozen=True)
class EventColumns:
    """Events in time order; entry k of every column is event k. What the export gives, and nothing more."""

    occurred_us: NDArray[np.int64]
    action: NDArray[np.int32]
    """Numbers of the Action enum."""
    item: NDArray[np.int32]
    """Item numbers; −1 for events without an item, or with one that is no longer in the catalogue."""
    subject: NDArray[np.int32]
    """Number of the user, or of the session where the event names no user."""
    page: NDArray[np.int32]
    """Number of the page it happened on; −1 for none."""
    row: NDArray[np.int32]
    column: NDArray[np.int32]
    device: NDArray[np.int32]
    """Numbers of the Device enum."""
    region: Sequence[str]
    locale: Sequence[str]
    item_ids: Sequence[str]
    """As in the event, also where the item is unknown."""
    queries: Sequence[str]
    subjects: Sequence[str]
    """Pseudonyms, by subject number."""

    def __len__(self) -> int:
        return len(self.action)


@dataclass(frozen=True)
class ShopData:
    """Everything training reads. A shop would have all of it."""

    shop_id: str
    items: Sequence[item_vision_pb2.ItemFacts]
    """By item id; item k of every column is `items[k]`."""
    features: RawFeatures
    events: EventColumns
    price_edges_minor: Mapping[str, Sequence[float]]
    """Edges between price bands by department; "" holds the whole shop's."""
    popularity: NDArray[np.float32]
    """`[items, 3]` weighted actions of the last 1, 7 and 30 whole days before the day of `now_us`."""
    now_us: int
    """When the export was taken, or the end of a log that ended long before."""

    @cached_property
    def item_ids(self) -> list[str]:
        """Ids in item order."""
        return [item.item_id for item in self.items]

    @cached_property
    def number_of(self) -> Mapping[str, int]:
        """item_id → item number."""
        return {item_id: number for number, item_id in enumerate(self.item_ids)}

    @cached_property
    def prices_minor(self) -> NDArray[np.int64]:
        """`[items]`."""
        return np.array([item.price.amount_minor for item in self.items], np.int64)

    @cached_property
    def list_prices_minor(self) -> NDArray[np.int64]:
        """`[items]`; 0 when not reduced."""
        return np.array(
            [item.list_price.amount_minor if item.HasField("list_price") else 0 for item in self.items], np.int64
        )

    @cached_property
    def created_us(self) -> NDArray[np.int64]:
        """`[items]` microseconds since the epoch."""
        return np.array([item.created_at.ToMicroseconds() for item in self.items], np.int64)

    @cached_property
    def sha256(self) -> str:
        """Hash of the data: what a release says it was trained on."""
        digest = hashlib.sha256()
        for item in self.items:
            digest.update(item.SerializeToString(deterministic=True))
        events = self.events
        for column in (events.occurred_us, events.action, events.item, events.subject, events.page):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()
