"""What users cost: memory of all processes, and a page, from a thousand users to a million."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

from lab.benchmark.machine import memory_mib, shared_out_memory_mib
from lab.benchmark.rig import Rig
from lab.benchmark.settling import at_rest
from lab.benchmark.showing import Show
from lab.benchmark.sizes import REST_S
from lab.benchmark.users import UserRows, user_id
from lab.evaluation.statistics import percentiles
from lab.supervisor.keys import work_secrets

USERS = (1_000, 10_000, 100_000, 1_000_000)
QUICK_USERS = (1_000, 5_000)
LEAST_ADDED = 50_000
PAGES = 150
QUICK_PAGES = 20


async def grown(rig: Rig, counts: Sequence[int], pages: int, show: Show) -> dict[str, Any]:
    """Add users to a synthetic shop step by step; at each, let everything come to rest, compose pages, measure.

    Raises: ValueError for a shop that is not synthetic.
    """
    if not rig.shop.synthetic:
        raise ValueError("users are made up in synthetic shops only")
    rows = UserRows(rig.ensemble.dsn, work_secrets(rig.work)["pseudonym_key"], rig.shop.shop_id, rig.shop.item_ids)
    known, steps = len(rig.shop.users), []
    for count in counts:
        show("users", count, counts[-1])
        if count > known:
            await rows.add(known, count)
            known = count
        steps.append(await _step(rig, count, pages))
    return {"items": rig.shop.item_count, "steps": steps, **memory_per_million(steps)}


def memory_per_million(steps: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Growth of all processes' memory from the first step to the last, for a million users; by process too.

    Nothing where too few users were added to tell their memory from what processes take and give back anyway.
    """
    if not steps or steps[-1]["users"] - steps[0]["users"] < LEAST_ADDED:
        return {}
    first, last = steps[0], steps[-1]
    millions = (last["users"] - first["users"]) / 1e6
    by_process = {
        name: round((held - first["shared_out_memory_mib"].get(name, 0.0)) / millions, 1)
        for name, held in last["shared_out_memory_mib"].items()
    }
    return {
        "memory_mib_per_million_users": round(sum(by_process.values()), 1),
        "memory_mib_per_million_users_by_process": by_process,
        "database_mib_per_million_users": round((last["database_mib"] - first["database_mib"]) / millions, 1),
    }


async def _step(rig: Rig, count: int, pages: int) -> dict[str, Any]:
    resting = await at_rest(rig.work, REST_S)
    # Users from all over the number range, so that no cache holds their rows.
    users = [user_id(place * count // pages) for place in range(min(pages, count))]
    composing = rig.pages(f"users-{count}", users)
    took = [(await composing.timed(number))[1] for number in range(len(users))]
    alone = (await composing.alone(len(users)))["alone"]
    held = await asyncio.to_thread(shared_out_memory_mib, rig.work)
    return {
        "users": count,
        "page_ms": percentiles(took),
        "cpu_ms_a_page": alone["cpu_ms_a_page"],
        "services_cpu_ms_a_page": alone["services_cpu_ms_a_page"],
        "memory_mib": await asyncio.to_thread(memory_mib, rig.work),
        "shared_out_memory_mib": held,
        "memory_mib_in_all": round(sum(held.values()), 1),
        "database_mib": await _database_mib(rig.ensemble.dsn),
        **resting,
        "other_load": alone["other_load"],
        "disturbed": alone["disturbed"],
    }


async def _database_mib(dsn: str) -> float:
    """What the database takes on the disk."""
    connection = await asyncpg.connect(dsn)
    try:
        return round(float(await connection.fetchval("SELECT pg_database_size(current_database())")) / 2**20, 1)
    finally:
        await connection.close()
