"""What MerchandisingService.PutCampaign, ListCampaigns and DeleteCampaign promise."""

import grpc

from tests.contract.coverage import covers
from tests.contract.page_composer.calls import ENOUGH_PAGES, ada, compose, visit
from tests.contract.page_composer.decisions import DAY_S, campaign, campaigns, fields_of, put_campaign
from tests.contract.refusals import INVALID, failure, refused
from tests.fakes.page_composer import NOW_S
from vitrine.page_composer.v1 import merchandising_pb2 as pb
from vitrine.page_composer.v1 import page_composer_pb2


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
    unknown = (grpc.StatusCode.NOT_FOUND, "CAMPAIGN_UNKNOWN")
    error = await refused(house.merchandising.DeleteCampaign(asked), unknown)
    assert error.metadata["campaign_id"] == "none"
