"""What becomes of a batch, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.errors import Conflict
from services.user_profile.actions import Action
from services.user_profile.consent import Decision, Purpose
from services.user_profile.events import Event, Placement, Subject, SubjectKind, payload_hash
from services.user_profile.recording import (
    Batch,
    SubjectState,
    assign,
    conflict,
    screen,
    settle,
    subjects_of,
    versions_after,
)

ALL = frozenset(Purpose)
ADA, BOB, S1 = b"a" * 16, b"b" * 16, b"1" * 16
USER, SESSION = Subject(SubjectKind.USER, ADA), Subject(SubjectKind.SESSION, S1)


def event(event_id: str = "1", user: bytes | None = ADA, session: bytes | None = None, **fields) -> Event:
    return Event(event_id, fields.pop("action", Action.VIEW), fields.pop("at", 1_000), user, session, **fields)


def states(*known: SubjectState) -> dict[Subject, SubjectState]:
    named = {state.subject: state for state in known}
    return {
        subject: named.get(subject, SubjectState(subject))
        for subject in (USER, SESSION, Subject(SubjectKind.USER, BOB))
    }


def refusing(subject: Subject, *purposes: Purpose) -> SubjectState:
    return SubjectState(subject, decided={purpose: Decision(False, 1) for purpose in purposes})


@pytest.mark.parametrize(
    "changed",
    [
        {"action": Action.CLICK},
        {"at": 1_001},
        {"item_id": "other"},
        {"query": "q"},
        {"rating": 1},
        {"text": "t"},
        {"quantity": 2},
        {"price_minor": 0},
        {"currency": "EUR"},
        {"channel": "app"},
        {"region": "DE"},
        {"locale": "de"},
        {"device": 1},
        {"placement": Placement("p", "", 0, 0, 0)},
        {"user": BOB},
        {"session": S1},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_part_of_the_content_counts_in_the_hash(changed):
    assert payload_hash(event(**changed)) != payload_hash(event())


def test_the_hash_does_not_cover_the_id_and_is_stable():
    assert payload_hash(event("1")) == payload_hash(event("2"))
    # Stored hashes must be found again by every later version of this code.
    assert payload_hash(event("1", item_id="item-1")).hex() == "d76184f5417f083d4efee3bf21b87bb0"


def test_conflicts_are_positions_within_and_against_what_is_recorded():
    batch = [event("a"), event("b"), event("a"), event("b", action=Action.CLICK), event("c"), event("c")]
    screening = screen(Batch.of(batch), states(), ALL)
    assert (list(screening.accepted), screening.conflicts) == (["a", "b", "c"], [3])
    known = {"a": payload_hash(batch[0]), "c": b"other content"}
    settlement = settle(Batch.of(batch), screening, known)
    assert ([each.event_id for each in settlement.fresh], settlement.duplicate_count) == (["b"], 2)
    assert settlement.conflicts == [3, 4, 5]


def test_a_conflict_names_the_event():
    error = conflict("e-1")
    assert isinstance(error, Conflict)
    assert (error.reason, error.metadata) == ("EVENT_CONFLICT", {"event_id": "e-1"})


@pytest.mark.parametrize(
    ("refused", "declined"),
    [
        ((Purpose.PERSONALISATION,), 0),
        ((Purpose.ANALYTICS,), 0),
        ((Purpose.PERSONALISATION, Purpose.ANALYTICS), 1),
        ((Purpose.MARKETING,), 0),
    ],
)
def test_an_event_is_declined_when_it_may_serve_nothing(refused, declined):
    assert screen(Batch.of([event()]), states(refusing(USER, *refused)), ALL).declined_count == declined


def test_where_the_law_asks_first_nothing_is_recorded_by_default():
    assert screen(Batch.of([event()]), states(), frozenset()).declined_count == 1
    agreed = SubjectState(USER, decided={Purpose.ANALYTICS: Decision(True, 1)})
    assert screen(Batch.of([event()]), states(agreed), frozenset()).declined_count == 0


def test_what_the_session_refused_holds_for_the_event_that_would_join_it():
    refused = refusing(SESSION, Purpose.PERSONALISATION, Purpose.ANALYTICS)
    assert screen(Batch.of([event(session=S1)]), states(refused), ALL).declined_count == 1
    decided = SubjectState(USER, decided=dict.fromkeys(Purpose, Decision(True, 1)))
    assert screen(Batch.of([event(session=S1)]), states(refused, decided), ALL).declined_count == 0


def test_the_first_event_with_both_ids_takes_the_session_along_and_later_ones_do_not():
    batch = [
        event("1", None, S1, at=5),
        event("2", ADA, S1, at=9),
        event("3", None, S1, at=3),
        event("4", BOB, S1),
    ]
    assignment = assign(batch, states(SubjectState(SESSION, profile_version=4)))
    assert list(assignment.owners) == [ADA, ADA, S1, BOB]
    assert assignment.joins == {S1: ADA}
    versions = versions_after(batch, states(SubjectState(SESSION, 4), SubjectState(USER, 10)), assignment.growth)
    # Ada had 10; 4 stored events join her, one of this batch, and one is her own.
    assert versions == {SESSION: 6, USER: 16, Subject(SubjectKind.USER, BOB): 1}
    grown = assignment.growth[USER]
    assert (grown.first_us, grown.last_us, grown.recent) == (5, 9, 2)


def test_a_session_that_joined_before_joins_nobody_else():
    joined = SubjectState(SESSION, 3, joined_user=BOB)
    assignment = assign([event("1", None, S1), event("2", ADA, S1)], states(joined))
    assert (list(assignment.owners), assignment.joins) == ([S1, ADA], {})


@given(st.lists(st.tuples(st.sampled_from([None, ADA, BOB]), st.sampled_from([None, S1])), max_size=12))
def test_every_event_has_one_owner_and_versions_count_them(pairs):
    batch = [event(str(index), user, session) for index, (user, session) in enumerate(pairs) if user or session]
    known = {subject: SubjectState(subject) for subject in subjects_of(batch)}
    assignment = assign(batch, known)
    assert len(assignment.owners) == len(batch)
    for subject, growth in assignment.growth.items():
        owned = sum(owner == subject.pseudonym for owner in assignment.owners)
        if subject.kind == SubjectKind.USER:
            assert growth.events == owned
        else:
            assert growth.events == sum(each.user is None for each in batch)
            assert growth.recent == owned
