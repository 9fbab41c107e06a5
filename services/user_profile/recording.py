"""What becomes of a batch of events, decided without a database: consent, duplicates, conflicts, and whom each is
for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.kit.errors import Conflict
from services.user_profile.actions import IMPRESSION
from services.user_profile.consent import Consents, Decision, Purpose
from services.user_profile.events import Event, Subject, SubjectKind, payload_hashes


@dataclass(frozen=True)
class SubjectState:
    """A subject as it stands before the batch, read under its lock."""

    subject: Subject
    profile_version: int = 0
    decided: Mapping[Purpose, Decision] = field(default_factory=dict)
    """What the subject decided; purposes that are absent stand at the shop's default."""
    joined_user: bytes | None = None
    """Of a session: the user whom its first events joined."""


@dataclass(slots=True)
class Growth:
    """What a batch adds to one subject."""

    events: int = 0
    """Events recorded for it, or joining it, which its version grows by."""
    recent: int = 0
    """Those of them that are no impressions and were not stored before."""
    first_us: int | None = None
    last_us: int | None = None
    last_impression_us: int | None = None

    def add(self, event: Event) -> None:
        """Count one event."""
        self.events += 1
        at_us = event.occurred_us
        if self.first_us is None or at_us < self.first_us:
            self.first_us = at_us
        if self.last_us is None or at_us > self.last_us:
            self.last_us = at_us
        if event.action == IMPRESSION:
            self.last_impression_us = max(self.last_impression_us or at_us, at_us)
        else:
            self.recent += 1


@dataclass(frozen=True)
class Batch:
    """Events to record together, with the hash of each one's content."""

    events: Sequence[Event]
    hashes: Sequence[bytes]
    by_id: Mapping[str, bytes]
    """Event id → hash, in the order of ids. Fewer than the events where the batch holds an id twice."""

    @classmethod
    def of(cls, events: Sequence[Event]) -> "Batch":
        """A batch of events whose content is not hashed yet."""
        hashes = payload_hashes(events)
        by_id = dict(sorted(zip((event.event_id for event in events), hashes, strict=True)))
        return cls(events, hashes, by_id)


@dataclass(frozen=True)
class Screening:
    """A batch after consent and after comparison with itself."""

    accepted: Mapping[str, bytes]
    """Event id → hash of what may be recorded, once however often the batch holds it."""
    first: Sequence[int]
    """Where in the batch each of them stands first."""
    repeats: Mapping[str, Sequence[int]]
    """Where else in the batch the same id stands with the same content."""
    conflicts: Sequence[int]
    """Positions of events whose id stands in the batch before with other content."""
    declined_count: int


@dataclass(frozen=True)
class Settlement:
    """A batch after comparison with what is recorded."""

    fresh: Sequence[Event]
    """What is new, in the order of the batch."""
    duplicate_count: int
    conflicts: Sequence[int]
    """Positions of events whose id is taken by other content, ascending."""


@dataclass(frozen=True)
class Assignment:
    """Whom each event of a batch is stored for, and what that does to the subjects."""

    owners: Sequence[bytes]
    """Pseudonym of the subject of each event, in the order of the events."""
    growth: Mapping[Subject, Growth]
    joins: Mapping[bytes, bytes]
    """Session → the user whom its events so far join."""


@dataclass(frozen=True)
class Recording:
    """The outcome of a batch."""

    recorded_count: int
    duplicate_count: int
    declined_count: int
    versions: Mapping[Subject, int]
    """The profile version of every subject of the batch."""
    conflicts: Sequence[int] = ()
    """Positions in the batch of events that were refused because their id is taken by other content."""


def subjects_of(events: Iterable[Event]) -> set[Subject]:
    """Every subject that a batch concerns: those it is counted for, and the sessions that may join a user."""
    found: set[Subject] = set()
    for user, session in {(event.user, event.session) for event in events}:
        if user is not None:
            found.add(Subject(SubjectKind.USER, user))
        if session is not None:
            found.add(Subject(SubjectKind.SESSION, session))
    return found


def screen(batch: Batch, states: Mapping[Subject, SubjectState], granted_by_default: frozenset[Purpose]) -> Screening:
    """Leave out what may not be recorded and what the batch itself holds twice."""
    events, hashes = batch.events, batch.hashes
    refusing = _refusing(events, states, granted_by_default)
    if not refusing and len(batch.by_id) == len(events):
        return Screening(batch.by_id, range(len(events)), {}, (), 0)
    accepted: dict[str, bytes] = {}
    first, declined = list[int](), 0
    repeats: dict[str, list[int]] = {}
    conflicts: list[int] = []
    for position, (event, digest) in enumerate(zip(events, hashes, strict=True)):
        known = accepted.get(event.event_id)
        if (event.user, event.session) in refusing:
            declined += 1
        elif known is None:
            accepted[event.event_id] = digest
            first.append(position)
        elif known == digest:
            repeats.setdefault(event.event_id, []).append(position)
        else:
            conflicts.append(position)
    return Screening(accepted, first, repeats, conflicts, declined)


def settle(batch: Batch, screening: Screening, recorded_hashes: Mapping[str, bytes]) -> Settlement:
    """Compare the accepted events with the hashes of those of their ids that were recorded before the batch."""
    if not recorded_hashes and len(screening.first) == len(batch.events):
        return Settlement(batch.events, 0, ())
    fresh: list[Event] = []
    conflicts = list(screening.conflicts)
    duplicates = sum(map(len, screening.repeats.values()))
    for position in screening.first:
        event = batch.events[position]
        recorded = recorded_hashes.get(event.event_id)
        if recorded is None:
            fresh.append(event)
        elif recorded == screening.accepted[event.event_id]:
            duplicates += 1
        else:
            repeats = screening.repeats.get(event.event_id, ())
            duplicates -= len(repeats)
            conflicts += (position, *repeats)
    return Settlement(fresh, duplicates, sorted(conflicts))


def conflict(event_id: str) -> Conflict:
    """The error of an event id that is recorded with other content."""
    return Conflict(
        f"event {event_id!r} is already recorded with other content; give every event an id of its own",
        reason="EVENT_CONFLICT",
        metadata={"event_id": event_id},
    )


def versions_after(
    events: Iterable[Event], states: Mapping[Subject, SubjectState], growth: Mapping[Subject, Growth]
) -> dict[Subject, int]:
    """The profile version of every subject of a batch with the batch."""
    pairs = {(event.user, None if event.user else event.session) for event in events}
    subjects = (_subject(user, session) for user, session in pairs)
    return {
        subject: states[subject].profile_version + (growth[subject].events if subject in growth else 0)
        for subject in subjects
    }


def assign(events: Sequence[Event], states: Mapping[Subject, SubjectState]) -> Assignment:
    """Give each event its subject. A session's events so far join the user at the first event that carries both ids."""
    owners: list[bytes] = []
    growth: dict[Subject, Growth] = {}
    joins: dict[bytes, bytes] = {}
    anonymous: dict[bytes, list[int]] = {}
    of_pair: dict[tuple[bytes | None, bytes | None], tuple[bytes, Growth]] = {}
    for index, event in enumerate(events):
        pair = event.user, event.session
        met = of_pair.get(pair)
        if met is None:
            subject = _subject(*pair)
            met = of_pair[pair] = subject.pseudonym, growth.setdefault(subject, Growth())
            if event.user is not None and event.session is not None and event.session not in joins:
                session = states[Subject(SubjectKind.SESSION, event.session)]
                if session.joined_user is None:
                    joins[event.session] = event.user
                    met[1].events += session.profile_version
                    _move(anonymous.get(event.session, ()), events, owners, event.user, met[1], growth)
        owners.append(met[0])
        met[1].add(event)
        if event.user is None:
            anonymous.setdefault(met[0], []).append(index)
    return Assignment(owners, growth, joins)


def adopted(state: SubjectState, joining: Iterable[SubjectState]) -> SubjectState:
    """The user after sessions joined: what a session decided holds for the user where the user decided nothing."""
    decided = dict(state.decided)
    for session in joining:
        for purpose, decision in session.decided.items():
            decided.setdefault(purpose, decision)
    return replace(state, decided=decided)


def _move(
    positions: Iterable[int],
    events: Sequence[Event],
    owners: list[bytes],
    user: bytes,
    own: Growth,
    growth: dict[Subject, Growth],
) -> None:
    """Let a session's events of this same batch join the user. The session's version keeps counting them."""
    for position in positions:
        owners[position] = user
        own.add(events[position])
        if events[position].action != IMPRESSION:
            growth[events[position].subject].recent -= 1


def _refusing(
    events: Iterable[Event], states: Mapping[Subject, SubjectState], granted_by_default: frozenset[Purpose]
) -> set[tuple[bytes | None, bytes | None]]:
    """The pairs of user and session whose events may not be recorded."""
    by_default = Consents.of({}, granted_by_default).allow_recording
    refusing = set()
    for pair in {(event.user, event.session) for event in events}:
        decided = _decided(*pair, states)
        if not (Consents.of(decided, granted_by_default).allow_recording if decided else by_default):
            refusing.add(pair)
    return refusing


def _decided(
    user: bytes | None, session: bytes | None, states: Mapping[Subject, SubjectState]
) -> Mapping[Purpose, Decision]:
    state = states.get(_subject(user, session))
    if state is None:
        return {}
    if user is None or session is None:
        return state.decided
    of_session = states.get(Subject(SubjectKind.SESSION, session))
    if of_session is None or of_session.joined_user is not None or not of_session.decided:
        return state.decided
    return adopted(state, [of_session]).decided


def _subject(user: bytes | None, session: bytes | None) -> Subject:
    if user is not None:
        return Subject(SubjectKind.USER, user)
    if session is None:
        raise ValueError("an event has neither user nor session")
    return Subject(SubjectKind.SESSION, session)
