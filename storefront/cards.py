"""How an item, a banner or a coupon is shown: everything a template prints, and nothing it has to work out."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote

from google.protobuf.timestamp_pb2 import Timestamp

from storefront import tickets
from storefront.signing import Signer
from storefront.tickets import Ticket
from vitrine.common.v1 import common_pb2
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.page_composer.v1 import page_composer_pb2

ORIGINS = {
    page_composer_pb2.SLOT_ORIGIN_SELECTED: "selected",
    page_composer_pb2.SLOT_ORIGIN_EXPLORED: "explored",
    page_composer_pb2.SLOT_ORIGIN_PINNED: "pinned",
    page_composer_pb2.SLOT_ORIGIN_REFILLED: "refilled",
    page_composer_pb2.SLOT_ORIGIN_STATIC: "static",
}


@dataclass(frozen=True)
class Why:
    """Why something is on the page."""

    reason: str = ""
    evidence_kind: str = ""
    evidence_items: tuple[str, ...] = ()
    evidence_values: tuple[str, ...] = ()
    occurred_at: Timestamp | None = None
    rule_ids: tuple[str, ...] = ()
    origin: str = ""
    propensity: float | None = None
    p_click_if_seen: float | None = None
    p_purchase_if_seen: float | None = None
    similarity: float | None = None


@dataclass(frozen=True)
class Card:
    """An item in a place."""

    item_id: str
    title: str
    title_locale: str
    """Language of the title; empty when it is the page's."""
    href: str
    """The click link."""
    ticket: str
    price: common_pb2.Money
    list_price: common_pb2.Money | None
    brand: str
    category: str
    image_count: int
    image_etag: str
    reason: str
    badges: tuple[str, ...]
    why: Why
    favourite: bool
    liked: bool


@dataclass(frozen=True)
class BannerCard:
    """A banner in a place."""

    banner_id: str
    title: str
    href: str
    ticket: str
    image: str
    """Path or address of its picture; empty when it has none that may be shown."""


@dataclass(frozen=True)
class CouponCard:
    """A coupon in a place."""

    coupon_id: str
    title: str
    code: str
    ends_at: Timestamp | None
    ticket: str


@dataclass(frozen=True)
class CardMaker:
    """Makes cards for one visitor of one shop."""

    signer: Signer
    shop_id: str
    prefix: str
    favourites: Collection[str] = ()
    likes: Collection[str] = ()

    def from_slot(self, slot: page_composer_pb2.Slot, section: page_composer_pb2.Section) -> Card:
        """The card of a composed slot; a reason that only repeats its section's is left to the section."""
        ticket = Ticket(slot.item_id, slot.tracking_token)
        return Card(
            item_id=slot.item_id,
            title=slot.title,
            title_locale="",
            href=self._click(ticket),
            ticket=tickets.seal(ticket, self.signer),
            price=slot.price,
            list_price=higher(slot.list_price, slot.price),
            brand=slot.brand,
            category=slot.category,
            image_count=slot.image_count,
            image_etag=slot.image_etag,
            reason="" if slot.reason == section.reason else slot.reason,
            badges=tuple(slot.badges),
            why=why_of_slot(slot, section),
            favourite=slot.item_id in self.favourites,
            liked=slot.item_id in self.likes,
        )

    def from_item(self, item: item_vision_pb2.Item, ticket: Ticket, why: Why | None = None) -> Card:
        """The card of an item in a place of the storefront's own."""
        return Card(
            item_id=item.item_id,
            title=item.title,
            title_locale=item.title_locale,
            href=self._click(ticket),
            ticket=tickets.seal(ticket, self.signer),
            price=item.price,
            list_price=higher(item.list_price, item.price),
            brand=item.brand,
            category=item.category,
            image_count=item.image_count,
            image_etag=item.image_etag,
            reason="",
            badges=(),
            why=why or Why(),
            favourite=item.item_id in self.favourites,
            liked=item.item_id in self.likes,
        )

    def from_banner(self, banner: page_composer_pb2.BannerSlot) -> BannerCard:
        """The card of a banner; a link that may not be followed leads to the front page."""
        destination = tickets.safe_destination(banner.link) or "/"
        ticket = Ticket(banner.banner_id, banner.tracking_token, destination)
        return BannerCard(
            banner_id=banner.banner_id,
            title=banner.title,
            href=self._click(ticket),
            ticket=tickets.seal(ticket, self.signer),
            image=self._banner_image(banner.image),
        )

    def from_coupon(self, coupon: page_composer_pb2.CouponSlot) -> CouponCard:
        """The card of a coupon."""
        return CouponCard(
            coupon_id=coupon.coupon_id,
            title=coupon.title,
            code=coupon.code,
            ends_at=coupon.ends_at if coupon.HasField("ends_at") else None,
            ticket=tickets.seal(Ticket(coupon.coupon_id, coupon.tracking_token), self.signer),
        )

    def _banner_image(self, image: str) -> str:
        """An address, or a path of pictures here, as it is; another path as a picture in the shop's media folder."""
        if image.startswith((f"/media/{self.shop_id}/", f"/images/{self.shop_id}/")):
            return tickets.local_path(image)
        safe = tickets.safe_destination(image if ":" in image else "/" + image.lstrip("/")) if image else ""
        return f"/media/{self.shop_id}{quote(safe)}" if safe.startswith("/") else safe

    def _click(self, ticket: Ticket) -> str:
        return f"{self.prefix}/go?to={tickets.seal(ticket, self.signer)}"


def higher(before: common_pb2.Money, now: common_pb2.Money) -> common_pb2.Money | None:
    """The price before a reduction; None when it is not higher than the price, so there is nothing to strike out."""
    return before if before.currency == now.currency and before.amount_minor > now.amount_minor else None


def why_of_slot(slot: page_composer_pb2.Slot, section: page_composer_pb2.Section) -> Why:
    """All that the composer says about why the item is in its slot: in the slot, else in the slot's section."""
    evidence = slot.evidence if slot.evidence.kind else section.evidence
    rules = dict.fromkeys([*slot.rule_ids, *([evidence.rule_id] if evidence.rule_id else [])])
    return Why(
        reason=slot.reason or section.reason,
        evidence_kind=evidence.kind,
        evidence_items=tuple(evidence.item_ids),
        evidence_values=tuple(evidence.values),
        occurred_at=evidence.occurred_at if evidence.HasField("occurred_at") else None,
        rule_ids=tuple(rules),
        origin=ORIGINS.get(slot.origin, ""),
        propensity=slot.propensity,
        p_click_if_seen=slot.p_click_if_seen if slot.HasField("p_click_if_seen") else None,
        p_purchase_if_seen=slot.p_purchase_if_seen if slot.HasField("p_purchase_if_seen") else None,
    )


def why_of_section(section: page_composer_pb2.Section) -> Why:
    """All that the composer says about why the section is on the page."""
    evidence = section.evidence
    return Why(
        reason=section.reason,
        evidence_kind=evidence.kind,
        evidence_items=tuple(evidence.item_ids),
        evidence_values=tuple(evidence.values),
        occurred_at=evidence.occurred_at if evidence.HasField("occurred_at") else None,
        rule_ids=(evidence.rule_id,) if evidence.rule_id else (),
    )
