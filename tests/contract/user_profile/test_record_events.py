"""What UserProfileService.RecordEvents promises, and how the events of sessions join their users."""

import grpc
import pytest

from services.kit import tracking
from tests.contract.coverage import covers
from tests.contract.refusals import BAD_SHOP, DOWN, INVALID, read, refused
from tests.contract.user_profile.calls import SECOND_US, consent, event, profile, record
from tests.fakes.keys import TRACKING_KEY
from tests.fakes.user_profile import NOW_US
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb


@covers("UserProfileService.RecordEvents")
async def test_a_batch_is_counted_and_answers_the_version_of_each_subject(house):
    answer = await record(house, event(1), event(2, "CLICK"), event(3, user_id="", session_id="s1"))
    assert (answer.recorded_count, answer.duplicate_count, answer.declined_count) == (3, 0, 0)
    assert [(each.subject_id, each.profile_version) for each in answer.versions] == [("ada", 2), ("s1", 1)]


async def test_an_event_sent_again_is_a_duplicate_and_does_not_change_the_version(house):
    await record(house, event(1), event(2))
    answer = await record(house, event(2), event(3), event(3))
    assert (answer.recorded_count, answer.duplicate_count) == (1, 2)
    assert [each.profile_version for each in answer.versions] == [3]


async def test_defaults_that_are_spelt_out_are_the_same_content(house):
    await record(house, event(1, "CART"))
    answer = await record(house, event(1, "CART", quantity=1, channel="web"))
    assert answer.duplicate_count == 1


@covers("UserProfileService.RecordEvents", "ABORTED EVENT_CONFLICT")
async def test_a_known_id_with_other_content_is_a_conflict_and_nothing_of_the_batch_is_kept(house):
    await record(house, event("e-1"))
    conflicting = pb.RecordEventsRequest(shop_id=house.shop_id, events=[event("e-2"), event("e-1", item_id="item-2")])
    error = await refused(house.stub.RecordEvents(conflicting), (grpc.StatusCode.ABORTED, "EVENT_CONFLICT"))
    assert error.metadata["event_id"] == "e-1"
    assert (await record(house, event("e-2"))).recorded_count == 1


async def test_one_id_twice_in_a_batch_with_different_content_is_a_conflict(house):
    twice = pb.RecordEventsRequest(shop_id=house.shop_id, events=[event("e-1"), event("e-1", "CLICK")])
    await refused(house.stub.RecordEvents(twice), (grpc.StatusCode.ABORTED, "EVENT_CONFLICT"))


async def test_the_same_event_id_in_another_shop_is_another_event(house):
    await record(house, event(1))
    answer = await house.stub.RecordEvents(
        pb.RecordEventsRequest(shop_id=f"{house.shop_id}-other", events=[event(1, item_id="item-2")])
    )
    assert answer.recorded_count == 1


@covers("UserProfileService.RecordEvents", "INVALID_ARGUMENT INVALID_REQUEST")
@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (event(""), "event_id"),
        (event("x" * 129), "event_id"),
        (event(1, "UNSPECIFIED"), "action"),
        (pb.Event(event_id="1", action=99, user_id="ada", item_id="i", occurred_at=event(1).occurred_at), "action"),
        (pb.Event(event_id="1", action="ACTION_VIEW", user_id="ada", item_id="item-1"), "occurred_at"),
        (event(1, before_us=-11 * 60 * SECOND_US), "occurred_at"),
        (event(1, before_us=NOW_US), "occurred_at"),
        (event(1, user_id=""), "user_id"),
        (event(1, item_id=""), "item_id"),
        (event(1, "SEARCH"), "query"),
        (event(1, "SEARCH", query="dress", item_id="item-1"), "item_id"),
        (event(1, "SEARCH", query="x" * 501), "query"),
        (event(1, "RATE"), "rating"),
        (event(1, "RATE", rating=6), "rating"),
        (event(1, "RATE", item_id="", rating=3), "item_id"),
        (event(1, "REVIEW"), "text"),
        (event(1, "COMMENT", text="x" * 10_001), "text"),
        (event(1, "CART", quantity=-1), "quantity"),
        (event(1, "CART", price=common_pb2.Money(amount_minor=-1, currency="EUR")), "price.amount_minor"),
        (event(1, "CART", price=common_pb2.Money(amount_minor=1, currency="euro")), "price.currency"),
        (event(1, channel="x" * 33), "channel"),
        (event(1, region="Germany"), "region"),
        (event(1, locale="??"), "locale"),
        (event(1, device=9), "device"),
        (event(1, placement=common_pb2.Placement(page_id="", row=0)), "placement.page_id"),
        (event(1, tracking_token="forged"), "tracking_token"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_event_that_breaks_a_rule_refuses_the_batch_and_names_its_field(house, broken, field):
    batch = pb.RecordEventsRequest(shop_id=house.shop_id, events=[event("fine"), broken])
    await refused(house.stub.RecordEvents(batch), INVALID, f"events[1].{field}")


async def test_a_batch_needs_a_shop_and_between_1_and_1000_events(house):
    await refused(house.stub.RecordEvents(pb.RecordEventsRequest(shop_id=BAD_SHOP)), INVALID, "shop_id", "events")
    many = pb.RecordEventsRequest(shop_id=house.shop_id, events=[event(number) for number in range(1_001)])
    await refused(house.stub.RecordEvents(many), INVALID, "events")


async def test_a_signed_token_fills_the_placement_and_one_of_another_shop_is_refused(house):
    placement = common_pb2.Placement(page_id="page-1", section_id="for_you:0", row=2, column=3)
    claims = common_pb2.TrackingClaims(shop_id=house.shop_id, item_id="item-1", placement=placement)
    await record(house, event(1, "CLICK", tracking_token=tracking.issue(claims, TRACKING_KEY)))
    exported = await read(house.stub.ExportUserData(pb.ExportUserDataRequest(shop_id=house.shop_id, user_id="ada")))
    assert exported[-1].event.placement == placement
    claims.shop_id = "another"
    foreign = event(2, "CLICK", tracking_token=tracking.issue(claims, TRACKING_KEY))
    batch = pb.RecordEventsRequest(shop_id=house.shop_id, events=[foreign])
    await refused(house.stub.RecordEvents(batch), INVALID, "events[0].tracking_token")


@covers("UserProfileService.RecordEvents", "UNAVAILABLE DATABASE_DOWN")
async def test_without_a_database_nothing_is_recorded_and_the_same_batch_can_be_sent_again(house):
    await house.break_database()
    await refused(house.stub.RecordEvents(pb.RecordEventsRequest(shop_id=house.shop_id, events=[event(1)])), DOWN)
    await house.mend_database()
    assert (await record(house, event(1))).recorded_count == 1


async def test_events_are_declined_only_when_neither_personalisation_nor_analytics_is_agreed_to(house):
    await consent(house, personalisation=False)
    assert (await record(house, event(1))).recorded_count == 1
    await consent(house, analytics=False)
    answer = await record(house, event(2), event(3, user_id="bob"))
    assert (answer.recorded_count, answer.declined_count) == (1, 1)
    assert [(each.subject_id, each.profile_version) for each in answer.versions] == [("ada", 1), ("bob", 1)]


async def test_a_sessions_events_join_the_user_at_the_first_event_that_carries_both(house):
    await record(house, event(1, user_id="", session_id="s1"), event(2, user_id="", session_id="s1", item_id="item-2"))
    answer = await record(house, event(3, session_id="s1", item_id="item-3"))
    assert [(each.subject_id, each.profile_version) for each in answer.versions] == [("ada", 3)]
    assert set((await profile(house)).seen_item_ids) == {"item-1", "item-2", "item-3"}
    of_session = await profile(house, common_pb2.VisitContext(session_id="s1"))
    assert of_session.anonymous_reason == pb.ANONYMOUS_REASON_UNKNOWN_SUBJECT


async def test_events_join_within_one_batch_too(house):
    answer = await record(house, event(1, user_id="", session_id="s1"), event(2, session_id="s1", item_id="item-2"))
    assert [(each.subject_id, each.profile_version) for each in answer.versions] == [("s1", 1), ("ada", 2)]
    assert set((await profile(house)).seen_item_ids) == {"item-1", "item-2"}


async def test_what_a_session_does_after_it_joined_stays_with_the_session(house):
    await record(house, event(1, session_id="s1"))
    await record(house, event(2, user_id="", session_id="s1", item_id="item-2"))
    await record(house, event(3, session_id="s1", item_id="item-3"))
    assert set((await profile(house)).seen_item_ids) == {"item-1", "item-3"}
    assert list((await profile(house, common_pb2.VisitContext(session_id="s1"))).seen_item_ids) == ["item-2"]


async def test_what_a_session_refused_its_user_refuses_too_unless_the_user_has_decided(house):
    refusal = [pb.Consent(purpose="CONSENT_PURPOSE_PERSONALISATION", granted=False)]
    of_session = common_pb2.VisitContext(session_id="s1")
    await house.stub.SetConsent(pb.SetConsentRequest(shop_id=house.shop_id, visit=of_session, consents=refusal))
    await record(house, event(1, session_id="s1"))
    assert (await profile(house)).anonymous_reason == pb.ANONYMOUS_REASON_REFUSED
    await consent(house, personalisation=True)
    assert list((await profile(house)).seen_item_ids) == ["item-1"]
