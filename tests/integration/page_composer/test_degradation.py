"""Every row of the table "Never an empty page": what stands in when something is down or late, and that all of it
recovers.
"""

import time
from itertools import combinations

import grpc
import pytest

from services.kit.status import read_error
from tests.contract.page_composer.calls import FAMILY_OF, ada, slots
from tests.integration.page_composer.ensemble import SHOP, ensemble
from vitrine.common.v1 import common_pb2
from vitrine.page_composer.v1 import merchandising_pb2
from vitrine.page_composer.v1 import page_composer_pb2 as pb

STAND_INS = {
    "user_profile": {"anonymous_visit"},
    "ranker": {"segment_pools", "item_index"},
    "item_vision": {"item_index"},
    "postgresql": {"loaded_rules"},
}


def assert_whole(page: pb.Page) -> None:
    """Non-empty as the design defines it, and without duplicates."""
    shelves = [section for section in page.sections if section.slots]
    assert len(shelves) >= 3
    shown = slots(page)
    assert all(slot.title and slot.link and slot.price.amount_minor > 0 for slot in shown)
    assert len({FAMILY_OF[slot.item_id] for slot in shown}) == len(shown)


def lacks(page: pb.Page) -> dict[str, str]:
    return {each.dependency: each.stand_in for each in page.degraded}


@pytest.mark.parametrize("missing", [*STAND_INS, *combinations(STAND_INS, 2)], ids=str)
async def test_whatever_is_down_there_is_a_page_that_says_so_and_it_recovers(postgres_dsn, tmp_path, missing):
    names = (missing,) if isinstance(missing, str) else missing
    async with ensemble(postgres_dsn, tmp_path) as around:
        around.fakes.user_profile.profiles["ada"] = ada()
        whole = await around.until(lambda page: not page.degraded)
        assert_whole(whole)
        for name in names:
            await (around.database.cut() if name == "postgresql" else around.servers[name].stop())
        page = await around.until(lambda page: set(lacks(page)) >= set(names))
        assert_whole(page)
        for dependency, stand_in in lacks(page).items():
            assert dependency in names
            assert stand_in in STAND_INS[dependency]
        for name in names:
            await (around.database.restore() if name == "postgresql" else around.servers[name].start())
        assert_whole(await around.until(lambda page: not page.degraded and page.personalised))


async def test_with_everything_down_from_the_start_the_static_page_stands_in(postgres_dsn, tmp_path):
    everything = ("user_profile", "item_vision", "ranker", "database")
    async with ensemble(postgres_dsn, tmp_path, without=everything) as around:
        page = await around.compose()
        assert_whole(page)
        assert lacks(page) == {
            "item_vision": "static_page",
            "user_profile": "anonymous_visit",
            "ranker": "static_page",
            "postgresql": "loaded_rules",
        }
        assert {slot.origin for slot in slots(page)} == {pb.SLOT_ORIGIN_STATIC}
        assert page.versions.release_id == around.release_id
        for name in ("user_profile", "item_vision", "ranker"):
            await around.servers[name].start()
        await around.database.restore()
        assert_whole(await around.until(lambda page: not page.degraded))


async def test_a_deadline_of_fifty_milliseconds_is_kept_while_everything_hangs(postgres_dsn, tmp_path):
    async with ensemble(postgres_dsn, tmp_path) as around:
        await around.until(lambda page: not page.degraded)
        for fake in (around.fakes.user_profile, around.fakes.ranker, around.fakes.catalogue):
            fake.delay_s = 5.0
        began_s = time.monotonic()
        page = await around.compose(timeout=1.0)
        assert time.monotonic() - began_s < 1.0
        assert_whole(page)
        assert set(lacks(page)) == {"user_profile", "ranker", "item_vision"}
        assert {each.cause for each in page.degraded} <= {"timeout", "breaker_open"}


async def test_segment_pools_stand_in_and_were_asked_for_nobody(postgres_dsn, tmp_path):
    async with ensemble(postgres_dsn, tmp_path) as around:
        around.fakes.user_profile.profiles["ada"] = ada()
        await around.until(lambda page: not page.degraded)
        await around.servers["ranker"].stop()
        page = await around.until(lambda page: lacks(page).get("ranker") == "segment_pools")
        assert_whole(page)
        warmed = [each for each in around.fakes.ranker.requests if not each.request_id]
        assert warmed
        for request in warmed:
            assert not request.visit.user_id
            assert not request.visit.session_id
            assert not request.HasField("profile")
            assert "item_cf" not in {pool.source for pool in request.pools}


async def test_a_catalogue_without_any_release_still_makes_pages(postgres_dsn, tmp_path):
    async with ensemble(postgres_dsn, tmp_path, publish=False) as around:
        page = await around.until(lambda page: "postgresql" not in lacks(page))
        assert_whole(page)
        assert page.versions.release_id == ""
        assert lacks(page) == {"ranker": "item_index"}
        assert {section.shelf for section in page.sections} <= {
            "popular",
            "popular_in_category",
            "new_arrivals",
            "deals",
            "trending_in_region",
        }


async def test_refused_consent_and_a_down_user_profile_are_the_same_to_marketing(postgres_dsn, tmp_path):
    async with ensemble(postgres_dsn, tmp_path) as around:
        campaign = merchandising_pb2.Campaign(campaign_id="aimed", name="Aimed")
        campaign.starts_at.FromSeconds(1)
        campaign.ends_at.FromSeconds(4_000_000_000)
        campaign.segment.regions.append("DE")
        campaign.coupons.add(coupon_id="ten", titles={"en": "Ten"}, code="TEN", percent=10)
        await around.merchandising.PutCampaign(merchandising_pb2.PutCampaignRequest(shop_id=SHOP, campaign=campaign))
        around.fakes.user_profile.profiles["ada"] = ada()

        def has_coupon(page: pb.Page) -> bool:
            return any(section.coupons for section in page.sections)

        assert has_coupon(await around.until(lambda page: not page.degraded))
        await around.servers["user_profile"].stop()
        assert not has_coupon(await around.until(lambda page: "user_profile" in lacks(page)))


async def test_our_own_mistakes_are_never_hidden_as_degradation(postgres_dsn, tmp_path):
    async with ensemble(postgres_dsn, tmp_path) as around:
        stub = around.fakes.ranker

        async def refuse(request, context=None):
            from services.kit.errors import InvalidRequest

            raise InvalidRequest.of("pools", "send what the contract says")

        stub.Recommend = refuse
        await around.servers["ranker"].stop()
        await around.servers["ranker"].start()

        async def code() -> grpc.StatusCode:
            visit = common_pb2.VisitContext(user_id="ada")
            asked = pb.ComposePageRequest(shop_id=SHOP, visit=visit)
            try:
                await around.pages.ComposePage(asked, timeout=20)
            except grpc.RpcError as error:
                return read_error(error).code
            return grpc.StatusCode.OK

        codes = {await code() for _ in range(200)}
        assert grpc.StatusCode.INTERNAL in codes
