"""From a page to its message: placements, tracking tokens, enum numbers."""

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
    """Writes one page into its message: in place, because a message handed to another is copied whole."""

    def __init__(self, page: Page, tracking_key: bytes, *, explain: bool) -> None:
        self._page = page
        self._key = tracking_key
        self._explain = explain
        self._device = common_pb2.Device.ValueType(page.device)
        # What all tokens of the page have in common; each slot's is made of it.
        self._claims = common_pb2.TrackingClaims(
            shop_id=page.shop_id,
            release_id=page.versions.release_id,
            composed_at=timestamp(page.composed_at_s),
            arms=page.arms,
        )
        self._placement = self._claims.placement
        self._placement.page_id = page.page_id
        self._placement.device = self._device

    def write(self, message: pb.Page) -> None:
        """Fill an empty message."""
        page = self._page
        message.page_id = page.page_id
        for section in page.sections:
            self._section(section, message)
        message.locale = page.locale
        message.device = self._device
        message.template_id = page.template_id
        message.versions.CopyFrom(versions_message(page.versions))
        message.arms.extend(page.arms)
        for each in page.degraded:
            message.degraded.add(dependency=each.dependency, cause=each.cause, stand_in=each.stand_in)
        for timing in page.timings:
            message.timings.add(stage=timing.stage, duration_us=timing.duration_us, cpu_us=timing.cpu_us)
        message.composed_at.CopyFrom(self._claims.composed_at)
        message.personalised = page.personalised
        for drop in page.dropped:
            message.dropped.add(item_id=drop.item_id, reason=drop.reason, rule_id=drop.rule_id)
        message.expected_value = page.expected_value

    def _section(self, section: Section, page: pb.Page) -> None:
        message = page.sections.add(
            section_id=section.section_id,
            kind=SECTION_KINDS[section.kind],
            shelf=section.shelf,
            title=section.title,
            reason=section.reason,
            evidence=evidence_message(section.evidence),
            row=section.row,
            layout=pb.SectionLayout(style=section.style, columns=section.columns, rows=section.rows),
            reserve_count=section.reserve_count,
            more_link=section.more_link,
        )
        self._placement.section_id = section.section_id
        for slot in section.slots:
            self._slot(slot, message)
        self._banners(section, message)
        self._coupons(section, message)

    def _slot(self, slot: ItemSlot, section: pb.Section) -> None:
        display = slot.display
        # Field by field: there are a hundred slots, and by keywords one takes twice as long.
        message = section.slots.add()
        message.tracking_token = self._token(display.item_id, slot.row, slot.column)
        message.placement.CopyFrom(self._placement)
        message.item_id = display.item_id
        message.title = display.title
        message.link = display.link
        message.brand = display.brand
        message.category = display.category
        message.image_count = display.image_count
        message.image_etag = display.image_etag
        message.reason = slot.reason
        message.origin = ORIGINS[slot.origin]
        message.propensity = slot.propensity
        if slot.rule_ids:
            message.rule_ids.extend(slot.rule_ids)
        if slot.badges:
            message.badges.extend(slot.badges)
        price = message.price
        price.amount_minor, price.currency = display.price_minor, display.currency
        if display.list_price_minor > display.price_minor:
            price = message.list_price
            price.amount_minor, price.currency = display.list_price_minor, display.currency
        if slot.evidence is not None:
            message.evidence.CopyFrom(evidence_message(slot.evidence))
        if self._explain:
            message.p_click_if_seen = slot.p_click
            message.p_purchase_if_seen = slot.p_purchase

    def _banners(self, section: Section, message: pb.Section) -> None:
        for slot in section.banners:
            message.banners.add(
                tracking_token=self._token(slot.banner.banner_id, slot.row, slot.column),
                placement=self._placement,
                banner_id=slot.banner.banner_id,
                campaign_id=slot.campaign_id,
                title=slot.title,
                link=slot.banner.link,
                image=slot.banner.image,
            )

    def _coupons(self, section: Section, message: pb.Section) -> None:
        for slot in section.coupons:
            message.coupons.add(
                tracking_token=self._token(slot.coupon.coupon_id, slot.row, slot.column),
                placement=self._placement,
                coupon_id=slot.coupon.coupon_id,
                campaign_id=slot.campaign_id,
                title=slot.title,
                code=slot.coupon.code,
                ends_at=timestamp(slot.ends_s),
            )

    def _token(self, item_id: str, row: int, column: int) -> str:
        """The token of a slot; its placement is then `_placement`, until the next."""
        self._placement.row, self._placement.column = row, column
        self._claims.item_id = item_id
        return tracking.issue(self._claims, self._key)


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
