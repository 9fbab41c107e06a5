"""What UserProfileService.WatchDeletions promises."""

import asyncio

import pytest

from tests.contract.coverage import covers
from tests.contract.refusals import DOWN, INVALID, read, refused
from tests.contract.user_profile.calls import delete, event, record
from tests.contract.user_profile.houses import House
from vitrine.user_profile.v1 import user_profile_pb2 as pb


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
