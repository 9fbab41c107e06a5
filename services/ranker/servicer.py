"""RankerService: check, call the domain, convert."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import grpc

from services.kit.errors import DependencyDown, NotFound
from services.ranker import requests
from services.ranker.explain import explain
from services.ranker.items import Items
from services.ranker.pool_filter import PoolFilter
from services.ranker.pools import Ground, Pool
from services.ranker.ranker_release import RankerRelease
from services.ranker.recommend import Gathered, OrderedPool, Probabilities, gather, gather_given, order_pools, score
from services.ranker.stages import Stages
from services.ranker.visits import visitor_of
from services.ranker.wiring import Holdings
from vitrine.ranker.v1 import ranker_pb2, ranker_pb2_grpc
from vitrine.user_profile.v1 import user_profile_pb2

VisitRequest = ranker_pb2.RecommendRequest | ranker_pb2.ScoreItemsRequest | ranker_pb2.ExplainRequest


class RankerServicer(ranker_pb2_grpc.RankerServiceServicer):
    """Answers with what `Holdings` holds."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    async def Recommend(  # type: ignore[override]  # noqa: N802
        self, request: ranker_pb2.RecommendRequest, context: grpc.aio.ServicerContext
    ) -> ranker_pb2.RecommendResponse:
        """Fill the pools of a page and score their union once."""
        requests.check_recommend(request)
        stages = Stages()
        release = self._release(request)
        ground = _ground(request, release, requests.time_of(request, datetime.now(UTC)))
        limit = request.union_limit or requests.MAXIMUM_UNION
        with stages.stage("gather"):
            pools = [_pool(pool) for pool in request.pools]
            gathered = await self._holdings.on_items(release, lambda items: gather(pools, limit, ground(items)))
        with stages.stage("predict"):
            scored = await score(gathered, self._holdings.predict(release))
        with stages.stage("order"):
            ordered = order_pools(gathered, scored.click)
        response = ranker_pb2.RecommendResponse(
            item_ids=gathered.item_ids,
            p_click_if_seen=scored.click.tolist(),
            p_purchase_if_seen=scored.purchase.tolist(),
            release_id=release.release_id,
            model_version=scored.model_version,
            calibrated=release.calibrated,
            degraded=_degradation(gathered, scored),
            timings=stages.messages(),
            item_cursor=gathered.item_cursor,
        )
        for pool in ordered:
            _add(response, pool)
        return response

    async def ScoreItems(  # type: ignore[override]  # noqa: N802
        self, request: ranker_pb2.ScoreItemsRequest, context: grpc.aio.ServicerContext
    ) -> ranker_pb2.ScoreItemsResponse:
        """Score given candidates."""
        requests.check_score_items(request)
        release = self._release(request)
        ground = _ground(request, release, requests.time_of(request, datetime.now(UTC)))
        asked = list(dict.fromkeys(request.item_ids))
        gathered = await self._holdings.on_items(release, lambda items: _gather_known(asked, ground(items)))
        scored = await score(gathered, self._holdings.predict(release))
        known = frozenset(gathered.item_ids)
        return ranker_pb2.ScoreItemsResponse(
            item_ids=gathered.item_ids,
            p_click_if_seen=scored.click.tolist(),
            p_purchase_if_seen=scored.purchase.tolist(),
            missing_item_ids=[item_id for item_id in asked if item_id not in known],
            release_id=release.release_id,
            model_version=scored.model_version,
            calibrated=release.calibrated,
            degraded=_degradation(gathered, scored),
        )

    async def Explain(  # type: ignore[override]  # noqa: N802
        self, request: ranker_pb2.ExplainRequest, context: grpc.aio.ServicerContext
    ) -> ranker_pb2.ExplainResponse:
        """Say what each group of inputs adds to one item's score."""
        requests.check_explain(request)
        release = self._release(request)
        ground = _ground(request, release, datetime.now(UTC))
        gathered = await self._holdings.on_items(release, lambda items: _gather_known([request.item_id], ground(items)))
        if not gathered.item_ids:
            raise NotFound(
                f"shop {request.shop_id} has no item {request.item_id}; ListItems names those there are",
                reason="ITEM_UNKNOWN",
                metadata={"item_id": request.item_id},
            )
        try:
            explanation = await explain(gathered.tensors, self._holdings.explain(release))
        except DependencyDown as missing:
            message = "scores cannot be explained without the model server; try again"
            raise DependencyDown("model_server", message, cause=missing.cause) from missing
        return ranker_pb2.ExplainResponse(
            p_click_if_seen=explanation.p_click_if_seen,
            baseline_p_click_if_seen=explanation.baseline_p_click_if_seen,
            contributions=[
                ranker_pb2.Contribution(input_group=group, log_odds=log_odds)
                for group, log_odds in explanation.contributions
            ],
            release_id=release.release_id,
            unattributed_log_odds=explanation.unattributed_log_odds,
        )

    def _release(self, request: VisitRequest) -> RankerRelease:
        return self._holdings.release(request.shop_id, request.visit.release_id)


def _ground(request: VisitRequest, release: RankerRelease, at: datetime) -> Callable[[Items], Ground]:
    """The ground of a call, once the items are at hand."""
    profile: user_profile_pb2.Profile | None = request.profile if request.HasField("profile") else None
    visitor = visitor_of(request.visit, profile, at, release.spaces.get("user", ""))
    return lambda items: Ground(visitor, release, items, at.timestamp())


def _gather_known(item_ids: Sequence[str], ground: Ground) -> Gathered:
    return gather_given(ground.items.positions(item_ids), ground)


def _pool(pool: ranker_pb2.Pool) -> Pool:
    return Pool(
        pool_id=pool.pool_id,
        source=pool.source,
        seed_item_ids=tuple(pool.seed_item_ids),
        item_ids=tuple(pool.item_ids),
        filter=_filter(pool.filter) if pool.HasField("filter") else _NO_FILTER,
        limit=pool.limit or requests.DEFAULT_POOL_SIZE,
    )


def _filter(wanted: ranker_pb2.PoolFilter) -> PoolFilter:
    return PoolFilter(
        categories=tuple(wanted.categories),
        brands=tuple(wanted.brands),
        maximum_age_days=wanted.maximum_age_days if wanted.HasField("maximum_age_days") else None,
        reduced_only=wanted.reduced_only,
        excluded_item_ids=tuple(wanted.excluded_item_ids),
        minimum_price_minor=wanted.minimum_price_minor if wanted.HasField("minimum_price_minor") else None,
        maximum_price_minor=wanted.maximum_price_minor if wanted.HasField("maximum_price_minor") else None,
        query=wanted.query,
    )


_NO_FILTER = PoolFilter()


def _add(response: ranker_pb2.RecommendResponse, pool: OrderedPool) -> None:
    """Put a pool into the answer, in place: what is handed over as a message is copied."""
    filled, order = pool.filled, pool.order
    paths: Sequence[str] = [filled.paths[place] for place in order.tolist()] if filled.paths else ()
    response.pools.add(
        pool_id=filled.pool_id,
        indexes=pool.columns.tolist(),
        source_scores=filled.scores[order].tolist(),
        evidence_indexes=filled.evidence[order].tolist(),
        evidence_item_ids=filled.seeds,
        evidence_paths=paths,
    )


_CAUSES = frozenset({"timeout", "breaker_open"})


def _degradation(gathered: Gathered, scored: Probabilities) -> ranker_pb2.Degradation | None:
    """The model server's absence weighs more than the catalogue's; the contract has room for one."""
    if scored.missing is not None:
        cause = scored.missing.cause if scored.missing.cause in _CAUSES else "unavailable"
        return ranker_pb2.Degradation(dependency="model_server", cause=cause, stand_in="source_scores")
    if not gathered.live:
        return ranker_pb2.Degradation(dependency="item_vision", cause="unavailable", stand_in="vocabulary")
    return None
