"""What the visitor agrees to, and their data in their own hands."""

import dataclasses
import json
from collections.abc import AsyncIterator

import grpc
from google.protobuf.json_format import MessageToDict
from starlette.responses import Response, StreamingResponse

from storefront.failures import RefusedError, failure_of
from storefront.response import html
from storefront.visit import Visit
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2

Record = user_profile_pb2.ExportUserDataResponse
PURPOSES = {
    "personalisation": common_pb2.CONSENT_PURPOSE_PERSONALISATION,
    "analytics": common_pb2.CONSENT_PURPOSE_ANALYTICS,
    "marketing": common_pb2.CONSENT_PURPOSE_MARKETING,
}


async def show(visit: Visit) -> Response:
    """The switches as they are."""
    answer = await visit.upstreams.profiles.GetConsent(
        user_profile_pb2.GetConsentRequest(shop_id=visit.shop.shop_id, visit=visit.context())
    )
    consents = {consent.purpose: consent for consent in answer.consents}
    return await html(visit, "privacy.html", purposes=PURPOSES, consents=consents, active="privacy")


async def change(visit: Visit) -> Response:
    """Set every purpose as the form has it; a switch that is off is not in the form."""
    granted = {name: visit.value(name) == "1" for name in PURPOSES}
    await visit.upstreams.profiles.SetConsent(
        user_profile_pb2.SetConsentRequest(
            shop_id=visit.shop.shop_id,
            visit=visit.context(),
            consents=[
                user_profile_pb2.Consent(purpose=purpose, granted=granted[name]) for name, purpose in PURPOSES.items()
            ],
        )
    )
    visit.become(dataclasses.replace(visit.visitor, opted_out=not granted["personalisation"]))
    visit.notice("done.consent")
    return visit.back("/privacy")


async def export(visit: Visit) -> Response:
    """Everything stored about the user as a JSON file, written while it is read."""
    _signed_in(visit)
    call = visit.upstreams.profiles.ExportUserData(
        user_profile_pb2.ExportUserDataRequest(
            shop_id=visit.shop.shop_id, request_id=visit.request_id, user_id=visit.visitor.user_id
        )
    )
    try:
        records = aiter(call)
        first = await anext(records, None)
    except grpc.aio.AioRpcError as error:
        if failure_of(error).http_status != 404:
            raise
        return await html(visit, "message.html", 404, heading="privacy.nothing", text="privacy.nothing_text")
    headers = {"content-disposition": 'attachment; filename="my-data.json"', "cache-control": "no-store"}
    return StreamingResponse(_array(first, records), media_type="application/json", headers=headers)


async def _array(first: Record | None, rest: AsyncIterator[Record]) -> AsyncIterator[str]:
    """The records as a JSON array, one a line."""
    yield "[\n" + (_json(first) if first is not None else "")
    async for record in rest:
        yield ",\n" + _json(record)
    yield "\n]\n"


def _json(record: Record) -> str:
    return json.dumps(MessageToDict(record, preserving_proto_field_name=True), ensure_ascii=False)


async def ask_deletion(visit: Visit) -> Response:
    """Ask once more before everything is deleted."""
    _signed_in(visit)
    return await html(visit, "delete.html", active="privacy", unconfirmed=False)


async def delete(visit: Visit) -> Response:
    """Delete everything about the user, sign out, and show the receipt."""
    _signed_in(visit)
    if visit.value("confirmed") != "1":
        return await html(visit, "delete.html", 400, active="privacy", unconfirmed=True)
    request = user_profile_pb2.DeleteUserRequest(
        shop_id=visit.shop.shop_id, request_id=visit.request_id, user_id=visit.visitor.user_id
    )
    try:
        receipt = await visit.upstreams.profiles.DeleteUser(request)
    except grpc.aio.AioRpcError as error:
        if failure_of(error).http_status != 404:
            raise
        return await html(visit, "message.html", 404, heading="privacy.nothing", text="privacy.nothing_text")
    visit.become(visit.visitor.signed_out())
    for name in ("basket", "favourite", "like", "trail", "version"):
        visit.remember(name, None)
    return await html(visit, "deleted.html", receipt=receipt, active="privacy")


def _signed_in(visit: Visit) -> None:
    if not visit.visitor.user_id:
        raise RefusedError(400, "an anonymous session has no name under which its data could be asked for")
