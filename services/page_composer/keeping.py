"""Keeping decisions: into PostgreSQL, and at once into force in this process."""

import logging
from typing import Any, Protocol

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from services.kit.errors import DependencyDown, NotFound
from services.page_composer.merchandise_feed import MerchandiseFeed
from services.page_composer.shops import Shops
from services.page_composer.store.decision_store import DecisionStore

LOG = logging.getLogger(__name__)


class PutRequest(Protocol):
    """What every request to keep something has."""

    shop_id: str
    validate_only: bool


class Keeping:
    """Decisions of one kind each: "rule", "campaign", "template", "experiment". Raises DependencyDown when
    PostgreSQL is down.
    """

    def __init__(self, store: DecisionStore, shops: Shops, feed: MerchandiseFeed) -> None:
        self._store = store
        self._shops = shops
        self._feed = feed

    async def put(self, kind: str, request: PutRequest, decision_id: str, decision: Message) -> int:
        """Keep a checked decision; returns the version after it. With validate_only nothing is written."""
        if request.validate_only:
            return (await self._store.versions()).get(request.shop_id, 0)
        content = MessageToDict(decision, preserving_proto_field_name=True)
        version = await self._store.put(kind, request.shop_id, decision_id, content)
        await self._take_effect(request.shop_id)
        return version

    async def listed(self, kind: str, shop_id: str) -> list[dict[str, Any]]:
        """What is kept of a kind, by id, as the contract's JSON."""
        return await self._store.list_all(kind, shop_id)

    async def delete(self, kind: str, shop_id: str, decision_id: str) -> int:
        """Delete a decision; returns the version after it. Raises: NotFound (<KIND>_UNKNOWN)."""
        version = await self._store.delete(kind, shop_id, decision_id)
        if version is None:
            raise NotFound(
                f"shop {shop_id} has no {kind} {decision_id} of its own",
                reason=f"{kind.upper()}_UNKNOWN",
                metadata={f"{kind}_id": decision_id},
            )
        await self._take_effect(shop_id)
        return version

    async def _take_effect(self, shop_id: str) -> None:
        try:
            await self._feed.load(self._shops.open(shop_id))
        except DependencyDown as down:
            # What was written is durable; the feed's next look takes it up.
            LOG.info("a decision takes effect later: %s", down)
