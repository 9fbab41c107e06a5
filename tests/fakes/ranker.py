"""RankerService in memory, for tests of whatever calls it: honest about pools, filters and failures, simple about
taste.

It knows the items it is given and scores them by a hash of visitor and item, so that scores differ between
visitors, do not depend on the other candidates, and are the same every time.
"""

import asyncio
import hashlib
import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import grpc

from services.kit.errors import DependencyDown, InvalidRequest, NotFound, NotReady
from services.ranker.catalogue import within
from services.ranker.requests import MAXIMUM_UNION, check_explain, check_recommend, check_score_items
from services.ranker.sources import SOURCE_NAMES
from vitrine.item_vision.v1.item_vision_pb2 import ItemFacts
from vitrine.ranker.v1 import ranker_pb2 as pb
from vitrine.ranker.v1 import ranker_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2

DAY_S = 86_400
NEED_SEEDS = frozenset({"item_cf", "visual", "content", "knowledge_graph", "user_cf"})
DEFAULT_POOL_SIZE = 100


class FakeRanker(ranker_pb2_grpc.RankerServiceServicer):
    """The service over a list of items.

    `ready` are the releases it answers for; `delay_s` makes it slow, `down` unavailable, `model_down` has source scores
    stand in; `unexplained` are releases whose model cannot explain itself, `not_shipped` are sources that a release
    lacks; `user_space` is the space that embeddings must be of, if set; `requests` are all Recommend requests received.
    """

    def __init__(self, items: Sequence[ItemFacts] = (), ready: Sequence[str] = ()) -> None:
        self.items = {item.item_id: item for item in items}
        self.ready = list(ready)
        self.delay_s = 0.0
        self.down = False
        self.model_down = False
        self.user_space = ""
        self.unexplained: set[str] = set()
        self.not_shipped: dict[str, frozenset[str]] = {}
        self.requests: list[pb.RecommendRequest] = []

    def ready_ids(self, shop_id: str) -> list[str]:
        return sorted(self.ready, reverse=True)

    async def Recommend(
        self, request: pb.RecommendRequest, context: grpc.aio.ServicerContext[Any, Any] | None = None
    ) -> pb.RecommendResponse:
        self.requests.append(request)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.down:
            raise DependencyDown("ranker")
        check_recommend(request)
        self._check_release(request.visit.release_id)
        self._check_embedding(request.profile)
        return self.recommended(request)

    async def ScoreItems(
        self, request: pb.ScoreItemsRequest, context: grpc.aio.ServicerContext[Any, Any] | None = None
    ) -> pb.ScoreItemsResponse:
        check_score_items(request)
        self._check_release(request.visit.release_id)
        self._check_embedding(request.profile)
        asked = list(dict.fromkeys(request.item_ids))
        known = [item_id for item_id in asked if item_id in self.items]
        clicks = [self.p_click(request.visit.user_id, item_id) for item_id in known]
        return pb.ScoreItemsResponse(
            item_ids=known,
            p_click_if_seen=clicks,
            p_purchase_if_seen=[click / 10 for click in clicks],
            missing_item_ids=[item_id for item_id in asked if item_id not in self.items],
            release_id=self._release_id(request.visit.release_id),
            model_version=0 if self.model_down else 1,
            calibrated=not self.model_down,
            degraded=self._degradation(),
        )

    async def Explain(
        self, request: pb.ExplainRequest, context: grpc.aio.ServicerContext[Any, Any] | None = None
    ) -> pb.ExplainResponse:
        check_explain(request)
        self._check_release(request.visit.release_id)
        self._check_embedding(request.profile)
        if request.item_id not in self.items:
            raise NotFound("no such item", reason="ITEM_UNKNOWN", metadata={"item_id": request.item_id})
        if self.model_down:
            raise DependencyDown("model_server")
        if request.visit.release_id in self.unexplained:
            raise NotReady("exported without explanations", reason="EXPLANATION_NOT_EXPORTED")
        p_click = self.p_click(request.visit.user_id, request.item_id)
        return pb.ExplainResponse(
            p_click_if_seen=p_click,
            baseline_p_click_if_seen=0.05,
            contributions=[pb.Contribution(input_group="history", log_odds=_log_odds(p_click) - _log_odds(0.05))],
            release_id=self._release_id(request.visit.release_id),
        )

    def recommended(self, request: pb.RecommendRequest) -> pb.RecommendResponse:
        """Fill and score; the request has been checked."""
        filled = [self._chosen(pool, request) for pool in request.pools]
        in_turn = (item_id for place in zip_longest(*filled) for item_id in place if item_id is not None)
        union = list(dict.fromkeys(in_turn))[: request.union_limit or MAXIMUM_UNION]
        column_of = {item_id: column for column, item_id in enumerate(union)}
        pools = []
        for pool, candidates in zip(request.pools, filled, strict=True):
            chosen = [item_id for item_id in candidates if item_id in column_of]
            chosen.sort(key=lambda item_id: -self.p_click(request.visit.user_id, item_id))
            seeds = list(pool.seed_item_ids)
            pools.append(
                pb.FilledPool(
                    pool_id=pool.pool_id,
                    indexes=[column_of[item_id] for item_id in chosen],
                    source_scores=[self.p_click("", item_id) for item_id in chosen],
                    evidence_indexes=[0 if seeds else -1 for _ in chosen],
                    evidence_item_ids=seeds[:1],
                )
            )
        clicks = [self.p_click(request.visit.user_id, item_id) for item_id in column_of]
        return pb.RecommendResponse(
            item_ids=list(column_of),
            p_click_if_seen=clicks,
            p_purchase_if_seen=[click / 10 for click in clicks],
            pools=pools,
            release_id=self._release_id(request.visit.release_id),
            model_version=0 if self.model_down else 1,
            calibrated=not self.model_down,
            degraded=self._degradation(),
            item_cursor="1",
        )

    @staticmethod
    def p_click(user_id: str, item_id: str) -> float:
        """Between 0.02 and 0.22, by visitor and item."""
        digest = hashlib.sha256(f"{user_id}\x00{item_id}".encode()).digest()
        return 0.02 + 0.2 * digest[0] / 255

    def _chosen(self, pool: pb.Pool, request: pb.RecommendRequest) -> list[str]:
        not_shipped = self.not_shipped.get(self._release_id(request.visit.release_id), frozenset())
        if pool.source in not_shipped - {"new"}:
            return []
        given = list(dict.fromkeys(pool.item_ids)) if pool.source == "given" else list(self.items)
        items = [self.items[item_id] for item_id in given if item_id in self.items]
        items = [item for item in items if self._passes(item, pool.filter, request.at.seconds)]
        if pool.source in NEED_SEEDS:
            acted = [action.item_id for action in request.profile.recent_actions]
            seeds = [self.items[each] for each in (pool.seed_item_ids or acted) if each in self.items]
            if pool.source != "knowledge_graph":
                alike = {seed.category for seed in seeds} or {""}
                items = [item for item in items if item.category in alike]
            items = [item for item in items if item.item_id not in {seed.item_id for seed in seeds}]
        if pool.source == "new":
            items.sort(key=lambda item: -item.created_at.seconds)
        else:
            items.sort(key=lambda item: (-self.p_click("", item.item_id), item.item_id))
        return [item.item_id for item in items][: pool.limit or DEFAULT_POOL_SIZE]

    @staticmethod
    def _passes(item: ItemFacts, wanted: pb.PoolFilter, now_s: int) -> bool:
        words = " ".join([*item.titles.values(), item.brand, item.category]).casefold()
        price = item.price.amount_minor
        return all(
            (
                not wanted.categories or within(item.category, wanted.categories),
                not wanted.brands or item.brand in wanted.brands,
                not wanted.HasField("maximum_age_days")
                or item.created_at.seconds >= now_s - wanted.maximum_age_days * DAY_S,
                not wanted.reduced_only or item.list_price.amount_minor > price,
                item.item_id not in wanted.excluded_item_ids,
                not wanted.HasField("minimum_price_minor") or price >= wanted.minimum_price_minor,
                not wanted.HasField("maximum_price_minor") or price <= wanted.maximum_price_minor,
                all(word in words for word in wanted.query.casefold().split()),
            )
        )

    def _check_release(self, release_id: str) -> None:
        if (release_id and release_id not in self.ready) or not self.ready:
            raise NotReady("not loaded here", reason="RELEASE_NOT_READY", metadata={"release_id": release_id})

    def _check_embedding(self, profile: user_profile_pb2.Profile) -> None:
        if self.user_space and profile.HasField("embedding") and profile.embedding.space_id != self.user_space:
            raise InvalidRequest.of("profile.embedding.space_id", f"send one of the space {self.user_space}")

    def _release_id(self, release_id: str) -> str:
        return release_id or self.ready[0]

    def _degradation(self) -> pb.Degradation | None:
        if not self.model_down:
            return None
        return pb.Degradation(dependency="model_server", cause="unavailable", stand_in="source_scores")


def _log_odds(probability: float) -> float:
    return math.log(probability / (1.0 - probability))


assert frozenset(SOURCE_NAMES) >= NEED_SEEDS
