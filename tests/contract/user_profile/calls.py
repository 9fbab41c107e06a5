"""What the tests of user_profile's contract ask again and again, in a line each."""

import grpc

from tests.contract.user_profile.houses import House
from tests.fakes.user_profile import NOW_US
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
UNKNOWN = (grpc.StatusCode.NOT_FOUND, "USER_UNKNOWN")


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


def export_user(house: House, user_id: str = "ada"):
    return house.stub.ExportUserData(pb.ExportUserDataRequest(shop_id=house.shop_id, user_id=user_id))


def delete(house: House, user_id: str = "ada"):
    return house.stub.DeleteUser(pb.DeleteUserRequest(shop_id=house.shop_id, user_id=user_id))
