"""UserProfileService in memory, for tests of whatever calls it. It passes the contract suite that the real one
passes.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import grpc

from services.kit.errors import DependencyDown
from services.kit.executor import BoundedExecutor
from services.kit.pseudonyms import Pseudonyms
from services.user_profile import recording
from services.user_profile.actions import IMPRESSION
from services.user_profile.consent import Consents, Decision, Purpose
from services.user_profile.events import Event, Subject, SubjectKind
from services.user_profile.profile import ProfileEvent
from services.user_profile.recording import Batch, Recording, SubjectState
from services.user_profile.release import ProfileRelease
from services.user_profile.servicer import Holdings, UserProfileServicer
from services.user_profile.similar_users import SimilarUsers
from services.user_profile.store import Deletion, EventRange, ProfileRows, Receipt, StoredProfile
from tests.fakes.keys import PSEUDONYM_KEY, TRACKING_KEY
from tests.fakes.loaded_releases import LoadedReleases
from vitrine.user_profile.v1 import user_profile_pb2 as pb

NOW_US = 1_780_000_000_000_000
"""The fake's clock unless told otherwise: May 2026."""
PAGE = 1_000


@dataclass
class StoredEvent:
    """An event, whom it is for, and when it was recorded."""

    event: Event
    owner: bytes
    recorded_us: int


@dataclass
class Shop:
    """What is kept of one shop."""

    subjects: dict[bytes, SubjectState] = field(default_factory=dict)
    events: list[StoredEvent] = field(default_factory=list)
    hashes: dict[str, bytes] = field(default_factory=dict)
    deletions: list[Deletion] = field(default_factory=list)


class MemoryStore:
    """The store port in plain lists. `down` makes every method fail as if the database were; `fail_after` lets so many
    batches be recorded before that.
    """

    def __init__(self, granted_by_default: frozenset[Purpose] = frozenset(Purpose)) -> None:
        self.down = False
        self.fail_after: int | None = None
        self._granted_by_default = granted_by_default
        self._shops: dict[str, Shop] = defaultdict(Shop)

    async def record(self, shop_id: str, batch: Batch, now_us: int, *, refuse_conflicts: bool) -> Recording:
        events = batch.events
        if self.fail_after is not None:
            self.down, self.fail_after = self.fail_after == 0, max(self.fail_after - 1, 0)
        shop = self._shop(shop_id)
        wanted = recording.subjects_of(events)
        states = {subject: shop.subjects.get(subject.pseudonym) or SubjectState(subject) for subject in wanted}
        screening = recording.screen(batch, states, self._granted_by_default)
        settlement = recording.settle(batch, screening, shop.hashes)
        if settlement.conflicts and refuse_conflicts:
            raise recording.conflict(events[settlement.conflicts[0]].event_id)
        assignment = recording.assign(settlement.fresh, states)
        self._join(shop, states, assignment.joins)
        for event, owner in zip(settlement.fresh, assignment.owners, strict=True):
            shop.events.append(StoredEvent(event, owner, now_us))
            shop.hashes[event.event_id] = screening.accepted[event.event_id]
        versions = recording.versions_after(events, states, assignment.growth)
        for subject, growth in assignment.growth.items():
            state = shop.subjects.get(subject.pseudonym) or states[subject]
            version = states[subject].profile_version + growth.events
            shop.subjects[subject.pseudonym] = SubjectState(subject, version, state.decided, state.joined_user)
        return Recording(
            len(settlement.fresh),
            settlement.duplicate_count,
            screening.declined_count,
            versions,
            settlement.conflicts,
        )

    async def read_profile(self, shop_id: str, subject: Subject, now_us: int, *, as_of: bool) -> StoredProfile:
        shop = self._shop(shop_id)
        consents = self._consents(shop, subject)
        stored = [
            each
            for each in shop.events
            if each.owner == subject.pseudonym and not (as_of and each.recorded_us >= now_us)
        ]
        if not stored or not consents.granted(Purpose.PERSONALISATION):
            return StoredProfile(consents, None)
        version = len(stored) if as_of else shop.subjects[subject.pseudonym].profile_version
        return StoredProfile(consents, ProfileRows(version, [_profile_event(each.event) for each in stored], None))

    async def consents(self, shop_id: str, subject: Subject) -> Consents:
        return self._consents(self._shop(shop_id), subject)

    async def set_consents(self, shop_id: str, subject: Subject, decisions: Mapping[Purpose, Decision]) -> Consents:
        shop = self._shop(shop_id)
        state = shop.subjects.get(subject.pseudonym) or SubjectState(subject)
        decided = dict(state.decided)
        for purpose, decision in decisions.items():
            if purpose not in decided or decided[purpose].granted != decision.granted:
                decided[purpose] = decision
        shop.subjects[subject.pseudonym] = SubjectState(subject, state.profile_version, decided, state.joined_user)
        return self._consents(shop, subject)

    async def changed_users(
        self, shop_id: str, active_since: datetime, changed_since: datetime, at_most: int
    ) -> Mapping[bytes, Sequence[ProfileEvent]]:
        shop = self._shop(shop_id)
        users = [state.subject.pseudonym for state in shop.subjects.values() if state.subject.kind == SubjectKind.USER]
        return await self.recent_events(shop_id, users[:at_most])

    async def recent_events(self, shop_id: str, users: Sequence[bytes]) -> Mapping[bytes, Sequence[ProfileEvent]]:
        shop = self._shop(shop_id)
        events: dict[bytes, list[ProfileEvent]] = {}
        for each in shop.events:
            if each.owner in users and each.event.action != IMPRESSION:
                state = shop.subjects[each.owner]
                if self._consents(shop, state.subject).granted(Purpose.PERSONALISATION):
                    events.setdefault(each.owner, []).append(_profile_event(each.event))
        return events

    async def is_known(self, shop_id: str, user: bytes) -> bool:
        return user in self._shop(shop_id).subjects

    async def user_events(self, shop_id: str, user: bytes, before: datetime) -> AsyncIterator[Sequence[Event]]:
        shop = self._shop(shop_id)
        owners = {user, *_sessions_of(shop, user)}
        for page in _pages([each for each in shop.events if each.owner in owners]):
            yield page

    async def delete_user(self, shop_id: str, user: bytes) -> Receipt | None:
        shop = self._shop(shop_id)
        if user not in shop.subjects:
            return None
        owners = [user, *_sessions_of(shop, user)]
        gone = [each for each in shop.events if each.owner in owners]
        shop.events = [each for each in shop.events if each.owner not in owners]
        for each in gone:
            del shop.hashes[each.event.event_id]
        for owner in owners:
            del shop.subjects[owner]
        receipt = Receipt(f"deletion-{secrets.token_hex(12)}", len(gone), NOW_US)
        shop.deletions.append(Deletion(len(shop.deletions) + 1, receipt.receipt_id, owners))
        return receipt

    async def deletions(self, shop_id: str, after: int, at_most: int) -> Sequence[Deletion]:
        return self._shop(shop_id).deletions[after : after + at_most]

    async def shop_events(self, shop_id: str, wanted: EventRange) -> AsyncIterator[Sequence[Event]]:
        shop = self._shop(shop_id)
        agreed = [
            each
            for each in shop.events
            if self._consents(shop, shop.subjects[each.owner].subject).granted(Purpose.ANALYTICS)
            and wanted.from_us <= each.event.occurred_us < wanted.before_us
            and (not wanted.actions or each.event.action in wanted.actions)
        ]
        for page in _pages(agreed):
            yield page

    def _shop(self, shop_id: str) -> Shop:
        if self.down:
            raise DependencyDown("database")
        return self._shops[shop_id]

    def _consents(self, shop: Shop, subject: Subject) -> Consents:
        state = shop.subjects.get(subject.pseudonym)
        return Consents.of(state.decided if state else {}, self._granted_by_default)

    @staticmethod
    def _join(shop: Shop, states: dict[Subject, SubjectState], joins: Mapping[bytes, bytes]) -> None:
        for session, user in joins.items():
            for each in shop.events:
                if each.owner == session:
                    each.owner = user
            subject = Subject(SubjectKind.SESSION, session)
            state = states[subject]
            shop.subjects[session] = SubjectState(subject, state.profile_version, state.decided, user)
            owner = Subject(SubjectKind.USER, user)
            shop.subjects[user] = recording.adopted(shop.subjects.get(user) or states[owner], [state])


class FakeUserProfile(UserProfileServicer):
    """The service over a MemoryStore.

    `store.down` simulates a database that is down, `delay_s` a service that is slow; `profiles` holds answers of
    GetProfile by user_id (or session_id) that stand in for what was recorded. `requests` are all GetProfile requests
    received.
    """

    def __init__(
        self,
        *,
        clock_us: Callable[[], int] = lambda: NOW_US,
        granted_by_default: frozenset[Purpose] = frozenset(Purpose),
    ) -> None:
        self.store = MemoryStore(granted_by_default)
        self.releases: LoadedReleases[ProfileRelease] = LoadedReleases()
        self.delay_s = 0.0
        self.profiles: dict[str, pb.Profile] = {}
        self.requests: list[pb.GetProfileRequest] = []
        super().__init__(
            Holdings(
                store=self.store,
                releases=self.releases,
                similar_users=SimilarUsers(self.store),
                pseudonyms=Pseudonyms(PSEUDONYM_KEY),
                tracking_key=TRACKING_KEY,
                executor=BoundedExecutor("fake_user_profile"),
                clock_us=clock_us,
                deletion_poll_s=0.01,
            )
        )

    async def GetProfile(  # type: ignore[override]
        self, request: pb.GetProfileRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> pb.GetProfileResponse:
        self.requests.append(request)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        answer = await super().GetProfile(request, context)
        told = self.profiles.get(request.visit.user_id or request.visit.session_id)
        return answer if told is None else pb.GetProfileResponse(profile=told, release_id=answer.release_id)


def _profile_event(event: Event) -> ProfileEvent:
    return ProfileEvent(event.occurred_us, event.action, event.item_id, event.query)


def _sessions_of(shop: Shop, user: bytes) -> list[bytes]:
    return sorted(pseudonym for pseudonym, state in shop.subjects.items() if state.joined_user == user)


def _pages(stored: Sequence[StoredEvent]) -> list[list[Event]]:
    ordered = sorted(stored, key=lambda each: (each.event.occurred_us, each.event.event_id))
    events = [
        each.event if each.owner == each.event.session else each.event._replace(user=each.owner) for each in ordered
    ]
    return [events[first : first + PAGE] for first in range(0, len(events), PAGE)]
