"""What UserProfileService.DeleteUser promises."""

from tests.contract.coverage import covers
from tests.contract.refusals import DOWN, INVALID, refused
from tests.contract.user_profile.calls import UNKNOWN, consent, delete, event, export_user, profile, record, visit
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb


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
