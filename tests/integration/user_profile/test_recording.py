"""What only a real PostgreSQL can show: partitions, locks, and reads that stay bounded."""

import asyncio
import random
from datetime import UTC, datetime
from itertools import count

import pytest
from sqlalchemy import text

from services.kit.errors import Conflict
from services.kit.executor import BoundedExecutor
from services.user_profile.actions import Action
from services.user_profile.consent import Decision, Purpose
from services.user_profile.events import Event, Subject, SubjectKind
from services.user_profile.profile import DAY_US, ProfileEvent, ProfileLimits, build_profile
from services.user_profile.recording import Batch
from services.user_profile.sql.moments import microseconds
from services.user_profile.sql.partitions import month_of
from services.user_profile.sql.profiles import IMPRESSIONS
from services.user_profile.store import EventRange, SqlStore
from tests.fakes.user_profile import MemoryStore

NOW_US = microseconds(datetime(2026, 5, 28, tzinfo=UTC))
_SHOPS = count(1)


@pytest.fixture
def shop_id() -> str:
    return f"shop-{next(_SHOPS)}"


def pseudonym(name: str) -> bytes:
    return name.encode().ljust(16, b"-")


def user(name: str = "ada") -> Subject:
    return Subject(SubjectKind.USER, pseudonym(name))


def event(
    event_id: str, name: str | None = "ada", *, session: str | None = None, age_us: int = 1_000, **fields
) -> Event:
    action = fields.pop("action", Action.VIEW)
    return Event(
        event_id,
        int(action),
        NOW_US - age_us,
        pseudonym(name) if name else None,
        pseudonym(session) if session else None,
        item_id=fields.pop("item_id", "item-1"),
        **fields,
    )


async def rows(engine, statement: str, **values) -> list:
    async with engine.connect() as connection:
        return list(await connection.execute(text(statement), values))


async def partitions(engine) -> list[str]:
    found = await rows(
        engine,
        "SELECT relname FROM pg_inherits JOIN pg_class ON oid = inhrelid "
        "WHERE inhparent = 'user_profile.events'::regclass ORDER BY relname",
    )
    return [row[0] for row in found]


async def test_a_month_gets_its_partition_when_its_first_event_arrives(engine, make_store, shop_id):
    store = make_store()
    old = [event(f"e{years}", age_us=years * 365 * DAY_US) for years in range(4)]
    await store.record(shop_id, Batch.of(old), NOW_US, refuse_conflicts=True)
    made = await partitions(engine)
    assert set(made) >= {"events_y2026m05", "events_y2025m05", "events_y2024m05", "events_y2023m05"}
    placed = await rows(
        engine, "SELECT tableoid::regclass::text, event_id FROM user_profile.events WHERE shop_id = :shop", shop=shop_id
    )
    assert {row[0].rpartition("_")[2] for row in placed} == {"y2026m05", "y2025m05", "y2024m05", "y2023m05"}
    indexes = await rows(engine, "SELECT count(*) FROM pg_indexes WHERE tablename = 'events_y2023m05'")
    assert indexes[0][0] == 2


async def test_partitions_are_made_ahead_over_the_turn_of_the_year(engine, make_store):
    await make_store().partitions.ensure_ahead(datetime(2030, 11, 30, tzinfo=UTC), months=2)
    assert set(await partitions(engine)) >= {"events_y2030m11", "events_y2030m12", "events_y2031m01"}


async def test_two_processes_may_need_the_same_new_month_at_once(make_store, shop_id):
    first, second = make_store(), make_store()
    batches = [[event("one", age_us=6 * 365 * DAY_US)], [event("two", age_us=6 * 365 * DAY_US)]]
    recordings = await asyncio.gather(
        *(
            store.record(shop_id, Batch.of(batch), NOW_US, refuse_conflicts=True)
            for store, batch in zip((first, second), batches, strict=True)
        )
    )
    assert [recording.recorded_count for recording in recordings] == [1, 1]


def test_months_are_those_of_utc():
    assert month_of(microseconds(datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC))) == (2026, 2)
    assert month_of(microseconds(datetime(2026, 3, 1, tzinfo=UTC))) == (2026, 3)


async def test_concurrent_batches_over_the_same_people_lose_nothing_and_never_block_each_other(make_store, shop_id):
    """Batches in different orders with people in common: any inconsistent order of locks would deadlock here."""
    dice = random.Random(7)
    batches = []
    for batch in range(24):
        people = [dice.choice(["ada", "bob", "eve", None]) for _ in range(20)]
        batches.append(
            [
                event(f"{batch}-{index}", name, session=dice.choice(["s1", "s2", "s3"]))
                for index, name in enumerate(people)
            ]
        )
    stores = [make_store() for _ in range(4)]
    await asyncio.gather(
        *(
            stores[index % 4].record(shop_id, Batch.of(batch), NOW_US, refuse_conflicts=True)
            for index, batch in enumerate(batches)
        )
    )
    exported = [each async for page in stores[0].shop_events(shop_id, _everything()) for each in page]
    assert len(exported) == 24 * 20
    for name in ("ada", "bob", "eve"):
        owned = [each for each in exported if each.user == pseudonym(name)]
        stored = await stores[1].read_profile(shop_id, user(name), NOW_US, as_of=False)
        assert stored.rows is not None
        assert stored.rows.profile_version == len(owned)


async def test_the_same_batch_sent_twice_at_once_is_recorded_once(make_store, shop_id):
    batch = [event(f"e{index}", age_us=index + 1) for index in range(50)]
    recordings = await asyncio.gather(
        *(make_store().record(shop_id, Batch.of(batch), NOW_US, refuse_conflicts=True) for _ in range(4))
    )
    assert sorted(each.recorded_count for each in recordings) == [0, 0, 0, 50]
    assert sum(each.duplicate_count for each in recordings) == 150
    assert {each.versions[user()] for each in recordings} == {50}


async def test_a_refused_batch_leaves_no_row_anywhere(engine, make_store, shop_id):
    store = make_store()
    await store.record(shop_id, Batch.of([event("taken")]), NOW_US, refuse_conflicts=True)
    with pytest.raises(Conflict):
        await store.record(
            shop_id, Batch.of([event("new", "bob"), event("taken", item_id="other")]), NOW_US, refuse_conflicts=True
        )
    for table in ("events", "event_ledger", "subjects", "recent_events"):
        kept = await rows(engine, f"SELECT count(*) FROM user_profile.{table} WHERE shop_id = :shop", shop=shop_id)
        assert kept[0][0] == 1, table


async def test_who_is_declined_leaves_no_trace(engine, make_store, shop_id):
    store = make_store()
    refusal = {Purpose.PERSONALISATION: Decision(False, 1), Purpose.ANALYTICS: Decision(False, 1)}
    await store.set_consents(shop_id, user(), refusal)
    recording = await store.record(shop_id, Batch.of([event("1", session="s9")]), NOW_US, refuse_conflicts=True)
    assert recording.declined_count == 1
    known = await rows(engine, "SELECT pseudonym FROM user_profile.subjects WHERE shop_id = :shop", shop=shop_id)
    assert [bytes(row[0]) for row in known] == [pseudonym("ada")]
    assert not await rows(engine, "SELECT 1 FROM user_profile.event_ledger WHERE shop_id = :shop", shop=shop_id)


async def test_another_replica_reads_what_was_acknowledged(make_store, shop_id):
    writer, reader = make_store(), make_store()
    for number in range(1, 6):
        await writer.record(shop_id, Batch.of([event(f"e{number}", age_us=number)]), NOW_US, refuse_conflicts=True)
        stored = await reader.read_profile(shop_id, user(), NOW_US, as_of=False)
        assert stored.rows is not None
        assert (stored.rows.profile_version, len(stored.rows.events)) == (number, number)


async def test_pruned_rows_give_the_same_profile_as_the_whole_history(engine, make_store, shop_id):
    """The store with a window of 20 against one that keeps everything, over batches in no order of time."""
    dice = random.Random(11)
    limits = ProfileLimits(window=20)
    store, everything = make_store(window=20), MemoryStore()
    sent: list[Event] = []
    for batch in range(12):
        for index in range(10):
            action = dice.choice([each for each in Action if each != Action.SEARCH])
            # Newest last, as events come: what was pruned is older than all that follows.
            age_us = (12 - batch) * DAY_US + dice.randrange(DAY_US // 2)
            sent.append(event(f"{batch}-{index}", age_us=age_us, action=action, item_id=f"item-{dice.randrange(6)}"))
        await store.record(shop_id, Batch.of(sent[-10:]), NOW_US, refuse_conflicts=True)
        await everything.record(shop_id, Batch.of(sent[-10:]), NOW_US, refuse_conflicts=True)
    hot = (await store.read_profile(shop_id, user(), NOW_US, as_of=False)).rows
    assert hot is not None
    whole = [ProfileEvent(each.occurred_us, each.action, each.item_id) for each in sent]
    assert build_profile(hot.events, NOW_US, limits=limits, impression_counts=hot.impression_counts) == build_profile(
        whole, NOW_US, limits=limits
    )
    assert len(hot.events) < 30 + 6 + 6
    counted = await rows(
        engine,
        "SELECT recent_count, (SELECT count(*) FROM user_profile.recent_events WHERE shop_id = :shop) "
        "FROM user_profile.subjects WHERE shop_id = :shop",
        shop=shop_id,
    )
    assert counted[0][0] == counted[0][1] == len(hot.events)


async def test_of_many_people_each_keeps_the_newest_and_what_still_stands(engine, make_store, shop_id):
    dice = random.Random(3)
    store = make_store(window=10)
    people = {"ada": 40, "bob": 40, "eve": 12, "kim": 40}
    sent = [event(f"{name}-{age}", name, age_us=age) for name, count in people.items() for age in range(1, count)]
    sent.append(event("kim-hide", "kim", age_us=99, action=Action.HIDE, item_id="item-9"))
    dice.shuffle(sent)
    await store.record(shop_id, Batch.of(sent), NOW_US, refuse_conflicts=True)
    for name, kept in {"ada": 10, "bob": 10, "eve": 11, "kim": 11}.items():
        stored = await store.read_profile(shop_id, user(name), NOW_US, as_of=False)
        ages = sorted(NOW_US - each.occurred_us for each in stored.rows.events)
        assert ages == [*range(1, 11), *{"eve": [11], "kim": [99]}.get(name, ())]
        counted = await rows(
            engine,
            "SELECT recent_count FROM user_profile.subjects WHERE shop_id = :shop AND pseudonym = :name",
            shop=shop_id,
            name=pseudonym(name),
        )
        assert counted[0][0] == len(ages) == kept


async def test_a_profile_as_of_now_is_the_profile_of_now(make_store, shop_id):
    dice = random.Random(5)
    store = make_store()
    sent = [
        event(f"e{index}", age_us=dice.randrange(1, 60 * DAY_US), action=dice.choice([1, 2, 4, 6, 7, 13]))
        for index in range(100)
    ]
    await store.record(shop_id, Batch.of(sent), NOW_US - 1, refuse_conflicts=True)
    profiles = []
    for as_of in (False, True):
        stored = (await store.read_profile(shop_id, user(), NOW_US, as_of=as_of)).rows
        assert stored is not None
        assert stored.profile_version == 100
        profiles.append(build_profile(stored.events, NOW_US, impression_counts=stored.impression_counts))
    assert profiles[0] == profiles[1]


async def test_the_hot_read_does_not_touch_more_partitions_as_they_grow(engine, make_store, shop_id):
    store = make_store()
    spread = [event(f"e{month}", age_us=month * 30 * DAY_US + 1, action=Action.IMPRESSION) for month in range(30)]
    await store.record(shop_id, Batch.of(spread), NOW_US, refuse_conflicts=True)
    assert len(await partitions(engine)) >= 24
    async with engine.connect() as connection:
        plan = await connection.exec_driver_sql(
            f"EXPLAIN {IMPRESSIONS}",
            (shop_id, pseudonym("ada"), datetime(2026, 5, 21, tzinfo=UTC), datetime(2026, 5, 28, tzinfo=UTC)),
        )
        scanned = {word for row in plan for word in row[0].split() if word.startswith("events_y")}
    assert {name for name in scanned if "subject" not in name and "shop" not in name} == {"events_y2026m05"}


async def test_deleting_a_user_leaves_nothing_in_any_table(engine, make_store, shop_id):
    store = make_store()
    await store.record(
        shop_id,
        Batch.of(
            [
                event("1", None, session="s1"),
                event("2", session="s1"),
                event("3", None, session="s1"),
                event("4", "bob"),
            ]
        ),
        NOW_US,
        refuse_conflicts=True,
    )
    receipt = await store.delete_user(shop_id, pseudonym("ada"))
    assert receipt is not None
    assert receipt.deleted_event_count == 3
    for table, column in (("events", "subject"), ("recent_events", "subject"), ("subjects", "pseudonym")):
        left = await rows(engine, f"SELECT {column} FROM user_profile.{table} WHERE shop_id = :shop", shop=shop_id)
        assert [bytes(row[0]) for row in left] == [pseudonym("bob")], table
    ids = await rows(engine, "SELECT event_id FROM user_profile.event_ledger WHERE shop_id = :shop", shop=shop_id)
    assert [row[0] for row in ids] == ["4"]
    told = await store.deletions(shop_id, 0, 10)
    assert [list(each.pseudonyms) for each in told] == [[pseudonym("ada"), pseudonym("s1")]]
    assert await store.delete_user(shop_id, pseudonym("ada")) is None


def _everything():
    return EventRange(0, NOW_US + DAY_US)


async def test_long_batches_are_worked_on_aside_and_short_ones_at_once(engine, make_store, shop_id):
    class Watched(BoundedExecutor):
        done: list[str] = []  # noqa: RUF012

        async def run(self, work, *args, **kwargs):
            self.done.append(work.__name__)
            return await super().run(work, *args, **kwargs)

    executor = Watched("test_recording")
    aside, plain, other = SqlStore(engine, frozenset(Purpose), executor=executor), make_store(), f"{shop_id}-plain"
    short = Batch.of([event(f"short-{number}") for number in range(30)])
    assert (await aside.record(shop_id, short, NOW_US, refuse_conflicts=False)).recorded_count == 30
    assert Watched.done == []
    many = [event(f"e{number % 2_000}", f"user-{number % 7}", age_us=number % 2_000) for number in range(2_100)]
    many[0] = event("e0", "user-0", age_us=99, item_id="item-2")
    for _ in range(2):
        answers = [
            await store.record(shop, Batch.of(many), NOW_US, refuse_conflicts=False)
            for store, shop in ((aside, shop_id), (plain, other))
        ]
        assert (answers[0].recorded_count, answers[0].conflicts) == (answers[1].recorded_count, answers[1].conflicts)
    wanted = "SELECT event_id, subject, item_id FROM user_profile.events WHERE shop_id = :shop AND event_id LIKE 'e%' "
    stored = [await rows(engine, wanted + "ORDER BY event_id", shop=shop) for shop in (shop_id, other)]
    assert stored[0] == stored[1]
    assert len(stored[0]) == 2_000
    assert {"screen", "settle", "assign", "ledger_rows", "event_rows", "recent_rows"} <= set(Watched.done)
    executor.close()
