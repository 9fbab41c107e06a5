"""One item of a shop, as pages need to know it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

UNTRACKED = -1
"""In `stock`: the shop does not count this item; it is always available."""


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """One item, as item_vision's contract describes it."""

    item_id: str
    family_id: str
    near_duplicate_cluster: int = 0
    brand: str = ""
    category: str = ""
    seller: str = ""
    colour: str = ""
    price_minor: int = 0
    currency: str = ""
    list_price_minor: int = 0
    """0 when the price is not reduced."""
    margin_ratio: float | None = None
    stock: int = UNTRACKED
    regions: tuple[str, ...] = ()
    minimum_age: int = 0
    created_s: float = 0.0
    restocked_s: float = 0.0
    price_dropped_s: float = 0.0
    previous_price_minor: int = 0
    titles: Mapping[str, str] = field(default_factory=dict)
    link: str = ""
    image_count: int = 0
    image_etag: str = ""
    goes_with: tuple[str, ...] = ()
    """Items that the shop itself links to this one, to buy together before related; they need not be there."""
    revision: int = 0
    """What item_vision compares to say whether it has changed since; 0 when unknown."""

    @property
    def displayable(self) -> bool:
        """Whether it can be shown as an item for sale: with title, price and link."""
        return bool(self.titles and self.link and self.price_minor > 0)
