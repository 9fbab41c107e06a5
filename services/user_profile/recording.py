"""What becomes of a batch of events, decided without a database: consent, duplicates, conflicts, and whom each is
for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.kit.errors import Conflict
from services.user_profile.actions import IMPRESSION
from services.user_profile.consent import Consents, Decision, Purpose
from services.user_profile.events import Event, Subject, SubjectKind, payload_hash


@dataclass(frozen=True)
class SubjectState:
    """A subject as it stands before the batch, read under its lock."""

    subject: Subject
    profile_version: int = 0
    decided: Mapping[Purpose, Decision] = field(default_factory=dict)
    """What the subject decided; purposes that are absent stand at the shop's default."""
    joined_user: bytes | None = None
    """Of a session: the user whom its first events joined."""


@dataclass
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
        self.first_us = at_us if self.first_us is None else min(self.first_us, at_us)
        self.last_us = at_us if self.last_us is None else max(self.last_us, at_us)
        if event.action == IMPRESSION:
            self.last_impression_us = max(self.last_impression_us or at_us, at_us)
        else:
            self.recent += 1


@dataclass(frozen=True)
class Accepted:
    """An event that may be recorded, once however often the batch holds it."""

    event: Event
    payload_hash: bytes
    positions: list[int]
    """Where in the batch it stands."""


@dataclass(frozen=True)
class Screening:
    """A batch after consent and after comparison with itself."""

    accepted: Mapping[str, Accepted]
    """By event id."""
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
    found = {event.subject for event in events}
    found.update(Subject(SubjectKind.SESSION, event.session) for event in events if event.session and event.user)
    return found


def screen(
    events: Sequence[Event], states: Mapping[Subject, SubjectState], granted_by_default: frozenset[Purpose]
) -> Screening:
    """Leave out what may not be recorded and what the batch itself holds twice."""
    accepted: dict[str, Accepted] = {}
    conflicts: list[int] = []
    declined = 0
    allowed: dict[tuple[Subject, bytes | None], bool] = {}
    for position, event in enumerate(events):
        key = (event.subject, event.session if event.user else None)
        if key not in allowed:
            allowed[key] = Consents.of(_decided(event, states), granted_by_default).allow_recording
        if not allowed[key]:
            declined += 1
            continue
        digest = payload_hash(event)
        known = accepted.get(event.event_id)
        if known is None:
            accepted[event.event_id] = Accepted(event, digest, [position])
        elif known.payload_hash == digest:
            known.positions.append(position)
        else:
            conflicts.append(position)
    return Screening(accepted, conflicts, declined)


def settle(screening: Screening, recorded_hashes: Mapping[str, bytes]) -> Settlement:
    """Compare the accepted events with the hashes of those of their ids that were recorded before the batch."""
    fresh: list[Event] = []
    conflicts = list(screening.conflicts)
    duplicates = 0
    for event_id, accepted in screening.accepted.items():
        recorded = recorded_hashes.get(event_id)
        if recorded is None:
            fresh.append(accepted.event)
            duplicates += len(accepted.positions) - 1
        elif recorded == accepted.payload_hash:
            duplicates += len(accepted.positions)
        else:
            conflicts += accepted.positions
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
    """The profile version of every subject of a batch with the batch, in order of first appearance."""
    return {
        subject: states[subject].profile_version + growth.get(subject, Growth()).events
        for subject in dict.fromkeys(event.subject for event in events)
    }


def assign(events: Sequence[Event], states: Mapping[Subject, SubjectState]) -> Assignment:
    """Give each event its subject. A session's events so far join the user at the first event that carries both ids."""
    owners: list[bytes] = []
    growth: dict[Subject, Growth] = {}
    joins: dict[bytes, bytes] = {}
    anonymous: dict[bytes, list[int]] = {}
    for index, event in enumerate(events):
        subject = event.subject
        owners.append(subject.pseudonym)
        own = growth.setdefault(subject, Growth())
        if event.user is None:
            anonymous.setdefault(subject.pseudonym, []).append(index)
        elif event.session is not None and event.session not in joins:
            session = states[Subject(SubjectKind.SESSION, event.session)]
            if session.joined_user is None:
                joins[event.session] = event.user
                own.events += session.profile_version
                _move(anonymous.get(event.session, ()), events, owners, event.user, own, growth)
        own.add(event)
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


def _decided(event: Event, states: Mapping[Subject, SubjectState]) -> Mapping[Purpose, Decision]:
    state = states.get(event.subject)
    if state is None:
        return {}
    if event.user is None or event.session is None:
        return state.decided
    session = states.get(Subject(SubjectKind.SESSION, event.session))
    if session is None or session.joined_user is not None:
        return state.decided
    return adopted(state, [session]).decided
