"""The executable half of the comments in user_profile.proto: every rule of a request but those of events, checked."""

import re
from collections.abc import Sequence
from typing import Protocol

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.checks import Checks
from services.kit.errors import FieldViolation, InvalidRequest
from services.user_profile.column_reader import check_columns
from services.user_profile.consent import Decision, Purpose
from services.user_profile.event_reader import EventReader
from services.user_profile.events import Event
from services.user_profile.profile import ProfileLimits
from services.user_profile.recording import Batch
from services.user_profile.store import EventRange
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb

MAX_EVENTS = 1_000
MAX_SIMILAR_USERS = 100
DEFAULT_SIMILAR_USERS = 10
DEFAULT_RECENT_ACTIONS = 50
_CURSOR = re.compile(r"d([0-9]{1,18})")


class _OfShop(Protocol):
    @property
    def shop_id(self) -> str: ...
    @property
    def request_id(self) -> str: ...


def check_batch(request: pb.RecordEventsRequest) -> None:
    """Check everything about a batch but its events."""
    checks = _checks_of(request)
    checks.count("events", request.events, 1, MAX_EVENTS)
    checks.raise_if_any()


def read_batch(events: Sequence[pb.Event], reader: EventReader) -> Batch:
    """Read the events of a batch. Raises: InvalidRequest naming every wrong field, as `events[3].rating`."""
    read: list[Event] = []
    violations: list[FieldViolation] = []
    for index, message in enumerate(events):
        event, wrong = reader.read(message)
        if event is not None:
            read.append(event)
        violations += [FieldViolation(f"events[{index}].{each.field}", each.description) for each in wrong]
    if violations:
        raise InvalidRequest(violations)
    return Batch.of(read)


def check_first_message(request: pb.StreamEventsRequest) -> None:
    """Check what the first message of a stream must say."""
    checks = Checks()
    checks.shop_id(request.shop_id)
    checks.raise_if_any()


def check_message(request: pb.StreamEventsRequest) -> None:
    """Check a message of a stream but for its events."""
    checks = Checks()
    checks.count("events", request.events, 0, MAX_EVENTS)
    if request.HasField("columns"):
        check_columns(checks, request.columns)
    checks.raise_if_any()


def check_get_profile(request: pb.GetProfileRequest) -> None:
    """Check every field."""
    checks = _checks_of(request)
    checks.visit_context("visit", request.visit)
    checks.that(request.min_profile_version >= 0, "min_profile_version", "send 0 or a version from RecordEvents")
    checks.number("recent_action_limit", request.recent_action_limit, 0, ProfileLimits().recent_actions)
    checks.timestamp("as_of", request.as_of)
    checks.raise_if_any()


def check_find_similar_users(request: pb.FindSimilarUsersRequest) -> None:
    """Check every field."""
    checks = _checks_of(request)
    checks.visit_context("visit", request.visit, needs_subject=True)
    checks.number("limit", request.limit, 0, MAX_SIMILAR_USERS)
    checks.raise_if_any()


def check_get_consent(request: pb.GetConsentRequest) -> None:
    """Check every field."""
    checks = _checks_of(request)
    checks.visit_context("visit", request.visit, needs_subject=True)
    checks.raise_if_any()


def read_decisions(request: pb.SetConsentRequest, now_us: int) -> dict[Purpose, Decision]:
    """Check every field and answer what was decided."""
    checks = _checks_of(request)
    checks.visit_context("visit", request.visit, needs_subject=True)
    checks.count("consents", request.consents, 1, len(Purpose))
    seen: set[int] = set()
    for index, consent in enumerate(request.consents):
        field = f"consents[{index}].purpose"
        checks.known_enum(field, consent.purpose, common_pb2.ConsentPurpose, required=True)
        checks.that(consent.purpose not in seen, field, "send each purpose at most once")
        seen.add(consent.purpose)
    checks.raise_if_any()
    return {Purpose(consent.purpose): Decision(consent.granted, now_us) for consent in request.consents}


def check_user(request: pb.ExportUserDataRequest | pb.DeleteUserRequest) -> None:
    """Check a request that is about one user."""
    checks = _checks_of(request)
    checks.identifier("user_id", request.user_id, required=True)
    checks.raise_if_any()


def read_cursor(request: pb.WatchDeletionsRequest) -> int:
    """Check every field and answer the deletion to go on after, 0 for the first."""
    checks = _checks_of(request)
    match = _CURSOR.fullmatch(request.cursor)
    readable = match is not None or not request.cursor
    checks.that(readable, "cursor", "send the cursor of a deletion as received, or nothing to start at the first")
    checks.raise_if_any()
    return int(match[1]) if match else 0


def cursor_of(deletion_id: int) -> str:
    """The cursor that goes on after a deletion."""
    return f"d{deletion_id}"


def read_event_range(request: pb.ExportEventsRequest, now_us: int) -> EventRange:
    """Check every field and answer which events are wanted."""
    checks = _checks_of(request)
    times_fit = [
        checks.timestamp("occurred_from", request.occurred_from),
        checks.timestamp("occurred_before", request.occurred_before),
    ]
    for index, action in enumerate(request.actions):
        checks.known_enum(f"actions[{index}]", action, common_pb2.Action, required=True)
    from_us = optional_us(request, "occurred_from", 0) if times_fit[0] else 0
    before_us = optional_us(request, "occurred_before", now_us) if times_fit[1] else now_us
    if all(times_fit):
        checks.that(from_us < before_us, "occurred_from", "send a time before occurred_before")
    checks.raise_if_any()
    return EventRange(from_us, before_us, tuple(sorted(set(request.actions))))


def optional_us(request: Message, field: str, default_us: int) -> int:
    """A timestamp field in microseconds since 1970, the default where it is not set."""
    if not request.HasField(field):
        return default_us
    moment: Timestamp = getattr(request, field)
    return moment.seconds * 1_000_000 + moment.nanos // 1_000


def _checks_of(request: _OfShop) -> Checks:
    checks = Checks()
    checks.shop_id(request.shop_id)
    checks.request_id(request.request_id)
    return checks
