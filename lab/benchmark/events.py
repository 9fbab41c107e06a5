"""Measures recording: how many events a second become durable."""

import itertools
import time
from collections.abc import Sequence

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from lab.benchmark.open_loop import closed_loop
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc

SHOP = "bench"
"""Events go to a shop of their own: random views would spoil the profiles and the next training of a real one."""
EVENTS_A_CALL = 100
IN_FLIGHT = 4
TIMEOUT_S = 10.0


async def events_a_second(
    channel: grpc.aio.Channel, users: Sequence[str], items: Sequence[str], seconds: float
) -> dict[str, float]:
    """Record batches of views as fast as they are acknowledged. Raises: AioRpcError."""
    stub = user_profile_pb2_grpc.UserProfileServiceStub(channel)
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

    calls = await closed_loop(send, IN_FLIGHT, seconds)
    return {
        "events_a_second": round(calls * EVENTS_A_CALL, 0),
        "events_a_call": EVENTS_A_CALL,
        "in_flight": IN_FLIGHT,
    }
