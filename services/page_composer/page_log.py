"""After the answer: pages into the log in batches, campaign views counted, erasures followed. None of it can fail a
page.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.kit.background import BatchSettings, BatchWriter
from services.kit.errors import DependencyDown
from services.kit.pseudonyms import Pseudonyms
from services.kit.status import RemoteError
from services.kit.upstream import Upstream
from services.page_composer.logged_page import CampaignUse, LoggedPage, campaign_uses, record
from services.page_composer.page import Page
from services.page_composer.store.page_store import PageStore
from services.page_composer.visit import Visit
from vitrine.user_profile.v1 import user_profile_pb2, user_profile_pb2_grpc

LOG = logging.getLogger(__name__)

RETRY_S = 1.0
CAP_WINDOW = timedelta(hours=24)
BATCHES = BatchSettings(max_wait_ms=500.0)
"""A transaction costs as much as several pages, so they wait a little for company."""


def pseudonym_of(pseudonyms: Pseudonyms, visit: Visit) -> bytes | None:
    """The visitor's pseudonym, the same as in user_profile's exports; None for nobody."""
    if visit.user_id:
        return pseudonyms.user(visit.shop_id, visit.user_id)
    return pseudonyms.session(visit.shop_id, visit.session_id) if visit.session_id else None


@dataclass(frozen=True)
class Answered:
    """A page as it was answered; its record is made when it is written, not while the visitor waits."""

    page: Page
    visit: Visit
    pseudonym: bytes | None
    campaigns: Sequence[CampaignUse]

    def logged(self) -> LoggedPage:
        """What is kept of it."""
        unknown = any(each.dependency == "user_profile" for each in self.page.degraded)
        analytics = self.visit.profile.consents.analytics
        return LoggedPage(
            shop_id=self.visit.shop_id,
            page=record(self.page, self.visit.region),
            pseudonym=self.pseudonym,
            analytics=analytics,
            refused=self.pseudonym is not None and not analytics and not unknown,
            campaigns=self.campaigns,
        )

    def views(self) -> list[tuple[str, bytes, str]]:
        """Which visitor saw which campaign of which shop."""
        if self.pseudonym is None:
            return []
        return [(self.visit.shop_id, self.pseudonym, use.campaign_id) for use in self.campaigns]


class PageLog:
    """Takes pages, and answers how often a visitor saw a campaign: what is written, and what is still waiting to be."""

    def __init__(self, store: PageStore, pseudonyms: Pseudonyms, redemption_rate: Callable[[], float]) -> None:
        self._store = store
        self._pseudonyms = pseudonyms
        self._redemption_rate = redemption_rate
        self._waiting: Counter[tuple[str, bytes, str]] = Counter()
        self.writer: BatchWriter[Answered] = BatchWriter("page_log", self._write, BATCHES)
        """Enter it as a context to start writing."""

    def put(self, page: Page, visit: Visit) -> None:
        """Take a page; never waits."""
        pseudonym = pseudonym_of(self._pseudonyms, visit)
        answered = Answered(page, visit, pseudonym, campaign_uses(page, self._redemption_rate()))
        if self.writer.put(answered):
            self._waiting.update(answered.views())

    async def seen(self, visit: Visit, campaign_ids: Sequence[str], timeout_s: float) -> Mapping[str, int]:
        """Views of a visitor in the last 24 hours. Raises: DependencyDown."""
        pseudonym = pseudonym_of(self._pseudonyms, visit)
        if pseudonym is None:
            return {}
        since = datetime.fromtimestamp(visit.at_s, UTC) - CAP_WINDOW
        try:
            async with asyncio.timeout(timeout_s):
                written = await self._store.views(visit.shop_id, pseudonym, campaign_ids, since)
        except TimeoutError as late:
            raise DependencyDown("database", cause="timeout") from late
        return {each: written.get(each, 0) + self._waiting[visit.shop_id, pseudonym, each] for each in campaign_ids}

    async def _write(self, pages: Sequence[Answered]) -> None:
        try:
            await self._store.write([answered.logged() for answered in pages])
        finally:
            for answered in pages:
                self._waiting.subtract(answered.views())
            self._waiting = +self._waiting


class Erasures:
    """Follows user_profile's deletions: what is erased there is erased here."""

    def __init__(self, upstream: Upstream, store: PageStore) -> None:
        self._upstream = upstream
        self._stub = user_profile_pb2_grpc.UserProfileServiceStub(upstream.channel)
        self._store = store

    async def follow(self, shop_id: str) -> None:
        """Follow one shop until cancelled, from the last erasure that was carried out."""
        while True:
            try:
                await self.read(shop_id)
            except (DependencyDown, RemoteError) as problem:
                LOG.info("erasures cannot be followed: %s", problem, extra={"fields": {"shop_id": shop_id}})
            await asyncio.sleep(RETRY_S)

    async def read(self, shop_id: str, *, stop_at_end: bool = False) -> None:
        """Carry out what comes; erasing is durable before the cursor moves on. Raises: DependencyDown; RemoteError."""
        request = user_profile_pb2.WatchDeletionsRequest(
            shop_id=shop_id, cursor=await self._store.erased_up_to(shop_id), stop_at_end=stop_at_end
        )
        async for message in self._upstream.stream(self._stub.WatchDeletions, request):
            pseudonyms = [bytes.fromhex(pseudonym) for pseudonym in message.user_pseudonyms]
            await self._store.erase(shop_id, pseudonyms, message.cursor)
