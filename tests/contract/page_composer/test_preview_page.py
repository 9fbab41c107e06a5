"""What PageComposerService.PreviewPage promises."""

from tests.contract.coverage import covers
from tests.contract.page_composer.calls import SHOP_NOT_READY, TEMPLATE_UNKNOWN, compose, export, slots, visit
from tests.contract.refusals import INVALID, failure, refused
from tests.fakes.page_composer import NOW_S
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import merchandising_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb


@covers("PageComposerService.PreviewPage")
async def test_a_preview_says_what_a_rule_would_move_and_writes_nothing(house):
    asked = pb.PreviewPageRequest(shop_id=house.shop_id, request_id="preview-1", visit=visit())
    plain = await house.pages.PreviewPage(asked)
    assert not plain.changes
    first = slots(plain.page)[0].item_id
    asked.rules.add(rule_id="away").exclude.items.item_ids.append(first)
    answer = await house.pages.PreviewPage(asked)
    assert first in [change.before_item_id for change in answer.changes]
    assert first not in [slot.item_id for slot in slots(answer.page)]
    assert ("rule", "away") in [(each.reason, each.rule_id) for each in answer.page.dropped]
    await compose(house, "a-real-page", visit=common_pb2.VisitContext())
    assert [page.page_id for page in await export(house, 1)] == ["a-real-page"]


async def test_a_preview_shows_campaigns_pins_and_templates_that_are_not_in_force(house):
    asked = pb.PreviewPageRequest(shop_id=house.shop_id, request_id="preview-2", visit=visit())
    asked.at.FromSeconds(int(NOW_S) + 86_400)
    campaign = asked.campaigns.add(campaign_id="spring", name="Spring")
    campaign.starts_at.FromSeconds(int(NOW_S) + 3_600)
    campaign.ends_at.FromSeconds(int(NOW_S) + 7 * 86_400)
    campaign.banners.add(banner_id="spring-1", titles={"en": "Spring is here"}, link="/spring")
    asked.rules.add(rule_id="pin").pin.item_id = "item-033"
    asked.template.template_id, asked.template.page, asked.template.device = "short", "home", 1
    asked.template.slots.add(kind="banner", style="banner", columns=1, rows=1, capacity=1, minimum_fill=1)
    for _ in range(3):
        asked.template.slots.add(kind="shelf", style="row", columns=4, rows=1, capacity=6, minimum_fill=2)
    page = (await house.pages.PreviewPage(asked)).page
    assert page.template_id == "short"
    assert [section.kind for section in page.sections] == [pb.SECTION_KIND_BANNER, *[pb.SECTION_KIND_SHELF] * 3]
    assert page.sections[0].banners[0].title == "Spring is here"
    pinned = page.sections[1].slots[0]
    assert (pinned.item_id, pinned.origin, list(pinned.rule_ids)) == ("item-033", pb.SLOT_ORIGIN_PINNED, ["pin"])


@covers("PageComposerService.PreviewPage", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_preview_with_broken_rules_is_refused_by_field(house):
    asked = pb.PreviewPageRequest(shop_id=house.shop_id, visit=visit())
    asked.rules.add(rule_id="empty")
    asked.rules.add(rule_id="wild").boost.factor = 1_000
    asked.campaigns.add(campaign_id="no dates")
    error = await failure(house.pages.PreviewPage(asked))
    assert (error.code, error.reason) == INVALID
    assert {"rules[0].effect", "rules[1].boost.factor", "rules[1].boost.items", "campaigns[0].campaign_id"} <= {
        violation.field for violation in error.violations
    }


@covers("PageComposerService.PreviewPage", "NOT_FOUND TEMPLATE_UNKNOWN")
async def test_a_preview_by_an_unknown_template_is_refused(house):
    asked = pb.PreviewPageRequest(shop_id=house.shop_id, visit=visit(), template_id="no-such")
    await refused(house.pages.PreviewPage(asked), TEMPLATE_UNKNOWN)


@covers("PageComposerService.PreviewPage", "FAILED_PRECONDITION SHOP_NOT_READY")
async def test_a_shop_without_anything_has_no_previews(house):
    asked = pb.PreviewPageRequest(shop_id="nowhere", visit=visit())
    await refused(house.pages.PreviewPage(asked), SHOP_NOT_READY)


def exclusion_of_everything() -> merchandising_pb2.Rule:
    return merchandising_pb2.Rule(
        rule_id="nothing",
        exclude=merchandising_pb2.ExcludeEffect(
            items=merchandising_pb2.ItemFilter(categories=["Women", "Men", "Home"])
        ),
    )


async def test_rules_that_leave_nothing_to_show_are_an_error_that_says_so(house):
    asked = pb.PreviewPageRequest(shop_id=house.shop_id, visit=visit(), rules=[exclusion_of_everything()])
    await refused(house.pages.PreviewPage(asked), SHOP_NOT_READY)
