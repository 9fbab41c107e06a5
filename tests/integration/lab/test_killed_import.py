"""Imports killed by SIGKILL and resumed leave the real services' tables as an uninterrupted import leaves them."""

import asyncio
import json
import random
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from services.item_vision.__main__ import definition as item_vision
from services.item_vision.settings import ItemVisionSettings
from services.kit.database import driver_url
from services.kit.serving import running
from services.user_profile.__main__ import definition as user_profile
from services.user_profile.settings import UserProfileSettings
from tests.fakes.keys import PSEUDONYM_KEY, TRACKING_KEY
from tests.fakes.small_encoders import SmallImageEncoder

SCRIPT = Path(__file__).parent / "killed_import.py"
VOLATILE = {"shop_id", "recorded_at", "updated_at", "id", "changed_xid", "not_before", "payload_hash"}
"""What differs between two shops that hold the same."""


def items() -> list[dict[str, Any]]:
    made = [
        {
            "item_id": f"i{n}", "titles": {"en": f"Tea {n}"}, "price_minor": 300 + n, "currency": "EUR", "stock": n,
            "created_at": "2026-01-01", "category": f"Tea/{n % 3}",
        }
        for n in range(120)
    ]  # fmt: skip
    return [*made, {**made[5], "stock": 99}, made[7], {**made[8], "price_minor": -1}]


def events() -> list[dict[str, Any]]:
    chance = random.Random(11)
    made = []
    for number in range(1_600):
        user = chance.randrange(30)
        made.append(
            {
                "event_id": f"e{number}", "action": chance.choice(["view", "click", "cart"]),
                "item_id": f"i{chance.randrange(130)}", "user_id": f"u{user}",
                "session_id": f"s{user}-{chance.randrange(2)}",
                "occurred_at": f"2026-01-{1 + number // 80:02d}T10:00:{number % 60:02d}Z",
            }
        )  # fmt: skip
    return [*made[:900], made[3], {**made[4], "action": "hide"}, {"event_id": "x", "action": "gaze"}, *made[900:]]


async def test_an_import_killed_five_times_ends_like_one_that_was_not(postgres_dsn: str, tmp_path: Path) -> None:
    profile_settings = UserProfileSettings(
        database_dsn=postgres_dsn, pseudonym_key=PSEUDONYM_KEY, tracking_key=TRACKING_KEY.decode(),
        releases_dir=tmp_path / "releases", drain_seconds=1.0,
    )  # fmt: skip
    vision_settings = ItemVisionSettings(
        database_dsn=postgres_dsn, releases_dir=tmp_path / "releases", drain_seconds=1.0
    )
    files = {"items": lines_file(tmp_path, "items", items()), "events": lines_file(tmp_path, "events", events())}
    async with (
        running(user_profile(profile_settings)) as profiles,
        running(item_vision(vision_settings, lambda _: SmallImageEncoder())) as vision,
    ):
        to = {"user_profile": profiles, "item_vision": vision}
        chance = random.Random(2026)
        reports: dict[str, list[dict[str, Any]]] = {"whole": [], "killed": []}
        for kind, kills in (("items", 2), ("events", 3)):
            asked = {**to, "kind": kind, "file": str(files[kind])}
            for shop, told in reports.items():
                work = {"shop": shop, "work": str(tmp_path / "work")}
                steps = [chance.randrange(2, 10) for _ in range(kills)] if shop == "killed" else []
                told.append(await imported({**asked, **work}, steps))
        engine = create_async_engine(driver_url(postgres_dsn))
        async with engine.connect() as connection:
            whole, killed = [await everything_of(connection, shop) for shop in reports]
        await engine.dispose()
    assert {"user_profile.events", "item_vision.items"} <= {table for table, rows in whole.items() if rows}
    assert killed == whole
    assert sum(report["resumed_rows"] for report in reports["killed"]) > 0
    for whole_report, killed_report in zip(*reports.values(), strict=True):
        assert without_times(killed_report) == without_times(whole_report)


async def imported(asked: dict[str, Any], kill_steps: Iterable[int]) -> dict[str, Any]:
    """Import with kills, then once more to the end; return the last report."""
    for kill_at in (*kill_steps, 0):
        command = [sys.executable, str(SCRIPT), json.dumps({**asked, "kill_at": kill_at})]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        told, wrong = await process.communicate()
        # A kill falls a few milliseconds behind its step; near the end the import may be done by then.
        assert process.returncode == 0 or (kill_at and process.returncode == -signal.SIGKILL), wrong.decode()
    return dict(json.loads(told.decode()))


async def everything_of(connection: AsyncConnection, shop_id: str) -> dict[str, list[str]]:
    """Return a shop's rows of every table as sorted JSON; pseudonyms, keyed by shop, become names that both share."""
    tables = await connection.execute(
        sa.text(
            "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'shop_id' "
            "WHERE n.nspname IN ('user_profile', 'item_vision') AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        )
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for table in tables.scalars():
        rows = await connection.execute(
            sa.text(f"SELECT to_jsonb(t) FROM {table} t WHERE shop_id = :shop_id"), {"shop_id": shop_id}
        )
        found[table] = [{k: v for k, v in row.items() if k not in VOLATILE} for row in rows.scalars()]
    names: dict[str, str] = {}
    for event in sorted(found["user_profile.events"], key=lambda row: row["event_id"]):
        names.setdefault(event["subject"], f"subject of {event['event_id']}")
        names.setdefault(event["session"], f"session of {event['event_id']}")
    return {
        table: sorted(json.dumps(_named(row, names), sort_keys=True) for row in rows) for table, rows in found.items()
    }


def _named(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {key: names.get(value, value) if isinstance(value, str) else value for key, value in row.items()}


def without_times(report: dict[str, Any]) -> dict[str, Any]:
    """Leave out times, and who had counted an event that was durable before its batch was acknowledged."""
    kept = {**report, "merged_by": dict(report["merged_by"])}
    for name in ("seconds", "lines_per_second", "resumed_rows", "shop_id", "service"):
        del kept[name]
    again = kept["merged_by"].pop("recorded before", 0)
    return {**kept, "imported": kept["imported"] + again, "merged": kept["merged"] - again}


def lines_file(folder: Path, kind: str, rows: list[dict[str, Any]]) -> Path:
    path = folder / f"{kind}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
