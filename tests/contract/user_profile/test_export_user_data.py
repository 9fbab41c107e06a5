"""What UserProfileService.ExportUserData promises."""

from tests.contract.coverage import covers
from tests.contract.refusals import DOWN, INVALID, read, refused
from tests.contract.user_profile.calls import SECOND_US, UNKNOWN, event, export_user, record
from vitrine.common.v1 import common_pb2


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
