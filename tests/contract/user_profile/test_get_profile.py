"""What UserProfileService.GetProfile promises."""

import pytest

from tests.contract.coverage import covers
from tests.contract.refusals import BAD_SHOP, DOWN, INVALID, RELEASE_NOT_READY, refused
from tests.contract.user_profile.calls import DAY_US, HOUR_US, SECOND_US, consent, event, profile, record, visit
from tests.fakes.user_profile import NOW_US
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb


@covers("UserProfileService.GetProfile")
async def test_a_profile_tells_what_the_events_say(house):
    await record(
        house,
        event(1, "IMPRESSION", item_id="item-5", before_us=HOUR_US),
        event(2, "IMPRESSION", item_id="item-5", before_us=2 * HOUR_US),
        event(3, "IMPRESSION", item_id="item-6", before_us=8 * DAY_US),
        event(4, "CLICK", item_id="item-1", before_us=50 * SECOND_US),
        event(5, "CART", item_id="item-2", before_us=40 * SECOND_US),
        event(6, "HIDE", item_id="item-13", before_us=30 * SECOND_US),
        event(7, "SEARCH", query="red dress", before_us=20 * SECOND_US),
    )
    answer = await house.stub.GetProfile(pb.GetProfileRequest(shop_id=house.shop_id, visit=visit()))
    got = answer.profile
    assert answer.release_id == house.release_id
    assert not got.anonymous
    assert [(each.action, each.item_id) for each in got.recent_actions] == [
        (common_pb2.ACTION_HIDE, "item-13"),
        (common_pb2.ACTION_CART, "item-2"),
        (common_pb2.ACTION_CLICK, "item-1"),
    ]
    assert got.recent_actions[0].occurred_at.ToMicroseconds() == NOW_US - 30 * SECOND_US
    assert list(got.seen_item_ids) == ["item-2", "item-1"]
    assert (list(got.hidden_item_ids), list(got.cart_item_ids)) == (["item-13"], ["item-2"])
    assert [(each.item_id, each.impression_count) for each in got.exposures] == [("item-5", 2)]
    assert [each.query for each in got.recent_searches] == ["red dress"]
    assert (got.profile_version, got.event_count) == (7, 6)
    assert got.embedding.modality == "user" and len(got.embedding.values) == 64 and len(got.embedding.space_id) == 16
    affinities = {(each.facet, each.value): each.weight for each in got.affinities}
    # A cart weighs 4, a click 1, a hide nothing; both items are dresses.
    assert affinities["category", "Women/Dresses"] == pytest.approx(1.0, abs=1e-5)
    assert affinities["brand", "brand-2"] == pytest.approx(0.8, abs=1e-4)
    assert len(got.consents) == 3


async def test_an_event_is_in_the_profile_as_soon_as_it_is_acknowledged(house):
    for number in range(1, 4):
        version = (await record(house, event(number, item_id=f"item-{number}"))).versions[0].profile_version
        got = await profile(house, min_profile_version=version)
        assert (got.profile_version, got.seen_item_ids[0]) == (number, f"item-{number}")


async def test_what_is_undone_no_longer_counts(house):
    await record(
        house,
        event(1, "CART", before_us=9 * SECOND_US),
        event(2, "UNCART", before_us=8 * SECOND_US),
        event(3, "HIDE", item_id="item-2", before_us=7 * SECOND_US),
        event(4, "UNHIDE", item_id="item-2", before_us=6 * SECOND_US),
        event(5, "CART", item_id="item-3", before_us=5 * SECOND_US),
        event(6, "PURCHASE", item_id="item-3", before_us=4 * SECOND_US),
    )
    got = await profile(house)
    assert (list(got.cart_item_ids), list(got.hidden_item_ids)) == ([], [])
    assert [each.action for each in got.recent_actions] == [common_pb2.ACTION_PURCHASE, common_pb2.ACTION_CART]


async def test_visitors_of_whom_nothing_can_be_said_are_anonymous(house):
    nobody = await profile(house, common_pb2.VisitContext(channel="web"))
    assert (nobody.anonymous, nobody.anonymous_reason) == (True, pb.ANONYMOUS_REASON_NO_SUBJECT)
    stranger = await profile(house, visit("stranger"))
    assert (stranger.anonymous, stranger.anonymous_reason) == (True, pb.ANONYMOUS_REASON_UNKNOWN_SUBJECT)
    assert (stranger.profile_version, len(stranger.consents)) == (0, 3)


async def test_who_refuses_personalisation_is_anonymous_at_once_and_known_again_after_agreeing(house):
    await record(house, event(1))
    await consent(house, personalisation=False)
    got = await profile(house)
    assert (got.anonymous, got.anonymous_reason) == (True, pb.ANONYMOUS_REASON_REFUSED)
    got.ClearField("consents")
    assert got == pb.Profile(anonymous=True, anonymous_reason=pb.ANONYMOUS_REASON_REFUSED)
    await consent(house, personalisation=True)
    assert (await profile(house)).profile_version == 1


async def test_a_profile_as_of_an_earlier_time_counts_only_what_had_occurred_and_was_recorded(house):
    await record(house, event(1, before_us=2 * HOUR_US))
    house.clock.now_us = NOW_US + HOUR_US
    await record(house, event(2, item_id="item-2", before_us=2 * HOUR_US))
    as_of = event(0, before_us=-SECOND_US).occurred_at
    got = await profile(house, as_of=as_of)
    assert (list(got.seen_item_ids), got.profile_version, got.event_count) == (["item-1"], 1, 1)
    assert (await profile(house)).profile_version == 2


async def test_recent_actions_are_limited_as_asked(house):
    await record(house, *(event(number, before_us=number * SECOND_US) for number in range(1, 61)))
    assert len((await profile(house)).recent_actions) == 50
    assert len((await profile(house, recent_action_limit=7)).recent_actions) == 7


@covers("UserProfileService.GetProfile", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_profile_is_asked_for_by_the_rules(house):
    asked = pb.GetProfileRequest(
        shop_id=BAD_SHOP, visit=visit("x" * 129, device=9), min_profile_version=-1, recent_action_limit=201
    )
    await refused(
        house.stub.GetProfile(asked),
        INVALID,
        *("shop_id", "visit.user_id", "visit.device", "min_profile_version", "recent_action_limit"),
    )


@covers("UserProfileService.GetProfile", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_a_profile_in_a_release_that_is_not_loaded_is_refused(house):
    asked = pb.GetProfileRequest(shop_id=house.shop_id, visit=visit(release_id="r1"))
    error = await refused(house.stub.GetProfile(asked), RELEASE_NOT_READY)
    assert error.metadata["release_id"] == "r1"


async def test_a_shop_without_a_release_still_gets_profiles(house):
    shop_id = f"{house.shop_id}-new"
    await house.stub.RecordEvents(pb.RecordEventsRequest(shop_id=shop_id, events=[event(1)]))
    answer = await house.stub.GetProfile(pb.GetProfileRequest(shop_id=shop_id, visit=visit()))
    assert (answer.release_id, list(answer.profile.seen_item_ids)) == ("", ["item-1"])
    assert not answer.profile.HasField("embedding")


@covers("UserProfileService.GetProfile", "UNAVAILABLE DATABASE_DOWN")
async def test_no_profile_without_a_database_and_one_again_when_it_is_back(house):
    await record(house, event(1))
    await house.break_database()
    await refused(house.stub.GetProfile(pb.GetProfileRequest(shop_id=house.shop_id, visit=visit())), DOWN)
    await house.mend_database()
    assert (await profile(house)).profile_version == 1
