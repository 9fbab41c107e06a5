"""Impressions: what the page's script saw on the screen, a batch at a time."""

import json

from starlette.responses import Response

from storefront.failures import RefusedError
from storefront.recording import event, record
from storefront.visit import Visit
from vitrine.common.v1 import common_pb2

BATCH_LIMIT = 200
BODY_LIMIT = 256 * 1024


async def receive(visit: Visit) -> Response:
    """Record a batch. Cookies are left alone: a beacon may overtake a page that changes them."""
    body = bytearray()
    async for chunk in visit.request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise RefusedError(400, "too many impressions at once")
    form_token, seen = read_batch(bytes(body))
    visit.check_origin(form_token)
    events = [event(visit, common_pb2.ACTION_IMPRESSION, visit.ticket(text)) for text in seen]
    failure = await record(visit, events)
    visit.leave_cookies()
    return Response(status_code=503 if failure is not None else 204)


def read_batch(body: bytes) -> tuple[str, list[str]]:
    """Form token and tickets of a beacon. Raises: RefusedError (400) when it is not one."""
    try:
        value = json.loads(body)
        form_token, seen = value["csrf"], value["seen"]
    except (ValueError, KeyError, TypeError):
        raise RefusedError(400, "not a batch of impressions") from None
    if not isinstance(form_token, str) or not isinstance(seen, list) or len(seen) > BATCH_LIMIT:
        raise RefusedError(400, "not a batch of impressions")
    if not all(isinstance(text, str) for text in seen):
        raise RefusedError(400, "not a batch of impressions")
    return form_token, list(dict.fromkeys(seen))
