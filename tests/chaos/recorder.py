"""A web tier that records events while things break, and remembers which were acknowledged."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from services.kit.channels import open_channel
from vitrine.common.v1 import common_pb2
from vitrine.user_profile.v1 import user_profile_pb2 as pb
from vitrine.user_profile.v1 import user_profile_pb2_grpc

BATCH = 3
PAUSE_S = 0.03
DEADLINE_S = 1.0


@dataclass
class Recorder:
    """Records batch after batch for one user. A batch that was not acknowledged is sent again, the same."""

    addresses: Sequence[str]
    shop_id: str
    user_id: str
    item_id: str
    acknowledged: list[str] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)
    refusals: list[grpc.StatusCode] = field(default_factory=list)

    async def __aenter__(self) -> "Recorder":
        self._channel = open_channel(self.addresses, {})
        self._stub = user_profile_pb2_grpc.UserProfileServiceStub(self._channel)
        self._task = asyncio.create_task(self._record_again_and_again())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._channel.close()

    async def _record_again_and_again(self) -> None:
        number = 0
        while True:
            batch = [self._event(number + each) for each in range(BATCH)]
            number += BATCH
            self.sent.update(event.event_id for event in batch)
            while not await self._acknowledged(batch):
                pass
            self.acknowledged += [event.event_id for event in batch]

    async def _acknowledged(self, batch: list[pb.Event]) -> bool:
        await asyncio.sleep(PAUSE_S)
        request = pb.RecordEventsRequest(shop_id=self.shop_id, events=batch)
        try:
            answer = await self._stub.RecordEvents(request, timeout=DEADLINE_S)
        except grpc.RpcError as error:
            self.refusals.append(error.code())
            return False
        return answer.recorded_count + answer.duplicate_count == len(batch)

    def _event(self, number: int) -> pb.Event:
        now = Timestamp()
        now.FromNanoseconds(time.time_ns())
        return pb.Event(
            event_id=f"{self.user_id}-{number}",
            action=common_pb2.ACTION_VIEW,
            occurred_at=now,
            user_id=self.user_id,
            item_id=self.item_id,
        )


async def exported_event_ids(addresses: Sequence[str], shop_id: str, user_id: str) -> list[str]:
    """Every event that is stored of a user, in time order."""
    channel = open_channel(addresses, {})
    try:
        stub = user_profile_pb2_grpc.UserProfileServiceStub(channel)
        request = pb.ExportUserDataRequest(shop_id=shop_id, user_id=user_id)
        records = stub.ExportUserData(request, timeout=30.0)
        return [record.event.event_id async for record in records if record.HasField("event")]
    finally:
        await channel.close()
