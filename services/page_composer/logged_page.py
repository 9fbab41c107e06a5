"""A page as it is logged: what is kept of it, under which pseudonym, and whether it may be kept at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from services.page_composer.answer import ORIGINS
from services.page_composer.page import Page, Section, Versions
from services.page_composer.rules.campaign import Coupon


class LoggedSlot(NamedTuple):
    """A slot, in page order. Its fields stand in the order of `_SLOT_COLUMNS`."""

    section_id: str
    shelf: str
    item_id: str
    """Item, banner or coupon."""
    row: int
    column: int
    origin: int
    """The contract's number."""
    propensity: float = 1.0
    p_click: float = 0.0
    p_purchase: float = 0.0


@dataclass(frozen=True)
class PageRecord:
    """What the log says of a page."""

    page_id: str
    composed_at: datetime
    device: int
    locale: str
    region: str
    template_id: str
    versions: Versions
    arms: tuple[str, ...]
    degraded: tuple[str, ...]
    slots: tuple[LoggedSlot, ...]


@dataclass(frozen=True)
class CampaignUse:
    """A campaign on a page, and what showing it is expected to cost."""

    campaign_id: str
    cost_minor: float


@dataclass(frozen=True)
class LoggedPage:
    """A page on its way into the log."""

    shop_id: str
    page: PageRecord
    pseudonym: bytes | None = None
    """Of the user or session; None for an anonymous visit."""
    analytics: bool = True
    """Whether a visitor with a pseudonym agreed to analytics."""
    refused: bool = False
    """Whether the visitor is known to have refused analytics: then earlier pages are exported no more."""
    campaigns: Sequence[CampaignUse] = ()

    @property
    def composed_at(self) -> datetime:
        """When the page was composed."""
        return self.page.composed_at

    @property
    def may_be_kept(self) -> bool:
        """Pages of nobody, and of people who agreed to analytics."""
        return self.pseudonym is None or self.analytics


def record(page: Page, region: str) -> PageRecord:
    """What the log says of a page."""
    return PageRecord(
        page_id=page.page_id,
        composed_at=datetime.fromtimestamp(page.composed_at_s, UTC),
        device=int(page.device),
        locale=page.locale,
        region=region,
        template_id=page.template_id,
        versions=page.versions,
        arms=tuple(page.arms),
        degraded=tuple(dict.fromkeys(each.dependency for each in page.degraded)),
        slots=tuple(slot for section in page.sections for slot in _slots(section)),
    )


def campaign_uses(page: Page, redemption_rate: float) -> list[CampaignUse]:
    """The campaigns on a page, with the expected cost of their coupons: discount times the share that is redeemed.

    A percentage is taken of the mean price of the items on the page.
    """
    prices = [slot.display.price_minor for slot in page.items()]
    mean_price = sum(prices) / len(prices) if prices else 0.0
    costs: dict[str, float] = {}
    for section in page.sections:
        if section.evidence.kind == "campaign":
            costs.setdefault(section.evidence.rule_id, 0.0)
        for banner in section.banners:
            costs.setdefault(banner.campaign_id, 0.0)
        for slot in section.coupons:
            costs[slot.campaign_id] = costs.get(slot.campaign_id, 0.0) + redemption_rate * _discount(
                slot.coupon, mean_price
            )
    return [CampaignUse(campaign_id, cost) for campaign_id, cost in costs.items()]


def row_of_page(logged: LoggedPage) -> dict[str, Any]:
    """The page as columns of its table, in values that JSON has."""
    page, versions = logged.page, logged.page.versions
    columns = zip(*page.slots, strict=True) if page.slots else ((),) * len(_SLOT_COLUMNS)
    return {
        "shop_id": logged.shop_id,
        "page_id": page.page_id,
        "composed_at": page.composed_at.isoformat(),
        "pseudonym": f"\\x{logged.pseudonym.hex()}" if logged.pseudonym else None,
        "device": page.device,
        "locale": page.locale,
        "region": page.region,
        "template_id": page.template_id,
        **{name: getattr(versions, name) for name in _VERSION_COLUMNS},
        "arms": page.arms,
        "degraded": page.degraded,
        **dict(zip(_SLOT_COLUMNS, columns, strict=True)),
    }


def page_of_row(row: Mapping[str, Any]) -> LoggedPage:
    """The page as it was written."""
    columns = [row[name] for name in _SLOT_COLUMNS]
    page = PageRecord(
        page_id=row["page_id"],
        composed_at=row["composed_at"],
        device=row["device"],
        locale=row["locale"],
        region=row["region"],
        template_id=row["template_id"],
        versions=Versions(**{name: row[name] for name in _VERSION_COLUMNS}),
        arms=tuple(row["arms"]),
        degraded=tuple(row["degraded"]),
        slots=tuple(LoggedSlot(*values) for values in zip(*columns, strict=True)),
    )
    return LoggedPage(row["shop_id"], page, row["pseudonym"])


_VERSION_COLUMNS = (
    "release_id",
    "item_cursor",
    "rules_version",
    "profile_version",
    "model_version",
    "posterior_version",
    "weights_version",
)
_SLOT_COLUMNS = (
    "section_ids",
    "shelves",
    "item_ids",
    "rows",
    "columns",
    "origins",
    "propensities",
    "p_click_if_seen",
    "p_purchase_if_seen",
)


def _slots(section: Section) -> list[LoggedSlot]:
    name, shelf = section.section_id, section.shelf
    put_here = ORIGINS["pinned"]
    items = [
        LoggedSlot(
            name,
            shelf,
            slot.display.item_id,
            slot.row,
            slot.column,
            ORIGINS[slot.origin],
            slot.propensity,
            slot.p_click,
            slot.p_purchase,
        )
        for slot in section.slots
    ]
    items += [
        LoggedSlot(name, shelf, each.banner.banner_id, each.row, each.column, put_here) for each in section.banners
    ]
    items += [
        LoggedSlot(name, shelf, each.coupon.coupon_id, each.row, each.column, put_here) for each in section.coupons
    ]
    return items


def _discount(coupon: Coupon, mean_price_minor: float) -> float:
    return coupon.amount_minor or mean_price_minor * coupon.percent / 100.0
