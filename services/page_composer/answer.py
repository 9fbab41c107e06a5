"""From a page to its message: placements, tracking tokens, enum numbers."""

from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp

from services.kit import tracking
from services.page_composer.draft import EXPLORED, PINNED, REFILLED, SELECTED, STATIC
from services.page_composer.page import BANNERS, COUPONS, SHELVES, ItemSlot, Page, Section, Versions
from services.page_composer.proposal import Evidence
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb

SECTION_KINDS = {
    SHELVES: pb.SECTION_KIND_SHELF,
    BANNERS: pb.SECTION_KIND_BANNER,
    COUPONS: pb.SECTION_KIND_COUPON,
}
ORIGINS = {
    SELECTED: pb.SLOT_ORIGIN_SELECTED,
    EXPLORED: pb.SLOT_ORIGIN_EXPLORED,
    PINNED: pb.SLOT_ORIGIN_PINNED,
    REFILLED: pb.SLOT_ORIGIN_REFILLED,
    STATIC: pb.SLOT_ORIGIN_STATIC,
}


def timestamp(at_s: float) -> Timestamp:
    """A moment as the contract carries it, to the microsecond."""
    whole = int(at_s // 1)
    return Timestamp(seconds=whole, nanos=round((at_s - whole) * 1e6) * 1_000 % 1_000_000_000)


class Answer:
    """Turns one page into its message."""

    def __init__(self, page: Page, tracking_key: bytes, *, explain: bool) -> None:
        self._page = page
        self._key = tracking_key
        self._explain = explain
        self._device = common_pb2.Device.ValueType(page.device)
        self._composed_at = timestamp(page.composed_at_s)

    def message(self) -> pb.Page:
        """The message."""
        page = self._page
        return pb.Page(
            page_id=page.page_id,
            sections=[self._section(section) for section in page.sections],
            locale=page.locale,
            device=self._device,
            template_id=page.template_id,
            versions=versions_message(page.versions),
            arms=page.arms,
            degraded=[
                pb.Degraded(dependency=each.dependency, cause=each.cause, stand_in=each.stand_in)
                for each in page.degraded
            ],
            timings=[
                common_pb2.StageTiming(stage=each.stage, duration_us=each.duration_us, cpu_us=each.cpu_us)
                for each in page.timings
            ],
            composed_at=self._composed_at,
            personalised=page.personalised,
            dropped=[
                pb.DroppedItem(item_id=each.item_id, reason=each.reason, rule_id=each.rule_id) for each in page.dropped
            ],
            expected_value=page.expected_value,
        )

    def _section(self, section: Section) -> pb.Section:
        return pb.Section(
            section_id=section.section_id,
            kind=SECTION_KINDS[section.kind],
            shelf=section.shelf,
            title=section.title,
            reason=section.reason,
            evidence=evidence_message(section.evidence),
            row=section.row,
            layout=pb.SectionLayout(style=section.style, columns=section.columns, rows=section.rows),
            slots=[self._slot(section, slot) for slot in section.slots],
            banners=list(self._banners(section)),
            coupons=list(self._coupons(section)),
            reserve_count=section.reserve_count,
            more_link=section.more_link,
        )

    def _slot(self, section: Section, slot: ItemSlot) -> pb.Slot:
        display = slot.display
        placement = self._placement(section, slot.row, slot.column)
        message = pb.Slot(
            placement=placement,
            item_id=display.item_id,
            title=display.title,
            link=display.link,
            price=common_pb2.Money(amount_minor=display.price_minor, currency=display.currency),
            brand=display.brand,
            category=display.category,
            image_count=display.image_count,
            image_etag=display.image_etag,
            reason=slot.reason,
            tracking_token=self._token(display.item_id, placement),
            origin=ORIGINS[slot.origin],
            propensity=slot.propensity,
            rule_ids=slot.rule_ids,
            badges=slot.badges,
        )
        if display.list_price_minor > display.price_minor:
            message.list_price.amount_minor = display.list_price_minor
            message.list_price.currency = display.currency
        if slot.evidence is not None:
            message.evidence.CopyFrom(evidence_message(slot.evidence))
        if self._explain:
            message.p_click_if_seen = slot.p_click
            message.p_purchase_if_seen = slot.p_purchase
        return message

    def _banners(self, section: Section) -> Iterable[pb.BannerSlot]:
        for slot in section.banners:
            placement = self._placement(section, slot.row, slot.column)
            yield pb.BannerSlot(
                placement=placement,
                banner_id=slot.banner.banner_id,
                campaign_id=slot.campaign_id,
                title=slot.title,
                link=slot.banner.link,
                image=slot.banner.image,
                tracking_token=self._token(slot.banner.banner_id, placement),
            )

    def _coupons(self, section: Section) -> Iterable[pb.CouponSlot]:
        for slot in section.coupons:
            placement = self._placement(section, slot.row, slot.column)
            yield pb.CouponSlot(
                placement=placement,
                coupon_id=slot.coupon.coupon_id,
                campaign_id=slot.campaign_id,
                title=slot.title,
                code=slot.coupon.code,
                ends_at=timestamp(slot.ends_s),
                tracking_token=self._token(slot.coupon.coupon_id, placement),
            )

    def _placement(self, section: Section, row: int, column: int) -> common_pb2.Placement:
        return common_pb2.Placement(
            page_id=self._page.page_id,
            section_id=section.section_id,
            row=row,
            column=column,
            device=self._device,
        )

    def _token(self, item_id: str, placement: common_pb2.Placement) -> str:
        claims = common_pb2.TrackingClaims(
            shop_id=self._page.shop_id,
            item_id=item_id,
            placement=placement,
            release_id=self._page.versions.release_id,
            composed_at=self._composed_at,
            arms=self._page.arms,
        )
        return tracking.issue(claims, self._key)


def evidence_message(evidence: Evidence) -> pb.Evidence:
    """Evidence as the contract carries it."""
    message = pb.Evidence(
        kind=evidence.kind, item_ids=evidence.item_ids, values=evidence.values, rule_id=evidence.rule_id
    )
    if evidence.at_s:
        message.occurred_at.CopyFrom(timestamp(evidence.at_s))
    return message


def versions_message(versions: Versions) -> pb.PageVersions:
    """Versions as the contract carries them."""
    return pb.PageVersions(
        release_id=versions.release_id,
        item_cursor=versions.item_cursor,
        rules_version=versions.rules_version,
        profile_version=versions.profile_version,
        model_version=versions.model_version,
        posterior_version=versions.posterior_version,
        weights_version=versions.weights_version,
    )
