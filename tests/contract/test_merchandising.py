"""What merchandising.proto promises, shown on the real servicer over PostgreSQL and on the fake that others test
against.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.kit.status import RemoteError
from tests.contract.coverage import covers
from tests.contract.page_composer_houses import House, fake_house, real_house
from tests.contract.test_page_composer import DOWN, ENOUGH_PAGES, INVALID, ada, compose, failure, refused, slots, visit
from tests.fakes.page_composer import NOW_S
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import merchandising_pb2 as pb
from vitrine.page_composer.v1 import page_composer_pb2

DAY_S = 86_400


@pytest.fixture(params=["real", "fake"])
async def house(request, tmp_path) -> AsyncIterator[House]:
    if request.param == "fake":
        async with fake_house() as made:
            yield made
    else:
        async with real_house(request.getfixturevalue("postgres_dsn"), tmp_path) as made:
            yield made


def campaign(campaign_id: str = "spring", **fields) -> pb.Campaign:
    """A campaign from yesterday to next week with a banner and a coupon for everyone."""
    made = pb.Campaign(campaign_id=campaign_id, name="Spring", **fields)
    made.starts_at.FromSeconds(int(NOW_S) - DAY_S)
    made.ends_at.FromSeconds(int(NOW_S) + 7 * DAY_S)
    made.banners.add(banner_id=f"{campaign_id}-banner", titles={"en": "Spring", "zh": "春天"}, link="/spring")
    made.coupons.add(coupon_id=f"{campaign_id}-coupon", titles={"en": "Ten off"}, code="TEN", percent=10)
    return made


def rule(rule_id: str = "away", **effect) -> pb.Rule:
    exclude = pb.ExcludeEffect(items=pb.ItemFilter(brands=["Aster"]))
    return pb.Rule(rule_id=rule_id, **(effect or {"exclude": exclude}))


def template(template_id: str = "mine") -> pb.Template:
    made = pb.Template(template_id=template_id, page="home", device=common_pb2.DEVICE_DESKTOP)
    for _ in range(4):
        made.slots.add(kind="shelf", style="row", columns=4, rows=1, capacity=8, minimum_fill=3)
    return made


async def put_campaign(house: House, made: pb.Campaign, **fields) -> pb.PutCampaignResponse:
    asked = pb.PutCampaignRequest(shop_id=house.shop_id, campaign=made, **fields)
    return await house.merchandising.PutCampaign(asked)


async def put_rule(house: House, made: pb.Rule, **fields) -> pb.PutRuleResponse:
    return await house.merchandising.PutRule(pb.PutRuleRequest(shop_id=house.shop_id, rule=made, **fields))


async def put_template(house: House, made: pb.Template, **fields) -> pb.PutTemplateResponse:
    asked = pb.PutTemplateRequest(shop_id=house.shop_id, template=made, **fields)
    return await house.merchandising.PutTemplate(asked)


async def campaigns(house: House) -> list[pb.Campaign]:
    asked = pb.ListCampaignsRequest(shop_id=house.shop_id)
    return list((await house.merchandising.ListCampaigns(asked)).campaigns)


async def rules(house: House) -> list[pb.Rule]:
    return list((await house.merchandising.ListRules(pb.ListRulesRequest(shop_id=house.shop_id))).rules)


async def templates(house: House) -> dict[str, pb.Template]:
    listed = await house.merchandising.ListTemplates(pb.ListTemplatesRequest(shop_id=house.shop_id))
    return {each.template_id: each for each in listed.templates}


def fields_of(error: RemoteError) -> set[str]:
    return {violation.field for violation in error.violations}


@covers("MerchandisingService.PutCampaign")
async def test_a_campaign_is_kept_replaced_and_in_force_at_once(house):
    house.profiles["ada"] = ada()
    first = await put_campaign(house, campaign())
    second = await put_campaign(house, campaign(priority=5))
    assert second.rules_version > first.rules_version
    assert await campaigns(house) == [campaign(priority=5)]
    page = await compose(house)
    assert page.versions.rules_version == second.rules_version
    assert page.sections[0].kind == page_composer_pb2.SECTION_KIND_BANNER
    banner = page.sections[0].banners[0]
    assert (banner.banner_id, banner.title, bool(banner.tracking_token)) == ("spring-banner", "Spring", True)
    coupons = [coupon for section in page.sections for coupon in section.coupons]
    assert [(coupon.code, coupon.ends_at.seconds) for coupon in coupons] == [("TEN", int(NOW_S) + 7 * DAY_S)]


async def test_validate_only_keeps_nothing(house):
    before = (await put_rule(house, rule("first"))).rules_version
    assert (await put_campaign(house, campaign(), validate_only=True)).rules_version == before
    assert (await put_rule(house, rule("second"), validate_only=True)).rules_version == before
    assert (await put_template(house, template(), validate_only=True)).rules_version == before
    assert await campaigns(house) == []
    assert [each.rule_id for each in await rules(house)] == ["first"]
    assert "mine" not in await templates(house)


async def test_a_coupon_for_a_segment_needs_consent_to_marketing(house):
    refusing = ada()
    refusing.consents[2].granted = False
    house.profiles.update(ada=ada(), bob=refusing)
    await put_campaign(house, campaign(segment=pb.Segment(regions=["DE"])))

    def coupons(page):
        return [coupon.coupon_id for section in page.sections for coupon in section.coupons]

    assert coupons(await compose(house)) == ["spring-coupon"]
    assert coupons(await compose(house, "page-2", visit=visit("bob"))) == []
    assert coupons(await compose(house, "page-3", visit=visit(region="FR"))) == []


async def test_a_campaign_is_seen_no_more_often_than_its_cap(house):
    house.profiles["ada"] = ada()
    await put_campaign(house, campaign(frequency_cap=2))
    shown = [(await compose(house, f"page-{number}")).sections[0].kind for number in range(4)]
    banner = page_composer_pb2.SECTION_KIND_BANNER
    assert [kind == banner for kind in shown] == [True, True, False, False]


async def test_a_campaigns_items_make_a_shelf(house):
    await put_campaign(house, campaign(item_filter=pb.ItemFilter(brands=["Birch"])))
    found = []
    for number in range(ENOUGH_PAGES):
        page = await compose(house, f"page-{number}", visit=visit(channel="email"))
        found += [section for section in page.sections if section.shelf == "campaign_items"]
        if found:
            break
    assert found
    assert {slot.brand for section in found for slot in section.slots} == {"Birch"}
    assert {(section.evidence.kind, section.evidence.rule_id) for section in found} == {("campaign", "spring")}


@covers("MerchandisingService.PutCampaign", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_broken_campaign_is_refused_by_field(house):
    broken = campaign("no spaces", frequency_cap=-1, priority=500, budget_minor=-1)
    broken.ends_at.FromSeconds(int(NOW_S) - 2 * DAY_S)
    broken.banners[0].link = "javascript:alert(1)"
    broken.coupons[0].percent = 101
    error = await failure(put_campaign(house, broken))
    assert (error.code, error.reason) == INVALID
    assert fields_of(error) == {
        "campaign.campaign_id",
        "campaign.ends_at",
        "campaign.banners[0].link",
        "campaign.coupons[0].percent",
        "campaign.frequency_cap",
        "campaign.budget_minor",
        "campaign.priority",
    }


@covers("MerchandisingService.ListCampaigns")
async def test_campaigns_are_listed_by_id(house):
    for campaign_id in ("b", "a", "C"):
        await put_campaign(house, campaign(campaign_id))
    assert [each.campaign_id for each in await campaigns(house)] == ["C", "a", "b"]


@covers("MerchandisingService.DeleteCampaign")
async def test_a_deleted_campaign_is_gone_from_pages(house):
    kept = await put_campaign(house, campaign())
    asked = pb.DeleteCampaignRequest(shop_id=house.shop_id, campaign_id="spring")
    assert (await house.merchandising.DeleteCampaign(asked)).rules_version > kept.rules_version
    page = await compose(house)
    assert page_composer_pb2.SECTION_KIND_BANNER not in {section.kind for section in page.sections}


@covers("MerchandisingService.DeleteCampaign", "NOT_FOUND CAMPAIGN_UNKNOWN")
async def test_an_unknown_campaign_cannot_be_deleted(house):
    asked = pb.DeleteCampaignRequest(shop_id=house.shop_id, campaign_id="none")
    error = await failure(house.merchandising.DeleteCampaign(asked))
    assert (error.code.name, error.reason, error.metadata["campaign_id"]) == ("NOT_FOUND", "CAMPAIGN_UNKNOWN", "none")


@covers("MerchandisingService.PutRule")
async def test_rules_exclude_cap_boost_and_pin(house):
    await put_rule(house, rule())
    await put_rule(house, rule("cap", cap=pb.CapEffect(facet="category", item_count=5)))
    boost = pb.BoostEffect(items=pb.ItemFilter(brands=["Birch"]), factor=4.0)
    await put_rule(house, rule("boost", boost=boost))
    kept = await put_rule(house, rule("pin", pin=pb.PinEffect(item_id="item-033", position=1)))
    page = await compose(house, explain=True)
    shown = slots(page)
    assert page.versions.rules_version == kept.rules_version
    assert "Aster" not in {slot.brand for slot in shown}
    assert max(sum(slot.category == each for slot in shown) for each in {slot.category for slot in shown}) <= 5
    assert {slot.item_id: list(slot.rule_ids) for slot in shown}["item-033"][0] == "pin"
    assert all("boost" in slot.rule_ids for slot in shown if slot.brand == "Birch")
    assert {"away"} == {each.rule_id for each in page.dropped if each.reason == "rule" and each.rule_id}
    assert await rules(house) == [
        rule(),
        rule("boost", boost=boost),
        rule("cap", cap=pb.CapEffect(facet="category", item_count=5)),
        rule("pin", pin=pb.PinEffect(item_id="item-033", position=1)),
    ]


@covers("MerchandisingService.PutRule", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_broken_rule_is_refused_by_field(house):
    broken = [
        (rule("x", boost=pb.BoostEffect(factor=0.0)), {"rule.boost.items", "rule.boost.factor"}),
        (rule("x", exclude=pb.ExcludeEffect()), {"rule.exclude.items"}),
        (rule("x", cap=pb.CapEffect(facet="shape")), {"rule.cap.facet", "rule.cap.item_count"}),
        (
            rule("x", pin=pb.PinEffect(shelf="cellar", position=-1)),
            {"rule.pin.item_id", "rule.pin.shelf", "rule.pin.position"},
        ),
        (pb.Rule(rule_id="x"), {"rule.effect"}),
        (pb.Rule(exclude=rule().exclude, segment=pb.Segment(devices=[0])), {"rule.rule_id", "rule.segment.devices[0]"}),
    ]
    for made, fields in broken:
        error = await failure(put_rule(house, made))
        assert (error.code, error.reason) == INVALID
        assert fields_of(error) == fields


@covers("MerchandisingService.ListRules")
async def test_rules_of_other_shops_are_not_listed(house):
    await put_rule(house, rule())
    listed = await house.merchandising.ListRules(pb.ListRulesRequest(shop_id="another-shop"))
    assert list(listed.rules) == []
    assert await rules(house) == [rule()]


@covers("MerchandisingService.DeleteRule")
async def test_a_deleted_rule_is_no_longer_in_force(house):
    await put_rule(house, rule())
    await house.merchandising.DeleteRule(pb.DeleteRuleRequest(shop_id=house.shop_id, rule_id="away"))
    assert await rules(house) == []
    assert "Aster" in {slot.brand for slot in slots(await compose(house))}


@covers("MerchandisingService.DeleteRule", "NOT_FOUND RULE_UNKNOWN")
async def test_an_unknown_rule_cannot_be_deleted(house):
    asked = pb.DeleteRuleRequest(shop_id=house.shop_id, rule_id="none")
    assert (await refused(house.merchandising.DeleteRule(asked)))[1] == "RULE_UNKNOWN"


@covers("MerchandisingService.PutTemplate")
async def test_a_template_of_the_shops_own_lays_out_its_pages(house):
    await put_template(house, template())
    page = await compose(house)
    assert page.template_id == "mine"
    assert {section.layout.columns for section in page.sections} == {4}
    assert max(len(section.slots) for section in page.sections) <= 8


@covers("MerchandisingService.PutTemplate", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_broken_template_is_refused_by_field(house):
    broken = template()
    broken.page, broken.device = "attic", 0
    broken.slots[0].capacity = 0
    broken.slots[1].minimum_fill = 9
    broken.slots[2].shelves.append("cellar")
    del broken.slots[3:]
    error = await failure(put_template(house, broken))
    assert (error.code, error.reason) == INVALID
    assert fields_of(error) == {
        "template.page",
        "template.device",
        "template.slots[0].capacity",
        "template.slots[1].minimum_fill",
        "template.slots[2].shelves[0]",
    }


@covers("MerchandisingService.ListTemplates")
async def test_built_in_templates_are_listed_with_the_shops_own(house):
    changed = template("home_desktop")
    await put_template(house, changed)
    listed = await templates(house)
    assert list(listed) == sorted(listed)
    assert {"home_phone", "home_tablet", "category_desktop", "item_phone"} <= listed.keys()
    assert listed["home_desktop"] == changed


@covers("MerchandisingService.DeleteTemplate")
async def test_without_the_shops_own_template_the_built_in_one_is_in_force_again(house):
    built_in = (await templates(house))["home_desktop"]
    await put_template(house, template("home_desktop"))
    await house.merchandising.DeleteTemplate(
        pb.DeleteTemplateRequest(shop_id=house.shop_id, template_id="home_desktop")
    )
    assert (await templates(house))["home_desktop"] == built_in


@covers("MerchandisingService.DeleteTemplate", "NOT_FOUND TEMPLATE_UNKNOWN")
async def test_a_built_in_template_cannot_be_deleted(house):
    asked = pb.DeleteTemplateRequest(shop_id=house.shop_id, template_id="home_desktop")
    assert (await refused(house.merchandising.DeleteTemplate(asked)))[1] == "TEMPLATE_UNKNOWN"


@covers("MerchandisingService.ListCampaigns", "INVALID_ARGUMENT INVALID_REQUEST")
@covers("MerchandisingService.DeleteCampaign", "INVALID_ARGUMENT INVALID_REQUEST")
@covers("MerchandisingService.ListRules", "INVALID_ARGUMENT INVALID_REQUEST")
@covers("MerchandisingService.DeleteRule", "INVALID_ARGUMENT INVALID_REQUEST")
@covers("MerchandisingService.ListTemplates", "INVALID_ARGUMENT INVALID_REQUEST")
@covers("MerchandisingService.DeleteTemplate", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_ids_that_break_the_contract_are_refused_by_field(house):
    service = house.merchandising
    for call in (
        service.ListCampaigns(pb.ListCampaignsRequest(shop_id="")),
        service.ListRules(pb.ListRulesRequest(shop_id="A B")),
        service.ListTemplates(pb.ListTemplatesRequest(shop_id="-")),
    ):
        error = await failure(call)
        assert (error.code, error.reason, fields_of(error)) == (*INVALID, {"shop_id"})
    for call, field in (
        (service.DeleteCampaign(pb.DeleteCampaignRequest(shop_id=house.shop_id)), "campaign_id"),
        (service.DeleteRule(pb.DeleteRuleRequest(shop_id=house.shop_id, rule_id="a b")), "rule_id"),
        (service.DeleteTemplate(pb.DeleteTemplateRequest(shop_id=house.shop_id)), "template_id"),
    ):
        error = await failure(call)
        assert (error.code, error.reason, fields_of(error)) == (*INVALID, {field})


@covers("MerchandisingService.PutCampaign", "UNAVAILABLE DATABASE_DOWN")
@covers("MerchandisingService.ListCampaigns", "UNAVAILABLE DATABASE_DOWN")
@covers("MerchandisingService.DeleteCampaign", "UNAVAILABLE DATABASE_DOWN")
@covers("MerchandisingService.PutRule", "UNAVAILABLE DATABASE_DOWN")
@covers("MerchandisingService.ListRules", "UNAVAILABLE DATABASE_DOWN")
@covers("MerchandisingService.DeleteRule", "UNAVAILABLE DATABASE_DOWN")
@covers("MerchandisingService.PutTemplate", "UNAVAILABLE DATABASE_DOWN")
@covers("MerchandisingService.ListTemplates", "UNAVAILABLE DATABASE_DOWN")
@covers("MerchandisingService.DeleteTemplate", "UNAVAILABLE DATABASE_DOWN")
async def test_without_a_database_decisions_are_unavailable_and_rules_stay_in_force(house):
    await put_rule(house, rule())
    await house.break_database()
    service, shop_id = house.merchandising, house.shop_id
    calls = [
        put_campaign(house, campaign()),
        service.ListCampaigns(pb.ListCampaignsRequest(shop_id=shop_id)),
        service.DeleteCampaign(pb.DeleteCampaignRequest(shop_id=shop_id, campaign_id="spring")),
        put_rule(house, rule()),
        service.ListRules(pb.ListRulesRequest(shop_id=shop_id)),
        service.DeleteRule(pb.DeleteRuleRequest(shop_id=shop_id, rule_id="away")),
        put_template(house, template()),
        service.ListTemplates(pb.ListTemplatesRequest(shop_id=shop_id)),
        service.DeleteTemplate(pb.DeleteTemplateRequest(shop_id=shop_id, template_id="mine")),
    ]
    assert await asyncio.gather(*(refused(call) for call in calls)) == [DOWN] * len(calls)
    assert "Aster" not in {slot.brand for slot in slots(await compose(house))}
