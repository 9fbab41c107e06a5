"""Measures recording: how many events a second become durable."""

import asyncio
import itertools
import time
from typing import Any

import asyncpg
from google.protobuf.timestamp_pb2 import Timestamp

from lab.benchmark.machine import BENCHMARK, usage
from lab.benchmark.open_loop import Send, closed_loop
from lab.benchmark.rig import Rig
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc

SHOP = "bench"
"""Events go to a shop of their own: random views would spoil the profiles and the next training of a real one."""
EVENTS_A_CALL = 100
IN_FLIGHT = 4
TIMEOUT_S = 10.0


async def events_a_second(rig: Rig, seconds: float) -> dict[str, Any]:
    """Record batches of views as fast as they are acknowledged, and remove them again. Raises: AioRpcError."""
    before = usage(rig.work)
    try:
        calls = await closed_loop(_recording(rig), IN_FLIGHT, seconds)
        spent = usage(rig.work).since(before)
    finally:
        await _remove(rig.ensemble.dsn)
    events = max(calls * EVENTS_A_CALL * spent.seconds, 1.0)
    cores = {name: round(each / spent.seconds, 3) for name, each in sorted(spent.cpu_s.items())}
    return {
        "events_a_second": round(calls * EVENTS_A_CALL, 0),
        "seconds": seconds,
        "events_a_call": EVENTS_A_CALL,
        "in_flight": IN_FLIGHT,
        "cores": cores,
        "client_share": round(cores.get(BENCHMARK, 0.0) / max(sum(cores.values()), 1e-9), 3),
        "services_cpu_us_an_event": round(spent.services_s * 1e6 / events, 1),
        **spent.noise(),
    }


def _recording(rig: Rig) -> Send:
    """Calls that each record a batch of views."""
    stub = user_profile_pb2_grpc.UserProfileServiceStub(rig.profiles)
    users, items = rig.shop.users, rig.shop.item_ids
    numbers = itertools.count()
    run_id = f"bench-{time.time_ns()}"

    async def send(_number: int) -> bool:
        now = Timestamp()
        now.GetCurrentTime()
        batch = [next(numbers) for _ in range(EVENTS_A_CALL)]
        events = [
            user_profile_pb2.Event(
                event_id=f"{run_id}-{number}",
                action=common_pb2.ACTION_VIEW,
                occurred_at=now,
                user_id=users[number * 7 % len(users)],
                item_id=items[number * 13 % len(items)],
            )
            for number in batch
        ]
        request = user_profile_pb2.RecordEventsRequest(shop_id=SHOP, events=events)
        await stub.RecordEvents(request, timeout=TIMEOUT_S)
        return False

    return send


async def _remove(dsn: str) -> None:
    """Leave no event behind: the next run would find larger tables."""
    connection = await asyncpg.connect(dsn)
    try:
        for table in ("events", "event_ledger", "recent_events", "subjects"):
            await connection.execute(f"DELETE FROM user_profile.{table} WHERE shop_id = $1", SHOP)
    finally:
        await asyncio.shield(connection.close())
