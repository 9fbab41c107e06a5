"""How the shop window lays a page out: shelves that follow what its visitor did last."""

import base64
from datetime import UTC, datetime, timedelta

from people import SEEN, TOKEN_PREFIX
from shelves import euros
from wares import WARES

from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import page_composer_pb2

WORDS = {
    "en": {
        "because": "Because you looked at {title}",
        "because_reason": "You looked at it a moment ago",
        "searched": "Because you searched for “{query}”",
        "for_you": "For you",
        "for_you_reason": "From what you have been looking at",
        "popular": "Loved in this shop",
        "popular_reason": "Chosen most often this week",
        "new": "New this week",
        "new_reason": "Just arrived",
        "deals": "Lower prices",
        "deals_reason": "Reduced right now",
        "banner": "Linen for long evenings",
        "coupons": "Coupons for you",
        "coupons_reason": "From the summer campaign",
        "coupon": "10 % off all lamps",
        "coupon_2": "Free delivery on mugs",
        "badge_new": "New",
        "like": "Same colour as {title}",
    },
    "zh": {
        "because": "因为您看过“{title}”",
        "because_reason": "您刚刚看过它",
        "searched": "因为您搜索过“{query}”",
        "for_you": "为您推荐",
        "for_you_reason": "根据您最近浏览的商品",
        "popular": "本店热门",
        "popular_reason": "本周选择最多",
        "new": "本周新品",
        "new_reason": "刚刚上架",
        "deals": "降价商品",
        "deals_reason": "正在降价",
        "banner": "长夜亚麻系列",
        "coupons": "给您的优惠券",
        "coupons_reason": "来自夏季活动",
        "coupon": "所有台灯九折",
        "coupon_2": "马克杯免运费",
        "badge_new": "新品",
        "like": "与“{title}”同色",
    },
    "es": {
        "because": "Porque miraste {title}",
        "because_reason": "Lo miraste hace un momento",
        "searched": "Porque buscaste «{query}»",
        "for_you": "Para ti",
        "for_you_reason": "Por lo que has mirado",
        "popular": "Lo más querido",
        "popular_reason": "Lo más elegido esta semana",
        "new": "Novedades de la semana",
        "new_reason": "Recién llegado",
        "deals": "Precios rebajados",
        "deals_reason": "Rebajado ahora mismo",
        "banner": "Lino para noches largas",
        "coupons": "Cupones para ti",
        "coupons_reason": "De la campaña de verano",
        "coupon": "10 % en lámparas",
        "coupon_2": "Envío gratis en tazas",
        "badge_new": "Nuevo",
        "like": "Del color de {title}",
    },
}
COLUMNS = {common_pb2.DEVICE_PHONE: 2, common_pb2.DEVICE_TABLET: 4}


class Layout:
    def __init__(self, page, visit, words, events, excluded, rules, explain):
        self.page, self.visit, self.words, self.events = page, visit, words, events
        self.excluded, self.rules, self.explain = excluded, rules, explain
        self.used = set()
        self.columns = COLUMNS.get(visit.device, 6)
        kind, _, self.subject = visit.page.partition(":")
        self.scope = self.subject if kind == "category" else ""
        if kind == "item":
            self.used.add(self.subject)

    def fill(self):
        words = self.words
        seen = [event for event in reversed(self.events) if event.action in SEEN]
        searches = [event for event in reversed(self.events) if event.action == common_pb2.ACTION_SEARCH]
        if self.visit.page in ("home", ""):
            self._banner()
        if seen:
            ware = WARES[seen[0].item_id]
            title = ware.titles.get(self.visit.locale, ware.titles["en"])
            alike = [other for other in _ranked() if other.colour == ware.colour and other != ware]
            evidence = page_composer_pb2.Evidence(
                kind="viewed_item", item_ids=[ware.item_id], occurred_at=seen[0].occurred_at
            )
            self._shelf(
                "because_viewed",
                words["because"].format(title=title),
                words["because_reason"],
                "row",
                alike,
                evidence,
                words["like"].format(title=title),
            )
        if searches:
            query = searches[0].query
            found = [ware for ware in _ranked() if query.lower().split()[0] in " ".join(ware.titles.values()).lower()]
            self._shelf(
                "because_searched",
                words["searched"].format(query=query),
                "",
                "row",
                found,
                page_composer_pb2.Evidence(kind="search", values=[query]),
            )
        self._shelf(
            "for_you",
            words["for_you"],
            words["for_you_reason"],
            "grid",
            _ranked(),
            page_composer_pb2.Evidence(kind="profile"),
        )
        self._shelf(
            "deals",
            words["deals"],
            words["deals_reason"],
            "row",
            [ware for ware in _ranked() if ware.list_price_minor],
            page_composer_pb2.Evidence(kind="reduced_price"),
        )
        if self.visit.page in ("home", ""):
            self._coupons()
        self._shelf(
            "new_arrivals",
            words["new"],
            words["new_reason"],
            "row",
            _ranked()[::-1],
            page_composer_pb2.Evidence(kind="recently_added"),
        )
        self._shelf(
            "popular",
            words["popular"],
            words["popular_reason"],
            "grid",
            _ranked(),
            page_composer_pb2.Evidence(kind="popularity"),
        )

    def _shelf(self, shelf, title, reason, style, wares, evidence, slot_reason=""):
        row = len(self.page.sections)
        section = page_composer_pb2.Section(
            section_id=f"{shelf}:{row}",
            kind=page_composer_pb2.SECTION_KIND_SHELF,
            shelf=shelf,
            title=title,
            reason=reason,
            evidence=evidence,
            row=row,
            layout=page_composer_pb2.SectionLayout(style=style, columns=self.columns, rows=1),
            more_link="/deals" if shelf == "deals" else "",
        )
        fitting = [
            ware
            for ware in wares
            if ware.item_id not in self.used | self.excluded and ware.category.startswith(self.scope)
        ]
        chosen = [(ware, "") for ware in fitting[: 12 if style == "row" else self.columns * 2]]
        if len(chosen) < 4:
            return
        for rule in self.rules:
            pinned = WARES.get(rule.pin.item_id)
            first_shelf = not any(one.slots for one in self.page.sections)
            if pinned and (rule.pin.shelf == shelf or (not rule.pin.shelf and first_shelf)):
                chosen = [pair for pair in chosen if pair[0] != pinned]
                chosen.insert(rule.pin.position, (pinned, rule.rule_id))
        for column, (ware, rule_id) in enumerate(chosen):
            self.used.add(ware.item_id)
            section.slots.append(self._slot(section, ware, column, slot_reason, rule_id))
        self.page.sections.append(section)

    def _slot(self, section, ware, column, reason, rule_id):
        place = self._place(section.section_id, section.row, column)
        explored = column % 7 == 5
        slot = page_composer_pb2.Slot(
            placement=place,
            item_id=ware.item_id,
            title=ware.titles.get(self.visit.locale, ware.titles["en"]),
            link=f"/items/{ware.item_id}",
            price=euros(ware.price_minor),
            brand=ware.brand,
            category=ware.category,
            image_count=ware.image_count,
            image_etag=f"e{ware.rank}",
            reason=reason,
            evidence=section.evidence,
            tracking_token=_token(ware.item_id, place),
            propensity=0.125 if explored else 1.0,
            origin=page_composer_pb2.SLOT_ORIGIN_PINNED
            if rule_id
            else page_composer_pb2.SLOT_ORIGIN_EXPLORED
            if explored
            else page_composer_pb2.SLOT_ORIGIN_SELECTED,
            rule_ids=[rule_id] if rule_id else [],
        )
        if ware.list_price_minor:
            slot.list_price.CopyFrom(euros(ware.list_price_minor))
            slot.badges.append("−20 %")
        if section.shelf == "new_arrivals":
            slot.badges.append(self.words["badge_new"])
        if self.explain:
            slot.p_click_if_seen, slot.p_purchase_if_seen = 0.2 * ware.rank / 100, 0.03 * ware.rank / 100
        return slot

    def _banner(self):
        place = self._place("banner:0", 0, 0)
        banner = page_composer_pb2.BannerSlot(
            placement=place,
            banner_id="linen",
            campaign_id="summer",
            title=self.words["banner"],
            link="/categories/Women/Dresses",
            tracking_token=_token("linen", place),
        )
        self.page.sections.add(
            section_id="banner:0",
            kind=page_composer_pb2.SECTION_KIND_BANNER,
            shelf="banner",
            title=self.words["banner"],
            banners=[banner],
            evidence=page_composer_pb2.Evidence(kind="campaign", rule_id="summer"),
            layout=page_composer_pb2.SectionLayout(style="banner", columns=1, rows=1),
        )

    def _coupons(self):
        row = len(self.page.sections)
        coupons = []
        for column, (name, title) in enumerate((("LAMP10", "coupon"), ("MUGFREE", "coupon_2"))):
            place = self._place(f"coupon:{row}", row, column)
            coupon = page_composer_pb2.CouponSlot(
                placement=place,
                coupon_id=name.lower(),
                campaign_id="summer",
                title=self.words[title],
                code=name,
                tracking_token=_token(name, place),
            )
            coupon.ends_at.FromDatetime(datetime.now(UTC) + timedelta(days=9))
            coupons.append(coupon)
        self.page.sections.add(
            section_id=f"coupon:{row}",
            kind=page_composer_pb2.SECTION_KIND_COUPON,
            shelf="coupon",
            title=self.words["coupons"],
            reason=self.words["coupons_reason"],
            coupons=coupons,
            row=row,
            evidence=page_composer_pb2.Evidence(kind="campaign", rule_id="summer"),
            layout=page_composer_pb2.SectionLayout(style="coupon_strip", columns=2, rows=1),
        )

    def _place(self, section_id, row, column):
        return common_pb2.Placement(
            page_id=self.page.page_id, section_id=section_id, row=row, column=column, device=self.visit.device
        )


def _ranked():
    return sorted(WARES.values(), key=lambda ware: -ware.rank)


def _token(item_id, place):
    claims = common_pb2.TrackingClaims(shop_id="boutique", item_id=item_id, placement=place)
    return TOKEN_PREFIX + base64.urlsafe_b64encode(claims.SerializeToString() + b"signature.of.16b").decode().rstrip(
        "="
    )
