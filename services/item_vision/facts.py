"""An item as those see it who hold a whole catalogue: what `ItemFacts` of the contract says, as it is stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple


class StoredFacts(NamedTuple):
    """Facts of one item. A tuple, and its JSON not taken apart: catalogues of a million items are read through it."""

    item_id: str
    family_id: str
    near_duplicate_cluster: int
    brand: str
    category: str
    seller: str
    price_minor: int
    currency: str
    list_price_minor: int | None
    previous_price_minor: int | None
    margin_ratio: float | None
    stock: int | None
    """None: not tracked."""
    regions: Sequence[str]
    minimum_age: int
    created_at: datetime
    restocked_at: datetime | None
    price_dropped_at: datetime | None
    titles: str
    """JSON object: title by language."""
    attributes: str
    """JSON object."""
    vectors: str
    """JSON array of [modality, space_id, values]; empty unless vectors were asked for."""
    link: str
    main_image: str
    """sha256 of the first picture; empty without one."""
    image_count: int
    revision: int
    variant_ids: Sequence[str]
    link_kinds: Sequence[int] | None
    """LinkKind of each of `linked_item_ids`; None without links."""
    linked_item_ids: Sequence[str] | None
    retired: bool
    deleted: bool
