"""UserProfileService: check, call the domain, convert."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, Protocol

import grpc

from services.kit.call_context import annotate
from services.kit.errors import NotFound, NotReady
from services.kit.executor import BoundedExecutor
from services.kit.pseudonyms import Pseudonyms
from services.user_profile import requests
from services.user_profile.consent import Purpose
from services.user_profile.event_reader import EventReader
from services.user_profile.events import Subject, SubjectKind
from services.user_profile.messages import (
    anonymous_profile,
    consent_messages,
    event_message,
    profile_message,
    timestamp,
)
from services.user_profile.profile import Profile, build_profile
from services.user_profile.recording import Recording
from services.user_profile.release import ProfileRelease
from services.user_profile.similar_users import SimilarUsers
from services.user_profile.sql.moments import moment
from services.user_profile.store import Store, StoredProfile
from services.user_profile.stream import StreamImport
from services.user_profile.tallies import Tallies
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb
from vitrine.user_profile.v1.user_profile_pb2_grpc import UserProfileServiceServicer

# Reading a batch costs about 15 µs an event: larger ones would hold the loop up.
_READ_IN_LOOP: Final = 200
_DELETIONS_PER_READ: Final = 100
_RECENT_ITEMS_OF_SIMILAR: Final = 20
# Users asked about beyond those wanted, to stand in for those who have since refused.
_SIMILAR_RESERVE: Final = 20
_HOUR_US: Final = 3_600_000_000


class Releases(Protocol):
    """The part of a ReleaseWatcher that is needed here."""

    def get(self, shop_id: str, release_id: str = "") -> ProfileRelease:
        """Return a loaded release, the stable one by default. Raises: NotReady."""


@dataclass(frozen=True)
class Holdings:
    """What the servicer works with."""

    store: Store
    releases: Releases
    similar_users: SimilarUsers
    pseudonyms: Pseudonyms
    tracking_key: bytes
    executor: BoundedExecutor
    clock_us: Callable[[], int]
    """The time in microseconds since 1970."""
    deletion_poll_s: float = 0.5
    """Time between two looks for new deletions."""


class UserProfileServicer(UserProfileServiceServicer):
    """Records what people do and answers who they are."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._store = holdings.store
        self._tallies = Tallies()

    async def RecordEvents(  # type: ignore[override]  # noqa: N802
        self, request: pb.RecordEventsRequest, context: grpc.aio.ServicerContext
    ) -> pb.RecordEventsResponse:
        """Record a batch, all or nothing."""
        requests.check_batch(request)
        reader = self._reader(request.shop_id)
        if len(request.events) > _READ_IN_LOOP:
            batch = await self._holdings.executor.run(requests.read_batch, request.events, reader)
        else:
            batch = requests.read_batch(request.events, reader)
        recording = await self._store.record(request.shop_id, batch, reader.now_us, refuse_conflicts=True)
        self._tallies.count(recording)
        return pb.RecordEventsResponse(
            recorded_count=recording.recorded_count,
            duplicate_count=recording.duplicate_count,
            declined_count=recording.declined_count,
            versions=_versions(request, reader, recording),
        )

    async def StreamEvents(  # type: ignore[override]  # noqa: N802
        self, request_iterator: AsyncIterator[pb.StreamEventsRequest], context: grpc.aio.ServicerContext
    ) -> pb.StreamEventsResponse:
        """Record message by message; what cannot be recorded is listed."""
        stream: StreamImport | None = None
        try:
            async for request in request_iterator:
                if stream is None:
                    requests.check_first_message(request)
                    annotate("shop_id", request.shop_id)
                    stream = StreamImport(request.shop_id, self._store, self._holdings.executor, self._tallies)
                requests.check_message(request)
                await stream.take(request, self._reader(stream.shop_id))
        finally:
            if stream is not None:
                await stream.settle()
        if stream is None:
            requests.check_first_message(pb.StreamEventsRequest())
            raise AssertionError("a stream without messages has no valid shop_id")
        return stream.answer

    async def GetProfile(  # type: ignore[override]  # noqa: N802
        self, request: pb.GetProfileRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetProfileResponse:
        """Answer the profile of now, or as of an earlier time."""
        requests.check_get_profile(request)
        release = self._release(request.shop_id, request.visit)
        now_us = self._holdings.clock_us()
        at_us = requests.optional_us(request, "as_of", now_us)
        return pb.GetProfileResponse(
            profile=await self._profile(request, release, at_us, as_of=at_us < now_us),
            release_id=release.release_id if release else "",
        )

    async def FindSimilarUsers(  # type: ignore[override]  # noqa: N802
        self, request: pb.FindSimilarUsersRequest, context: grpc.aio.ServicerContext
    ) -> pb.FindSimilarUsersResponse:
        """Answer the nearest users who agree at this moment."""
        requests.check_find_similar_users(request)
        release = self._release(request.shop_id, request.visit)
        subject = self._subject(request.shop_id, request.visit)
        if release is None or subject is None:
            return pb.FindSimilarUsersResponse()
        now_us = self._holdings.clock_us()
        stored = await self._store.read_profile(request.shop_id, subject, now_us, as_of=False)
        embedding = _built(stored, release, now_us).embedding
        if embedding is None:
            return pb.FindSimilarUsersResponse(release_id=release.release_id)
        limit = request.limit or requests.DEFAULT_SIMILAR_USERS
        found = await self._holdings.similar_users.nearest(
            request.shop_id, release, embedding, limit + _SIMILAR_RESERVE, moment(now_us)
        )
        others = [(user, cosine) for user, cosine in found if user != subject.pseudonym]
        events = await self._store.recent_events(request.shop_id, [user for user, _ in others])
        users = [
            pb.SimilarUser(
                user_pseudonym=user.hex(),
                similarity=min(max(cosine, -1.0), 1.0),
                recent_item_ids=build_profile(events[user], now_us).seen_item_ids[:_RECENT_ITEMS_OF_SIMILAR],
            )
            for user, cosine in others
            if user in events
        ]
        return pb.FindSimilarUsersResponse(users=users[:limit], release_id=release.release_id)

    async def GetConsent(  # type: ignore[override]  # noqa: N802
        self, request: pb.GetConsentRequest, context: grpc.aio.ServicerContext
    ) -> pb.GetConsentResponse:
        """Answer what is in force."""
        requests.check_get_consent(request)
        subject = self._needed_subject(request.shop_id, request.visit)
        consents = await self._store.consents(request.shop_id, subject)
        return pb.GetConsentResponse(consents=consent_messages(consents))

    async def SetConsent(  # type: ignore[override]  # noqa: N802
        self, request: pb.SetConsentRequest, context: grpc.aio.ServicerContext
    ) -> pb.SetConsentResponse:
        """Write decisions down; every replica reads them at its next call."""
        decisions = requests.read_decisions(request, self._holdings.clock_us())
        subject = self._needed_subject(request.shop_id, request.visit)
        consents = await self._store.set_consents(request.shop_id, subject, decisions)
        return pb.SetConsentResponse(consents=consent_messages(consents))

    async def ExportUserData(  # type: ignore[override]  # noqa: N802
        self, request: pb.ExportUserDataRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.ExportUserDataResponse]:
        """Stream consent, then events."""
        requests.check_user(request)
        user = self._holdings.pseudonyms.user(request.shop_id, request.user_id)
        if not await self._store.is_known(request.shop_id, user):
            raise _user_unknown()
        consents = await self._store.consents(request.shop_id, Subject(SubjectKind.USER, user))
        for consent in consent_messages(consents):
            yield pb.ExportUserDataResponse(consent=consent)
        # Events may be a little ahead of our clock.
        before = moment(self._holdings.clock_us() + _HOUR_US)
        async for page in self._store.user_events(request.shop_id, user, before):
            for event in page:
                user_id = request.user_id if event.user == user else None
                yield pb.ExportUserDataResponse(event=event_message(event, user_id))

    async def DeleteUser(  # type: ignore[override]  # noqa: N802
        self, request: pb.DeleteUserRequest, context: grpc.aio.ServicerContext
    ) -> pb.DeleteUserResponse:
        """Erase a user and answer the receipt."""
        requests.check_user(request)
        user = self._holdings.pseudonyms.user(request.shop_id, request.user_id)
        receipt = await self._store.delete_user(request.shop_id, user)
        if receipt is None:
            raise _user_unknown()
        return pb.DeleteUserResponse(
            receipt_id=receipt.receipt_id,
            deleted_event_count=receipt.deleted_event_count,
            deleted_at=timestamp(receipt.deleted_us),
        )

    async def WatchDeletions(  # type: ignore[override]  # noqa: N802
        self, request: pb.WatchDeletionsRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.WatchDeletionsResponse]:
        """Stream deletions after the cursor, then wait for more."""
        after = requests.read_cursor(request)
        while True:
            deletions = await self._store.deletions(request.shop_id, after, _DELETIONS_PER_READ)
            for deletion in deletions:
                after = deletion.id
                yield pb.WatchDeletionsResponse(
                    cursor=requests.cursor_of(deletion.id),
                    receipt_id=deletion.receipt_id,
                    user_pseudonyms=[pseudonym.hex() for pseudonym in deletion.pseudonyms],
                )
            if len(deletions) < _DELETIONS_PER_READ:
                if request.stop_at_end:
                    return
                await asyncio.sleep(self._holdings.deletion_poll_s)

    async def ExportEvents(  # type: ignore[override]  # noqa: N802
        self, request: pb.ExportEventsRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[pb.ExportEventsResponse]:
        """Stream events under pseudonyms, page by page."""
        wanted = requests.read_event_range(request, self._holdings.clock_us())
        async for page in self._store.shop_events(request.shop_id, wanted):
            yield pb.ExportEventsResponse(events=[event_message(event) for event in page])

    async def _profile(
        self, request: pb.GetProfileRequest, release: ProfileRelease | None, at_us: int, *, as_of: bool
    ) -> pb.Profile:
        subject = self._subject(request.shop_id, request.visit)
        if subject is None:
            return anonymous_profile(pb.ANONYMOUS_REASON_NO_SUBJECT)
        stored = await self._store.read_profile(request.shop_id, subject, at_us, as_of=as_of)
        consents = consent_messages(stored.consents)
        if not stored.consents.granted(Purpose.PERSONALISATION):
            return anonymous_profile(pb.ANONYMOUS_REASON_REFUSED, consents)
        profile = _built(stored, release, at_us)
        if stored.rows is None or profile.event_count == 0:
            return anonymous_profile(pb.ANONYMOUS_REASON_UNKNOWN_SUBJECT, consents)
        limit = request.recent_action_limit or requests.DEFAULT_RECENT_ACTIONS
        encoder = release.encoder if release else None
        return profile_message(profile, stored.rows.profile_version, consents, encoder, limit)

    def _reader(self, shop_id: str) -> EventReader:
        holdings = self._holdings
        return EventReader(shop_id, holdings.pseudonyms, holdings.tracking_key, holdings.clock_us())

    def _release(self, shop_id: str, visit: common_pb2.VisitContext) -> ProfileRelease | None:
        """The release that the visit names; else the stable one, None when there is none."""
        try:
            return self._holdings.releases.get(shop_id, visit.release_id)
        except NotReady:
            if visit.release_id:
                raise
            return None

    def _subject(self, shop_id: str, visit: common_pb2.VisitContext) -> Subject | None:
        if visit.user_id:
            return Subject(SubjectKind.USER, self._holdings.pseudonyms.user(shop_id, visit.user_id))
        if visit.session_id:
            return Subject(SubjectKind.SESSION, self._holdings.pseudonyms.session(shop_id, visit.session_id))
        return None

    def _needed_subject(self, shop_id: str, visit: common_pb2.VisitContext) -> Subject:
        subject = self._subject(shop_id, visit)
        if subject is None:
            raise AssertionError("the request was checked to name a subject")
        return subject


def _versions(request: pb.RecordEventsRequest, reader: EventReader, recording: Recording) -> list[pb.SubjectVersion]:
    """The versions under the ids that were sent."""
    subjects = dict.fromkeys((event.user_id, "" if event.user_id else event.session_id) for event in request.events)
    return [
        pb.SubjectVersion(
            subject_id=user_id or session_id,
            profile_version=recording.versions[
                Subject(SubjectKind.USER, reader.user(user_id))
                if user_id
                else Subject(SubjectKind.SESSION, reader.session(session_id))
            ],
        )
        for user_id, session_id in subjects
    ]


def _built(stored: StoredProfile, release: ProfileRelease | None, at_us: int) -> Profile:
    if stored.rows is None:
        return Profile()
    facets, encoder = (release.facets, release.encoder) if release else (None, None)
    return build_profile(stored.rows.events, at_us, facets, encoder, impression_counts=stored.rows.impression_counts)


def _user_unknown() -> NotFound:
    return NotFound("nothing is stored about this user", reason="USER_UNKNOWN")
