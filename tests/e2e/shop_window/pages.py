"""page_composer of the shop window: a page that follows what its visitor did last."""

from datetime import UTC, datetime, timedelta

import grpc
from layout import WORDS, Layout
from people import AWAY
from refusals import refuse
from wares import WARES

from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import (
    merchandising_pb2,
    merchandising_pb2_grpc,
    page_composer_pb2,
    page_composer_pb2_grpc,
)

DEGRADED = "degraded"
"""A visitor of this id gets a page that misses something."""
NOT_READY = "not-ready"
"""A visitor of this id finds a shop without a release."""


class Composer(page_composer_pb2_grpc.PageComposerServiceServicer, merchandising_pb2_grpc.MerchandisingServiceServicer):
    def __init__(self, people):
        self.people = people
        self.rules = {}
        self.campaigns = {"summer": _campaign()}
        self.version = 1

    # --- pages

    async def ComposePage(self, request, context):
        subject = self.people.subject(request.visit)
        if subject == NOT_READY:
            await refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "SHOP_NOT_READY", "no release and no catalogue")
        page = self._page(request.request_id, request.visit, list(self.rules.values()), request.explain)
        return page_composer_pb2.ComposePageResponse(page=page)

    async def PreviewPage(self, request, context):
        rules = {**self.rules, **{rule.rule_id: rule for rule in request.rules}}
        before = self._page(request.request_id, request.visit, list(self.rules.values()), True)
        after = self._page(request.request_id, request.visit, list(rules.values()), True)
        places = {}
        for side, page in enumerate((before, after)):
            for section in page.sections:
                for slot in section.slots:
                    key = (section.section_id, slot.placement.row, slot.placement.column)
                    places.setdefault(key, [slot.placement, "", ""])[1 + side] = slot.item_id
        changes = [
            page_composer_pb2.SlotChange(placement=place, before_item_id=was, after_item_id=now)
            for place, was, now in places.values()
            if was != now
        ]
        return page_composer_pb2.PreviewPageResponse(page=after, changes=changes)

    def _page(self, page_id, visit, rules, explain):
        words = WORDS.get(visit.locale, WORDS["en"])
        subject = self.people.subject(visit)
        known = not self.people.refused(subject) and subject != AWAY
        events = self.people.events[subject] if known else []
        page = page_composer_pb2.Page(
            page_id=page_id,
            locale=visit.locale,
            device=visit.device,
            template_id=f"{visit.page.split(':')[0]}-{common_pb2.Device.Name(visit.device).split('_')[1].lower()}",
            personalised=bool(events),
            arms=["weights:control"],
            expected_value=412.7,
        )
        page.composed_at.FromDatetime(datetime.now(UTC))
        page.versions.release_id = "r20261101000000"
        page.versions.profile_version = len(events)
        page.versions.rules_version = self.version
        page.versions.item_cursor = "4711"
        page.versions.weights_version = "w1"
        for stage, duration in (
            ("profile", 2100),
            ("proposals", 900),
            ("recommend", 14200),
            ("select", 6400),
            ("hydrate", 3100),
        ):
            page.timings.add(stage=stage, duration_us=duration)
        if subject == DEGRADED:
            page.degraded.add(dependency="model_server", cause="timeout", stand_in="source_scores")
        Layout(page, visit, words, events, self._excluded(subject, rules), rules, explain).fill()
        return page

    def _excluded(self, subject, rules):
        excluded = set(self.people.hidden(subject))
        for rule in rules:
            excluded |= set(rule.exclude.items.item_ids)
            excluded |= {ware.item_id for ware in WARES.values() if ware.brand in rule.exclude.items.brands}
        return excluded | {ware.item_id for ware in WARES.values() if ware.stock == 0}

    # --- merchandising

    async def ListRules(self, request, context):
        return merchandising_pb2.ListRulesResponse(rules=[self.rules[key] for key in sorted(self.rules)])

    async def PutRule(self, request, context):
        violations = _violations(request.rule)
        if violations:
            await refuse(
                context, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", "the rule is not complete", violations
            )
        if not request.validate_only:
            self.rules[request.rule.rule_id] = request.rule
            self.version += 1
        return merchandising_pb2.PutRuleResponse(rule=request.rule, rules_version=self.version)

    async def DeleteRule(self, request, context):
        if self.rules.pop(request.rule_id, None) is None:
            await refuse(context, grpc.StatusCode.NOT_FOUND, "RULE_UNKNOWN", "no such rule")
        self.version += 1
        return merchandising_pb2.DeleteRuleResponse(rules_version=self.version)

    async def ListCampaigns(self, request, context):
        return merchandising_pb2.ListCampaignsResponse(campaigns=self.campaigns.values())

    async def ListTemplates(self, request, context):
        slots = [
            merchandising_pb2.TemplateSlot(kind="shelf", style=style, columns=5, rows=1, capacity=12, minimum_fill=4)
            for style in ("row", "grid", "row")
        ]
        template = merchandising_pb2.Template(
            template_id="home-desktop", page="home", device=common_pb2.DEVICE_DESKTOP, slots=slots
        )
        return merchandising_pb2.ListTemplatesResponse(templates=[template])


def _violations(rule):
    violations = {}
    if not rule.rule_id:
        violations["rule.rule_id"] = "1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.'"
    if rule.WhichOneof("effect") is None:
        violations["rule.effect"] = "say what the rule does"
    if rule.WhichOneof("effect") == "pin" and not rule.pin.item_id:
        violations["rule.pin.item_id"] = "which item is pinned?"
    if rule.WhichOneof("effect") == "boost" and not 0.1 <= rule.boost.factor <= 10:
        violations["rule.boost.factor"] = "0.1 to 10"
    return violations


def _campaign():
    now = datetime.now(UTC)
    campaign = merchandising_pb2.Campaign(
        campaign_id="summer",
        name="Summer linen",
        banners=[merchandising_pb2.Banner(banner_id="linen")],
        coupons=[merchandising_pb2.Coupon(coupon_id="lamp10")],
    )
    campaign.starts_at.FromDatetime(now - timedelta(days=3))
    campaign.ends_at.FromDatetime(now + timedelta(days=9))
    return campaign
