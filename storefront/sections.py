"""A composed page as templates print it: sections from top to bottom, and how the page was made."""

from collections.abc import Sequence
from dataclasses import dataclass

from storefront import tickets
from storefront.cards import BannerCard, Card, CardMaker, CouponCard, Why, why_of_section
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2

COLUMNS_LIMIT = 12


@dataclass(frozen=True)
class SectionView:
    """What stands on the page."""

    section_id: str
    style: str
    """"row", "grid", "banner" or "coupon_strip"."""
    title: str
    shelf: str
    why: Why
    columns: int
    more_link: str = ""
    reserve_count: int = 0
    cards: tuple[Card, ...] = ()
    banners: tuple[BannerCard, ...] = ()
    coupons: tuple[CouponCard, ...] = ()


@dataclass(frozen=True)
class StageBar:
    """One stage of the page's making, as a bar of a chart."""

    stage: str
    duration_ms: float
    width: float
    """0 to 100; the longest stage is 100."""


@dataclass(frozen=True)
class PageView:
    """A page, ready to print."""

    page: page_composer_pb2.Page
    sections: tuple[SectionView, ...]
    bars: tuple[StageBar, ...]

    @property
    def item_count(self) -> int:
        """How many items it shows."""
        return sum(len(section.cards) for section in self.sections)

    @property
    def item_ids(self) -> frozenset[str]:
        """Items on the page."""
        return frozenset(card.item_id for section in self.sections for card in section.cards)


def page_view(page: page_composer_pb2.Page, maker: CardMaker) -> PageView:
    """The page as templates print it."""
    sections = tuple(section_view(section, maker) for section in page.sections)
    return PageView(
        page=page,
        sections=sections,
        bars=stage_bars(page.timings),
    )


def section_view(section: page_composer_pb2.Section, maker: CardMaker) -> SectionView:
    """One section; a layout that nobody knows is shown as a grid."""
    style = section.layout.style
    known = style if style in ("row", "grid", "banner", "coupon_strip") else "grid"
    return SectionView(
        section_id=section.section_id,
        style=known,
        title=section.title,
        shelf=section.shelf,
        why=why_of_section(section),
        columns=min(max(section.layout.columns, 1), COLUMNS_LIMIT),
        more_link=tickets.local_path(section.more_link),
        reserve_count=section.reserve_count,
        cards=tuple(maker.from_slot(slot, section) for slot in section.slots),
        banners=tuple(maker.from_banner(banner) for banner in section.banners),
        coupons=tuple(maker.from_coupon(coupon) for coupon in section.coupons),
    )


def stage_bars(timings: Sequence[common_pb2.StageTiming]) -> tuple[StageBar, ...]:
    """Stages in the order they were told, scaled to the longest."""
    longest = max((timing.duration_us for timing in timings), default=0) or 1
    return tuple(
        StageBar(timing.stage, timing.duration_us / 1_000, round(100 * timing.duration_us / longest, 2))
        for timing in timings
    )
