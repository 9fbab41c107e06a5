"""A page as it is answered, before it becomes a message."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.page_composer.eligibility import Dropped
from services.page_composer.proposal import Evidence
from services.page_composer.rules.campaign import Banner, Coupon
from services.page_composer.visit import Device

BANNERS = "banner"
COUPONS = "coupon"
SHELVES = "shelf"


class Display(NamedTuple):
    """What is shown of an item. A tuple, like the slots: a page makes a hundred of each, and a frozen dataclass takes
    four times as long.
    """

    item_id: str
    title: str
    link: str
    price_minor: int
    currency: str
    list_price_minor: int = 0
    brand: str = ""
    category: str = ""
    image_count: int = 0
    image_etag: str = ""
    available: bool = True
    """Whether it can be bought now."""

    @property
    def complete(self) -> bool:
        """True when it can stand on a page: for sale, with title, price and link."""
        return bool(self.available and self.title and self.link and self.price_minor > 0)


class ItemSlot(NamedTuple):
    """An item on the page."""

    row: int
    column: int
    display: Display
    reason: str
    evidence: Evidence | None
    origin: str
    propensity: float
    rule_ids: tuple[str, ...] = ()
    badges: tuple[str, ...] = ()
    p_click: float = 0.0
    p_purchase: float = 0.0


@dataclass(frozen=True, slots=True)
class BannerSlot:
    """A banner on the page."""

    row: int
    column: int
    campaign_id: str
    title: str
    banner: Banner


@dataclass(frozen=True, slots=True)
class CouponSlot:
    """A coupon on the page."""

    row: int
    column: int
    campaign_id: str
    title: str
    coupon: Coupon
    ends_s: float


@dataclass(frozen=True)
class Section:
    """What stands on the page: a shelf, a banner section or a coupon strip."""

    section_id: str
    kind: str
    shelf: str
    title: str
    reason: str
    evidence: Evidence
    row: int
    style: str
    columns: int
    rows: int
    slots: Sequence[ItemSlot] = ()
    banners: Sequence[BannerSlot] = ()
    coupons: Sequence[CouponSlot] = ()
    reserve_count: int = 0
    more_link: str = ""


@dataclass(frozen=True)
class Versions:
    """Everything a page depends on besides the request."""

    release_id: str = ""
    item_cursor: str = ""
    rules_version: int = 0
    profile_version: int = 0
    model_version: int = 0
    posterior_version: int = 0
    weights_version: str = ""


class Timing(NamedTuple):
    """What one stage took."""

    stage: str
    duration_us: int
    cpu_us: int
    """Of the thread that answers, other pages' work included."""


@dataclass(frozen=True)
class Degraded:
    """What was missing and what stood in."""

    dependency: str
    cause: str
    stand_in: str


@dataclass(frozen=True)
class Page:
    """A page."""

    shop_id: str
    page_id: str
    sections: Sequence[Section]
    locale: str
    device: Device
    template_id: str
    versions: Versions
    composed_at_s: float
    arms: Sequence[str] = ()
    degraded: Sequence[Degraded] = ()
    timings: Sequence[Timing] = ()
    personalised: bool = False
    dropped: Sequence[Dropped] = field(default_factory=tuple)
    expected_value: float = 0.0

    def items(self) -> list[ItemSlot]:
        """Every item slot, in page order."""
        return [slot for section in self.sections for slot in section.slots]
