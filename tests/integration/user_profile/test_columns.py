"""The same events as messages, in columns and mixed: the same answer, and the same rows in every table."""

import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.kit.executor import BoundedExecutor
from services.kit.pseudonyms import Pseudonyms
from services.user_profile.actions import Action
from services.user_profile.consent import Decision, Purpose
from services.user_profile.event_reader import EventReader
from services.user_profile.events import Subject, SubjectKind
from services.user_profile.recording import Batch
from services.user_profile.sql import recorder
from services.user_profile.store import SqlStore
from services.user_profile.stream import StreamImport
from services.user_profile.tallies import Tallies
from tests.contract.event_columns import columns_of
from tests.fakes.keys import PSEUDONYM_KEY, TRACKING_KEY
from tests.fakes.user_profile import NOW_US
from tests.integration.user_profile.conftest import MakeStore
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb

SHOP = "columns"
PSEUDONYMS = Pseudonyms(PSEUDONYM_KEY)
READ = {
    "events": "SELECT * FROM user_profile.events WHERE shop_id = :shop ORDER BY event_id",
    "ledger": "SELECT * FROM user_profile.event_ledger WHERE shop_id = :shop ORDER BY event_id",
    "recent": "SELECT subject, occurred_at, action, item_id, query FROM user_profile.recent_events "
    "WHERE shop_id = :shop ORDER BY 1, 2, 3, 4, 5",
    "subjects": "SELECT pseudonym, kind, profile_version, recent_count, joined_user, first_at, last_at, "
    "last_impression_at, personalisation_granted, analytics_granted FROM user_profile.subjects "
    "WHERE shop_id = :shop ORDER BY pseudonym",
}
Messages = Sequence[pb.StreamEventsRequest]


@pytest.fixture(autouse=True)
async def small_limits(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Every way of writing is taken: copied ids, asked ids, copied rows, inserted rows."""
    monkeypatch.setattr(recorder, "_MANY", 6)
    monkeypatch.setattr(recorder, "_FEW", 3)
    await wipe(engine)
    yield
    await wipe(engine)


async def wipe(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for table in ("events", "event_ledger", "recent_events", "subjects"):
            await connection.execute(text(f"DELETE FROM user_profile.{table} WHERE shop_id = :shop"), {"shop": SHOP})


async def kept(engine: AsyncEngine) -> dict[str, list[Any]]:
    async with engine.connect() as connection:
        return {
            name: [tuple(row) for row in await connection.execute(text(statement), {"shop": SHOP})]
            for name, statement in READ.items()
        }


def some_events(dice: random.Random, count: int) -> list[pb.Event]:
    """Events of all kinds, some of them wrong, said twice, in conflict, or of somebody who refused."""
    events = []
    for _ in range(count):
        action = Action(dice.choice([1, 2, 2, 3, 6, 7, 7, 8, 9, 13]))
        number = dice.randrange(count)
        event = pb.Event(
            event_id=dice.choice([f"e{number}", f"e{number}", "", "é " * 3]) if dice.random() < 0.1 else f"e{number}",
            action=common_pb2.Action.ValueType(int(action)),
            user_id=dice.choice(["ada", "bob", "refuses", ""]),
            session_id=dice.choice(["s1", "s2", "s3", ""]),
            item_id="" if action == Action.SEARCH else f"item-{number % 4}",
            query="red shoes" if action == Action.SEARCH else "",
            rating=4 if action == Action.RATE else None,
            text="nice" if action == Action.REVIEW and number % 5 else "",
            quantity=dice.choice([0, 0, 3, -1]) if number % 7 == 0 else 0,
            channel=dice.choice(["", "web", "app"]),
            region=dice.choice(["", "DE"]),
            device=dice.choice([0, 1, 2]),
        )
        event.occurred_at.FromMicroseconds(NOW_US - (number + 1) * 40_000_000_000)
        if action == Action.PURCHASE:
            event.price.amount_minor, event.price.currency = number * 10, "EUR"
        if action == Action.IMPRESSION:
            event.placement.page_id, event.placement.row = "p1", number % 3
        events.append(event)
    return events


async def streamed(store: SqlStore, messages: Messages) -> pb.StreamEventsResponse:
    executor = BoundedExecutor("test_columns")
    stream = StreamImport(SHOP, store, executor, Tallies())
    for message in messages:
        await stream.take(message, EventReader(SHOP, PSEUDONYMS, TRACKING_KEY, NOW_US))
    await stream.settle()
    executor.close()
    return stream.answer


def ways(batches: Sequence[Sequence[pb.Event]]) -> dict[str, Messages]:
    return {
        "messages": [pb.StreamEventsRequest(events=batch) for batch in batches],
        "columns": [pb.StreamEventsRequest(columns=columns_of(batch)) for batch in batches],
        "mixed": [pb.StreamEventsRequest(events=batch[:5], columns=columns_of(batch[5:])) for batch in batches],
    }


@pytest.mark.parametrize("seed", range(4))
async def test_every_way_of_a_stream_leaves_the_same_rows(
    engine: AsyncEngine, make_store: MakeStore, seed: int
) -> None:
    dice = random.Random(seed)
    events = some_events(dice, 60)
    batches = [events[:9], events[9:11], events[11:40], events[40:], events[:20]]
    refusal = {Purpose.PERSONALISATION: Decision(False, 1), Purpose.ANALYTICS: Decision(False, 1)}
    told = {}
    for way, messages in ways(batches).items():
        await wipe(engine)
        store = make_store(window=5)
        await store.set_consents(SHOP, Subject(SubjectKind.USER, PSEUDONYMS.user(SHOP, "refuses")), refusal)
        told[way] = (await streamed(store, messages), await kept(engine))
    assert told["columns"] == told["messages"]
    assert told["mixed"] == told["messages"]
    answer, tables = told["messages"]
    assert min(answer.recorded_count, answer.duplicate_count, answer.declined_count, answer.rejected_count) > 0
    assert len(tables["events"]) == len(tables["ledger"]) == answer.recorded_count


async def test_events_of_record_events_are_known_to_columns_and_the_other_way(
    engine: AsyncEngine, make_store: MakeStore
) -> None:
    store = make_store()
    reader = EventReader(SHOP, PSEUDONYMS, TRACKING_KEY, NOW_US)
    events = {event.event_id: event for event in some_events(random.Random(9), 40)}
    read = {event_id: reader.read(event)[0] for event_id, event in events.items()}
    orderly = [event for event_id, event in events.items() if read[event_id] is not None]
    batch = Batch.of([event for event in read.values() if event is not None])
    await store.record(SHOP, batch, NOW_US, refuse_conflicts=True)
    before = await kept(engine)
    answer = await streamed(store, [pb.StreamEventsRequest(columns=columns_of(orderly))])
    assert (answer.recorded_count, answer.duplicate_count, answer.rejected_count) == (0, len(orderly), 0)
    assert await kept(engine) == before
    await wipe(engine)
    await streamed(store, [pb.StreamEventsRequest(columns=columns_of(orderly))])
    again = await store.record(SHOP, batch, NOW_US, refuse_conflicts=True)
    assert (again.recorded_count, again.duplicate_count) == (0, len(orderly))


async def test_a_repeated_import_is_asked_for_its_ids_until_something_is_new(
    engine: AsyncEngine, make_store: MakeStore
) -> None:
    store = make_store()
    first = [view(f"{name}{number}") for name in "ab" for number in range(8)]
    second = [view(f"c{number}") for number in range(8)]
    messages = [pb.StreamEventsRequest(columns=columns_of(batch)) for batch in (first, first, second, second)]
    answer = await streamed(store, messages)
    assert (answer.recorded_count, answer.duplicate_count) == (24, 24)
    assert len((await kept(engine))["events"]) == 24


def view(event_id: str) -> pb.Event:
    event = pb.Event(event_id=event_id, action=common_pb2.ACTION_VIEW, user_id="ada", item_id="item-1")
    event.occurred_at.FromMicroseconds(NOW_US - 1)
    return event
