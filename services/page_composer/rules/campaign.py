"""Campaigns: what the shop promotes for a while, and which of it a visit may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.page_composer.rules.item_filter import NO_ITEMS, ItemFilter
from services.page_composer.rules.segment import EVERYONE, Period, Segment
from services.page_composer.visit import Visit


@dataclass(frozen=True)
class Banner:
    """A banner; titles by language."""

    banner_id: str
    titles: Mapping[str, str]
    link: str
    image: str = ""


@dataclass(frozen=True)
class Coupon:
    """A coupon; titles by language. One of percent and amount_minor is above 0."""

    coupon_id: str
    titles: Mapping[str, str]
    code: str
    percent: int = 0
    amount_minor: int = 0


@dataclass(frozen=True)
class Campaign:
    """Something the shop promotes for a while."""

    campaign_id: str
    name: str
    period: Period
    segment: Segment = EVERYONE
    items: ItemFilter = NO_ITEMS
    banners: tuple[Banner, ...] = ()
    coupons: tuple[Coupon, ...] = ()
    frequency_cap: int = 0
    """Times a user sees it in 24 hours; 0 means no cap."""
    budget_minor: int = 0
    """What it may cost in all; 0 means no limit."""
    priority: int = 0


@dataclass(frozen=True)
class Spent:
    """How much of a campaign has been used."""

    views: Mapping[str, int]
    """By campaign: views of this visitor in the last 24 hours."""
    cost_minor: Mapping[str, float]
    """By campaign: cost so far, over all visitors."""


NOTHING_SPENT = Spent({}, {})


def campaigns_in_force(campaigns: Sequence[Campaign], visit: Visit, spent: Spent) -> list[Campaign]:
    """The campaigns that a visit may see, highest priority first, then by id."""
    seen = (
        campaign
        for campaign in campaigns
        if campaign.period.has(visit.at_s) and campaign.segment.has(visit) and not _worn_out(campaign, spent)
    )
    return sorted(seen, key=lambda campaign: (-campaign.priority, campaign.campaign_id))


def may_show_coupons(campaign: Campaign, visit: Visit) -> bool:
    """A coupon aimed at a segment is marketing and needs the visitor's agreement; one for everyone does not."""
    return campaign.segment.is_everyone or visit.profile.consents.marketing


def _worn_out(campaign: Campaign, spent: Spent) -> bool:
    seen = spent.views.get(campaign.campaign_id, 0)
    cost = spent.cost_minor.get(campaign.campaign_id, 0.0)
    return bool(
        (campaign.frequency_cap and seen >= campaign.frequency_cap)
        or (campaign.budget_minor and cost >= campaign.budget_minor)
    )
