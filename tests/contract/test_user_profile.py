"""What user_profile.proto promises, shown on the real servicer over PostgreSQL and on the fake that others test
against.
"""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from services.kit import tracking
from services.kit.status import RemoteError, read_error
from tests.contract.coverage import covers
from tests.contract.event_columns import columns_of
from tests.contract.user_profile_houses import House, fake_house, real_house
from tests.fakes.user_profile import NOW_US, TRACKING_KEY
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
BAD_SHOP = "No Shop!"

INVALID = (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
DOWN = (grpc.StatusCode.UNAVAILABLE, "DATABASE_DOWN")
UNKNOWN = (grpc.StatusCode.NOT_FOUND, "USER_UNKNOWN")


@pytest.fixture(params=["real", "fake"])
async def house(request, tmp_path) -> AsyncIterator[House]:
    if request.param == "fake":
        async with fake_house() as made:
            yield made
    else:
        async with real_house(request.getfixturevalue("postgres_dsn"), tmp_path) as made:
            yield made


def event(number: int | str, action: str = "VIEW", *, before_us: int = SECOND_US, **fields) -> pb.Event:
    """An event of user ada on item-1 a second ago, unless told otherwise."""
    at_us = NOW_US - before_us
    fields.setdefault("user_id", "ada")
    if action != "SEARCH":
        fields.setdefault("item_id", "item-1")
    message = pb.Event(event_id=str(number), action=f"ACTION_{action}", **fields)
    message.occurred_at.FromMicroseconds(at_us)
    return message


def visit(user_id: str = "ada", **fields) -> common_pb2.VisitContext:
    return common_pb2.VisitContext(user_id=user_id, **fields)


async def record(house: House, *events: pb.Event) -> pb.RecordEventsResponse:
    return await house.stub.RecordEvents(pb.RecordEventsRequest(shop_id=house.shop_id, events=events))


async def profile(house: House, who: common_pb2.VisitContext | None = None, **fields) -> pb.Profile:
    asked = pb.GetProfileRequest(shop_id=house.shop_id, visit=who or visit(), **fields)
    return (await house.stub.GetProfile(asked)).profile


async def consent(house: House, user_id: str = "ada", **granted: bool) -> list[pb.Consent]:
    wanted = [pb.Consent(purpose=f"CONSENT_PURPOSE_{name.upper()}", granted=yes) for name, yes in granted.items()]
    asked = pb.SetConsentRequest(shop_id=house.shop_id, visit=visit(user_id), consents=wanted)
    return list((await house.stub.SetConsent(asked)).consents)


async def stream(house: House, *messages: pb.StreamEventsRequest) -> pb.StreamEventsResponse:
    async def sent() -> AsyncIterator[pb.StreamEventsRequest]:
        for message in messages:
            yield message

    return await house.stub.StreamEvents(sent())


async def read(call) -> list:
    return [message async for message in call]


async def refused(call, expected: tuple[grpc.StatusCode, str], *fields: str) -> RemoteError:
    """Assert that a call (unary or a stream that is read to its end) is refused as expected, naming the fields."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (read(call) if hasattr(call, "__aiter__") else call)
    error = read_error(caught.value)
    assert (error.code, error.reason) == expected
    assert [violation.field for violation in error.violations] == list(fields)
    return error


# RecordEvents


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


# Sessions


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


# StreamEvents


@covers("UserProfileService.StreamEvents")
async def test_a_stream_records_what_it_can_and_lists_what_it_cannot_by_position(house):
    await record(house, event("known"))
    answer = await stream(
        house,
        pb.StreamEventsRequest(shop_id=house.shop_id, events=[event(1), event(2, "RATE"), event(3)]),
        pb.StreamEventsRequest(events=[event("known", "CLICK"), event(1), event(4)]),
        pb.StreamEventsRequest(),
    )
    assert (answer.recorded_count, answer.duplicate_count, answer.rejected_count) == (3, 1, 2)
    listed = [(each.index, each.event_id, each.field, each.reason) for each in answer.rejections]
    assert listed == [(1, "2", "rating", "INVALID_REQUEST"), (3, "known", "event_id", "EVENT_CONFLICT")]
    assert (await profile(house)).profile_version == 4


@covers("UserProfileService.StreamEvents")
async def test_columns_are_the_same_events_as_messages_and_stand_behind_them_in_the_stream(house):
    singles = [event("a", "PURCHASE", quantity=2), event("s", "SEARCH", query="red shoes"), event("late", "RATE")]
    await record(house, *singles[:2])
    columns = columns_of([*singles, event("new", session_id="s1"), event("a", "CLICK")])
    answer = await stream(
        house, pb.StreamEventsRequest(shop_id=house.shop_id, events=[event("first"), event(" ")], columns=columns)
    )
    assert (answer.recorded_count, answer.duplicate_count, answer.rejected_count) == (2, 2, 3)
    listed = [(each.index, each.event_id, each.field, each.reason) for each in answer.rejections]
    assert listed == [
        (1, " ", "event_id", "INVALID_REQUEST"),
        (4, "late", "rating", "INVALID_REQUEST"),
        (6, "a", "event_id", "EVENT_CONFLICT"),
    ]
    assert (await record(house, event("new", session_id="s1"))).duplicate_count == 1


@covers("UserProfileService.StreamEvents")
async def test_one_element_of_a_column_holds_for_every_row_and_none_means_not_set(house):
    columns = pb.EventColumns(
        event_ids=["1", "2", "3"],
        actions=["ACTION_VIEW"],
        occurred_at_us=[NOW_US - SECOND_US],
        user_ids=pb.TextColumn(values=["ada"], indexes=[0]),
        item_ids=pb.TextColumn(values=["item-2", "item-1"], indexes=[1, 0, 1]),
    )
    assert (await stream(house, pb.StreamEventsRequest(shop_id=house.shop_id, columns=columns))).recorded_count == 3
    same = [event(1), event(2, item_id="item-2"), event(3)]
    assert (await record(house, *same)).duplicate_count == 3


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        ({"actions": ["ACTION_VIEW"] * 2}, "columns.actions"),
        ({"user_ids": pb.TextColumn(values=["ada"], indexes=[0, 0])}, "columns.user_ids.indexes"),
        ({"user_ids": pb.TextColumn(values=["ada"], indexes=[1])}, "columns.user_ids.indexes"),
        ({"item_ids": pb.TextColumn(values=["i"], indexes=[0, 0, -1])}, "columns.item_ids.indexes"),
        ({"item_ids": pb.TextColumn(values=["i"] * 10_001)}, "columns.item_ids.values"),
    ],
)
@covers("UserProfileService.StreamEvents", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_columns_that_do_not_fit_together_are_refused(house, broken, field):
    columns = columns_of([event(1), event(2), event(3)])
    for name, value in broken.items():
        columns.ClearField(name)
        columns.MergeFrom(pb.EventColumns(**{name: value}))
    sent = pb.StreamEventsRequest(shop_id=house.shop_id, events=[event("first")], columns=columns)
    await refused(stream(house, sent), INVALID, field)
    many = pb.EventColumns(event_ids=[str(number) for number in range(10_001)])
    sent = pb.StreamEventsRequest(shop_id=house.shop_id, columns=many)
    await refused(stream(house, sent), INVALID, "columns.event_ids")
    assert (await record(house, event("first"))).recorded_count == 1


@covers("UserProfileService.StreamEvents", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_stream_needs_a_shop_first_and_messages_of_at_most_1000_events(house):
    await refused(stream(house), INVALID, "shop_id")
    await refused(stream(house, pb.StreamEventsRequest(shop_id=BAD_SHOP)), INVALID, "shop_id")
    many = [event(number) for number in range(1_001)]
    first = pb.StreamEventsRequest(shop_id=house.shop_id, events=[event("first")])
    await refused(stream(house, first, pb.StreamEventsRequest(events=many)), INVALID, "events")
    assert (await record(house, event("first"))).duplicate_count == 1


@covers("UserProfileService.StreamEvents", "UNAVAILABLE DATABASE_DOWN")
async def test_a_stream_that_loses_the_database_says_how_many_messages_are_durable(house):
    async def sent() -> AsyncIterator[pb.StreamEventsRequest]:
        for number in (1, 2):
            yield pb.StreamEventsRequest(shop_id=house.shop_id, events=[event(number)])
            while (await profile(house)).profile_version != number:
                pass
        await house.break_database()
        yield pb.StreamEventsRequest(events=[event(3)])

    error = await refused(house.stub.StreamEvents(sent()), DOWN)
    # The second is durable; whether the service still heard so is for the cut to decide.
    assert error.metadata["recorded_batch_count"] in ("1", "2")
    await house.mend_database()
    answer = await record(house, event(1), event(2), event(3))
    assert (answer.recorded_count, answer.duplicate_count) == (1, 2)


# GetProfile


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
    error = await refused(house.stub.GetProfile(asked), (grpc.StatusCode.FAILED_PRECONDITION, "RELEASE_NOT_READY"))
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


# FindSimilarUsers


async def similar(house: House, user_id: str = "ada", **fields) -> pb.FindSimilarUsersResponse:
    house.clock.now_us += 120 * SECOND_US  # similar users may be a minute old
    asked = pb.FindSimilarUsersRequest(shop_id=house.shop_id, visit=visit(user_id), **fields)
    return await house.stub.FindSimilarUsers(asked)


@covers("UserProfileService.FindSimilarUsers")
async def test_who_did_the_same_is_nearest_and_named_by_pseudonym_only(house):
    await record(
        house,
        event(1, item_id="item-1"),
        event(2, item_id="item-1", user_id="twin"),
        event(3, item_id="item-20", user_id="other"),
        event(4, item_id="item-1", user_id="refusing"),
    )
    await consent(house, "refusing", personalisation=False)
    answer = await similar(house)
    assert answer.release_id == house.release_id
    assert len(answer.users) == 2
    assert answer.users[0].similarity == pytest.approx(1.0, abs=1e-5)
    assert answer.users[0].similarity > answer.users[1].similarity
    assert [list(user.recent_item_ids) for user in answer.users] == [["item-1"], ["item-20"]]
    assert all(len(bytes.fromhex(user.user_pseudonym)) == 16 for user in answer.users)
    assert len((await similar(house, limit=1)).users) == 1


async def test_consent_withdrawn_hides_a_user_from_the_next_answer(house):
    await record(house, event(1), event(2, user_id="twin"))
    assert len((await similar(house)).users) == 1
    await consent(house, "twin", personalisation=False)
    assert len((await similar(house)).users) == 0
    await consent(house, "ada", personalisation=False)
    assert len((await similar(house, "ada")).users) == 0


@covers("UserProfileService.FindSimilarUsers", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_similar_users_need_a_subject_and_a_limit_up_to_100(house):
    asked = pb.FindSimilarUsersRequest(shop_id=house.shop_id, limit=101)
    await refused(house.stub.FindSimilarUsers(asked), INVALID, "visit.user_id", "limit")


@covers("UserProfileService.FindSimilarUsers", "FAILED_PRECONDITION RELEASE_NOT_READY")
async def test_similar_users_in_a_release_that_is_not_loaded_are_refused(house):
    asked = pb.FindSimilarUsersRequest(shop_id=house.shop_id, visit=visit(release_id="r1"))
    not_ready = (grpc.StatusCode.FAILED_PRECONDITION, "RELEASE_NOT_READY")
    await refused(house.stub.FindSimilarUsers(asked), not_ready)


@covers("UserProfileService.FindSimilarUsers", "UNAVAILABLE DATABASE_DOWN")
async def test_no_similar_users_without_a_database(house):
    await house.break_database()
    asked = pb.FindSimilarUsersRequest(shop_id=house.shop_id, visit=visit())
    await refused(house.stub.FindSimilarUsers(asked), DOWN)


# Consent


@covers("UserProfileService.GetConsent")
async def test_the_default_is_in_force_until_something_is_decided(house):
    answer = await house.stub.GetConsent(pb.GetConsentRequest(shop_id=house.shop_id, visit=visit()))
    assert [(each.purpose, each.granted, each.HasField("decided_at")) for each in answer.consents] == [
        (1, True, False),
        (2, True, False),
        (3, True, False),
    ]


@covers("UserProfileService.SetConsent")
async def test_a_decision_is_in_force_at_once_and_leaves_the_others_as_they_are(house):
    decided = await consent(house, marketing=False)
    assert [each.granted for each in decided] == [True, True, False]
    assert decided[2].decided_at.ToMicroseconds() == NOW_US
    house.clock.now_us += SECOND_US
    assert await consent(house, marketing=False) == decided, "repeating a decision changes nothing"
    answer = await house.stub.GetConsent(pb.GetConsentRequest(shop_id=house.shop_id, visit=visit()))
    assert list(answer.consents) == decided


@covers("UserProfileService.GetConsent", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_consent_is_asked_for_a_subject(house):
    await refused(house.stub.GetConsent(pb.GetConsentRequest(shop_id=BAD_SHOP)), INVALID, "shop_id", "visit.user_id")


@covers("UserProfileService.SetConsent", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_each_purpose_is_decided_once_and_named(house):
    twice = [pb.Consent(purpose=1, granted=True), pb.Consent(purpose=1), pb.Consent()]
    asked = pb.SetConsentRequest(shop_id=house.shop_id, visit=visit(), consents=twice)
    await refused(house.stub.SetConsent(asked), INVALID, "consents[1].purpose", "consents[2].purpose")
    nothing = pb.SetConsentRequest(shop_id=house.shop_id)
    await refused(house.stub.SetConsent(nothing), INVALID, "visit.user_id", "consents")


@covers("UserProfileService.GetConsent", "UNAVAILABLE DATABASE_DOWN")
async def test_no_consent_without_a_database(house):
    await house.break_database()
    await refused(house.stub.GetConsent(pb.GetConsentRequest(shop_id=house.shop_id, visit=visit())), DOWN)


@covers("UserProfileService.SetConsent", "UNAVAILABLE DATABASE_DOWN")
async def test_no_decision_without_a_database(house):
    await house.break_database()
    asked = pb.SetConsentRequest(shop_id=house.shop_id, visit=visit(), consents=[pb.Consent(purpose=1)])
    await refused(house.stub.SetConsent(asked), DOWN)


# ExportUserData


def export_user(house: House, user_id: str = "ada"):
    return house.stub.ExportUserData(pb.ExportUserDataRequest(shop_id=house.shop_id, user_id=user_id))


@covers("UserProfileService.ExportUserData")
async def test_an_export_holds_consent_then_every_event_as_it_was_sent(house):
    first = event(
        1,
        "PURCHASE",
        before_us=5 * SECOND_US,
        quantity=2,
        price=common_pb2.Money(amount_minor=1_999, currency="EUR"),
        channel="app",
        region="CN-31",
        locale="zh",
        device="DEVICE_PHONE",
        placement=common_pb2.Placement(page_id="p", section_id="s", row=1, column=2, device="DEVICE_PHONE"),
    )
    second = event(2, "REVIEW", before_us=4 * SECOND_US, rating=5, text="lovely", channel="web")
    await record(house, second, first, event(3, user_id="bob"))
    exported = await read(export_user(house))
    assert [each.WhichOneof("record") for each in exported] == ["consent"] * 3 + ["event"] * 2
    assert [each.event for each in exported[3:]] == [first, second]


@covers("UserProfileService.ExportUserData", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_an_export_names_its_user(house):
    await refused(export_user(house, ""), INVALID, "user_id")


@covers("UserProfileService.ExportUserData", "NOT_FOUND USER_UNKNOWN")
async def test_nothing_is_exported_of_an_unknown_user(house):
    await refused(export_user(house, "stranger"), UNKNOWN)


@covers("UserProfileService.ExportUserData", "UNAVAILABLE DATABASE_DOWN")
async def test_no_export_without_a_database(house):
    await house.break_database()
    await refused(export_user(house), DOWN)


# DeleteUser


def delete(house: House, user_id: str = "ada"):
    return house.stub.DeleteUser(pb.DeleteUserRequest(shop_id=house.shop_id, user_id=user_id))


@covers("UserProfileService.DeleteUser")
async def test_deletion_leaves_nothing_and_answers_a_receipt(house):
    await record(house, event(1, session_id="s1"), event(2), event(3, user_id="bob"))
    await record(house, event(4, user_id="", session_id="s1"))
    await consent(house, marketing=False)
    receipt = await delete(house)
    assert (receipt.deleted_event_count, bool(receipt.receipt_id), receipt.HasField("deleted_at")) == (3, True, True)
    assert (await profile(house)).anonymous_reason == pb.ANONYMOUS_REASON_UNKNOWN_SUBJECT
    assert (await profile(house, common_pb2.VisitContext(session_id="s1"))).anonymous
    await refused(export_user(house), UNKNOWN)
    assert (await profile(house, visit("bob"))).profile_version == 1
    fresh = await record(house, event(1))
    assert (fresh.recorded_count, fresh.versions[0].profile_version) == (1, 1)


@covers("UserProfileService.DeleteUser", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_a_deletion_names_its_user(house):
    await refused(delete(house, "x" * 129), INVALID, "user_id")


@covers("UserProfileService.DeleteUser", "NOT_FOUND USER_UNKNOWN")
async def test_an_unknown_user_cannot_be_deleted(house):
    await refused(delete(house, "stranger"), UNKNOWN)


@covers("UserProfileService.DeleteUser", "UNAVAILABLE DATABASE_DOWN")
async def test_no_deletion_without_a_database(house):
    await house.break_database()
    await refused(delete(house), DOWN)


# WatchDeletions


def watch(house: House, cursor: str = "", *, stop_at_end: bool = True):
    asked = pb.WatchDeletionsRequest(shop_id=house.shop_id, cursor=cursor, stop_at_end=stop_at_end)
    return house.stub.WatchDeletions(asked)


@covers("UserProfileService.WatchDeletions")
async def test_deletions_are_told_from_a_cursor_on_and_as_they_happen(house):
    await record(house, event(1, session_id="s1"), event(2, user_id="bob"), event(3, user_id="eve"))
    receipts = [(await delete(house, user)).receipt_id for user in ("ada", "bob")]
    told = await read(watch(house))
    assert [each.receipt_id for each in told] == receipts
    assert [len(each.user_pseudonyms) for each in told] == [2, 1], "the session that joined ada is erased with her"
    assert await read(watch(house, told[0].cursor)) == told[1:]
    watching = watch(house, told[-1].cursor, stop_at_end=False)
    following = asyncio.ensure_future(watching.read())
    receipt = await delete(house, "eve")
    assert (await following).receipt_id == receipt.receipt_id
    watching.cancel()


@covers("UserProfileService.WatchDeletions", "INVALID_ARGUMENT INVALID_REQUEST")
@pytest.mark.parametrize("cursor", ["7", "d", "d-1", "d" + "9" * 19, "somewhere"])
async def test_a_cursor_that_was_never_given_out_is_refused(house, cursor):
    await refused(watch(house, cursor), INVALID, "cursor")


@covers("UserProfileService.WatchDeletions", "UNAVAILABLE DATABASE_DOWN")
async def test_no_watch_without_a_database(house):
    await house.break_database()
    await refused(watch(house, stop_at_end=False), DOWN)


# ExportEvents


async def export(house: House, **fields) -> list[pb.Event]:
    asked = pb.ExportEventsRequest(shop_id=house.shop_id, **fields)
    return [each for answer in await read(house.stub.ExportEvents(asked)) for each in answer.events]


@covers("UserProfileService.ExportEvents")
async def test_an_export_is_in_time_order_under_pseudonyms_and_only_of_those_who_agreed(house):
    await record(
        house,
        event(1, before_us=SECOND_US, session_id="s1"),
        event(2, "CLICK", before_us=40 * DAY_US),
        event(3, before_us=2 * SECOND_US, user_id="bob"),
        event(4, before_us=3 * SECOND_US, user_id="", session_id="s2"),
    )
    await consent(house, "bob", analytics=False)
    exported = await export(house)
    assert [each.event_id for each in exported] == ["2", "4", "1"]
    assert exported[0].user_id == exported[2].user_id != exported[1].session_id
    named = [each.user_id or each.session_id for each in exported] + [exported[2].session_id]
    assert all(len(bytes.fromhex(pseudonym)) == 16 for pseudonym in named)
    assert [each.event_id for each in await export(house, actions=["ACTION_CLICK"])] == ["2"]
    since = event(0, before_us=DAY_US).occurred_at
    assert [each.event_id for each in await export(house, occurred_from=since)] == ["4", "1"]
    assert [each.event_id for each in await export(house, occurred_before=since)] == ["2"]


async def test_a_joined_sessions_events_are_exported_as_the_users(house):
    await record(house, event(1, user_id="", session_id="s1", before_us=2 * SECOND_US))
    await record(house, event(2, session_id="s1"))
    first, second = await export(house)
    assert first.user_id == second.user_id != ""


async def test_a_long_export_comes_in_pages_that_miss_nothing(house):
    await record(house, *(event(number, before_us=SECOND_US * (1 + number // 400)) for number in range(900)))
    await record(house, *(event(number, before_us=SECOND_US * (1 + number // 400)) for number in range(900, 1_500)))
    answers = await read(house.stub.ExportEvents(pb.ExportEventsRequest(shop_id=house.shop_id)))
    assert [len(answer.events) for answer in answers] == [1_000, 500]
    exported = [each for answer in answers for each in answer.events]
    assert {int(each.event_id) for each in exported} == set(range(1_500))
    times = [each.occurred_at.ToMicroseconds() for each in exported]
    assert times == sorted(times)


@covers("UserProfileService.ExportEvents", "INVALID_ARGUMENT INVALID_REQUEST")
async def test_an_export_goes_from_an_earlier_to_a_later_time_and_over_declared_actions(house):
    at = event(0).occurred_at
    asked = pb.ExportEventsRequest(shop_id=house.shop_id, occurred_from=at, occurred_before=at, actions=[99])
    await refused(house.stub.ExportEvents(asked), INVALID, "actions[0]", "occurred_from")


@covers("UserProfileService.ExportEvents", "UNAVAILABLE DATABASE_DOWN")
async def test_no_events_are_exported_without_a_database(house):
    await house.break_database()
    await refused(house.stub.ExportEvents(pb.ExportEventsRequest(shop_id=house.shop_id)), DOWN)
