"""What UserProfileService.GetConsent and SetConsent promise."""

from tests.contract.coverage import covers
from tests.contract.refusals import BAD_SHOP, DOWN, INVALID, refused
from tests.contract.user_profile.calls import SECOND_US, consent, visit
from tests.fakes.user_profile import NOW_US
from vitrine.user_profile.v1 import user_profile_pb2 as pb


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
