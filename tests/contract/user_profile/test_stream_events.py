"""What UserProfileService.StreamEvents promises, of messages and of columns."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.coverage import covers
from tests.contract.event_columns import columns_of
from tests.contract.refusals import BAD_SHOP, DOWN, INVALID, refused
from tests.contract.user_profile.calls import SECOND_US, event, profile, record
from tests.contract.user_profile.houses import House
from tests.fakes.user_profile import NOW_US
from vitrine.user_profile.v1 import user_profile_pb2 as pb


async def stream(house: House, *messages: pb.StreamEventsRequest) -> pb.StreamEventsResponse:
    async def sent() -> AsyncIterator[pb.StreamEventsRequest]:
        for message in messages:
            yield message

    return await house.stub.StreamEvents(sent())


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
