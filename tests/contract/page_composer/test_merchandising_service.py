"""What all of MerchandisingService's RPCs have in common: trying without keeping, ids, and a database that is away."""

import asyncio

from tests.contract.coverage import covers
from tests.contract.page_composer.calls import compose, slots
from tests.contract.page_composer.decisions import (
    campaign,
    campaigns,
    put_campaign,
    put_rule,
    put_template,
    rule,
    rules,
    template,
    templates,
)
from tests.contract.refusals import DOWN, INVALID, refused
from vitrine.page_composer.v1 import merchandising_pb2 as pb


async def test_validate_only_keeps_nothing(house):
    before = (await put_rule(house, rule("first"))).rules_version
    assert (await put_campaign(house, campaign(), validate_only=True)).rules_version == before
    assert (await put_rule(house, rule("second"), validate_only=True)).rules_version == before
    assert (await put_template(house, template(), validate_only=True)).rules_version == before
    assert await campaigns(house) == []
    assert [each.rule_id for each in await rules(house)] == ["first"]
    assert "mine" not in await templates(house)


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
        await refused(call, INVALID, "shop_id")
    for call, field in (
        (service.DeleteCampaign(pb.DeleteCampaignRequest(shop_id=house.shop_id)), "campaign_id"),
        (service.DeleteRule(pb.DeleteRuleRequest(shop_id=house.shop_id, rule_id="a b")), "rule_id"),
        (service.DeleteTemplate(pb.DeleteTemplateRequest(shop_id=house.shop_id)), "template_id"),
    ):
        await refused(call, INVALID, field)


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
    await asyncio.gather(*(refused(call, DOWN) for call in calls))
    assert "Aster" not in {slot.brand for slot in slots(await compose(house))}
