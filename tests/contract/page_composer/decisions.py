"""What a shop decides in the tests: campaigns, rules and templates, and the calls that put and list them."""

from services.kit.status import RemoteError
from tests.contract.page_composer.houses import House
from tests.fakes.page_composer import NOW_S
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import merchandising_pb2 as pb

DAY_S = 86_400


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
