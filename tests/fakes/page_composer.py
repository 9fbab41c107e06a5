"""page_composer's three services in memory, for tests of whatever calls them. They pass the contract suite that the
real ones pass.

Pages are made by the real pipeline; what it asks of others is answered in this process: profiles as a test sets
them, a ranker and a catalogue over a list of items, decisions and page log in lists.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.kit.errors import DependencyDown
from services.kit.pseudonyms import Pseudonyms
from services.page_composer.brief import Settings
from services.page_composer.compose import Composer
from services.page_composer.dependencies import Dependencies
from services.page_composer.examination import read_examination
from services.page_composer.experiment_servicer import ExperimentServicer
from services.page_composer.fallback import Fallback
from services.page_composer.index_builder import IndexBuilder
from services.page_composer.keeping import Keeping
from services.page_composer.logged_page import LoggedPage, campaign_uses, record
from services.page_composer.merchandise import Merchandise
from services.page_composer.merchandise_feed import MerchandiseFeed
from services.page_composer.merchandising_servicer import MerchandisingServicer
from services.page_composer.page import Page
from services.page_composer.page_log import pseudonym_of
from services.page_composer.page_release import NO_RELEASE, PageRelease
from services.page_composer.pools import Pool
from services.page_composer.ports import NOBODY, LateCheck, Met, Recommended
from services.page_composer.reading import facts_of, late_check_of, met_of, recommended_of
from services.page_composer.servicer import PageComposerServicer
from services.page_composer.shops import Shop, Shops
from services.page_composer.store.decision_store import KINDS, Decisions
from services.page_composer.template import read_templates
from services.page_composer.upstreams import late_check_message, pool_message, visit_message
from services.page_composer.visit import Visit
from services.page_composer.weighing import read_posterior, read_weights
from services.page_composer.wording import Wording
from services.ranker.sources import SOURCE_NAMES
from tests.fakes.keys import PSEUDONYM_KEY, TRACKING_KEY
from tests.fakes.page_release import EXAMINATION
from tests.fakes.ranker import FakeRanker
from tests.fakes.small_catalogue import SmallCatalogue
from tests.small_shop import NOW, small_items
from vitrine.item_vision.v1 import item_vision_pb2
from vitrine.ranker.v1 import ranker_pb2
from vitrine.user_profile.v1 import user_profile_pb2

RELEASE_ID = "r20260228000000"
NOW_S = NOW.timestamp()


class MemoryDecisions:
    """DecisionStore in dictionaries; `down` makes every method fail as if the database were."""

    def __init__(self) -> None:
        self.down = False
        self._kept: dict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
        self._versions: dict[str, int] = {}

    async def put(self, kind: str, shop_id: str, decision_id: str, content: dict[str, Any]) -> int:
        self._check()
        self._kept[kind, shop_id][decision_id] = content
        return self._next(shop_id)

    async def delete(self, kind: str, shop_id: str, decision_id: str) -> int | None:
        self._check()
        return self._next(shop_id) if self._kept[kind, shop_id].pop(decision_id, None) else None

    async def list_all(self, kind: str, shop_id: str) -> list[dict[str, Any]]:
        self._check()
        return [content for _, content in sorted(self._kept[kind, shop_id].items())]

    async def load(self, shop_id: str) -> Decisions:
        self._check()
        content = {kind: await self.list_all(kind, shop_id) for kind in KINDS}
        return Decisions(self._versions.get(shop_id, 0), content)

    async def versions(self) -> dict[str, int]:
        self._check()
        return dict(self._versions)

    async def costs(self) -> dict[str, dict[str, float]]:
        self._check()
        return {}

    def _next(self, shop_id: str) -> int:
        self._versions[shop_id] = self._versions.get(shop_id, 0) + 1
        return self._versions[shop_id]

    def _check(self) -> None:
        if self.down:
            raise DependencyDown("database")


class MemoryPages:
    """The page log in a list: what PageLog takes, what PageStore exports, how often campaigns were seen."""

    def __init__(self) -> None:
        self.down = False
        self.logged: list[LoggedPage] = []
        self._pseudonyms = Pseudonyms(PSEUDONYM_KEY)

    def put(self, page: Page, visit: Visit) -> None:
        if any(each.page.page_id == page.page_id and each.shop_id == page.shop_id for each in self.logged):
            return
        self.logged.append(
            LoggedPage(
                shop_id=page.shop_id,
                page=record(page, visit.region),
                pseudonym=pseudonym_of(self._pseudonyms, visit),
                analytics=visit.profile.consents.analytics,
                campaigns=campaign_uses(page, 0.02),
            )
        )

    async def seen(self, visit: Visit, campaign_ids: Sequence[str], timeout_s: float) -> Mapping[str, int]:
        if self.down:
            raise DependencyDown("database")
        pseudonym = pseudonym_of(self._pseudonyms, visit)
        since = datetime.fromtimestamp(visit.at_s, UTC) - timedelta(hours=24)
        seen = [
            use.campaign_id
            for logged in self.logged
            if logged.pseudonym == pseudonym and logged.composed_at >= since
            for use in logged.campaigns
        ]
        return {campaign_id: seen.count(campaign_id) for campaign_id in campaign_ids}

    async def export(self, shop_id: str, from_: datetime, before: datetime) -> AsyncIterator[list[LoggedPage]]:
        if self.down:
            raise DependencyDown("database")
        pages = [
            logged
            for logged in self.logged
            if logged.shop_id == shop_id and from_ <= logged.composed_at < before and logged.may_be_kept
        ]
        if pages:
            yield sorted(pages, key=lambda logged: (logged.composed_at, logged.page.page_id))


class FakeProfiles:
    """user_profile as a port: profiles by user_id or session_id, as a test sets them."""

    def __init__(self) -> None:
        self.profiles: dict[str, user_profile_pb2.Profile] = {}
        self.down = False

    async def meet(self, visit: Visit, release_id: str, min_version: int, *, as_of: bool, timeout_s: float) -> Met:
        if self.down:
            raise DependencyDown("user_profile")
        message = self.profiles.get(visit.subject)
        return met_of(message) if message is not None else NOBODY


class InProcessRanker:
    """A FakeRanker as a port."""

    def __init__(self, fake: FakeRanker) -> None:
        self.fake = fake

    async def recommend(
        self, visit: Visit, release_id: str, met: Met, pools: Mapping[str, Pool], timeout_s: float
    ) -> Recommended:
        request = ranker_pb2.RecommendRequest(
            shop_id=visit.shop_id,
            request_id=visit.request_id,
            visit=visit_message(visit, release_id),
            profile=met.message,
            pools=[pool_message(pool_id, pool) for pool_id, pool in pools.items()],
        )
        request.at.FromSeconds(int(visit.at_s))
        return recommended_of(await self.fake.Recommend(request))


class InProcessCatalogue:
    """A SmallCatalogue as a port."""

    def __init__(self, fake: SmallCatalogue) -> None:
        self.fake = fake

    async def late_check(self, shop_id: str, held: Mapping[str, int], locale: str, timeout_s: float) -> LateCheck:
        return late_check_of(await self.fake.GetItems(late_check_message(shop_id, held, locale)))


class OneRelease:
    """Releases with one choice for every shop, or none."""

    def __init__(self, release: PageRelease) -> None:
        self.release = release

    def choices(self, shop_id: str, wanted: str = "") -> list[PageRelease]:
        return [self.release, NO_RELEASE] if self.release.release_id else [NO_RELEASE]


class FakePageComposer:
    """The three servicers: `pages`, `merchandising`, `experiments`; register each.

    `shops_with_items` have the given items (by default 60 small ones); any other shop has nothing.
    `profiles.profiles` are the known visitors; `decisions.down` and `log.down` simulate a database that is down,
    `ranker.down` a ranker that is.
    """

    def __init__(
        self,
        shops_with_items: Sequence[str] = ("boutique",),
        items: Sequence[item_vision_pb2.ItemFacts] | None = None,
        now_s: float = NOW_S,
    ) -> None:
        facts = [item.facts() for item in small_items()] if items is None else list(items)
        self.profiles, self.decisions, self.log = FakeProfiles(), MemoryDecisions(), MemoryPages()
        self.ranker = FakeRanker(facts, ready=[RELEASE_ID])
        self.catalogue = SmallCatalogue(facts)
        self.now_s = now_s
        built_in = read_templates()
        feed = MerchandiseFeed(self.decisions, built_in)
        self.shops = Shops(Merchandise(built_in), lambda shop: self._follow(shop, shops_with_items))
        release = PageRelease(RELEASE_ID, read_examination(EXAMINATION), Fallback(), frozenset(SOURCE_NAMES))
        wording, weights, posterior = Wording.read(), read_weights(), read_posterior()
        composer = Composer(
            self.shops,
            OneRelease(release),
            Dependencies(self.profiles, InProcessRanker(self.ranker), InProcessCatalogue(self.catalogue), self.log),
            self.log,
            Settings(wording, lambda: weights, lambda: posterior),
        )
        keeping = Keeping(self.decisions, self.shops, feed)
        self.pages = PageComposerServicer(composer, self.shops, self.log, TRACKING_KEY, (wording, "en"), self._clock)
        self.merchandising = MerchandisingServicer(keeping, built_in)
        self.experiments = ExperimentServicer(keeping, self.shops, self._clock)

    def _clock(self) -> float:
        return self.now_s

    def _follow(self, shop: Shop, shops_with_items: Sequence[str]) -> None:
        if shop.shop_id in shops_with_items:
            builder = IndexBuilder()
            builder.put(facts_of(item) for item in self.catalogue.items.values())
            builder.cursor = "1"
            shop.index = builder.snapshot()
        shop.index_read.set()
        shop.merchandise_tried.set()
