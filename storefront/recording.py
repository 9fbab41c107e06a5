"""Everything a visitor does, as events to user_profile."""

import logging
import secrets
from collections.abc import Sequence

import grpc

from storefront.failures import Failure, failure_of
from storefront.tickets import Ticket
from storefront.visit import Visit
from storefront.visitor import DEVICES
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2

logger = logging.getLogger(__name__)


def event(
    visit: Visit, action: "common_pb2.Action.ValueType", ticket: Ticket | None = None, item_id: str = ""
) -> user_profile_pb2.Event:
    """An event of this visit at a place, or about an item; credited to the place that led to the item, if any."""
    subject = item_id or (ticket.item_id if ticket else "")
    token = ticket.token if ticket else ""
    placement = ticket.placement() if ticket else None
    if not token and placement is None and subject:
        token = trail(visit).get(subject, "")
    made = user_profile_pb2.Event(
        event_id="w-" + secrets.token_urlsafe(15),
        action=action,
        user_id=visit.visitor.user_id,
        session_id=visit.visitor.session_id,
        item_id=subject,
        channel="web",
        region=visit.visitor.region,
        locale=visit.language.tag,
        device=DEVICES[visit.device],
        tracking_token=token,
    )
    made.occurred_at.FromDatetime(visit.now)
    if placement is not None:
        placement.device = DEVICES[visit.device]
        made.placement.CopyFrom(placement)
    return made


def trail(visit: Visit) -> dict[str, str]:
    """Tracking tokens of the places clicked last, by item."""
    value = visit.recall("trail")
    return {str(key): str(token) for key, token in value.items()} if isinstance(value, dict) else {}


async def record(visit: Visit, events: Sequence[user_profile_pb2.Event]) -> Failure | None:
    """Send events and remember the version the profile has with them; answer the failure if there is one.

    What a visitor asked for goes on without the record (a click leads where it leads), so the caller decides
    """
    if not events:
        return None
    request = user_profile_pb2.RecordEventsRequest(
        shop_id=visit.shop.shop_id, request_id=visit.request_id, events=events
    )
    try:
        answer = await visit.upstreams.profiles.RecordEvents(request)
    except grpc.aio.AioRpcError as error:
        failure = failure_of(error)
        logger.warning("events not recorded: %s %s", failure.code.name, failure.message)
        return failure
    for version in answer.versions:
        if version.subject_id == visit.visitor.subject_id:
            visit.saw_version(version.profile_version)
    return None
