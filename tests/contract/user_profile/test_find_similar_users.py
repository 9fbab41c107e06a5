"""What UserProfileService.FindSimilarUsers promises."""

import pytest

from tests.contract.coverage import covers
from tests.contract.refusals import DOWN, INVALID, RELEASE_NOT_READY, refused
from tests.contract.user_profile.calls import SECOND_US, consent, event, record, visit
from tests.contract.user_profile.houses import House
from vitrine.user_profile.v1 import user_profile_pb2 as pb


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
    await refused(house.stub.FindSimilarUsers(asked), RELEASE_NOT_READY)


@covers("UserProfileService.FindSimilarUsers", "UNAVAILABLE DATABASE_DOWN")
async def test_no_similar_users_without_a_database(house):
    await house.break_database()
    asked = pb.FindSimilarUsersRequest(shop_id=house.shop_id, visit=visit())
    await refused(house.stub.FindSimilarUsers(asked), DOWN)
