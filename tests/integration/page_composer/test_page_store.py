"""The page log on a real PostgreSQL: once each, by month, erased when user_profile erases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from services.kit.database import create_engine, transaction
from services.kit.migrations import migrate
from services.kit.settings import DatabaseSettings
from services.page_composer.logged_page import CampaignUse, LoggedPage, LoggedSlot, PageRecord
from services.page_composer.page import Versions
from services.page_composer.store.decision_store import DecisionStore
from services.page_composer.store.page_store import PageStore
from services.page_composer.tables import SCHEMA
from services.page_composer.wiring import MIGRATIONS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA, BOB = b"a" * 16, b"b" * 16
EARLY, LATE = NOW - timedelta(days=400), NOW + timedelta(days=400)


@pytest.fixture
async def engine(postgres_dsn):
    await migrate(postgres_dsn, MIGRATIONS, SCHEMA)
    made = create_engine(DatabaseSettings(database_dsn=postgres_dsn))
    yield made
    async with transaction(made) as connection:
        for table in ("page", "page_ledger", "campaign_view", "campaign_cost", "refusal", "deletion_cursor", "rule"):
            await connection.execute(text(f"TRUNCATE {SCHEMA}.{table}"))
    await made.dispose()


@pytest.fixture
def store(engine):
    return PageStore(engine)


def logged(page_id: str, at: datetime = NOW, pseudonym: bytes | None = ADA, **fields) -> LoggedPage:
    slots = (
        LoggedSlot("popular:1", "popular", "item-1", 0, 0, 1, 0.5, 0.1, 0.01),
        LoggedSlot("popular:1", "popular", "item-2", 0, 1, 2),
    )
    versions = Versions("r1", "7", 3, 4, 5, 6, "w")
    record = PageRecord(page_id, at, 1, "en", "DE", "home_desktop", versions, ("e:a",), ("ranker",), slots)
    return LoggedPage("shop", record, pseudonym, **fields)


async def exported(store: PageStore, shop_id: str = "shop") -> list[LoggedPage]:
    return [page async for pages in store.export(shop_id, EARLY, LATE) for page in pages]


async def test_a_page_comes_back_as_it_was_written_and_once(store):
    await store.write([logged("1"), logged("1"), logged("2", NOW + timedelta(seconds=1), None)])
    await store.write([logged("1", NOW + timedelta(hours=1))])
    assert await exported(store) == [logged("1"), logged("2", NOW + timedelta(seconds=1), None)]
    assert await exported(store, "another") == []


async def test_exports_run_on_over_many_pages_in_time_order(store):
    pages = [logged(f"{number:04}", NOW + timedelta(seconds=number % 7)) for number in range(450)]
    await store.write(pages)
    found = await exported(store)
    assert [(each.composed_at, each.page.page_id) for each in found] == sorted(
        (each.composed_at, each.page.page_id) for each in pages
    )


async def test_pages_without_consent_are_not_kept_and_a_refusal_ends_the_export_of_earlier_ones(store):
    await store.write([logged("1"), logged("2", pseudonym=BOB)])
    await store.write([logged("3", NOW + timedelta(hours=1), analytics=False, refused=True)])
    assert [each.page.page_id for each in await exported(store)] == ["2"]
    await store.write([logged("4", NOW + timedelta(hours=2))])
    assert [each.page.page_id for each in await exported(store)] == ["2", "4"]


async def test_views_and_costs_are_counted_once_a_page(store, engine):
    uses = [CampaignUse("spring", 1.5), CampaignUse("banner", 0.0)]
    await store.write([logged("1", campaigns=uses), logged("2", campaigns=uses), logged("1", campaigns=uses)])
    await store.write(
        [logged("3", NOW - timedelta(days=2), campaigns=uses), logged("4", pseudonym=BOB, campaigns=uses)]
    )
    since = NOW - timedelta(hours=24)
    assert await store.views("shop", ADA, ["spring", "other"], since) == {"spring": 2}
    assert await store.views("shop", BOB, ["spring", "banner"], since) == {"spring": 1, "banner": 1}
    assert await DecisionStore(engine).costs() == {"shop": {"spring": 6.0}}


async def test_an_erasure_leaves_nothing_of_a_visitor_and_is_remembered(store, engine):
    uses = [CampaignUse("spring", 0.0)]
    await store.write(
        [logged("1", campaigns=uses), logged("2", pseudonym=BOB, campaigns=uses), logged("3", refused=True)]
    )
    assert await store.erased_up_to("shop") == ""
    await store.erase("shop", [ADA], "cursor-1")
    assert [each.pseudonym for each in await exported(store)] == [BOB]
    assert await store.views("shop", ADA, ["spring"], EARLY) == {}
    assert await store.erased_up_to("shop") == "cursor-1"
    async with transaction(engine) as connection:
        assert await connection.scalar(text(f"SELECT count(*) FROM {SCHEMA}.refusal")) == 0


async def test_pages_are_kept_by_month_and_old_months_go(store, engine):
    kept = timedelta(days=32)
    await store.keep_house(NOW - timedelta(days=90), kept)
    old = logged("old", NOW - timedelta(days=90))
    await store.write([old])
    await store.keep_house(NOW, kept)
    await store.keep_house(NOW, kept)
    await store.write(
        [logged("new"), replace(logged("odd"), page=replace(logged("odd").page, composed_at=NOW + timedelta(days=300)))]
    )
    async with transaction(engine) as connection:
        names = await connection.scalars(
            text("SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid ORDER BY 1")
        )
        partitions = [name for name in names if name.startswith("page_") and not name.endswith("idx")]
    assert [name for name in partitions if name[5:].isdigit()] == ["page_202601", "page_202603", "page_202604"]
    assert [each.page.page_id for each in await exported(store)] == ["new", "odd"]


async def test_decisions_have_one_version_a_shop_that_only_grows(engine):
    store = DecisionStore(engine)
    before = (await store.versions()).get("shop", 0)
    first = await store.put("rule", "shop", "r", {"rule_id": "r"})
    second = await store.put("rule", "shop", "r", {"rule_id": "r", "note": "x"})
    assert (first, second) == (before + 1, before + 2)
    assert await store.delete("rule", "shop", "none") is None
    assert (await store.load("shop")).version == second
    assert (await store.load("shop")).content["rule"] == [{"rule_id": "r", "note": "x"}]
    assert await store.delete("rule", "shop", "r") == second + 1
