"""What UserProfileService.ExportEvents promises."""

from tests.contract.coverage import covers
from tests.contract.refusals import DOWN, INVALID, read, refused
from tests.contract.user_profile.calls import DAY_US, SECOND_US, consent, event, record
from tests.contract.user_profile.houses import House
from vitrine.user_profile.v1 import user_profile_pb2 as pb


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
