"""Campaigns: banners and coupons, with dates, budgets and segments."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.boutique.calendar import Calendar
from lab.boutique.regions import CURRENCY
from lab.boutique.wording.vocabulary import Words

Line = dict[str, Any]


@dataclass(frozen=True)
class Campaign:
    """One campaign, relative to the end of time."""

    key: str
    names: str
    first_day: int
    """Days before (negative) or after the end."""
    last_day: int
    category: str | None
    brand: str | None
    regions: tuple[str, ...]
    locales: tuple[str, ...]
    devices: tuple[str, ...]
    budget_minor: int
    frequency_cap: int
    """Most impressions a user a day."""
    banner: Words
    coupon: Words
    discount_percent: int | None
    discount_minor: int | None
    colours: tuple[str, str]
    """Background and second colour of the banner."""


CAMPAIGNS: tuple[Campaign, ...] = (
    Campaign(
        "winter-wardrobe", "Winter wardrobe", -10, 20, "Women/Jackets", None, (), (), (), 2_500_000, 4,
        {"en": "Coats for the cold days", "zh": "温暖过冬外套", "es": "Abrigos para el frío"},
        {"en": "15 % off women's jackets", "zh": "女士外套八五折", "es": "15 % en chaquetas de mujer"}, 15, None,
        ("#dfe7ee", "#b7cbdc"),
    ),
    Campaign(
        "living-room", "Living room refresh", -6, 25, "Home/Cushions", None, (), (), ("desktop", "tablet"), 900_000, 3,
        {"en": "A softer living room", "zh": "更柔软的客厅", "es": "Un salón más acogedor"},
        {"en": "€5 off cushions", "zh": "靠垫立减5欧元", "es": "5 € menos en cojines"}, None, 500,
        ("#f2e0c4", "#dcb27c"),
    ),
    Campaign(
        "festive-gifts", "Festive gifts", -3, 14, "Accessories/Scarves", None, ("CN",), ("zh",), (), 1_200_000, 5,
        {"en": "Gifts that keep one warm", "zh": "暖心好礼", "es": "Regalos que abrigan"},
        {"en": "20 % off scarves", "zh": "围巾八折", "es": "20 % en bufandas"}, 20, None,
        ("#f3d9d3", "#d98a7c"),
    ),
    Campaign(
        "on-the-move", "On the move", -14, 10, "Men/Sneakers", None, (), (), ("phone",), 1_500_000, 3,
        {"en": "Light feet, long walks", "zh": "轻盈步伐，走得更远", "es": "Pies ligeros, paseos largos"},
        {"en": "10 % off sneakers", "zh": "运动鞋九折", "es": "10 % en zapatillas"}, 10, None,
        ("#dcebe6", "#9cc4b8"),
    ),
    Campaign(
        "tea-time", "Tea time", -20, 30, "Pantry/Tea", None, ("GB", "DE", "US"), (), (), 400_000, 2,
        {"en": "Put the kettle on", "zh": "来一杯好茶", "es": "La hora del té"},
        {"en": "Second tin at half price", "zh": "第二罐半价", "es": "La segunda lata, a mitad de precio"}, 25, None,
        ("#e6ecd8", "#b3c596"),
    ),
    Campaign(
        "studio-aske", "Studio Aske edition", -2, 12, None, "Studio Aske", (), (), (), 700_000, 3,
        {"en": "Studio Aske: the new edition", "zh": "Studio Aske 新系列", "es": "Studio Aske: la nueva edición"},
        {"en": "€10 off Studio Aske", "zh": "Studio Aske 立减10欧元", "es": "10 € menos en Studio Aske"}, None, 1_000,
        ("#e4e1ea", "#b9b0cc"),
    ),
    Campaign(
        "summer-past", "Summer farewell", -40, -20, "Accessories/Sunglasses", None, (), (), (), 600_000, 3,
        {"en": "The last sun", "zh": "夏日尾声", "es": "El último sol"},
        {"en": "30 % off sunglasses", "zh": "太阳镜七折", "es": "30 % en gafas de sol"}, 30, None,
        ("#f8e7b8", "#eac26a"),
    ),
)  # fmt: skip


def campaign_lines(calendar: Calendar) -> list[Line]:
    """The campaigns as a shop would export them; one is over already."""
    return [_line(campaign, calendar) for campaign in CAMPAIGNS]


def banner_path(campaign: Campaign) -> str:
    """Where a campaign's banner picture lies, relative to the export."""
    return f"images/banners/{campaign.key}.jpg"


def _line(campaign: Campaign, calendar: Calendar) -> Line:
    end = datetime(calendar.end.year, calendar.end.month, calendar.end.day, tzinfo=UTC)
    discount: Line = {"discount_percent": campaign.discount_percent}
    if campaign.discount_minor is not None:
        discount = {"discount_minor": campaign.discount_minor, "currency": CURRENCY}
    link = f"/category/{campaign.category}" if campaign.category else f"/brand/{campaign.brand}"
    return {
        "campaign_id": f"campaign-{campaign.key}",
        "name": campaign.names,
        "starts_at": (end + timedelta(days=campaign.first_day)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ends_at": (end + timedelta(days=campaign.last_day)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "budget_minor": campaign.budget_minor,
        "currency": CURRENCY,
        "frequency_cap": campaign.frequency_cap,
        "segment": {
            "regions": list(campaign.regions),
            "locales": list(campaign.locales),
            "devices": list(campaign.devices),
        },
        "item_filter": {
            name: value for name, value in (("category", campaign.category), ("brand", campaign.brand)) if value
        },
        "banners": [
            {
                "banner_id": f"banner-{campaign.key}",
                "titles": campaign.banner,
                "link": link,
                "image": banner_path(campaign),
            }
        ],
        "coupons": [
            {
                "coupon_id": f"coupon-{campaign.key}",
                "titles": campaign.coupon,
                "code": campaign.key.upper().replace("-", "")[:10],
                **discount,
            }
        ],
    }
