"""One stream of items: each message is a batch of its own, and what is refused is listed, not fatal."""

import asyncio
from datetime import UTC, datetime
from typing import Final

from services.item_vision.holdings import Holdings
from services.item_vision.intake import Intake, take_in
from vitrine.item_vision.v1 import item_vision_pb2 as pb

LISTED_ERRORS: Final = 1_000


class ItemStream:
    """Takes messages one after the other and keeps the answer. While PostgreSQL stores one, the next is checked: never
    more than two are held, and they are stored in the order in which they came.
    """

    def __init__(self, shop_id: str, holdings: Holdings) -> None:
        self.shop_id = shop_id
        self.answer = pb.UpsertItemsResponse()
        """What became of the stream so far."""
        self._holdings = holdings
        self._index = 0
        self._storing: asyncio.Task[None] | None = None

    async def take(self, request: pb.UpsertItemsRequest) -> None:
        """Check a message, and begin to store it once the one before is durable. Raises: DependencyDown."""
        now = datetime.now(UTC)
        intake = await take_in(self.shop_id, request.items, self._index, now, self._holdings.reader)
        self._index += len(request.items)
        await self.settle()
        self._storing = asyncio.create_task(self._store(intake, now))

    async def settle(self) -> None:
        """Wait until everything taken is durable. Raises: DependencyDown."""
        storing, self._storing = self._storing, None
        if storing is not None:
            await storing

    async def _store(self, intake: Intake, now: datetime) -> None:
        answer = self.answer
        written = await self._holdings.catalogue.put(
            self.shop_id, list(intake.items.values()), list(intake.pictures.values()), now
        )
        answer.created_count += written.created
        answer.updated_count += written.updated + intake.repeated
        answer.unchanged_count += written.unchanged
        answer.revived_count += written.revived
        answer.rejected_count += intake.rejected
        answer.errors.extend(intake.errors[: LISTED_ERRORS - len(answer.errors)])
